//! What each fact weighs, and how it is said.

use super::{Way, Wish};
use crate::surroundings::{Fact, Surroundings, is_on_the_network_of_the_machine};

/// What a fact weighs for each way; what is below zero weighs against it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weights {
    /// For the browser that comes back by itself.
    pub open: i32,
    /// For the pasted address.
    pub paste: i32,
    /// For the code.
    pub code: i32,
}

impl Weights {
    /// Before anything is known: the simplest way first, and the code, which can be phished, last.
    pub const AT_FIRST: Self = Self { open: 20, paste: 10, code: 5 };

    /// The weight for one way.
    pub fn of(self, way: Way) -> i32 {
        match way {
            Way::Open => self.open,
            Way::Paste => self.paste,
            Way::Code => self.code,
        }
    }
}

/// A fact that was weighed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Its stable name, for JSON.
    pub name: &'static str,
    /// The place in words: "over SSH".
    pub words: String,
    /// The evidence for it.
    pub evidence: String,
    /// What it weighs.
    pub weights: Weights,
    /// What follows from it in words; empty where nothing does.
    pub consequence: &'static str,
}

const ELSEWHERE: &str = "the browser is on another machine";
const UNREACHED: &str = "a browser outside does not reach this loopback";
const NO_SCREEN: &str = "no browser can be shown here";

/// Weighs every fact, and what is known of the wish; what weighs nothing is there, too.
pub fn weigh(place: &Surroundings, wish: &Wish) -> Vec<Signal> {
    let opens = opens_here(place);
    let mut signals: Vec<Signal> = place
        .observations()
        .iter()
        .map(|seen| {
            let (name, words, open, consequence) = of_fact(&seen.fact, opens);
            let code = if seen.fact == Fact::TextConsole { 20 } else { 0 };
            let weights = Weights { open, paste: 0, code };
            Signal { name, words, evidence: seen.evidence.clone(), weights, consequence }
        })
        .collect();
    if wish.is_legacy && wish.use_device_code != Some(false) {
        signals.push(Signal {
            name: "legacy_profile",
            words: "with a profile of the older kind".to_owned(),
            evidence: "it has no sso_session".to_owned(),
            weights: Weights { code: 1000, ..Weights::default() },
            consequence: "it is signed in with a code, as AWS's tools do",
        });
    }
    signals
}

/// Name, words, weight for `open`, and what follows.
fn of_fact(fact: &Fact, opens: bool) -> (&'static str, String, i32, &'static str) {
    let plain = |name, words: &str, open, consequence| (name, words.to_owned(), open, consequence);
    match fact {
        Fact::Ssh(_) => plain("ssh", "over SSH", -100, ELSEWHERE),
        Fact::Mosh => plain("mosh", "over mosh", -100, ELSEWHERE),
        Fact::SessionManager => plain("session_manager", "in a Session Manager session", -100, ELSEWHERE),
        Fact::WebTerminal(by) => ("web_terminal", format!("in a terminal shown by {by}"), -100, ELSEWHERE),
        Fact::StaleSsh => plain("stale_ssh", "no longer over SSH", 0, ""),
        Fact::Multiplexer(name) => ("multiplexer", format!("in {name}"), 0, ""),
        // These share the host's loopback and its opener.
        Fact::Container(kind) if is_on_the_network_of_the_machine(kind) => {
            ("container", format!("in {kind}"), -5, "")
        }
        Fact::Container(kind) => ("container", format!("in {kind}"), -45, UNREACHED),
        Fact::Kubernetes => plain("kubernetes", "in a Kubernetes pod", -60, UNREACHED),
        Fact::WebWorkspace(name) => {
            ("web_workspace", format!("in {name}"), -120, "a browser does not reach this loopback from there")
        }
        Fact::DevContainer => plain("dev_container", "in a dev container", -50, UNREACHED),
        Fact::EditorTunnel => plain(
            "editor_tunnel",
            "through a tunnel of VS Code",
            -110,
            "a browser may not reach this loopback through it",
        ),
        Fact::RemoteEditor => plain("remote_editor", "in an editor on another machine", -60, ELSEWHERE),
        Fact::JetBrainsGateway => {
            plain("jetbrains_gateway", "in an editor of JetBrains on another machine", -110, ELSEWHERE)
        }
        Fact::Forwarding if opens => plain(
            "forwarding",
            "in an editor that forwards ports",
            400,
            "the browser where you are reaches this loopback through it",
        ),
        Fact::Forwarding => plain("forwarding", "in an editor that forwards ports", 0, ""),
        Fact::StaleEditor => plain("stale_editor", "no longer in an editor", 0, ""),
        Fact::Wsl { version, interop } => {
            let weight = if *interop { 60 } else { 40 };
            ("wsl", format!("in WSL {version}"), weight, "the browser of Windows reaches this loopback")
        }
        Fact::Ci(ci) => ("ci", format!("in {}", ci.name), -10, "nobody may be there"),
        Fact::VirtualMachine(kind) => (
            "virtual_machine",
            format!("on a virtual machine ({kind})"),
            -5,
            "the browser may be on its host",
        ),
        Fact::Desktop => plain("desktop", "at a desktop", 25, "the browser is here"),
        Fact::ForwardedDisplay => {
            plain("forwarded_display", "with another machine's display", -40, ELSEWHERE)
        }
        Fact::StaleDisplay => plain("stale_display", "with a display that is gone", -30, NO_SCREEN),
        Fact::NoDisplay => plain("no_display", "without a display", -30, NO_SCREEN),
        Fact::Opener { name, .. } => {
            ("opener", format!("with {name}"), if opens { 20 } else { 0 }, "it opens the browser")
        }
        Fact::NoOpener => plain("no_opener", "without an opener", 0, ""),
        Fact::NoGraphicalBrowser(name) => ("no_graphical_browser", format!("with BROWSER={name}"), 0, ""),
        Fact::TextConsole => plain(
            "text_console",
            "at a text console",
            0,
            "nothing can be copied from it, but a code can be typed",
        ),
        Fact::Sudo => plain("sudo", "for another user", -10, "the browser may be another user's"),
        Fact::Cron => plain("cron", "started by cron", 0, ""),
        Fact::SystemdUnit => plain("systemd", "in a systemd unit", 0, ""),
        Fact::NoHome => plain("no_home", "without a home folder", 0, ""),
        Fact::NoTerminal => plain("no_terminal", "without a terminal", 0, ""),
    }
}

/// The sum for one way.
pub(super) fn score(signals: &[Signal], way: Way) -> i32 {
    let of_signals: i32 = signals.iter().map(|signal| signal.weights.of(way)).sum();
    Weights::AT_FIRST.of(way) + of_signals
}

/// Whether a browser can be started that comes back here: an opener, and a place where it opens something.
pub(super) fn opens_here(place: &Surroundings) -> bool {
    let Some(opener) = opener(place) else { return false };
    place.is(|fact| match fact {
        Fact::Desktop => {
            opener != "wslview" || place.is(|fact| matches!(fact, Fact::Wsl { interop: true, .. }))
        }
        Fact::Wsl { interop, .. } => *interop && opener != "xdg-open",
        Fact::Forwarding => opener.starts_with("browser"),
        _ => false,
    })
}

/// The program that would open a browser with a window.
pub(super) fn opener(place: &Surroundings) -> Option<&str> {
    place.observations().iter().find_map(|seen| match &seen.fact {
        Fact::Opener { name, .. } => Some(name.as_str()),
        _ => None,
    })
}

/// Whether `BROWSER` names a program that is started wherever the browser is that it leads to: everywhere but in a job.
pub(super) fn is_named_by_variable(place: &Surroundings) -> bool {
    let is_named = |fact: &Fact| matches!(fact, Fact::Opener { is_of_variable: true, .. });
    place.is(is_named) && !place.is(|fact| matches!(fact, Fact::Ci(_)))
}

/// Why this way is the first one, in one line.
pub(super) fn reason(place: &Surroundings, signals: &[Signal], first: Option<Way>, starts: bool) -> String {
    let strongest = |weight: fn(&Signal) -> i32| {
        // The earliest of the strongest ones.
        signals.iter().rev().filter(|signal| weight(signal) > 0).max_by_key(|signal| weight(signal))
    };
    let (signal, consequence) = match first {
        Some(Way::Open) => {
            let signal = strongest(|signal| signal.weights.open);
            let consequence = signal.map_or("", |signal| signal.consequence);
            let how = match opener(place) {
                Some(_) if starts && signal.is_some_and(|signal| signal.name == "forwarding") => {
                    String::new()
                }
                Some(opener) if starts => format!(", and {opener} opens it"),
                _ => ", but none is started: open the link yourself".to_owned(),
            };
            (signal, format!("{consequence}{how}"))
        }
        Some(Way::Code) => {
            let signal = strongest(|signal| signal.weights.code);
            (signal, signal.map_or("", |signal| signal.consequence).to_owned())
        }
        _ => {
            let signal = strongest(|signal| -signal.weights.open);
            (signal, signal.map_or("", |signal| signal.consequence).to_owned())
        }
    };
    match signal {
        Some(signal) => format!("{} ({}): {consequence}", signal.words, signal.evidence),
        None => "nothing here says where the browser is".to_owned(),
    }
}

/// What is to be said for a way here.
pub(super) fn merit(place: &Surroundings, way: Way, starts: bool) -> String {
    match way {
        Way::Open => match opener(place) {
            Some(opener) if starts => format!("{opener} opens the browser, and it comes back by itself"),
            _ => "a browser that reaches this machine's loopback comes back by itself".to_owned(),
        },
        Way::Paste => "any browser will do: the address on which it ends is pasted here".to_owned(),
        Way::Code => "any browser will do: a code is compared there".to_owned(),
    }
}
