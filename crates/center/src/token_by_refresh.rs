//! CreateToken with a refresh token.
//!
//! 1. An unused token makes a new pair. The answer is kept, encrypted under the used token.
//! 2. A used token gets the same answer again for 60 seconds, whatever became of the new pair: many processes refresh
//!    one cache file at once and none of them locks it.
//! 3. Later it gets it only while neither token of the new pair has been presented anywhere: the answer was lost.
//! 4. Never after the end of the access token in that answer.
//! 5. Any other use of a used token is a copy in wrong hands, or cannot be told from one: the session ends.

use serde_json::json;
use wire::Secret;
use wire::oidc::{CreateTokenRequest, CreateTokenResponse, GRANT_REFRESH_TOKEN, OidcError};

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::seal;
use crate::things::handle::ClientHash;
use crate::things::registered;
use crate::things::session::{RefreshToken, Session, UsedRefreshToken};
use crate::tokens::{self, Issued, Pair};
use crate::verdict::{OidcRefusal, Verdict};

/// What a store knows of the refresh token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The token, if there is one.
    pub token: Option<RefreshToken>,
    /// Its session.
    pub session: Option<Session>,
    /// The use that made it; none for the first of a session.
    pub parent: Option<UsedRefreshToken>,
}

/// Gives new tokens, the same ones again, or none.
pub fn decide(call: &Call<'_>, request: &CreateTokenRequest, facts: &Facts) -> Verdict<Issued, OidcRefusal> {
    let mut entry = Entry::new(call, Event::CreateToken)
        .request(json!({ "clientId": request.client_id, "grantType": GRANT_REFRESH_TOKEN }));
    if let Some(session) = &facts.session {
        entry = entry.workflow(&session.workflow).person(call, &session.person);
    }
    let mut changes = presented(call, facts);
    match judge(call, request, facts) {
        Ok(Use::First { token, session, refresh_token }) => {
            let (reply, more) = rotate(call, token, session, refresh_token);
            changes.extend(more);
            Verdict::accept(Issued { reply, scopes: session.scopes }, changes, vec![entry])
        }
        Ok(Use::Again { reply, session }) => {
            let entry = entry.additional("Replayed", json!(true));
            Verdict::accept(Issued { reply, scopes: session.scopes }, changes, vec![entry])
        }
        Err(No { refusal, ends_session }) => {
            let mut entry = entry.refused(refusal.error.exception(), &refusal.description);
            if let Some(id) = ends_session {
                entry = entry.additional("SessionEnded", json!("used refresh token presented again"));
                changes.push(Change::EndSession { id, at: call.now });
            }
            Verdict::refuse(refusal, changes, vec![entry])
        }
    }
}

/// Refuses a request in which a refresh token stood that could not be read as a whole. The token was presented all the same
/// (rule 3).
pub fn refuse_unread(
    call: &Call<'_>,
    refusal: OidcRefusal,
    facts: &Facts,
) -> Verdict<CreateTokenResponse, OidcRefusal> {
    let mut entry =
        Entry::new(call, Event::CreateToken).refused(refusal.error.exception(), &refusal.description);
    if let Some(session) = &facts.session {
        entry = entry.workflow(&session.workflow).person(call, &session.person);
    }
    Verdict::refuse(refusal, presented(call, facts), vec![entry])
}

/// Whoever presents a token has received it, so the answer that brought it is not lost (rule 3).
fn presented(call: &Call<'_>, facts: &Facts) -> Vec<Change> {
    let Some(token) = facts.token.as_ref().filter(|token| !token.presented) else { return Vec::new() };
    let mut changes = vec![Change::NoteRefreshPresented { handle: token.handle.clone() }];
    changes.extend(tokens::presented(call, token.born_of.as_ref().zip(facts.parent.as_ref())));
    changes
}

enum Use<'a> {
    First { token: &'a RefreshToken, session: &'a Session, refresh_token: &'a Secret },
    Again { reply: CreateTokenResponse, session: &'a Session },
}

struct No {
    refusal: OidcRefusal,
    ends_session: Option<String>,
}

impl From<OidcRefusal> for No {
    fn from(refusal: OidcRefusal) -> Self {
        Self { refusal, ends_session: None }
    }
}

fn judge<'a>(call: &Call<'_>, request: &'a CreateTokenRequest, facts: &'a Facts) -> Result<Use<'a>, No> {
    let registration = registered::registration(call, &request.client_id, &request.client_secret)?;
    if !registration.grants.refresh_token {
        let what = "The client is not registered for the refresh_token grant";
        return Err(OidcRefusal::new(OidcError::UnauthorizedClient, what).into());
    }
    let Some(refresh_token) = &request.refresh_token else {
        return Err(OidcRefusal::new(OidcError::InvalidRequest, "refreshToken is missing").into());
    };
    let invalid = || OidcRefusal::new(OidcError::InvalidGrant, "Invalid refresh token provided");
    let (Some(token), Some(session)) = (&facts.token, &facts.session) else { return Err(invalid().into()) };
    if session.client != ClientHash::of(&request.client_id) || !session.is_good(call) {
        return Err(invalid().into());
    }
    match &token.used {
        None => Ok(Use::First { token, session, refresh_token }),
        Some(used) => match same_again(call, refresh_token, used) {
            Some(reply) => Ok(Use::Again { reply, session }),
            None => Err(No { refusal: invalid(), ends_session: Some(session.id.clone()) }),
        },
    }
}

fn rotate(
    call: &Call<'_>,
    token: &RefreshToken,
    session: &Session,
    refresh_token: &Secret,
) -> (CreateTokenResponse, Vec<Change>) {
    let pair = Pair::mint(call, session, Some(&token.handle));
    // A reply is texts and a number, which always become JSON.
    let kept = zeroize::Zeroizing::new(serde_json::to_vec(&pair.reply).unwrap_or_default());
    let used = UsedRefreshToken {
        at: call.now,
        replay_until: pair.access_expires_at,
        access_expires_at: pair.access_expires_at,
        kept_reply: Some(seal::seal_reply(call, refresh_token, &kept)),
    };
    let reply = pair.reply.clone();
    let mut changes = vec![Change::UseRefreshToken { handle: token.handle.clone(), used }];
    changes.extend(pair.into_changes());
    (reply, changes)
}

/// The kept answer, its `expiresIn` counted from now; nothing when it may not be given again.
fn same_again(call: &Call<'_>, token: &Secret, used: &UsedRefreshToken) -> Option<CreateTokenResponse> {
    if call.now >= used.replay_until {
        return None;
    }
    let opened = seal::open_reply(token, used.kept_reply.as_deref()?)?;
    let mut reply: CreateTokenResponse = serde_json::from_slice(&opened).ok()?;
    reply.expires_in = tokens::seconds_left(call.now, used.access_expires_at);
    Some(reply)
}
