use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Barrier;

use center::Change;
use center::instance::{Call, Caller, Instance, Lifetimes};
use center::seal::{KeyRing, Seals};
use center::things::browser_session::BrowserSession;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::{DeviceGrant, State};
use center::things::handle::{Kind, mint};
use center::things::session::UsedRefreshToken;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::commit::{self, Order};
use super::{OpenError, Sqlite};
use crate::store::{CommitError, Store, StoreError};
use crate::story::{at, code_grant, entry, grant, handle, session, story};

fn approved(number: u32, user_code: &str) -> DeviceGrant {
    DeviceGrant { state: State::Approved { person: "demo".to_owned() }, ..grant(0, number, user_code) }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn story_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    story(&Sqlite::open(&folder.path().join("center.db")).unwrap()).await;
}

#[tokio::test]
async fn story_in_memory() {
    story(&Sqlite::in_memory().unwrap()).await;
}

/// One code, one token: a hundred threads redeem one grant at once, and each would open a session.
fn one_of_a_hundred_redeems(store: &Sqlite, add: Change, redeem: impl Fn(&str) -> Change + Sync) {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime().block_on(store.commit(vec![add], Vec::new())).unwrap();
    let at_once = Barrier::new(100);
    let redeem = |number: i64| {
        let session = session(&format!("session {number}"));
        let redeem = redeem(&session.id);
        let runtime = runtime();
        at_once.wait();
        runtime.block_on(store.commit(vec![redeem, Change::AddSession(session)], vec![entry(number)]))
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let redeem = &redeem;
        let threads: Vec<_> = (0..100).map(|number| scope.spawn(move || redeem(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(CommitError::Conflict)).count(), 99);
    let count = |table: &str| -> i64 {
        let statement = format!("SELECT count(*) FROM {table}");
        store.read(|connection| connection.query_row(&statement, [], |row| row.get(0))).unwrap()
    };
    assert_eq!((count("sessions"), count("audit")), (1, 1));
}

fn one_of_a_hundred_redeems_a_device_code(store: &Sqlite) {
    let grant = approved(1, "BBBB-BBBB");
    let handle = grant.handle.clone();
    let redeem = |_: &str| Change::RedeemDeviceGrant { handle: handle.clone() };
    one_of_a_hundred_redeems(store, Change::AddDeviceGrant(grant), redeem);
}

fn one_of_a_hundred_redeems_a_code(store: &Sqlite) {
    let redeem =
        |session: &str| Change::RedeemCodeGrant { handle: handle(0, 1), session: session.to_owned() };
    one_of_a_hundred_redeems(store, Change::AddCodeGrant(code_grant(0, 1)), redeem);
}

#[test]
fn one_of_a_hundred_redeems_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    one_of_a_hundred_redeems_a_device_code(&Sqlite::open(&folder.path().join("device.db")).unwrap());
    one_of_a_hundred_redeems_a_code(&Sqlite::open(&folder.path().join("code.db")).unwrap());
}

#[test]
fn one_of_a_hundred_redeems_in_memory() {
    one_of_a_hundred_redeems_a_device_code(&Sqlite::in_memory().unwrap());
    one_of_a_hundred_redeems_a_code(&Sqlite::in_memory().unwrap());
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("migrations/0001_first.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO sessions VALUES ('one', 'demo', x'00', 1, 'workflow', 0, 9000000000000, NULL);
         INSERT INTO access_tokens VALUES (x'01', 'one', 9000000000000, 0, NULL);
         PRAGMA application_id = 0x414c4449; PRAGMA user_version = 1",
    )
    .unwrap();
    drop(old);
    let store = Sqlite::open(&path).unwrap();
    let access_token = center::things::handle::Handle::from_bytes(vec![1]);
    assert!(store.gather_portal(&access_token).await.unwrap().session.is_some(), "what was there stays");
    store.commit(vec![Change::AddCodeGrant(code_grant(0, 1))], Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_database_of_the_second_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("migrations/0001_first.sql")).unwrap();
    old.execute_batch(include_str!("migrations/0002_code_grants.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO device_grants VALUES (x'02', 'code', x'00', 'name', 1, 'workflow', '127.0.0.1', 9000000000000,
           'pending', NULL);
         INSERT INTO code_grants VALUES (x'03', x'00', 'uri', 'challenge', 1, 'workflow', 'demo', 9000000000000, NULL);
         INSERT INTO sessions VALUES ('one', 'demo', x'00', 1, 'workflow', 0, 9000000000000, NULL);
         INSERT INTO refresh_tokens VALUES (x'04', 'one', 0, NULL, NULL, NULL, NULL, NULL);
         PRAGMA application_id = 0x414c4449; PRAGMA user_version = 2",
    )
    .unwrap();
    drop(old);
    let store = Sqlite::open(&path).unwrap();
    let handle = |byte| center::things::handle::Handle::from_bytes(vec![byte]);
    let grant = store.gather_token_by_device_code(&handle(2)).await.unwrap().unwrap();
    assert_eq!((grant.user_agent.as_str(), grant.started_from.as_str()), ("", "127.0.0.1"));
    assert_eq!(store.gather_token_by_code(&handle(3)).await.unwrap().unwrap().approved_from, None);
    let facts = store.gather_token_by_refresh(&handle(4)).await.unwrap();
    assert_eq!(facts.session.unwrap().password_mark, None, "a session from before goes on");
}

/// Orders that wait in the inbox before the writer looks, so that they are one batch for certain.
fn one_batch(store: &Sqlite, orders: Vec<Vec<Change>>) -> Vec<Result<i64, CommitError>> {
    let (sender, inbox) = std::sync::mpsc::channel();
    let mut answers = Vec::new();
    for (number, changes) in (0..).zip(orders) {
        let (reply, answer) = oneshot::channel();
        sender.send(Order { changes, entries: vec![entry(number)], reply }).unwrap();
        answers.push(answer);
    }
    drop(sender);
    commit::write_all(&store.reader, &inbox);
    answers
        .into_iter()
        .map(|mut answer| answer.try_recv().unwrap().map(|committed| committed.last_audit_position))
        .collect()
}

#[tokio::test]
async fn a_conflict_leaves_its_neighbours_alone() {
    let store = Sqlite::in_memory().unwrap();
    let add = |number: u32, code: &str| Change::AddDeviceGrant(grant(0, number, code));
    let outcomes = one_batch(
        &store,
        vec![
            vec![add(1, "BBBB-BBBB")],
            vec![add(2, "CCCC-CCCC"), add(3, "BBBB-BBBB")],
            vec![add(4, "DDDD-DDDD")],
            vec![Change::RedeemDeviceGrant { handle: handle(0, 1) }],
            vec![add(5, "CCCC-CCCC")],
        ],
    );
    let conflict = Err(CommitError::Conflict);
    assert_eq!(outcomes, [Ok(1), conflict.clone(), Ok(2), conflict, Ok(3)]);
    for (code, number) in [("BBBB-BBBB", 1), ("CCCC-CCCC", 5), ("DDDD-DDDD", 4)] {
        let found = store.gather_device_decide(code).await.unwrap().unwrap();
        assert_eq!(found.handle, handle(0, number));
    }
    let log = store.audit_after(0, 10).await.unwrap();
    assert_eq!(log.iter().map(|logged| &logged.record["z"]).collect::<Vec<_>>(), [0, 2, 4]);
}

#[tokio::test]
async fn a_row_that_the_tables_refuse_fails_alone() {
    let store = Sqlite::in_memory().unwrap();
    let half = vec![Change::AddRefreshToken(center::things::session::RefreshToken {
        handle: handle(0, 1),
        session: "one".to_owned(),
        presented: false,
        born_of: None,
        used: None,
    })];
    store.read(|connection| connection.execute_batch("DROP TABLE sessions")).unwrap();
    let outcomes = one_batch(&store, vec![half, vec![Change::AddSession(session("one"))], Vec::new()]);
    assert!(matches!(outcomes[..], [Ok(1), Err(CommitError::Failed(StoreError::Failed(_))), Ok(2)]));
}

#[tokio::test]
async fn what_was_answered_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let grant = approved(1, "BBBB-BBBB");
    let store = Sqlite::open(&path).unwrap();
    store.commit(vec![Change::AddDeviceGrant(grant.clone())], vec![entry(1)]).await.unwrap();

    // As after a loss of power: the files as they lie there at this moment.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        fs::copy(path.with_file_name(format!("center.db{end}")), format!("{}{end}", copy.display())).unwrap();
    }
    let copied = Sqlite::open(&copy).unwrap();
    assert_eq!(copied.gather_token_by_device_code(&grant.handle).await.unwrap(), Some(grant.clone()));

    drop(store);
    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.gather_token_by_device_code(&grant.handle).await.unwrap(), Some(grant.clone()));
    assert_eq!(store.audit_after(0, 10).await.unwrap().len(), 1);
    let next = store.commit(Vec::new(), vec![entry(2)]).await.unwrap();
    assert_eq!(next.last_audit_position, 2);
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let (one, other) = (Sqlite::open(&path).unwrap(), Sqlite::open(&path).unwrap());
    let grant = approved(1, "BBBB-BBBB");
    one.commit(vec![Change::AddDeviceGrant(grant.clone())], vec![entry(1)]).await.unwrap();
    let redeem = vec![Change::RedeemDeviceGrant { handle: grant.handle.clone() }];
    assert_eq!(other.commit(redeem.clone(), vec![entry(2)]).await.unwrap().last_audit_position, 2);
    assert_eq!(one.commit(redeem, Vec::new()).await, Err(CommitError::Conflict));
    assert_eq!(one.commit(Vec::new(), vec![entry(3)]).await.unwrap().last_audit_position, 3);
}

#[tokio::test]
async fn files_and_folders_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/center.db");
    let store = Sqlite::open(&path).unwrap();
    store.commit(Vec::new(), vec![entry(1)]).await.unwrap();
    for end in ["", "-wal", "-shm"] {
        assert_eq!(mode(&path.with_file_name(format!("center.db{end}"))), 0o600, "{end}");
    }
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    assert_eq!(mode(&folder.path().join("a/b")), 0o700);
    drop(store);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _store = Sqlite::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

/// S29: whoever reads the files finds no token, no code and no kept reply that was wiped.
#[tokio::test]
async fn s29_nothing_lies_in_clear() {
    let organisation = center::seed::built_in();
    let instance = Instance {
        seals: Seals::derive(&KeyRing::with_new_key([3; 32]), &organisation.hash()),
        organisation,
        url: "http://127.0.0.1:1".to_owned(),
        lifetimes: Lifetimes::default(),
        auto_approve: None,
    };
    let dice = |bytes: &mut [u8]| bytes.fill(0x5a);
    let call = Call { instance: &instance, caller: &Caller::default(), now: at(0), dice: &dice };
    let (device_code, code_handle) = mint(&call, Kind::DeviceCode);
    let (code, authorization_handle) = mint(&call, Kind::AuthorizationCode);
    let (access_token, access_handle) = mint(&call, Kind::AccessToken);
    let (refresh_token, refresh_handle) = mint(&call, Kind::RefreshToken);
    let (cookie, cookie_handle) = mint(&call, Kind::BrowserSession);

    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("center.db")).unwrap();
    let kept_reply = Some(b"a sealed reply that is wiped".to_vec());
    let used = UsedRefreshToken { at: at(0), replay_until: at(9), access_expires_at: at(9), kept_reply };
    let changes = vec![
        Change::AddDeviceGrant(DeviceGrant { handle: code_handle, ..grant(0, 1, "BBBB-BBBB") }),
        Change::AddCodeGrant(CodeGrant { handle: authorization_handle, ..code_grant(0, 1) }),
        Change::AddBrowserSession(BrowserSession {
            handle: cookie_handle,
            person: "demo".to_owned(),
            password_mark: "mark".to_owned(),
            began_at: at(0),
            seen_at: at(0),
            ends_at: at(9),
        }),
        Change::AddSession(session("one")),
        Change::AddAccessToken(center::things::session::AccessToken {
            handle: access_handle,
            session: "one".to_owned(),
            expires_at: at(9),
            presented: false,
            born_of: None,
        }),
        Change::AddRefreshToken(center::things::session::RefreshToken {
            handle: refresh_handle.clone(),
            session: "one".to_owned(),
            presented: false,
            born_of: None,
            used: Some(used),
        }),
    ];
    store.commit(changes, vec![entry(1)]).await.unwrap();
    store.commit(vec![Change::WipeKeptReply { handle: refresh_handle }], Vec::new()).await.unwrap();
    drop(store);

    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files, [folder.path().join("center.db")], "closing leaves one file");
    let bytes = fs::read(&files[0]).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    for token in [&device_code, &code, &access_token, &refresh_token, &cookie] {
        assert!(!holds(token.expose().as_bytes()));
    }
    assert!(!holds(&[0x5a; 32]), "nor the random bytes behind them");
    assert!(!holds(b"a sealed reply that is wiped"));
    assert!(holds(b"BBBB-BBBB"), "what is looked for would be found");
}

/// S27: the write-ahead log holds older versions of rows, but not for long.
#[tokio::test]
async fn s27_what_was_wiped_leaves_the_log_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let store = Sqlite::open(&path).unwrap();
    let kept_reply = Some(b"a sealed reply that is wiped".to_vec());
    let used = UsedRefreshToken { at: at(0), replay_until: at(9), access_expires_at: at(9), kept_reply };
    let token = center::things::session::RefreshToken {
        handle: handle(0, 1),
        session: "one".to_owned(),
        presented: false,
        born_of: None,
        used: Some(used),
    };
    let is_in_clear = || {
        ["center.db", "center.db-wal"].iter().any(|name| {
            let bytes = fs::read(folder.path().join(name)).unwrap();
            bytes.windows(28).any(|window| window == b"a sealed reply that is wiped")
        })
    };
    store.commit(vec![Change::AddRefreshToken(token)], Vec::new()).await.unwrap();
    assert!(is_in_clear());
    store.commit(vec![Change::WipeKeptReply { handle: handle(0, 1) }], Vec::new()).await.unwrap();
    // The log is emptied in the first quiet moment, which comes at once here.
    for _ in 0..500 {
        if !is_in_clear() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the older version of the row still lies there");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "Not a database at all. ".repeat(100)).unwrap();
    assert!(matches!(Sqlite::open(&text), Err(OpenError::NotADatabase { .. })));

    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE mine (x); PRAGMA user_version = 1")
        .unwrap();
    let before = fs::read(&foreign).unwrap();
    assert!(matches!(Sqlite::open(&foreign), Err(OpenError::NotOurs { .. })));
    assert_eq!(fs::read(&foreign).unwrap(), before);

    let newer = folder.path().join("newer.db");
    drop(Sqlite::open(&newer).unwrap());
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    let error = Sqlite::open(&newer).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 7, known: 3, .. }), "{error}");
    assert!(error.to_string().contains("made by a newer aldis"), "{error}");
}

#[tokio::test]
async fn damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let store = Sqlite::open(&path).unwrap();
    store.commit(vec![Change::AddDeviceGrant(grant(0, 1, "BBBB-BBBB"))], vec![entry(1)]).await.unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn[4096..].fill(0xff);
    fs::write(&path, &torn).unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("is damaged: restore a copy"), "{error}");

    // Damage that shows later.
    fs::write(&path, &whole).unwrap();
    let store = Sqlite::open(&path).unwrap();
    fs::write(&path, &torn).unwrap();
    let error = store.gather_device_decide("BBBB-BBBB").await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

#[test]
fn what_cannot_be_made_or_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sqlite::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("cannot be opened"), "{error}");
    let below_a_file = folder.path().join("file");
    fs::write(&below_a_file, "").unwrap();
    assert!(matches!(Sqlite::open(&below_a_file.join("center.db")), Err(OpenError::Io { .. })));

    let path = folder.path().join("readonly.db");
    drop(Sqlite::open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    // Root may write it all the same.
    if let Err(error) = Sqlite::open(&path) {
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error}");
    }
}
