use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use wire::admin::Decision;
use wire::oidc::{CreateTokenRequest, OidcError, StartDeviceAuthorizationRequest};

use center::{Call, Load, Pace, device_start, token_by_device_code};

use crate::paper::Paper;

const SCOPES: Option<&[&str]> = Some(&["sso:account:access"]);

fn error<T: std::fmt::Debug>(result: Result<T, center::OidcRefusal>) -> OidcError {
    result.unwrap_err().error
}

#[test]
fn s1_s2_s3_a_start_answers_codes_links_life_and_interval() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    assert_eq!(started.expires_in, 600);
    assert_eq!(started.interval, Some(1));
    assert_eq!(started.verification_uri, "http://127.0.0.1:8765/device");
    let complete = format!("http://127.0.0.1:8765/device?user_code={}", started.user_code);
    assert_eq!(started.verification_uri_complete, Some(complete));
    assert!(!started.device_code.expose().contains(&started.user_code.replace('-', "")));
}

#[test]
fn s6_a_device_code_has_256_random_bits_of_its_own() {
    let rolled = std::cell::RefCell::new(Vec::new());
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let request = StartDeviceAuthorizationRequest {
        client_id: client.client_id.clone(),
        client_secret: client.client_secret.clone(),
        start_url: "http://127.0.0.1:8765/start".into(),
    };
    let verdict = paper.call(|call| {
        let noting = |bytes: &mut [u8]| {
            call.dice.roll(bytes);
            rolled.borrow_mut().push(bytes.to_vec());
        };
        device_start::decide(&Call { dice: &noting, ..*call }, &request, Load::Ok)
    });
    let started = verdict.reply.unwrap();
    let code = URL_SAFE_NO_PAD.decode(started.device_code.expose()).unwrap();
    let (own, others): (Vec<_>, Vec<_>) =
        rolled.into_inner().into_iter().partition(|bytes| bytes.len() > 1 && code.ends_with(bytes));
    assert_eq!(own.iter().map(Vec::len).collect::<Vec<_>>(), [32], "bits that nothing else was made from");
    assert!(others.iter().filter(|bytes| bytes.len() == 1).count() >= 8, "the user code has its own");
}

#[test]
fn s46_a_start_too_many_is_refused_and_told_once() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let request = StartDeviceAuthorizationRequest {
        client_id: client.client_id,
        client_secret: client.client_secret,
        start_url: "http://127.0.0.1:8765/start".into(),
    };
    for (is_news, entries) in [(true, 1), (false, 0)] {
        let load = Load::TooMuch { retry_after: 7, is_news };
        let verdict = paper.call(|call| device_start::decide(call, &request, load));
        assert!(verdict.changes.is_empty());
        assert_eq!(verdict.entries.len(), entries);
        assert!(verdict.entries.iter().all(|entry| entry.record["eventName"] == "DeviceAuthorizationBurst"));
        let refusal = verdict.reply.unwrap_err();
        assert_eq!((refusal.error, refusal.retry_after), (OidcError::SlowDown, Some(7)));
    }
}

#[test]
fn a_pending_poll_writes_nothing_and_a_fast_one_is_slowed() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    let request =
        CreateTokenRequest::device_code(&client.client_id, &client.client_secret, &started.device_code);
    for (pace, expected) in
        [(Pace::Ok, OidcError::AuthorizationPending), (Pace::TooFast, OidcError::SlowDown)]
    {
        let facts = token_by_device_code::Facts { grant: paper.grant_of(&started.device_code), pace };
        let verdict = paper.call(|call| token_by_device_code::decide(call, &request, &facts));
        assert!(verdict.writes_nothing());
        assert_eq!(error(verdict.reply), expected);
    }
}

#[test]
fn s10_denied_expired_and_forgotten() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let denied = paper.start(&client);
    paper.say(&denied.user_code, Decision::Deny).unwrap();
    assert_eq!(error(paper.poll(&client, &denied.device_code)), OidcError::AccessDenied);

    let late = paper.start(&client);
    paper.pass(601);
    assert_eq!(error(paper.poll(&client, &late.device_code)), OidcError::ExpiredToken);
    assert_eq!(paper.say(&late.user_code, Decision::Approve), Err("unknown_code".into()));
    paper.grants.clear();
    assert_eq!(error(paper.poll(&client, &late.device_code)), OidcError::InvalidGrant);
}

#[test]
fn s4_s5_codes_are_found_however_typed_and_misses_look_alike() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    assert_eq!(paper.say("BBBB-BBBB", Decision::Approve), Err("unknown_code".into()));
    assert_eq!(paper.say("nonsense", Decision::Approve), Err("unknown_code".into()));
    let typed = started.user_code.to_lowercase().replace('-', " ");
    assert!(paper.say(&typed, Decision::Approve).is_ok());
    assert_eq!(paper.say(&started.user_code, Decision::Deny), Err("unknown_code".into()));
}

#[test]
fn s9_only_the_client_that_started_may_redeem() {
    let mut paper = Paper::new();
    let (owner, other) = (paper.register(SCOPES), paper.register(SCOPES));
    let started = paper.start(&owner);
    paper.say(&started.user_code, Decision::Approve).unwrap();
    assert_eq!(error(paper.poll(&other, &started.device_code)), OidcError::InvalidGrant);
    assert!(paper.poll(&owner, &started.device_code).is_ok());
}

#[test]
fn s11_a_second_redemption_gives_nothing_and_revokes_nothing() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    paper.say(&started.user_code, Decision::Approve).unwrap();
    let tokens = paper.poll(&client, &started.device_code).unwrap();
    assert_eq!(error(paper.poll(&client, &started.device_code)), OidcError::InvalidGrant);
    assert!(paper.open_portal(&tokens.access_token));
}

#[test]
fn s12_the_person_is_looked_at_again_at_redemption() {
    let mut paper = Paper::new();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    paper.say(&started.user_code, Decision::Approve).unwrap();
    paper.instance.organisation.people.clear();
    assert_eq!(error(paper.poll(&client, &started.device_code)), OidcError::AccessDenied);
}

#[test]
fn one_workflow_from_start_to_role_credentials() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(SCOPES);
    let facts = paper.portal_facts(&tokens.access_token);
    let request = center::role_credentials::Request {
        account_id: Some("111122223333".into()),
        role_name: Some("ReadOnly".into()),
    };
    let verdict = paper.call(|call| center::role_credentials::decide(call, &request, &facts));
    let credentials = paper.commit(verdict).unwrap().unwrap().role_credentials;
    let workflows: std::collections::HashSet<String> = paper
        .records
        .iter()
        .filter(|record| record["eventName"] != "RegisterClient")
        .map(|record| record["additionalEventData"]["AuthWorkflowID"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(workflows.len(), 1, "{:?}", paper.records);
    let log = serde_json::to_string(&paper.records).unwrap();
    for secret in [&credentials.secret_access_key, &credentials.session_token, &tokens.access_token] {
        assert!(!log.contains(secret.expose()));
    }
    assert!(log.contains("\"uid\":1000"));
}

proptest! {
    /// Pollers gather whenever they like and commit in any order, with facts as stale as may be: one token, ever.
    #[test]
    fn one_code_one_token(order in prop::collection::vec((0usize..4, any::<bool>()), 1..40), approve_at in 0usize..10) {
        let mut paper = Paper::new();
        let client = paper.register(SCOPES);
        let started = paper.start(&client);
        let request = CreateTokenRequest::device_code(&client.client_id, &client.client_secret, &started.device_code);
        let mut gathered: [Option<token_by_device_code::Facts>; 4] = [const { None }; 4];
        let mut tokens = 0;
        for (step, (poller, gathers)) in order.into_iter().enumerate() {
            if step == approve_at {
                paper.say(&started.user_code, Decision::Approve).unwrap();
            }
            let fresh = token_by_device_code::Facts { grant: paper.grant_of(&started.device_code), pace: Pace::Ok };
            if gathers {
                gathered[poller] = Some(fresh);
                continue;
            }
            let facts = gathered[poller].take().unwrap_or(fresh);
            let verdict = paper.call(|call| token_by_device_code::decide(call, &request, &facts));
            tokens += usize::from(matches!(paper.commit(verdict), Some(Ok(_))));
        }
        prop_assert!(tokens <= 1);
        prop_assert_eq!(paper.sessions.len(), tokens);
    }
}
