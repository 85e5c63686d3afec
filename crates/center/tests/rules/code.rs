use center::authorize::{self, Answer, Approval, Question, Refusal};
use center::things::code_grant::{CodeGrant, challenge_of};
use center::things::handle::{Handle, Kind};
use center::{OidcRefusal, token_by_code};
use jiff::SignedDuration;
use proptest::prelude::*;
use wire::Secret;
use wire::authorize::AuthorizeError;
use wire::oidc::{CreateTokenRequest, OidcError, RegisterClientRequest, RegisterClientResponse};

use crate::paper::Paper;

const REDIRECT_URI: &str = "http://127.0.0.1:38381/oauth/callback";
const STATE: &str = "5b9d3f9c-6f4e-4a55-9d0a-000000000000";
const GRANTS: &[&str] = &["authorization_code", "refresh_token"];

fn verifier() -> Secret {
    Secret::new("-._~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567")
}

/// A client as the AWS CLI registers it, but for scopes and grants.
fn register(paper: &mut Paper, scopes: &[&str], grants: &[&str]) -> RegisterClientResponse {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let request = RegisterClientRequest {
        client_name: "botocore-client-corp".into(),
        client_type: "public".into(),
        scopes: texts(scopes),
        redirect_uris: texts(&["http://127.0.0.1/oauth/callback"]),
        grant_types: texts(grants),
        ..RegisterClientRequest::default()
    };
    let verdict = paper
        .call(|call| center::client_register::decide(call, &request, center::client_register::Proof::Secret));
    paper.commit(verdict).unwrap().unwrap()
}

pub(crate) type Pairs = Vec<(String, String)>;

/// The question of the AWS CLI.
pub(crate) fn pairs(client: &RegisterClientResponse) -> Pairs {
    let challenge = challenge_of(&verifier());
    [
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", REDIRECT_URI),
        ("state", STATE),
        ("code_challenge_method", "S256"),
        ("scopes", "sso:account:access"),
        ("code_challenge", &challenge),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The same question with another value for a parameter; an empty one leaves it out.
pub(crate) fn with(mut pairs: Pairs, name: &str, value: &str) -> Pairs {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.to_owned()));
    pairs
}

fn ask(paper: &mut Paper, pairs: Pairs) -> Result<Answer, Refusal> {
    let question = Question::new(pairs);
    let verdict = paper.call(|call| authorize::decide(call, &question));
    paper.commit(verdict).unwrap()
}

fn approve(paper: &mut Paper, pairs: Pairs, person: &str) -> Result<Secret, String> {
    let (question, approval) = (Question::new(pairs), Approval { person: person.to_owned(), by_uid: 1000 });
    let verdict = paper.call(|call| authorize::approve(call, &question, &approval));
    paper.commit(verdict).unwrap().map_err(|refusal| refusal.code)
}

/// The code in a redirect.
pub(crate) fn code_in(location: &Secret) -> Secret {
    let (_, query) = location.expose().split_once("?code=").unwrap();
    Secret::new(query.split('&').next().unwrap())
}

fn approved_code(paper: &mut Paper, client: &RegisterClientResponse) -> Secret {
    code_in(&approve(paper, pairs(client), "demo").unwrap())
}

pub(crate) fn exchange(client: &RegisterClientResponse, code: &Secret) -> CreateTokenRequest {
    CreateTokenRequest::authorization_code(
        &client.client_id,
        &client.client_secret,
        code,
        REDIRECT_URI,
        &verifier(),
    )
}

pub(crate) fn gather(paper: &Paper, request: &CreateTokenRequest) -> Option<CodeGrant> {
    let handle = Handle::of(&paper.instance.seals, Kind::AuthorizationCode, request.code.as_ref()?)?;
    paper.codes.iter().find(|grant| grant.handle == handle).cloned()
}

fn token(paper: &mut Paper, request: &CreateTokenRequest) -> Result<center::Issued, OidcRefusal> {
    let grant = gather(paper, request);
    let verdict = paper.call(|call| token_by_code::decide(call, request, grant.as_ref()));
    paper.commit(verdict).unwrap()
}

fn error(paper: &mut Paper, request: &CreateTokenRequest) -> OidcError {
    token(paper, request).unwrap_err().error
}

pub(crate) fn signed_up() -> (Paper, RegisterClientResponse) {
    let mut paper = Paper::new();
    let client = register(&mut paper, &["sso:account:access"], GRANTS);
    (paper, client)
}

#[test]
fn s22_an_approval_sends_code_state_and_issuer_back() {
    let (mut paper, client) = signed_up();
    let location = approve(&mut paper, pairs(&client), "demo").unwrap();
    let code = code_in(&location);
    let rest = format!("state={STATE}&iss=http%3A%2F%2F127.0.0.1%3A8765");
    assert_eq!(location.expose(), format!("{REDIRECT_URI}?code={}&{rest}", code.expose()));
    let issued = token(&mut paper, &exchange(&client, &code)).unwrap();
    assert_eq!(issued.scopes.names(), ["sso:account:access"]);
    assert!(paper.open_portal(&issued.reply.access_token));
    let next = paper.refresh(&client, &issued.reply.refresh_token.unwrap()).unwrap();
    assert!(paper.open_portal(&next.access_token));

    let without_state = approve(&mut paper, with(pairs(&client), "state", ""), "demo").unwrap();
    assert!(!without_state.expose().contains("state="));
}

#[test]
fn looking_at_a_question_writes_nothing_and_auto_approval_answers_it() {
    let (mut paper, client) = signed_up();
    let question = Question::new(pairs(&client));
    let verdict = paper.call(|call| authorize::decide(call, &question));
    assert!(verdict.writes_nothing());
    let Ok(Answer::Wait(asked)) = verdict.reply else { panic!("{:?}", verdict.reply) };
    assert_eq!((asked.client_name.as_str(), asked.port), ("botocore-client-corp", 38381));

    paper.instance.auto_approve = Some("demo".to_owned());
    let Ok(Answer::Redirect(location)) = ask(&mut paper, pairs(&client)) else { panic!("no redirect") };
    token(&mut paper, &exchange(&client, &code_in(&location))).unwrap();
    let log = serde_json::to_string(&paper.records).unwrap();
    assert!(log.contains("AUTO-APPROVE"));
}

#[test]
fn s19_s24_without_a_known_client_and_redirect_uri_nobody_is_sent_anywhere() {
    let (mut paper, client) = signed_up();
    let good = pairs(&client);
    for (name, value) in [
        ("client_id", ""),
        ("client_id", "unheard-of"),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "http://127.0.0.1:38381/elsewhere"),
        ("redirect_uri", "http://localhost:38381/oauth/callback"),
        ("redirect_uri", "javascript:alert(1)"),
    ] {
        // Whatever else is wrong.
        for question in [with(good.clone(), name, value), with(with(good.clone(), name, value), "state", "")]
        {
            let refusal = ask(&mut paper, with(question, "response_type", "token")).unwrap_err();
            assert!(matches!(refusal, Refusal::Page { .. }), "{name}={value}: {refusal:?}");
        }
    }
    for name in ["client_id", "redirect_uri"] {
        let twice = good.iter().find(|(known, _)| known == name).unwrap().clone();
        let refusal = ask(&mut paper, [good.clone(), vec![twice]].concat()).unwrap_err();
        assert!(matches!(refusal, Refusal::Page { .. }), "{name} twice: {refusal:?}");
    }
    let other_center = Paper::with_key([8; 32], center::seed::built_in());
    let verdict = other_center.call(|call| authorize::decide(call, &Question::new(good.clone())));
    assert!(matches!(verdict.reply, Err(Refusal::Page { code: "unknown_client", .. })));
    paper.pass(90 * 86_400);
    assert!(matches!(ask(&mut paper, good), Err(Refusal::Page { code: "unknown_client", .. })));
    assert!(paper.codes.is_empty());
}

#[test]
fn s14_s16_s19_all_else_goes_back_with_error_state_and_issuer() {
    use AuthorizeError::{InvalidRequest, InvalidScope, UnsupportedResponseType};
    let (mut paper, client) = signed_up();
    for auto_approve in [None, Some("demo".to_owned())] {
        paper.instance.auto_approve = auto_approve;
        for (name, value, expected) in [
            ("response_type", "", InvalidRequest),
            ("response_type", "token", UnsupportedResponseType),
            ("response_type", "code id_token", UnsupportedResponseType),
            ("code_challenge", "", InvalidRequest),
            ("code_challenge", "short", InvalidRequest),
            ("code_challenge", &"=".repeat(43), InvalidRequest),
            ("code_challenge_method", "", InvalidRequest),
            ("code_challenge_method", "plain", InvalidRequest),
            ("code_challenge_method", "s256", InvalidRequest),
            ("scopes", "openid", InvalidScope),
            ("scopes", "sso:account:access openid", InvalidScope),
            ("scopes", "no:such:scope", InvalidScope),
            ("scope", "sso:account:access", InvalidRequest),
        ] {
            let refusal = ask(&mut paper, with(pairs(&client), name, value)).unwrap_err();
            let Refusal::Back { error, location, .. } = refusal else { panic!("{name}={value}") };
            assert_eq!(error, expected, "{name}={value}");
            let start = format!("{REDIRECT_URI}?error={}&error_description=", error.code());
            let end = format!("&state={STATE}&iss=http%3A%2F%2F127.0.0.1%3A8765");
            assert!(location.starts_with(&start) && location.ends_with(&end), "{location}");
        }
        for (name, has_state) in [("state", false), ("scopes", true), ("response_type", true), ("x", true)] {
            let question =
                [pairs(&client), vec![(name.into(), "a".into()), (name.into(), "b".into())]].concat();
            let Err(Refusal::Back { error, location, .. }) = ask(&mut paper, question) else {
                panic!("{name}")
            };
            assert_eq!(error, InvalidRequest, "{name} twice");
            assert_eq!(location.contains("&state="), has_state, "{name} twice");
        }
    }
    assert!(paper.codes.is_empty());
}

#[test]
fn a_client_that_did_not_register_for_codes_gets_none() {
    let (mut paper, _) = signed_up();
    let device = register(&mut paper, &["sso:account:access"], &[wire::oidc::GRANT_DEVICE_CODE]);
    let refusal = ask(&mut paper, pairs(&device)).unwrap_err();
    assert!(matches!(refusal, Refusal::Back { error: AuthorizeError::UnauthorizedClient, .. }));
    assert_eq!(error(&mut paper, &exchange(&device, &Secret::new("x"))), OidcError::UnauthorizedClient);
}

#[test]
fn s17_a_code_is_bound_to_the_very_port() {
    let (mut paper, client) = signed_up();
    let elsewhere = "http://127.0.0.1:40000/oauth/callback";
    let code =
        code_in(&approve(&mut paper, with(pairs(&client), "redirect_uri", elsewhere), "demo").unwrap());
    assert_eq!(error(&mut paper, &exchange(&client, &code)), OidcError::InvalidGrant);
    let request = CreateTokenRequest { redirect_uri: Some(elsewhere.into()), ..exchange(&client, &code) };
    token(&mut paper, &request).unwrap();
}

#[test]
fn s18_only_loopback_by_its_number_is_registered_over_http() {
    let paper = Paper::new();
    for uri in
        ["http://localhost/oauth/callback", "http://[::1]/oauth/callback", "http://10.0.0.1/oauth/callback"]
    {
        let request = RegisterClientRequest {
            client_name: "n".into(),
            client_type: "public".into(),
            redirect_uris: Some(vec![uri.into()]),
            grant_types: Some(vec!["authorization_code".into()]),
            ..RegisterClientRequest::default()
        };
        let verdict = paper.call(|call| {
            center::client_register::decide(call, &request, center::client_register::Proof::Secret)
        });
        assert_eq!(verdict.reply.unwrap_err().error, OidcError::InvalidRedirectUri, "{uri}");
    }
}

#[test]
fn s15_s16_s21_each_part_of_the_exchange_must_be_there_and_match() {
    let (mut paper, client) = signed_up();
    let other = register(&mut paper, &["sso:account:access"], GRANTS);
    let code = approved_code(&mut paper, &client);
    let good = exchange(&client, &code);
    type Edit = fn(&mut CreateTokenRequest);
    let cases: [(OidcError, Edit); 10] = [
        (OidcError::InvalidRequest, |r| r.code = None),
        (OidcError::InvalidRequest, |r| r.redirect_uri = None),
        (OidcError::InvalidRequest, |r| r.code_verifier = None),
        (OidcError::InvalidRequest, |r| r.code_verifier = Some("a".repeat(42).into())),
        (OidcError::InvalidRequest, |r| r.code_verifier = Some("a".repeat(129).into())),
        (OidcError::InvalidRequest, |r| r.code_verifier = Some("ü".repeat(43).into())),
        (OidcError::InvalidGrant, |r| r.code_verifier = Some("a".repeat(64).into())),
        (OidcError::InvalidGrant, |r| r.redirect_uri = Some("http://127.0.0.1/oauth/callback".into())),
        (OidcError::InvalidGrant, |r| r.code = Some("unheard-of".into())),
        (OidcError::InvalidClient, |r| r.client_secret = "wrong".into()),
    ];
    for (number, (expected, edit)) in cases.into_iter().enumerate() {
        let mut request = good.clone();
        edit(&mut request);
        assert_eq!(error(&mut paper, &request), expected, "case {number}");
    }
    assert_eq!(error(&mut paper, &exchange(&other, &code)), OidcError::InvalidGrant);
    token(&mut paper, &good).unwrap();
}

#[test]
fn s20_a_second_use_gives_nothing_and_ends_what_the_first_gave() {
    let (mut paper, client) = signed_up();
    let code = approved_code(&mut paper, &client);
    let request = exchange(&client, &code);
    let tokens = token(&mut paper, &request).unwrap().reply;
    assert!(paper.open_portal(&tokens.access_token));

    // Who cannot prove that the code is theirs gets nothing, and ends nothing.
    let other = register(&mut paper, &["sso:account:access"], GRANTS);
    assert_eq!(error(&mut paper, &exchange(&other, &code)), OidcError::InvalidGrant);
    let guessed = CreateTokenRequest { code_verifier: Some("a".repeat(43).into()), ..request.clone() };
    assert_eq!(error(&mut paper, &guessed), OidcError::InvalidGrant);
    assert!(paper.open_portal(&tokens.access_token));

    // Not even when its time is over.
    paper.pass(301);
    assert_eq!(error(&mut paper, &request), OidcError::InvalidGrant);
    assert!(!paper.open_portal(&tokens.access_token));
    assert!(paper.refresh(&client, &tokens.refresh_token.unwrap()).is_err());
    let log = serde_json::to_string(&paper.records).unwrap();
    assert!(log.contains("authorization code presented again"));
    assert_eq!(error(&mut paper, &request), OidcError::InvalidGrant);
}

#[test]
fn s20_a_code_lives_five_minutes_and_never_more_than_ten() {
    for (life, seconds) in [(None, 300), (Some(60), 60), (Some(3600), 600)] {
        let (mut paper, client) = signed_up();
        if let Some(life) = life {
            paper.instance.lifetimes.authorization_code = SignedDuration::from_secs(life);
        }
        let (early, late) = (approved_code(&mut paper, &client), approved_code(&mut paper, &client));
        assert!(early.expose().len() >= 43, "32 random bytes and more");
        paper.pass(seconds - 1);
        token(&mut paper, &exchange(&client, &early)).unwrap();
        paper.pass(1);
        assert_eq!(error(&mut paper, &exchange(&client, &late)), OidcError::InvalidGrant);
    }
}

#[test]
fn s12_the_person_is_looked_at_before_and_after() {
    let (mut paper, client) = signed_up();
    assert_eq!(approve(&mut paper, pairs(&client), "nobody"), Err("unknown_person".into()));
    let code = approved_code(&mut paper, &client);
    paper.instance.organisation.people.clear();
    assert_eq!(error(&mut paper, &exchange(&client, &code)), OidcError::InvalidGrant);
}

#[test]
fn a_token_has_the_scopes_that_were_asked_for_and_no_more() {
    let mut paper = Paper::new();
    let client = register(&mut paper, &["sso:account:access", "openid", "aws"], GRANTS);
    let bare = with(pairs(&client), "scopes", "");
    for (asked, expected) in [
        ("openid aws", vec!["openid", "aws"]),
        ("sso:account:access", vec!["sso:account:access"]),
        ("", vec!["sso:account:access", "openid", "aws"]),
    ] {
        for name in ["scopes", "scope"] {
            let location = approve(&mut paper, with(bare.clone(), name, asked), "demo").unwrap();
            let issued = token(&mut paper, &exchange(&client, &code_in(&location))).unwrap();
            assert_eq!(issued.scopes.names(), expected);
            let opens = expected.contains(&"sso:account:access");
            assert_eq!(paper.open_portal(&issued.reply.access_token), opens, "{name}={asked}");
        }
    }
}

#[test]
fn the_address_to_approve_asks_the_same_and_needs_no_quoting() {
    let (mut paper, client) = signed_up();
    let state = "it's \"$(touch x)\" & <b>\u{202e}";
    let question = with(with(pairs(&client), "state", state), "x", "'; rm -rf ~; '");
    let Ok(Answer::Wait(asked)) = ask(&mut paper, question) else { panic!("refused") };
    let address = &asked.address;
    assert!(
        address.starts_with("http://127.0.0.1:8765/authorize?response_type=code&client_id="),
        "{address}"
    );
    assert!(address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/?&=%-._~".contains(&byte)));
    assert!(address.contains("&scope=sso%3Aaccount%3Aaccess") && !address.contains("rm"));
    assert!(
        address.ends_with("&state=it%27s%20%22%24%28touch%20x%29%22%20%26%20%3Cb%3E%E2%80%AE"),
        "{address}"
    );
}

#[test]
fn one_workflow_and_no_secret_in_the_log() {
    let (mut paper, client) = signed_up();
    let code = approved_code(&mut paper, &client);
    let tokens = token(&mut paper, &exchange(&client, &code)).unwrap().reply;
    assert!(paper.open_portal(&tokens.access_token));
    let names: Vec<_> = paper.records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["RegisterClient", "Authorize", "CreateToken", "ListAccounts"]);
    let workflow = &paper.records[1]["additionalEventData"]["AuthWorkflowID"];
    for record in &paper.records[1..] {
        assert_eq!(&record["additionalEventData"]["AuthWorkflowID"], workflow);
        assert_eq!(record["additionalEventData"]["UserName"], "demo");
    }
    let authorize = &paper.records[1];
    assert_eq!(
        (&authorize["userIdentity"]["uid"], &authorize["eventSource"]),
        (&1000.into(), &"signin.amazonaws.com".into())
    );
    assert_eq!(authorize["requestParameters"]["redirectUri"], REDIRECT_URI);
    let log = serde_json::to_string(&paper.records).unwrap();
    for secret in [&code, &verifier(), &tokens.access_token, &client.client_secret] {
        assert!(!log.contains(secret.expose()));
    }
}

proptest! {
    /// Clients gather whenever they like and commit in any order, with facts as stale as may be: one token, ever.
    #[test]
    fn one_code_one_token(order in prop::collection::vec((0usize..4, any::<bool>()), 1..40)) {
        let (mut paper, client) = signed_up();
        let code = approved_code(&mut paper, &client);
        let request = exchange(&client, &code);
        let mut gathered: [Option<Option<CodeGrant>>; 4] = [const { None }; 4];
        let mut tokens = Vec::new();
        let mut is_used_again = false;
        for (who, gathers) in order {
            let fresh = gather(&paper, &request);
            if gathers {
                gathered[who] = Some(fresh);
                continue;
            }
            let grant = gathered[who].take().unwrap_or(fresh);
            let verdict = paper.call(|call| token_by_code::decide(call, &request, grant.as_ref()));
            match paper.commit(verdict) {
                Some(Ok(issued)) => tokens.push(issued.reply.access_token),
                Some(Err(_)) => is_used_again = true,
                None => {}
            }
        }
        prop_assert!(tokens.len() <= 1);
        prop_assert_eq!(paper.sessions.len(), tokens.len());
        for token in tokens {
            prop_assert_eq!(paper.open_portal(&token), !is_used_again);
        }
    }
}
