//! Containers and pods, by the files, variables and mounts that their makers leave in them.

use super::{Fact, Readings, Surroundings, exists, is_set};

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Parts of a control group's name, or of the path that a file of the container is mounted from.
const MARKS: &[(&str, &str)] = &[
    ("/docker/", "a Docker container"),
    ("/docker-", "a Docker container"),
    ("/overlay-containers/", "a Podman container"),
    ("/libpod-", "a Podman container"),
    ("/kubepods", "a Kubernetes container"),
    ("/kubelet/pods/", "a Kubernetes container"),
    ("/lxc/", "an LXC container"),
    ("/lxc.payload", "an LXC container"),
    ("/containerd/", "a container"),
];

/// The kinds whose loopback is that of the machine around them.
const ON_THE_NETWORK_OF_THE_MACHINE: [&str; 3] =
    ["a Toolbx container", "a Distrobox container", "a Flatpak sandbox"];

/// Whether the loopback of such a container is that of the machine around it.
pub(crate) fn is_on_the_network_of_the_machine(kind: &str) -> bool {
    ON_THE_NETWORK_OF_THE_MACHINE.contains(&kind)
}

impl Surroundings {
    /// Whether this is a container with a loopback of its own.
    pub fn is_container_apart(&self) -> bool {
        self.container_kind().is_some_and(|kind| !is_on_the_network_of_the_machine(kind))
    }

    /// Whether the person's browser is not on this computer, as far as the way in which they came here says.
    pub fn is_away_from_the_person(&self) -> bool {
        let is_away = |fact: &Fact| {
            matches!(
                fact,
                Fact::Ssh(_)
                    | Fact::Mosh
                    | Fact::SessionManager
                    | Fact::Kubernetes
                    | Fact::WebTerminal(_)
                    | Fact::WebWorkspace(_)
                    | Fact::DevContainer
                    | Fact::EditorTunnel
            )
        };
        self.is_container_apart() || self.is(is_away)
    }

    pub(super) fn container(&mut self, readings: &Readings) {
        if readings.variable("KUBERNETES_SERVICE_HOST").is_some() {
            self.add(Fact::Kubernetes, is_set("KUBERNETES_SERVICE_HOST"));
        } else if readings.files.contains(SERVICE_ACCOUNT) {
            self.add(Fact::Kubernetes, exists(SERVICE_ACCOUNT));
        } else if let Some((kind, evidence)) = kind_of(readings) {
            self.add(Fact::Container(kind), evidence);
        }
    }
}

/// The kind of container with the evidence for it, what says most first.
fn kind_of(readings: &Readings) -> Option<(&'static str, String)> {
    let by_file = |path: &str, kind| readings.files.contains(path).then(|| (kind, exists(path)));
    let by_variable = |name: &str, kind| readings.variable(name).map(|_| (kind, is_set(name)));
    by_file("/run/.toolboxenv", "a Toolbx container")
        .or_else(|| by_variable("DISTROBOX_ENTER_PATH", "a Distrobox container"))
        .or_else(|| by_file("/.flatpak-info", "a Flatpak sandbox"))
        .or_else(|| by_file("/.dockerenv", "a Docker container"))
        .or_else(|| by_file("/run/.containerenv", "a Podman container"))
        .or_else(|| by_variable("ECS_CONTAINER_METADATA_URI_V4", "an ECS container"))
        .or_else(|| by_variable("ECS_CONTAINER_METADATA_URI", "an ECS container"))
        .or_else(|| {
            let kind = match readings.variable("container")? {
                "podman" => "a Podman container",
                "docker" => "a Docker container",
                "lxc" | "lxc-libvirt" => "an LXC container",
                "systemd-nspawn" => "a systemd-nspawn container",
                "flatpak" => "a Flatpak sandbox",
                _ => "a container",
            };
            Some((kind, is_set("container")))
        })
        .or_else(|| {
            let (mark, kind) = MARKS.iter().find(|(mark, _)| is_ours(&readings.cgroup_and_mounts, mark))?;
            Some((*kind, format!("{mark} is in /proc/1/cgroup or /proc/self/mountinfo")))
        })
}

/// Whether the mark tells of our own place: in a line of the control group, or of a mount that only a container has. A host
/// that runs containers lists what is mounted for them, too, but elsewhere.
fn is_ours(cgroup_and_mounts: &str, mark: &str) -> bool {
    cgroup_and_mounts.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            // A mount: word 4 is its source within the file system, word 5 where it is mounted (proc_pid_mountinfo(5)).
            [_, _, _, source, "/etc/hostname" | "/etc/hosts" | "/etc/resolv.conf", ..] => {
                source.contains(mark)
            }
            [_, _, _, _, ..] => false,
            _ => line.contains(mark),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(cgroup_and_mounts: &str) -> Option<&'static str> {
        let readings = Readings { cgroup_and_mounts: cgroup_and_mounts.to_owned(), ..Readings::default() };
        Surroundings::of(&readings).container_kind()
    }

    #[test]
    fn the_loopback_of_some_containers_is_that_of_the_machine() {
        for (variable, is_apart) in [("DISTROBOX_ENTER_PATH", false), ("container", true)] {
            let variables = [(variable.to_owned(), "x".to_owned())].into();
            let place = Surroundings::of(&Readings { variables, ..Readings::default() });
            assert!(place.container_kind().is_some());
            assert_eq!(place.is_away_from_the_person(), is_apart, "{variable}");
        }
    }

    #[test]
    fn a_host_that_runs_containers_is_none() {
        let host = "0::/init.scope\n\
             600 29 0:52 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw\n\
             601 29 8:1 /var/lib/docker/containers /var/lib/docker/containers rw - ext4 /dev/sda rw\n";
        assert_eq!(kind(host), None);
        let inside =
            "0::/\n700 29 8:1 /var/lib/docker/containers/ab/hosts /etc/hosts rw - ext4 /dev/sda rw\n";
        assert_eq!(kind(inside), Some("a Docker container"));
        assert_eq!(kind("4:cpu:/lxc/web\n"), Some("an LXC container"));
        assert_eq!(kind("0::/user.slice/user-1000.slice/session-2.scope\n"), None);
    }
}
