//! Bad places: no loopback, no network, no names, proxies that refuse, disks that are full, homes that may not be written. Each is
//! told in words that end in something to type, within seconds where nobody is to be waited for, and leaves nothing that listens
//! and nothing half written.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use testkit::{Center, Machine, Outcome, Run, Site, is_root};

use crate::bad_answers::{HTML, answer};
use crate::prompt::shown_link;
use crate::{
    TOKEN, apart, apart_why_not, begin_login, behind, decide, machine, machine_and_center, shown_code,
};

/// How long a sign-in may take that waits for nobody: five tries of a call, and some.
const AT_ONCE: Duration = Duration::from_secs(20);
/// A session of Amazon's, whose names are looked up.
const AMAZON: &str =
    "[sso-session dev]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n";

/// A port of 127.0.0.1 that is nobody's: below those that the system gives away, and another one for each caller.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    let mut ports = std::iter::repeat_with(|| begin + NEXT.fetch_add(1, Ordering::Relaxed));
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

/// What a sign-in that came to nothing leaves: the config as it was, no token, and no file that is only begun.
#[track_caller]
pub(crate) fn nothing_stays(machine: &Machine, config: &str) {
    assert_eq!(machine.read(".aws/config"), config);
    assert!(!machine.home().join(TOKEN).exists());
    whole(machine);
}

/// No file is half written, or was left behind by somebody who was writing.
#[track_caller]
pub(crate) fn whole(machine: &Machine) {
    for (path, _) in machine.files() {
        assert!(!path.ends_with(".tmp") && !path.contains("probe"), "{path}");
        if path.ends_with(".json") {
            let text = machine.read(&path);
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{path}: {text}");
        }
    }
}

/// Runs it to its end, which must come at once.
#[track_caller]
pub(crate) fn at_once(run: Run<'_>) -> Outcome {
    let start = Instant::now();
    let outcome = run.run();
    assert!(start.elapsed() < AT_ONCE, "{:?}: {outcome}", start.elapsed());
    outcome
}

/// What the machine's config says.
pub(crate) fn config(machine: &Machine) -> String {
    machine.read(".aws/config")
}

/// A clock of the client in a file.
pub(crate) struct Clock(PathBuf);

impl Clock {
    pub(crate) fn of(machine: &Machine) -> Self {
        Self(machine.folder().join("clock"))
    }

    /// Seconds after now.
    pub(crate) fn set(&self, seconds: u64) {
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, seconds.to_string()).unwrap();
        std::fs::rename(&beside, &self.0).unwrap();
    }

    pub(crate) fn on<'a>(&self, run: Run<'a>) -> Run<'a> {
        run.with("ALDIS_TEST_CLOCK", &self.0.display().to_string())
    }
}

/// A network of its own (a network namespace) in which nothing is but a center.
struct Island {
    center: Center,
}

/// The words before a command that give it a network of its own; `setup` runs in it first.
fn alone(setup: &str) -> Vec<String> {
    apart("nm", setup)
}

impl Island {
    /// One whose loopback is made by that script, with a center that listens at `address`.
    fn new(machine: &Machine, setup: &str, address: &str) -> Self {
        let listen = format!("{address}:0");
        let words = ["serve", "--memory", "--listen", &listen, "--output", "json"];
        let center = Center::from_run(behind(machine.aldis(&words), &alone(setup)));
        machine.configure(center.start_url());
        Self { center }
    }

    fn enter(&self) -> Vec<String> {
        let pid = self.center.pid().to_string();
        let user: &[&str] = if is_root() { &[] } else { &["-U", "--preserve-credentials"] };
        [&["nsenter", "-t", &pid, "-n"], user, &["--"]]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect()
    }

    /// Runs there.
    fn inside<'a>(&self, run: Run<'a>) -> Run<'a> {
        behind(run, &self.enter())
    }

    fn ip(&self, words: &str) {
        let enter = self.enter();
        let status =
            Command::new(&enter[0]).args(&enter[1..]).arg("/sbin/ip").args(words.split(' ')).status();
        assert!(status.unwrap().success(), "ip {words}");
    }

    /// How many sockets listen there.
    fn listeners(&self) -> usize {
        let tables = ["tcp", "tcp6"].map(|name| format!("/proc/{}/net/{name}", self.center.pid()));
        let lines = tables.map(|path| std::fs::read_to_string(path).unwrap());
        // proc(5): the fourth word is the state, 0A for one that listens.
        lines
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| line.split_whitespace().nth(3) == Some("0A"))
            .count()
    }
}

const LOOPBACK: &str = "/sbin/ip link set lo up";
/// With another address than that at which a browser is waited for.
const OTHER_LOOPBACK: &str = "/sbin/ip link set lo up; /sbin/ip address add 127.0.0.2/32 dev lo; /sbin/ip address del 127.0.0.1/8 dev lo";
const SSH: &str = "192.0.2.7 50000 192.0.2.8 22";

#[test]
fn where_nothing_can_listen_the_ways_that_need_it_not_are_left() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let machine = machine();
    let island = Island::new(&machine, OTHER_LOOPBACK, "127.0.0.2");
    let before = config(&machine);
    let over_ssh = |words: &[&str]| {
        let run =
            machine.aldis(words).with("SSH_CONNECTION", SSH).with("USER", "ann").with("LANG", "C.UTF-8");
        island.inside(run).in_terminal((1000, 30))
    };
    let mut terminal = over_ssh(&["login"]);
    terminal.wait_for("the way \"open\" is closed: Cannot assign requested address");
    let link = shown_link(&mut terminal);
    terminal.wait_for("waiting for your address");
    assert!(!terminal.plain().contains("[f] "), "no port is here that could be forwarded");
    assert_eq!(island.listeners(), 1, "the center");
    let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    terminal.paste(address.trim());
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    whole(&machine);

    let mut terminal = over_ssh(&["login"]);
    terminal.wait_for("waiting for your address");
    terminal.send("c");
    let code = shown_code(&mut terminal);
    decide(&machine, "approve", &code);
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);

    machine.aldis(&["logout"]).run();
    let words = ["login", "--flow", "browser", "--no-browser"];
    let outcome = at_once(island.inside(machine.aldis(&words)));
    outcome.fails(255, &["nothing can listen on 127.0.0.1", "--use-device-code"]);
    nothing_stays(&machine, &before);
    // An address that somebody named is the one that is meant.
    let mut terminal = over_ssh(&["login", "--callback-listen", "127.0.0.9"]);
    terminal.wait_for("nothing can listen on 127.0.0.9");
    terminal.wait_for("--use-device-code");
    assert_eq!(terminal.wait(), 255);
    nothing_stays(&machine, &before);
}

#[test]
fn where_loopback_is_down_nobody_is_waited_for() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, center) = machine_and_center(&[]);
    let before = config(&machine);
    let run = |words: &[&str]| at_once(behind(machine.aldis(words), &alone("true")));
    // The center of this machine cannot be reached either.
    let outcome = run(&["login", "--no-browser"]);
    outcome.fails(255, &["cannot reach", center.url(), "unreachable", "hint:", "ip address show lo"]);
    // The system lets one listen all the same.
    machine.write(".aws/config", AMAZON);
    let outcome = run(&["login", "--flow", "browser", "--no-browser"]);
    outcome.fails(255, &["nothing can listen on 127.0.0.1", "unreachable", "hint:", "--use-device-code"]);
    assert!(!outcome.stderr.contains("/authorize"), "{outcome}");
    machine.write(".aws/config", &before);
    nothing_stays(&machine, &before);
}

#[test]
fn a_port_that_somebody_holds_is_named_and_closes_only_the_way_that_needs_it() {
    let (machine, center) = machine_and_center(&[]);
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let start_url = center.start_url();
    let before = format!("[sso-session dev]\nsso_start_url = {start_url}\nsso_redirect_port = {port}\n");
    machine.write(".aws/config", &before);
    let over_ssh = |words: &[&str]| machine.aldis(words).with("SSH_CONNECTION", SSH).in_terminal((1000, 30));
    // The other ways need no port, and the link leads to none that somebody else has.
    for words in [vec!["login"], vec!["login", "--redirect-port", &port], vec!["sso", "login"]] {
        let mut terminal = over_ssh(&words);
        terminal.wait_for(&format!("port {port} of 127.0.0.1 is taken"));
        terminal.wait_for("/authorize?");
        terminal.wait_for("waiting for your address");
        assert!(!terminal.screen().contains(&format!("127.0.0.1%3A{port}%2F")), "{}", terminal.plain());
        terminal.ctrl('c');
        assert_eq!(terminal.wait(), 130);
    }
    nothing_stays(&machine, &before);
    let only = over_ssh(&["login", "--flow", "browser"]).wait();
    assert_eq!(only, 255);
    let words = ["configure", "sso", "--sso-session", "dev", "--no-browser", "--flow", "browser"];
    at_once(machine.aldis(&words)).fails(
        255,
        &["is taken", &port, "ss -ltnp", "aldis configure sso --sso-session dev --use-device-code"],
    );
    nothing_stays(&machine, &before);
}

#[test]
fn names_that_cannot_be_looked_up_are_told_at_once() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let machine = machine();
    let login = |words: &[&str]| {
        at_once(behind(machine.aldis(&[&["login", "--no-browser"], words].concat()), &alone(LOOPBACK)))
    };
    machine.write(".aws/config", AMAZON);
    for words in [vec![], vec!["--use-device-code"], vec!["--flow", "device"]] {
        let outcome = login(&words);
        outcome.fails(255, &["oidc.us-east-1.amazonaws.com: its name cannot be looked up", "hint:"]);
        outcome.fails(255, &["getent hosts oidc.us-east-1.amazonaws.com", ".aws/config"]);
        nothing_stays(&machine, AMAZON);
    }
    let own = "[sso-session dev]\nsso_start_url = https://sso.corp.example/start\nsso_region = us-east-1\n";
    machine.write(".aws/config", own);
    login(&[]).fails(255, &["https://sso.corp.example/start", "looked up", "getent hosts sso.corp.example"]);
    nothing_stays(&machine, own);
    machine.write(".aws/config", AMAZON);
    let far = machine.aldis(&["login"]).with("AWS_ENDPOINT_URL_SSO_OIDC", "https://oidc.corp.example");
    at_once(behind(far, &alone(LOOPBACK))).fails(255, &["getent hosts oidc.corp.example"]);
    let proxy = machine.aldis(&["login"]).with("HTTPS_PROXY", "http://proxy.corp.example:8080");
    let outcome = at_once(behind(proxy, &alone(LOOPBACK)));
    outcome.fails(255, &["the name of the proxy http://proxy.corp.example:8080 cannot be looked up"]);
    nothing_stays(&machine, AMAZON);
}

#[test]
fn a_name_server_that_never_answers_is_not_waited_for() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let machine = machine();
    machine.write(".aws/config", AMAZON);
    machine.write("resolv.conf", "nameserver 127.0.0.3\noptions timeout:30\n");
    // Holds the port and reads nothing from it.
    let silent = "import os, socket, sys\n\
                  s = socket.socket(type=socket.SOCK_DGRAM)\n\
                  s.bind(('127.0.0.3', 53))\n\
                  s.set_inheritable(True)\n\
                  os.execvp(sys.argv[1], sys.argv[1:])";
    let setup = format!("{LOOPBACK}; mount --bind {}/resolv.conf /etc/resolv.conf", machine.home().display());
    let words = [alone(&setup), ["python3", "-c", silent].map(str::to_owned).to_vec()].concat();
    let outcome = at_once(behind(machine.aldis(&["login", "--no-browser"]), &words));
    outcome.fails(255, &["its name cannot be looked up (no answer in time)", "getent hosts"]);
    nothing_stays(&machine, AMAZON);
}

#[test]
fn a_proxy_that_lets_nobody_through_is_named() {
    let machine = machine();
    machine.write(".aws/config", AMAZON);
    let login = |proxy: &str| {
        let run = machine.aldis(&["login", "--no-browser"]).with("HTTPS_PROXY", proxy);
        let outcome = at_once(run);
        outcome.fails(255, &["https://oidc.us-east-1.amazonaws.com", "hint:"]);
        nothing_stays(&machine, AMAZON);
        outcome
    };
    let closed = format!("http://127.0.0.1:{}", free_port());
    let around = "export NO_PROXY=\"$NO_PROXY,oidc.us-east-1.amazonaws.com\"";
    login(&closed).fails(255, &["nothing is listening at the proxy", &closed, around]);
    for (said, words) in [
        (answer("403 Forbidden", "", HTML), "lets nobody through (status 403)"),
        (
            answer("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"x\"\r\n", ""),
            "lets nobody through (status 407)",
        ),
        (
            answer("302 Found", "Location: http://login.hotel.example/\r\n", ""),
            "lets nobody through (status 302)",
        ),
        (Vec::new(), "lets nobody through ("),
        (answer("200 OK", "Content-Type: text/html\r\n", HTML), "does not speak TLS"),
        (HTML.as_bytes().to_vec(), "cannot be read"),
    ] {
        let site = Site::saying(said);
        let secret = format!("http://ann:hidden@127.0.0.1:{}", site.port());
        let outcome = login(&secret);
        assert!(outcome.stderr.contains(words), "{words}: {outcome}");
        assert!(!outcome.stderr.contains("hidden"), "{outcome}");
    }
}

#[test]
fn a_network_that_is_lost_for_a_minute_while_a_code_waits_is_told_once_and_ends_signed_in() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let machine = machine();
    let island = Island::new(&machine, LOOPBACK, "127.0.0.1");
    let clock = Clock::of(&machine);
    let run = clock.on(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    let (mut login, code) = begin_login(island.inside(run));
    island.ip("link set lo down");
    login.wait_for("word of it", |line| line.starts_with("warning: ").then_some(()));
    // Somebody approves with another network.
    decide(&machine, "approve", &code);
    clock.set(60);
    island.ip("link set lo up");
    clock.set(120);
    let outcome = login.finish();
    outcome.says(&["Signed in"]);
    assert_eq!(outcome.stderr.matches("warning: ").count(), 1, "{outcome}");
    assert_eq!(island.listeners(), 1, "the center");
}

#[test]
fn a_network_that_is_lost_when_the_browser_comes_back_is_waited_for() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let machine = machine();
    let island = Island::new(&machine, OTHER_LOOPBACK, "127.0.0.2");
    let run = machine.aldis(&["login", "--flow", "paste"]).with("LANG", "C.UTF-8");
    let mut terminal = island.inside(run).in_terminal((1000, 30));
    let link = shown_link(&mut terminal);
    terminal.wait_for("waiting for your address");
    let address = machine.aldis(&["center", "authorize", &link, "--person", "demo"]).ok();
    island.ip("address del 127.0.0.2/32 dev lo");
    terminal.paste(address.trim());
    terminal.wait_for("warning: cannot reach ");
    terminal.wait_for("next try in 2 s");
    island.ip("address add 127.0.0.2/32 dev lo");
    terminal.wait_for("Signed in to dev");
    assert_eq!(terminal.wait(), 0);
    assert_eq!(terminal.plain().matches("warning: cannot reach").count(), 1);
}

/// Runs with a small disk of its own at each of these folders of the home, after `before`; what it exits with and, behind it, what
/// lies on those disks then.
pub(crate) fn on_small_disks<'a>(machine: &Machine, run: Run<'a>, folders: &[&str], before: &str) -> Run<'a> {
    let places: Vec<String> =
        folders.iter().map(|folder| machine.home().join(folder).display().to_string()).collect();
    let mounts: Vec<String> = places
        .iter()
        .map(|place| format!("mkdir -p {place}; mount -t tmpfs -o size=64k,mode=700 tmpfs {place}"))
        .collect();
    let script = format!(
        "cd {home}; {mounts}; {before}; code=0; \"$@\" || code=$?; find {places} -type f | sed 's/^/left: /'; exit $code",
        home = machine.home().display(),
        mounts = mounts.join("; "),
        places = places.join(" "),
    );
    behind(run, &apart("m", &script))
}

pub(crate) const FILL: &str = "head -c 1m /dev/zero >{}/filler 2>/dev/null || true";

#[test]
fn a_disk_that_fills_up_while_somebody_signs_in_keeps_no_half_of_a_token() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, _center) = machine_and_center(&[]);
    let login = machine.aldis(&["login", "--use-device-code", "--no-browser"]);
    let (login, code) = begin_login(on_small_disks(&machine, login, &[".aws/sso"], "true"));
    let user: &[&str] = if is_root() { &[] } else { &["-U", "--preserve-credentials"] };
    let fill = FILL.replace("{}", &machine.home().join(".aws/sso").display().to_string());
    let pid = login.pid().to_string();
    let entered =
        Command::new("nsenter").args(["-t", &pid, "-m"]).args(user).args(["sh", "-c", &fill]).status();
    assert!(entered.unwrap().success());
    decide(&machine, "approve", &code);
    let outcome = login.finish();
    outcome.fails(255, &["cannot be kept", "No space left", "hint:", "df -h"]);
    let left: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.rsplit('/').next()).collect();
    assert!(left.contains(&"filler"), "{outcome}");
    assert!(left.iter().all(|name| !name.ends_with(".tmp") && !TOKEN.ends_with(name)), "{outcome}");
    let audit = machine.aldis(&["center", "audit"]).ok();
    assert!(audit.contains("Logout"), "the token is given back: {audit}");
}

#[test]
fn a_full_disk_under_the_config_or_the_state_is_told_and_loses_nothing() {
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let before = config(&machine);
    let fill = |folder: &str| FILL.replace("{}", folder);
    // What is only remembered is not worth a sign-in.
    let words = ["login", "--use-device-code", "--no-browser"];
    let run = on_small_disks(&machine, machine.aldis(&words), &[".local/state"], &fill(".local/state"));
    let outcome = at_once(run);
    outcome.says(&["Signed in"]);
    let is_no_half = |line: &str| line.ends_with("/filler") || line.ends_with(".lock");
    assert!(outcome.stdout.lines().all(is_no_half), "{outcome}");
    whole(&machine);

    let words = ["configure", "sso", "--sso-session", "corp", "--sso-start-url", center.start_url()];
    let words = [&words[..], &["--use-device-code", "--no-browser", "--account-id", "111122223333"]].concat();
    let words = [&words[..], &["--role-name", "ReadOnly", "--profile", "corp"]].concat();
    let copy = "cp ../before .aws/config";
    std::fs::write(machine.folder().join("before"), &before).unwrap();
    let script = format!("{copy}; mkdir .aws/sso; {}; cmp ../before .aws/config", fill(".aws"));
    let run = on_small_disks(&machine, machine.aldis(&words), &[".aws"], &script);
    let outcome = at_once(run);
    outcome.fails(255, &["No space left", "hint:", "df -h"]);
    assert!(outcome.stdout.contains("left: ") && !outcome.stdout.contains(".tmp"), "{outcome}");
    assert!(!outcome.stderr.contains("enter this code"), "found before anybody is asked: {outcome}");
    assert_eq!(config(&machine), before);
}

#[test]
fn a_home_that_is_read_only_is_told_by_every_way_before_anything_is_shown() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let before = config(&machine);
    machine.give_to_somebody();
    machine.make_read_only("");
    for flow in ["auto", "browser", "paste", "device"] {
        let port = free_port().to_string();
        let words = ["login", "--no-browser", "--flow", flow, "--redirect-port", &port];
        let outcome = at_once(machine.aldis(&words).as_somebody());
        outcome.fails(255, &[".aws/sso/cache", "ermission denied", "hint:", "ls -ld"]);
        assert!(!outcome.stderr.contains("To sign in"), "{outcome}");
    }
    let words = ["configure", "sso", "--sso-session", "corp", "--sso-start-url", center.start_url()];
    let words = [&words[..], &["--use-device-code", "--no-browser"]].concat();
    let outcome = at_once(machine.aldis(&words).as_somebody());
    outcome.fails(255, &["config is read-only", "hint:", "chmod u+w"]);
    assert!(!outcome.to_string().contains("enter this code"), "{outcome}");
    nothing_stays(&machine, &before);
}

#[test]
fn a_home_or_a_file_whose_name_is_no_text_is_read_all_the_same() {
    let (machine, _center) = machine_and_center(&[]);
    let config = machine.home().join(".aws/config").display().to_string();
    let aldis = machine.binary().display().to_string();
    for script in [
        "home=$(printf 'h\\377'); mkdir -p \"$home/.aws\"; cp {config} \"$home/.aws/config\"; HOME=\"$PWD/$home\" {aldis} login --explain",
        "file=$(printf 'c\\377'); cp {config} \"$file\"; AWS_CONFIG_FILE=\"$PWD/$file\" {aldis} login --explain",
    ] {
        let script = script.replace("{config}", &config).replace("{aldis}", &aldis);
        let outcome = machine.program("/bin/sh", &["-ec", &script]).run();
        outcome.says(&[]);
        assert!(!outcome.stderr.contains("no session is known"), "{outcome}");
    }
}

#[test]
fn a_named_pipe_or_a_device_in_the_place_of_a_file_stops_no_command() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let cache = machine.home().join(".aws/sso/cache/f.json");
    assert!(std::process::Command::new("mkfifo").arg(&cache).status().unwrap().success());
    machine.aldis(&["status"]).run();
    std::fs::remove_file(machine.home().join(crate::TOKEN)).unwrap();
    std::fs::rename(&cache, machine.home().join(crate::TOKEN)).unwrap();
    for words in [&["creds", "--profile", "dev"][..], &["accounts"], &["status"], &["logout"]] {
        machine.aldis(words).run();
    }
    let device = machine.aldis(&["status"]).with("AWS_CONFIG_FILE", "/dev/zero").run();
    device.fails(253, &["/dev/zero", "not a regular file"]);
}
