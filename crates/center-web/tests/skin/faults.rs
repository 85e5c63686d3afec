//! A store that fails and one that panics: clients get a plain error in their own language, and the center goes on.

use center::audit::Entry;
use center::changes::Change;
use center::things::browser_session::BrowserSession;
use center::things::code_grant::CodeGrant;
use center::things::device_grant::DeviceGrant;
use center::things::handle::Handle;
use center::{housekeeping, portal, token_by_refresh};
use center_store::{CommitError, Committed, Logged, Store, StoreError};
use jiff::Timestamp;
use serde_json::json;
use wire::admin::{AdminAnswer, AdminRequest, Decision};

use crate::running::{Center, DEVICE, Wishes};

/// Every commit fails, and every gather that needs a token panics.
struct Broken;

const WORDS: &str = "the disk of the database is on fire";

fn failed() -> StoreError {
    StoreError::Failed(WORDS.to_owned())
}

impl Store for Broken {
    async fn gather_device_decide(&self, _: &str) -> Result<Option<DeviceGrant>, StoreError> {
        Err(failed())
    }

    async fn gather_token_by_device_code(&self, _: &Handle) -> Result<Option<DeviceGrant>, StoreError> {
        panic!("a bug")
    }

    async fn gather_token_by_code(&self, _: &Handle) -> Result<Option<CodeGrant>, StoreError> {
        panic!("a bug")
    }

    async fn gather_browser_session(&self, _: &Handle) -> Result<Option<BrowserSession>, StoreError> {
        Err(failed())
    }

    async fn gather_token_by_refresh(&self, _: &Handle) -> Result<token_by_refresh::Facts, StoreError> {
        panic!("a bug")
    }

    async fn gather_portal(&self, _: &Handle) -> Result<portal::Facts, StoreError> {
        panic!("a bug")
    }

    async fn gather_housekeeping(&self, _: Timestamp) -> Result<housekeeping::Facts, StoreError> {
        Err(failed())
    }

    async fn commit(&self, _: Vec<Change>, _: Vec<Entry>) -> Result<Committed, CommitError> {
        Err(failed().into())
    }

    async fn audit_after(&self, _: i64, _: usize) -> Result<Vec<Logged>, StoreError> {
        Err(failed())
    }
}

/// A token of the right shape: 6 bytes of time and 32 random ones, in base64.
fn token(prefix: &str) -> String {
    format!("{prefix}{}", "A".repeat(51))
}

#[test]
fn failures_say_nothing_and_end_nothing() {
    let center = Center::on(Broken, Wishes::default());
    let registration = json!({ "clientName": "n", "clientType": "public" });
    for _ in 0..3 {
        let answer = center.post("/client/register", &registration).is(500);
        assert_eq!(answer.json()["__type"], "com.amazonaws.sso.oidc#InternalServerException");
        assert_eq!(answer.text("error"), "server_error");
        assert!(!answer.body.contains("disk"), "{answer:?}");
        assert!(answer.header("x-amzn-RequestId").is_some());

        let poll = json!({
            "clientId": "x", "clientSecret": "x", "grantType": DEVICE, "deviceCode": token(""),
        });
        let answer = center.post("/token", &poll).is(500);
        assert_eq!(answer.text("error"), "server_error");
        assert!(answer.header("x-amzn-RequestId").is_some());

        let answer = center.portal("/assignment/accounts", &token("aoa")).is(500);
        assert_eq!(answer.json()["__type"], "com.amazonaws.switchboard.portal#InternalServerException");

        let form = format!("client_id=x&grant_type=refresh_token&refresh_token={}", token("aor"));
        let answer = center.post_form("/oauth/token", &form, &[]).is(500);
        assert_eq!(answer.text("error"), "server_error");
        assert_eq!(answer.json().get("__type"), None);

        let answer = center.post_form("/", "Action=GetCallerIdentity&Version=2011-06-15", &[]).is(500);
        assert!(answer.body.contains("<Code>InternalFailure</Code>"), "{answer:?}");
        for path in ["/authorize", "/oauth/authorize"] {
            let answer = center.get(path).is(500);
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        }
        center.get("/").is(200);
    }
    for request in [
        AdminRequest::Audit { after: 0, follow: true },
        AdminRequest::Authorize {
            url: format!("{}/authorize?client_id=x", center.url),
            person: "demo".to_owned(),
        },
        AdminRequest::DecideDevice {
            user_code: "BCDF-GHJK".to_owned(),
            person: "demo".to_owned(),
            decision: Decision::Deny,
        },
    ] {
        match center.admin().ask(&request) {
            AdminAnswer::Refused { code, message } => {
                assert_eq!(code, "failed");
                assert!(!message.contains("disk"));
            }
            other => panic!("{other:?}"),
        }
    }
    center.move_clock(60);
    center.stop().unwrap();
}
