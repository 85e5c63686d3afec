//! A place: another machine on this one. It has file system, processes, network, host name and IPC of its own, made of
//! namespaces; its files lie above those of this machine and go with it, as do its processes, however the test ends.
//!
//! It holds the binary as `aldis`, the person `jo` and no program that opens a browser. Nothing reaches it, and it reaches
//! nothing, but what [`Place::join`] and [`Forward`](crate::Forward) let through.

mod net;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::run::is_root;
use crate::{Browser, Terminal};
pub use net::{Forward, Net};

/// The person in every place, who may do what everybody may.
pub const PERSON: &str = "jo";

/// Words that start a program in namespaces of its own; it is killed with whoever started it.
const UNSHARE: &[&str] = &[
    "setpriv",
    "--pdeathsig",
    "KILL",
    "--",
    "unshare",
    "--mount",
    "--net",
    "--uts",
    "--pid",
    "--ipc",
    "--cgroup",
    "--fork",
    "--kill-child",
];

/// Ends well where a place can be built.
const TRY: &str = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root && \
     mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root";

/// Files of the kernel can be covered; where there is none, the nearest folder is.
const PRETEND: &str = r#"
own=$(mktemp -p /run)
printf '%s\n' "$text" > "$own"
chmod 644 "$own"
folder=$(dirname "$path")
if [ ! -e "$path" ] && ! { mkdir -p "$folder" && : > "$path"; } 2> /dev/null; then
    above=$folder
    while [ ! -e "$above" ]; do above=$(dirname "$above"); done
    mount -t tmpfs -o mode=755 tmpfs "$above"
    mkdir -p "$folder"
    : > "$path"
fi
mount --bind "$own" "$path""#;

/// Another machine. Everything in it ends when it is dropped, and when the thread that built it ends.
#[derive(Debug)]
pub struct Place {
    child: Child,
    /// Its first process, as this machine numbers it.
    id: u32,
    name: String,
}

impl Place {
    /// Why no place can be built here; nothing where one can.
    pub fn why_not() -> Option<String> {
        if !is_root() {
            return Some("only root can build another machine out of namespaces".to_owned());
        }
        let (first, words) = UNSHARE.split_first().expect("words");
        let output = Command::new(first).args(words).args(["sh", "-c", TRY]).output();
        let output = output.unwrap_or_else(|error| panic!("{first}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        (!output.status.success()).then(|| format!("namespaces or overlays are not allowed here ({said})"))
    }

    /// A place of that name with the binary at `binary`.
    pub fn build(binary: &str, name: &str) -> Self {
        let (first, words) = UNSHARE.split_first().expect("words");
        let mut command = Command::new(first);
        command.args(words).args(["bash", "-c", include_str!("place/build.sh"), "bash", binary, name]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line);
        let id = line.trim().parse();
        let id = id.unwrap_or_else(|_| panic!("the place {name} was not built: {read:?} {line:?}"));
        Self { child, id, name: name.to_owned() }
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of its first process, as this machine knows it.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The words that bring a program there.
    pub fn entry(&self) -> Vec<String> {
        let target = self.id.to_string();
        ["nsenter", "--target", &target, "--mount", "--net", "--uts", "--pid", "--ipc", "--cgroup", "--"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Its network.
    pub fn net(&self) -> Net {
        Net::open(&PathBuf::from(format!("/proc/{}/ns/net", self.id)))
    }

    /// A network that lies in a file of the place, as `ip netns add` makes them.
    pub fn net_at(&self, path: &str) -> Net {
        Net::open(&self.path(path))
    }

    /// A cable to another place, and their addresses: this one gets the first, that one the second, of a network of 24 bits.
    pub fn join(&self, other: &Self, [own, others]: [&str; 2]) {
        let id = other.id.to_string();
        let (here, there) = (format!("to-{}", other.name), format!("to-{}", self.name));
        // With this machine's numbers of processes, and that place's network.
        let enter =
            |id: u32| vec!["--target".to_owned(), id.to_string(), "--net".to_owned(), "ip".to_owned()];
        let ip = |id: u32, words: &[&str]| {
            let status = Command::new("nsenter").args(enter(id)).args(words).status();
            assert!(status.is_ok_and(|status| status.success()), "ip {words:?}");
        };
        ip(self.id, &["link", "add", &here, "type", "veth", "peer", "name", &there, "netns", &id]);
        for (place, link, address) in [(self, here, own), (other, there, others)] {
            ip(place.id, &["address", "add", &format!("{address}/24"), "dev", &link]);
            ip(place.id, &["link", "set", &link, "up"]);
        }
    }

    /// Runs a script as root; what it printed.
    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        let output = self.try_sh(script);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "in {}: {script}\n{}\n{said}", self.name, output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a script as root, whatever comes of it.
    pub fn try_sh(&self, script: &str) -> Output {
        let entry = self.entry();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(entry).args(["bash", "-c", script]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/root");
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Starts a script as root and lets it run beside the test.
    pub fn start(&self, script: &str) {
        self.sh(&format!("exec >/tmp/started 2>&1 </dev/null; setsid --fork bash -c {}", quoted(script)));
    }

    /// Where a file of the place is for this machine.
    fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.id))
    }

    /// Writes a file of the person, who may also run it.
    pub fn write(&self, path: &str, text: &str) {
        let words = quoted(path);
        let script = format!("install -D -o {PERSON} -g {PERSON} -m 755 /dev/stdin {words}");
        // A folder that had to be made is the person's, too.
        let script = format!(
            "{script}; d=$(dirname {words}); while [ \"${{d#/home/{PERSON}/}}\" != \"$d\" ]; do \
             chown {PERSON}: \"$d\"; d=$(dirname \"$d\"); done"
        );
        let mut command = Command::new("nsenter");
        command.args(&self.entry()[1..]).args(["bash", "-c", &script]).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a reader");
        assert!(child.wait().is_ok_and(|status| status.success()), "{path} in {}", self.name);
    }

    /// The text of a file; nothing where there is none.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Every file that was written since the place was begun, by its path there.
    pub fn written(&self) -> BTreeSet<String> {
        let found =
            self.sh("cd /media/upper && find . -type f -printf '/%P\\n'; find /tmp /run -xdev -type f");
        found.lines().map(str::to_owned).collect()
    }

    /// The TCP ports on which somebody listens.
    pub fn listening(&self) -> BTreeSet<u16> {
        self.net().listening()
    }

    /// Puts a file where only the kernel could, such as `/proc/version`, or in a folder that the kernel does not have.
    pub fn pretend(&self, path: &str, text: &str) {
        self.sh(&format!("path={} text={}\n{PRETEND}", quoted(path), quoted(text)));
    }

    /// A bash of the person in a terminal of its own, with the prompt `NAME$ ` and these variables more.
    pub fn shell(&self, variables: &[(&str, &str)], size: (u16, u16)) -> Terminal {
        self.shell_of(PERSON, variables, size)
    }

    /// The same of the person or of root, whose prompt is `NAME# `.
    pub fn shell_of(&self, user: &str, variables: &[(&str, &str)], size: (u16, u16)) -> Terminal {
        let (home, sign) =
            if user == "root" { ("/root".to_owned(), '#') } else { (format!("/home/{user}"), '$') };
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups", "--"]);
        command.args(["env", &format!("--chdir={home}"), "bash", "-i"]);
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command.env_clear().env("PATH", path).env("HOME", &home).env("LANG", "C.UTF-8");
        command.env("USER", user).env("LOGNAME", user).env("SHELL", "/bin/bash");
        command.envs(variables.iter().copied());
        let mut terminal = Terminal::start_by(&self.entry(), &command, size);
        terminal.wait_for(&format!("{}{sign} ", self.name));
        terminal
    }

    /// A browser there.
    pub fn browser(&self) -> Browser {
        Browser::start_by(&self.entry(), Some("/tmp/chromium"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Its first process reads there; with its end all others end, and whoever waits for it takes it away.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
