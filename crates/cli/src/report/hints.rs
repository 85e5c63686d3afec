//! Library errors → kinds and hints. The one place for them, so that the same trouble is always told the same way.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use aws_formats::config::edit::EditError;
use center_client::address::Address;
use center_client::calls::CallError;
use center_client::endpoint::{EndpointError, Source};
use center_client::refusal::{Meaning, Refusal};
use center_client::start_url::StartUrlError;
use outside::ca_bundle::BadBundle;
use outside::http::{HttpError, Obstacle};
use outside::panics::Panicked;
use outside::shelf::EditFileError;
use outside::{Outside, files};
use signin::role_credentials::PortalCallError;
use signin::session::FreshError;
use signin::sign_in::SignInError;
use wire::oidc::OidcError;
use wire::sts::StsError;

use super::{Failure, Kind, when};
use crate::request::config::editor;
use crate::request::session::Meant;

/// What may be typed after a sign-in that did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Again {
    /// The same.
    pub(crate) same: String,
    /// The same with a code, where that is allowed.
    pub(crate) with_code: Option<String>,
}

impl Again {
    /// For a sign-in to what is meant, by a command that named no flow.
    pub(crate) fn of(meant: &Meant) -> Self {
        Self { same: meant.login.clone(), with_code: Some(format!("{} --use-device-code", meant.login)) }
    }

    fn hint(&self, failure: Failure) -> Failure {
        failure.hint(format!("try again: {}", self.same))
    }

    fn hint_of_code(&self, failure: Failure, words: &str) -> Failure {
        match &self.with_code {
            Some(command) => failure.hint(format!("{words}: {command}")),
            None => failure,
        }
    }
}

/// The hint for an error that is no fault of the person, the network or a server.
const FAULT: &str = "this is a fault of Aldis: report it where you got Aldis from, with the line above and the output of: \
                     aldis --version";

/// A command that panicked.
pub(crate) fn internal(panicked: Panicked) -> Failure {
    Failure::new(Kind::Other, panicked).hint(FAULT)
}

/// A sign-in that did not happen.
pub(crate) fn sign_in(error: SignInError, meant: &Meant, again: &Again) -> Failure {
    match error {
        SignInError::Center(error) => center(error, meant),
        SignInError::Call(error) => call(error, meant),
        SignInError::Cancelled(ending) => Failure::new(Kind::Cancelled(ending), error),
        SignInError::Denied { .. } => again.hint(Failure::new(Kind::Denied, error)),
        SignInError::Expired { .. } => again.hint(Failure::new(Kind::CodeExpired, error)),
        // The AWS CLI ends so, too.
        SignInError::DeniedInBrowser { error: ref name, .. } => {
            let kind = if name == "access_denied" { Kind::DeniedInBrowser } else { Kind::Other };
            again.hint(Failure::new(kind, error))
        }
        SignInError::NotFinished { .. }
        | SignInError::InputEnded { .. }
        | SignInError::CannotListen { .. } => {
            let failure = Failure::new(Kind::Other, error);
            again.hint(again.hint_of_code(failure, "if your browser is on another computer"))
        }
        SignInError::PortTaken { port, .. } => {
            let failure =
                Failure::new(Kind::Other, error).hint(format!("see who has it: ss -ltnp 'sport = :{port}'"));
            again.hint_of_code(failure, "or do without that port")
        }
        SignInError::CoolingDown { until, now, .. } => {
            let until = when::from(until, now);
            let message = format!("{error}; without a terminal the next one may begin at {until}");
            Failure::new(Kind::NotSignedIn, message)
                .hint(format!("if somebody is there to answer, begin at once: {} --now", meant.login))
                .hint(format!("or at a terminal, where nobody is held back: {}", meant.login))
        }
        SignInError::LinkReused { .. } => {
            let failure = Failure::new(Kind::Other, error)
                .hint(format!("sign in at a terminal, which asks you who signed in: {}", meant.login));
            failure.hint(format!("or with the link on the screen alone: {} --no-browser", meant.login))
        }
        SignInError::NotConfirmed { .. } => again.hint(Failure::new(Kind::Denied, error)),
        SignInError::LeftPending { .. } | SignInError::NothingPending { .. } => {
            Failure::new(Kind::NotSignedIn, error).hint(format!("sign in: {}", meant.login))
        }
        SignInError::CannotLeavePending { .. } => Failure::new(Kind::Other, error)
            .hint("it is kept in the state folder, which must be yours: ls -ld \"${XDG_STATE_HOME:-$HOME/.local/state}\"")
            .hint(format!("or wait for it: {}", meant.login)),
        SignInError::NotSeen { .. } | SignInError::Unseen { .. } => {
            again.hint(Failure::new(Kind::Other, error))
        }
        SignInError::NoRandomness(_) => Failure::new(Kind::Other, error),
        SignInError::CannotKeep { ref folder, ref source } => {
            let otherwise = match source.kind() {
                io::ErrorKind::ReadOnlyFilesystem => "sign in on the host, or mount it writable",
                _ => "see who may write there",
            };
            let hint = writable(otherwise, folder, source);
            Failure::new(Kind::Other, error).hint(hint)
        }
    }
}

/// No token.
pub(crate) fn fresh(error: FreshError, meant: &Meant) -> Failure {
    match error {
        FreshError::NoToken { .. }
        | FreshError::Ended { .. }
        | FreshError::EndedElsewhere { .. }
        | FreshError::OtherStartUrl { .. }
        | FreshError::Torn { .. } => {
            Failure::new(Kind::NotSignedIn, error).hint(format!("sign in: {}", meant.login))
        }
        FreshError::NotRenewable { ref path, ref source, .. } => {
            let host = "renew on the host, or mount it writable";
            let hint = writable(host, path.parent().unwrap_or(path), source);
            Failure::new(Kind::Other, error).hint(hint)
        }
        FreshError::OtherEndpoint { .. } | FreshError::NotPinned { .. } => Failure::new(Kind::NotSignedIn, error)
            .hint("if an address is left over: unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_SSO AWS_ENDPOINT_URL_SSO_OIDC")
            .hint(format!("if it is meant, sign in there: {}", meant.login))
            .hint("or send the token there, this once: add --endpoint-changed"),
        FreshError::Unreadable { ref path, .. } => {
            let hint = format!("see who may read it: ls -l {}", quoted(&path.to_string_lossy()));
            Failure::new(Kind::Other, error).hint(hint)
        }
        FreshError::Center(error) => center(error, meant),
        FreshError::Refresh { ref source, .. } => {
            let hints = call_hints(source, meant);
            let kind = call_kind(source);
            let mut failure = Failure::new(kind, error);
            failure.hints = hints;
            failure.hint(format!("if it lasts, sign in anew: {}", meant.login))
        }
    }
}

/// The way out if a token cannot be kept in a folder; `otherwise` for the usual case that the folder is read-only.
fn writable(otherwise: &str, folder: &Path, error: &io::Error) -> String {
    let folder = quoted(&folder.to_string_lossy());
    match error.kind() {
        io::ErrorKind::StorageFull => format!("make room: df -h {folder}"),
        // A single file that is mounted keeps its old text when the host replaces it.
        io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::ResourceBusy => {
            "start the container again, and mount the folder instead of the file: docker run -v ~/.aws:/root/.aws"
                .to_owned()
        }
        _ => format!("{otherwise}: ls -ld {folder}"),
    }
}

/// A cache that cannot be looked through.
pub(crate) fn caches(error: io::Error, home: &Path) -> Failure {
    let folder = |name: &str| quoted(&home.join(".aws").join(name).to_string_lossy());
    let hint = format!("see who may read them: ls -ld {} {}", folder("sso/cache"), folder("cli/cache"));
    Failure::new(Kind::Other, CachesUnreadable(error)).hint(hint)
}

#[derive(Debug, thiserror::Error)]
#[error("the caches of tokens and credentials cannot be looked through")]
struct CachesUnreadable(#[source] io::Error);

/// A config file at `path` that could not be edited; it is as it was.
pub(crate) fn config_edit(error: EditFileError<EditError>, path: &Path) -> Failure {
    let at = |path: &Path| quoted(&path.to_string_lossy());
    let (kind, hint) = match &error {
        EditFileError::Change(EditError::Fault(fault)) => {
            (Kind::Configuration, format!("correct it: {} +{} {}", editor(), fault.line, at(path)))
        }
        EditFileError::Change(_) => {
            (Kind::Configuration, format!("edit the file: {} {}", editor(), at(path)))
        }
        EditFileError::ReadOnly { path, .. } => {
            (Kind::Other, format!("if you may change it: chmod u+w {}", at(path)))
        }
        EditFileError::NotUtf8(path) => (Kind::Other, format!("see what it is: file {}", at(path))),
        EditFileError::NotRegular(path) => (Kind::Other, format!("see what it is: ls -ld {}", at(path))),
        EditFileError::Read { path, .. } => (Kind::Other, format!("see who may read it: ls -l {}", at(path))),
        EditFileError::Write { path, source } => {
            let folder = path.parent().unwrap_or(path);
            let hint = match source.kind() {
                io::ErrorKind::StorageFull => format!("make room: df -h {}", at(folder)),
                _ => format!("see who may write there: ls -ld {} {}", at(folder), at(path)),
            };
            (Kind::Other, hint)
        }
        EditFileError::Contended(path) => {
            (Kind::Other, format!("see who has it open: fuser -v {}", at(path)))
        }
    };
    Failure::new(kind, error).hint(hint)
}

/// A command that did not start.
pub(crate) fn not_started(source: io::Error, program: &OsStr, outside: &Outside) -> Failure {
    let name = wire::words::printable(&program.to_string_lossy(), 300);
    let found = files::find_program(&program.to_string_lossy(), outside.env.get("PATH").unwrap_or_default());
    if source.kind() == io::ErrorKind::NotFound && found.is_none() {
        // A whole line in one word, or something that only a shell knows.
        let hint = format!("if it is a line for a shell: aldis exec -- sh -c {}", quoted(&name));
        return Failure::new(Kind::NoSuchCommand, format!("there is no command {name:?}")).hint(hint);
    }
    let place = found.map_or(name.clone(), |path| path.to_string_lossy().into_owned());
    let hint = format!("see whether it is a program that you may run: ls -ld {}", quoted(&place));
    Failure::new(Kind::NotStarted, DidNotStart { name, source }).hint(hint)
}

#[derive(Debug, thiserror::Error)]
#[error("the command {name:?} cannot be started")]
struct DidNotStart {
    name: String,
    source: io::Error,
}

/// No answer of the portal.
pub(crate) fn portal(error: PortalCallError, meant: &Meant) -> Failure {
    match error {
        PortalCallError::Fresh(error) => fresh(error, meant),
        PortalCallError::Center(error) => center(error, meant),
        PortalCallError::Call(error) => call(error, meant),
        PortalCallError::SignedOut { .. } => {
            Failure::new(Kind::NotSignedIn, error).hint(format!("sign in: {}", meant.login))
        }
        PortalCallError::NotAccepted { .. } => Failure::new(Kind::NotSignedIn, error)
            .hint("see which variable names that address: env | grep AWS_ENDPOINT_URL")
            .hint(format!("or sign in there, if it is meant: {}", meant.login)),
        PortalCallError::NoAccess { ref account_id, .. } => {
            let hint = format!("see which roles you have there: aldis roles {account_id}{}", meant.selector);
            Failure::new(Kind::Refused, error).hint(hint)
        }
        PortalCallError::OverAlready { .. } => {
            Failure::new(Kind::Other, error).hint("compare the clock: date -u")
        }
    }
}

/// No center at the start URL.
pub(crate) fn center(error: StartUrlError, meant: &Meant) -> Failure {
    let edit = format!("{}: {}", meant.place, meant.edit);
    match error {
        StartUrlError::Endpoint(error) => endpoint(error, meant),
        StartUrlError::NoRegion(_) => {
            Failure::new(Kind::Configuration, error).hint(format!("add sso_region to {edit}"))
        }
        StartUrlError::Unanswered { ref source, .. } => {
            let (kind, hints) = (call_kind(source), call_hints(source, meant));
            let mut failure = Failure::new(kind, error);
            failure.hints = hints;
            failure
        }
        // A network that wants a sign-in of its own answers in the center's place, too.
        StartUrlError::NoCenter { ref origin, .. } => {
            let look = in_between(origin);
            Failure::new(Kind::Configuration, error)
                .hint(look)
                .hint(format!("or correct sso_start_url in {edit}"))
        }
        StartUrlError::NotAnAddress(_)
        | StartUrlError::NotHttps(_)
        | StartUrlError::OtherIssuer { .. }
        | StartUrlError::LeadsElsewhere { .. } => {
            Failure::new(Kind::Configuration, error).hint(format!("correct sso_start_url in {edit}"))
        }
    }
}

/// An address that cannot be used.
pub(crate) fn endpoint(error: EndpointError, meant: &Meant) -> Failure {
    let hint = match &error {
        EndpointError::BadOverride { by: Source::Variable(name), .. } => {
            format!("do without it: unset {name}")
        }
        EndpointError::BadOverride { .. } => format!("correct it: {}", meant.edit_file),
        EndpointError::BadRegion(_) => format!("correct the region in {}: {}", meant.place, meant.edit),
    };
    Failure::new(Kind::Configuration, error).hint(hint)
}

/// A call without a result.
pub(crate) fn call(error: CallError, meant: &Meant) -> Failure {
    let (kind, hints) = (call_kind(&error), call_hints(&error, meant));
    let mut failure = Failure::new(kind, error);
    failure.hints = hints;
    failure
}

/// A call of STS without a result, made with keys of the environment.
pub(crate) fn keys_call(error: CallError, command: &str) -> Failure {
    let hint = match &error {
        CallError::Refused(refusal) => match refusal.meaning {
            Meaning::Sts(StsError::SignatureDoesNotMatch) => "compare the clock: date -u".to_owned(),
            _ => "do without these keys: \
                  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SECURITY_TOKEN AWS_SESSION_TOKEN"
                .to_owned(),
        },
        CallError::Http(HttpError::Unreachable { origin, .. } | HttpError::TimedOut { origin, .. }) => {
            answers(origin)
        }
        CallError::Http(HttpError::BadAnswer { origin, .. }) | CallError::Unreadable { origin, .. } => {
            in_between(origin)
        }
        _ => "see what is set: env | grep -e ^AWS_ -e ^ALDIS_ -e _PROXY -e _proxy | cut -d= -f1".to_owned(),
    };
    Failure::new(call_kind(&error), error)
        .hint(hint)
        .hint(format!("or ask for a profile: {command} --profile NAME"))
}

/// An address of STS that cannot be used with keys of the environment.
pub(crate) fn keys_endpoint(error: EndpointError) -> Failure {
    let hint = match &error {
        EndpointError::BadOverride { by: Source::Variable(name), .. } => {
            format!("do without it: unset {name}")
        }
        EndpointError::BadOverride { .. } => {
            "see which profile is in use, then correct it: aldis configure list".to_owned()
        }
        EndpointError::BadRegion(_) => {
            "see where the region comes from, then correct it: aldis configure list".to_owned()
        }
    };
    Failure::new(Kind::Configuration, error).hint(hint)
}

fn call_kind(error: &CallError) -> Kind {
    match error {
        CallError::Refused(_) => Kind::Refused,
        CallError::Http(
            HttpError::PlainHttp { .. }
            | HttpError::CaBundle(_)
            | HttpError::BadProxy(_)
            | HttpError::BadAddress(_),
        ) => Kind::Configuration,
        _ => Kind::Other,
    }
}

fn call_hints(error: &CallError, meant: &Meant) -> Vec<String> {
    let hint = match error {
        CallError::Refused(refusal) => return refusal_hints(refusal, meant),
        CallError::Http(HttpError::Unreachable { origin, obstacle, .. }) => {
            return obstacle_hints(*obstacle, origin, meant);
        }
        CallError::Http(HttpError::PlainHttp { origin }) => format!(
            "use https; or, where this network is yours alone, name the address and allow it: \
             export AWS_ENDPOINT_URL={origin} ALDIS_INSECURE_HTTP=1"
        ),
        CallError::Http(HttpError::TimedOut { origin, .. }) => answers(origin),
        CallError::Http(HttpError::BadAnswer { origin, .. }) | CallError::Unreadable { origin, .. } => {
            in_between(origin)
        }
        CallError::Http(HttpError::Tls { .. }) => {
            "if a proxy opens TLS here, name its certificates: export AWS_CA_BUNDLE=/path/to/ca.pem"
                .to_owned()
        }
        CallError::Http(HttpError::CaBundle(BadBundle { path, line, .. })) => {
            let path = quoted(&path.to_string_lossy());
            match line {
                Some(line) => format!("look at it: {} +{line} {path}", editor()),
                None => format!("look at it: ls -l {path}"),
            }
        }
        CallError::Http(HttpError::BadProxy(proxy)) => {
            format!("do without it: unset {}", proxy.variable)
        }
        CallError::Internal { .. } => FAULT.to_owned(),
        CallError::Http(HttpError::BadAddress(_)) | CallError::NoRandomness(_) => return Vec::new(),
    };
    vec![hint]
}

/// What to look at when there is no connection.
fn obstacle_hints(obstacle: Obstacle, origin: &str, meant: &Meant) -> Vec<String> {
    let address = Address::parse(origin);
    let is_here = address.as_ref().is_some_and(Address::is_loopback);
    let host = address.map(|address| address.host().to_owned()).unwrap_or_default();
    match obstacle {
        Obstacle::Refused if is_here => {
            vec![format!("if it is a center of yours, start it: aldis serve --listen {}", authority(origin))]
        }
        Obstacle::NoWay if is_here => vec!["see whether loopback is up here: ip address show lo".to_owned()],
        Obstacle::Name => vec![
            format!("see whether names can be looked up here: getent hosts {}", quoted(&host)),
            format!("or correct start URL and region in {}: {}", meant.place, meant.edit),
        ],
        Obstacle::Proxy => vec![
            answers(origin),
            format!("or, where no proxy is needed, go around it: export NO_PROXY=\"$NO_PROXY,{host}\""),
        ],
        Obstacle::Refused | Obstacle::NoWay | Obstacle::Broken => vec![answers(origin)],
    }
}

fn answers(origin: &str) -> String {
    format!("see whether it answers: curl -sSI {origin}")
}

/// An answer that is not a center's: many networks show a page of their own until somebody has signed in to them.
fn in_between(origin: &str) -> String {
    format!(
        "something else may answer, such as the page of a network that wants a sign-in of its own: curl -sSi {origin}"
    )
}

fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, authority)| authority)
}

fn refusal_hints(refusal: &Refusal, meant: &Meant) -> Vec<String> {
    let edit = format!("{}: {}", meant.place, meant.edit);
    let hint = match refusal.meaning {
        // All that AWS says of a start URL or region that it does not know (aws/aws-cli issue 7129).
        Meaning::Oidc(OidcError::InvalidRequest) => {
            Some(format!("check sso_start_url and sso_region in {edit}"))
        }
        Meaning::Oidc(OidcError::InvalidScope) => Some(format!("check sso_registration_scopes in {edit}")),
        Meaning::Oidc(OidcError::InvalidClient | OidcError::InvalidGrant) => {
            Some(format!("sign in anew: {}", meant.login))
        }
        Meaning::Sts(StsError::SignatureDoesNotMatch | StsError::ExpiredToken) => {
            Some("compare the clock: date -u".to_owned())
        }
        // RFC 6585 section 6 has a status for it; most networks redirect.
        _ if refusal.status == 511 || refusal.name.is_none() && refusal.meaning == Meaning::Unknown => {
            Some(in_between(&refusal.origin))
        }
        Meaning::ServerFailed => Some(answers(&refusal.origin)),
        _ => None,
    };
    hint.into_iter().collect()
}

/// An option with its value as a POSIX shell takes it. A value that begins with a dash would be taken for another option.
pub(crate) fn option(name: &str, value: &str) -> String {
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{separator}{}", quoted(value))
}

/// A word as a POSIX shell takes it; one that would do something to a terminal is written as bash, zsh and ksh take it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.contains(wire::words::is_unprintable) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let escaped = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if wire::words::is_unprintable(c) => {
            c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect()
        }
        c => c.to_string(),
    };
    format!("$'{}'", word.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{option, quoted};

    #[test]
    fn a_value_that_begins_with_a_dash_stays_with_its_option() {
        assert_eq!(option("--profile", "dev"), "--profile dev");
        assert_eq!(option("--profile", "-my prod"), "--profile='-my prod'");
    }

    #[test]
    fn words_can_be_pasted() {
        assert_eq!(quoted("corp-1"), "corp-1");
        assert_eq!(quoted("my corp"), "'my corp'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(rm)"), "'$(rm)'");
        assert_eq!(quoted("a\u{1b}]0;x\u{7}"), "$'a\\x1b]0;x\\x07'");
        assert_eq!(quoted("'\\\n\u{202e}"), "$'\\'\\\\\\x0a\\xe2\\x80\\xae'");
    }
}
