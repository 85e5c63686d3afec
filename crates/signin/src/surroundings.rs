//! Where we are: plain facts, each with the evidence for it. [`Readings`] are what was read from the machine; concluding from
//! them touches nothing. What the facts mean for a sign-in is [`crate::choose`]'s.

use std::net::IpAddr;

use outside::{Outside, browser};
use wire::words::printable;

pub mod ci;
mod container;
mod editors;
mod local_browser;
mod readings;

pub use ci::Ci;
pub(crate) use container::is_on_the_network_of_the_machine;
pub use local_browser::starts_local_browser;
pub use readings::Readings;
#[cfg(test)]
pub(crate) use readings::{FILES, of_interest, sockets};

/// One thing that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Somebody came here over SSH.
    Ssh(Ssh),
    /// Somebody came here over mosh.
    Mosh,
    /// Somebody came here through AWS Systems Manager.
    SessionManager,
    /// The terminal is shown in a web page by this program.
    WebTerminal(String),
    /// There are traces of SSH, but the multiplexer is shown on this machine now.
    StaleSsh,
    /// We run in a multiplexer: `tmux`, `screen`, `zellij`.
    Multiplexer(&'static str),
    /// A container of this kind.
    Container(&'static str),
    /// A pod of Kubernetes.
    Kubernetes,
    /// A web editor or a cloud shell: the person sees it in a page, which cannot reach our loopback.
    WebWorkspace(&'static str),
    /// A container that an editor made for development.
    DevContainer,
    /// An editor shows this terminal on another machine; through a tunnel, maybe in a page.
    EditorTunnel,
    /// VS Code, or an editor made from it, shows this terminal on another machine.
    RemoteEditor,
    /// The backend of a JetBrains editor that is shown on another machine.
    JetBrainsGateway,
    /// The editor opens pages where the person sits, and brings their loopback back here.
    Forwarding,
    /// The editor left its variables, but is not there any more.
    StaleEditor,
    /// Windows' subsystem for Linux.
    Wsl {
        /// 1 or 2.
        version: u8,
        /// Whether programs of Windows can be started.
        interop: bool,
    },
    /// A system that runs jobs.
    Ci(&'static Ci),
    /// A guest on a virtual machine of this kind.
    VirtualMachine(&'static str),
    /// A desktop on this machine.
    Desktop,
    /// A display that another machine shows.
    ForwardedDisplay,
    /// A display that is not there any more.
    StaleDisplay,
    /// No display at all.
    NoDisplay,
    /// A program that may open a browser here.
    Opener {
        /// Its name.
        name: String,
        /// Whether `BROWSER` names it.
        is_of_variable: bool,
    },
    /// No program that could open a browser.
    NoOpener,
    /// The person named a browser that would take the terminal, or none.
    NoGraphicalBrowser(String),
    /// A text console: nothing can be copied out of it.
    TextConsole,
    /// We act for the administrator on behalf of somebody else.
    Sudo,
    /// Started by cron.
    Cron,
    /// Started by systemd.
    SystemdUnit,
    /// No home folder.
    NoHome,
    /// Nobody can type, or nobody can see what is said.
    NoTerminal,
}

/// How somebody came here over SSH. What is known can be pasted into a shell as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ssh {
    /// As whom.
    pub user: Option<String>,
    /// The address of this machine, as the other one sees it or as one between sees it.
    pub server: Option<String>,
    /// The port of its SSH server.
    pub port: Option<u16>,
}

/// A fact with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What is so.
    pub fact: Fact,
    /// Why we think so, in words: "SSH_CONNECTION is set". Holds no value that could be secret.
    pub evidence: String,
}

/// All that is known of the place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    observations: Vec<Observation>,
}

/// Room for a piece of evidence.
const EVIDENCE: usize = 160;

/// What shows a shell in a web page.
const WEB_TERMINALS: &[&str] = &["cockpit-bridge", "gotty", "shellinaboxd", "ttyd", "wetty"];

/// The terminal types of consoles, on a screen of the machine itself or on a serial line.
const CONSOLES: &[&str] = &["linux", "vt100", "vt102", "vt220", "cons25"];

impl Surroundings {
    /// Observes the place where this process runs.
    pub fn observe(outside: &Outside) -> Self {
        Self::of(&Readings::gather(outside))
    }

    /// Concludes from what was read.
    pub fn of(readings: &Readings) -> Self {
        let mut place = Self::default();
        place.ci(readings);
        place.editors(readings);
        place.remote(readings);
        place.container(readings);
        place.machine(readings);
        place.display(readings);
        place.browser(readings);
        place.started_by(readings);
        place
    }

    /// The facts, in the order in which they were looked for.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// How somebody came here over SSH, if so.
    pub fn ssh(&self) -> Option<&Ssh> {
        self.observations.iter().find_map(|seen| match &seen.fact {
            Fact::Ssh(ssh) => Some(ssh),
            _ => None,
        })
    }

    /// The kind of container, if it is one.
    pub fn container_kind(&self) -> Option<&'static str> {
        self.observations.iter().find_map(|seen| match seen.fact {
            Fact::Container(kind) => Some(kind),
            _ => None,
        })
    }

    /// Whether standard input and standard error are terminals, so that somebody may be there who sees a prompt.
    pub fn has_terminal(&self) -> bool {
        !self.is(|fact| matches!(fact, Fact::NoTerminal))
    }

    /// Whether some fact is of that kind.
    pub(crate) fn is(&self, kind: impl Fn(&Fact) -> bool) -> bool {
        self.observations.iter().any(|seen| kind(&seen.fact))
    }

    fn add(&mut self, fact: Fact, evidence: impl Into<String>) {
        // Names from variables and from the file system are in it.
        let evidence = printable(&evidence.into(), EVIDENCE);
        self.observations.push(Observation { fact, evidence });
    }

    fn ci(&mut self, readings: &Readings) {
        if let Some((ci, variable)) = ci::recognise(|name| readings.variable(name)) {
            self.add(Fact::Ci(ci), is_set(variable));
        }
    }

    /// Who came from elsewhere. Variables outlive the connection in a multiplexer and are lost by `sudo` and `su`, so
    /// processes count more.
    fn remote(&mut self, readings: &Readings) {
        let multiplexer = ["TMUX", "STY", "ZELLIJ"]
            .into_iter()
            .zip(["tmux", "screen", "zellij"])
            .find(|(variable, _)| readings.variable(variable).is_some());
        let by_process = readings::multiplexer_among(&readings.parents);
        match (multiplexer, by_process) {
            (Some((variable, name)), _) => self.add(Fact::Multiplexer(name), is_set(variable)),
            (None, Some(name)) => self.add(Fact::Multiplexer(name), format!("{name} is above this process")),
            (None, None) => {}
        }
        let ssh = ssh_of(readings);
        let variable = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]
            .into_iter()
            .find(|name| readings.variable(name).is_some());
        let clients = &readings.multiplexer_clients;
        let from_afar =
            |names: &Vec<String>| names.iter().find(|name| is_ssh(name) || is_mosh(name)).cloned();
        let parent = |kind: fn(&str) -> bool| readings.parents.iter().find(|name| kind(name));
        if let Some(mosh) = parent(is_mosh) {
            self.add(Fact::Mosh, above(mosh));
        } else if let Some(server) = clients.iter().find_map(from_afar) {
            let evidence = format!("a terminal that shows this one runs under {server}");
            self.add(if is_mosh(&server) { Fact::Mosh } else { Fact::Ssh(ssh) }, evidence);
        } else if let Some(variable) = variable {
            if clients.is_empty() {
                self.add(Fact::Ssh(ssh), is_set(variable));
            } else {
                self.add(
                    Fact::StaleSsh,
                    format!("{variable} is set, but no SSH is above what shows this terminal"),
                );
            }
        } else if let Some(server) = parent(is_ssh) {
            self.add(Fact::Ssh(ssh), above(server));
        }
        if let Some(worker) = parent(|name| name.starts_with("ssm-session-wor")) {
            self.add(Fact::SessionManager, above(worker));
        }
        if let Some(web) = parent(|name| WEB_TERMINALS.contains(&name)) {
            self.add(Fact::WebTerminal(web.clone()), above(web));
        }
    }

    fn machine(&mut self, readings: &Readings) {
        let kernel = readings.kernel.to_ascii_lowercase();
        let of_windows = kernel.contains("microsoft");
        // Only there do the variables count: they go along into a container.
        if of_windows && !self.is(|fact| matches!(fact, Fact::Container(_) | Fact::Kubernetes)) {
            let is_second = kernel.contains("wsl2") || kernel.contains("microsoft-standard");
            let interop = readings.variable("WSL_INTEROP").is_some()
                || readings.files.iter().any(|path| path.starts_with("/proc/sys/fs/binfmt_misc/WSLInterop"));
            let fact = Fact::Wsl { version: if is_second { 2 } else { 1 }, interop };
            return self.add(fact, format!("the kernel is {}", readings.kernel));
        }
        // The firmware of the host shows in a container, too, and tells nothing there.
        if self.is(|fact| matches!(fact, Fact::Container(_) | Fact::Kubernetes)) {
            return;
        }
        if let Some(kind) = virtual_machine(&readings.product) {
            self.add(Fact::VirtualMachine(kind), format!("the firmware says {}", readings.product));
        }
    }

    fn display(&mut self, readings: &Readings) {
        if readings.system == "macos" {
            return self.add(Fact::Desktop, "the system is macOS");
        }
        let there = |socket: Option<String>| socket.is_some_and(|path| readings.files.contains(&path));
        let mut stale = None;
        if let Some(display) = readings.variable("WAYLAND_DISPLAY") {
            if there(readings::wayland_socket(&readings.variables)) {
                return self.add(Fact::Desktop, format!("WAYLAND_DISPLAY is {display}"));
            }
            stale = Some(format!("WAYLAND_DISPLAY is {display}, but its socket is not there"));
        }
        let Some(display) = readings.variable("DISPLAY") else {
            return match stale {
                Some(evidence) => self.add(Fact::StaleDisplay, evidence),
                None => self.add(Fact::NoDisplay, "neither DISPLAY nor WAYLAND_DISPLAY is set"),
            };
        };
        match readings::x_socket(&readings.variables) {
            Some(socket) if readings.files.contains(&socket) => {
                self.add(Fact::Desktop, format!("DISPLAY is {display}"));
            }
            Some(socket) => {
                self.add(Fact::StaleDisplay, format!("DISPLAY is {display}, but {socket} does not exist"));
            }
            // sshd forwards X11 from here on; below are displays of other machines, as old servers on Windows have them.
            None => self.add(Fact::ForwardedDisplay, format!("DISPLAY is {display}")),
        }
    }

    fn browser(&mut self, readings: &Readings) {
        let base = |name: &str| printable(name.rsplit('/').next().unwrap_or(name), EVIDENCE);
        let named = browser::named(readings.variable("BROWSER").unwrap_or_default());
        let (of_variable, of_system): (Vec<&String>, Vec<&String>) =
            readings.openers.iter().partition(|name| named.contains(*name));
        // A text browser that is named first is passed over, as nobody would see what it shows.
        let graphical = of_variable.iter().find(|name| browser::is_graphical(name));
        match (graphical, of_variable.first(), of_system.first()) {
            (Some(name), ..) => {
                let name = base(name);
                let evidence = format!("BROWSER names {name}");
                self.add(Fact::Opener { name, is_of_variable: true }, evidence);
            }
            (None, Some(name), _) => {
                let name = base(name);
                let evidence = format!("{name} is the first browser");
                self.add(Fact::NoGraphicalBrowser(name), evidence);
            }
            (None, None, Some(name)) => {
                let name = base(name);
                let evidence = format!("{name} is on PATH");
                self.add(Fact::Opener { name, is_of_variable: false }, evidence);
            }
            (None, None, None) => self.add(Fact::NoOpener, "no program that opens a browser was found"),
        }
    }

    fn started_by(&mut self, readings: &Readings) {
        let [input, _, error] = readings.terminals;
        if readings.is_root && readings.variable("SUDO_USER").is_some() {
            self.add(Fact::Sudo, is_set("SUDO_USER"));
        } else if let Some(name) =
            readings.parents.iter().find(|name| matches!(name.as_str(), "sudo" | "su" | "doas"))
        {
            self.add(Fact::Sudo, above(name));
        }
        if let Some(term) = readings.variable("TERM").filter(|term| CONSOLES.contains(term)) {
            self.add(Fact::TextConsole, format!("TERM is {term}"));
        }
        if readings.variable("HOME").is_none() {
            self.add(Fact::NoHome, "HOME is not set");
        }
        // The prompt is on standard error.
        if input && error {
            return;
        }
        let streams = if input { "standard error is no terminal" } else { "standard input is no terminal" };
        self.add(Fact::NoTerminal, streams);
        let is_cron =
            |name: &&String| matches!(name.as_str(), "cron" | "crond" | "anacron" | "atd" | "fcron");
        if let Some(cron) = readings.parents.iter().find(is_cron) {
            self.add(Fact::Cron, above(cron));
        } else if readings.variable("INVOCATION_ID").is_some() {
            // With a terminal it says nothing: those of a desktop are units, too.
            self.add(Fact::SystemdUnit, is_set("INVOCATION_ID"));
        }
    }
}

fn is_set(variable: &str) -> String {
    format!("{variable} is set")
}

fn exists(path: &str) -> String {
    format!("{path} exists")
}

fn above(name: &str) -> String {
    format!("{name} is above this process")
}

fn is_ssh(name: &str) -> bool {
    matches!(name, "sshd" | "sshd-session" | "sshd-auth" | "dropbear" | "tailscaled")
}

fn is_mosh(name: &str) -> bool {
    matches!(name, "mosh-server" | "etterminal")
}

fn ssh_of(readings: &Readings) -> Ssh {
    let connection: Vec<&str> = readings.connection.as_deref().unwrap_or_default().split(' ').collect();
    let (server, port) = match connection.as_slice() {
        [_, _, server, port] => (Some(*server), port.parse().ok()),
        _ => (None, None),
    };
    // A zone names an interface of this machine, which says nothing to the other one.
    let server = server.map(|server| server.split('%').next().unwrap_or_default());
    // After `su` they name somebody else.
    let is_changed = readings.parents.iter().any(|name| name == "su");
    let names = if is_changed { &["SUDO_USER"][..] } else { &["SUDO_USER", "USER", "LOGNAME"] };
    let by_variable = || names.iter().find_map(|name| readings.variable(name));
    let by_record = || readings.account.as_deref().filter(|_| !is_changed);
    let user = readings.ssh_user.as_deref().or_else(by_variable).or_else(by_record);
    Ssh {
        user: user.map(str::to_owned),
        server: server.filter(|server| server.parse::<IpAddr>().is_ok()).map(str::to_owned),
        port,
    }
}

fn virtual_machine(product: &str) -> Option<&'static str> {
    let known = [
        ("VirtualBox", "VirtualBox"),
        ("VMware", "VMware"),
        ("QEMU", "QEMU"),
        ("KVM", "KVM"),
        ("Parallels", "Parallels"),
        ("Apple Virtualization", "Apple Virtualization"),
        ("Microsoft Corporation Virtual Machine", "Hyper-V"),
        ("Xen HVM domU", "Xen"),
        ("Amazon EC2", "Amazon EC2"),
        ("Google Compute Engine", "Google Compute Engine"),
    ];
    known.iter().find(|(mark, _)| product.contains(mark)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use outside::Env;

    fn readings(variables: &[(&str, &str)]) -> Readings {
        let variables = of_interest(&Env::pretended(variables));
        let connection = variables.get("SSH_CONNECTION").cloned();
        Readings { system: "linux".into(), variables, connection, ..Readings::default() }
    }

    #[test]
    fn what_ssh_says_of_the_server_is_an_address_and_of_the_user_any_name() {
        let ssh = |connection, user| {
            let place = Surroundings::of(&readings(&[("SSH_CONNECTION", connection), ("USER", user)]));
            place.ssh().cloned().unwrap()
        };
        assert_eq!(
            ssh("192.0.2.7 50000 198.51.100.9 22", "jo"),
            Ssh { user: Some("jo".into()), server: Some("198.51.100.9".into()), port: Some(22) }
        );
        assert_eq!(ssh("fe80::1%e 1 fe80::2%eth0 2222", "jo").server.as_deref(), Some("fe80::2"));
        for (connection, user) in
            [("UNKNOWN 1 UNKNOWN 2", "CORP\\ann"), ("1 2 $(x) 4", "ann@corp.example"), ("x", "Ünal")]
        {
            let ssh = ssh(connection, user);
            assert_eq!((ssh.user.as_deref(), ssh.server), (Some(user), None), "{connection}");
        }
    }

    #[test]
    fn who_came_over_ssh_is_not_who_they_became() {
        let user = |variables: &[(&str, &str)], parents: &str, title: Option<&str>| {
            let mut readings = readings(variables);
            readings.parents = parents.split(' ').map(str::to_owned).collect();
            readings.ssh_user = title.map(str::to_owned);
            Surroundings::of(&readings).ssh().unwrap().user.clone()
        };
        let became = [("USER", "root"), ("SUDO_USER", "jo")];
        assert_eq!(user(&became, "sudo bash sshd", None).as_deref(), Some("jo"));
        assert_eq!(user(&[("USER", "root")], "su bash sshd", None), None);
        assert_eq!(user(&[("USER", "root")], "su bash sshd", Some("jo")).as_deref(), Some("jo"));
        assert_eq!(user(&[("USER", "jo")], "bash sshd", None).as_deref(), Some("jo"));
    }

    #[test]
    fn the_connection_of_whoever_sits_there_counts() {
        let mut readings = readings(&[("SUDO_USER", "jo")]);
        readings.parents = ["bash", "sudo", "bash", "sshd"].map(str::to_owned).to_vec();
        assert_eq!(Surroundings::of(&readings).ssh().unwrap().server, None);
        readings.connection = Some("192.0.2.7 50000 198.51.100.9 2222".to_owned());
        let ssh = Surroundings::of(&readings).ssh().cloned().unwrap();
        assert_eq!((ssh.server.as_deref(), ssh.port), (Some("198.51.100.9"), Some(2222)));
    }

    #[test]
    fn where_no_variable_names_a_user_the_records_of_the_system_do() {
        let user = |variables: &[(&str, &str)], parents: &str| {
            let parents = parents.split(' ').map(str::to_owned).collect();
            let readings = Readings { account: Some("ann".into()), parents, ..readings(variables) };
            Surroundings::of(&readings).ssh().unwrap().user.clone()
        };
        assert_eq!(user(&[], "bash sshd").as_deref(), Some("ann"));
        assert_eq!(user(&[("LOGNAME", "jo")], "bash sshd").as_deref(), Some("jo"));
        assert_eq!(user(&[], "su bash sshd"), None, "the records name who they became");
    }

    #[test]
    fn evidence_shows_no_value_of_a_variable_that_names_people_or_machines() {
        let mut readings = readings(&[
            ("SSH_CONNECTION", "192.0.2.7 50000 198.51.100.9 22"),
            ("CODESPACES", "secret-1"),
            ("VSCODE_IPC_HOOK_CLI", "/run/secret-2"),
            ("SUDO_USER", "secret-3"),
        ]);
        readings.is_root = true;
        let all: String =
            Surroundings::of(&readings).observations().iter().map(|seen| seen.evidence.as_str()).collect();
        assert!(!all.contains("secret") && !all.contains("192.0.2.7"), "{all}");
    }
    #[test]
    fn what_variables_say_does_nothing_to_a_terminal() {
        let wild = "x\u{1b}]0;y\u{7}\u{202e}";
        for name in readings::VARIABLES {
            let mut readings = readings(&[(name, wild)]);
            readings.openers = vec![format!("/bin/{wild}")];
            readings.kernel = format!("microsoft {wild}");
            readings.product = format!("QEMU {wild}");
            let place = Surroundings::of(&readings);
            let shown = format!("{:?}", crate::choose::weigh(&place, &crate::choose::Wish::default()));
            assert!(
                !shown.contains("\\u{1b}") && !shown.contains("\\u{7}") && !shown.contains("\\u{202e}"),
                "{shown}"
            );
        }
    }
}
