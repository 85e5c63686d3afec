//! What a session does with its files, without any center: nothing listens where it would call.

use std::path::Path;

use jiff::SignedDuration;
use outside::http::HttpSettings;

use outside::state::StateFolder;
use outside::{files, shelf};

use super::*;
use crate::choose::Way;
use crate::progress::Unwatched;
use crate::sign_in::{Human, SignInError, Wish};
use crate::sign_out::{NotRevoked, Shelves};

const START_URL: &str = "http://127.0.0.1:9/start";

fn session(home: &Path) -> Session {
    let outside = Outside::real().with_env(Env::pretended(&[]));
    let center = Wanted { start_url: START_URL.into(), ..Wanted::default() };
    let target = Target { session: Some("corp".into()), scopes: None, center };
    Session::new(target, home.to_owned(), &outside, Arc::new(Http::new(HttpSettings::default())))
}

/// A token file that ends in so many seconds, with a refresh token if wanted.
fn keep(session: &Session, start_url: &str, left: i64, renewable: bool) {
    let expires_at = session.clock.now() + SignedDuration::from_secs(left);
    let token = Token {
        start_url: Some(start_url.into()),
        region: Some("us-east-1".into()),
        access_token: "aoa".into(),
        expires_at,
        renewal: renewable.then(|| Renewal {
            client_id: "c".into(),
            client_secret: "s".into(),
            registration_expires_at: session.clock.now() + SignedDuration::from_hours(1),
            refresh_token: "aor".into(),
        }),
        others: Default::default(),
    };
    session.store.keep_token(&session.target, &token).unwrap();
}

#[test]
fn a_token_comes_from_its_file_or_is_named_missing() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    assert!(matches!(session.fresh(&mut Unwatched), Err(FreshError::NoToken { target }) if target == "corp"));
    keep(&session, START_URL, 3600, true);
    assert_eq!(session.fresh(&mut Unwatched).unwrap().access_token, "aoa".into());
    keep(&session, START_URL, 60, false);
    assert!(session.fresh(&mut Unwatched).is_ok(), "what cannot be renewed is used to its end");
    keep(&session, START_URL, -1, false);
    assert!(matches!(session.fresh(&mut Unwatched), Err(FreshError::Ended { .. })));
}

#[test]
fn a_sign_in_is_still_good_while_more_than_a_quarter_of_an_hour_is_left() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    assert_eq!(session.still_signed_in(&mut Unwatched), None);
    keep(&session, START_URL, 910, false);
    let good = session.still_signed_in(&mut Unwatched).unwrap();
    assert_eq!((good.renewable, good.region.as_deref()), (false, Some("us-east-1")));
    keep(&session, START_URL, 890, false);
    assert_eq!(session.still_signed_in(&mut Unwatched), None, "it cannot be renewed");
    keep(&session, START_URL, 890, true);
    assert_eq!(session.still_signed_in(&mut Unwatched), None, "nobody is there to renew it");
}

#[test]
fn signing_out_removes_the_token_though_the_center_is_down() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    let shelves = Shelves::new(home.path(), OwnState::default(), &session.clock);
    let path = shelves.token_path(session.target());
    assert!(session.sign_out(&path, &shelves, &mut Unwatched).unwrap().is_none());
    keep(&session, START_URL, 3600, true);
    let out = session.sign_out(&path, &shelves, &mut Unwatched).unwrap().unwrap();
    assert!(matches!(out.at_center, Err(NotRevoked::Center(_))), "{out:?}");
    assert!(!files::exists(&path));
    keep(&session, "https://d-1.awsapps.com/start", 3600, true);
    let out = session.sign_out(&path, &shelves, &mut Unwatched).unwrap().unwrap();
    assert!(matches!(out.at_center, Err(NotRevoked::OtherStartUrl(url)) if url.contains("d-1")));
    assert!(!files::exists(&path));
}

#[test]
fn a_token_with_time_left_outlives_a_center_that_is_down() {
    struct Told(Vec<Progress>);
    impl Watcher for Told {
        fn told(&mut self, progress: Progress) {
            self.0.push(progress);
        }
    }
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    keep(&session, START_URL, 60, true);
    let mut told = Told(Vec::new());
    assert!(session.fresh(&mut told).is_ok());
    assert!(matches!(&told.0[..], [Progress::NotRefreshed { .. }]), "{:?}", told.0);
    keep(&session, START_URL, -1, true);
    assert!(matches!(session.fresh(&mut told), Err(FreshError::Center(StartUrlError::Unanswered { .. }))));
}

#[test]
fn c17_a_token_of_another_start_url_goes_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    keep(&session, "https://d-1.awsapps.com/start", 3600, true);
    let error = session.fresh(&mut Unwatched).unwrap_err();
    assert!(
        matches!(&error, FreshError::OtherStartUrl { start_url, .. } if start_url.contains("d-1")),
        "{error}"
    );
    keep(&session, "http://127.0.0.1:9/start/#/", 3600, true);
    assert!(session.fresh(&mut Unwatched).is_ok(), "the same place, written otherwise");
}

#[test]
fn a_torn_token_file_is_named() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    let path = session.store.token_path(&session.target);
    shelf::keep(&path, b"{\"accessToken\": \"a").unwrap();
    assert!(
        matches!(session.fresh(&mut Unwatched), Err(FreshError::Torn { path: named, .. }) if named == path)
    );
}

#[test]
fn cached_role_credentials_need_neither_token_nor_center() {
    let home = tempfile::tempdir().unwrap();
    let session = session(home.path());
    let credentials = aws_formats::sso_cache::RoleCredentials {
        access_key_id: "ASIA".into(),
        secret_access_key: "s".into(),
        session_token: "t".into(),
        expiration: session.clock.now() + SignedDuration::from_mins(16),
        account_id: None,
    };
    let (account, role) = ("111122223333", "Developer");
    session.store.keep_role(&session.target, account, role, &credentials).unwrap();
    let found = session.role_credentials(account, role, &mut Unwatched).unwrap();
    assert_eq!((found.access_key_id.as_str(), found.account_id.as_deref()), ("ASIA", Some(account)));
    assert!(session.role_credentials(account, "Other", &mut Unwatched).is_err());
    let due = aws_formats::sso_cache::RoleCredentials {
        expiration: session.clock.now() + SignedDuration::from_mins(14),
        ..credentials
    };
    session.store.keep_role(&session.target, account, role, &due).unwrap();
    assert!(session.role_credentials(account, role, &mut Unwatched).is_err(), "due, and there is no token");
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_anybody_is_asked() {
    let home = tempfile::tempdir().unwrap();
    // A file where the folder should be: even root cannot write there.
    shelf::keep(&home.path().join(".aws/sso"), b"").unwrap();
    let wish = Wish {
        ways: vec![Way::Code],
        port: 0,
        open_browser: false,
        browser_is_here: false,
        opens_short: false,
        may_use_code: true,
        mode: crate::sign_in::Mode::Usual,
        reads_keys: false,
        reads_lines: false,
        may_paste: true,
        told_keys: Vec::new(),
        has_terminal: true,
        at_once: false,
        callback_listen: None,
    };
    let error = session(home.path()).sign_in(Human::asked_for_a_sign_in(), wish, &mut Unwatched).unwrap_err();
    assert!(matches!(error, SignInError::CannotKeep { .. }), "{error}");
}

#[test]
fn the_registrations_of_both_flows_are_kept_side_by_side() {
    use aws_formats::sso_cache::Registration;
    use aws_formats::sso_cache::registration::Grant;

    let (home, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let session = session(home.path());
    let store = Store::new(home.path())
        .with_state(OwnState::in_folder(StateFolder::at(state.path().join("aldis")).unwrap()));
    let (browser, device) = (Grant::AuthorizationCode, Grant::DeviceCode);
    let registration = |id: &str, grant| {
        let client =
            Client { id: id.into(), secret: "s".into(), expires_at: "2027-01-01T00:00:00Z".parse().unwrap() };
        crate::flow::register::cached(&client, grant, None)
    };
    let kept = |store: &Store, grant| {
        store
            .read_registration(&session.target, "us-east-1", grant)
            .map(|registration| registration.client_id)
    };
    let keep = |registration: &Registration| {
        store.keep_registration(&session.target, "us-east-1", registration).unwrap();
    };
    keep(&registration("b", browser));
    keep(&registration("d", device));
    // The AWS CLI finds the one that was kept last; we find both.
    let text = files::read_text(&store.registration_path(&session.target, "us-east-1")).unwrap().unwrap();
    assert_eq!(Registration::parse(&text).unwrap().client_id, "d");
    assert_eq!((kept(&store, browser).as_deref(), kept(&store, device).as_deref()), (Some("b"), Some("d")));
    // Without our own state there is the AWS CLI's file alone.
    let stateless = Store::new(home.path());
    assert_eq!((kept(&stateless, browser), kept(&stateless, device).as_deref()), (None, Some("d")));

    store.drop_registration(&session.target, "us-east-1", browser);
    assert_eq!((kept(&store, browser), kept(&store, device).as_deref()), (None, Some("d")));
    store.drop_registration(&session.target, "us-east-1", device);
    assert_eq!((kept(&store, browser), kept(&store, device)), (None, None));
}
