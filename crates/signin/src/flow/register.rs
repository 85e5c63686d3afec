//! The registration of this client: which one to ask for, and whether a cached one will do.

use std::time::Duration;

use aws_formats::sso_cache::Registration;
use aws_formats::sso_cache::registration::Grant;
use jiff::Timestamp;
use wire::authorize::REDIRECT_URI;
use wire::oidc::{
    CLIENT_TYPE_PUBLIC, GRANT_AUTHORIZATION_CODE, GRANT_REFRESH_TOKEN, RegisterClientRequest,
    RegisterClientResponse, SCOPE_ACCOUNT_ACCESS,
};

use super::{Client, after};

/// Who registers, for what.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The name of the session; nothing for a legacy profile.
    pub session: Option<&'a str>,
    /// The scopes that it configures.
    pub scopes: Option<&'a [String]>,
    /// The flow that the client is for.
    pub grant: Grant,
    /// The start URL, which tells an authorization endpoint whose question it is.
    pub start_url: &'a str,
}

/// What RegisterClient is asked.
///
/// A session asks for the scopes that are configured. Where none are, it asks for `sso:account:access` and not, as the
/// AWS CLI's device flow does, for none: with that scope a center gives a token of one hour with a refresh token, so
/// the sign-in lasts as long as the session does; without, one fixed token of eight hours. It is also what the AWS
/// CLI's other flow registers, and what AWS documents as the default of `sso_registration_scopes`. A legacy profile
/// asks for none, for it has no place for a refresh token.
pub fn request(wanted: Wanted<'_>, now: Timestamp) -> RegisterClientRequest {
    let name = match wanted.session {
        Some(session) => format!("aldis-{session}"),
        None => format!("aldis-{}", now.as_second()),
    };
    let bare = RegisterClientRequest {
        client_name: name,
        client_type: CLIENT_TYPE_PUBLIC.to_owned(),
        scopes: wanted_scopes(wanted.session, wanted.scopes),
        ..RegisterClientRequest::default()
    };
    match wanted.grant {
        Grant::DeviceCode => bare,
        Grant::AuthorizationCode => RegisterClientRequest {
            grant_types: Some(code_grants()),
            redirect_uris: Some(vec![REDIRECT_URI.to_owned()]),
            issuer_url: Some(wanted.start_url.to_owned()),
            ..bare
        },
    }
}

fn code_grants() -> Vec<String> {
    [GRANT_AUTHORIZATION_CODE, GRANT_REFRESH_TOKEN].map(str::to_owned).to_vec()
}

/// The scopes to ask for.
pub fn wanted_scopes(session: Option<&str>, scopes: Option<&[String]>) -> Option<Vec<String>> {
    session?;
    Some(scopes.map_or_else(|| vec![SCOPE_ACCOUNT_ACCESS.to_owned()], <[String]>::to_vec))
}

/// The client of a cached registration, if it is for the flow and gets what is wanted: the AWS CLI keeps registrations of
/// either flow, with or without scopes, under one name.
pub fn usable(
    cached: Registration,
    grant: Grant,
    wanted: Option<&[String]>,
    now: Timestamp,
) -> Option<Client> {
    let held = cached.scopes.as_deref().unwrap_or_default();
    let lacks_scopes = wanted.unwrap_or_default().iter().any(|scope| !held.contains(scope));
    (cached.is_usable_at(now) && cached.is_for(grant) && !lacks_scopes).then_some(Client {
        id: cached.client_id,
        secret: cached.client_secret,
        expires_at: cached.expires_at,
    })
}

/// A registration as it is cached.
pub fn cached(client: &Client, grant: Grant, scopes: Option<&[String]>) -> Registration {
    Registration {
        client_id: client.id.clone(),
        client_secret: client.secret.clone(),
        expires_at: client.expires_at,
        scopes: scopes.map(<[String]>::to_vec),
        grant_types: (grant == Grant::AuthorizationCode).then(code_grants),
    }
}

/// No registration is used for longer than Identity Center's own, whatever a center says.
const LONGEST_REGISTRATION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The client in an answer of RegisterClient that came at `now`. An end of 0 means none (RFC 7591 section 3.2.1); one that has
/// passed already is kept as it is, so that the client is used for this sign-in and for no other.
pub fn client(answer: RegisterClientResponse, now: Timestamp) -> Client {
    let latest = after(now, LONGEST_REGISTRATION);
    let expires_at = match answer.client_secret_expires_at {
        0 => latest,
        ..0 => Timestamp::UNIX_EPOCH,
        seconds => Timestamp::from_second(seconds).unwrap_or(latest).min(latest),
    };
    Client { id: answer.client_id, secret: answer.client_secret, expires_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn wanted<'a>(session: Option<&'a str>, scopes: Option<&'a [String]>, grant: Grant) -> Wanted<'a> {
        Wanted { session, scopes, grant, start_url: "https://d-1234567890.awsapps.com/start" }
    }

    #[test]
    fn sessions_ask_for_scopes_and_legacy_profiles_for_none() {
        let asked = |session, scopes: Option<&[String]>| {
            let request = request(wanted(session, scopes, Grant::DeviceCode), now());
            assert_eq!((request.grant_types, request.redirect_uris, request.issuer_url), (None, None, None));
            (request.client_name, request.scopes.map(|scopes| scopes.join(" ")))
        };
        let configured = ["a".to_owned(), "b".to_owned()];
        let words = |name: &str, scopes: Option<&str>| (name.to_owned(), scopes.map(str::to_owned));
        assert_eq!(asked(Some("corp"), None), words("aldis-corp", Some("sso:account:access")));
        assert_eq!(asked(Some("corp"), Some(&configured)), words("aldis-corp", Some("a b")));
        assert_eq!(asked(None, None), words("aldis-1795428000", None));
    }

    #[test]
    fn the_end_of_a_registration_is_clamped() {
        let end = |seconds: i64| {
            let answer = RegisterClientResponse {
                client_id: "id".into(),
                client_secret: "secret".into(),
                client_id_issued_at: 0,
                client_secret_expires_at: seconds,
                authorization_endpoint: None,
                token_endpoint: None,
            };
            client(answer, now()).expires_at.as_second()
        };
        let day = 24 * 60 * 60;
        let (begin, latest) = (now().as_second(), now().as_second() + 90 * day);
        for (seconds, expected) in [
            (begin + day, begin + day),
            (latest, latest),
            (latest + 1, latest),
            (begin * 1000, latest),
            (i64::MAX, latest),
            (0, latest),
            (-9, 0),
            (i64::MIN, 0),
            (begin - 1, begin - 1),
        ] {
            assert_eq!(end(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn the_browser_flow_registers_as_the_aws_cli_does() {
        let request = request(wanted(Some("corp"), None, Grant::AuthorizationCode), now());
        assert_eq!(request.grant_types.unwrap(), ["authorization_code", "refresh_token"]);
        assert_eq!(request.redirect_uris.unwrap(), ["http://127.0.0.1/oauth/callback"]);
        assert_eq!(request.issuer_url.as_deref(), Some("https://d-1234567890.awsapps.com/start"));
        assert_eq!(request.scopes.unwrap(), ["sso:account:access"]);
    }

    #[test]
    fn a_client_secret_that_ends_at_0_is_usable() {
        let answer = RegisterClientResponse {
            client_id: "c".into(),
            client_secret: "s".into(),
            client_id_issued_at: 0,
            client_secret_expires_at: 0,
            authorization_endpoint: None,
            token_endpoint: None,
        };
        let kept = cached(&client(answer, now()), Grant::DeviceCode, None);
        assert!(Registration::parse(&kept.to_text()).unwrap().is_usable_at(now()));
    }

    #[test]
    fn a_cached_registration_must_have_time_scopes_and_the_right_kind() {
        let cached = |left: i64, scopes: Option<&str>, grants: Option<&str>| Registration {
            client_id: "id".into(),
            client_secret: "secret".into(),
            expires_at: now() + jiff::SignedDuration::from_secs(left),
            scopes: scopes.map(|scope| vec![scope.to_owned()]),
            grant_types: grants.map(|grant| vec![grant.to_owned(), "refresh_token".to_owned()]),
        };
        let wanted = ["sso:account:access".to_owned()];
        let scope = Some("sso:account:access");
        let table = [
            (cached(901, scope, None), true),
            (cached(900, scope, None), false),
            (cached(-1, scope, None), false),
            (cached(901, None, None), false),
            (cached(901, Some("other"), None), false),
            (cached(901, scope, Some(GRANT_AUTHORIZATION_CODE)), false),
            (cached(901, scope, Some(wire::oidc::GRANT_DEVICE_CODE)), true),
        ];
        let usable_for =
            |cached: &Registration, grant, wanted| usable(cached.clone(), grant, wanted, now()).is_some();
        for (cached, expected) in table {
            assert_eq!(usable_for(&cached, Grant::DeviceCode, Some(&wanted)), expected, "{cached:?}");
        }
        assert!(usable_for(&cached(901, None, None), Grant::DeviceCode, None));
        for (grants, expected) in [(None, false), (Some(GRANT_AUTHORIZATION_CODE), true)] {
            let cached = cached(901, scope, grants);
            assert_eq!(usable_for(&cached, Grant::AuthorizationCode, Some(&wanted)), expected, "{cached:?}");
        }
    }
}
