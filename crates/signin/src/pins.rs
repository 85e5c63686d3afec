//! Pins: to which addresses the tokens of a session go. An address that somebody left in the environment or in a file must not
//! hand a company's refresh token to whoever listens there now.
//!
//! A pin is set by signing in, and, for a session that another tool signed in, by its first use. It lies in our own state and in a
//! file of ours beside the token, so that a container that has only `~/.aws` knows it. If neither can be written, a token goes to an
//! address that somebody set only if that is the start URL's own origin or this machine.

use center_client::address::Address;
use center_client::endpoint::{Endpoint, Flavour, Service, Source, computed};
use center_client::start_url::{self, Center, StartUrlError};

use crate::progress::{Progress, Watcher};
use crate::session::{FreshError, Session, Target};

/// The pins of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pins {
    /// The start URL that they belong to.
    pub(crate) start_url: String,
    /// Where refresh tokens go.
    pub(crate) sso_oidc: String,
    /// Where access tokens go.
    pub(crate) sso: String,
    /// The STS that belongs to the credentials of the center; `None` if that was not known when the session was pinned.
    pub(crate) sts: Option<PinnedSts>,
}

/// The STS of a pinned center. It is kept so that nobody needs to ask the center when cached credentials are handed to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PinnedSts {
    /// Amazon's, in any region.
    Amazon,
    /// The one that the center told itself.
    Told(String),
}

const AMAZON: &str = "amazon";

/// Which of a center's addresses is about to get a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    SsoOidc,
    Sso,
}

/// What a token's way to its center was like.
#[derive(Debug)]
pub(crate) struct FirstUse {
    is_first: bool,
    /// Whether it may lead to the center that gave the token. What a center says of another one's token means nothing.
    pub(crate) is_own: bool,
}

impl Pins {
    fn of(start_url: &str, center: &Center) -> Self {
        Self {
            start_url: start_url.to_owned(),
            sso_oidc: center.sso_oidc.address.to_string(),
            sso: center.sso.address.to_string(),
            sts: PinnedSts::from_center(center),
        }
    }

    /// Reads what [`Pins::to_text`] wrote; nothing where it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.split_once(' ').filter(|(known, _)| *known == name))
                .map(|(_, v)| v)
        };
        Some(Self {
            start_url: value("start_url")?.to_owned(),
            sso_oidc: value("sso_oidc")?.to_owned(),
            sso: value("sso")?.to_owned(),
            sts: value("sts").map(|value| match value {
                AMAZON => PinnedSts::Amazon,
                address => PinnedSts::Told(address.to_owned()),
            }),
        })
    }

    /// A line for each address. None of them holds a line feed, or it would not be an address.
    pub(crate) fn to_text(&self) -> String {
        let sts = match &self.sts {
            Some(PinnedSts::Amazon) => format!("sts {AMAZON}\n"),
            Some(PinnedSts::Told(address)) => format!("sts {address}\n"),
            None => String::new(),
        };
        format!("start_url {}\nsso_oidc {}\nsso {}\n{sts}", self.start_url, self.sso_oidc, self.sso)
    }

    /// Whether they belong to the start URL of a session; another one was signed in anew by another tool, somewhere else.
    pub(crate) fn is_for(&self, target: &Target) -> bool {
        start_url::is_same(&self.start_url, &target.center.start_url)
    }

    fn at(&self, face: Face) -> &str {
        match face {
            Face::SsoOidc => &self.sso_oidc,
            Face::Sso => &self.sso,
        }
    }
}

impl PinnedSts {
    /// `None` if a variable or a file names another STS than the center's own.
    fn from_center(center: &Center) -> Option<Self> {
        match center.configured_sts() {
            None => Some(Self::Amazon),
            Some(Endpoint { address, source: Source::Metadata { .. } }) => {
                Some(Self::Told(address.to_string()))
            }
            Some(_) => None,
        }
    }
}

impl Session {
    /// The address of the STS that knows the credentials of this session, if the center told it itself; `None` if Amazon's does, or
    /// the one that is configured. A center is asked only if it is not Amazon's and has not been used here before.
    ///
    /// # Errors
    /// If the start URL leads to no center.
    pub fn told_sts(&self) -> Result<Option<String>, StartUrlError> {
        let start_url = &self.target.center.start_url;
        if Address::parse(start_url).is_some_and(|address| start_url::is_aws_host(address.host())) {
            return Ok(None);
        }
        let pins = self.store.read_pins(&self.target).ok().flatten();
        let pinned = pins.filter(|pins| pins.is_for(&self.target)).and_then(|pins| pins.sts);
        let sts = match pinned {
            Some(sts) => Some(sts),
            None => PinnedSts::from_center(self.center()?),
        };
        Ok(match sts {
            Some(PinnedSts::Told(address)) => Some(address),
            Some(PinnedSts::Amazon) | None => None,
        })
    }

    /// Pins the addresses at which the session was signed in.
    pub(crate) fn pin(&self, center: &Center) {
        self.store.keep_pins(&self.target, &Pins::of(&self.target.center.start_url, center));
    }

    /// Whether a token may go to that face of the center; the warnings about it are told before anything is sent. The caller hands
    /// the result to [`Session::pin_first_use`] when an answer has come.
    ///
    /// # Errors
    /// If the session is pinned to another address, or to none and the address was set by somebody, and nobody said that this is
    /// meant.
    pub(crate) fn check_pin(
        &self,
        center: &Center,
        face: Face,
        watcher: &mut dyn Watcher,
    ) -> Result<FirstUse, FreshError> {
        let (service, endpoint) = match face {
            Face::SsoOidc => (Service::SsoOidc, &center.sso_oidc),
            Face::Sso => (Service::Sso, &center.sso),
        };
        self.tell_of_state(watcher);
        let pinned = match self.store.read_pins(&self.target) {
            Ok(Some(pins)) => Pinned::To(pins.at(face).to_owned()),
            Ok(None) => Pinned::Nowhere,
            Err(_) => Pinned::Unreadable,
        };
        let is_same = |pinned: &str| is_same_endpoint(pinned, endpoint, service, &center.region);
        let own = Address::parse(&self.target.center.start_url).map(|address| address.origin());
        let verdict = decide(&pinned, is_same, endpoint, own.as_deref());
        let (target, by) = (self.name(), endpoint.source.to_string());
        let asked = endpoint.address.to_string();
        match verdict {
            Verdict::Go => Ok(FirstUse { is_first: false, is_own: true }),
            Verdict::First => Ok(FirstUse { is_first: true, is_own: true }),
            Verdict::FirstAtOverride => {
                watcher.told(Progress::PinnedToOverride { endpoint: asked, by });
                // If both addresses lead to one center, it is that of the sign-in as far as anybody can tell. If only one of them
                // was set, a refusal there says nothing about the sign-in.
                let is_own = center.sso.address.origin() == center.sso_oidc.address.origin();
                Ok(FirstUse { is_first: true, is_own })
            }
            Verdict::Refuse { pinned } if self.allows_changed_endpoint => {
                watcher.told(Progress::EndpointChanged { pinned, endpoint: asked });
                Ok(FirstUse { is_first: false, is_own: false })
            }
            Verdict::Refuse { pinned: Some(pinned) } => {
                Err(FreshError::OtherEndpoint { target, pinned, endpoint: asked, by })
            }
            Verdict::Refuse { pinned: None } => Err(FreshError::NotPinned { target, endpoint: asked, by }),
        }
    }

    /// Pins the addresses of a session that another tool signed in, now that its center has taken its token at this `face`. If
    /// the address of the other face was set by somebody and lies elsewhere, nothing is pinned: no token was accepted there.
    pub(crate) fn pin_first_use(&self, first: FirstUse, face: Face, center: &Center) {
        let (used, other) = match face {
            Face::SsoOidc => (&center.sso_oidc, &center.sso),
            Face::Sso => (&center.sso, &center.sso_oidc),
        };
        let is_set =
            matches!(other.source, Source::Variable(_) | Source::ServicesSection | Source::ProfileKey);
        if first.is_first && (!is_set || other.address.origin() == used.address.origin()) {
            self.pin(center);
        }
    }

    /// The portal to which the session is pinned.
    pub(crate) fn pinned_portal(&self) -> Option<Endpoint> {
        let pins = self.store.read_pins(&self.target).ok()??;
        Some(Endpoint { address: Address::parse(&pins.sso)?, source: Source::Computed })
    }
}

/// The address at which a token was given.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pinned {
    To(String),
    /// Another tool signed in, or the pin could not be kept.
    Nowhere,
    Unreadable,
}

/// The decision about a token that is about to go to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It was given there.
    Go,
    /// It is not known where it was given; the address is the center's own.
    First,
    /// The same, and somebody set the address, which is on this machine: a warning comes before the request.
    FirstAtOverride,
    /// It stays here unless somebody says that this is meant.
    Refuse { pinned: Option<String> },
}

/// Decides whether a token may go to `endpoint`. `own` is the origin of the start URL.
fn decide(
    pinned: &Pinned,
    is_same: impl Fn(&str) -> bool,
    endpoint: &Endpoint,
    own: Option<&str>,
) -> Verdict {
    let is_override =
        matches!(endpoint.source, Source::Variable(_) | Source::ServicesSection | Source::ProfileKey);
    let is_own = own == Some(endpoint.address.origin().as_str());
    match pinned {
        Pinned::To(pinned) if is_same(pinned) => Verdict::Go,
        Pinned::To(pinned) => Verdict::Refuse { pinned: Some(pinned.clone()) },
        // A damaged file must not open the way for an address that is not the center's own.
        Pinned::Unreadable if is_override && !is_own => {
            Verdict::Refuse { pinned: Some("an address that cannot be read any more".to_owned()) }
        }
        Pinned::Nowhere | Pinned::Unreadable if !is_override || is_own => Verdict::First,
        Pinned::Nowhere | Pinned::Unreadable if endpoint.address.is_loopback() => Verdict::FirstAtOverride,
        Pinned::Nowhere | Pinned::Unreadable => Verdict::Refuse { pinned: None },
    }
}

/// Whether a pin means this endpoint. Amazon's endpoints of one service and region are the same one, be they FIPS or dual-stack.
fn is_same_endpoint(pinned: &str, endpoint: &Endpoint, service: Service, region: &str) -> bool {
    let flavours = [(false, false), (false, true), (true, false), (true, true)];
    pinned == endpoint.address.to_string()
        || endpoint.source == Source::Computed
            && flavours.into_iter().any(|(fips, dual_stack)| {
                computed(service, region, Flavour { fips, dual_stack })
                    .is_ok_and(|endpoint| endpoint.address.to_string() == pinned)
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str, source: Source) -> Endpoint {
        Endpoint { address: Address::parse(address).unwrap(), source }
    }

    #[test]
    fn a_token_goes_to_an_address_that_somebody_set_only_if_it_was_given_there_or_the_rule_allows_it() {
        let own = Some("https://sso.corp.example");
        let foreign = "https://elsewhere.example";
        let overrides =
            [Source::Variable("AWS_ENDPOINT_URL_SSO"), Source::ServicesSection, Source::ProfileKey];
        for source in overrides {
            let decided = |pinned: &Pinned, address: &str| {
                let endpoint = endpoint(address, source.clone());
                decide(pinned, |pinned| pinned == address, &endpoint, own)
            };
            for (address, expected) in [
                (foreign, Verdict::Refuse { pinned: None }),
                ("http://169.254.170.2", Verdict::Refuse { pinned: None }),
                ("https://sso.corp.example.evil.example", Verdict::Refuse { pinned: None }),
                ("http://sso.corp.example", Verdict::Refuse { pinned: None }),
                ("https://sso.corp.example:8443", Verdict::Refuse { pinned: None }),
                ("https://sso.corp.example/sso", Verdict::First),
                ("http://127.0.0.1:9", Verdict::FirstAtOverride),
                ("http://localhost:9", Verdict::FirstAtOverride),
                ("http://[::1]:9", Verdict::FirstAtOverride),
            ] {
                assert_eq!(decided(&Pinned::Nowhere, address), expected, "{address}");
                assert_eq!(decided(&Pinned::To(address.to_owned()), address), Verdict::Go, "{address}");
                let other = Pinned::To("https://other".to_owned());
                let refused = Verdict::Refuse { pinned: Some("https://other".to_owned()) };
                assert_eq!(decided(&other, address), refused, "{address}");
                let is_refused = matches!(decided(&Pinned::Unreadable, address), Verdict::Refuse { .. });
                assert_eq!(is_refused, expected != Verdict::First, "{address}");
            }
        }
        for source in [Source::Computed, Source::Metadata { issuer: foreign.to_owned() }] {
            let endpoint = endpoint(foreign, source);
            for pinned in [Pinned::Nowhere, Pinned::Unreadable] {
                assert_eq!(decide(&pinned, |_| false, &endpoint, own), Verdict::First);
            }
        }
    }

    #[test]
    fn amazons_endpoints_of_one_region_are_one_place() {
        let region = "us-west-2";
        let dual = endpoint("https://portal.sso.us-west-2.api.aws", Source::Computed);
        let is_same =
            |pinned: &str, endpoint: &Endpoint| is_same_endpoint(pinned, endpoint, Service::Sso, region);
        for pinned in [
            "https://portal.sso.us-west-2.amazonaws.com",
            "https://portal.sso-fips.us-west-2.amazonaws.com",
            "https://portal.sso.us-west-2.api.aws",
        ] {
            assert!(is_same(pinned, &dual), "{pinned}");
        }
        for pinned in [
            "https://portal.sso.eu-west-1.amazonaws.com",
            "https://oidc.us-west-2.api.aws",
            "http://127.0.0.1:1",
        ] {
            assert!(!is_same(pinned, &dual), "{pinned}");
        }
        let set = Source::Variable("AWS_ENDPOINT_URL");
        let set = endpoint("https://portal.sso.us-west-2.api.aws", set);
        assert!(!is_same("https://portal.sso.us-west-2.amazonaws.com", &set), "it was set by somebody");
    }

    #[test]
    fn pins_are_read_as_they_were_written() {
        let sts = [None, Some(PinnedSts::Amazon), Some(PinnedSts::Told("https://h/sts".into()))];
        for sts in sts {
            let pins = Pins {
                start_url: "https://d-1234567890.awsapps.com/start#/".into(),
                sso_oidc: "https://oidc.us-east-1.amazonaws.com".into(),
                sso: "https://portal.sso.us-east-1.amazonaws.com".into(),
                sts,
            };
            assert_eq!(Pins::parse(&pins.to_text()), Some(pins));
        }
        for text in ["", "sso https://x\n", "{}", "start_url a\nsso_oidc b\n"] {
            assert_eq!(Pins::parse(text), None, "{text}");
        }
    }
}
