//! STS: what is signed with role credentials names the role, and nothing else does.

use jiff::{SignedDuration, Timestamp};
use outside::Clock;
use serde_json::Value;
use wire::Secret;
use wire::sigv4::{Keys, Request, Scope, sign};
use wire::sts::{CallerIdentity, GET_CALLER_IDENTITY, StsError, error_from_xml};

use crate::http::{Answer, send};
use crate::running::{Center, Wishes};

struct Signer {
    id: String,
    key: Secret,
    token: Secret,
}

impl Signer {
    fn new(center: &Center) -> Self {
        let (_, token) = center.sign_in();
        let path = "/federation/credentials?account_id=222233334444&role_name=ReadOnly";
        let answer = center.portal(path, &token.text("accessToken")).is(200).json();
        let text = |name: &str| answer["roleCredentials"][name].as_str().unwrap().to_owned();
        Self {
            id: text("accessKeyId"),
            key: text("secretAccessKey").into(),
            token: text("sessionToken").into(),
        }
    }

    fn headers(&self, center: &Center, body: &str, now: Timestamp) -> Vec<(String, String)> {
        self.headers_for(&center.address.to_string(), body, now)
    }

    fn headers_for(&self, host: &str, body: &str, now: Timestamp) -> Vec<(String, String)> {
        let mut headers = vec![
            ("Host".to_owned(), host.to_owned()),
            ("Content-Type".to_owned(), wire::sts::FORM.to_owned()),
        ];
        let request =
            Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
        let keys =
            Keys { access_key_id: &self.id, secret_access_key: &self.key, session_token: Some(&self.token) };
        let signed = sign(request, &keys, &Scope::new(now, "us-east-1", "sts"), now);
        headers.extend(signed);
        headers
    }
}

fn post(center: &Center, headers: &[(String, String)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(center.address, "POST /", &headers, body.as_bytes())
}

#[track_caller]
fn refused(answer: &Answer, error: StsError) {
    assert_eq!(answer.status, error.status(), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    let (code, message) = error_from_xml(&answer.body).unwrap();
    assert_eq!(code, error.code(), "{answer:?}");
    assert!(!message.is_empty());
    assert!(answer.body.contains(answer.header("x-amzn-RequestId").unwrap()));
}

#[test]
fn s58_a_signature_holds_for_the_host_that_a_listed_proxy_took_away() {
    let proxied = Wishes { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..Wishes::default() };
    for (center, is_listed) in [(Center::with(proxied), true), (Center::start(), false)] {
        let signer = Signer::new(&center);
        let named = "sts.us-east-1.amazonaws.com";
        let mut headers = signer.headers_for(named, GET_CALLER_IDENTITY, Clock::system().now());
        headers[0].1 = center.address.to_string();
        refused(&post(&center, &headers, GET_CALLER_IDENTITY), StsError::SignatureDoesNotMatch);
        headers.push(("X-Forwarded-Host".to_owned(), named.to_owned()));
        let answer = post(&center, &headers, GET_CALLER_IDENTITY);
        if is_listed {
            answer.is(200);
        } else {
            refused(&answer, StsError::SignatureDoesNotMatch);
        }
    }
}

#[test]
fn who_signed() {
    let center = Center::start();
    let signer = Signer::new(&center);
    let headers = signer.headers(&center, GET_CALLER_IDENTITY, Clock::system().now());
    let answer = post(&center, &headers, GET_CALLER_IDENTITY).is(200);
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    let identity = CallerIdentity::from_xml(&answer.body).unwrap();
    assert_eq!(identity.account, "222233334444");
    let role = "arn:aws:sts::222233334444:assumed-role/AWSReservedSSO_ReadOnly_";
    assert!(identity.arn.starts_with(role) && identity.arn.ends_with("/demo"), "{identity:?}");
    let audit = center.audit();
    let event = audit.last().unwrap();
    assert_eq!((&event["eventName"], &event["errorCode"]), (&"GetCallerIdentity".into(), &Value::Null));
    assert_eq!(event["requestID"], answer.header("x-amzn-RequestId").unwrap());
}

#[test]
fn every_error_of_the_table() {
    let center = Center::start();
    let signer = Signer::new(&center);
    let now = Clock::system().now();
    let body = GET_CALLER_IDENTITY;
    let good = signer.headers(&center, body, now);
    let with = |name: &str, value: &str| -> Vec<(String, String)> {
        good.iter()
            .map(|(header, old)| {
                let value = if header == name { value } else { old };
                (header.clone(), value.to_owned())
            })
            .collect()
    };
    let without = |name: &str| -> Vec<(String, String)> {
        good.iter().filter(|(header, _)| header != name).cloned().collect()
    };

    refused(
        &post(&center, &with("x-amz-security-token", "unheard-of"), body),
        StsError::InvalidClientTokenId,
    );
    refused(&post(&center, &without("x-amz-security-token"), body), StsError::InvalidClientTokenId);
    let long_lived = Signer { id: "AKIDEXAMPLE".into(), key: "key".into(), token: signer.token.clone() };
    refused(&post(&center, &long_lived.headers(&center, body, now), body), StsError::InvalidClientTokenId);
    let other_key = Signer { id: signer.id.clone(), key: "key".into(), token: signer.token.clone() };
    refused(&post(&center, &other_key.headers(&center, body, now), body), StsError::SignatureDoesNotMatch);
    let late = signer.headers(&center, body, now - SignedDuration::from_hours(1));
    refused(&post(&center, &late, body), StsError::SignatureDoesNotMatch);
    let other_type = with("Content-Type", "text/plain");
    refused(&post(&center, &other_type, body), StsError::SignatureDoesNotMatch);
    refused(&post(&center, &without("authorization"), body), StsError::MissingAuthenticationToken);
    refused(
        &post(&center, &with("authorization", "AWS4-HMAC-SHA256 nonsense"), body),
        StsError::IncompleteSignature,
    );
    refused(&post(&center, &without("x-amz-date"), body), StsError::IncompleteSignature);
    let action = "Action=GetEverything&Version=2011-06-15";
    refused(&post(&center, &signer.headers(&center, action, now), action), StsError::InvalidAction);
    let version = "Action=GetCallerIdentity&Version=2001-01-01";
    refused(&post(&center, &signer.headers(&center, version, now), version), StsError::InvalidAction);
    refused(&post(&center, &good, ""), StsError::MissingAction);
    refused(&post(&center, &good, &"x".repeat(70_000)), StsError::InvalidAction);
    let in_the_query = send(center.address, "GET /?Action=GetCallerIdentity&Version=2011-06-15", &[], b"");
    refused(&in_the_query, StsError::MissingAuthenticationToken);

    center.move_clock(3600);
    let headers = signer.headers(&center, body, Clock::system().now());
    refused(&post(&center, &headers, body), StsError::ExpiredToken);
}
