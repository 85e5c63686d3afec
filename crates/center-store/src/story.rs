//! The story that every store must pass: the life of a grant, of a session and of its tokens, as the rules commit them,
//! and everything that must not happen on the way.

use center::audit::Entry;
use center::changes::Change;
use center::things::browser_session::BrowserSession;
use center::things::client::Scopes;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::{DeviceGrant, State};
use center::things::handle::{ClientHash, Handle};
use center::things::session::{AccessToken, RefreshToken, Session, UsedRefreshToken};
use jiff::Timestamp;
use serde_json::json;

use crate::store::{CommitError, Store};

/// Seconds after the beginning of the story.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// The handle of a token that was made at that time.
pub(crate) fn handle(seconds: i64, number: u32) -> Handle {
    let millis = u64::try_from(at(seconds).as_millisecond()).unwrap().to_be_bytes();
    Handle::from_bytes([&millis[2..], &[7; 28], &number.to_be_bytes()].concat())
}

pub(crate) fn grant(seconds: i64, number: u32, user_code: &str) -> DeviceGrant {
    DeviceGrant {
        handle: handle(seconds, number),
        user_code: user_code.to_owned(),
        client: ClientHash::of("client"),
        client_name: "A name; DROP TABLE \u{1f511}".to_owned(),
        scopes: Scopes::Some(1),
        workflow: "workflow".to_owned(),
        started_from: "127.0.0.1".to_owned(),
        user_agent: "aws-cli/2".to_owned(),
        expires_at: at(seconds + 600),
        state: State::Pending,
    }
}

pub(crate) fn code_grant(seconds: i64, number: u32) -> CodeGrant {
    CodeGrant {
        handle: handle(seconds, number),
        client: ClientHash::of("client"),
        redirect_uri: "http://127.0.0.1:38381/oauth/callback".to_owned(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
        scopes: Scopes::Some(1),
        workflow: "workflow".to_owned(),
        person: "demo".to_owned(),
        approved_from: Some("192.0.2.1".to_owned()),
        expires_at: at(seconds + 300),
        session: None,
    }
}

pub(crate) fn session(id: &str) -> Session {
    Session {
        id: id.to_owned(),
        person: "demo".to_owned(),
        client: ClientHash::of("client"),
        scopes: Scopes::Legacy,
        workflow: "workflow".to_owned(),
        began_at: at(0),
        ends_at: at(8 * 3600),
        ended_at: None,
        password_mark: Some("mark".to_owned()),
    }
}

fn access(session: &str, number: u32, born_of: Option<Handle>) -> AccessToken {
    AccessToken {
        handle: handle(0, number),
        session: session.to_owned(),
        expires_at: at(3600),
        presented: false,
        born_of,
    }
}

fn refresh(session: &str, number: u32, born_of: Option<Handle>) -> RefreshToken {
    RefreshToken {
        handle: handle(0, number),
        session: session.to_owned(),
        presented: false,
        born_of,
        used: None,
    }
}

fn used() -> UsedRefreshToken {
    UsedRefreshToken {
        at: at(100),
        replay_until: at(3600),
        access_expires_at: at(3600),
        kept_reply: Some(b"sealed".to_vec()),
    }
}

pub(crate) fn entry(number: i64) -> Entry {
    Entry {
        at: at(number),
        workflow: Some("workflow".to_owned()),
        record: json!({ "z": number, "a": "ä\"" }),
    }
}

async fn made<S: Store>(store: &S, changes: Vec<Change>) {
    store.commit(changes, Vec::new()).await.unwrap();
}

async fn conflicts<S: Store>(store: &S, changes: Vec<Change>) {
    assert_eq!(store.commit(changes, Vec::new()).await, Err(CommitError::Conflict));
}

/// Tells the whole story to an empty store.
pub(crate) async fn story<S: Store>(store: &S) {
    grants(store).await;
    user_codes_are_unique(store).await;
    code_grants(store).await;
    browser_sessions(store).await;
    a_verdict_is_all_or_nothing(store).await;
    tokens_of_a_session(store).await;
    refresh_tokens_are_used_once(store).await;
    kept_replies(store).await;
    the_end_of_a_session(store).await;
    the_audit_log(store).await;
    what_is_over_is_forgotten(store).await;
}

async fn grants<S: Store>(store: &S) {
    let first = grant(0, 1, "BBBB-BBBB");
    assert_eq!(store.gather_token_by_device_code(&first.handle).await.unwrap(), None);
    assert_eq!(store.gather_device_decide("BBBB-BBBB").await.unwrap(), None);
    made(store, vec![Change::AddDeviceGrant(first.clone())]).await;
    assert_eq!(store.gather_token_by_device_code(&first.handle).await.unwrap(), Some(first.clone()));
    assert_eq!(store.gather_device_decide("BBBB-BBBB").await.unwrap(), Some(first.clone()));

    let handle = first.handle.clone();
    let redeem = Change::RedeemDeviceGrant { handle: handle.clone() };
    let approve = Change::ApproveDeviceGrant { handle: handle.clone(), person: "demo".to_owned() };
    let deny = Change::DenyDeviceGrant { handle: handle.clone(), person: "demo".to_owned() };
    conflicts(store, vec![redeem.clone()]).await;
    made(store, vec![approve.clone()]).await;
    let approved = DeviceGrant { state: State::Approved { person: "demo".to_owned() }, ..first.clone() };
    assert_eq!(store.gather_token_by_device_code(&handle).await.unwrap(), Some(approved));
    conflicts(store, vec![approve.clone()]).await;
    conflicts(store, vec![deny.clone()]).await;
    made(store, vec![redeem.clone()]).await;
    let redeemed = DeviceGrant { state: State::Redeemed, ..first.clone() };
    assert_eq!(store.gather_token_by_device_code(&handle).await.unwrap(), Some(redeemed));
    for change in [redeem, approve, deny] {
        conflicts(store, vec![change]).await;
    }

    let second = grant(1, 2, "CCCC-CCCC");
    made(store, vec![Change::AddDeviceGrant(second.clone())]).await;
    let handle = second.handle.clone();
    made(store, vec![Change::DenyDeviceGrant { handle: handle.clone(), person: "eve".to_owned() }]).await;
    let denied = DeviceGrant { state: State::Denied { person: "eve".to_owned() }, ..second };
    assert_eq!(store.gather_device_decide("CCCC-CCCC").await.unwrap(), Some(denied));
    conflicts(store, vec![Change::RedeemDeviceGrant { handle }]).await;

    let person = "demo".to_owned();
    let at_once = DeviceGrant { state: State::Approved { person }, ..grant(2, 3, "DDDD-DDDD") };
    made(store, vec![Change::AddDeviceGrant(at_once.clone())]).await;
    assert_eq!(store.gather_device_decide("DDDD-DDDD").await.unwrap(), Some(at_once));
}

async fn user_codes_are_unique<S: Store>(store: &S) {
    conflicts(store, vec![Change::AddDeviceGrant(grant(3, 4, "BBBB-BBBB"))]).await;
    conflicts(store, vec![Change::AddDeviceGrant(grant(0, 1, "FFFF-FFFF"))]).await;
    assert_eq!(store.gather_device_decide("FFFF-FFFF").await.unwrap(), None);
}

async fn code_grants<S: Store>(store: &S) {
    let grant = code_grant(0, 1);
    let gather = async || store.gather_token_by_code(&grant.handle).await.unwrap();
    assert_eq!(gather().await, None, "a device code with the same handle is none");
    made(store, vec![Change::AddCodeGrant(grant.clone())]).await;
    assert_eq!(gather().await, Some(grant.clone()));
    conflicts(store, vec![Change::AddCodeGrant(grant.clone())]).await;

    let redeem =
        |session: &str| Change::RedeemCodeGrant { handle: grant.handle.clone(), session: session.to_owned() };
    made(store, vec![redeem("first")]).await;
    let redeemed = Some(CodeGrant { session: Some("first".to_owned()), ..grant.clone() });
    assert_eq!(gather().await, redeemed);
    for session in ["first", "second"] {
        conflicts(store, vec![redeem(session)]).await;
    }
    assert_eq!(gather().await, redeemed, "what it gave stays known");
    let unknown = Change::RedeemCodeGrant { handle: handle(0, 999), session: "first".to_owned() };
    conflicts(store, vec![unknown]).await;
}

async fn browser_sessions<S: Store>(store: &S) {
    let session = |number| BrowserSession {
        handle: handle(0, number),
        person: "demo".to_owned(),
        password_mark: "mark".to_owned(),
        began_at: at(0),
        seen_at: at(0),
        ends_at: at(8 * 3600),
    };
    let (first, second) = (session(50), session(51));
    let gather =
        async |session: &BrowserSession| store.gather_browser_session(&session.handle).await.unwrap();
    assert_eq!(gather(&first).await, None);
    made(store, vec![Change::AddBrowserSession(first.clone()), Change::AddBrowserSession(second.clone())])
        .await;
    assert_eq!(gather(&first).await, Some(first.clone()));
    conflicts(store, vec![Change::AddBrowserSession(first.clone())]).await;

    let seen = |seconds| Change::NoteBrowserSeen { handle: first.handle.clone(), at: at(seconds) };
    made(store, vec![seen(60)]).await;
    made(store, vec![seen(30)]).await;
    assert_eq!(gather(&first).await.unwrap().seen_at, at(60), "a late note takes nothing back");
    assert_eq!(gather(&second).await, Some(second.clone()));

    let end = Change::EndBrowserSession { handle: first.handle.clone() };
    made(store, vec![end.clone()]).await;
    made(store, vec![end, seen(90)]).await;
    assert_eq!(gather(&first).await, None);
    made(store, vec![Change::ForgetBrowserSessions { before: at(8 * 3600) }]).await;
    assert_eq!(gather(&second).await, Some(second.clone()));
    made(store, vec![Change::ForgetBrowserSessions { before: at(8 * 3600 + 1) }]).await;
    assert_eq!(gather(&second).await, None);
}

async fn a_verdict_is_all_or_nothing<S: Store>(store: &S) {
    let (good, bad) = (grant(4, 5, "GGGG-GGGG"), grant(4, 6, "BBBB-BBBB"));
    let before = store.audit_after(0, 1000).await.unwrap();
    let changes = vec![Change::AddDeviceGrant(good.clone()), Change::AddDeviceGrant(bad)];
    assert_eq!(store.commit(changes, vec![entry(0)]).await, Err(CommitError::Conflict));
    assert_eq!(store.gather_token_by_device_code(&good.handle).await.unwrap(), None);
    assert_eq!(store.audit_after(0, 1000).await.unwrap(), before);
}

async fn tokens_of_a_session<S: Store>(store: &S) {
    let unknown = handle(0, 999);
    assert_eq!(store.gather_portal(&unknown).await.unwrap(), center::portal::Facts::default());
    assert_eq!(
        store.gather_token_by_refresh(&unknown).await.unwrap(),
        center::token_by_refresh::Facts::default()
    );

    let (session, access, refresh) = (session("one"), access("one", 10, None), refresh("one", 11, None));
    let opening = vec![
        Change::AddSession(session.clone()),
        Change::AddAccessToken(access.clone()),
        Change::AddRefreshToken(refresh.clone()),
    ];
    made(store, opening.clone()).await;
    for change in opening {
        conflicts(store, vec![change]).await;
    }
    let facts = store.gather_portal(&access.handle).await.unwrap();
    assert_eq!(facts.access, Some(access.clone()));
    assert_eq!(facts.session, Some(session.clone()));
    assert_eq!(facts.parent, None);
    let facts = store.gather_token_by_refresh(&refresh.handle).await.unwrap();
    assert_eq!(facts.token, Some(refresh.clone()));
    assert_eq!(facts.session, Some(session));
    assert_eq!(facts.parent, None);

    // One kind of token is not found as the other.
    assert_eq!(store.gather_portal(&refresh.handle).await.unwrap().access, None);
    assert_eq!(store.gather_token_by_refresh(&access.handle).await.unwrap().token, None);

    let note = |handle: &Handle| {
        vec![
            Change::NoteAccessPresented { handle: handle.clone() },
            Change::NoteRefreshPresented { handle: handle.clone() },
        ]
    };
    made(store, note(&unknown)).await;
    made(store, note(&access.handle)).await;
    made(store, note(&access.handle)).await;
    made(store, note(&refresh.handle)).await;
    assert!(store.gather_portal(&access.handle).await.unwrap().access.unwrap().presented);
    assert!(store.gather_token_by_refresh(&refresh.handle).await.unwrap().token.unwrap().presented);
}

async fn refresh_tokens_are_used_once<S: Store>(store: &S) {
    let parent = handle(0, 11);
    let use_it = Change::UseRefreshToken { handle: parent.clone(), used: used() };
    let next = vec![
        use_it.clone(),
        Change::AddAccessToken(access("one", 12, Some(parent.clone()))),
        Change::AddRefreshToken(refresh("one", 13, Some(parent.clone()))),
    ];
    made(store, next).await;
    conflicts(store, vec![use_it]).await;
    conflicts(store, vec![Change::UseRefreshToken { handle: handle(0, 999), used: used() }]).await;
    let token = store.gather_token_by_refresh(&parent).await.unwrap().token.unwrap();
    assert_eq!(token.used, Some(used()));
    assert!(token.presented);
    let facts = store.gather_portal(&handle(0, 12)).await.unwrap();
    assert_eq!(facts.parent, Some(used()));
    let facts = store.gather_token_by_refresh(&handle(0, 13)).await.unwrap();
    assert_eq!(facts.parent, Some(used()));
    assert_eq!(facts.token.unwrap().used, None);
}

async fn kept_replies<S: Store>(store: &S) {
    let token = handle(0, 11);
    let limit = |until| vec![Change::LimitReplay { handle: token.clone(), until }];
    let use_of = async || store.gather_token_by_refresh(&token).await.unwrap().token.unwrap().used.unwrap();
    made(store, limit(at(160))).await;
    assert_eq!(use_of().await.replay_until, at(160));
    made(store, limit(at(500))).await;
    assert_eq!(use_of().await.replay_until, at(160), "an end that came earlier stays");
    let unused = handle(0, 13);
    made(store, vec![Change::LimitReplay { handle: unused.clone(), until: at(1) }]).await;
    assert_eq!(store.gather_token_by_refresh(&unused).await.unwrap().token.unwrap().used, None);

    assert_eq!(store.gather_housekeeping(at(159)).await.unwrap().replies_over, []);
    assert_eq!(store.gather_housekeeping(at(160)).await.unwrap().replies_over, vec![token.clone()]);
    made(store, vec![Change::WipeKeptReply { handle: token.clone() }]).await;
    assert_eq!(use_of().await.kept_reply, None);
    assert_eq!(use_of().await.access_expires_at, at(3600));
    assert_eq!(store.gather_housekeeping(at(9999)).await.unwrap().replies_over, []);
    made(store, vec![Change::WipeKeptReply { handle: token.clone() }]).await;
}

async fn the_end_of_a_session<S: Store>(store: &S) {
    let (first, second) = (handle(0, 21), handle(0, 22));
    made(
        store,
        vec![
            Change::AddSession(session("two")),
            Change::AddRefreshToken(refresh("two", 21, None)),
            Change::UseRefreshToken { handle: first.clone(), used: used() },
            Change::AddRefreshToken(refresh("two", 22, Some(first.clone()))),
            Change::AddSession(session("three")),
            Change::AddRefreshToken(refresh("three", 23, None)),
            Change::UseRefreshToken { handle: handle(0, 23), used: used() },
        ],
    )
    .await;
    made(store, vec![Change::EndSession { id: "two".to_owned(), at: at(200) }]).await;
    let facts = store.gather_token_by_refresh(&first).await.unwrap();
    assert_eq!(facts.session.unwrap().ended_at, Some(at(200)));
    assert_eq!(facts.token.unwrap().used.unwrap().kept_reply, None);
    made(store, vec![Change::EndSession { id: "two".to_owned(), at: at(300) }]).await;
    let facts = store.gather_token_by_refresh(&first).await.unwrap();
    assert_eq!(facts.session.unwrap().ended_at, Some(at(200)), "it ended when it ended");
    made(store, vec![Change::EndSession { id: "nobody's".to_owned(), at: at(300) }]).await;

    // Somebody who was still refreshing leaves no answer behind.
    made(store, vec![Change::UseRefreshToken { handle: second.clone(), used: used() }]).await;
    let token = store.gather_token_by_refresh(&second).await.unwrap().token.unwrap();
    assert_eq!(token.used.unwrap().kept_reply, None);

    // The neighbours keep theirs.
    let token = store.gather_token_by_refresh(&handle(0, 23)).await.unwrap().token.unwrap();
    assert_eq!(token.used, Some(used()));
}

async fn the_audit_log<S: Store>(store: &S) {
    assert_eq!(store.audit_after(0, 1000).await.unwrap(), []);
    let first = store.commit(Vec::new(), vec![entry(1), entry(2)]).await.unwrap();
    let second = store.commit(Vec::new(), vec![entry(3)]).await.unwrap();
    assert!(first.last_audit_position < second.last_audit_position);
    let silent = store.commit(vec![Change::NoteAccessPresented { handle: handle(0, 1) }], Vec::new()).await;
    assert_eq!(silent.unwrap(), second);
    let log = store.audit_after(0, 1000).await.unwrap();
    assert_eq!(
        log.iter().map(|logged| logged.record.to_string()).collect::<Vec<_>>(),
        [1, 2, 3].map(|number| entry(number).record.to_string()),
        "the members keep their order"
    );
    assert!(log.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(log[2].position, second.last_audit_position);
    assert_eq!(store.audit_after(log[0].position, 1).await.unwrap(), log[1..2]);
    assert_eq!(store.audit_after(second.last_audit_position, 1000).await.unwrap(), []);
}

async fn what_is_over_is_forgotten<S: Store>(store: &S) {
    // The grants of this story end at 600, 601 and 602.
    made(store, vec![Change::ForgetDeviceGrants { before: at(601) }]).await;
    assert_eq!(store.gather_device_decide("BBBB-BBBB").await.unwrap(), None);
    assert!(store.gather_device_decide("CCCC-CCCC").await.unwrap().is_some());
    made(store, vec![Change::ForgetDeviceGrants { before: Timestamp::MIN }]).await;
    assert!(store.gather_device_decide("CCCC-CCCC").await.unwrap().is_some());
    made(store, vec![Change::AddDeviceGrant(grant(900, 30, "BBBB-BBBB"))]).await;
    made(store, vec![Change::ForgetDeviceGrants { before: at(1000) }]).await;
    assert_eq!(store.gather_device_decide("CCCC-CCCC").await.unwrap(), None);
    assert!(store.gather_device_decide("BBBB-BBBB").await.unwrap().is_some());

    // The code grant of this story ends at 300.
    let is_known = async || store.gather_token_by_code(&handle(0, 1)).await.unwrap().is_some();
    made(store, vec![Change::ForgetCodeGrants { before: at(300) }]).await;
    assert!(is_known().await);
    made(store, vec![Change::ForgetCodeGrants { before: at(301) }]).await;
    assert!(!is_known().await);

    let longer = Session { ends_at: at(9 * 3600), ..session("four") };
    made(store, vec![Change::AddSession(longer.clone()), Change::AddAccessToken(access("four", 40, None))])
        .await;
    made(store, vec![Change::ForgetSessions { before: at(8 * 3600) }]).await;
    assert!(store.gather_portal(&handle(0, 12)).await.unwrap().session.is_some());
    made(store, vec![Change::ForgetSessions { before: at(8 * 3600 + 1) }]).await;
    assert_eq!(store.gather_portal(&handle(0, 12)).await.unwrap(), center::portal::Facts::default());
    for number in [11, 13, 21, 22, 23] {
        let facts = store.gather_token_by_refresh(&handle(0, number)).await.unwrap();
        assert_eq!(facts, center::token_by_refresh::Facts::default());
    }
    let facts = store.gather_portal(&handle(0, 40)).await.unwrap();
    assert_eq!(facts.session, Some(longer));
    assert_eq!(store.audit_after(0, 1000).await.unwrap().len(), 3, "the log forgets nothing");
}
