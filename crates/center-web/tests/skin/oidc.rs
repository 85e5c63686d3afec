//! SSO OIDC, field for field and error for error.

use serde_json::{Value, json};
use wire::admin::Decision;
use wire::oidc::OidcError;

use crate::http::Answer;
use crate::running::{Center, DEVICE};

#[track_caller]
fn refused(answer: &Answer, error: OidcError) {
    let name = error.exception();
    assert_eq!(answer.status, error.status(), "{answer:?}");
    assert_eq!(
        answer.header("x-amzn-ErrorType"),
        Some(format!("{name}:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/").as_str())
    );
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("x-amzn-RequestId").map(str::len), Some(36));
    let body = answer.json();
    assert_eq!(body["error"], error.code());
    assert_eq!(body["__type"], format!("com.amazonaws.sso.oidc#{name}"));
    assert_eq!(body["error_description"], body["message"]);
    assert!(!answer.text("message").is_empty());
}

#[test]
fn a_sign_in_from_registration_to_refresh() {
    let center = Center::start();
    let registered = center
        .post(
            "/client/register",
            &json!({
                "clientName": "botocore-client-dev", "clientType": "public", "scopes": ["sso:account:access"],
                "somethingNew": { "that": ["is", "ignored"] },
            }),
        )
        .is(200);
    assert_eq!(registered.header("Cache-Control"), Some("no-store"));
    let body = registered.json();
    let life = body["clientSecretExpiresAt"].as_i64().unwrap() - body["clientIdIssuedAt"].as_i64().unwrap();
    assert_eq!(life, 90 * 86_400);
    assert!(registered.text("clientId").len() <= 100);

    let client = center.client();
    let started = client.start().is(200);
    let (user_code, device_code) = (started.text("userCode"), started.text("deviceCode"));
    let body = started.json();
    assert_eq!((&body["expiresIn"], &body["interval"]), (&json!(600), &json!(1)));
    assert_eq!(body["verificationUri"], format!("{}/device", center.url));
    assert_eq!(body["verificationUriComplete"], format!("{}/device?user_code={user_code}", center.url));

    refused(&client.poll(&device_code), OidcError::AuthorizationPending);
    center.approve(&user_code.to_lowercase().replace('-', " "));
    let token = client.poll(&device_code).is(200);
    assert_eq!(token.header("Cache-Control"), Some("no-store"));
    let body = token.json();
    assert_eq!((&body["tokenType"], &body["expiresIn"]), (&json!("Bearer"), &json!(3600)));
    assert!(token.text("accessToken").starts_with("aoa") && token.text("refreshToken").starts_with("aor"));
    assert_eq!(body.as_object().unwrap().len(), 4);
    refused(&client.poll(&device_code), OidcError::InvalidGrant);

    let refreshed = client.refresh(&token.text("refreshToken")).is(200);
    assert_ne!(refreshed.text("accessToken"), token.text("accessToken"));
    center.portal("/assignment/accounts", &refreshed.text("accessToken")).is(200);
    let again = client.refresh(&token.text("refreshToken")).is(200);
    assert_eq!(again.text("accessToken"), refreshed.text("accessToken"), "within 60 s the same answer");
    center.move_clock(61);
    refused(&client.refresh(&token.text("refreshToken")), OidcError::InvalidGrant);
    center.portal("/assignment/accounts", &refreshed.text("accessToken")).is(401);
}

#[test]
fn every_error_of_the_model() {
    let center = Center::start();
    let client = center.client();
    let started = client.start().is(200);
    let device_code = started.text("deviceCode");
    let register = |more: Value| {
        let mut request = json!({ "clientName": "n", "clientType": "public" });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        center.post("/client/register", &request)
    };

    refused(&client.poll(&device_code), OidcError::AuthorizationPending);
    refused(&client.poll(&device_code), OidcError::AuthorizationPending);
    refused(&client.poll(&device_code), OidcError::SlowDown);
    assert!(matches!(
        center.decide(&started.text("userCode"), Decision::Deny),
        wire::admin::AdminAnswer::Done { .. }
    ));
    center.move_clock(6);
    refused(&client.poll(&device_code), OidcError::AccessDenied);
    center.move_clock(600);
    refused(&client.poll(&device_code), OidcError::ExpiredToken);
    center.move_clock(2 * 3600);
    refused(&client.poll(&device_code), OidcError::InvalidGrant);
    refused(&client.poll("unheard-of"), OidcError::InvalidGrant);
    refused(&client.refresh("aorunheard-of"), OidcError::InvalidGrant);

    let mut stranger = client.clone();
    stranger.secret.push('x');
    refused(&stranger.start(), OidcError::InvalidClient);
    refused(&stranger.poll(&device_code), OidcError::InvalidClient);
    stranger.id = "unheard-of".to_owned();
    refused(&stranger.start(), OidcError::InvalidClient);
    refused(&stranger.refresh("aorunheard-of"), OidcError::InvalidClient);
    refused(&stranger.token(json!({ "grantType": "password" })), OidcError::InvalidClient);

    refused(&register(json!({ "scopes": ["no:such:scope"] })), OidcError::InvalidScope);
    refused(&register(json!({ "clientType": "confidential" })), OidcError::InvalidClientMetadata);
    let neither = json!({ "grantTypes": ["refresh_token"] });
    refused(&register(neither), OidcError::InvalidClientMetadata);
    refused(&register(json!({ "grantTypes": ["password"] })), OidcError::UnsupportedGrantType);
    let elsewhere =
        json!({ "grantTypes": ["authorization_code"], "redirectUris": ["https://evil.example/"] });
    refused(&register(elsewhere), OidcError::InvalidRedirectUri);

    refused(&client.token(json!({ "grantType": "password" })), OidcError::UnsupportedGrantType);
    refused(&client.token(json!({ "grantType": "authorization_code" })), OidcError::UnauthorizedClient);
    let redirect_uris = json!(["http://127.0.0.1/oauth/callback"]);
    let browser =
        center.client_with(json!({ "grantTypes": ["authorization_code"], "redirectUris": redirect_uris }));
    refused(&browser.start(), OidcError::UnauthorizedClient);
    refused(&browser.poll(&device_code), OidcError::UnauthorizedClient);

    refused(&client.token(json!({ "grantType": DEVICE })), OidcError::InvalidRequest);
    refused(&client.token(json!({ "grantType": "refresh_token" })), OidcError::InvalidRequest);
    let elsewhere = json!({
        "clientId": client.id, "clientSecret": client.secret, "startUrl": "https://elsewhere.example/start",
    });
    refused(&center.post("/device_authorization", &elsewhere), OidcError::InvalidRequest);
}

#[test]
fn bodies_are_read_strictly() {
    let center = Center::start();
    let client = center.client();
    let good = json!({ "clientName": "n", "clientType": "public" });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body.to_string()
    };
    let huge = with("clientName", json!("n".repeat(70_000)));
    for body in [
        "",
        " ",
        "null",
        "[]",
        r#"["n", "public"]"#,
        r#""text""#,
        "{",
        r#"{"clientName":"n","clientType":"public"} x"#,
        r#"{"clientName":"n","clientType":"public","clientName":"m"}"#,
        r#"{"clientType":"public"}"#,
        r#"{"clientName":"n"}"#,
        "clientName=n&clientType=public",
        &with("clientName", json!(1)),
        &with("clientName", json!(null)),
        &with("clientType", json!(["public"])),
        &with("scopes", json!("sso:account:access")),
        &with("scopes", json!([1])),
        &with("scopes", json!({})),
        &with("grantTypes", json!("refresh_token")),
        &with("redirectUris", json!([["http://127.0.0.1"]])),
        &with("issuerUrl", json!(true)),
        &huge,
    ] {
        refused(&center.post_text("/client/register", body), OidcError::InvalidRequest);
    }
    let start = json!({ "clientId": client.id, "clientSecret": client.secret });
    refused(&center.post("/device_authorization", &start), OidcError::InvalidRequest);
    refused(&center.post("/token", &start), OidcError::InvalidRequest);
    refused(&client.token(json!({ "grantType": DEVICE, "deviceCode": 1 })), OidcError::InvalidRequest);
    let scope = json!({ "grantType": DEVICE, "deviceCode": "x", "scope": "sso:account:access" });
    refused(&client.token(scope), OidcError::InvalidRequest);

    // What is wrong is said without a word of what was sent.
    let answer = client.token(json!({ "grantType": DEVICE, "refreshToken": ["aor-secret"] }));
    refused(&answer, OidcError::InvalidRequest);
    assert!(!answer.body.contains("aor-secret"), "{answer:?}");
    assert!(center.post("/token", &start).text("message").contains("missing field `grantType`"));

    for content_type in ["application/json", "application/x-amz-json-1.1", "text/plain", ""] {
        let headers = [("Content-Type", content_type)];
        crate::http::send(center.address, "POST /client/register", &headers, good.to_string().as_bytes())
            .is(200);
    }
    center.post_text("/client/register", &with("scopes", json!(null))).is(200);
}

#[test]
fn an_old_kind_of_client_gets_one_long_token() {
    let center = Center::start();
    let client = center.client_with(json!({}));
    let started = client.start().is(200);
    center.approve(&started.text("userCode"));
    let token = client.poll(&started.text("deviceCode")).is(200);
    assert_eq!(token.json()["expiresIn"], 8 * 3600);
    assert_eq!(token.json().get("refreshToken"), None);
    center.portal("/assignment/accounts", &token.text("accessToken")).is(200);
}

#[test]
fn the_pace_of_polls() {
    let center = Center::start();
    let client = center.client();
    let code = client.start().is(200).text("deviceCode");
    let other = client.start().is(200).text("deviceCode");
    for error in [OidcError::AuthorizationPending, OidcError::AuthorizationPending, OidcError::SlowDown] {
        refused(&client.poll(&code), error);
    }
    refused(&client.poll(&other), OidcError::AuthorizationPending);
    center.move_clock(1);
    refused(&client.poll(&code), OidcError::SlowDown);
    center.move_clock(11);
    refused(&client.poll(&code), OidcError::AuthorizationPending);
    let audit = center.audit();
    let polls = audit.iter().filter(|event| event["eventName"] == "CreateToken").count();
    assert_eq!(polls, 0, "a poll that has to wait leaves no trace");
}

#[test]
fn auto_approval() {
    let center = Center::with(crate::running::Wishes { auto_approve: true, ..Default::default() });
    let client = center.client();
    let started = client.start().is(200);
    client.poll(&started.text("deviceCode")).is(200);
}
