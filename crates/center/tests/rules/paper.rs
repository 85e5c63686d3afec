//! A store on paper: keeps what verdicts say and refuses changes that expect another state, exactly as `Change` words it.

use std::cell::Cell;

use center::things::browser_session::BrowserSession;
use center::things::code_grant::CodeGrant;
use center::things::decider::Decider;
use center::things::device_grant::{DeviceGrant, State};
use center::things::handle::{Handle, Kind};
use center::things::session::{AccessToken, RefreshToken, Session, UsedRefreshToken};
use center::{Call, Caller, Change, Instance, OidcRefusal, Pace, Verdict};
use center::{client_register, device_decide, device_start, portal, token_by_device_code, token_by_refresh};
use jiff::{SignedDuration, Timestamp};
use wire::Secret;
use wire::admin::Decision;
use wire::oidc::{
    CreateTokenRequest, CreateTokenResponse, RegisterClientRequest, RegisterClientResponse,
    StartDeviceAuthorizationRequest, StartDeviceAuthorizationResponse,
};

/// A center on paper, with a clock that only moves when told.
pub(crate) struct Paper {
    pub(crate) instance: Instance,
    pub(crate) now: Timestamp,
    pub(crate) caller: Caller,
    dice: Cell<u64>,
    pub(crate) grants: Vec<DeviceGrant>,
    pub(crate) codes: Vec<CodeGrant>,
    pub(crate) browsers: Vec<BrowserSession>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) access: Vec<AccessToken>,
    pub(crate) refresh: Vec<RefreshToken>,
    pub(crate) records: Vec<serde_json::Value>,
}

impl Paper {
    pub(crate) fn new() -> Self {
        Self::with_key([7; 32], center::seed::built_in())
    }

    pub(crate) fn with_key(key: [u8; 32], organisation: center::organisation::Organisation) -> Self {
        let ring = center::seal::KeyRing::with_new_key(key);
        let seals = center::seal::Seals::derive(&ring, &organisation.hash());
        let instance = Instance {
            organisation,
            seals,
            url: "http://127.0.0.1:8765".to_owned(),
            lifetimes: center::instance::Lifetimes::default(),
            auto_approve: None,
        };
        Self {
            instance,
            now: "2026-11-23T10:00:00Z".parse().unwrap(),
            caller: Caller {
                address: "127.0.0.1".into(),
                user_agent: "test".into(),
                request_id: "id".into(),
            },
            dice: Cell::new(1),
            grants: Vec::new(),
            codes: Vec::new(),
            browsers: Vec::new(),
            sessions: Vec::new(),
            access: Vec::new(),
            refresh: Vec::new(),
            records: Vec::new(),
        }
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub(crate) fn call<T>(&self, decide: impl FnOnce(&Call<'_>) -> T) -> T {
        let dice = |bytes: &mut [u8]| {
            for byte in bytes {
                // A linear congruence is random enough to tell two codes apart.
                let state = self
                    .dice
                    .get()
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                self.dice.set(state);
                *byte = (state >> 33) as u8;
            }
        };
        decide(&Call { instance: &self.instance, caller: &self.caller, now: self.now, dice: &dice })
    }

    /// Stores a verdict and hands over its reply; `None` is a conflict, after which nothing has changed.
    pub(crate) fn commit<R, E>(&mut self, verdict: Verdict<R, E>) -> Option<Result<R, E>> {
        let grants = (self.grants.clone(), self.codes.clone());
        let before = (self.sessions.clone(), self.access.clone(), self.refresh.clone());
        let browsers = self.browsers.clone();
        for change in verdict.changes {
            if !self.apply(change) {
                (self.grants, self.codes) = grants;
                (self.sessions, self.access, self.refresh) = before;
                self.browsers = browsers;
                return None;
            }
        }
        self.records.extend(verdict.entries.into_iter().map(|entry| entry.record));
        Some(verdict.reply)
    }

    fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::AddDeviceGrant(grant) => {
                let taken =
                    self.grants.iter().any(|g| g.handle == grant.handle || g.user_code == grant.user_code);
                self.grants.push(grant);
                !taken
            }
            Change::ApproveDeviceGrant { handle, person } => {
                self.turn(&handle, |state| *state == State::Pending, State::Approved { person })
            }
            Change::DenyDeviceGrant { handle, person } => {
                self.turn(&handle, |state| *state == State::Pending, State::Denied { person })
            }
            Change::RedeemDeviceGrant { handle } => {
                self.turn(&handle, |state| matches!(state, State::Approved { .. }), State::Redeemed)
            }
            Change::AddCodeGrant(grant) => {
                let taken = self.codes.iter().any(|g| g.handle == grant.handle);
                self.codes.push(grant);
                !taken
            }
            Change::RedeemCodeGrant { handle, session } => {
                match self.codes.iter_mut().find(|g| g.handle == handle && g.session.is_none()) {
                    Some(grant) => {
                        grant.session = Some(session);
                        true
                    }
                    None => false,
                }
            }
            Change::AddBrowserSession(session) => {
                self.browsers.push(session);
                true
            }
            Change::NoteBrowserSeen { handle, at } => {
                let notes = self.browsers.iter_mut().filter(|session| session.handle == handle);
                notes.for_each(|session| session.seen_at = session.seen_at.max(at));
                true
            }
            Change::EndBrowserSession { handle } => {
                self.browsers.retain(|session| session.handle != handle);
                true
            }
            Change::ForgetBrowserSessions { before } => {
                self.browsers.retain(|session| session.ends_at >= before);
                true
            }
            Change::AddSession(session) => {
                self.sessions.push(session);
                true
            }
            Change::AddAccessToken(token) => {
                self.access.push(token);
                true
            }
            Change::AddRefreshToken(token) => {
                self.refresh.push(token);
                true
            }
            Change::NoteAccessPresented { handle } => {
                self.access.iter_mut().filter(|t| t.handle == handle).for_each(|t| t.presented = true);
                true
            }
            Change::NoteRefreshPresented { handle } => {
                self.refresh.iter_mut().filter(|t| t.handle == handle).for_each(|t| t.presented = true);
                true
            }
            Change::UseRefreshToken { handle, used } => {
                match self.refresh.iter_mut().find(|t| t.handle == handle && t.used.is_none()) {
                    Some(token) => {
                        token.used = Some(used);
                        token.presented = true;
                        true
                    }
                    None => false,
                }
            }
            Change::LimitReplay { handle, until } => {
                self.with_used(&handle, |used| used.replay_until = used.replay_until.min(until))
            }
            Change::WipeKeptReply { handle } => self.with_used(&handle, |used| used.kept_reply = None),
            Change::EndSession { id, at } => {
                for session in self.sessions.iter_mut().filter(|session| session.id == id) {
                    session.ended_at.get_or_insert(at);
                }
                for token in self.refresh.iter_mut().filter(|token| token.session == id) {
                    if let Some(used) = &mut token.used {
                        used.kept_reply = None;
                    }
                }
                true
            }
            Change::ForgetDeviceGrants { before } => {
                self.grants.retain(|grant| grant.expires_at >= before);
                true
            }
            Change::ForgetCodeGrants { before } => {
                self.codes.retain(|grant| grant.expires_at >= before);
                true
            }
            Change::ForgetSessions { before } => {
                self.sessions.retain(|session| session.ends_at >= before);
                true
            }
        }
    }

    fn turn(&mut self, handle: &Handle, expected: impl Fn(&State) -> bool, state: State) -> bool {
        match self.grants.iter_mut().find(|g| g.handle == *handle && expected(&g.state)) {
            Some(grant) => {
                grant.state = state;
                true
            }
            None => false,
        }
    }

    fn with_used(&mut self, handle: &Handle, change: impl Fn(&mut UsedRefreshToken)) -> bool {
        self.refresh
            .iter_mut()
            .filter(|t| t.handle == *handle)
            .filter_map(|t| t.used.as_mut())
            .for_each(change);
        true
    }

    pub(crate) fn register(&mut self, scopes: Option<&[&str]>) -> RegisterClientResponse {
        let request = RegisterClientRequest {
            client_name: "botocore-client-corp".into(),
            client_type: "public".into(),
            scopes: scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()),
            ..RegisterClientRequest::default()
        };
        let verdict =
            self.call(|call| client_register::decide(call, &request, client_register::Proof::Secret));
        self.commit(verdict).unwrap().unwrap()
    }

    pub(crate) fn start(&mut self, client: &RegisterClientResponse) -> StartDeviceAuthorizationResponse {
        let request = StartDeviceAuthorizationRequest {
            client_id: client.client_id.clone(),
            client_secret: client.client_secret.clone(),
            start_url: "https://d-1234567890.awsapps.com/start".into(),
        };
        let verdict = self.call(|call| device_start::decide(call, &request));
        self.commit(verdict).unwrap().unwrap()
    }

    pub(crate) fn say(&mut self, user_code: &str, decision: Decision) -> Result<String, String> {
        let request = device_decide::Request {
            user_code: user_code.to_owned(),
            person: "demo".to_owned(),
            decision,
            by: Decider::Administrator(1000),
        };
        let code = center::things::user_code::kept_of_typed(&self.instance.seals, user_code);
        let grant = self.grants.iter().find(|grant| Some(&grant.user_code) == code.as_ref()).cloned();
        let verdict = self.call(|call| device_decide::decide(call, &request, grant.as_ref()));
        self.commit(verdict).unwrap().map(|done| done.message).map_err(|refusal| refusal.code)
    }

    pub(crate) fn grant_of(&self, device_code: &Secret) -> Option<DeviceGrant> {
        let handle = Handle::of(&self.instance.seals, Kind::DeviceCode, device_code)?;
        self.grants.iter().find(|grant| grant.handle == handle).cloned()
    }

    pub(crate) fn poll(
        &mut self,
        client: &RegisterClientResponse,
        device_code: &Secret,
    ) -> Result<CreateTokenResponse, OidcRefusal> {
        let request = CreateTokenRequest::device_code(&client.client_id, &client.client_secret, device_code);
        let facts = token_by_device_code::Facts { grant: self.grant_of(device_code), pace: Pace::Ok };
        let verdict = self.call(|call| token_by_device_code::decide(call, &request, &facts));
        self.commit(verdict).unwrap().map(|issued| issued.reply)
    }

    /// Registers, starts, approves and polls.
    pub(crate) fn sign_in(
        &mut self,
        scopes: Option<&[&str]>,
    ) -> (RegisterClientResponse, CreateTokenResponse) {
        let client = self.register(scopes);
        let started = self.start(&client);
        self.say(&started.user_code, Decision::Approve).unwrap();
        let tokens = self.poll(&client, &started.device_code).unwrap();
        (client, tokens)
    }

    pub(crate) fn refresh_facts(&self, token: &Secret) -> token_by_refresh::Facts {
        let Some(handle) = Handle::of(&self.instance.seals, Kind::RefreshToken, token) else {
            return token_by_refresh::Facts::default();
        };
        let token = self.refresh.iter().find(|token| token.handle == handle).cloned();
        let session =
            token.as_ref().and_then(|token| self.sessions.iter().find(|s| s.id == token.session)).cloned();
        let parent = token.as_ref().and_then(|token| self.used(token.born_of.as_ref()?));
        token_by_refresh::Facts { token, session, parent }
    }

    fn used(&self, handle: &Handle) -> Option<UsedRefreshToken> {
        self.refresh.iter().find(|token| token.handle == *handle)?.used.clone()
    }

    pub(crate) fn refresh(
        &mut self,
        client: &RegisterClientResponse,
        token: &Secret,
    ) -> Result<CreateTokenResponse, OidcRefusal> {
        let request = CreateTokenRequest::refresh_token(&client.client_id, &client.client_secret, token);
        let facts = self.refresh_facts(token);
        let verdict = self.call(|call| token_by_refresh::decide(call, &request, &facts));
        self.commit(verdict).unwrap().map(|issued| issued.reply)
    }

    pub(crate) fn portal_facts(&self, token: &Secret) -> portal::Facts {
        let Some(handle) = Handle::of(&self.instance.seals, Kind::AccessToken, token) else {
            return portal::Facts::default();
        };
        let access = self.access.iter().find(|token| token.handle == handle).cloned();
        let session =
            access.as_ref().and_then(|token| self.sessions.iter().find(|s| s.id == token.session)).cloned();
        let parent = access.as_ref().and_then(|token| self.used(token.born_of.as_ref()?));
        portal::Facts { access, session, parent, query_is_faulty: false }
    }

    /// Presents an access token to the portal; says whether it opened.
    pub(crate) fn open_portal(&mut self, token: &Secret) -> bool {
        let facts = self.portal_facts(token);
        let request = center::accounts_list::Request::default();
        let verdict = self.call(|call| center::accounts_list::decide(call, &request, &facts));
        self.commit(verdict).unwrap().is_ok()
    }

    /// How many answers are still kept.
    pub(crate) fn kept_replies(&self) -> usize {
        self.refresh.iter().filter(|t| t.used.as_ref().is_some_and(|used| used.kept_reply.is_some())).count()
    }

    /// Runs the housekeeping of this moment.
    pub(crate) fn sweep(&mut self) {
        let now = self.now;
        let replies_over = self
            .refresh
            .iter()
            .filter(|t| {
                t.used.as_ref().is_some_and(|used| used.kept_reply.is_some() && used.replay_until <= now)
            })
            .map(|t| t.handle.clone())
            .collect();
        for change in center::housekeeping::wipe(&center::housekeeping::Facts { replies_over }) {
            assert!(self.apply(change));
        }
    }
}
