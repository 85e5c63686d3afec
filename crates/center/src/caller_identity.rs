//! GetCallerIdentity: verifies the signature of a request and says whose it is. No store is asked: the session token is
//! the record.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wire::sigv4::{Authorization, parse_amz_date};
use wire::sts::{CallerIdentity, StsError, VERSION};

use crate::audit::{Entry, Event};
use crate::instance::Call;
use crate::seal::RoleClaims;
use crate::verdict::{StsRefusal, Verdict};

/// How far the clocks of signer and center may be apart.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// A request that came to the STS face.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The HTTP request with all its headers.
    pub signed: wire::sigv4::Request<'a>,
    /// The real time, which signers have even where the center's clock is moved for a test.
    pub real_now: Timestamp,
}

/// Answers who signed, or why that cannot be said.
pub fn decide(call: &Call<'_>, request: &Request<'_>) -> Verdict<CallerIdentity, StsRefusal> {
    let mut entry = Entry::new(call, Event::GetCallerIdentity);
    match verify(call, request) {
        Ok(claims) => {
            entry = about(call, entry, &claims);
            Verdict::accept(identity(call, &claims), Vec::new(), vec![entry])
        }
        Err(refused) => {
            let (refusal, claims) = *refused;
            if let Some(claims) = &claims {
                entry = about(call, entry, claims);
            }
            let entry = entry.refused(refusal.error.code(), &refusal.message);
            Verdict::refuse(refusal, Vec::new(), vec![entry])
        }
    }
}

fn about(call: &Call<'_>, entry: Entry, claims: &RoleClaims) -> Entry {
    entry
        .workflow(&claims.workflow)
        .person(call, &claims.person)
        .role(&claims.account, &claims.role)
        .additional("AccessKeyId", json!(claims.access_key_id))
}

fn identity(call: &Call<'_>, claims: &RoleClaims) -> CallerIdentity {
    let organisation = &call.instance.organisation;
    let role = organisation.reserved_role_name(&claims.account, &claims.role);
    CallerIdentity {
        user_id: format!("{}:{}", organisation.role_id(&claims.account, &claims.role), claims.person),
        account: claims.account.clone(),
        arn: format!("arn:aws:sts::{}:assumed-role/{role}/{}", claims.account, claims.person),
    }
}

/// The refusal, and whose credentials they were where that is certain.
type Refused = Box<(StsRefusal, Option<RoleClaims>)>;

fn verify(call: &Call<'_>, request: &Request<'_>) -> Result<RoleClaims, Refused> {
    let refuse = |error, message: &str| Box::new((StsRefusal::new(error, message), None));
    let signed = request.signed;
    let header = |name: &str| {
        let mut found = signed.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str()).filter(|_| found.next().is_none())
    };
    check_action(&signed)?;
    let authorization = header("authorization").ok_or_else(|| {
        refuse(StsError::MissingAuthenticationToken, "Request is missing Authentication Token")
    })?;
    let authorization = Authorization::parse(authorization)
        .ok_or_else(|| refuse(StsError::IncompleteSignature, "The Authorization header cannot be read"))?;
    let date = header("x-amz-date")
        .ok_or_else(|| refuse(StsError::IncompleteSignature, "The request needs one X-Amz-Date header"))?;
    let names = &authorization.signed_headers;
    let signs = |name: &str| names.iter().any(|signed| signed == name);
    if !signs("host") || !names.is_sorted_by(|one, next| one < next) {
        return Err(refuse(StsError::IncompleteSignature, "SignedHeaders must be in order and name host"));
    }
    let must_be_signed = signed
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| name.starts_with("x-amz-"));
    for name in must_be_signed {
        if !signs(&name) {
            let message = format!("There were headers present in the request which were not signed: {name}");
            return Err(refuse(StsError::SignatureDoesNotMatch, &message));
        }
    }
    let invalid_token =
        || refuse(StsError::InvalidClientTokenId, "The security token included in the request is invalid");
    let token = header("x-amz-security-token").ok_or_else(invalid_token)?;
    let seals = &call.instance.seals;
    let claims = seals.open_role(token).ok_or_else(invalid_token)?;
    if claims.access_key_id != authorization.access_key_id {
        return Err(invalid_token());
    }
    let secret = seals.role_secret(token, &claims.access_key_id).ok_or_else(invalid_token)?;
    let mismatch = |message: &str| refuse(StsError::SignatureDoesNotMatch, message);
    if date.get(..8) != Some(&authorization.scope.date) || authorization.scope.service != "sts" {
        return Err(mismatch("Credential should be scoped to the day of the request and to the service sts"));
    }
    if !authorization.verify(signed, date, &secret) {
        return Err(mismatch(
            "The request signature we calculated does not match the signature you provided",
        ));
    }
    let is_timely = |now: Timestamp| {
        parse_amz_date(date).is_some_and(|date| date.duration_since(now).abs() <= CLOCK_SKEW)
    };
    if !is_timely(call.now) && !is_timely(request.real_now) {
        return Err(mismatch("Signature expired: the date of the request is too far from now"));
    }
    if call.now.as_millisecond() >= claims.expires_at {
        let refusal =
            StsRefusal::new(StsError::ExpiredToken, "The security token included in the request is expired");
        return Err(Box::new((refusal, Some(claims))));
    }
    Ok(claims)
}

/// Looks for the action in the query or the form.
fn check_action(signed: &wire::sigv4::Request<'_>) -> Result<(), Refused> {
    let refuse = |error, message: String| Err(Box::new((StsRefusal::new(error, message), None)));
    let body = String::from_utf8_lossy(signed.body);
    let form = if signed.method == "POST" { body.as_ref() } else { signed.query };
    let member = |name: &str| {
        let mut found =
            form.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
        found.next().map(|(_, value)| value).filter(|_| found.next().is_none())
    };
    match (member("Action"), member("Version")) {
        (None, _) => refuse(StsError::MissingAction, "The request must name one Action".to_owned()),
        (Some("GetCallerIdentity"), Some(VERSION)) => Ok(()),
        (Some(action), version) => {
            let action = wire::words::printable(action, 64);
            let version = wire::words::printable(version.unwrap_or("NO_VERSION_SPECIFIED"), 64);
            refuse(
                StsError::InvalidAction,
                format!("Could not find operation {action} for version {version}"),
            )
        }
    }
}
