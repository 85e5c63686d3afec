//! The flows as steppers: `on(event, now) -> actions`. They touch nothing; [`crate::drive`] acts for them.

use std::time::Duration;

use aws_formats::sso_cache::registration::Grant;
use center_client::CallError;
use jiff::{SignedDuration, Timestamp};
use outside::panics::Panicked;
use outside::signals::Ending;
use wire::Secret;
use wire::authorize::Denial;
use wire::oidc::{CreateTokenResponse, RegisterClientResponse, StartDeviceAuthorizationResponse};

use crate::choose::Way;
use crate::flow::exposure::{Exposure, LinkVisit};
use crate::flow::under_way::UnderWay;
use crate::progress::Progress;

pub mod confirm;
pub mod device;
pub mod exposure;
pub mod pkce;
pub mod race;
pub mod redeem;
pub mod refresh;
pub mod register;
pub mod under_way;

/// A flow: what happens goes in, what is to be done comes out.
pub trait Flow {
    /// Takes in what happened and says what to do.
    fn on(&mut self, event: Event, now: Timestamp) -> Vec<Action>;

    /// When the flow wants [`Event::Woke`]; nothing while it waits for an answer.
    fn wake_at(&self) -> Option<Timestamp>;

    /// Until when the person has time, once they have been asked.
    fn expires_at(&self) -> Option<Timestamp>;
}

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
    /// RegisterClient for that grant has come back.
    Registered(Grant, Result<RegisterClientResponse, CallError>),
    /// StartDeviceAuthorization has come back.
    Started(Result<StartDeviceAuthorizationResponse, CallError>),
    /// CreateToken with a device code has come back.
    Polled(Result<CreateTokenResponse, CallError>),
    /// The center has said whether it knows a client; an error that is a refusal means that it does not.
    Checked(Result<(), CallError>),
    /// A browser has brought the answer to our question: a code, or why there is none.
    Arrived(Result<Secret, Denial>),
    /// Somebody gave a code without its address. Nothing says that it is an answer to our question, and its center will.
    Guessed(Secret),
    /// A browser has opened the short link, which stands in the arguments of the one that was started.
    LinkVisited(LinkVisit),
    /// The user has said whether the person who signed in is theirs.
    Confirmed(bool),
    /// CreateToken with an authorization code has come back.
    Exchanged(Result<CreateTokenResponse, CallError>),
    /// Nobody can bring an answer any more: the standard input from which one was to come has ended.
    InputEnded,
    /// The person wants to be offered this way, too.
    Wanted(Way),
    /// The moment that the flow wanted to be woken at has come.
    Woke,
    /// The person or the system wants an end.
    Ending(Ending),
}

impl Event {
    /// Whether a call has come back with it.
    pub(crate) fn is_answer_of_a_call(&self) -> bool {
        match self {
            Self::Registered(..)
            | Self::Started(_)
            | Self::Polled(_)
            | Self::Checked(_)
            | Self::Exchanged(_) => true,
            Self::Begin
            | Self::Arrived(_)
            | Self::Guessed(_)
            | Self::LinkVisited(_)
            | Self::Confirmed(_)
            | Self::InputEnded
            | Self::Wanted(_)
            | Self::Woke
            | Self::Ending(_) => false,
        }
    }
}

/// A call to the center. It runs beside the driver, and its answer is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// RegisterClient for a grant; its answer is [`Event::Registered`].
    Register(Grant),
    /// StartDeviceAuthorization; its answer is [`Event::Started`].
    StartDevice(Client),
    /// CreateToken with a device code; its answer is [`Event::Polled`].
    Poll(Client, Secret),
    /// Whether the center still knows a client; its answer is [`Event::Checked`].
    Check(Client),
    /// CreateToken with an authorization code; its answer is [`Event::Exchanged`].
    Exchange(Box<Exchange>),
}

impl Call {
    /// The event for a call whose thread panicked: an error that ends the flow.
    pub(crate) fn panicked(self, panicked: Panicked) -> Event {
        let error = |operation| CallError::from_panic(operation, panicked);
        match self {
            Self::Register(grant) => Event::Registered(grant, Err(error("RegisterClient"))),
            Self::StartDevice(_) => Event::Started(Err(error("StartDeviceAuthorization"))),
            Self::Poll(..) => Event::Polled(Err(error("CreateToken"))),
            Self::Check(_) => Event::Checked(Err(error("revocation"))),
            Self::Exchange(_) => Event::Exchanged(Err(error("CreateToken"))),
        }
    }
}

/// An authorization code and all that it is exchanged with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// To whom the code was given.
    pub client: Client,
    /// The code.
    pub code: Secret,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What proves that the question was ours.
    pub verifier: Secret,
}

/// Something to be done on this machine. Nothing comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Keep this registration for the next time that this grant is asked for.
    KeepRegistration(Grant, Client),
    /// The kept registration for this grant is of no use any more.
    DropRegistration(Grant),
    /// Let the listener's short link lead to this page.
    LeadTo(String),
    /// Something was shown to the person that had not been: what others need to take part in it.
    Share(Box<UnderWay>),
    /// What was taken for an answer is none: others may take one.
    ReleaseAnswer,
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
    /// The part of the sign-in that other users of this machine could read.
    pub exposure: Exposure,
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
    /// The browser brought a no.
    #[error("the center refused: {error}")]
    DeniedInBrowser {
        /// The `error` (RFC 6749 section 4.1.2.1), made printable.
        error: String,
        /// Its `error_description`, made printable.
        description: Option<String>,
    },
    /// No browser brought an answer in time.
    #[error("the sign-in was not finished in the browser")]
    NotFinished,
    /// Standard input ended before an answer came from there.
    #[error("standard input ended before an answer came")]
    InputEnded,
    /// The person at this terminal, or the system, wants an end.
    #[error("cancelled")]
    Cancelled(Ending),
    /// What the person must see could not be shown.
    #[error("nobody can see what there is to do")]
    Unseen,
    /// The short link was opened by somebody else, and no user can be asked who signed in.
    #[error("the short link was opened twice, and nobody can be asked who signed in")]
    LinkReused,
    /// The user did not confirm the person who signed in.
    #[error("the person who signed in was not confirmed")]
    NotConfirmed,
    /// All is shown and kept for a later process to finish.
    #[error("the sign-in waits for a later command")]
    LeftPending,
    /// Others that take part in the same sign-in did something that is more important than to go on.
    #[error("another process has changed the sign-in")]
    Company,
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
