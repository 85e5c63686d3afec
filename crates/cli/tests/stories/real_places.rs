//! Real places: `aldis login` in a real pseudo-terminal wherever people have one, Chromium where the person is, signed in at the
//! end. The places are rows of `real_places/places.toml`; what happened in each is kept in `docs/places.toml`.

mod desk;
mod person;
mod results;
mod scene;
mod screens;

use std::time::{Duration, Instant};

use testkit::{Forward, PERSON, Page, Place};

use desk::Desk;
use person::{End, approve, open};
use results::Entry;
use scene::{Row, Scene};

/// One test for each row.
macro_rules! stories {
    ($($name:ident)*) => {
        $(#[test] fn $name() { story(stringify!($name)); })*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

stories! {
    laptop
    desktop_without_opener
    desktop_whose_browser_blocks
    desktop_whose_browser_fails
    ssh
    ssh_browser
    ssh_tmux
    ssh_screen
    ssh_sudo
    ssh_su
    bwrap
    podman
    wsl
    wsl_without_interop
    vs_code
    vs_code_without_forwarding
    code_server
    codespaces
    cloud_shell
    vm
    ci
    pipe
}

#[test]
fn every_row_is_a_story_and_says_only_what_is_understood() {
    let known = [
        "name",
        "where",
        "at",
        "inside",
        "lines",
        "then",
        "variables",
        "files",
        "programs",
        "kernel",
        "forwarded",
        "command",
        "refuses",
        "ways",
    ];
    assert!(results::is_recording() || results::names() == NAMES, "docs/places.toml: {:?}", results::names());
    let rows = Row::all();
    let names: Vec<&str> = rows.iter().map(|row| row.text("name")).collect();
    assert_eq!(names, NAMES);
    for row in &rows {
        assert!(row.keys().all(|key| known.contains(&key.as_str())), "{}", row.text("name"));
    }
}

#[allow(clippy::print_stderr, reason = "a story that fails says in which way")]
fn story(name: &str) {
    if let Some(why) = Place::why_not() {
        return testkit::skip(&why);
    }
    let rows = Row::all();
    let row = rows.iter().find(|row| row.text("name") == name).expect("a row");
    let scene = Scene::build(row);
    let browser = scene.laptop.browser();
    let page = browser.page(1280, 800, false);
    let mut story = Story {
        entry: Entry { name: name.to_owned(), place: row.text("where").to_owned(), ..Entry::default() },
        desk: Desk::sit_down(&scene, row),
        scene: &scene,
        row,
        page,
    };
    story.explain();
    story.keeps_its_screens();
    if row.is("refuses") {
        story.is_refused();
    }
    for way in row.texts("ways") {
        eprintln!("-- {name}: {way}");
        story.sign_in(way);
        story.leaves_nothing();
    }
    story.desk.run("aldis whoami --profile dev");
    eprintln!("-- {name}: cut short");
    story.is_cut_short();
    story.entry.settle();
}

struct Story<'a> {
    entry: Entry,
    desk: Desk<'a>,
    scene: &'a Scene,
    row: &'a Row,
    page: Page<'a>,
}

impl Story<'_> {
    /// The command line of `aldis login` with these options, as it is typed here.
    fn command(&self, options: &str) -> String {
        let login = format!("aldis login{options}");
        match self.row.text("command") {
            "" => login,
            command => command.replace("{}", &login),
        }
    }

    /// What is offered here.
    fn explain(&mut self) {
        let told = self.desk.run(&self.command(" --explain"));
        let offers = told.split_once("best first:").map(|(_, offers)| offers).unwrap_or_default();
        let way = |line: &str| {
            let mut words = line.split_whitespace();
            words.next()?.parse::<i32>().ok()?;
            words.next().map(str::to_owned)
        };
        self.entry.offers = offers.lines().filter_map(way).collect();
        let reason =
            |line: &str| line.trim().split_once(" browser is started").map(|(words, _)| words.to_owned());
        let told = offers.lines().find_map(reason);
        let told = told.and_then(|told| told.rsplit_once("; ").map(|(reason, _)| reason.to_owned()));
        self.entry.reason = told.unwrap_or_default();
    }

    /// Where nobody is expected nothing is offered.
    fn is_refused(&mut self) {
        self.desk.line(&self.command(""));
        let seen = self.desk.ends(255);
        let error = seen.lines().find_map(|line| line.trim().strip_prefix("error: "));
        self.entry.reason = error.unwrap_or_else(|| panic!("no error: {seen}")).to_owned();
    }

    /// Types a command line that signs in anew.
    fn begin(&mut self, command: &str) {
        self.scene.place().sh("rm -f /tmp/opened");
        self.desk.line(&format!("rm -rf ~/.aws/sso/cache; {command}"));
    }

    /// Signs in that way, from the prompt to the prompt.
    fn sign_in(&mut self, way: &str) {
        // A flow that is asked for by name is begun wherever one is.
        let by_name = way == "device" || self.row.is("refuses");
        self.begin(&self.command(if by_name { " --flow device" } else { "" }));
        if !by_name {
            self.reason();
        }
        match way {
            "open" => {
                let end = self.browse();
                assert!(end.is_none_or(|end| end == End::Reached), "the browser does not come back");
                self.entry.loopback = "reached".to_owned();
            }
            "paste" => {
                let Some(End::Refused(address)) = self.browse() else { panic!("the loopback was reached") };
                self.entry.loopback = "refused".to_owned();
                self.desk.paste(&address);
            }
            "code" | "device" => self.bring_a_code(by_name),
            "tunnel" => {
                self.ask_for_help();
                let line = self.desk.line_with("ssh -N -L ");
                let mut tunnel = self.scene.laptop.shell_of(PERSON, &[], scene::SIZE);
                tunnel.line(&line);
                let port = self.port();
                until("the tunnel", || self.scene.laptop.net().answers(port));
                assert_eq!(self.browse(), Some(End::Reached));
                tunnel.ctrl('c');
                tunnel.wait_for("laptop$ ");
            }
            "published" => {
                self.ask_for_help();
                let line = self.desk.line_with("aldis login ");
                assert!(line.contains(" --callback-listen 0.0.0.0 "), "{line}");
                self.desk.ctrl_c();
                self.desk.ends(130);
                self.begin(&line);
                self.desk.wait_for("open this page in");
                let port = self.port();
                let _published = self.scene.publish(port);
                assert_eq!(self.browse(), Some(End::Reached));
            }
            _ => panic!("{way}: no such way"),
        }
        let seen = self.desk.ends(0);
        assert!(seen.contains("Signed in to dev"), "{seen}");
        self.entry.signed_in.push(way.to_owned());
        let opened = |line: &str| line.strip_prefix("The page was opened with ").map(str::to_owned);
        let opener = seen.lines().map(str::trim).find_map(opened);
        let failed = seen.contains("No page was opened here");
        if let Some(opener) = opener.filter(|_| !failed && self.entry.opener.is_empty()) {
            self.entry.opener = opener;
        }
    }

    /// Why that way is first, as the prompt says it: in the words of the explanation.
    fn reason(&mut self) {
        let (first, rest) = self.entry.reason.split_at(1);
        let sentence = first.to_ascii_uppercase() + rest;
        self.desk.wait("the reason", |seen| seen.lines().any(|line| line.trim() == sentence).then_some(()));
    }

    /// Asks how the port is forwarded.
    fn ask_for_help(&mut self) {
        self.desk.wait_for("[f] forward");
        self.desk.press("f");
        self.desk.wait_for("[f] link");
    }

    /// The port on which the program waits for the browser.
    fn port(&self) -> u16 {
        let listening = self.scene.listening();
        assert!(listening.len() == 1, "listening: {listening:?}");
        listening[0]
    }

    /// The page is opened on the laptop: by the program that was given the link, or by hand; where the browser ended. Nothing
    /// where the browser is the program's own.
    fn browse(&mut self) -> Option<End> {
        let link = self.desk.address_after("open this page in");
        let does: Vec<&str> = self.row.pairs("programs").into_iter().map(|(_, does)| does).collect();
        if does.contains(&"starts a browser") {
            return None;
        }
        if does.contains(&"fails") {
            self.desk.wait_for("No page was opened here");
        }
        if does.iter().any(|does| does.starts_with("hands over")) {
            let place = self.scene.place();
            until("a link", || place.read("/tmp/opened").is_some_and(|text| text.ends_with('\n')));
            assert_eq!(place.read("/tmp/opened").unwrap_or_default().trim(), link);
        }
        let _forward = self
            .row
            .is("forwarded")
            .then(|| Forward::new(&self.scene.laptop.net(), &self.scene.net, self.port()));
        Some(open(&self.page.another(), &self.scene.center, &link))
    }

    fn bring_a_code(&mut self, is_begun: bool) {
        if !is_begun && self.entry.offers.first().is_some_and(|first| first != "code") {
            self.desk.wait_for("[c] code");
            self.desk.press("c");
        }
        let link = self.desk.address_after("This page has the code filled in:");
        approve(&self.page.another(), &self.scene.center, &link);
    }

    /// Nobody listens, nothing is half written, and the terminal is as it was.
    fn leaves_nothing(&mut self) {
        self.leaves_nobody();
        self.leaves_the_terminal();
        let written = self.scene.written();
        assert!(written.iter().any(|path| path.contains("/.aws/sso/cache/")), "{written:?}");
    }

    fn leaves_the_terminal(&mut self) {
        let same = self.desk.run("[ \"$kept\" = \"$(stty -g)\" ] && echo as''before=");
        assert!(same.contains("asbefore="), "the terminal is not as it was: {same}");
    }

    fn leaves_nobody(&self) {
        let place = self.scene.place();
        assert_eq!(self.scene.listening(), [0_u16; 0]);
        assert_eq!(place.read("/tmp/misled"), None, "a program was started that shows nothing here");
        for path in self.scene.written() {
            let text = place.read(&path).unwrap_or_default();
            let is_whole =
                !path.ends_with(".json") || serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert!(is_whole && !path.ends_with(".tmp"), "{path}: {text}");
        }
    }

    /// Ended by Ctrl-C, killed, and hung up in the middle: nothing is left, either.
    fn is_cut_short(&mut self) {
        // In a pipe Ctrl-C ends the other program, too, and with it the line that is typed here.
        if self.row.text("command").is_empty() {
            self.begin_in_vain();
            self.desk.ctrl_c();
            self.desk.ends(130);
            self.leaves_nobody();
            self.leaves_the_terminal();
        }
        self.begin_in_vain();
        self.scene.place().sh("kill -KILL $(pidof aldis)");
        self.desk.wait_for_end();
        self.leaves_nobody();
        if !GO_ON.contains(&self.row.text("inside")) {
            self.begin_in_vain();
            self.desk.hang_up();
            let place = self.scene.place();
            until("its end after a hang-up", || !place.try_sh("pidof aldis").status.success());
            self.leaves_nobody();
        }
    }

    /// Begins a sign-in that nobody finishes.
    fn begin_in_vain(&mut self) {
        let flow = if self.row.is("refuses") { " --flow device" } else { "" };
        self.begin(&self.command(&format!("{flow} --no-browser")));
        self.desk.wait_for("aiting for your ");
    }
}

/// What goes on when nobody looks.
const GO_ON: &[&str] = &["tmux", "screen", "podman"];

/// Waits until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + testkit::PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
