//! What all portal operations share: who stands behind a token, and pages of a listing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::portal::PortalError;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::session::{AccessToken, Session, UsedRefreshToken};
use crate::tokens;
use crate::verdict::PortalRefusal;

/// How many items a page holds when nobody says.
const USUAL_PAGE: usize = 20;
/// How many a page may hold.
const LARGEST_PAGE: usize = 100;

/// What is known of a call: its bearer token, as a store knows it, and whether its query could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The token, if there is one.
    pub access: Option<AccessToken>,
    /// Its session.
    pub session: Option<Session>,
    /// The use of a refresh token that made it; none for the first of a session.
    pub parent: Option<UsedRefreshToken>,
    /// Whether the query cannot be read, or repeats a member. A token that comes with it was presented all the same.
    pub query_is_faulty: bool,
}

/// Who asks, for a token that is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer<'a> {
    pub(crate) session: &'a Session,
}

/// The session behind a token.
pub(crate) fn bearer<'a>(call: &Call<'_>, facts: &'a Facts) -> Result<Bearer<'a>, PortalRefusal> {
    let unknown = || PortalRefusal::new(PortalError::Unauthorized, "Session token not found or invalid");
    let (Some(access), Some(session)) = (&facts.access, &facts.session) else { return Err(unknown()) };
    if call.now >= access.expires_at || !session.is_good(call) {
        return Err(unknown());
    }
    Ok(Bearer { session })
}

/// The session behind a token that is good for accounts and roles.
pub(crate) fn account_bearer<'a>(call: &Call<'_>, facts: &'a Facts) -> Result<Bearer<'a>, PortalRefusal> {
    let bearer = bearer(call, facts)?;
    if facts.query_is_faulty {
        return Err(PortalRefusal::new(
            PortalError::InvalidRequest,
            "The query cannot be read, or repeats a member",
        ));
    }
    if !bearer.session.scopes.open_the_portal() {
        return Err(PortalRefusal::new(PortalError::Forbidden, "No access"));
    }
    Ok(bearer)
}

/// What every presentation of a token changes, whether it helps or not.
pub(crate) fn presented(call: &Call<'_>, facts: &Facts) -> Vec<Change> {
    let Some(access) = facts.access.as_ref().filter(|access| !access.presented) else { return Vec::new() };
    let mut changes = vec![Change::NoteAccessPresented { handle: access.handle.clone() }];
    changes.extend(tokens::presented(call, access.born_of.as_ref().zip(facts.parent.as_ref())));
    changes
}

/// An entry that names the session behind the token, good or not.
pub(crate) fn entry(call: &Call<'_>, event: Event, facts: &Facts) -> Entry {
    let entry = Entry::new(call, event);
    match &facts.session {
        Some(session) => entry.workflow(&session.workflow).person(call, &session.person),
        None => entry,
    }
}

/// Twelve digits, or why not.
pub(crate) fn account_id(given: Option<&String>) -> Result<&str, PortalRefusal> {
    match given {
        Some(id) if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) => Ok(id),
        Some(_) => Err(PortalRefusal::new(PortalError::InvalidRequest, "account_id must be 12 digits")),
        None => Err(PortalRefusal::new(PortalError::InvalidRequest, "account_id is missing")),
    }
}

/// One page of a listing that is sorted by `key`: the items after the one that `next_token` names, and the token for the
/// page after it. Because a token names an item and not a place, a listing that changes between two pages neither repeats
/// nor skips what stayed.
pub(crate) fn page<'a, T: ?Sized>(
    items: &[&'a T],
    key: impl Fn(&T) -> &str,
    max_result: Option<&String>,
    next_token: Option<&String>,
) -> Result<(Vec<&'a T>, Option<String>), PortalRefusal> {
    let invalid = |what: &str| PortalRefusal::new(PortalError::InvalidRequest, what);
    let digits = |text: &&String| text.bytes().all(|byte| byte.is_ascii_digit());
    let size = match max_result.map(|text| if digits(&text) { text.parse::<usize>().ok() } else { None }) {
        None => USUAL_PAGE,
        Some(Some(size @ 1..=LARGEST_PAGE)) => size,
        Some(_) => return Err(invalid("max_result must be a number from 1 to 100")),
    };
    let after = match next_token {
        None => None,
        Some(token) => {
            let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Some(name.ok_or_else(|| invalid("next_token is not one of ours"))?)
        }
    };
    let mut rest = items.iter().filter(|item| after.as_deref().is_none_or(|after| key(item) > after));
    let page: Vec<&T> = rest.by_ref().take(size).copied().collect();
    let more = rest.next().is_some();
    let next = page.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
    Ok((page, next))
}
