//! Somebody at a terminal, wherever its shell is: what they type, and what they see.

use std::time::{Duration, Instant};

use testkit::{PATIENCE, PERSON, Terminal};

use super::scene::{BWRAP, PASSWORD, PODMAN, Row, Scene};

/// How often one looks.
const GLANCE: Duration = Duration::from_millis(20);

/// How what is seen is read: a multiplexer draws its screen as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// From what the programs wrote.
    Terminal,
    /// From its screen.
    Tmux,
    Screen,
}

pub(super) struct Desk<'a> {
    terminal: Terminal,
    look: Look,
    scene: &'a Scene,
    /// How many command lines were typed.
    count: usize,
}

impl<'a> Desk<'a> {
    /// Sits down and goes where the row says.
    pub(super) fn sit_down(scene: &'a Scene, row: &Row) -> Self {
        let terminal = scene.shell(row);
        let mut desk = Self { terminal, look: Look::Terminal, scene, count: 0 };
        for line in row.texts("lines") {
            desk.run(line);
        }
        match row.text("inside") {
            "" => {}
            "tmux" => desk.enter("tmux -f /dev/null new", "server$ ", Look::Tmux),
            "screen" => desk.enter("screen", "server$ ", Look::Screen),
            "sudo -i" => desk.enter("sudo -i", "server# ", Look::Terminal),
            "su -" => {
                desk.type_and_wait("su -", "Password: ");
                desk.enter(PASSWORD, "server# ", Look::Terminal);
            }
            "bwrap" => desk.enter(BWRAP, "box# ", Look::Terminal),
            "podman" => desk.enter(PODMAN, "box# ", Look::Terminal),
            inside => panic!("{inside}: nobody knows how to go there"),
        }
        for line in row.texts("then") {
            desk.run(line);
        }
        desk.run("kept=$(stty -g)");
        desk
    }

    /// Types a line that leads into another shell, and waits for its prompt.
    fn enter(&mut self, line: &str, prompt: &str, look: Look) {
        self.type_and_wait(line, prompt);
        self.look = look;
    }

    /// Types something, and waits for words that are written after it.
    fn type_and_wait(&mut self, line: &str, words: &str) {
        let before = self.terminal.plain().len();
        self.terminal.line(line);
        let end = Instant::now() + PATIENCE;
        while !self.terminal.plain().get(before..).is_some_and(|new| new.contains(words)) {
            assert!(Instant::now() < end, "waited in vain for {words:?}\n{}", self.terminal.plain());
            std::thread::sleep(GLANCE);
        }
    }

    /// Types a command line. What is seen begins with it, and its end can be waited for.
    pub(super) fn line(&mut self, text: &str) {
        self.count += 1;
        let count = self.count;
        let clear = if self.look == Look::Terminal { "" } else { "clear; " };
        // The quotes are not in what is said, only in the line itself.
        self.terminal.line(&format!("{clear}echo 'be'gun-{count}; {text}; echo \"ended-{count}=$?=\""));
    }

    /// Waits for the end of the command line with that exit code; what was seen of it.
    #[track_caller]
    pub(super) fn ends(&mut self, code: u8) -> String {
        let end = format!("ended-{}={code}=", self.count);
        let seen = self.wait_for(&end);
        seen.split(&end).next().unwrap_or_default().to_owned()
    }

    /// Waits for the end of the command line with whatever exit code.
    #[track_caller]
    pub(super) fn wait_for_end(&mut self) {
        self.wait_for(&format!("ended-{}=", self.count));
    }

    /// Types a command line and waits for its good end; what was seen of it.
    #[track_caller]
    pub(super) fn run(&mut self, command: &str) -> String {
        self.line(command);
        self.ends(0)
    }

    /// Types a command line on an empty screen of that size, and waits until `is_whole` says of its rows that nothing more
    /// comes: those rows.
    #[track_caller]
    pub(super) fn screen(
        &mut self,
        text: &str,
        size: (u16, u16),
        is_whole: impl Fn(&[String]) -> bool,
    ) -> Vec<String> {
        self.terminal.resize(size.0, size.1);
        // The size comes late to a terminal that another program made.
        self.terminal
            .line(&format!("until stty size | grep -q ' {}$'; do :; done; clear; : 'cle'ared", size.0));
        self.terminal.line("");
        let before = self.terminal.screen().len();
        self.terminal.line(&format!("clear; {text}"));
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.terminal.screen();
            let rows = match self.look {
                Look::Terminal => testkit::draw(screen.get(before..).unwrap_or_default().as_bytes(), size),
                Look::Tmux | Look::Screen => {
                    self.drawn().lines().map(|row| row.trim_end().to_owned()).collect()
                }
            };
            if is_whole(&rows) {
                return rows;
            }
            assert!(Instant::now() < end, "the screen does not get whole:\n{}", rows.join("\n"));
            std::thread::sleep(GLANCE);
        }
    }

    /// Back to a window in which everything has room, once the command line of the last screen is over.
    #[track_caller]
    pub(super) fn widen(&mut self) {
        self.terminal.resize(super::scene::SIZE.0, super::scene::SIZE.1);
        self.terminal
            .line(&format!("until stty size | grep -q ' {}$'; do :; done; clear", super::scene::SIZE.0));
        self.run("true");
    }

    /// Presses keys.
    pub(super) fn press(&mut self, keys: &str) {
        self.terminal.send(keys);
    }

    /// Closes the window.
    pub(super) fn hang_up(&mut self) {
        self.terminal.hang_up();
    }

    /// Presses Ctrl-C.
    pub(super) fn ctrl_c(&mut self) {
        self.terminal.ctrl('c');
    }

    /// Pastes a text. Where no program asked for brackets, as none can in `screen`, Enter ends it.
    pub(super) fn paste(&mut self, text: &str) {
        self.terminal.paste(text);
        self.terminal.send("\r");
    }

    /// What is seen of the last command line.
    pub(super) fn see(&mut self) -> String {
        // What is on its way to the screen must be taken from there, or the multiplexer stops.
        let plain = self.terminal.plain();
        let screen = if self.look == Look::Terminal { shown(&plain) } else { self.drawn() };
        let begin = format!("begun-{}\n", self.count);
        // The rows of a multiplexer after the last line are empty.
        screen.split_once(&begin).map(|(_, seen)| seen.trim_end().to_owned()).unwrap_or_default()
    }

    /// The rows that a multiplexer shows.
    fn drawn(&self) -> String {
        let place = self.scene.place();
        match self.look {
            Look::Tmux => place.sh(&format!("runuser -u {PERSON} -- tmux capture-pane -p")),
            _ => place.sh(&format!(
                "rm -f /tmp/seen; runuser -u {PERSON} -- screen -X hardcopy /tmp/seen; \
                 until [ -s /tmp/seen ]; do sleep 0.02; done; cat /tmp/seen"
            )),
        }
    }

    /// Waits until something is seen, and hands over everything that is.
    #[track_caller]
    pub(super) fn wait_for(&mut self, words: &str) -> String {
        self.wait(words, |seen| seen.contains(words).then(|| seen.to_owned()))
    }

    /// Waits until something can be made of what is seen.
    #[track_caller]
    pub(super) fn wait<T>(&mut self, what: &str, make: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = self.see();
            if let Some(made) = make(&seen) {
                return made;
            }
            assert!(Instant::now() < end, "waited in vain for {what}\n--- seen\n{seen}");
            std::thread::sleep(GLANCE);
        }
    }

    /// The line that begins so.
    #[track_caller]
    pub(super) fn line_with(&mut self, begin: &str) -> String {
        self.wait(begin, |seen| {
            seen.lines().map(str::trim).find(|line| line.starts_with(begin)).map(str::to_owned)
        })
    }

    /// The address that stands alone on a line after these words.
    #[track_caller]
    pub(super) fn address_after(&mut self, words: &str) -> String {
        self.wait(words, |seen| {
            // The line that follows shows that this one is whole.
            let after = seen.split_once(words)?.1;
            let lines: Vec<&str> = after.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            // A short one may stand before it.
            let is_link = |line: &&str| line.starts_with("http") && line.contains('?');
            let at = lines.iter().position(is_link)?;
            (lines.len() > at + 1).then(|| lines[at].to_owned())
        })
    }
}

/// A text as a terminal shows it: what comes after a carriage return is written over the line.
fn shown(text: &str) -> String {
    text.split('\n').map(|line| line.rsplit('\r').next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}
