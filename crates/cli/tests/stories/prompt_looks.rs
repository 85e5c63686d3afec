//! How the prompt looks in windows and terminals of all kinds, and what it leaves at each step when it is ended: by Ctrl-C, by a
//! window that is closed, by a request to end, and by a kill that nobody hears.

use std::net::{Ipv4Addr, TcpStream};

use testkit::{Ask, Center, Machine, Relay, Run, Terminal};

use crate::bad_places::free_port;
use crate::prompt::ends_on;
use crate::{TOKEN, begin_login, decide, machine, machine_and_center, user_code};

pub(crate) const SSH: &str = "192.0.2.7 50000 192.0.2.8 22";
/// A window as narrow as a phone's.
pub(crate) const NARROW: (u16, u16) = (40, 24);
pub(crate) const WIDE: (u16, u16) = (1000, 30);
/// Back to the first column with all of the line away, which begins each shape of the moving line.
const CLEAR_LINE: &str = "\r\u{1b}[2K";

/// A command line as somebody over SSH runs it, in a terminal of which all is known.
fn over_ssh<'a>(machine: &'a Machine, words: &[&str]) -> Run<'a> {
    let run = machine.aldis(words).with("TERM", "xterm").with("LANG", "C.UTF-8").with("USER", "ann");
    run.with("SSH_CONNECTION", SSH)
}

/// What the moving line said, each time.
pub(crate) fn moving_lines(screen: &str) -> Vec<&str> {
    let shapes = screen.split(CLEAR_LINE).skip(1);
    let shapes = shapes.map(|shape| shape.split(['\r', '\n', '\u{1b}']).next().unwrap());
    shapes.filter(|shape| shape.starts_with(|frame| ('\u{2800}'..='\u{28ff}').contains(&frame))).collect()
}

/// The line after these words.
pub(crate) fn line_after(terminal: &mut Terminal, words: &str) -> String {
    terminal.wait_for(words);
    terminal.wait_for("\n\n");
    terminal.wait_for("\n").trim_end().to_owned()
}

/// The link and, after its key, the code; then signed in.
fn to_the_end(machine: &Machine, terminal: &mut Terminal) -> (String, String) {
    let link = line_after(terminal, "open this page in");
    terminal.wait_for("[c] code");
    terminal.send("f");
    terminal.wait_for("ssh -N -L ");
    terminal.send("c");
    terminal.wait_for("enter this code");
    let shown = terminal.wait_for("[q] QR");
    let code = shown.lines().find_map(user_code).unwrap();
    terminal.send("q");
    decide(machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    (link, code)
}

/// What is to be copied.
fn is_to_copy(line: &str) -> bool {
    ["http://", "ssh -N ", "-L ", "-p ", "aldis "].iter().any(|begin| line.starts_with(begin))
}

#[test]
fn in_forty_columns_words_are_wrapped_and_what_is_to_be_copied_is_whole() {
    let (machine, center) = machine_and_center(&[]);
    let mut terminal = over_ssh(&machine, &["login"]).in_terminal(NARROW);
    let (link, code) = to_the_end(&machine, &mut terminal);
    assert!(link.starts_with(&format!("{}/authorize?", center.url())) && link.contains("&code_challenge="));
    let screen = terminal.screen();
    let moving = moving_lines(&screen);
    assert!(moving.iter().any(|shape| shape.contains("[c] code [y] copy")), "the keys are there: {moving:?}");
    assert!(
        moving.iter().all(|shape| shape.chars().count() < 40 || shape.contains("Signed in")),
        "{moving:?}"
    );
    let plain = terminal.plain();
    // The moving line stands before a carriage return.
    let lines: Vec<&str> = plain.lines().map(|line| line.rsplit('\r').next().unwrap()).collect();
    let begin = lines.iter().position(|line| line.starts_with("Over SSH")).unwrap();
    for line in &lines[begin..] {
        let is_path = line.split(' ').any(|word| word.len() > 40);
        assert!(line.chars().count() <= 40 || is_to_copy(line) || is_path, "{line:?} in {plain}");
    }
    for whole in ["ssh -N -L ", "-L ", &format!("{}/device?user_code={code}", center.url())] {
        assert!(lines.iter().any(|line| line.starts_with(whole) && is_to_copy(line)), "{whole}: {plain}");
    }
    assert!(lines.iter().any(|line| line.starts_with("ssh -N -L ") && line.ends_with(" ann@192.0.2.8")));
}

#[test]
fn a_link_is_whole_when_it_is_copied_out_of_tmux() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let socket = machine.folder().join("tmux").display().to_string();
    let tmux =
        |words: &[&str]| machine.program("tmux", &[&["-S", &socket, "-f", "/dev/null"], words].concat());
    let mut shell = machine.shell(NARROW);
    shell.wait_for("$ ");
    shell.line(&format!("export TERM=xterm LANG=C.UTF-8 SHELL=/bin/sh SSH_CONNECTION='{SSH}'"));
    shell.wait_for("$ ");
    shell.line(&format!("tmux -S {socket} -f /dev/null new-session 'aldis login; echo over=$?; read line'"));
    shell.wait_for("[c] code");
    // Lines that only the window broke are joined, as they are when somebody marks them.
    let copied = tmux(&["capture-pane", "-p", "-J", "-S", "-"]).ok();
    let link = copied.lines().find(|line| line.contains("/authorize?")).unwrap().trim().to_owned();
    let address = ends_on(&link);
    tmux(&["set-buffer", &address]).ok();
    tmux(&["paste-buffer", "-p"]).ok();
    shell.wait_for("over=0");
    let copied = tmux(&["capture-pane", "-p", "-J", "-S", "-"]).ok();
    assert!(copied.contains("Signed in to dev"), "{copied}");
    let code = address.split("code=").nth(1).unwrap().split('&').next().unwrap();
    assert!(!copied.contains(code), "{copied}");
    tmux(&["kill-server"]).ok();
}

#[test]
fn a_terminal_gets_what_it_can_show_and_no_more() {
    type Case = (&'static str, &'static str, fn(&str) -> bool);
    let cases: [Case; 4] = [
        ("LANG", "C", |screen| screen.is_ascii()),
        ("LC_ALL", "POSIX", |screen| screen.is_ascii()),
        ("TERM", "dumb", |screen| !screen.contains(['\u{1b}', '⠋', '⠙'])),
        ("NO_COLOR", "1", |screen| !screen.contains("\u{1b}[1;") && !screen.contains("\u{1b}[0m")),
    ];
    for (name, value, is_fit) in cases {
        let (machine, _center) = machine_and_center(&[]);
        let mut terminal = over_ssh(&machine, &["login"]).with(name, value).in_terminal((120, 50));
        let (link, _) = to_the_end(&machine, &mut terminal);
        let screen = terminal.screen();
        assert!(is_fit(&screen), "{name}={value}: {screen:?}");
        assert!(link.contains("&code_challenge="), "{link}");

        // A paste that is not taken, and half of one.
        let mut terminal = over_ssh(&machine, &["login"]).with(name, value).in_terminal((120, 50));
        terminal.wait_for("[c] code");
        terminal.send("http://127.0.0.1:1/oauth/callback?error=\u{fc}\u{1b}[31m");
        // Marked also where nobody asked for marks: some terminals do so.
        terminal.send("\u{1b}[200~nonsense with \u{1b}]0;title\u{7} and \u{fc}\u{1b}[201~");
        terminal.wait_for("warning: ");
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
        let screen = terminal.screen();
        assert!(is_fit(&screen), "{name}={value}: {screen:?}");
    }
}

/// Until where a sign-in gets.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The start URL is looked up.
    LookingUp,
    /// The client is registered.
    Registering,
    /// The link is shown.
    Link,
    /// Half of an address is typed.
    HalfTyped,
    /// The code is exchanged for a token.
    Exchanging,
    /// The same, and a browser that came back waits for its page.
    BrowserWaits,
    /// The code is shown beside the link.
    Code,
    /// A poll is under way.
    Polling,
    /// The code alone is shown.
    CodeAlone,
}

const STEPS: [Step; 9] = [
    Step::LookingUp,
    Step::Registering,
    Step::Link,
    Step::HalfTyped,
    Step::Exchanging,
    Step::BrowserWaits,
    Step::Code,
    Step::Polling,
    Step::CodeAlone,
];

/// A sign-in that has come to a step, and what it was found with.
struct Stopped {
    machine: Machine,
    center: Center,
    relay: Relay,
    terminal: Terminal,
    /// The settings of a terminal that nobody has touched.
    usual: String,
    port: u16,
    config: String,
}

/// Brings a command to a step. It is one that signs in to the session `dev`.
fn come_to(step: Step, command: &[&str]) -> Stopped {
    let (machine, center) = machine_and_center(&[]);
    let relay = Relay::before(center.port());
    if step == Step::LookingUp {
        machine.configure(&format!("{}/start", relay.url()));
        relay.hold("HEAD /start");
    }
    let config = machine.read(".aws/config");
    let usual = Terminal::start(&std::process::Command::new("true"), WIDE).settings();
    let port = free_port();
    let flow = if step == Step::CodeAlone { "device" } else { "auto" };
    let own_port = port.to_string();
    let words = [command, &["--flow", flow, "--redirect-port", &own_port]].concat();
    let run = over_ssh(&machine, &words);
    let run = match step {
        Step::LookingUp => run,
        _ => run.with("AWS_ENDPOINT_URL_SSO_OIDC", &relay.url()),
    };
    if step == Step::Registering {
        relay.hold("POST /client/register");
    }
    let mut terminal = run.in_terminal(WIDE);
    match step {
        Step::LookingUp | Step::Registering => relay.wait_for_held(1),
        Step::CodeAlone => drop(terminal.wait_for("waiting for your approval")),
        Step::Link | Step::HalfTyped | Step::Exchanging | Step::BrowserWaits | Step::Code | Step::Polling => {
            let link = line_after(&mut terminal, "open this page in");
            terminal.wait_for("[c] code");
            let link = link.replace(&relay.url(), center.url());
            act(step, &link, &machine, &relay, &mut terminal);
        }
    }
    Stopped { machine, center, relay, terminal, usual, port, config }
}

/// What the person does at the link.
fn act(step: Step, link: &str, machine: &Machine, relay: &Relay, terminal: &mut Terminal) {
    match step {
        Step::HalfTyped => {
            terminal.send("http://127.0.0.1:1/oauth/callback?code=half-of-a-secret");
            terminal.wait_for("characters; Enter reads them");
        }
        Step::Exchanging | Step::BrowserWaits => {
            relay.hold("POST /token");
            let address = machine.aldis(&["center", "authorize", link, "--person", "demo"]).ok();
            let address = address.trim().to_owned();
            if step == Step::Exchanging {
                terminal.paste(&address);
            } else {
                let (port, path) =
                    address.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
                let asked = Ask::new(port.parse().unwrap(), &format!("GET /{path}"));
                // It is cut off in the end, which is what a browser sees then.
                std::thread::spawn(move || asked.try_send());
            }
            relay.wait_for_held(1);
        }
        Step::Code => {
            terminal.send("c");
            terminal.wait_for("enter this code");
        }
        Step::Polling => {
            relay.hold("POST /token");
            terminal.send("c");
            terminal.wait_for("enter this code");
            relay.wait_for_held(1);
        }
        _ => {}
    }
}

impl Stopped {
    /// Nothing listens, nothing is half written, nobody is signed in, and no code was approved.
    #[track_caller]
    fn leaves_nothing(&self, step: Step) {
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err(), "{step:?}");
        assert_eq!(self.machine.read(".aws/config"), self.config, "{step:?}");
        assert!(!self.machine.home().join(TOKEN).exists(), "{step:?}");
        for (path, _) in self.machine.files() {
            assert!(!path.ends_with(".tmp") && !path.contains("probe"), "{step:?}: {path}");
            let text = self.machine.read(&path);
            assert!(!text.contains("half-of-a-secret"), "{step:?}: {path}");
            let is_whole = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert!(is_whole || !path.ends_with(".json"), "{step:?}: {path}");
        }
        let audit = self.machine.aldis(&["center", "audit", "--center", self.center.url()]).ok();
        assert!(!audit.contains("DecideDeviceAuthorization"), "{step:?}: {audit}");
    }

    /// The line is as it was, pastes are not marked any more, the cursor stands at the beginning of a line.
    #[track_caller]
    fn leaves_the_terminal_sane(&mut self, step: Step) {
        assert_eq!(self.terminal.settings(), self.usual, "{step:?}");
        let screen = self.terminal.screen();
        let last = |order: &str| screen.rfind(order).map_or(-1, |at| i64::try_from(at).unwrap());
        assert!(last("\u{1b}[?2004l") >= last("\u{1b}[?2004h"), "{step:?}: {screen:?}");
        assert!(!screen.contains("half-of-a-secret"), "{step:?}: {screen:?}");
    }
}

/// Does it at each step, two at a time: most of it is waiting.
fn at_each(steps: &[Step], check: impl Fn(Step) + Sync) {
    for pair in steps.chunks(2) {
        std::thread::scope(|scope| {
            for step in pair {
                let check = &check;
                scope.spawn(move || check(*step));
            }
        });
    }
}

#[test]
fn ctrl_c_leaves_nothing_at_any_step() {
    at_each(&STEPS, |step| {
        let mut stopped = come_to(step, &["login"]);
        stopped.terminal.ctrl('c');
        assert_eq!(stopped.terminal.wait(), 130, "{step:?}");
        stopped.relay.release();
        stopped.leaves_the_terminal_sane(step);
        stopped.leaves_nothing(step);
    });
}

#[test]
fn a_request_to_end_leaves_nothing_at_any_step() {
    at_each(&STEPS, |step| {
        let mut stopped = come_to(step, &["login"]);
        signal("-TERM", &stopped);
        assert_eq!(stopped.terminal.wait(), 143, "{step:?}");
        stopped.relay.release();
        stopped.leaves_the_terminal_sane(step);
        stopped.leaves_nothing(step);
    });
}

#[test]
fn a_window_that_is_closed_leaves_nothing_at_any_step() {
    at_each(&STEPS, |step| {
        let mut stopped = come_to(step, &["login"]);
        stopped.terminal.hang_up();
        assert_eq!(stopped.terminal.wait(), 129, "{step:?}");
        stopped.relay.release();
        stopped.leaves_nothing(step);
    });
}

#[test]
fn after_a_kill_that_nobody_hears_the_next_sign_in_works() {
    at_each(&STEPS, |step| {
        let mut stopped = come_to(step, &["login"]);
        signal("-KILL", &stopped);
        assert_eq!(stopped.terminal.wait(), 137, "{step:?}");
        stopped.leaves_nothing(step);
        stopped.relay.release();
        let port = stopped.port.to_string();
        let machine = &stopped.machine;
        machine.configure(stopped.center.start_url());
        let words = ["login", "--redirect-port", &port];
        let (login, code) = begin_login(machine.aldis(&words));
        decide(machine, "approve", &code);
        login.finish().says(&["Signed in"]);
        let mut terminal = over_ssh(machine, &words).in_terminal(WIDE);
        let link = line_after(&mut terminal, "open this page in");
        let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
        terminal.wait_for("[c] code");
        terminal.paste(address.trim());
        terminal.wait_for("Signed in to dev");
        assert_eq!(terminal.wait(), 0);
    });
}

#[test]
fn the_sign_in_of_the_wizard_leaves_nothing_either() {
    let wizard = ["configure", "sso", "--sso-session", "dev"];
    let steps = [Step::Registering, Step::HalfTyped, Step::Exchanging, Step::Polling, Step::CodeAlone];
    at_each(&steps, |step| {
        let mut stopped = come_to(step, &wizard);
        stopped.terminal.ctrl('c');
        assert_eq!(stopped.terminal.wait(), 130, "{step:?}");
        stopped.relay.release();
        stopped.leaves_the_terminal_sane(step);
        stopped.leaves_nothing(step);

        let mut stopped = come_to(step, &wizard);
        signal("-TERM", &stopped);
        assert_eq!(stopped.terminal.wait(), 143, "{step:?}");
        stopped.relay.release();
        stopped.leaves_the_terminal_sane(step);
        stopped.leaves_nothing(step);

        let mut stopped = come_to(step, &wizard);
        stopped.terminal.hang_up();
        assert_eq!(stopped.terminal.wait(), 129, "{step:?}");
        stopped.relay.release();
        stopped.leaves_nothing(step);
    });
}

fn signal(name: &str, stopped: &Stopped) {
    let pid = stopped.terminal.pid().to_string();
    assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
}

#[test]
fn nothing_is_said_of_a_terminal_that_was_never_touched() {
    let machine = machine();
    let mut terminal = over_ssh(&machine, &["login"]).in_terminal(NARROW);
    assert_ne!(terminal.wait(), 0);
    assert!(!terminal.screen().contains("\u{1b}[?2004"), "{}", terminal.screen());
}
