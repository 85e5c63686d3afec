//! What the center says about itself (RFC 8414), the same in both places where clients look.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use center::things::client::KNOWN_SCOPES;
use center_store::Store;
use wire::authorize::{CHALLENGE_METHOD_S256, RESPONSE_TYPE_CODE};
use wire::metadata::{AwsFaces, Metadata};
use wire::oidc::{GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};

use super::oauth;
use crate::refusals;
use crate::shared::Shared;

pub(crate) async fn show<S: Store>(State(shared): State<Arc<Shared<S>>>) -> Response {
    let instance = &shared.instance;
    let url = &instance.url;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let metadata = Metadata {
        issuer: url.clone(),
        authorization_endpoint: Some(format!("{url}{}", oauth::PATH_AUTHORIZE)),
        device_authorization_endpoint: Some(format!("{url}{}", oauth::PATH_DEVICE_AUTHORIZATION)),
        token_endpoint: Some(format!("{url}{}", oauth::PATH_TOKEN)),
        registration_endpoint: Some(format!("{url}{}", oauth::PATH_REGISTER)),
        response_types_supported: texts(&[RESPONSE_TYPE_CODE]),
        response_modes_supported: texts(&["query"]),
        grant_types_supported: texts(&[GRANT_DEVICE_CODE, GRANT_AUTHORIZATION_CODE, GRANT_REFRESH_TOKEN]),
        scopes_supported: texts(&KNOWN_SCOPES),
        code_challenge_methods_supported: texts(&[CHALLENGE_METHOD_S256]),
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: texts(&oauth::AUTH_METHODS),
        revocation_endpoint: Some(format!("{url}{}", oauth::PATH_REVOKE)),
        revocation_endpoint_auth_methods_supported: texts(&oauth::AUTH_METHODS),
        aldis: Some(AwsFaces {
            region: instance.organisation.region.clone(),
            start_url: instance.start_url(),
            sso_oidc: url.clone(),
            sso: url.clone(),
            sts: url.clone(),
        }),
    };
    refusals::json(200, &metadata)
}
