//! The registration of this client: which one to ask for, and whether a cached one will do.

use aws_formats::sso_cache::Registration;
use jiff::Timestamp;
use wire::oidc::{CLIENT_TYPE_PUBLIC, RegisterClientRequest, RegisterClientResponse, SCOPE_ACCOUNT_ACCESS};

use super::Client;

/// What RegisterClient is asked for the device flow.
///
/// A session asks for the scopes that are configured. Where none are, it asks for `sso:account:access` and not, as the
/// AWS CLI's device flow does, for none: with that scope a center gives a token of one hour with a refresh token, so
/// the sign-in lasts as long as the session does; without, one fixed token of eight hours. It is also what the AWS
/// CLI's other flow registers, and what AWS documents as the default of `sso_registration_scopes`. A legacy profile
/// asks for none, for it has no place for a refresh token.
pub fn request(session: Option<&str>, scopes: Option<&[String]>, now: Timestamp) -> RegisterClientRequest {
    let name = match session {
        Some(session) => format!("aldis-{session}"),
        None => format!("aldis-{}", now.as_second()),
    };
    RegisterClientRequest {
        client_name: name,
        client_type: CLIENT_TYPE_PUBLIC.to_owned(),
        scopes: wanted_scopes(session, scopes),
        ..RegisterClientRequest::default()
    }
}

/// The scopes to ask for.
pub fn wanted_scopes(session: Option<&str>, scopes: Option<&[String]>) -> Option<Vec<String>> {
    session?;
    Some(scopes.map_or_else(|| vec![SCOPE_ACCOUNT_ACCESS.to_owned()], <[String]>::to_vec))
}

/// The client of a cached registration, if the device flow can use it and get from it what is wanted: the AWS CLI keeps
/// registrations of either flow, with or without scopes, under one name.
pub fn usable(cached: Registration, wanted: Option<&[String]>, now: Timestamp) -> Option<Client> {
    let held = cached.scopes.as_deref().unwrap_or_default();
    let lacks_scopes = wanted.unwrap_or_default().iter().any(|scope| !held.contains(scope));
    (cached.is_usable_at(now) && cached.is_for_device_code() && !lacks_scopes).then_some(Client {
        id: cached.client_id,
        secret: cached.client_secret,
        expires_at: cached.expires_at,
    })
}

/// A registration as it is cached.
pub fn cached(client: &Client, scopes: Option<&[String]>) -> Registration {
    Registration {
        client_id: client.id.clone(),
        client_secret: client.secret.clone(),
        expires_at: client.expires_at,
        scopes: scopes.map(<[String]>::to_vec),
        grant_types: None,
    }
}

/// The client in an answer of RegisterClient.
pub fn client(answer: RegisterClientResponse) -> Client {
    Client {
        id: answer.client_id,
        secret: answer.client_secret,
        // An end that is no moment is none that could be relied on.
        expires_at: Timestamp::from_second(answer.client_secret_expires_at).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn sessions_ask_for_scopes_and_legacy_profiles_for_none() {
        let asked = |session, scopes: Option<&[String]>| {
            let request = request(session, scopes, now());
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
            (cached(901, scope, Some("authorization_code")), false),
            (cached(901, scope, Some(wire::oidc::GRANT_DEVICE_CODE)), true),
        ];
        for (cached, expected) in table {
            assert_eq!(usable(cached.clone(), Some(&wanted), now()).is_some(), expected, "{cached:?}");
        }
        assert!(usable(cached(901, None, None), None, now()).is_some());
    }
}
