//! The flows as steppers: `on(event, now) -> actions`. They touch nothing; [`crate::drive`] acts for them.

use std::time::Duration;

use center_client::CallError;
use jiff::{SignedDuration, Timestamp};
use outside::signals::Ending;
use wire::Secret;
use wire::oidc::{CreateTokenResponse, RegisterClientResponse, StartDeviceAuthorizationResponse};

use crate::progress::Progress;

pub mod device;
pub mod refresh;
pub mod register;

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// When both end.
    pub expires_at: Timestamp,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The flow may begin.
    Begin,
    /// RegisterClient has come back.
    Registered(Result<RegisterClientResponse, CallError>),
    /// StartDeviceAuthorization has come back.
    Started(Result<StartDeviceAuthorizationResponse, CallError>),
    /// CreateToken has come back.
    Polled(Result<CreateTokenResponse, CallError>),
    /// The moment that the flow wanted to be woken at has come.
    Woke,
    /// The person or the system wants an end.
    Ending(Ending),
}

/// A call to the center. It runs beside the driver, and its answer is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// RegisterClient; its answer is [`Event::Registered`].
    Register,
    /// StartDeviceAuthorization; its answer is [`Event::Started`].
    StartDevice(Client),
    /// CreateToken with a device code; its answer is [`Event::Polled`].
    Poll(Client, Secret),
}

/// Something to be done on this machine. Nothing comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Keep this registration for the next time.
    KeepRegistration(Client),
    /// The kept registration is of no use any more.
    DropRegistration,
    /// Show this page in the person's browser.
    OpenBrowser(String),
}

/// What the flow wants.
#[derive(Debug)]
pub enum Action {
    /// Ask the center.
    Call(Call),
    /// Do something here.
    Do(Deed),
    /// Tell the watcher.
    Tell(Progress),
    /// It is over.
    End(Result<Granted, FlowError>),
}

/// A flow that came to its good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The token.
    pub token: CreateTokenResponse,
    /// The client that it belongs to.
    pub client: Client,
    /// When the token came.
    pub at: Timestamp,
}

/// How a flow can end otherwise.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The person said no.
    #[error("the sign-in was denied")]
    Denied,
    /// Nobody decided in time.
    #[error("the code expired before it was approved")]
    Expired,
    /// The person at this terminal, or the system, wants an end.
    #[error("cancelled")]
    Cancelled(Ending),
    /// The center refused, or could not be reached before there was a code.
    #[error(transparent)]
    Call(#[from] CallError),
}

pub(crate) fn after(moment: Timestamp, pause: Duration) -> Timestamp {
    SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| moment.checked_add(pause).ok())
        .unwrap_or(Timestamp::MAX)
}
