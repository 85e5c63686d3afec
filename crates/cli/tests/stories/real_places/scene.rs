//! What is there before somebody signs in: the laptop with its browser, the machine of the terminal, and a center that both
//! reach.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use testkit::{Center, Forward, Machine, Net, PERSON, Place, Terminal, config};
use toml::{Table, Value};

/// Wide enough for the link on one line, and high enough for all that is said.
pub(super) const SIZE: (u16, u16) = (1000, 70);

/// How the person comes to the server.
const SSH: &str = "ssh jo@10.77.0.2";

/// A container with a network of its own, as Docker makes one.
pub(super) const BWRAP: &str = "nsenter --net=/run/netns/box bwrap --bind /usr /usr --ro-bind /etc /etc --bind /root /root \
     --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
     --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run --file 9 /.dockerenv \
     --unshare-pid --unshare-ipc --unshare-uts --hostname box bash -i 9</dev/null";

/// The same by Podman, of the laptop's files; no control groups and no image, which not every machine has.
pub(super) const PODMAN: &str = "podman --storage-driver vfs --root /tmp/podman --runroot /run/podman run --rm -it \
     --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --network ns:/run/netns/box --hostname box \
     --rootfs /tmp/box bash -i";

/// A network for a container, which has another address than loopback, and files for one.
const BOX: &str = "ip netns add box; ip -n box link set lo up; ip -n box address add 10.88.0.2/32 dev lo; \
     mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /tmp/box; mount -t tmpfs tmpfs /tmp/box; cd /tmp/box; \
     mkdir usr etc root proc sys dev tmp run; for name in usr etc root; do mount --rbind /$name $name; done; \
     for name in bin sbin lib lib64; do ln -s usr/$name $name; done";

const BOX_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 2);

/// A virtual machine's host, as its guest sees it, and the guest behind it.
const HOST_ADDRESS: &str = "10.0.2.2";
const GUEST_ADDRESS: &str = "10.0.2.15";

/// Takes what the guest asks for, and lets nobody begin anything with the guest.
const NAT: &str = "nft 'table ip nat { chain out { type filter hook output priority 0; ip daddr 10.0.2.0/24 ct state new reject; }; }'";

const LAPTOP_ADDRESS: &str = "10.77.0.1";
const SERVER_ADDRESS: &str = "10.77.0.2";

/// The password of root where `su` asks for it.
pub(super) const PASSWORD: &str = "correct horse";

/// A row of `places.toml`.
pub(super) struct Row(Table);

impl Row {
    /// All rows.
    pub(super) fn all() -> Vec<Self> {
        let table: Table = include_str!("places.toml").parse().unwrap();
        let rows = table["place"].as_array().unwrap();
        rows.iter().map(|row| Self(row.as_table().unwrap().clone())).collect()
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", |value| value.as_str().unwrap())
    }

    pub(super) fn is(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value.as_bool().unwrap())
    }

    pub(super) fn texts(&self, key: &str) -> Vec<&str> {
        let items = self.0.get(key).and_then(Value::as_array);
        items.into_iter().flatten().map(|item| item.as_str().unwrap()).collect()
    }

    pub(super) fn pairs(&self, key: &str) -> Vec<(&str, &str)> {
        let pairs = self.0.get(key).and_then(Value::as_table);
        pairs.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

/// The scene of one story.
pub(super) struct Scene {
    pub(super) center: Center,
    pub(super) laptop: Place,
    /// Where the terminal is, if that is not the laptop.
    away: Option<Place>,
    /// The network in which the program listens.
    pub(super) net: Net,
    listening_before: BTreeSet<u16>,
    written_before: BTreeSet<String>,
    _forwards: Vec<Forward>,
    _machine: Machine,
}

impl Scene {
    pub(super) fn build(row: &Row) -> Self {
        let binary = env!("CARGO_BIN_EXE_aldis");
        let machine = crate::machine();
        let lets_all_in = row.pairs("programs").iter().any(|(_, does)| *does == "starts a browser");
        let mut words = vec!["serve", "--memory", "--listen", "127.0.0.1:0", "--output", "json"];
        words.extend(if lets_all_in { &["--auto-approve", "demo"][..] } else { &[] });
        let center = Center::from_run(machine.aldis(&words).ending_with_the_test());
        let laptop = Place::build(binary, "laptop");
        let away = match row.text("at") {
            "laptop" | "container" => None,
            "server" => Some(Place::build(binary, "server")),
            "away" | "guest" => Some(Place::build(binary, "away")),
            at => panic!("{at}: no such place is built"),
        };
        let place = away.as_ref().unwrap_or(&laptop);
        if row.text("at") == "server" {
            serve_ssh(&laptop, place);
        }
        furnish(place, row, &config(center.start_url()));
        let net = if row.text("at") == "container" {
            place.sh(BOX);
            place.net_at("/run/netns/box")
        } else {
            place.net()
        };
        let mut forwards = vec![Forward::new(&laptop.net(), &Net::host(), center.port())];
        match row.text("at") {
            "laptop" => {}
            "guest" => forwards.extend(reach_out(&laptop, place, center.port())),
            _ => forwards.push(Forward::new(&net, &Net::host(), center.port())),
        }
        let (listening_before, written_before) = (net.listening(), place.written());
        Self {
            listening_before,
            written_before,
            net,
            center,
            away,
            laptop,
            _forwards: forwards,
            _machine: machine,
        }
    }

    /// The machine of the terminal.
    pub(super) fn place(&self) -> &Place {
        self.away.as_ref().unwrap_or(&self.laptop)
    }

    /// A shell of the person there, as they come to it.
    pub(super) fn shell(&self, row: &Row) -> Terminal {
        match row.text("at") {
            "server" => {}
            "container" => return self.place().shell_of("root", &[], SIZE),
            _ => return self.place().shell_of(PERSON, &row.pairs("variables"), SIZE),
        }
        let mut terminal = self.laptop.shell_of(PERSON, &[], SIZE);
        terminal.line(SSH);
        terminal.wait_for("server$ ");
        terminal
    }

    /// The container's port at the laptop's loopback, as its engine publishes one.
    pub(super) fn publish(&self, port: u16) -> Forward {
        Forward::between((&self.laptop.net(), (Ipv4Addr::LOCALHOST, port)), (&self.net, (BOX_ADDRESS, port)))
    }

    /// The ports on which somebody listens who did not before.
    pub(super) fn listening(&self) -> Vec<u16> {
        self.net.listening().difference(&self.listening_before).copied().collect()
    }

    /// The files of ours that were written.
    pub(super) fn written(&self) -> Vec<String> {
        let written = self.place().written();
        let new = written.difference(&self.written_before);
        new.filter(|path| path.contains("/.aws/") || path.contains("/aldis/")).cloned().collect()
    }
}

/// Puts everything there that the row names.
fn furnish(place: &Place, row: &Row, config: &str) {
    for home in ["/home/jo", "/root"] {
        place.write(&format!("{home}/.aws/config"), config);
    }
    place.sh("chown -R root: /root/.aws");
    for path in row.texts("files") {
        place.write(path, "");
    }
    for (path, does) in row.pairs("programs") {
        place.write(path, &format!("#!/bin/sh\n{}\n", script(does)));
    }
    for (path, text) in row.pairs("kernel") {
        place.pretend(path, text);
    }
}

/// What a program does with the link that it is given.
fn script(does: &str) -> &'static str {
    match does {
        "hands over" => "echo \"$1\" >> /tmp/opened",
        "hands over and blocks" => "echo \"$1\" >> /tmp/opened; exec sleep 600",
        "fails" => "exit 3",
        "must not be started" => "echo \"$0 $1\" >> /tmp/misled",
        "starts a browser" => {
            "exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
             --disable-background-networking --disable-extensions --no-first-run --no-proxy-server \
             --user-data-dir=/tmp/own-browser \"$1\""
        }
        _ => panic!("{does}: no program does that"),
    }
}

/// Puts a guest behind its host: it reaches the center through it, and nobody reaches the guest.
fn reach_out(laptop: &Place, guest: &Place, port: u16) -> [Forward; 2] {
    laptop.join(guest, [HOST_ADDRESS, GUEST_ADDRESS]);
    laptop.sh(NAT);
    let at_host = (HOST_ADDRESS.parse().unwrap(), port);
    let own = (Ipv4Addr::LOCALHOST, port);
    let forwards = [
        Forward::between((&laptop.net(), at_host), (&Net::host(), own)),
        // At every address of the guest, so that its host could reach it if that were let through.
        Forward::between((&guest.net(), (Ipv4Addr::UNSPECIFIED, port)), (&guest.net(), at_host)),
    ];
    let reaches =
        |place: &Place, address| place.try_sh(&format!("exec 3<>/dev/tcp/{address}/{port}")).status.success();
    assert!(reaches(guest, HOST_ADDRESS) && reaches(guest, GUEST_ADDRESS) && !reaches(laptop, GUEST_ADDRESS));
    forwards
}

/// A server of SSH on the other machine, which knows the person's key.
fn serve_ssh(laptop: &Place, server: &Place) {
    laptop.join(server, [LAPTOP_ADDRESS, SERVER_ADDRESS]);
    let home = "/home/jo/.ssh";
    laptop.sh(&format!(
        "mkdir -m 700 {home}; ssh-keygen -q -t ed25519 -N '' -C jo -f {home}/id_ed25519; \
         echo 'StrictHostKeyChecking accept-new' > {home}/config; chown -R jo: {home}"
    ));
    let key = laptop.read(&format!("{home}/id_ed25519.pub")).expect("a key");
    server.write(&format!("{home}/authorized_keys"), &key);
    server.sh(&format!(
        "chmod 700 {home}; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/of_the_place; \
         printf 'HostKey /etc/ssh/of_the_place\\nUsePAM no\\nPrintMotd no\\n' > /etc/ssh/of_the_place.conf; \
         echo 'jo ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/jo; chmod 440 /etc/sudoers.d/jo; \
         echo 'root:{PASSWORD}' | chpasswd; echo 'startup_message off' > /home/jo/.screenrc; \
         /usr/sbin/sshd -f /etc/ssh/of_the_place.conf"
    ));
}
