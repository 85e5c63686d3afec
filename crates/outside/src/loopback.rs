//! A listening socket on 127.0.0.1 that serves many visitors at once on one thread, for as long as somebody waits for one of
//! them: a browser that comes back to the terminal which sent it away.
//!
//! What a visitor gets is decided elsewhere, by a function of the bytes that it has sent so far ([`Step`]). Here is only what
//! keeps the others served: nobody may take long, and nobody may come with a crowd.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

mod owner;

/// How many visitors at once. Beyond that whoever has been silent longest makes room.
const MOST_VISITORS: usize = 64;
/// How long a visitor may take for its request, and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the way to our own socket may be.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// How long a visitor that has asked for what is not known yet waits for it: a call to a center, and some.
const WAITING_PATIENCE: Duration = Duration::from_secs(30);
/// How long what a visitor still sends is read after its answer: closing at once would take the answer from it.
const CLOSING_PATIENCE: Duration = Duration::from_secs(1);
/// The longest request; an answer in an address may be long.
const LONGEST_REQUEST: usize = 64 * 1024;

/// What a visitor gets for the bytes that it has sent so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet: its request is not whole.
    Read,
    /// Nothing yet: ask again after the next [`Serving::nudge`].
    Wait,
    /// This, and then it is shown out.
    Answer(Vec<u8>),
    /// This, and then nobody is served any more.
    Last(Vec<u8>),
}

/// A visitor's request as far as it has come.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The bytes that it has sent so far.
    pub sent: &'a [u8],
    stream: &'a TcpStream,
}

impl Visit<'_> {
    /// The uid of the process on this machine that sent it; `None` if it came from elsewhere, if the system does not say, or if
    /// that is root, which forwards ports for others.
    pub fn owner(&self) -> Option<u32> {
        owner::peer_uid(self.stream)
    }
}

/// A socket that listens on 127.0.0.1 and nowhere else, unless somebody named another address. From now on visitors wait for [`Listener::serve`].
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    port: u16,
}

impl Listener {
    /// Listens on that port; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken, or the system refuses; also when nobody could come there, since the system lets one listen where
    /// loopback is down.
    pub fn bind(port: u16) -> io::Result<Self> {
        let listener = Self::bind_elsewhere(Ipv4Addr::LOCALHOST.into(), port)?;
        TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, listener.port).into(), FIRST_PATIENCE)?;
        Ok(listener)
    }

    /// Listens on another address of this machine, for whoever brings a browser's loopback there: a container's port that its
    /// host has on its own loopback.
    ///
    /// # Errors
    /// When the port is taken, or the system refuses.
    pub fn bind_elsewhere(address: IpAddr, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((address, port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The port that it got.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves visitors on a thread of its own until told to stop; `step` decides what each one gets.
    ///
    /// # Errors
    /// When the system has no thread or no socket left.
    pub fn serve(self, step: impl FnMut(&Visit<'_>) -> Step + Send + 'static) -> io::Result<Serving> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut room = Room {
            listener: self.listener,
            woken,
            step: Box::new(step),
            visitors: Vec::new(),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new().name("loopback".to_owned()).spawn(move || room.serve())?;
        Ok(Serving { wake, stop, thread: Some(thread) })
    }
}

/// A listener that serves. Dropping it closes the socket and every connection at once.
#[derive(Debug)]
pub struct Serving {
    wake: UnixStream,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Visitors that wait are asked about again.
    pub fn nudge(&self) {
        // A pipe that is full of nudges wakes as well.
        let _ = (&self.wake).write(&[0]);
    }

    /// Waits until the last answer is out, for at most `patience`, then closes everything.
    pub fn finish(self, patience: Duration) {
        let end = Instant::now() + patience;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.nudge();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What decides what a visitor gets.
type Decide = dyn FnMut(&Visit<'_>) -> Step + Send;

struct Room {
    listener: TcpListener,
    woken: UnixStream,
    step: Box<Decide>,
    visitors: Vec<Visitor>,
    stop: Arc<AtomicBool>,
}

/// How far a visitor is.
enum Stage {
    Asking,
    Waiting,
    /// So many bytes of the answer are written.
    Taking {
        answer: Vec<u8>,
        written: usize,
        is_last: bool,
    },
    Leaving,
}

struct Visitor {
    stream: TcpStream,
    sent: Vec<u8>,
    stage: Stage,
    end: Instant,
}

/// What became of a visitor.
#[derive(PartialEq, Eq)]
enum Fate {
    Stays,
    Gone,
    /// Gone with the last answer.
    Last,
}

impl Room {
    fn serve(&mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            let Ok(ready) = self.wait() else { return };
            if ready.woken {
                let mut bytes = [0; 64];
                while matches!(self.woken.read(&mut bytes), Ok(length) if length == bytes.len()) {}
                for visitor in self.visitors.iter_mut().filter(|v| matches!(v.stage, Stage::Waiting)) {
                    visitor.digest(&mut *self.step);
                }
            }
            let now = Instant::now();
            let mut kept = Vec::with_capacity(self.visitors.len() + 1);
            for (mut visitor, ready) in
                self.visitors.drain(..).zip(ready.visitors.into_iter().chain(std::iter::repeat(true)))
            {
                let fate = if ready { visitor.go_on(&mut *self.step) } else { Fate::Stays };
                match fate {
                    Fate::Last => return,
                    Fate::Stays if now < visitor.end => kept.push(visitor),
                    Fate::Stays | Fate::Gone => {}
                }
            }
            self.visitors = kept;
            if ready.knocked {
                self.let_in();
            }
        }
    }

    /// Waits until something can be done.
    fn wait(&self) -> io::Result<Ready> {
        let mut fds =
            vec![PollFd::new(&self.woken, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        for visitor in &self.visitors {
            let wanted = match visitor.stage {
                Stage::Asking | Stage::Leaving => PollFlags::IN,
                Stage::Taking { .. } => PollFlags::OUT,
                // A visitor that goes away is noticed without being asked.
                Stage::Waiting => PollFlags::empty(),
            };
            fds.push(PollFd::new(&visitor.stream, wanted));
        }
        let now = Instant::now();
        let nearest = self.visitors.iter().map(|visitor| visitor.end.saturating_duration_since(now)).min();
        let timeout = nearest.and_then(|wait| Timespec::try_from(wait + Duration::from_millis(1)).ok());
        loop {
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        Ok(Ready {
            woken: is_ready(&fds[0]),
            knocked: is_ready(&fds[1]),
            visitors: fds[2..].iter().map(is_ready).collect(),
        })
    }

    fn let_in(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.visitors.len() >= MOST_VISITORS {
                let silent = self.visitors.iter().position(|visitor| matches!(visitor.stage, Stage::Asking));
                self.visitors.remove(silent.unwrap_or(0));
            }
            let end = Instant::now() + PATIENCE;
            self.visitors.push(Visitor { stream, sent: Vec::new(), stage: Stage::Asking, end });
        }
    }
}

struct Ready {
    woken: bool,
    knocked: bool,
    visitors: Vec<bool>,
}

impl Visitor {
    /// Reads or writes what can be read or written without waiting.
    fn go_on(&mut self, step: &mut Decide) -> Fate {
        if matches!(self.stage, Stage::Asking) {
            match self.read() {
                Ok(true) => self.digest(step),
                Ok(false) => {}
                Err(_) => return Fate::Gone,
            }
        }
        match &self.stage {
            Stage::Asking => Fate::Stays,
            // All that comes from one that waits is its end.
            Stage::Waiting => match self.stream.peek(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => Fate::Stays,
                Ok(length) if length > 0 => Fate::Stays,
                _ => Fate::Gone,
            },
            Stage::Taking { .. } => self.write(),
            Stage::Leaving => self.see_out(),
        }
    }

    /// Reads what is there; says whether there was something. A visitor that has sent its request and gone away already was here
    /// all the same.
    fn read(&mut self) -> io::Result<bool> {
        let before = self.sent.len();
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) if self.sent.len() > before => return Ok(true),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) if self.sent.len() + length > LONGEST_REQUEST => {
                    return Err(ErrorKind::FileTooLarge.into());
                }
                Ok(length) => self.sent.extend(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(self.sent.len() > before),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn digest(&mut self, step: &mut Decide) {
        let (stage, patience) = match step(&Visit { sent: &self.sent, stream: &self.stream }) {
            Step::Read => return,
            Step::Wait => (Stage::Waiting, WAITING_PATIENCE),
            Step::Answer(answer) => (Stage::Taking { answer, written: 0, is_last: false }, PATIENCE),
            Step::Last(answer) => (Stage::Taking { answer, written: 0, is_last: true }, PATIENCE),
        };
        if !matches!((&self.stage, &stage), (Stage::Waiting, Stage::Waiting)) {
            self.end = Instant::now() + patience;
        }
        self.stage = stage;
    }

    fn write(&mut self) -> Fate {
        let Stage::Taking { answer, written, is_last } = &mut self.stage else { return Fate::Stays };
        while *written < answer.len() {
            match self.stream.write(&answer[*written..]) {
                Ok(length) if length > 0 => *written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Fate::Stays,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return Fate::Gone,
            }
        }
        let is_last = *is_last;
        // Whoever is gone needs no goodbye.
        let _ = self.stream.shutdown(Shutdown::Write);
        if is_last {
            return Fate::Last;
        }
        self.stage = Stage::Leaving;
        self.end = Instant::now() + CLOSING_PATIENCE;
        Fate::Stays
    }

    fn see_out(&mut self) -> Fate {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(length) if length > 0 => Fate::Stays,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Fate::Stays,
            _ => Fate::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// Answers a line with itself; `wait` waits for a nudge, `last` ends it all.
    fn echo(known: Arc<AtomicBool>) -> impl FnMut(&Visit<'_>) -> Step + Send + 'static {
        move |visit| {
            let Some(line) = visit.sent.strip_suffix(b"\n") else { return Step::Read };
            match line {
                b"wait" if !known.load(Ordering::SeqCst) => Step::Wait,
                b"last" => Step::Last(line.to_vec()),
                line => Step::Answer(line.to_vec()),
            }
        }
    }

    fn serving() -> (u16, Serving, Arc<AtomicBool>) {
        let listener = Listener::bind(0).unwrap();
        let (port, known) = (listener.port(), Arc::new(AtomicBool::new(false)));
        (port, listener.serve(echo(Arc::clone(&known))).unwrap(), known)
    }

    fn visit(port: u16) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn said(port: u16, words: &[u8]) -> String {
        let mut stream = visit(port);
        stream.write_all(words).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn c6_nobody_but_this_machine_can_come() {
        let listener = Listener::bind(0).unwrap();
        assert_eq!(listener.listener.local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
        let taken = Listener::bind(listener.port()).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
    }

    #[test]
    fn a_crowd_of_silent_visitors_keeps_nobody_out() {
        let (port, serving, _) = serving();
        let crowd: Vec<TcpStream> = (0..3 * MOST_VISITORS).map(|_| visit(port)).collect();
        for words in ["one", "two"] {
            assert_eq!(said(port, format!("{words}\n").as_bytes()), words);
        }
        drop(crowd);
        drop(serving);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "nothing listens any more");
    }

    #[test]
    fn a_long_request_in_pieces_is_read_and_one_without_end_is_not() {
        let (port, _serving, _) = serving();
        let mut stream = visit(port);
        let long = "a".repeat(20_000);
        for piece in long.as_bytes().chunks(1000) {
            stream.write_all(piece).unwrap();
        }
        stream.write_all(b"\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, long);

        let mut endless = visit(port);
        let sent = (0..10_000).try_for_each(|_| endless.write_all(&[b'a'; 1000]));
        assert!(sent.is_err() || endless.read_to_end(&mut Vec::new()).is_err());
    }

    #[test]
    fn whoever_goes_away_at_once_was_here() {
        let listener = Listener::bind(0).unwrap();
        let (port, (sender, heard)) = (listener.port(), channel());
        let _serving = listener.serve(move |visit| {
            let _ = sender.send(visit.sent.to_vec());
            Step::Read
        });
        let mut stream = visit(port);
        stream.write_all(b"gone\n").unwrap();
        drop(stream);
        assert_eq!(heard.recv_timeout(Duration::from_secs(20)).unwrap(), b"gone\n");
    }

    #[test]
    fn whoever_waits_is_answered_when_it_is_known() {
        let (port, serving, known) = serving();
        let (sender, answer) = channel();
        let waiting = std::thread::spawn(move || sender.send(said(port, b"wait\n")).unwrap());
        assert_eq!(said(port, b"other\n"), "other", "others are served meanwhile");
        serving.nudge();
        known.store(true, Ordering::SeqCst);
        while answer.try_recv().is_err() {
            serving.nudge();
            std::thread::yield_now();
        }
        waiting.join().unwrap();
    }

    #[test]
    fn the_last_answer_ends_it() {
        let (port, serving, _) = serving();
        let _idle = visit(port);
        let last = std::thread::spawn(move || said(port, b"last\n"));
        serving.finish(Duration::from_secs(20));
        assert_eq!(last.join().unwrap(), "last");
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    }
}
