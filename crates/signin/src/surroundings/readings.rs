//! What is read from this machine to know where it is: raw, with nothing concluded from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use outside::processes::{self, Process};
use outside::{Env, Outside, browser, display, env, files};

use super::ci;

/// The variables that say something of the place. No other is kept, for values may be secret; these are not.
pub(super) const VARIABLES: &[&str] = &[
    "ACC_CLOUD",
    "AWS_EXECUTION_ENV",
    "AZUREPS_HOST_ENVIRONMENT",
    "BROWSER",
    "C9_PID",
    "C9_PROJECT",
    "C9_USER",
    "CLOUD_SHELL",
    "CODESPACES",
    "CODE_SERVER_SESSION_SOCKET",
    "CONTAINER_ID",
    "DEVCONTAINER",
    "DISPLAY",
    "DISTROBOX_ENTER_PATH",
    "ECS_CONTAINER_METADATA_URI",
    "ECS_CONTAINER_METADATA_URI_V4",
    "FLATPAK_ID",
    "GITPOD_WORKSPACE_ID",
    "GOOGLE_CLOUD_SHELL",
    "HOME",
    "INVOCATION_ID",
    "KUBERNETES_SERVICE_HOST",
    "LOGNAME",
    "ONA_ENVIRONMENT_ID",
    "REMOTE_CONTAINERS",
    "REMOTE_DEV_TRUST_PROJECTS",
    "SAGEMAKER_APP_TYPE",
    "SAGEMAKER_APP_TYPE_LOWERCASE",
    "SAGEMAKER_SPACE_NAME",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "STY",
    "SUDO_USER",
    "TERM",
    "TERMINAL_EMULATOR",
    "TMUX",
    "USER",
    "VSCODE_IPC_HOOK_CLI",
    "VSCODE_PROXY_URI",
    "WAYLAND_DISPLAY",
    "WSL_DISTRO_NAME",
    "WSL_INTEROP",
    "XDG_RUNTIME_DIR",
    "ZELLIJ",
    "container",
];

/// The files whose being there says something of the place.
pub(crate) const FILES: &[&str] = &[
    "/.dockerenv",
    "/.flatpak-info",
    "/opt/ml/metadata/resource-metadata.json",
    "/proc/sys/fs/binfmt_misc/WSLInterop",
    "/proc/sys/fs/binfmt_misc/WSLInterop-late",
    "/run/.containerenv",
    "/run/.toolboxenv",
    "/var/run/secrets/kubernetes.io/serviceaccount",
];

/// The names of multiplexers' servers, which outlive the connection that they were begun on, and those of their clients.
const MULTIPLEXERS: &[(&str, &str, &str)] =
    &[("tmux", "tmux: server", "tmux: client"), ("screen", "screen", "screen")];

/// How much of a file is read. The list of mounts is the longest; its container lines may be far behind.
const MOST: u64 = 64 * 1024;

/// What was read. [`super::Surroundings::of`] concludes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings {
    /// The kind of operating system: `linux`, `macos`.
    pub system: String,
    /// The variables of interest.
    pub variables: BTreeMap<String, String>,
    /// Which of the files of interest are there; the sockets of `DISPLAY`, `WAYLAND_DISPLAY` and `VSCODE_IPC_HOOK_CLI`, too.
    pub files: BTreeSet<String>,
    /// `/proc/sys/kernel/osrelease`.
    pub kernel: String,
    /// `/proc/1/cgroup` and `/proc/self/mountinfo`, where containers show.
    pub cgroup_and_mounts: String,
    /// The maker and the name of the machine, as its firmware says.
    pub product: String,
    /// The processes above this one, its parent first: short name, or program where that says more.
    pub parents: Vec<String>,
    /// The terminals that show the multiplexer in which we run: for each the processes above its client.
    pub multiplexer_clients: Vec<Vec<String>>,
    /// `SSH_CONNECTION` of whoever sits there: that of a terminal that shows the multiplexer; else our own; else, where `sudo` or
    /// `su` took that away, the one of a process above.
    pub connection: Option<String>,
    /// Who came over SSH, as the server's process above this one says.
    pub ssh_user: Option<String>,
    /// The name of the user that we act for, in the system's records.
    pub account: Option<String>,
    /// Whether standard input, output and error are terminals.
    pub terminals: [bool; 3],
    /// Whether we act for the administrator.
    pub is_root: bool,
    /// The programs that may open a browser here, best first.
    pub openers: Vec<String>,
}

impl Readings {
    /// Reads this machine. Whatever cannot be read counts as not there.
    pub fn gather(outside: &Outside) -> Self {
        let variables = of_interest(&outside.env);
        let text = |path: &str| files::beginning(Path::new(path), MOST).unwrap_or_default();
        let chain = processes::ancestors();
        let clients = clients_of_multiplexer(&chain);
        let shown_by = clients.iter().flatten().find_map(connection_of);
        let own = || variables.get("SSH_CONNECTION").cloned();
        let candidates = FILES.iter().map(|path| (*path).to_owned()).chain(sockets(&variables));
        let dmi = |name: &str| text(&format!("/sys/class/dmi/id/{name}")).trim().to_owned();
        Self {
            system: env::system().to_owned(),
            files: candidates.filter(|path| files::exists(Path::new(path))).collect(),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            cgroup_and_mounts: text("/proc/1/cgroup") + &text("/proc/self/mountinfo"),
            product: format!("{} {}", dmi("sys_vendor"), dmi("product_name")).trim().to_owned(),
            connection: shown_by.or_else(own).or_else(|| chain.iter().find_map(connection_of)),
            multiplexer_clients: clients
                .iter()
                .map(|chain| chain.iter().skip(1).map(telling_name).collect())
                .collect(),
            ssh_user: chain.iter().find_map(|process| user_of_sshd(&process.program)),
            account: env::own_user_name(),
            parents: chain.iter().map(telling_name).collect(),
            terminals: [outside.terminal.input, outside.terminal.output, outside.terminal.error],
            is_root: env::own_uid() == 0,
            openers: browser::found(&outside.env),
            variables,
        }
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

/// Those of the variables that say something of the place.
pub(crate) fn of_interest(env: &Env) -> BTreeMap<String, String> {
    let names = VARIABLES.iter().copied().chain(ci::variables());
    names.filter_map(|name| Some((name.to_owned(), env.get(name)?.to_owned()))).collect()
}

/// The sockets that the variables name on this machine, whether they are there or not: X, Wayland, and an editor's.
pub(crate) fn sockets(variables: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    let editor = variables.get("VSCODE_IPC_HOOK_CLI").cloned();
    [x_socket(variables), wayland_socket(variables), editor].into_iter().flatten()
}

/// The socket of the X server, where it is on this machine.
pub(crate) fn x_socket(variables: &BTreeMap<String, String>) -> Option<String> {
    display::x_socket(variables.get("DISPLAY")?)
}

/// The socket of the Wayland compositor.
pub(crate) fn wayland_socket(variables: &BTreeMap<String, String>) -> Option<String> {
    display::wayland_socket(
        variables.get("WAYLAND_DISPLAY")?,
        variables.get("XDG_RUNTIME_DIR").map(String::as_str),
    )
}

/// The short name of a process, or the path of its program where only that tells: an editor's server is a `node`.
fn telling_name(process: &Process) -> String {
    let tells = ["code-server", "/RemoteDev/", "code-tunnel"];
    if tells.iter().any(|word| process.program.contains(word)) {
        return process.program.clone();
    }
    process.name.clone()
}

/// The user in the title that OpenSSH gives to the process of a connection: `sshd: jo@pts/3`, `sshd-session: jo [priv]`.
fn user_of_sshd(program: &str) -> Option<String> {
    let (name, connection) = program.split_once(": ")?;
    // The name of a domain's user has an `@` of its own.
    let user = connection.split(' ').next().unwrap_or_default();
    let user = user.rsplit_once('@').map_or(user, |(user, _)| user);
    // The listener's title begins with its path.
    (matches!(name, "sshd" | "sshd-session") && !user.is_empty() && !user.starts_with('/'))
        .then(|| user.to_owned())
}

fn connection_of(process: &Process) -> Option<String> {
    processes::variable(process, "SSH_CONNECTION")
}

/// For each terminal that shows a multiplexer of ours, the client and the processes above it.
fn clients_of_multiplexer(chain: &[Process]) -> Vec<Vec<Process>> {
    let server = chain.iter().find_map(|process| {
        let known = MULTIPLEXERS.iter().find(|(_, server, _)| process.name.eq_ignore_ascii_case(server))?;
        Some((process, known.2))
    });
    let Some((server, client)) = server else { return Vec::new() };
    processes::all()
        .iter()
        .filter(|other| other.name == client && other.user == server.user && other.id != server.id)
        // A server of screen says so in capitals.
        .filter(|other| !other.program.starts_with("SCREEN"))
        .map(|client| [vec![client.clone()], processes::ancestors_of_process(client)].concat())
        .collect()
}

/// The name of the multiplexer whose server is above us, by its process.
pub(crate) fn multiplexer_among(parents: &[String]) -> Option<&'static str> {
    let is_server = |server: &str| parents.iter().any(|name| name.eq_ignore_ascii_case(server));
    MULTIPLEXERS.iter().find(|(_, server, _)| is_server(server)).map(|(name, _, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_of_a_connection_names_its_user_and_that_of_the_listener_none() {
        assert_eq!(user_of_sshd("sshd: jo@pts/3").as_deref(), Some("jo"));
        assert_eq!(user_of_sshd("sshd-session: jo [priv]").as_deref(), Some("jo"));
        assert_eq!(user_of_sshd("sshd: jo@corp.example@notty").as_deref(), Some("jo@corp.example"));
        for other in ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "-bash", "x: jo@y", "sshd: "]
        {
            assert_eq!(user_of_sshd(other), None, "{other}");
        }
    }

    #[test]
    fn a_variable_that_says_nothing_of_the_place_is_not_kept() {
        let env =
            Env::pretended(&[("AWS_SECRET_ACCESS_KEY", "s"), ("TMUX", "t"), ("GITHUB_ACTIONS", "true")]);
        let kept: Vec<String> = of_interest(&env).into_keys().collect();
        assert_eq!(kept, ["GITHUB_ACTIONS", "TMUX"]);
    }

    #[test]
    fn this_machine_is_read_without_an_error() {
        let outside = Outside::real();
        let readings = Readings::gather(&outside.with_env(Env::pretended(&[("HOME", "/h")])));
        assert_eq!(readings.system, env::system());
        assert_eq!(readings.variable("HOME"), Some("/h"));
        assert!(!cfg!(target_os = "linux") || !readings.parents.is_empty());
        assert!(!cfg!(target_os = "linux") || !readings.kernel.is_empty());
    }
}
