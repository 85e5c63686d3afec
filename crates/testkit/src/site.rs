//! Pages of somebody else: what an attacker serves, or what listens on a person's own computer.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::PATIENCE;

/// A site on a free port of 127.0.0.1 that answers every request in one way, and keeps what was asked. It lives as long as its
/// process.
pub struct Site {
    port: u16,
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Receiver<String>,
}

impl fmt::Debug for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Site({})", self.port)
    }
}

impl Site {
    /// A site of that HTML.
    pub fn of(document: &str) -> Self {
        Self::saying(page(document))
    }

    /// One that answers with exactly these bytes, whatever they are.
    pub fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let own = Arc::new(Mutex::new(answer.into()));
        let (sender, asked) = channel();
        let shown = Arc::clone(&own);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shown, sender) = (Arc::clone(&shown), sender.clone());
                // A browser opens connections before it needs them; one that is silent must not stop the others.
                thread::spawn(move || serve(&stream, &shown, &sender));
            }
        });
        Self { port, answer: own, asked }
    }

    /// Serves another document from now on.
    pub fn becomes(&self, document: &str) {
        *self.answer.lock().expect("nobody panicked here") = page(document);
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address under a name that means this computer to the browser: `127.0.0.1`, `localhost`, or one below `test`.
    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}", self.port)
    }

    /// Waits for a request whose path begins so; hands over its path and query.
    pub fn wait_for(&self, path: &str) -> String {
        loop {
            match self.asked.recv_timeout(PATIENCE) {
                Ok(asked) if asked.starts_with(path) => return asked,
                Ok(_) => {}
                Err(_) => panic!("nobody asked port {} for {path}", self.port),
            }
        }
    }
}

/// An answer with that HTML.
fn page(document: &str) -> Vec<u8> {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{document}", document.len()).into_bytes()
}

fn serve(stream: &TcpStream, answer: &Mutex<Vec<u8>>, asked: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut head).is_ok_and(|length| length > 0) {
            return;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = Vec::new();
    let _ = reader.take(length.unwrap_or(0)).read_to_end(&mut body);
    // The test may be over, and the browser gone.
    let _ = asked.send(head.split(' ').nth(1).unwrap_or_default().to_owned());
    let answer = answer.lock().expect("nobody panicked here").clone();
    let mut stream = stream;
    let _ = stream.write_all(&answer);
}
