//! A relay in front of a center: what passes is counted, answers can be held back, and a busy server or somebody else on the way
//! can be played, because a test cannot make a real one slow, busy or broken at the moment that it wants.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::PATIENCE;

/// A relay. It ends with the test.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    desk: Arc<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first lines of all requests.
    seen: Vec<String>,
    /// Answers to requests whose first line begins so are held back.
    hold: Option<String>,
    held: usize,
    busy: Option<Busy>,
    /// Requests whose first line begins so get these bytes, and the center none of them.
    instead: Option<(String, Vec<u8>)>,
    is_down: bool,
    under_way: usize,
    most_at_once: usize,
}

/// Of the requests whose first line begins so, every `every`th gets 429.
#[derive(Debug)]
struct Busy {
    line: String,
    every: usize,
    count: usize,
}

impl Relay {
    /// One in front of that port of this computer.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let own = listener.local_addr().expect("its port").port();
        let desk = Arc::<Desk>::default();
        let at_desk = Arc::clone(&desk);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let desk = Arc::clone(&at_desk);
                // A client that is killed breaks off, which is its own business.
                thread::spawn(move || desk.pass(stream, port));
            }
        });
        Self { port: own, desk }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on answers to requests whose first line begins so, such as `POST /token`, are held back.
    pub fn hold(&self, line: &str) {
        self.desk.lock().hold = Some(line.to_owned());
    }

    /// Waits until so many answers are held back: the center has done its part of them.
    pub fn wait_for_held(&self, count: usize) {
        let state = self.desk.lock();
        let (state, timeout) = self
            .desk
            .changed
            .wait_timeout_while(state, PATIENCE, |state| state.held < count)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{} of {count} answers came; requests: {:?}", state.held, state.seen);
    }

    /// Lets go of what is held back, and holds nothing back any more.
    pub fn release(&self) {
        self.desk.lock().hold = None;
        self.desk.changed.notify_all();
    }

    /// From now on every `every`th request whose first line begins so is answered 429.
    pub fn be_busy(&self, line: &str, every: usize) {
        self.desk.lock().busy = Some(Busy { line: line.to_owned(), every, count: 0 });
    }

    /// From now on requests whose first line begins so get these bytes instead of the center's answer, which never sees them.
    pub fn answer(&self, line: &str, bytes: impl Into<Vec<u8>>) {
        self.desk.lock().instead = Some((line.to_owned(), bytes.into()));
    }

    /// From now on the center answers everything again.
    pub fn step_aside(&self) {
        self.desk.lock().instead = None;
    }

    /// From now on every connection is closed without an answer.
    pub fn hang_up(&self) {
        self.desk.lock().is_down = true;
    }

    /// How many requests came whose first line begins so.
    pub fn count(&self, line: &str) -> usize {
        self.desk.lock().seen.iter().filter(|seen| seen.starts_with(line)).count()
    }

    /// The most requests that were under way at the same time.
    pub fn most_at_once(&self) -> usize {
        self.desk.lock().most_at_once
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, mut client: TcpStream, port: u16) -> io::Result<()> {
        let (line, request) = read_request(&client, port)?;
        {
            let mut state = self.lock();
            state.seen.push(line.clone());
            state.under_way += 1;
            state.most_at_once = state.most_at_once.max(state.under_way);
        }
        let answered = self.answer(&line, &request, port);
        self.lock().under_way -= 1;
        client.write_all(&answered?)
    }

    fn answer(&self, line: &str, request: &[u8], port: u16) -> io::Result<Vec<u8>> {
        if self.lock().is_down {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if let Some((_, bytes)) = self.lock().instead.as_ref().filter(|(begin, _)| line.starts_with(begin)) {
            return Ok(bytes.clone());
        }
        if self.is_busy(line) {
            let body = r#"{"message":"Rate exceeded"}"#;
            let head = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Type: application/json\r\n\
                        x-amzn-ErrorType: TooManyRequestsException\r\nContent-Length:";
            return Ok(format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes());
        }
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        server.write_all(request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        let mut state = self.lock();
        let is_held = |state: &mut State| state.hold.as_ref().is_some_and(|hold| line.starts_with(hold));
        if is_held(&mut state) {
            state.held += 1;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, is_held));
        }
        Ok(answer)
    }

    fn is_busy(&self, line: &str) -> bool {
        let mut state = self.lock();
        let Some(busy) = state.busy.as_mut().filter(|busy| line.starts_with(&busy.line)) else {
            return false;
        };
        busy.count += 1;
        busy.count.is_multiple_of(busy.every)
    }
}

/// The first line of a request, and its bytes as the center wants them: with its own `Host`, and with `Connection: close`, so
/// that one connection is one request.
fn read_request(stream: &TcpStream, port: u16) -> io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut request = format!("{first}Host: 127.0.0.1:{port}\r\nConnection: close\r\n").into_bytes();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
        if !["connection", "host"].iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            request.extend(line.as_bytes());
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.extend(body);
    Ok((first.trim_end().to_owned(), request))
}
