//! Networks of places, and what lets one reach a port of another's loopback.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network with a loopback of its own.
#[derive(Debug, Clone)]
pub struct Net(Arc<File>);

impl Net {
    pub(super) fn open(path: &Path) -> Self {
        let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(Arc::new(file))
    }

    /// That of this machine.
    pub fn host() -> Self {
        Self::open(Path::new("/proc/self/ns/net"))
    }

    /// Does something on a thread that is there. A socket stays where it was made.
    fn there<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let moved = || {
            let moved = move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network));
            moved.unwrap_or_else(|error| panic!("another network: {error}"));
            act()
        };
        thread::scope(|scope| scope.spawn(moved).join()).unwrap_or_else(|_| panic!("no way into a network"))
    }

    /// The TCP ports on which somebody listens.
    pub fn listening(&self) -> BTreeSet<u16> {
        let read =
            |table: &str| fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        let tables = self.there(|| ["tcp", "tcp6"].map(read));
        tables.iter().flat_map(|text| listening(text)).collect()
    }

    /// Whether somebody takes connections at that port of its loopback.
    pub fn answers(&self, port: u16) -> bool {
        self.there(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }
}

/// The ports in a table of the kernel's (proc_pid_net(5)) whose state is "listen".
fn listening(table: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut words = line.split_whitespace();
        let (local, state) = (words.nth(1)?, words.nth(1)?);
        let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        (state == "0A").then_some(port)
    };
    table.lines().filter_map(port).collect()
}

/// A port of one loopback that leads to a port of another one, as `ssh -L`, an editor or a published port of a container do.
/// Ends when dropped.
#[derive(Debug)]
pub struct Forward {
    listener: Arc<TcpListener>,
}

impl Forward {
    /// From a port of the loopback there to the same port of another loopback.
    pub fn new(from: &Net, to: &Net, port: u16) -> Self {
        Self::between((from, (Ipv4Addr::LOCALHOST, port)), (to, (Ipv4Addr::LOCALHOST, port)))
    }

    /// From an address in one network to an address in another.
    pub fn between(from: (&Net, (Ipv4Addr, u16)), to: (&Net, (Ipv4Addr, u16))) -> Self {
        let listener = from.0.there(|| TcpListener::bind(from.1));
        let listener = Arc::new(listener.unwrap_or_else(|error| panic!("{:?}: {error}", from.1)));
        let ours = Arc::clone(&listener);
        let (net, address) = (to.0.clone(), to.1);
        thread::spawn(move || {
            // One that was shut down takes nobody in any more.
            while let Ok((client, _)) = ours.accept() {
                let net = net.clone();
                thread::spawn(move || {
                    // Who listens nowhere refuses, and so do we.
                    if let Ok(server) = net.there(|| TcpStream::connect(address)) {
                        let _ = carry(client, server);
                    }
                });
            }
        });
        Self { listener }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both);
    }
}

/// Carries both directions until both have ended.
fn carry(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = up.join();
    Ok(())
}
