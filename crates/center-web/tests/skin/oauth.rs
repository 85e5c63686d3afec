//! The standard face, as RFC 6749, 7591, 8414 and 8628 have it.

use serde_json::{Value, json};

use crate::http::Answer;
use crate::running::{Center, DEVICE, Wishes};

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.json()["error"], error, "{answer:?}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("x-amzn-ErrorType"), None);
    assert!(!answer.text("error_description").contains(['"', '\\']));
}

fn registered(center: &Center, method: &str) -> Answer {
    let request = json!({
        "client_name": "a standard client", "token_endpoint_auth_method": method,
        "grant_types": [DEVICE, "refresh_token"], "scope": "sso:account:access openid",
        "application_type": "native", "software_id": 7,
    });
    center.post("/oauth/register", &request).is(201)
}

/// `text` as a form's value, every byte of it escaped, as some clients do.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn s13_s35_metadata() {
    let center = Center::start();
    let answer = center.get("/.well-known/oauth-authorization-server").is(200);
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], center.url, "byte for byte");
    for (name, path) in [
        ("registration_endpoint", "/oauth/register"),
        ("authorization_endpoint", "/oauth/authorize"),
        ("device_authorization_endpoint", "/oauth/device_authorization"),
        ("token_endpoint", "/oauth/token"),
        ("revocation_endpoint", "/oauth/revoke"),
    ] {
        assert_eq!(metadata[name], format!("{}{path}", center.url));
    }
    assert_eq!(metadata["grant_types_supported"], json!([DEVICE, "authorization_code", "refresh_token"]));
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["response_modes_supported"], json!(["query"]));
    for name in ["token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported"] {
        assert_eq!(metadata[name], json!(["none", "client_secret_post", "client_secret_basic"]));
    }
    let openid = center.get("/.well-known/openid-configuration").is(200);
    assert_eq!(openid.json(), metadata, "the same facts");
    for claimed in ["jwks_uri", "userinfo_endpoint", "subject_types_supported", "introspection_endpoint"] {
        assert_eq!(metadata.get(claimed), None, "it has none");
    }
    let faces = &metadata["aldis"];
    assert_eq!(faces["start_url"], format!("{}/start", center.url));
    assert_eq!((&faces["region"], &faces["sts"]), (&json!("us-east-1"), &json!(center.url)));
}

#[test]
fn s36_a_public_client_signs_in() {
    let center = Center::start();
    let client = registered(&center, "none");
    let body = client.json();
    assert_eq!(body.get("client_secret"), None);
    assert_eq!(body.get("client_secret_expires_at"), None);
    assert_eq!(body["scope"], "sso:account:access openid");
    assert_eq!(body["grant_types"], json!([DEVICE, "refresh_token"]));
    assert_eq!(body["client_name"], "a standard client");
    assert_eq!(body["token_endpoint_auth_method"], "none");

    let id = client.text("client_id");
    let started =
        center.post_form("/oauth/device_authorization", &format!("client_id={id}&scope="), &[]).is(200);
    assert_eq!(started.header("Cache-Control"), Some("no-store"));
    assert_eq!(started.json()["interval"], 1);
    assert!(started.text("verification_uri_complete").contains(&started.text("user_code")));
    let poll =
        format!("grant_type={}&client_id={id}&device_code={}", escaped(DEVICE), started.text("device_code"));
    refused(&center.post_form("/oauth/token", &poll, &[]), 400, "authorization_pending");
    refused(&center.post_form("/oauth/token", &poll, &[]), 400, "authorization_pending");
    refused(&center.post_form("/oauth/token", &poll, &[]), 400, "slow_down");
    center.approve(&started.text("user_code"));
    center.move_clock(6);
    let token = center.post_form("/oauth/token", &poll, &[]).is(200);
    assert_eq!(token.header("Cache-Control"), Some("no-store"));
    let body = token.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(body["scope"], "sso:account:access openid");
    center.portal("/assignment/accounts", &token.text("access_token")).is(200);

    let refresh =
        format!("grant_type=refresh_token&client_id={id}&refresh_token={}", token.text("refresh_token"));
    let next = center.post_form("/oauth/token", &refresh, &[]).is(200);
    assert_ne!(next.text("access_token"), token.text("access_token"));
}

/// Signs a client in by the device grant.
fn signed_in(center: &Center, id: &str) -> Answer {
    let started = center.post_form("/oauth/device_authorization", &format!("client_id={id}"), &[]).is(200);
    center.approve(&started.text("user_code"));
    let poll =
        format!("grant_type={}&client_id={id}&device_code={}", escaped(DEVICE), started.text("device_code"));
    center.post_form("/oauth/token", &poll, &[]).is(200)
}

#[test]
fn s32_revocation_ends_the_session_of_either_token() {
    let center = Center::start();
    let id = registered(&center, "none").text("client_id");
    let revoke = |form: &str| center.post_form("/oauth/revoke", form, &[]);
    for (token, hint) in
        [("refresh_token", "refresh_token"), ("access_token", "refresh_token"), ("refresh_token", "x")]
    {
        let tokens = signed_in(&center, &id);
        let form = format!("client_id={id}&token={}&token_type_hint={hint}", tokens.text(token));
        for _ in 0..2 {
            let answer = revoke(&form).is(200);
            assert_eq!((answer.body.as_str(), answer.header("Cache-Control")), ("", Some("no-store")));
        }
        center.portal("/assignment/accounts", &tokens.text("access_token")).is(401);
        let refresh =
            format!("grant_type=refresh_token&client_id={id}&refresh_token={}", tokens.text("refresh_token"));
        refused(&center.post_form("/oauth/token", &refresh, &[]), 400, "invalid_grant");
    }
    let log = center.audit();
    let ended = log.iter().filter(|event| event["additionalEventData"]["SessionEnded"] == true);
    assert_eq!(ended.filter(|event| event["eventName"] == "RevokeToken").count(), 3);
}

#[test]
fn s32_what_is_not_the_clients_own_is_answered_alike_and_lives_on() {
    let center = Center::start();
    let id = registered(&center, "none").text("client_id");
    let tokens = signed_in(&center, &id);
    let secret = registered(&center, "client_secret_basic");
    let (stranger, secret) = (secret.text("client_id"), secret.text("client_secret"));
    let basic = basic(&escaped(&stranger), &escaped(&secret));
    let unknown = format!("aor{}", "A".repeat(51));
    for token in [&tokens.text("refresh_token"), &tokens.text("access_token"), &unknown, "nonsense"] {
        let form = format!("token={token}");
        let answer = center.post_form("/oauth/revoke", &form, &[("Authorization", &basic)]).is(200);
        assert_eq!(answer.body, "");
    }
    center.portal("/assignment/accounts", &tokens.text("access_token")).is(200);

    let revoke = |form: &str| center.post_form("/oauth/revoke", form, &[]);
    let token = tokens.text("refresh_token");
    refused(&revoke(&format!("client_id=unheard-of&token={token}")), 401, "invalid_client");
    refused(&revoke(&format!("client_id={stranger}&token={token}")), 401, "invalid_client");
    refused(&revoke(&format!("client_id={id}")), 400, "invalid_request");
    refused(&revoke(&format!("client_id={id}&token={token}&token={token}")), 400, "invalid_request");
    refused(&revoke(&format!("token={token}")), 400, "invalid_request");
    center.get("/oauth/revoke").is(405);
    center.portal("/assignment/accounts", &tokens.text("access_token")).is(200);
}

#[test]
fn s30_no_answer_with_a_secret_may_be_kept() {
    let center = Center::start();
    let unkept = |answer: Answer| {
        assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{answer:?}");
        answer
    };
    let client = center.client();
    let registration = json!({ "clientName": "n", "clientType": "public" });
    unkept(center.post("/client/register", &registration).is(200));
    let started = unkept(client.start().is(200));
    center.approve(&started.text("userCode"));
    let token = unkept(client.poll(&started.text("deviceCode")).is(200));
    let role = "/federation/credentials?account_id=111122223333&role_name=ReadOnly";
    unkept(center.portal(role, &token.text("accessToken")).is(200));
    unkept(client.refresh(&token.text("refreshToken")).is(200));

    let id = unkept(center.post("/oauth/register", &json!({})).is(201)).text("client_id");
    unkept(center.post_form("/oauth/device_authorization", &format!("client_id={id}"), &[]).is(401));
    let id = unkept(registered(&center, "none")).text("client_id");
    let tokens = unkept(signed_in(&center, &id));
    let form = format!("client_id={id}&token={}", tokens.text("refresh_token"));
    unkept(center.post_form("/oauth/revoke", &form, &[]).is(200));
}

#[test]
fn s34_there_is_no_password_grant_and_no_implicit_one() {
    let center = Center::start();
    let browser = json!({
        "grant_types": ["authorization_code"], "redirect_uris": ["http://127.0.0.1/oauth/callback"],
        "token_endpoint_auth_method": "none",
    });
    let id = center.post("/oauth/register", &browser).is(201).text("client_id");
    let form = format!("client_id={id}&grant_type=password&username=demo&password=demo");
    refused(&center.post_form("/oauth/token", &form, &[]), 400, "unsupported_grant_type");
    refused(
        &center.post_form("/oauth/token", &form.replace("password&", "client_credentials&"), &[]),
        400,
        "unsupported_grant_type",
    );
    for response_type in ["token", "id_token", "code%20token", "code%20id_token"] {
        let uri = "http%3A%2F%2F127.0.0.1%3A38381%2Foauth%2Fcallback";
        let query = format!("client_id={id}&response_type={response_type}&redirect_uri={uri}&state=5b9d");
        for path in ["/oauth/authorize", "/authorize"] {
            let answer = center.get(&format!("{path}?{query}")).is(303);
            let location = answer.header("location").unwrap();
            assert!(location.contains("?error=unsupported_response_type&"), "{location}");
            assert!(!location.contains(['#']), "{location}");
        }
    }
    for grant in ["password", "implicit", "client_credentials"] {
        let request = json!({ "grant_types": [grant, DEVICE] });
        refused(&center.post("/oauth/register", &request), 400, "unsupported_grant_type");
        for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            assert!(!center.get(path).body.contains(grant));
        }
    }
}

#[test]
fn one_client_may_have_both_grants() {
    let center = Center::with(Wishes { auto_approve: true, ..Wishes::default() });
    let request = json!({
        "grant_types": [DEVICE, "authorization_code", "refresh_token"],
        "redirect_uris": ["http://127.0.0.1/oauth/callback"], "token_endpoint_auth_method": "none",
    });
    let registered = center.post("/oauth/register", &request).is(201);
    assert_eq!(registered.json()["grant_types"], json!([DEVICE, "authorization_code", "refresh_token"]));
    let id = registered.text("client_id");
    let started = center.post_form("/oauth/device_authorization", &format!("client_id={id}"), &[]).is(200);
    let poll =
        format!("grant_type={}&client_id={id}&device_code={}", escaped(DEVICE), started.text("device_code"));
    center.post_form("/oauth/token", &poll, &[]).is(200);
    let uri = "http%3A%2F%2F127.0.0.1%3A38381%2Foauth%2Fcallback";
    let question = format!(
        "client_id={id}&response_type=code&redirect_uri={uri}&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let answer = center.get(&format!("/oauth/authorize?{question}")).is(303);
    let code = answer.header("location").unwrap().split(['=', '&']).nth(1).unwrap().to_owned();
    let exchange = format!(
        "client_id={id}&grant_type=authorization_code&code={code}&redirect_uri={uri}\
         &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    center.post_form("/oauth/token", &exchange, &[]).is(200);
}

#[test]
fn a_client_with_a_secret_proves_itself_in_either_place() {
    let center = Center::start();
    for method in ["client_secret_post", "client_secret_basic"] {
        let client = registered(&center, method);
        let (id, secret) = (client.text("client_id"), client.text("client_secret"));
        let life = client.json()["client_secret_expires_at"].as_i64().unwrap()
            - client.json()["client_id_issued_at"].as_i64().unwrap();
        assert_eq!(life, 90 * 86_400);
        let path = "/oauth/device_authorization";
        center.post_form(path, &format!("client_id={id}&client_secret={secret}"), &[]).is(200);
        let basic = basic(&escaped(&id), &escaped(&secret));
        center.post_form(path, "", &[("Authorization", &basic)]).is(200);
        center.post_form(path, &format!("client_id={id}"), &[("authorization", &basic)]).is(200);

        refused(
            &center.post_form(path, &format!("client_id={id}&client_secret=wrong"), &[]),
            401,
            "invalid_client",
        );
        let wrong = self::basic(&id, "wrong");
        let answer = center.post_form(path, "", &[("Authorization", &wrong)]);
        refused(&answer, 401, "invalid_client");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
        let twice = format!("client_id={id}&client_secret={secret}");
        refused(&center.post_form(path, &twice, &[("Authorization", &basic)]), 400, "invalid_request");
        refused(
            &center.post_form(path, "client_id=other", &[("Authorization", &basic)]),
            400,
            "invalid_request",
        );
    }
    let answer = center.post_form("/oauth/token", "", &[("Authorization", "Bearer x")]);
    refused(&answer, 401, "invalid_client");
}

fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let pair = format!("{id}:{secret}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

#[test]
fn registration_says_what_it_made_of_a_request() {
    let center = Center::start();
    let bare = center.post("/oauth/register", &json!({})).is(201).json();
    assert_eq!(bare["grant_types"], json!([DEVICE, "refresh_token"]));
    assert_eq!(bare["scope"], "sso:account:access");
    assert_eq!(bare["token_endpoint_auth_method"], "client_secret_basic");
    assert!(bare["client_secret"].is_string());
    let browser = json!({
        "grant_types": ["authorization_code"], "redirect_uris": ["http://127.0.0.1/oauth/callback"],
        "token_endpoint_auth_method": "none",
    });
    let browser = center.post("/oauth/register", &browser).is(201).json();
    assert_eq!(browser["response_types"], json!(["code"]));
    assert_eq!(browser["redirect_uris"], json!(["http://127.0.0.1/oauth/callback"]));
    for (request, error) in [
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "invalid_client_metadata"),
        (json!({ "client_name": 7 }), "invalid_client_metadata"),
        (json!({ "scope": ["openid"] }), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
        (json!({ "scope": "no:such \"scope" }), "invalid_scope"),
        (json!({ "redirect_uris": ["https://evil.example"] }), "invalid_redirect_uri"),
    ] {
        refused(&center.post("/oauth/register", &request), 400, error);
    }
}

#[test]
fn s40_forms_are_read_strictly() {
    let center = Center::start();
    let id = registered(&center, "none").text("client_id");
    let token = |form: &str| center.post_form("/oauth/token", form, &[]);
    for form in [
        String::new(),
        "grant_type=refresh_token".to_owned(),
        format!("client_id={id}"),
        format!("client_id={id}&grant_type="),
        format!("client_id={id}&grant_type=refresh_token"),
        format!("client_id={id}&client_id={id}&grant_type=refresh_token&refresh_token=x"),
        format!("client_id={id}&grant_type=refresh_token&refresh_token=x&extra=1&extra=1"),
        format!("client_id={id}&grant_type=refresh_token&refresh_token={}", "x".repeat(70_000)),
    ] {
        refused(&token(&form), 400, "invalid_request");
    }
    refused(&token(&format!("client_id={id}&grant_type=password")), 400, "unsupported_grant_type");
    refused(
        &token(&format!("client_id={id}&grant_type=refresh_token&refresh_token=x")),
        400,
        "invalid_grant",
    );
    refused(&token("client_id=unheard-of&grant_type=refresh_token&refresh_token=x"), 401, "invalid_client");
    let json: Value = json!({ "client_id": id, "grant_type": "refresh_token" });
    refused(&center.post("/oauth/token", &json), 400, "invalid_request");
    center.get("/oauth/token").is(405);
}
