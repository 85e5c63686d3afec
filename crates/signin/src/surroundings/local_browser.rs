//! Whether the browser that is started here runs on this machine as this user. Then a link on our listener leads it on; a browser
//! elsewhere may not reach that.

use super::{Fact, Surroundings};

/// Names of browsers, and of programs that start the desktop's browser. A program with another name may hand the address to
/// another machine.
const BROWSERS: &[&str] = &[
    "brave",
    "brave-browser",
    "chrome",
    "chromium",
    "chromium-browser",
    "epiphany",
    "falkon",
    "firefox",
    "firefox-esr",
    "gio",
    "gnome-www-browser",
    "google-chrome",
    "google-chrome-beta",
    "google-chrome-stable",
    "konqueror",
    "librewolf",
    "microsoft-edge",
    "microsoft-edge-stable",
    "open",
    "opera",
    "sensible-browser",
    "vivaldi",
    "vivaldi-stable",
    "x-www-browser",
    "xdg-open",
];

/// Decides it by the place and by the variable `BROWSER`. A variable that names anything but well-known browsers is a helper, and
/// helpers are mostly there to reach another machine.
pub fn starts_local_browser(place: &Surroundings, variable: Option<&str>) -> bool {
    let may_be_elsewhere = |fact: &Fact| {
        matches!(
            fact,
            Fact::Ssh(_)
                | Fact::Mosh
                | Fact::SessionManager
                | Fact::WebTerminal(_)
                | Fact::Kubernetes
                | Fact::WebWorkspace(_)
                | Fact::DevContainer
                | Fact::EditorTunnel
                | Fact::RemoteEditor
                | Fact::JetBrainsGateway
                | Fact::Forwarding
                | Fact::Wsl { .. }
                | Fact::ForwardedDisplay
                | Fact::Sudo
        )
    };
    let commands = variable.unwrap_or_default().split(':').filter(|command| !command.trim().is_empty());
    !place.is(may_be_elsewhere) && commands.into_iter().all(names_browser)
}

/// Whether the first word of a command of `BROWSER` is the name or the path of a well-known browser.
fn names_browser(command: &str) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    let name = program.rsplit_once('/').map_or(program, |(_, name)| name);
    BROWSERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(facts: &[Fact]) -> Surroundings {
        let mut place = Surroundings::default();
        facts.iter().for_each(|fact| place.add(fact.clone(), "a test"));
        place
    }

    #[test]
    fn a_browser_is_local_if_neither_the_place_nor_the_variable_leads_elsewhere() {
        let desktop = || vec![Fact::Desktop, Fact::Opener { name: "xdg-open".into(), is_of_variable: false }];
        let and = |fact: Fact| [desktop(), vec![fact]].concat();
        let rows = [
            (desktop(), None, true),
            (desktop(), Some(""), true),
            (desktop(), Some("firefox"), true),
            (desktop(), Some("/usr/bin/chromium --incognito %s:firefox"), true),
            (desktop(), Some("firefox:/home/ann/bin/open-on-my-laptop"), false),
            (desktop(), Some("/vscode/bin/helpers/browser.sh"), false),
            (desktop(), Some("ssh laptop xdg-open"), false),
            (and(Fact::Ssh(super::super::Ssh::default())), None, false),
            (and(Fact::Wsl { version: 2, interop: true }), None, false),
            (and(Fact::Forwarding), Some("firefox"), false),
            (and(Fact::RemoteEditor), None, false),
            (and(Fact::ForwardedDisplay), None, false),
            (and(Fact::Sudo), None, false),
            (and(Fact::StaleSsh), None, true),
            (and(Fact::Container("a Docker container")), None, true),
        ];
        for (facts, variable, is_local) in rows {
            assert_eq!(starts_local_browser(&place(&facts), variable), is_local, "{facts:?} {variable:?}");
        }
    }
}
