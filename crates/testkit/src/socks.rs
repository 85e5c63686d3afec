//! A SOCKS proxy (RFC 1928, RFC 1929, SOCKS4 and SOCKS4A) in front of a [`Proxy`]: it hands over every connection by CONNECT.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::{PATIENCE, Proxy};

/// A SOCKS proxy on a free port of 127.0.0.1. It lives as long as its process.
#[derive(Debug)]
pub struct Socks {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

/// The settings that every connection shares.
#[derive(Debug)]
struct Way {
    proxy: String,
    /// The names that stand for addresses which a client looked up itself.
    hosts: Vec<(Ipv4Addr, String)>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    /// One in front of `proxy`; `hosts` says which name an address means.
    pub fn before(proxy: &Proxy, hosts: &[(Ipv4Addr, &str)]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let way = Arc::new(Way {
            proxy: proxy.url().trim_start_matches("http://").to_owned(),
            hosts: hosts.iter().map(|(address, name)| (*address, (*name).to_owned())).collect(),
            asked: Arc::clone(&asked),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let way = Arc::clone(&way);
                // A client that breaks off is its own business.
                thread::spawn(move || serve(stream, &way));
            }
        });
        Self { address, asked }
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The requests, in order: the version, the user if one was named, and the target as it came.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn bytes<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(stream: &mut TcpStream, length: u8) -> io::Result<String> {
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn text_to_zero(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = String::new();
    loop {
        match bytes::<1>(stream)? {
            [0] => return Ok(text),
            [byte] => text.push(char::from(byte)),
        }
    }
}

fn serve(mut stream: TcpStream, way: &Way) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let [version] = bytes(&mut stream)?;
    let (words, host, port) = if version == 5 { five(&mut stream)? } else { four(&mut stream)? };
    way.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{words} {host}:{port}"));
    let name = way.hosts.iter().find(|(address, _)| address.to_string() == host);
    let name = name.map_or(host.as_str(), |(_, name)| name.as_str());
    let mut inner = TcpStream::connect(&way.proxy)?;
    inner.write_all(format!("CONNECT {name}:{port} HTTP/1.1\r\n\r\n").as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(bytes::<1>(&mut inner)?);
    }
    let is_open = head.starts_with(b"HTTP/1.1 200");
    stream.write_all(&match (version, is_open) {
        (5, true) => vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        (5, false) => vec![5, 2, 0, 1, 0, 0, 0, 0, 0, 0],
        (_, is_open) => vec![0, if is_open { 90 } else { 91 }, 0, 0, 0, 0, 0, 0],
    })?;
    let (mut from, mut to) = (stream.try_clone()?, inner.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    io::copy(&mut inner, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

fn five(stream: &mut TcpStream) -> io::Result<(String, String, u16)> {
    let [count] = bytes(stream)?;
    let mut methods = vec![0; usize::from(count)];
    stream.read_exact(&mut methods)?;
    let mut words = "5".to_owned();
    if methods.contains(&2) {
        stream.write_all(&[5, 2])?;
        let [_, length] = bytes(stream)?;
        let user = text(stream, length)?;
        let [length] = bytes(stream)?;
        text(stream, length)?;
        stream.write_all(&[1, 0])?;
        words = format!("5 {user}");
    } else {
        stream.write_all(&[5, 0])?;
    }
    let [_, _, _, kind] = bytes(stream)?;
    let host = match kind {
        1 => Ipv4Addr::from(bytes::<4>(stream)?).to_string(),
        3 => {
            let [length] = bytes(stream)?;
            text(stream, length)?
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    Ok((words, host, u16::from_be_bytes(bytes(stream)?)))
}

fn four(stream: &mut TcpStream) -> io::Result<(String, String, u16)> {
    let [_] = bytes(stream)?;
    let port = u16::from_be_bytes(bytes(stream)?);
    let address = bytes::<4>(stream)?;
    text_to_zero(stream)?;
    let host = match address {
        [0, 0, 0, last] if last > 0 => text_to_zero(stream)?,
        address => Ipv4Addr::from(address).to_string(),
    };
    Ok(("4".to_owned(), host, port))
}
