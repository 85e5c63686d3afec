//! One center: its organisation, its address, its keys, its times; and one call on it.

use jiff::{SignedDuration, Timestamp};

use crate::organisation::{Organisation, Person};
use crate::password;
use crate::seal::Seals;

/// A center, as long as it runs. Nothing in it changes.
#[derive(Debug)]
pub struct Instance {
    /// People, accounts and who may do what.
    pub organisation: Organisation,
    /// The keys.
    pub seals: Seals,
    /// The address by which people and clients reach it, without a trailing slash; also the issuer.
    pub url: String,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// The person in whose name every sign-in is approved at once, where that is switched on.
    pub auto_approve: Option<String>,
}

impl Instance {
    /// The center's own start URL.
    pub fn start_url(&self) -> String {
        format!("{}/start", self.url)
    }

    /// Where a person types a user code.
    pub fn verification_uri(&self) -> String {
        format!("{}/device", self.url)
    }

    /// Whether a start URL names this center: its own address, its own start URL, or the AWS-shaped name of its
    /// organisation. Query, fragment and trailing slashes do not matter.
    pub fn is_named_by(&self, start_url: &str) -> bool {
        let bare = start_url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        bare == self.url || bare == self.start_url() || self.organisation.is_named_by(bare)
    }

    /// What sessions keep of a person's password; nothing where there is no such person, or no password.
    pub fn password_mark(&self, name: &str) -> Option<String> {
        Some(password::mark(self.person(name)?.password_hash.as_deref()?))
    }

    /// The same for the sessions of terminals. The built-in organisation has a new password at each start, which nobody
    /// changed, so there they go on.
    pub fn session_mark(&self, name: &str) -> Option<String> {
        self.password_mark(name).filter(|_| !self.organisation.built_in)
    }

    /// The person of that name, if there still is one.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.organisation.people.iter().find(|person| person.name == name)
    }
}

/// How long things live. The defaults are AWS's, where it says; a person may carry an authorization code by hand, so it has
/// five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Device codes and user codes.
    pub device_code: SignedDuration,
    /// Authorization codes; ten minutes count where this is longer.
    pub authorization_code: SignedDuration,
    /// Seconds between two polls.
    pub poll_interval: i64,
    /// Registrations.
    pub registration: SignedDuration,
    /// Access tokens.
    pub access_token: SignedDuration,
    /// Sessions, and the tokens of registrations without scopes.
    pub session: SignedDuration,
    /// How long a used refresh token gets the same answer whatever became of it.
    pub replay: SignedDuration,
    /// How long an expired code is still known as expired.
    pub expired_code_memory: SignedDuration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            device_code: SignedDuration::from_secs(600),
            authorization_code: SignedDuration::from_secs(300),
            poll_interval: 1,
            registration: SignedDuration::from_hours(90 * 24),
            access_token: SignedDuration::from_hours(1),
            session: SignedDuration::from_hours(8),
            replay: SignedDuration::from_secs(60),
            expired_code_memory: SignedDuration::from_hours(1),
        }
    }
}

/// From where a request came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The address of the other end.
    pub address: String,
    /// What it calls itself; not verified, made printable.
    pub user_agent: String,
    /// The id that the answer will carry.
    pub request_id: String,
}

/// A source of random bytes.
pub trait Dice {
    /// Fills `bytes` with random numbers that nobody can guess.
    fn roll(&self, bytes: &mut [u8]);
}

impl<F: Fn(&mut [u8])> Dice for F {
    fn roll(&self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// One call on a center: what every use case is told besides its request.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// On which center.
    pub instance: &'a Instance,
    /// From where.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// With which randomness.
    pub dice: &'a dyn Dice,
}

impl Call<'_> {
    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.dice.roll(&mut bytes);
        bytes
    }

    /// A random UUID (RFC 9562, version 4).
    pub fn uuid(&self) -> String {
        uuid(self.random())
    }

    /// `now` plus a life.
    pub fn after(&self, life: SignedDuration) -> Timestamp {
        self.now.checked_add(life).unwrap_or(Timestamp::MAX)
    }
}

/// Sixteen random bytes as a UUID (RFC 9562, version 4).
pub fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
