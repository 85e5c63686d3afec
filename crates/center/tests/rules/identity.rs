use jiff::{SignedDuration, Timestamp};
use wire::portal::RoleCredentials;
use wire::sigv4::{Keys, Request, Scope, sign};
use wire::sts::{GET_CALLER_IDENTITY, StsError};

use center::caller_identity;

use crate::paper::Paper;

fn credentials(paper: &mut Paper) -> RoleCredentials {
    let (_, tokens) = paper.sign_in(Some(&["sso:account:access"]));
    let facts = paper.portal_facts(&tokens.access_token);
    let request = center::role_credentials::Request {
        account_id: Some("111122223333".into()),
        role_name: Some("ReadOnly".into()),
    };
    paper
        .call(|call| center::role_credentials::decide(call, &request, &facts))
        .reply
        .unwrap()
        .role_credentials
}

struct Signed {
    headers: Vec<(String, String)>,
    body: &'static str,
    real_now: Timestamp,
}

fn signed(credentials: &RoleCredentials, now: Timestamp) -> Signed {
    let keys = Keys {
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        session_token: Some(&credentials.session_token),
    };
    let mut headers = vec![("host".to_owned(), "127.0.0.1:8765".to_owned())];
    let body = GET_CALLER_IDENTITY;
    let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
    let added = sign(request, &keys, &Scope::new(now, "eu-central-1", "sts"), now);
    headers.extend(added);
    Signed { headers, body, real_now: now }
}

fn ask(paper: &Paper, signed: &Signed) -> Result<wire::sts::CallerIdentity, StsError> {
    let request = Request {
        method: "POST",
        path: "/",
        query: "",
        headers: &signed.headers,
        body: signed.body.as_bytes(),
    };
    let request = caller_identity::Request { signed: request, real_now: signed.real_now };
    paper.call(|call| caller_identity::decide(call, &request)).reply.map_err(|refusal| refusal.error)
}

#[test]
fn names_account_role_and_person() {
    let mut paper = Paper::new();
    let credentials = credentials(&mut paper);
    let identity = ask(&paper, &signed(&credentials, paper.now)).unwrap();
    assert_eq!(identity.account, "111122223333");
    let role =
        identity.arn.strip_prefix("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ReadOnly_").unwrap();
    assert_eq!((role.len(), &role[16..]), (16 + "/demo".len(), "/demo"));
    assert!(identity.user_id.starts_with("AROA") && identity.user_id.ends_with(":demo"));
    assert_eq!(identity.user_id.len(), 21 + ":demo".len());
}

#[test]
fn each_fault_has_its_error() {
    let mut paper = Paper::new();
    let good = credentials(&mut paper);
    let other = credentials(&mut paper);
    let now = paper.now;
    let without = |name: &str| {
        let mut signed = signed(&good, now);
        signed.headers.retain(|(header, _)| header != name);
        signed
    };
    let set = |name: &str, value: &str| {
        let mut signed = without(name);
        signed.headers.push((name.to_owned(), value.to_owned()));
        signed
    };
    let body = |body: &'static str| Signed { body, ..signed(&good, now) };
    let stolen_token = RoleCredentials { session_token: other.session_token.clone(), ..good.clone() };
    let wrong_secret = RoleCredentials { secret_access_key: "x".into(), ..good.clone() };
    let late = now.checked_sub(SignedDuration::from_mins(16)).unwrap();
    let mut replayed = signed(&good, late);
    replayed.real_now = now;
    let mut doubled = signed(&good, now);
    doubled.headers.push(("x-amz-date".into(), "20200101T000000Z".into()));
    let cases = [
        (without("authorization"), StsError::MissingAuthenticationToken),
        (set("authorization", "Bearer x"), StsError::IncompleteSignature),
        (without("x-amz-date"), StsError::IncompleteSignature),
        (doubled, StsError::IncompleteSignature),
        (without("x-amz-security-token"), StsError::InvalidClientTokenId),
        (set("x-amz-security-token", "nonsense"), StsError::InvalidClientTokenId),
        (signed(&stolen_token, now), StsError::InvalidClientTokenId),
        (signed(&wrong_secret, now), StsError::SignatureDoesNotMatch),
        (set("host", "other"), StsError::SignatureDoesNotMatch),
        (replayed, StsError::SignatureDoesNotMatch),
        (body("Action=GetCallerIdentity&Version=2011-06-15&x=1"), StsError::SignatureDoesNotMatch),
        (body("Action=AssumeRole&Version=2011-06-15"), StsError::InvalidAction),
        (body("Action=GetCallerIdentity&Version=2010-01-01"), StsError::InvalidAction),
        (body("Version=2011-06-15"), StsError::MissingAction),
    ];
    for (number, (signed, expected)) in cases.into_iter().enumerate() {
        assert_eq!(ask(&paper, &signed), Err(expected), "case {number}");
    }
}

#[test]
fn credentials_end_after_their_hour() {
    let mut paper = Paper::new();
    let credentials = credentials(&mut paper);
    paper.pass(3599);
    assert!(ask(&paper, &signed(&credentials, paper.now)).is_ok());
    paper.pass(1);
    assert_eq!(ask(&paper, &signed(&credentials, paper.now)), Err(StsError::ExpiredToken));
}

#[test]
fn a_moved_clock_does_not_trouble_signers_with_the_real_time() {
    let mut paper = Paper::new();
    let credentials = credentials(&mut paper);
    let real = paper.now;
    paper.pass(1800);
    assert!(ask(&paper, &signed(&credentials, real)).is_ok());
}
