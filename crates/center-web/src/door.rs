//! Connections: how many at once, and how long one may take from an answer (or its beginning) to its next whole request.
//! Whoever sends a byte now and then to keep a place is shown out like whoever sends nothing.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Fewer than the 1024 files that a process may usually open.
const MOST_CONNECTIONS: usize = 900;
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for a connection that has not asked for anything yet: who only holds a place gives it back sooner.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, usually for want of files.
const BREATH: Duration = Duration::from_millis(200);

/// The listening socket.
#[derive(Debug)]
pub(crate) struct Door {
    tcp: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Door {
    pub(crate) fn new(tcp: TcpListener) -> Self {
        Self { tcp, places: Arc::new(Semaphore::new(MOST_CONNECTIONS)), patience: PATIENCE }
    }
}

impl Listener for Door {
    type Io = Visitor;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visitor, SocketAddr) {
        loop {
            // The semaphore is never closed; if it were, nobody would be let in.
            let Ok(place) = self.places.clone().acquire_owned().await else { std::future::pending().await };
            match self.tcp.accept().await {
                Ok((stream, address)) => {
                    // Without it an answer may wait 40 ms for an acknowledgement. A socket that refuses is served slowly.
                    let _ = stream.set_nodelay(true);
                    let wait = self.patience;
                    let end = Box::pin(sleep(wait.min(FIRST_PATIENCE)));
                    return (Visitor { stream, wait, end, _place: place }, address);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(_) => sleep(BREATH).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection with its place and its time.
#[derive(Debug)]
pub(crate) struct Visitor {
    stream: TcpStream,
    wait: Duration,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Visitor {
    /// An error once the time is over; otherwise the task is woken when it is.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn written(&mut self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(outcome, Poll::Ready(Ok(_))) {
            let end = Instant::now() + self.wait;
            self.end.as_mut().reset(end);
        }
        outcome
    }
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn visit(patience: Duration) -> (Visitor, TcpStream) {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let mut door = Door { patience, ..Door::new(tcp) };
        let client = TcpStream::connect(address).await.unwrap();
        (door.accept().await.0, client)
    }

    #[tokio::test]
    async fn whoever_sends_byte_by_byte_is_shown_out() {
        let (mut visitor, mut client) = visit(Duration::from_millis(100)).await;
        let slowly = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        });
        let mut byte = [0];
        let error = loop {
            match visitor.read(&mut byte).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(visitor);
        slowly.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_gives_new_time() {
        let (mut visitor, _client) = visit(Duration::from_millis(200)).await;
        for _ in 0..6 {
            sleep(Duration::from_millis(50)).await;
            visitor.write_all(b"answer").await.unwrap();
        }
        assert_eq!(visitor.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
