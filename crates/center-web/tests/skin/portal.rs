//! The access portal, field for field and error for error.

use serde_json::json;
use wire::portal::PortalError;

use crate::http::{Answer, send};
use crate::running::Center;

#[track_caller]
fn refused(answer: &Answer, error: PortalError) {
    let name = error.exception();
    assert_eq!(answer.status, error.status(), "{answer:?}");
    assert!(answer.header("x-amzn-ErrorType").unwrap().starts_with(&format!("{name}:")));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("x-amzn-RequestId").map(str::len), Some(36));
    assert_eq!(answer.json()["__type"], format!("com.amazonaws.switchboard.portal#{name}"));
    assert!(!answer.text("message").is_empty());
}

#[test]
fn accounts_roles_credentials_and_the_end() {
    let center = Center::start();
    let (_, token) = center.sign_in();
    let token = token.text("accessToken");
    let accounts = center.portal("/assignment/accounts", &token).is(200);
    assert_eq!(accounts.header("Cache-Control"), Some("no-store"));
    assert_eq!(
        accounts.json()["accountList"][0],
        json!({ "accountId": "111122223333", "accountName": "development", "emailAddress": "development@example.com" })
    );
    let first = center.portal("/assignment/accounts?max_result=2", &token).is(200);
    let next = first.text("nextToken");
    let second =
        center.portal(&format!("/assignment/accounts?max_result=2&next_token={next}"), &token).is(200);
    assert_eq!(second.json()["accountList"].as_array().unwrap().len(), 1);
    assert_eq!(second.json().get("nextToken"), None);
    let roles = center.portal("/assignment/roles?account_id=111122223333", &token).is(200);
    assert_eq!(roles.json()["roleList"][1], json!({ "roleName": "Developer", "accountId": "111122223333" }));
    let credentials =
        center.portal("/federation/credentials?account_id=111122223333&role_name=Developer", &token).is(200);
    let credentials = &credentials.json()["roleCredentials"];
    assert!(credentials["accessKeyId"].as_str().unwrap().starts_with("ASIA"));
    assert_eq!(credentials["expiration"].as_i64().unwrap().to_string().len(), 13, "milliseconds");

    let ended = center.logout(&token).is(200);
    assert_eq!(ended.body, "");
    refused(&center.logout(&token), PortalError::Unauthorized);
    refused(&center.portal("/assignment/accounts", &token), PortalError::Unauthorized);
}

#[test]
fn every_error_of_the_table() {
    let center = Center::start();
    let (_, token) = center.sign_in();
    let token = token.text("accessToken");
    let accounts = "/assignment/accounts";
    for bad in ["", "unheard-of", "aoaunheard-of"] {
        refused(&center.portal(accounts, bad), PortalError::Unauthorized);
    }
    refused(&center.get(accounts), PortalError::Unauthorized);
    let bearer = ("x-amz-sso_bearer_token", token.as_str());
    let twice = send(center.address, "GET /assignment/accounts", &[bearer, bearer], b"");
    refused(&twice, PortalError::Unauthorized);
    assert_eq!(twice.text("message"), "Session token not found or invalid");

    for path in [
        "/assignment/accounts?max_result=0",
        "/assignment/accounts?max_result=101",
        "/assignment/accounts?max_result=",
        "/assignment/accounts?max_result=1&max_result=1",
        "/assignment/accounts?next_token=%FF",
        "/assignment/accounts?unknown=1&unknown=2",
        "/assignment/roles",
        "/assignment/roles?account_id=1",
        "/assignment/roles?account_id=111122223333&account_id=222233334444",
        "/federation/credentials?account_id=111122223333",
        "/federation/credentials?role_name=Developer",
        "/federation/credentials?account_id=111122223333&role_name=Developer&role_name=ReadOnly",
    ] {
        refused(&center.portal(path, &token), PortalError::InvalidRequest);
    }
    let path = "/assignment/roles?account_id=999999999999";
    refused(&center.portal(path, &token), PortalError::ResourceNotFound);
    for role in ["account_id=111122223333&role_name=Root", "account_id=999999999999&role_name=Developer"] {
        let answer = center.portal(&format!("/federation/credentials?{role}"), &token);
        refused(&answer, PortalError::Forbidden);
        assert_eq!(answer.text("message"), "No access");
    }
    let scopeless = center.client_with(json!({ "scopes": ["openid"] }));
    let started = scopeless.start().is(200);
    center.approve(&started.text("userCode"));
    let other = scopeless.poll(&started.text("deviceCode")).is(200).text("accessToken");
    refused(&center.portal(accounts, &other), PortalError::Forbidden);

    center.portal("/assignment/accounts?unknown=1", &token).is(200);
    center.move_clock(3600);
    refused(&center.portal(accounts, &token), PortalError::Unauthorized);
}

#[test]
fn names_of_headers_have_no_case() {
    let center = Center::start();
    let (_, token) = center.sign_in();
    let token = token.text("accessToken");
    for name in ["X-AMZ-SSO_BEARER_TOKEN", "x-amz-sso_bearer_token", "X-Amz-Sso_Bearer_Token"] {
        send(center.address, "GET /assignment/accounts", &[(name, &token)], b"").is(200);
    }
}
