//! `aldis serve`: runs a center until it is asked to end.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use center::instance::Instance;
use center::organisation::Organisation;
use center::password::Cost;
use center::seal::Seals;
use center_store::Sqlite;
use center_web::serve::{ListenError, Listener, Serving, Stopper};
use outside::signals::Watch;
use outside::sockets::{self, PrivateListener, SocketError};
use outside::{Clock, Outside};
use wire::Secret;
use wire::admin::socket_name;

use super::serve_keys::{self, Keys};
use crate::args::serve::ServeArgs;
use crate::report::words::{Style, note, print, warn};
use crate::report::{Exit, Failure, Kind, ready};
use crate::request::serve::{self, ServeRequest, without_usual_port};

/// Runs it.
pub(crate) fn run(outside: &Outside, args: ServeArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let mut request = serve::complete(&args, outside)?;
    // The port first: whoever finds it taken must not touch data or keys of the center that has it.
    let listener = listen(&request)?;
    let keys = serve_keys::load(request.keys.as_deref(), outside)?;
    let store = open_store(request.data.as_deref())?;
    if let Some(why) = &keys.only_in_memory {
        let what = "the sealing key cannot be kept and lives in memory: registrations end with this center";
        warn(outside, style, format!("{what} ({why})"));
    }
    let clock = if request.test_clock { Clock::movable() } else { Clock::system() };
    let ready = Ready {
        password: give_password(outside, &mut request.organisation)?,
        is_test: request.is_test,
        test_clock: request.test_clock,
        in_memory: request.data.is_none(),
    };
    let serving = prepare(outside, request, keys, Parts { listener, store, clock })?;
    // Before the ready line: whoever reads it may ask the center to end at once.
    let stopper = serving.stopper.clone();
    let _watch = Watch::start(move |_| stopper.stop()).map_err(|error| Failure::new(Kind::Other, error))?;
    print(outside, &ready::ready(&serving.instance, &ready, style))?;
    for word in ready::words(&serving.instance, &ready) {
        note(outside, style, &word);
    }
    center_web::serve::run(serving).map_err(|error| Failure::new(Kind::Other, error))?;
    Ok(Exit::Done)
}

/// What the ready line says besides what the instance knows.
pub(crate) struct Ready {
    /// The password of the built-in person.
    pub(crate) password: Option<Secret>,
    pub(crate) is_test: bool,
    pub(crate) test_clock: bool,
    pub(crate) in_memory: bool,
}

/// What a center stands on.
pub(crate) struct Parts {
    pub(crate) listener: Listener,
    pub(crate) store: Sqlite,
    pub(crate) clock: Clock,
}

/// A center that is ready to run.
pub(crate) fn prepare(
    outside: &Outside,
    request: ServeRequest,
    keys: Keys,
    parts: Parts,
) -> Result<Serving<Sqlite>, Failure> {
    let address = parts.listener.address();
    let url = request.url.unwrap_or_else(|| without_usual_port(&format!("http://{address}")).to_owned());
    let folder = sockets::private_folder(&outside.env);
    let admin = PrivateListener::bind(&folder, &socket_name(address.port())).map_err(|error| {
        let hint = match error {
            SocketError::Taken { .. } => "take another port: aldis serve --listen 127.0.0.1:0",
            _ => "for another folder, set XDG_RUNTIME_DIR",
        };
        Failure::new(Kind::Other, error).hint(hint)
    })?;
    let seals = Seals::derive(&keys.ring, &request.organisation.hash());
    let instance = Instance {
        organisation: request.organisation,
        seals,
        url,
        lifetimes: request.lifetimes,
        auto_approve: request.auto_approve,
    };
    Ok(Serving {
        instance,
        store: parts.store,
        clock: parts.clock,
        dice: outside.dice.clone(),
        terminal: outside.terminal.clone(),
        listener: parts.listener,
        admin: Some(admin),
        trusted_proxies: request.trusted_proxies,
        is_test_center: request.is_test,
        stopper: Stopper::new(),
    })
}

/// Listens where the request says.
pub(crate) fn listen(request: &ServeRequest) -> Result<Listener, Failure> {
    center_web::serve::listen(request.listen).map_err(|error| {
        let taken = matches!(error, ListenError::Taken { .. });
        let failure = Failure::new(Kind::Other, error);
        if taken { failure.hint("take a free port: aldis serve --listen 127.0.0.1:0") } else { failure }
    })
}

fn open_store(data: Option<&Path>) -> Result<Sqlite, Failure> {
    let opened = match data {
        Some(path) => Sqlite::open(path),
        None => Sqlite::in_memory(),
    };
    opened.map_err(|error| {
        Failure::new(Kind::Other, error).hint("keep the data elsewhere, or nowhere: aldis serve --memory")
    })
}

/// Gives the person of the built-in organisation a new password, 96 random bits, and says it; a seed brings its own.
///
/// Nobody tries that many at any speed, so hashing it costs next to nothing, and a center starts fast.
pub(crate) fn give_password(
    outside: &Outside,
    organisation: &mut Organisation,
) -> Result<Option<Secret>, Failure> {
    if !organisation.built_in {
        return Ok(None);
    }
    let failed = |error| Failure::new(Kind::Other, error);
    let random: [u8; 12] = outside.dice.bytes().map_err(failed)?;
    let salt = outside.dice.bytes().map_err(failed)?;
    let password = Secret::new(URL_SAFE_NO_PAD.encode(random));
    let hash = center::password::hash(&password, &salt, Cost::RANDOM);
    for person in &mut organisation.people {
        person.password_hash.clone_from(&hash);
    }
    Ok(Some(password))
}
