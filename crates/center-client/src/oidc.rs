//! SSO OIDC: RegisterClient, StartDeviceAuthorization, CreateToken.

use serde::Serialize;
use wire::oidc::{
    CreateTokenRequest, CreateTokenResponse, PATH_DEVICE_AUTHORIZATION, PATH_REGISTER, PATH_TOKEN,
    RegisterClientRequest, RegisterClientResponse, StartDeviceAuthorizationRequest,
    StartDeviceAuthorizationResponse,
};

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
    call.read(&calls.patiently(&call)?)
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
    call.read(&calls.patiently(&call)?)
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
    read_token(&call, calls.once(&call)?)
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
