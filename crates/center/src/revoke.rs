//! Revocation of a token (RFC 7009), by the client that has it.
//!
//! Either kind of token ends its session, and so every token of it. For a refresh token the RFC wants that (section 2.1).
//! For an access token it is allowed, and the honest thing here: whoever revokes one is done, or fears a thief, and the
//! thief of a token file has both.

use serde_json::json;
use wire::Secret;
use wire::oidc::OidcError;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::handle::ClientHash;
use crate::things::registered;
use crate::things::session::Session;
use crate::verdict::{OidcRefusal, Verdict};
use crate::{portal, token_by_refresh};

/// What a client asks. `token_type_hint` is not looked at: our tokens say themselves of which kind they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Whether a token was named at all. What is known of it is in the facts.
    pub has_token: bool,
}

/// What a store knows of the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Facts {
    /// It can be no token of this center.
    #[default]
    NoToken,
    /// It has the shape of an access token.
    Access(portal::Facts),
    /// It has the shape of a refresh token.
    Refresh(token_by_refresh::Facts),
}

impl Facts {
    fn session(&self) -> Option<&Session> {
        match self {
            Self::NoToken => None,
            Self::Access(facts) => facts.session.as_ref(),
            Self::Refresh(facts) => facts.session.as_ref(),
        }
    }

    fn presented(&self, call: &Call<'_>) -> Vec<Change> {
        match self {
            Self::NoToken => Vec::new(),
            Self::Access(facts) => portal::presented(call, facts),
            Self::Refresh(facts) => token_by_refresh::presented(call, facts),
        }
    }

    /// The session that a token of this client still stands for. An access token that is over stands for nothing, as at the
    /// portal; a used refresh token stands for its session as long as that lasts.
    fn open_session(&self, call: &Call<'_>, client_id: &str) -> Option<&Session> {
        if let Self::Access(portal::Facts { access: Some(access), .. }) = self
            && access.expires_at <= call.now
        {
            return None;
        }
        self.session().filter(|session| session.client == ClientHash::of(client_id) && session.is_good(call))
    }
}

/// Ends the session behind the token. A token that is unknown, over, or another client's is answered in the same way and
/// changes nothing, so that nobody learns which tokens there are (RFC 7009 section 2.2).
pub fn decide(call: &Call<'_>, request: &Request, facts: &Facts) -> Verdict<(), OidcRefusal> {
    let entry = entry(call, facts).request(json!({ "clientId": request.client_id }));
    let mut changes = facts.presented(call);
    if let Err(refusal) = check(call, request) {
        let entry = entry.refused(refusal.error.exception(), &refusal.description);
        return Verdict::refuse(refusal, changes, vec![entry]);
    }
    let session = facts.open_session(call, &request.client_id);
    let entry = entry.additional("SessionEnded", json!(session.is_some()));
    changes.extend(session.map(|session| Change::EndSession { id: session.id.clone(), at: call.now }));
    Verdict::accept((), changes, vec![entry])
}

/// Refuses a request that could not be read as a whole. A token that stood in it was presented all the same.
pub fn refuse_unread(call: &Call<'_>, refusal: OidcRefusal, facts: &Facts) -> Verdict<(), OidcRefusal> {
    let entry = entry(call, facts).refused(refusal.error.exception(), &refusal.description);
    Verdict::refuse(refusal, facts.presented(call), vec![entry])
}

fn check(call: &Call<'_>, request: &Request) -> Result<(), OidcRefusal> {
    registered::registration(call, &request.client_id, &request.client_secret)?;
    if !request.has_token {
        return Err(OidcRefusal::new(OidcError::InvalidRequest, "The form must name a token"));
    }
    Ok(())
}

fn entry(call: &Call<'_>, facts: &Facts) -> Entry {
    let entry = Entry::new(call, Event::RevokeToken);
    match facts.session() {
        Some(session) => entry.workflow(&session.workflow).person(call, &session.person),
        None => entry,
    }
}
