//! Making tokens: the first ones of a session, and the next ones of a refresh.

use jiff::{SignedDuration, Timestamp};
use wire::oidc::CreateTokenResponse;

use crate::changes::Change;
use crate::instance::Call;
use crate::things::client::Scopes;
use crate::things::handle::{ClientHash, Handle, Kind, mint};
use crate::things::session::{AccessToken, RefreshToken, Session};

/// Tokens that are given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// What the client gets.
    pub reply: CreateTokenResponse,
    /// What the tokens are good for.
    pub scopes: Scopes,
}

/// What a session begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) person: String,
    pub(crate) client: ClientHash,
    pub(crate) scopes: Scopes,
    pub(crate) workflow: String,
}

/// A new session with its first tokens.
pub(crate) struct Opened {
    pub(crate) session: String,
    pub(crate) issued: Issued,
    /// What to store.
    pub(crate) changes: Vec<Change>,
}

/// Begins a session.
pub(crate) fn open_session(call: &Call<'_>, opening: Opening) -> Opened {
    let session = Session {
        id: call.uuid(),
        password_mark: call.instance.session_mark(&opening.person),
        person: opening.person,
        client: opening.client,
        scopes: opening.scopes,
        workflow: opening.workflow,
        began_at: call.now,
        ends_at: call.after(call.instance.lifetimes.session),
        ended_at: None,
    };
    let pair = Pair::mint(call, &session, None);
    let issued = Issued { reply: pair.reply.clone(), scopes: session.scopes };
    let mut changes = vec![Change::AddSession(session.clone())];
    changes.extend(pair.into_changes());
    Opened { session: session.id, issued, changes }
}

/// An access token, the refresh token that goes with it, and the reply that hands them over.
pub(crate) struct Pair {
    pub(crate) reply: CreateTokenResponse,
    pub(crate) access_expires_at: Timestamp,
    access: AccessToken,
    refresh: Option<RefreshToken>,
}

impl Pair {
    /// New tokens of a session. A registration without scopes gets one token for the whole session and nothing to
    /// refresh it with (AWS's old kind); no token outlives its session.
    pub(crate) fn mint(call: &Call<'_>, session: &Session, born_of: Option<&Handle>) -> Self {
        let (access_token, handle) = mint(call, Kind::AccessToken);
        let life = match session.scopes {
            Scopes::Legacy => call.instance.lifetimes.session,
            Scopes::Some(_) => call.instance.lifetimes.access_token,
        };
        let expires_at = call.after(life).min(session.ends_at);
        let access = AccessToken {
            handle,
            session: session.id.clone(),
            expires_at,
            presented: false,
            born_of: born_of.cloned(),
        };
        let (refresh_token, refresh) = match session.scopes {
            Scopes::Legacy => (None, None),
            Scopes::Some(_) => {
                let (token, handle) = mint(call, Kind::RefreshToken);
                let row = RefreshToken {
                    handle,
                    session: session.id.clone(),
                    presented: false,
                    born_of: born_of.cloned(),
                    used: None,
                };
                (Some(token), Some(row))
            }
        };
        let reply = CreateTokenResponse {
            access_token,
            token_type: Some("Bearer".to_owned()),
            expires_in: seconds_left(call.now, expires_at),
            refresh_token,
        };
        Self { reply, access_expires_at: expires_at, access, refresh }
    }

    /// What to store.
    pub(crate) fn into_changes(self) -> impl Iterator<Item = Change> {
        let refresh = self.refresh.map(Change::AddRefreshToken);
        std::iter::once(Change::AddAccessToken(self.access)).chain(refresh)
    }
}

/// Whole seconds until a moment; 0 when it has passed.
pub(crate) fn seconds_left(now: Timestamp, end: Timestamp) -> i64 {
    end.duration_since(now).max(SignedDuration::ZERO).as_secs()
}

/// What presenting a token means for the one whose use made it: its answer is given again until 60 s after that use, and
/// no longer.
pub(crate) fn presented(
    call: &Call<'_>,
    parent: Option<(&Handle, &crate::things::session::UsedRefreshToken)>,
) -> Vec<Change> {
    let Some((handle, used)) = parent else { return Vec::new() };
    let grace = used.at.checked_add(call.instance.lifetimes.replay).unwrap_or(Timestamp::MAX);
    let until = grace.max(call.now).min(used.replay_until);
    let mut changes = vec![Change::LimitReplay { handle: handle.clone(), until }];
    if until <= call.now && used.kept_reply.is_some() {
        changes.push(Change::WipeKeptReply { handle: handle.clone() });
    }
    changes
}
