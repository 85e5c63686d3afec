//! Serves a center: listens, answers until it is told to stop, finishes what it began.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use center::Instance;
use center_store::Store;
use outside::sockets::PrivateListener;
use outside::{Clock, Dice, Terminal};
use tokio::net::UnixListener;
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::browser::Cookies;
use crate::door::{Door, Peer};
use crate::guesses::{CodeGuesses, PasswordGuesses};
use crate::hosts::Hosts;
use crate::limits::Pacer;
use crate::live::Live;
use crate::passwords::Passwords;
use crate::shared::{Shared, Told};
use crate::{admin, housekeeping, routes};

/// How long a center that was told to stop goes on with requests that it has begun.
const GRACE: Duration = Duration::from_secs(4);

/// A center to serve, with all that it needs from outside.
#[derive(Debug)]
pub struct Serving<S> {
    /// Whose center, at which address, with which keys.
    pub instance: Instance,
    /// Where it keeps what it must.
    pub store: S,
    /// Its time; a movable one can be moved over the administration socket.
    pub clock: Clock,
    /// Its randomness.
    pub dice: Dice,
    /// Where unexpected failures are told.
    pub terminal: Terminal,
    /// The listening socket, see [`listen`].
    pub listener: Listener,
    /// The administration socket, where there is one.
    pub admin: Option<PrivateListener>,
    /// Whether it is open to strangers on purpose; then every page says TEST.
    pub is_test_center: bool,
    /// Stops it; keep a clone.
    pub stopper: Stopper,
}

/// Tells a center to stop, from any thread. All clones are one.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<watch::Sender<bool>>);

impl Stopper {
    /// One that has not told yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Tells the center to stop, now or as soon as it begins.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Comes back once the center was told to stop.
    pub(crate) async fn told(&self) {
        let mut told = self.0.subscribe();
        // The sender is held by this very value, so it cannot be gone.
        let _ = told.wait_for(|told| *told).await;
    }
}

impl Default for Stopper {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a center cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("{0} is taken: another program listens on that port")]
    Taken(SocketAddr),
    /// This machine has no such address.
    #[error("{0} is not an address of this machine")]
    NotHere(SocketAddr),
    /// A low port, most likely.
    #[error("{0} may not be listened on by this user")]
    NotAllowed(SocketAddr),
    /// Whatever else the system says.
    #[error("{address} cannot be listened on")]
    System {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens at an address; port 0 takes a free one. From then on connections wait for [`run`].
///
/// # Errors
/// When the port is taken, the address is not this machine's, or the system refuses.
pub fn listen(address: SocketAddr) -> Result<Listener, ListenError> {
    let bound = TcpListener::bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NotHere(address),
        io::ErrorKind::PermissionDenied => ListenError::NotAllowed(address),
        _ => ListenError::System { address, source },
    })?;
    Ok(Listener { address, listener })
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    listener: TcpListener,
}

impl Listener {
    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Why a center cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The runtime cannot be built.
    #[error("the center's runtime cannot be started")]
    Runtime(#[source] io::Error),
    /// The listening socket cannot be used.
    #[error("the center's listening socket cannot be used")]
    Listener(#[source] io::Error),
    /// The administration socket cannot be used.
    #[error("the center's administration socket cannot be used")]
    Admin(#[source] io::Error),
}

/// Serves a center on this thread until it is told to stop; then finishes what it began, within five seconds, and closes
/// its store.
///
/// # Errors
/// When it cannot begin. Once it serves, no request can end it.
pub fn run<S: Store>(serving: Serving<S>) -> Result<(), ServeError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let served = runtime.block_on(serve(serving));
    // What is still open now was given its time.
    runtime.shutdown_background();
    served
}

async fn serve<S: Store>(serving: Serving<S>) -> Result<(), ServeError> {
    let Serving { instance, listener, admin, stopper, .. } = serving;
    let Listener { address, listener } = listener;
    listener.set_nonblocking(true).map_err(ServeError::Listener)?;
    let door = Door::new(tokio::net::TcpListener::from_std(listener).map_err(ServeError::Listener)?);
    let shared = Arc::new(Shared {
        hosts: Hosts::new(&instance.url, address),
        pacer: Pacer::new(instance.lifetimes.poll_interval),
        cookies: Cookies::new(&instance.url),
        passwords: Passwords::new(&instance),
        password_guesses: PasswordGuesses::new(),
        code_guesses: CodeGuesses::new(),
        instance,
        store: serving.store,
        clock: serving.clock,
        dice: serving.dice,
        terminal: serving.terminal,
        live: Live::new(),
        is_test_center: serving.is_test_center,
        told: Told::default(),
        stopper: stopper.clone(),
    });
    let administration = match &admin {
        Some(admin) => {
            let listener = admin.handle().and_then(UnixListener::from_std).map_err(ServeError::Admin)?;
            Some(tokio::spawn(admin::serve(shared.clone(), listener)))
        }
        None => None,
    };
    tokio::spawn({
        let shared = shared.clone();
        async move { housekeeping::keep(&shared).await }
    });

    let service = routes::router(shared).into_make_service_with_connect_info::<Peer>();
    let told = stopper.clone();
    let all_answered = axum::serve(door, service).with_graceful_shutdown(async move { told.told().await });
    let out_of_patience = async {
        stopper.told().await;
        tokio::time::sleep(GRACE).await;
    };
    let all_heard = async {
        let served = all_answered.await.map_err(ServeError::Listener);
        if let Some(administration) = administration {
            // A panic in there has been told already.
            let _ = administration.await;
        }
        served
    };
    tokio::select! {
        served = all_heard => served,
        () = out_of_patience => Ok(()),
    }
}
