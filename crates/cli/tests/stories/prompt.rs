//! The prompt with three ways to finish, at a real terminal, as somebody who came over SSH sees it.

use testkit::{Ask, Center, Machine, Terminal};

use crate::browser_flow::browse;
use crate::{decide, machine_and_center, shown_code};

const SIZE: (u16, u16) = (1000, 30);
/// Decides the order of the ways wherever the tests run.
const SSH: [(&str, &str); 2] =
    [("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.8 22"), ("SSH_TTY", "/dev/pts/9")];

fn approving() -> (Machine, Center) {
    machine_and_center(&["--auto-approve", "demo"])
}

/// `aldis login` over SSH, and the link that it shows.
pub(crate) fn over_ssh(machine: &Machine, words: &[&str], variables: &[(&str, &str)]) -> (Terminal, String) {
    // A user who names a flow is told no reason for it.
    let reason = "Over SSH (SSH_CONNECTION is set): the browser is on another machine";
    over_ssh_says(if words.contains(&"--flow") { "" } else { reason }, machine, words, variables)
}

/// The same where it says something else before the link.
pub(crate) fn over_ssh_says(
    said: &str,
    machine: &Machine,
    words: &[&str],
    variables: &[(&str, &str)],
) -> (Terminal, String) {
    let run = machine.aldis(&[&["login"], words].concat()).with("TERM", "xterm").with("LANG", "C.UTF-8");
    let run = SSH.iter().chain(variables).fold(run, |run, (name, value)| run.with(name, value));
    let mut terminal = run.in_terminal(SIZE);
    terminal.wait_for(said);
    let link = shown_link(&mut terminal);
    (terminal, link)
}

/// The link for any browser that a terminal shows next, after what to do with it.
pub(crate) fn shown_link(terminal: &mut Terminal) -> String {
    terminal.wait_for("open this page in any browser, then paste the address");
    terminal.wait_for("never into a page or a chat");
    terminal.wait_for("\n\n");
    terminal.wait_for("\n").trim().to_owned()
}

/// Where a browser ends that opens the link on a machine on which nobody listens.
pub(crate) fn ends_on(link: &str) -> String {
    let rest = link.strip_prefix("http://127.0.0.1:").unwrap();
    let (port, path) = rest.split_once('/').unwrap();
    let answer = Ask::new(port.parse().unwrap(), &format!("GET /{path}")).send();
    answer.header("location").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

#[test]
fn a_pasted_address_wins_while_the_others_wait() {
    let (machine, _center) = approving();
    let (mut terminal, link) = over_ssh(&machine, &[], &[]);
    let before = terminal.settings();
    let address = ends_on(&link);
    terminal.paste(&address);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    assert!(!terminal.screen().contains(code_of(&address)), "it is shown nowhere");
    assert!(before.contains("-icanon"), "{before}");
    assert!(terminal.screen().contains("\u{1b}[?2004h") && terminal.screen().ends_with("\n"));
    assert!(terminal.screen().contains("\u{1b}[?2004l"));
}

/// The code in an address on which a browser ended.
pub(crate) fn code_of(address: &str) -> &str {
    address.split("code=").nth(1).unwrap().split('&').next().unwrap()
}

#[test]
fn a_code_without_its_address_waits_for_enter_and_one_that_is_unknown_ends_nothing() {
    let (machine, _center) = approving();
    let (mut terminal, link) = over_ssh(&machine, &[], &[]);
    for text in ["kubernetes", "BCDF-GHJK", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"] {
        terminal.paste(text);
        terminal.wait_for("neither the address on which the browser ended nor a code");
    }
    let address = ends_on(&link);
    let unknown: String = code_of(&address).chars().rev().collect();
    terminal.paste(&unknown);
    terminal.wait_for("if it is one that the link above led to, press Enter");
    let asked = machine.aldis(&["center", "audit"]).ok();
    assert!(!asked.contains("CreateToken"), "it waits for Enter: {asked}");
    terminal.send("\r");
    terminal.wait_for("the center does not know that code; the wait goes on");
    terminal.paste(code_of(&address));
    terminal.wait_for("press Enter");
    terminal.send("\r");
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn an_address_comes_in_many_clothes() {
    let dresses: [fn(&str) -> String; 6] = [
        |address| format!("curl '{address}'"),
        |address| format!("\"{address}\"\r"),
        |address| {
            address
                .as_bytes()
                .chunks(40)
                .map(|part| String::from_utf8_lossy(part))
                .collect::<Vec<_>>()
                .join("\r\n")
        },
        |address| {
            address
                .replace(':', "%3A")
                .replace('/', "%2F")
                .replace('?', "%3F")
                .replace('&', "%26")
                .replace('=', "%3D")
        },
        |address| format!("{address}&padding={}", "x".repeat(6000)),
        |address| format!("\u{7}{address}\u{0}"),
    ];
    for (number, dress) in dresses.into_iter().enumerate() {
        let (machine, _center) = approving();
        let (mut terminal, link) = over_ssh(&machine, &[], &[]);
        terminal.paste(&dress(&ends_on(&link)));
        terminal.wait_for("Signed in to dev");
        assert_eq!(terminal.wait(), 0, "{number}");
    }
}

#[test]
fn what_is_typed_without_marks_is_read_at_the_end_of_its_line() {
    let (machine, _center) = approving();
    let (mut terminal, link) = over_ssh(&machine, &[], &[("TERM", "dumb")]);
    terminal.line(&format!("curl {}", ends_on(&link)));
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn the_address_of_another_sign_in_is_no_answer_and_harms_nothing() {
    let (machine, center) = approving();
    let (mut terminal, link) = over_ssh(&machine, &[], &[]);
    let elsewhere = crate::machine();
    elsewhere.configure(center.start_url());
    let (mut other, other_link) = over_ssh(&elsewhere, &[], &[]);
    let address = ends_on(&link);
    terminal.paste(&ends_on(&other_link));
    terminal.wait_for("warning: ");
    terminal.paste("nonsense with blanks");
    terminal.wait_for("warning: ");
    terminal.paste(&link);
    terminal.wait_for("warning: ");
    terminal.paste(&address);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    other.ctrl('c');
    assert_eq!(other.wait(), 130);
}

#[test]
fn a_no_in_the_browser_can_be_pasted_too() {
    let (machine, _center) = approving();
    let (mut terminal, link) = over_ssh(&machine, &[], &[]);
    let state = ends_on(&link).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let iss = ends_on(&link).split("iss=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    terminal.paste(
        &format!(
            "http://127.0.0.1:1/oauth/callback?error=access_denied&error_description=Not%20now&state={state}&iss={iss}"
        ),
    );
    terminal.wait_for("Not now (access_denied)");
    assert_eq!(terminal.wait(), 255);
}

#[test]
fn a_code_wins_while_the_link_waits_and_is_started_only_by_its_key() {
    let (machine, _center) = machine_and_center(&[]);
    let (mut terminal, _link) = over_ssh(&machine, &[], &[]);
    terminal.wait_for("[c] code");
    let audit = machine.aldis(&["center", "audit"]).ok();
    assert!(!audit.contains("StartDeviceAuthorization"), "{audit}");
    terminal.send("c");
    let code = shown_code(&mut terminal);
    decide(&machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_browser_that_comes_back_wins_while_a_code_waits() {
    let (machine, _center) = machine_and_center(&[]);
    let (mut terminal, link) = over_ssh(&machine, &[], &[]);
    terminal.send("c");
    terminal.wait_for("enter this code:\n\n");
    let waiting = machine.aldis(&["center", "audit"]).ok();
    assert!(waiting.contains("StartDeviceAuthorization"));
    let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    assert_eq!(browse(address.trim()).status, 200);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn ctrl_z_and_a_resize_in_the_middle_change_nothing() {
    let (machine, _center) = approving();
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    shell.line("export TERM=xterm LANG=C.UTF-8 SSH_CONNECTION='192.0.2.7 50000 192.0.2.8 22'");
    shell.wait_for("$ ");
    let before = shell.settings();
    shell.line("aldis login");
    let link = shown_link(&mut shell);
    shell.wait_for("waiting for your address");
    shell.ctrl('z');
    shell.wait_for("Stopped");
    shell.wait_for("$ ");
    assert_eq!(shell.settings(), before);
    shell.line("fg");
    shown_link(&mut shell);
    shell.wait_for("waiting for your address");
    shell.resize(40, 12);
    let address = ends_on(&link);
    shell.paste(&address);
    shell.wait_for("Signed in to dev");
    shell.wait_for("$ ");
    shell.resize(SIZE.0, SIZE.1);
    assert_eq!(shell.settings(), before);
}

#[test]
fn ctrl_z_stops_the_whole_job() {
    let (machine, _center) = approving();
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    shell.line("export TERM=xterm LANG=C.UTF-8 SSH_CONNECTION='192.0.2.7 50000 192.0.2.8 22'");
    shell.wait_for("$ ");
    shell.line("sh -c 'aldis login; echo the script is over'");
    shell.wait_for("waiting for your address");
    shell.ctrl('z');
    shell.wait_for("Stopped");
    shell.wait_for("$ ");
    shell.line("fg");
    let link = shown_link(&mut shell);
    shell.wait_for("waiting for your address");
    shell.paste(&ends_on(&link));
    shell.wait_for("Signed in to dev");
    shell.wait_for("the script is over");
}

#[test]
fn in_a_pid_namespace_whose_shell_is_outside_ctrl_z_stops_nobody() {
    let (machine, _center) = approving();
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    shell.line("export TERM=xterm LANG=C.UTF-8 SSH_CONNECTION='192.0.2.7 50000 192.0.2.8 22'");
    shell.wait_for("$ ");
    shell.line("unshare --user --map-root-user --pid --fork sh -c 'aldis login; echo over there'");
    let link = shown_link(&mut shell);
    shell.wait_for("waiting for your address");
    shell.ctrl('z');
    shell.wait_for("waiting for your address");
    shell.paste(&ends_on(&link));
    shell.wait_for("Signed in to dev");
    shell.wait_for("over there");
}

#[test]
fn without_a_person_in_a_job_it_fails_at_once_and_says_what_the_job_needs() {
    let (machine, _center) = machine_and_center(&[]);
    let job = |words: &[&str]| machine.aldis(words).with("CI", "true").with("GITHUB_ACTIONS", "true");
    let outcome = job(&["login"]).run();
    outcome.fails(255, &["GitHub Actions", "id-token: write", "role-to-assume"]);
    for selector in [["--profile", "dev"], ["--sso-session", "dev"]] {
        let named = format!("name a flow: aldis login {} --flow device", selector.join(" "));
        job(&[&["login"], &selector[..]].concat()).run().fails(255, &[&named]);
    }
    let explained = job(&["login", "--explain", "--output", "json"]).ok();
    let explained: serde_json::Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(explained["decision"]["offers"], serde_json::json!([]));
    let (login, code) = crate::begin_login(job(&["login", "--flow", "device"]));
    decide(&machine, "approve", &code);
    login.finish().says(&["Signed in"]);
}

#[test]
fn without_a_terminal_there_is_one_way_and_the_reason_is_told() {
    let (machine, _center) = machine_and_center(&[]);
    let (login, code) = crate::begin_login(machine.aldis(&["login"]));
    decide(&machine, "approve", &code);
    login.finish().says(&[
        "Without a terminal (standard input is no terminal): a code can be approved in any browser",
        "Signed in",
    ]);
}

#[test]
pub(crate) fn over_ssh_there_are_ready_lines_and_keys_for_copies_and_pictures() {
    let (machine, _center) = machine_and_center(&[]);
    let (mut terminal, link) = over_ssh(&machine, &[], &[("USER", "ann")]);
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().to_owned();
    terminal.wait_for("[c] code [y] copy [f] forward");
    assert!(!terminal.plain().contains("ssh -N"), "the help comes when it is asked for");
    terminal.send("f");
    terminal.wait_for(&format!("ssh -N -L {port}:127.0.0.1:{port}"));
    terminal.wait_for("~C");
    terminal.wait_for("[f] link");
    terminal.send("f");
    assert_eq!(shown_link(&mut terminal), link);
    terminal.wait_for("[f] forward");
    terminal.send("q");
    terminal.wait_for("press c first");
    terminal.send("y");
    terminal.wait_for("sent to the clipboard");
    assert!(terminal.screen().contains("\u{1b}]52;c;"), "OSC 52");
    terminal.send("c");
    let code = shown_code(&mut terminal);
    terminal.wait_for("[q] QR");
    assert!(!terminal.screen().contains('█'), "never unasked");
    terminal.send("q");
    terminal.wait_for("█");
    decide(&machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_listener_elsewhere_is_warned_of_and_takes_the_answer_all_the_same() {
    let (machine, _center) = approving();
    let words = ["login", "--flow", "browser", "--no-browser", "--callback-listen", "0.0.0.0"];
    let mut login = machine.aldis(&words).start();
    login.wait_for("a warning", |line| {
        line.contains("warning: the browser is waited for on 0.0.0.0").then_some(())
    });
    let link = login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    assert_eq!(browse(&link).status, 200);
    login.finish().says(&["Signed in"]);
}

#[test]
fn words_about_a_listener_elsewhere_fit_its_address() {
    let (machine, _center) = approving();
    let words = |address: &'static str| ["login", "--flow", "browser", "--callback-listen", address];
    // One that is started is here, wherever the tests run.
    let browser = crate::browser_flow::program(&machine, "browser", "exit 0");
    // Only who comes to 127.0.0.1 can take the short link; no other computer comes to a loopback address.
    for (address, is_localhost) in [("127.0.0.1", true), ("127.0.0.9", false)] {
        let mut login = machine.aldis(&words(address)).with("BROWSER", &browser).start();
        let link =
            login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
        let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().to_owned();
        let end = ends_on(&link);
        let path = end.split_once(&port).unwrap().1.to_owned();
        let host = std::net::SocketAddr::new(address.parse().unwrap(), port.parse().unwrap());
        let mut visit = std::net::TcpStream::connect(host).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        std::io::Write::write_all(&mut visit, request.as_bytes()).unwrap();
        let outcome = login.finish();
        outcome.says(&["Signed in"]);
        assert!(!outcome.stderr.contains("warning"), "{outcome}");
        assert_eq!(
            outcome.stderr.contains("Short address, on this computer only:"),
            is_localhost,
            "{outcome}"
        );
        assert_eq!(
            outcome.stderr.contains("open this page in a browser on this computer"),
            is_localhost,
            "{outcome}"
        );
        let leads = format!("a browser on a computer whose port {port} is forwarded here");
        assert_ne!(outcome.stderr.contains(&leads), is_localhost, "{outcome}");
    }
    // Nobody has that address (RFC 5737).
    machine.aldis(&words("198.51.100.7")).run().fails(255, &["nothing can listen on 198.51.100.7"]);
    let in_vain = ["--callback-listen", "198.51.100.7"];
    let device = machine.aldis(&[&["login", "--flow", "device"], &in_vain[..]].concat()).run();
    device.says(&["warning: --callback-listen 198.51.100.7 has no effect", "Signed in"]);
    let paste = machine.aldis(&[&["login", "--flow", "paste"], &in_vain[..]].concat()).run();
    paste.fails(255, &["try again: aldis login --sso-session dev --flow paste"]);
    paste.fails(255, &["warning: --callback-listen 198.51.100.7 has no effect", "standard input ended"]);
    assert!(!paste.stderr.contains("is waited for on"), "{paste}");
}

#[test]
fn a_quit_from_outside_leaves_the_terminal_as_it_was() {
    let (machine, _center) = machine_and_center(&[]);
    let mut shell = machine.shell(SIZE);
    shell.wait_for("$ ");
    shell.line("export TERM=xterm LANG=C.UTF-8 SSH_CONNECTION='192.0.2.7 50000 192.0.2.8 22'");
    shell.wait_for("$ ");
    let before = shell.settings();
    shell.line("sh -c 'echo $$ > pid; exec aldis login'; echo ended with $?");
    shell.wait_for("waiting for your address");
    let pid = machine.read("pid").trim().to_owned();
    assert!(std::process::Command::new("kill").args(["-QUIT", &pid]).status().unwrap().success());
    shell.wait_for("ended with 131");
    shell.wait_for("$ ");
    assert_eq!(shell.settings(), before);
    assert!(shell.screen().contains("\u{1b}[?2004l"));
}
