//! Signing in: a flow is chosen, turned until it is done, and its token kept.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use aws_formats::sso_cache::RoleCredentials;
use aws_formats::sso_cache::registration::Grant;
use center_client::calls::CallError;
use center_client::oidc;
use center_client::portal::Portal;
use center_client::start_url::{Center, StartUrlError};
use jiff::Timestamp;
use outside::browser::{NotOpened, Programs};
use outside::dice::NoRandomness;
use outside::signals::Ending;
use outside::{browser, files};
use wire::oidc::{CreateTokenRequest, RegisterClientRequest, StartDeviceAuthorizationRequest};
use wire::{Secret, pkce};

use crate::came::LookedAt;
use crate::choose::Way;
use crate::company::{self, Company, Topic};
use crate::cool_down::{self, Tally};
use crate::drive::News;
use crate::family::KnownToken;
use crate::flow::device::DeviceFlow;
use crate::flow::pkce::{Asking, PkceFlow};
use crate::flow::{Call, Client, Deed, Event, FlowError, Granted, register};
use crate::inlet::loopback::{Expected, Signpost};
use crate::progress::{Progress, Watcher};
use crate::session::{FreshError, Session};

mod answers;
mod confirm;
mod pending;
mod room;
mod wish;

use room::{Ended, Room};
pub use wish::{CODE_KEY, DROP_KEY, KEEP_KEY, Mode, PASTE_KEY, Wish, is_localhost};

/// Why a sign-in did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The token could not be kept. Found out before the person is asked wherever possible.
    #[error("the token cannot be kept in {folder}")]
    CannotKeep {
        /// The SSO cache.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no center at the start URL.
    #[error(transparent)]
    Center(#[from] StartUrlError),
    /// The person said no.
    #[error("the sign-in to {target} was denied")]
    Denied {
        /// The session's name or start URL.
        target: String,
    },
    /// Nobody approved in time.
    #[error("the code expired before it was approved, so there is no sign-in to {target}")]
    Expired {
        /// The session's name or start URL.
        target: String,
    },
    /// The browser brought a no.
    #[error("the sign-in to {target} was refused: {}", said(.error, .description))]
    DeniedInBrowser {
        /// The session's name or start URL.
        target: String,
        /// The center's `error`, made printable.
        error: String,
        /// Its `error_description`, made printable.
        description: Option<String>,
    },
    /// No browser brought an answer in time.
    #[error("no browser came back within ten minutes, so there is no sign-in to {target}")]
    NotFinished {
        /// The session's name or start URL.
        target: String,
    },
    /// Standard input, from which alone an answer could come, has ended.
    #[error("standard input ended before an answer came, so there is no sign-in to {target}")]
    InputEnded {
        /// The session's name or start URL.
        target: String,
    },
    /// The port that the person chose is somebody else's.
    #[error("port {port} of {address} is taken, so no browser could come back there")]
    PortTaken {
        /// Where it was tried.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// There is no place to which a browser could come back.
    #[error("nothing can listen on {address}, so no browser could come back")]
    CannotListen {
        /// Where it was tried.
        address: IpAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody answered the last sign-ins that were begun without a terminal, and this is one more.
    #[error("nobody answered the last three sign-ins to {target}, all within ten minutes")]
    CoolingDown {
        /// The session's name or start URL.
        target: String,
        /// When the next one may begin.
        until: Timestamp,
        /// The time now.
        now: Timestamp,
    },
    /// The short link was opened by somebody else than the browser that was started, and no user can be asked who signed in.
    #[error(
        "the link of the sign-in to {target} was opened by somebody else on this computer, and nobody can be asked here who \
         signed in, so no token is kept"
    )]
    LinkReused {
        /// The session's name or start URL.
        target: String,
    },
    /// The user did not confirm the person who signed in.
    #[error("the person who signed in to {target} was not confirmed, so no token is kept")]
    NotConfirmed {
        /// The session's name or start URL.
        target: String,
    },
    /// All is shown and kept for a later command to finish; no failure.
    #[error("the sign-in to {target} waits for a later command")]
    LeftPending {
        /// The session's name or start URL.
        target: String,
        /// When the link or the code ends.
        expires_at: Timestamp,
    },
    /// There is no sign-in to finish.
    #[error("no sign-in to {target} waits to be finished")]
    NothingPending {
        /// The session's name or start URL.
        target: String,
    },
    /// A sign-in that is not waited for would be lost, as it cannot be kept for a later command.
    #[error("a sign-in to {target} cannot be kept for a later command{}", said_why(.why))]
    CannotLeavePending {
        /// The session's name or start URL.
        target: String,
        /// Why not, if the system said it.
        why: Option<String>,
    },
    /// The link or the code could not be shown to anybody, as the watcher said.
    #[error("nobody can see how to sign in to {target}")]
    Unseen {
        /// The session's name or start URL.
        target: String,
    },
    /// Another process has signed in, but what it kept cannot be read.
    #[error("another process has signed in to {target}, but its token cannot be read")]
    NotSeen {
        /// The session's name or start URL.
        target: String,
        /// Why not.
        source: Box<FreshError>,
    },
    /// The system has no randomness to give.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Ctrl-C and its like.
    #[error("cancelled")]
    Cancelled(Ending),
    /// The center refused or could not be reached.
    #[error(transparent)]
    Call(CallError),
}

fn said(error: &str, description: &Option<String>) -> String {
    description.as_ref().map_or_else(|| error.to_owned(), |words| format!("{words} ({error})"))
}

fn said_why(why: &Option<String>) -> String {
    why.as_ref().map(|why| format!(": {why}")).unwrap_or_default()
}

/// A person asked for this sign-in. Made only by commands whose purpose is a sign-in, so that nothing in the background
/// can ask anybody for anything.
#[derive(Debug, Clone, Copy)]
pub struct Human(());

impl Human {
    /// Says that a person typed a command that signs in.
    pub fn asked_for_a_sign_in() -> Self {
        Self(())
    }
}

/// What was kept by a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The token file.
    pub path: PathBuf,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// Whether it can be renewed without a person.
    pub renewable: bool,
    /// The region of the center, where the token file says it.
    pub region: Option<String>,
    /// The facts about its person, if the token was looked at before it was kept.
    pub looked_at: Option<Box<LookedAt>>,
}

impl Session {
    /// Signs in, and keeps the token.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn sign_in(
        &self,
        _asked: Human,
        wish: Wish,
        watcher: &mut dyn Watcher,
    ) -> Result<SignedIn, SignInError> {
        let cannot_keep =
            |source| SignInError::CannotKeep { folder: self.store.sso_cache().to_owned(), source };
        self.tell_of_state(watcher);
        let mut tally = Tally::new(self.store.unanswered_file(&self.target), !wish.has_terminal, &self.clock);
        let held_back_until = tally.held_back_until().filter(|_| !wish.at_once && wish.mode != Mode::Resume);
        // An earlier code may be approved; to redeem it is no new sign-in.
        let has_earlier = self
            .store
            .meeting_place(&self.target)
            .is_some_and(|(state, name)| company::has_record(&state, &name));
        if let Some(until) = held_back_until.filter(|_| !has_earlier) {
            return Err(self.cooling_down(until));
        }
        // Codes are good for one use, so a place that cannot keep what they bring is found before anybody is asked.
        self.store.reserve_token(&self.target).map_err(cannot_keep)?;
        let center = self.center()?;
        let mut room = Room::new(self, center, wish, &mut tally);
        let ended = room.turn(held_back_until, watcher);
        let signed_in = match ended.and_then(|ended| room.confirm(ended, watcher)) {
            Ok(Ended::Here(granted, looked_at)) => {
                let token = granted.token.access_token.clone();
                let kept = self.keep_granted(granted, &center.region);
                kept.inspect_err(|_| drop(self.give_back(center, &token)))
                    .map_err(cannot_keep)
                    .map(|signed_in| SignedIn { looked_at, ..signed_in })
                    .inspect(|_| self.pin(center))
            }
            Ok(Ended::Elsewhere) => self.kept_by_another(),
            Err(error) => Err(error),
        };
        room.leave(&signed_in);
        tally.over(match &signed_in {
            Ok(_)
            | Err(
                SignInError::Denied { .. }
                | SignInError::DeniedInBrowser { .. }
                | SignInError::NotConfirmed { .. },
            ) => cool_down::Ended::Answered,
            Err(SignInError::LeftPending { .. }) => cool_down::Ended::LeftPending,
            Err(
                SignInError::Expired { .. } | SignInError::NotFinished { .. } | SignInError::Cancelled(_),
            ) => cool_down::Ended::Unanswered,
            Err(_) => cool_down::Ended::Otherwise,
        });
        signed_in
    }

    /// Ends a token that nobody keeps. If that fails it ends by itself; nobody has seen it.
    fn give_back(&self, center: &Center, token: &Secret) -> Result<(), CallError> {
        Portal { calls: &self.calls, endpoint: &center.sso, token }.logout()
    }

    fn cooling_down(&self, until: Timestamp) -> SignInError {
        SignInError::CoolingDown { target: self.name(), until, now: self.clock.now() }
    }

    /// The path of a short link: 128 random bits.
    fn short_path(&self) -> Result<Secret, NoRandomness> {
        Ok(format!("/{}", wire::words::base64_url(&self.dice.bytes::<16>()?)).into())
    }

    /// A port for a browser that is to come back to nobody: one of those that no service has for itself (RFC 6335 section 6).
    fn unheard_port(&self) -> Result<u16, SignInError> {
        Ok(u16::from_be_bytes(self.dice.bytes()?) | 0xc000)
    }

    /// The sign-in that another process has kept.
    fn kept_by_another(&self) -> Result<SignedIn, SignInError> {
        let token = self
            .read()
            .map_err(|source| SignInError::NotSeen { target: self.name(), source: Box::new(source) })?;
        Ok(self.signed_in(&token))
    }

    /// Those that sign in to the same session of the same center, and would keep its token in the same file.
    fn company(&self, center: &Center, wish: &Wish) -> Option<Company> {
        let (folder, name) = self.store.meeting_place(&self.target)?;
        let token = self.store.token_path(&self.target);
        let scopes = self.registration_request(center, Grant::DeviceCode).scopes.unwrap_or_default();
        let what = [
            token.to_string_lossy().into_owned(),
            center.start_url.clone(),
            center.sso_oidc.address.to_string(),
            scopes.join(","),
        ];
        let topic = Topic { what: what.join(" "), origin: center.sso_oidc.address.origin() };
        Company::join(&folder, &name, topic, wish.callback_listen)
    }

    /// The question for a browser, and what its answer must be like.
    fn asking(
        &self,
        center: &Center,
        port: u16,
        (short, opens_short): (Option<&Secret>, bool),
    ) -> Result<(Asking, Expected), SignInError> {
        let state: [u8; 32] = self.dice.bytes()?;
        let asking = Asking {
            authorize: center.sso_oidc.at(wire::authorize::PATH),
            scopes: self.registration_request(center, Grant::AuthorizationCode).scopes,
            redirect_uri: wire::authorize::redirect_uri(port),
            // As hard to guess as a verifier, and made of the same letters.
            state: pkce::verifier(&state),
            short: short.map(|path| format!("http://127.0.0.1:{port}{}", path.expose())),
            opens_short,
            verifier: pkce::verifier(&self.dice.bytes()?),
        };
        let expected = Expected {
            port,
            state: asking.state.clone(),
            issuer: center.issuer.clone(),
            target: self.name(),
        };
        Ok((asking, expected))
    }

    /// The flow that ends with a browser's answer.
    fn browser_flow(&self, center: &Center, wish: &Wish, asking: Asking) -> PkceFlow {
        let cached = self.cached_client(center, Grant::AuthorizationCode, wish);
        let opens = wish.open_browser && wish.first().grant() == Grant::AuthorizationCode;
        PkceFlow::new(cached, asking, opens, center.revocation.is_some()).ending_when_reused(!wish.reads_keys)
    }

    fn device_flow(&self, center: &Center, wish: &Wish) -> DeviceFlow {
        let client_name = self.registration_request(center, Grant::DeviceCode).client_name;
        let cached = self.cached_client(center, Grant::DeviceCode, wish);
        let opens = wish.open_browser && wish.first() == Way::Code;
        DeviceFlow::new(cached, Some(client_name), opens)
    }

    fn registration_request(&self, center: &Center, grant: Grant) -> RegisterClientRequest {
        let wanted = register::Wanted {
            session: self.target.session.as_deref(),
            scopes: self.target.scopes.as_deref(),
            grant,
            start_url: &center.start_url,
        };
        register::request(wanted, self.clock.now())
    }

    fn cached_client(&self, center: &Center, grant: Grant, wish: &Wish) -> Option<Client> {
        let scopes = self.registration_request(center, grant).scopes;
        let cached = self.store.read_registration(&self.target, &center.region, grant)?;
        let client = register::usable(cached.clone(), grant, scopes.as_deref(), self.clock.now())?;
        if grant == wish.first().grant() {
            // The one that is used last lies where the AWS CLI looks. Where it cannot be written, it only looks elsewhere.
            let _ = self.store.keep_registration(&self.target, &center.region, &cached);
        }
        Some(client)
    }

    /// Asks the center what the flow wants to know.
    fn asker(&self, center: &Center) -> impl Fn(Call) -> Event + Send + Sync + 'static {
        let (calls, center) = (self.calls.clone(), center.clone());
        let by_browser = self.registration_request(&center, Grant::AuthorizationCode);
        let by_code = self.registration_request(&center, Grant::DeviceCode);
        move |call| match call {
            Call::Register(grant) => {
                let registration = match grant {
                    Grant::AuthorizationCode => &by_browser,
                    Grant::DeviceCode => &by_code,
                };
                Event::Registered(grant, oidc::register_client(&calls, &center.sso_oidc, registration))
            }
            Call::StartDevice(client) => {
                let request = StartDeviceAuthorizationRequest {
                    client_id: client.id,
                    client_secret: client.secret,
                    start_url: center.start_url.clone(),
                };
                Event::Started(oidc::start_device_authorization(&calls, &center.sso_oidc, &request))
            }
            Call::Poll(client, device_code) => {
                let request = CreateTokenRequest::device_code(&client.id, &client.secret, &device_code);
                Event::Polled(oidc::create_token(&calls, &center.sso_oidc, &request))
            }
            Call::Check(client) => Event::Checked(match &center.revocation {
                Some(revocation) => oidc::check_client(&calls, revocation, &client.id, &client.secret),
                None => Ok(()),
            }),
            Call::Exchange(exchange) => {
                let request = CreateTokenRequest::authorization_code(
                    &exchange.client.id,
                    &exchange.client.secret,
                    &exchange.code,
                    &exchange.redirect_uri,
                    &exchange.verifier,
                );
                Event::Exchanged(oidc::create_token(&calls, &center.sso_oidc, &request))
            }
        }
    }

    fn act(&self, deed: Deed, center: &Center, signpost: Option<&Signpost>) -> Option<Progress> {
        match deed {
            Deed::LeadTo(page) => {
                if let Some(signpost) = signpost {
                    signpost.point_to(page);
                }
                None
            }
            // Others are the business of whoever knows them.
            Deed::Share(_) | Deed::ReleaseAnswer | Deed::OpenBrowser(_) => None,
            Deed::KeepRegistration(grant, client) => {
                let scopes = self.registration_request(center, grant).scopes;
                let registration = register::cached(&client, grant, scopes.as_deref());
                let kept = self.store.keep_registration(&self.target, &center.region, &registration);
                kept.err().map(|error| Progress::NotKept {
                    what: "registration",
                    path: self.store.registration_path(&self.target, &center.region),
                    why: error.to_string(),
                })
            }
            Deed::DropRegistration(grant) => {
                self.store.drop_registration(&self.target, &center.region, grant);
                None
            }
        }
    }

    /// Starts a browser on a page. One that fails later is told to the inbox.
    fn open_browser(&self, page: &str, wish: &Wish, heard: &Sender<News>) -> Progress {
        let heard = heard.clone();
        let failed = move |failure: NotOpened| {
            let _ = heard.send(News::Progress(Progress::BrowserNotOpened { why: failure.to_string() }));
        };
        let programs = if wish.browser_is_here { Programs::All } else { Programs::OfVariable };
        match browser::open(page, &self.env, programs, failed) {
            Ok(program) => Progress::BrowserOpened { program },
            Err(error) => Progress::BrowserNotOpened { why: error.to_string() },
        }
    }

    fn explain(&self, error: FlowError) -> SignInError {
        let target = self.name();
        match error {
            FlowError::Denied => SignInError::Denied { target },
            FlowError::Expired => SignInError::Expired { target },
            FlowError::DeniedInBrowser { error, description } => {
                SignInError::DeniedInBrowser { target, error, description }
            }
            FlowError::NotFinished => SignInError::NotFinished { target },
            FlowError::InputEnded => SignInError::InputEnded { target },
            FlowError::Unseen => SignInError::Unseen { target },
            FlowError::Cancelled(ending) => SignInError::Cancelled(ending),
            FlowError::LinkReused => SignInError::LinkReused { target },
            FlowError::NotConfirmed => SignInError::NotConfirmed { target },
            FlowError::LeftPending => SignInError::NothingPending { target },
            // Nobody but the room leaves a flow, and it begins another one.
            FlowError::Company => SignInError::NotFinished { target },
            FlowError::Call(error) => SignInError::Call(error),
        }
    }

    fn keep_granted(&self, granted: Granted, region: &str) -> io::Result<SignedIn> {
        let Granted { token, client, at, exposure: _ } = granted;
        let token = self.token(token, client, region, at);
        // Held, so that a process that is renewing the token before this one does not write over it.
        let _turn = self.turn();
        if self.is_signed_in_elsewhere() {
            // What was signed in here before was another center's, and so are role credentials that came from it. They do
            // not say whose they are, so all go; whoever needs some asks for new ones.
            for path in self.store.role_files().unwrap_or_default() {
                if let Ok(Some(Ok(true))) =
                    self.store.read_whole(&path, &self.clock, RoleCredentials::is_of_sso)
                {
                    let _ = files::remove(&path);
                }
            }
        }
        // It may have been another person's.
        self.store.drop_listing(&self.target);
        self.store.keep_token(&self.target, &token)?;
        let path = self.store.token_path(&self.target);
        self.store.keep_known(&path, &KnownToken::new(&token, files::modified(&path).unwrap_or(i128::MAX)));
        Ok(self.signed_in(&token))
    }
}
