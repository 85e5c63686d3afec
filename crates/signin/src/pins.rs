//! Pins: to which addresses the tokens of a session go. An address that somebody left in the environment or in a file must not
//! hand a company's refresh token to whoever listens there now.
//!
//! A pin is set by signing in, and, for a session that another tool signed in, by its first use. It lies in our own state; where
//! there is no place for that, nothing is pinned.

use center_client::address::Address;
use center_client::endpoint::{Endpoint, Source};
use center_client::start_url::{self, Center};

use crate::progress::{Progress, Watcher};
use crate::session::{FreshError, Session};

/// The pins of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pins {
    /// The start URL that they belong to.
    pub(crate) start_url: String,
    /// Where refresh tokens go.
    pub(crate) sso_oidc: String,
    /// Where access tokens go.
    pub(crate) sso: String,
}

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
    overridden_by: Option<String>,
    /// Whether it may lead to the center that gave the token. What a center says of another one's token means nothing.
    pub(crate) is_own: bool,
}

impl FirstUse {
    fn new(overridden_by: Option<String>) -> Self {
        Self { is_first: true, overridden_by, is_own: true }
    }
}

impl Pins {
    fn of(start_url: &str, center: &Center) -> Self {
        Self {
            start_url: start_url.to_owned(),
            sso_oidc: center.sso_oidc.address.to_string(),
            sso: center.sso.address.to_string(),
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
        })
    }

    /// A line for each address. None of them holds a line feed, or it would not be an address.
    pub(crate) fn to_text(&self) -> String {
        format!("start_url {}\nsso_oidc {}\nsso {}\n", self.start_url, self.sso_oidc, self.sso)
    }

    fn at(&self, face: Face) -> &str {
        match face {
            Face::SsoOidc => &self.sso_oidc,
            Face::Sso => &self.sso,
        }
    }
}

impl Session {
    /// Pins the addresses at which the session was signed in.
    pub(crate) fn pin(&self, center: &Center) {
        // Where they cannot be kept, the next use pins.
        let _ = self.store.keep_pins(&self.target, &Pins::of(&self.target.center.start_url, center));
    }

    /// Whether a token may go to that face of the center. Whoever gets its answer hands this to [`Session::pin_first_use`].
    ///
    /// # Errors
    /// When the session is pinned to another address, and nobody said that this is meant.
    pub(crate) fn check_pin(
        &self,
        center: &Center,
        face: Face,
        watcher: &mut dyn Watcher,
    ) -> Result<FirstUse, FreshError> {
        let endpoint = match face {
            Face::SsoOidc => &center.sso_oidc,
            Face::Sso => &center.sso,
        };
        let overridden_by = overridden_by(endpoint);
        self.tell_of_state(watcher);
        let pinned = match self.store.read_pins(&self.target) {
            // Signed in anew by another tool, somewhere else.
            Ok(Some(pins)) if !start_url::is_same(&pins.start_url, &self.target.center.start_url) => {
                return Ok(FirstUse::new(overridden_by));
            }
            Ok(Some(pins)) => pins.at(face).to_owned(),
            // A file that was damaged must not open the way for an address that is not the center's own.
            Err(_) if overridden_by.is_some() => "an address that cannot be read any more".to_owned(),
            Ok(None) | Err(_) => return Ok(FirstUse::new(overridden_by)),
        };
        let asked = endpoint.address.to_string();
        let pinned_use = |is_own| FirstUse { is_first: false, overridden_by: None, is_own };
        if pinned == asked {
            return Ok(pinned_use(true));
        }
        if self.allows_changed_endpoint {
            watcher.told(Progress::EndpointChanged { pinned, endpoint: asked });
            return Ok(pinned_use(false));
        }
        let (target, by) = (self.name(), endpoint.source.to_string());
        Err(FreshError::OtherEndpoint { target, pinned, endpoint: asked, by })
    }

    /// Pins the addresses of a session that another tool signed in, now that its center has taken its token there.
    pub(crate) fn pin_first_use(&self, first: FirstUse, center: &Center, watcher: &mut dyn Watcher) {
        if !first.is_first {
            return;
        }
        self.pin(center);
        if let Some(by) = first.overridden_by {
            let endpoint = center.sso.address.to_string();
            watcher.told(Progress::PinnedToOverride { endpoint, by });
        }
    }

    /// The portal to which the session is pinned.
    pub(crate) fn pinned_portal(&self) -> Option<Endpoint> {
        let pins = self.store.read_pins(&self.target).ok()??;
        let is_same = start_url::is_same(&pins.start_url, &self.target.center.start_url);
        let address = Address::parse(&pins.sso).filter(|_| is_same)?;
        Some(Endpoint { address, source: Source::Computed })
    }
}

/// Who put another address in the place of the center's own.
fn overridden_by(endpoint: &Endpoint) -> Option<String> {
    match &endpoint.source {
        Source::Variable(_) | Source::ServicesSection | Source::ProfileKey => {
            Some(endpoint.source.to_string())
        }
        Source::Computed | Source::Metadata { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Pins;

    #[test]
    fn pins_are_read_as_they_were_written() {
        let pins = Pins {
            start_url: "https://d-1234567890.awsapps.com/start#/".into(),
            sso_oidc: "https://oidc.us-east-1.amazonaws.com".into(),
            sso: "https://portal.sso.us-east-1.amazonaws.com".into(),
        };
        assert_eq!(Pins::parse(&pins.to_text()), Some(pins));
        for text in ["", "sso https://x\n", "{}", "start_url a\nsso_oidc b\n"] {
            assert_eq!(Pins::parse(text), None, "{text}");
        }
    }
}
