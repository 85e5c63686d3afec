//! Exposure: the parts of a sign-in that other users of this machine can read in the arguments of the browser that was started
//! (`/proc/PID/cmdline`). Whoever has the authorize address or the user code can sign in as their own person and so complete a
//! sign-in that is not theirs (RFC 6819 section 4.4.1.8).

use wire::{Secret, pkce};

/// The part of a link or a code that the arguments of a started browser hold, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exposure {
    /// No browser was started: only the screen shows it.
    #[default]
    Hidden,
    /// The short link, which nobody has opened.
    ShortLink,
    /// The short link, which one browser has opened; that browser has the cookie.
    ShortLinkOpened,
    /// The short link, which was also opened without the cookie or by another user.
    ShortLinkReused,
    /// The authorize address, or the page with the user code.
    Address,
}

/// Why a token may be somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The short link was opened by a second browser or by another user of this machine.
    LinkReused,
    /// Other users of this machine could read the address of the page.
    AddressExposed,
}

/// A visit to the short link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkVisit {
    /// The first one: its browser gets the cookie and is led on.
    First,
    /// A later one without the cookie.
    WithoutCookie,
    /// One by another user of this machine.
    ByOtherUser,
}

impl Exposure {
    const NAMES: [(Self, &str); 5] = [
        (Self::Hidden, "hidden"),
        (Self::ShortLink, "short_link"),
        (Self::ShortLinkOpened, "short_link_opened"),
        (Self::ShortLinkReused, "short_link_reused"),
        (Self::Address, "address"),
    ];

    /// Its name in a record.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(exposure, _)| *exposure == self).map_or("", |(_, name)| name)
    }

    /// Reads a name; `None` if it is another text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(exposure, _)| *exposure)
    }

    /// Whether the arguments hold the short link, so that its visitors are told apart.
    pub fn is_guarded(self) -> bool {
        matches!(self, Self::ShortLink | Self::ShortLinkOpened | Self::ShortLinkReused)
    }

    /// The exposure after a browser was started again, on the short link or on the page itself.
    #[must_use]
    pub fn after_start(self, on_short_link: bool) -> Self {
        match (self, on_short_link) {
            (Self::Hidden, true) => Self::ShortLink,
            (_, true) => self,
            (_, false) => Self::Address,
        }
    }

    /// The exposure after a visit to the short link. What is in no arguments stays hidden.
    #[must_use]
    pub fn after(self, visit: LinkVisit) -> Self {
        match (self, visit) {
            (Self::Hidden | Self::Address, _) => self,
            (Self::ShortLink, LinkVisit::First) => Self::ShortLinkOpened,
            (_, LinkVisit::First) => self,
            (_, LinkVisit::WithoutCookie | LinkVisit::ByOtherUser) => Self::ShortLinkReused,
        }
    }

    /// The reason to ask whose a token is before it is kept; `None` if there is none.
    pub fn doubt(self) -> Option<Doubt> {
        match self {
            Self::Hidden | Self::ShortLink | Self::ShortLinkOpened => None,
            Self::ShortLinkReused => Some(Doubt::LinkReused),
            Self::Address => Some(Doubt::AddressExposed),
        }
    }
}

/// The value of the cookie that the first browser at the short link gets. It follows from the verifier, which never leaves this
/// user's processes before the exchange, so that a process that takes over the sign-in knows the browser again.
pub fn cookie(verifier: &Secret) -> Secret {
    pkce::challenge(&Secret::new(format!("cookie of the short link {}", verifier.expose()))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        for (exposure, name) in Exposure::NAMES {
            assert_eq!((Exposure::parse(name), exposure.name()), (Some(exposure), name));
        }
        assert_eq!(Exposure::parse("else"), None);
    }

    #[test]
    fn only_the_first_visit_leaves_no_doubt() {
        use LinkVisit::{ByOtherUser, First, WithoutCookie};
        let rows: [(Exposure, &[LinkVisit], Option<Doubt>); 9] = [
            (Exposure::Hidden, &[First, WithoutCookie, ByOtherUser], None),
            (Exposure::ShortLink, &[], None),
            (Exposure::ShortLink, &[First], None),
            (Exposure::ShortLink, &[First, First], None),
            (Exposure::ShortLink, &[First, WithoutCookie], Some(Doubt::LinkReused)),
            (Exposure::ShortLink, &[ByOtherUser], Some(Doubt::LinkReused)),
            (Exposure::ShortLink, &[ByOtherUser, First], Some(Doubt::LinkReused)),
            (Exposure::ShortLinkReused, &[First], Some(Doubt::LinkReused)),
            (Exposure::Address, &[First], Some(Doubt::AddressExposed)),
        ];
        for (before, visits, doubt) in rows {
            let after = visits.iter().fold(before, |exposure, visit| exposure.after(*visit));
            assert_eq!(after.doubt(), doubt, "{before:?} {visits:?}");
        }
    }

    #[test]
    fn the_cookie_is_neither_the_verifier_nor_its_challenge() {
        let verifier: Secret = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        let cookie = cookie(&verifier);
        assert_eq!(cookie.expose().len(), 43);
        assert_ne!(cookie, verifier);
        assert_ne!(cookie.expose(), pkce::challenge(&verifier));
    }
}
