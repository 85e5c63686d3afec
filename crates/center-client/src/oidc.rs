//! SSO OIDC: RegisterClient, StartDeviceAuthorization, CreateToken.

use serde::Serialize;
use wire::oidc::{
    CreateTokenRequest, CreateTokenResponse, PATH_DEVICE_AUTHORIZATION, PATH_REGISTER, PATH_TOKEN,
    RegisterClientRequest, RegisterClientResponse, StartDeviceAuthorizationRequest,
    StartDeviceAuthorizationResponse,
};

use outside::http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wire::Secret;
use wire::words::printable;

use crate::calls::{Call, CallError, Calls};
use crate::endpoint::Endpoint;
use crate::refusal::Face;

/// Registers a client. Repeated where the server is busy: a registration too many hurts nobody.
///
/// # Errors
/// When there is no registration.
pub fn register_client(
    calls: &Calls,
    endpoint: &Endpoint,
    request: &RegisterClientRequest,
) -> Result<RegisterClientResponse, CallError> {
    let call = post("RegisterClient", endpoint.at(PATH_REGISTER), request);
    let registered: RegisterClientResponse = call.read(&calls.patiently(&call)?)?;
    if registered.client_id.is_empty() || registered.client_secret.expose().is_empty() {
        return Err(call.unreadable("its client has no id or no secret".to_owned()));
    }
    Ok(registered)
}

/// Asks for a device code and a user code. Repeated where the server is busy: a pair of codes too many ends by itself.
///
/// # Errors
/// When there are no codes.
pub fn start_device_authorization(
    calls: &Calls,
    endpoint: &Endpoint,
    request: &StartDeviceAuthorizationRequest,
) -> Result<StartDeviceAuthorizationResponse, CallError> {
    let call = post("StartDeviceAuthorization", endpoint.at(PATH_DEVICE_AUTHORIZATION), request);
    let started: StartDeviceAuthorizationResponse = call.read(&calls.patiently(&call)?)?;
    // What cannot be seen is none.
    let has_user_code = !printable(&started.user_code, usize::MAX).trim().is_empty();
    if started.device_code.expose().is_empty() || !has_user_code {
        return Err(call.unreadable("one of its codes is empty".to_owned()));
    }
    if !is_web(&started.verification_uri) {
        return Err(call.unreadable("its verificationUri is not a web address".to_owned()));
    }
    let verification_uri_complete = started.verification_uri_complete.filter(|address| is_web(address));
    Ok(StartDeviceAuthorizationResponse { verification_uri_complete, ..started })
}

/// Asks for a token, once: whether and when to ask again is the rule of the flow that asks.
///
/// # Errors
/// When there is no token.
pub fn create_token(
    calls: &Calls,
    endpoint: &Endpoint,
    request: &CreateTokenRequest,
) -> Result<CreateTokenResponse, CallError> {
    let call = post("CreateToken", endpoint.at(PATH_TOKEN), request);
    // A poll may be lost, a code is good once.
    let answer = if request.device_code.is_some() { calls.once(&call)? } else { calls.alone(&call)? };
    read_token(&call, answer)
}

/// Asks for the next token by a refresh token, which may be good for one use. Repeated only after a refusal that cannot have
/// spent it: 429, 503, and, if `is_urgent`, a connection that was refused. An answer that was lost is not asked for again.
///
/// # Errors
/// When there is no token.
pub fn refresh_token(
    calls: &Calls,
    endpoint: &Endpoint,
    request: &CreateTokenRequest,
    is_urgent: bool,
) -> Result<CreateTokenResponse, CallError> {
    let call = post("CreateToken", endpoint.at(PATH_TOKEN), request);
    let answer = calls.alone_patiently(&call, |error| error.is_unspent(is_urgent))?;
    read_token(&call, answer)
}

/// Asks whether a center still knows a client: it revokes a token that there is not (RFC 7009 section 2.2), which succeeds, and
/// is refused to clients that are not known. Nothing is changed by it.
///
/// # Errors
/// The refusal, or why there is no answer.
pub fn check_client(
    calls: &Calls,
    revocation: &Endpoint,
    client_id: &str,
    client_secret: &Secret,
) -> Result<(), CallError> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form = format!(
        "token=none&client_id={}&client_secret={}",
        encoded(client_id),
        encoded(client_secret.expose())
    );
    let headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    let request = Request { method: "POST", url: revocation.at(""), headers, body: form.into_bytes() };
    calls.once(&Call { face: Face::Oidc, operation: "revocation", request }).map(drop)
}

/// Whether an address is one for a browser, and not for a program on the person's machine.
fn is_web(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

fn read_token(call: &Call, response: outside::http::Response) -> Result<CreateTokenResponse, CallError> {
    let token: CreateTokenResponse = call.read(&response)?;
    if token.access_token.is_empty() || token.expires_in <= 0 {
        return Err(call.unreadable("the token is empty or over already".to_owned()));
    }
    Ok(token)
}

fn post<T: Serialize>(operation: &'static str, url: String, request: &T) -> Call {
    // Structs of strings always have a JSON form; an empty body would be refused by the server in words.
    Call::post(Face::Oidc, operation, url, serde_json::to_vec(request).unwrap_or_default())
}
