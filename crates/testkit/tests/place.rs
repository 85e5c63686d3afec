//! A place is another machine, and nothing of it is left behind.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use testkit::{Forward, Net, Place};

const SIZE: (u16, u16) = (80, 24);

/// A place, where one can be built.
fn place(name: &str) -> Option<Place> {
    match Place::why_not() {
        Some(why) => {
            testkit::skip(&why);
            None
        }
        None => Some(Place::build("/bin/true", name)),
    }
}

#[test]
fn it_has_files_processes_and_a_person_of_its_own() {
    let Some(place) = place("laptop") else { return };
    assert_eq!(
        place.sh("hostname; cat /etc/hostname /.dockerenv 2>/dev/null | wc -l").lines().next(),
        Some("laptop")
    );
    assert!(place.sh("ls /.dockerenv /usr/bin/xdg-open 2>&1; true").matches("No such file").count() == 2);
    let before = place.written();
    let mut shell = place.shell(&[("LIKED", "yes")], SIZE);
    shell.line("echo $LIKED > kept; echo x > /etc/not-mine; id -un; tty");
    shell.wait_for("Permission denied");
    shell.wait_for("\njo\n");
    shell.wait_for("/dev/pts/");
    shell.line("sh -c 'echo re\\ady; exec sleep 60'");
    shell.wait_for("\nready\n");
    shell.ctrl('c');
    shell.wait_for("laptop$ ");
    assert_eq!(place.read("/home/jo/kept").as_deref(), Some("yes\n"));
    place.write("/home/jo/bin/deep/program", "#!/bin/sh\necho it runs\n");
    shell.line("bin/deep/program; touch bin/own");
    shell.wait_for("it runs\nlaptop$ ");
    let written: Vec<String> = place.written().difference(&before).cloned().collect();
    assert_eq!(written, ["/home/jo/bin/deep/program", "/home/jo/bin/own", "/home/jo/kept"]);
    assert!(!Path::new("/home/jo/kept").exists() && !Path::new("/etc/not-mine").exists());
    shell.line("exit 7");
    assert_eq!(shell.wait(), 7);
}

#[test]
fn all_of_it_ends_when_it_is_dropped() {
    let Some(place) = place("short") else { return };
    place.start("exec sleep 86399");
    let mut shell = place.shell(&[], SIZE);
    shell.line("sleep 86399");
    let id = place.id();
    drop(place);
    assert_ne!(shell.wait(), 0);
    assert!(!Path::new(&format!("/proc/{id}")).exists());
}

#[test]
fn loopbacks_are_apart_until_a_port_is_forwarded() {
    let (Some(one), Some(other)) = (place("one"), place("other")) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(!one.net().answers(port));
    let to_one = Forward::new(&one.net(), &Net::host(), port);
    assert!(one.net().answers(port) && !other.net().answers(port));
    assert!(one.listening().contains(&port) && other.listening().is_empty());
    let _to_other = Forward::new(&other.net(), &one.net(), port);
    let speaker = std::thread::spawn(move || {
        // The glances above came in, too.
        listener.incoming().flatten().find_map(|mut stream| {
            let mut word = [0; 4];
            stream.read_exact(&mut word).ok()?;
            stream.write_all(b"pong").ok()
        })
    });
    assert_eq!(
        other.sh(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}; printf ping >&3; head -c 4 <&3")),
        "pong"
    );
    speaker.join().unwrap();
    drop(to_one);
    assert!(!one.net().answers(port));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn joined_places_reach_each_other_and_nobody_else() {
    let (Some(laptop), Some(server)) = (place("laptop"), place("server")) else { return };
    laptop.join(&server, ["10.77.0.1", "10.77.0.2"]);
    assert!(laptop.sh("ip -4 route").contains("10.77.0.0/24"));
    assert!(!server.try_sh("exec 3<>/dev/tcp/10.77.0.1/9").status.success());
    assert!(server.sh("ip neigh").contains("10.77.0.1"));
}
