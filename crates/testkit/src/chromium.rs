//! Debian's Chromium, driven as a person drives it: keys and mouse buttons, and a look at what is there.
//!
//! It speaks the DevTools protocol through two pipes (`--remote-debugging-pipe`): JSON messages that a zero byte ends, in at
//! descriptor 3 and out at descriptor 4. There is no port that another program could find.

mod page;
mod seen;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::processes::{Led, children, kill, let_end};
pub use page::Page;
use seen::Seen;

/// Nothing here may leave this computer, and nothing asks the person of a fresh browser anything.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    // Names below `test` are other sites on this computer.
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    "--password-store=basic",
    "--lang=en-US",
];

/// The protocol's descriptors, and nothing else of the browser's on them.
const START: &str = "exec chromium \"$@\" 3<&0 4>&1 0</dev/null 1>&2";

/// A browser with a profile of its own. It is ended with all its processes when dropped, and when the thread that started it
/// ends.
pub struct Browser {
    child: Child,
    link: RefCell<Link>,
    folder: TempDir,
    /// Whether it was brought to another place.
    is_elsewhere: bool,
}

impl fmt::Debug for Browser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Browser({})", self.child.id())
    }
}

/// Both directions of the protocol.
struct Link {
    commands: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    answers: HashMap<u64, Value>,
    seen: HashMap<String, Seen>,
}

impl Browser {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        Self::start_by(&[], None)
    }

    /// The same in another place, into which the words of `entry` lead, with its files in a folder there.
    pub(crate) fn start_by(entry: &[String], there: Option<&str>) -> Self {
        let folder =
            tempfile::Builder::new().prefix("aldis-chromium-").tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a log");
        // A test that is killed cannot drop its browser.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(entry);
        command.args(["sh", "-c", START, "sh"]).args(FLAGS);
        let own = there.map_or_else(|| folder.path().to_owned(), PathBuf::from);
        command.arg(format!("--user-data-dir={}", own.join("profile").display())).arg("about:blank");
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", own);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let commands = child.stdin.take().expect("a pipe");
        let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while reader.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                let Ok(parsed) = serde_json::from_slice(&message) else { return };
                if sender.send(parsed).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let link = Link { commands, messages, last_id: 0, answers: HashMap::new(), seen: HashMap::new() };
        let browser = Self { child, link: RefCell::new(link), folder, is_elsewhere: !entry.is_empty() };
        browser.ask(None, "Browser.getVersion", json!({}));
        browser
    }

    /// A page of that size, in CSS pixels, for a person who likes it dark or not. Each has cookies of its own, as if it were
    /// another person's browser; [`Page::another`] shares them.
    pub fn page(&self, width: u32, height: u32, dark: bool) -> Page<'_> {
        let context = self.ask(None, "Target.createBrowserContext", json!({}));
        let context = context["browserContextId"].as_str().expect("a context");
        Page::open(self, context, (width, height), dark)
    }

    /// Sends one command, and hands over its result or its error's words.
    fn try_ask(&self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value, String> {
        let mut link = self.link.borrow_mut();
        link.last_id += 1;
        let id = link.last_id;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        // A browser that is gone is told below, with its log.
        let _ = link.commands.write_all(&bytes);
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(mut answer) = link.answers.remove(&id) {
                let error = answer["error"]["message"].as_str().map(ToOwned::to_owned);
                return error.map_or_else(|| Ok(answer["result"].take()), Err);
            }
            if link.listen(end.saturating_duration_since(Instant::now())).is_none() {
                drop(link);
                panic!("Chromium does not answer {method}\n--- its log\n{}", self.log());
            }
        }
    }

    fn ask(&self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        let shown = parameters.to_string();
        let outcome = self.try_ask(session, method, parameters);
        outcome.unwrap_or_else(|error| panic!("Chromium refuses {method} {shown}: {error}"))
    }

    /// Takes in what happens for that long.
    fn listen(&self, time: Duration) {
        let end = Instant::now() + time;
        while self.link.borrow_mut().listen(end.saturating_duration_since(Instant::now())).is_some() {}
    }

    /// What a page has seen so far.
    fn seen<T>(&self, session: &str, read: impl FnOnce(&mut Seen) -> T) -> T {
        read(self.link.borrow_mut().seen.entry(session.to_owned()).or_default())
    }

    fn log(&self) -> String {
        let path = self.folder.path().join("log");
        std::fs::read(&path)
            .map_or_else(|error| error.to_string(), |log| String::from_utf8_lossy(&log).into_owned())
    }
}

impl Link {
    /// Takes one message in. Nothing if none came in time, or none can come any more.
    fn listen(&mut self, time: Duration) -> Option<()> {
        let mut message = match self.messages.recv_timeout(time) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("Chromium is gone; is it installed? (apt-get install chromium)")
            }
        };
        if let Some(id) = message["id"].as_u64() {
            self.answers.insert(id, message);
        } else if let Some(session) = message["sessionId"].as_str() {
            let seen = self.seen.entry(session.to_owned()).or_default();
            let parameters = message["params"].take();
            seen.take_in(message["method"].as_str().unwrap_or_default(), &parameters);
        }
        Some(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.is_elsewhere && !children(self.child.id()).is_empty() {
            kill(Led::Children, self.child.id());
            let_end(&mut self.child);
        }
        // Whoever is left of the group could still write into the folder, which then could not be removed.
        kill(Led::Group, self.child.id());
        let _ = self.child.wait();
    }
}
