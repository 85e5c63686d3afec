//! AWS Signature Version 4 (algorithm `AWS4-HMAC-SHA256`), made by the client and verified by the center.
//!
//! 1. The canonical request: method, path, query, signed headers, SHA-256 of the body.
//! 2. The text to sign: algorithm, time, scope (`DATE/REGION/SERVICE/aws4_request`), SHA-256 of step 1.
//! 3. The signing key: HMAC chained over date, region, service and `aws4_request`, begun with `AWS4` + secret.
//! 4. The signature: HMAC of step 2 under step 3, in hex, in the `Authorization` header.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::secret::Secret;

/// The one algorithm spoken here.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

pub(crate) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parts of an HTTP request that a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path as sent, percent-encoded.
    pub path: &'a str,
    /// The query as sent, without `?`; empty where there is none.
    pub query: &'a str,
    /// All headers, in any case and order.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

/// The keys of a role session.
#[derive(Debug, Clone)]
pub struct Keys<'a> {
    /// The id of the key.
    pub access_key_id: &'a str,
    /// The key.
    pub secret_access_key: &'a Secret,
    /// The session token that goes along.
    pub session_token: Option<&'a Secret>,
}

/// What a key is good for on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `YYYYMMDD`.
    pub date: String,
    /// For example `us-east-1`.
    pub region: String,
    /// For example `sts`.
    pub service: String,
}

impl Scope {
    /// The scope of a moment.
    pub fn new(now: Timestamp, region: &str, service: &str) -> Self {
        Self { date: amz_date(now)[..8].to_owned(), region: region.to_owned(), service: service.to_owned() }
    }

    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// A moment as `x-amz-date` spells it: `YYYYMMDDTHHMMSSZ`.
pub fn amz_date(moment: Timestamp) -> String {
    moment.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads an `x-amz-date`.
pub fn parse_amz_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
}

/// The headers that sign a request: `x-amz-date`, `x-amz-security-token` where there is one, `authorization`.
/// `request.headers` must hold `host`; all that it holds is signed.
pub fn sign(request: Request<'_>, keys: &Keys<'_>, scope: &Scope, now: Timestamp) -> Vec<(String, String)> {
    let date = amz_date(now);
    let mut added = vec![("x-amz-date".to_owned(), date.clone())];
    if let Some(token) = keys.session_token {
        added.push(("x-amz-security-token".to_owned(), token.expose().to_owned()));
    }
    let headers: Vec<(String, String)> = request.headers.iter().chain(added.iter()).cloned().collect();
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let signature =
        signature(Request { headers: &headers, ..request }, &names, &date, scope, keys.secret_access_key);
    added.push((
        "authorization".to_owned(),
        format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
            keys.access_key_id,
            scope.text(),
            names.join(";"),
        ),
    ));
    added
}

/// An `Authorization` header, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Whose key.
    pub access_key_id: String,
    /// For which day, region and service.
    pub scope: Scope,
    /// Which headers, in lower case.
    pub signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Takes a header apart; nothing where a part is missing or the algorithm is another.
    pub fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix(ALGORITHM)?.trim_start();
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => {}
            }
        }
        let mut parts = credential?.split('/');
        let access_key_id = parts.next()?.to_owned();
        let scope = Scope {
            date: parts.next()?.to_owned(),
            region: parts.next()?.to_owned(),
            service: parts.next()?.to_owned(),
        };
        (parts.next() == Some("aws4_request") && parts.next().is_none()).then_some(())?;
        Some(Self {
            access_key_id,
            scope,
            signed_headers: signed?.split(';').map(str::to_ascii_lowercase).collect(),
            signature: signature?.to_owned(),
        })
    }

    /// Whether this request was signed with that secret at `date` (the value of its `x-amz-date`). Compares in
    /// constant time.
    pub fn verify(&self, request: Request<'_>, date: &str, secret: &Secret) -> bool {
        let expected = signature(request, &self.signed_headers, date, &self.scope, secret);
        expected.as_bytes().ct_eq(self.signature.as_bytes()).into()
    }
}

fn signature(request: Request<'_>, signed: &[String], date: &str, scope: &Scope, secret: &Secret) -> String {
    let canonical = canonical_request(request, signed);
    let text =
        format!("{ALGORITHM}\n{date}\n{}\n{}", scope.text(), hex(&Sha256::digest(canonical.as_bytes())));
    let mut key = mac(format!("AWS4{}", secret.expose()).as_bytes(), scope.date.as_bytes());
    for part in [scope.region.as_str(), scope.service.as_str(), "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    hex(&mac(&key, text.as_bytes()))
}

fn canonical_request(request: Request<'_>, signed: &[String]) -> String {
    let mut text =
        format!("{}\n{}\n{}\n", request.method, canonical_path(request.path), canonical_query(request.query));
    for name in signed {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        text.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    text.push_str(&format!("\n{}\n{}", signed.join(";"), hex(&Sha256::digest(request.body))));
    text
}

/// Every service but S3 encodes the path, which is encoded already, once more.
fn canonical_path(path: &str) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    path.split('/')
        .map(|part| utf8_percent_encode(part, UNRESERVED).to_string())
        .collect::<Vec<_>>()
        .join("/")
}

fn canonical_query(query: &str) -> String {
    let encode = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&decoded, UNRESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so the error cannot happen; an empty MAC would never verify.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    /// The example that AWS documents for Signature Version 4: IAM ListUsers of 30 August 2015.
    #[test]
    fn documented_example() {
        let headers = [
            header("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            header("host", "iam.amazonaws.com"),
        ];
        let request = Request {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &headers,
            body: b"",
        };
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let keys = Keys { access_key_id: "AKIDEXAMPLE", secret_access_key: &secret, session_token: None };
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        let signed = sign(request, &keys, &Scope::new(now, "us-east-1", "iam"), now);
        let authorization = &signed.last().unwrap().1;
        assert!(
            authorization
                .ends_with("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
            "{authorization}"
        );
    }

    fn signed_request(body: &[u8]) -> (Vec<(String, String)>, Secret) {
        let secret = Secret::new("secret");
        let token = Secret::new("token");
        let keys = Keys { access_key_id: "ASIA", secret_access_key: &secret, session_token: Some(&token) };
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut headers = vec![header("host", "127.0.0.1:8765")];
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body };
        let added = sign(request, &keys, &Scope::new(now, "eu-west-1", "sts"), now);
        headers.extend(added);
        (headers, secret)
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else() {
        let (headers, secret) = signed_request(b"Action=GetCallerIdentity");
        let authorization = Authorization::parse(&headers.last().unwrap().1).unwrap();
        let date = &headers.iter().find(|(name, _)| name == "x-amz-date").unwrap().1;
        let request = Request {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: b"Action=GetCallerIdentity",
        };
        assert!(authorization.verify(request, date, &secret));
        assert!(!authorization.verify(request, date, &Secret::new("Secret")));
        assert!(!authorization.verify(Request { body: b"Action=AssumeRole", ..request }, date, &secret));
        assert!(!authorization.verify(Request { query: "a=b", ..request }, date, &secret));
        let mut other = headers.clone();
        other[0].1 = "evil.example".into();
        assert!(!authorization.verify(Request { headers: &other, ..request }, date, &secret));
    }

    #[test]
    fn broken_headers_are_refused() {
        for text in [
            "",
            "Bearer x",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/sts, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/sts/aws4_request, Signature=0",
            "AWS4-HMAC-SHA256 Credential=A/20260101/r/sts/aws4_request/x, SignedHeaders=host, Signature=0",
        ] {
            assert_eq!(Authorization::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_go_there_and_back() {
        let moment: Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        assert_eq!(amz_date(moment), "20260228T235959Z");
        assert_eq!(parse_amz_date("20260228T235959Z"), Some(moment));
        assert_eq!(parse_amz_date("2026-02-28"), None);
    }
}
