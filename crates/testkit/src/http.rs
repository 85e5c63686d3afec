//! Plain requests, as a program sends them that is neither ours nor a browser.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::Value;

use crate::PATIENCE;

/// A request to a port of this computer, not yet sent.
#[derive(Debug, Clone)]
pub struct Ask {
    port: u16,
    line: String,
    headers: String,
    body: String,
    from: Ipv4Addr,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its first line and its headers.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl Ask {
    /// A request such as `GET /start`.
    pub fn new(port: u16, line: &str) -> Self {
        Self {
            port,
            line: line.to_owned(),
            headers: String::new(),
            body: String::new(),
            from: Ipv4Addr::LOCALHOST,
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string();
        self.header("Content-Type", "application/json")
    }

    /// With a form as its body.
    #[must_use]
    pub fn form(mut self, form: &str) -> Self {
        self.body = form.to_owned();
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// From another address of this computer, such as 127.0.0.2: for the other end that is another machine.
    #[must_use]
    pub fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = address;
        self
    }

    /// Sends it; the other end may be gone, or go meanwhile. An answer that breaks off is an error, too.
    pub fn try_send(&self) -> io::Result<Answer> {
        let mut stream = self.connected()?;
        let request = format!(
            "{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
            self.line,
            self.port,
            self.body.len(),
            self.headers,
            self.body
        );
        stream.write_all(request.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        read(&text).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Sends it to somebody who answers.
    pub fn send(&self) -> Answer {
        self.try_send().unwrap_or_else(|error| panic!("{} at port {}: {error}", self.line, self.port))
    }

    fn connected(&self) -> io::Result<TcpStream> {
        let stream = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&stream, &SocketAddr::from(SocketAddrV4::new(self.from, 0)))?;
        connect(&stream, &SocketAddr::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)))?;
        let stream = TcpStream::from(stream);
        // Longer than any answer takes, so that whoever hangs is found.
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Its body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// An answer that is whole.
fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    length.is_none_or(|length: usize| length == body.len()).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn an_answer_that_breaks_off_is_none() {
        let whole = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nA: b\r\n\r\n{}";
        let answer = read(whole).expect("a whole answer");
        assert_eq!((answer.status, answer.header("a"), answer.json().is_object()), (404, Some("b"), true));
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None, "{end}");
        }
    }
}
