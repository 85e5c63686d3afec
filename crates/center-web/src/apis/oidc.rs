//! SSO OIDC: RegisterClient, StartDeviceAuthorization, CreateToken.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::response::Response;
use center::client_register::Proof;
use center::things::handle::{ClientHash, Handle, Kind};
use center::things::registered;
use center::{
    Call, Caller, Issued, OidcRefusal, Pace, client_register, device_start, token_by_code,
    token_by_device_code, token_by_other_grant, token_by_refresh,
};
use center_store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use wire::Secret;
use wire::oidc::{
    CreateTokenRequest, GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN, OidcError,
    RegisterClientRequest, RegisterClientResponse, StartDeviceAuthorizationRequest,
    StartDeviceAuthorizationResponse,
};

use crate::decide::{nothing, turn};
use crate::refusals;
use crate::routes::Who;
use crate::shared::Shared;

type Body = Result<Bytes, BytesRejection>;

pub(crate) async fn register_client<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    body: Body,
) -> Response {
    match decode(body) {
        Ok(request) => reply(register(&shared, &caller, &request, Proof::Secret).await),
        Err(refusal) => refusals::oidc(&refusal),
    }
}

pub(crate) async fn start_device_authorization<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    body: Body,
) -> Response {
    match decode(body) {
        Ok(request) => reply(start(&shared, &caller, &request).await),
        Err(refusal) => refusals::oidc(&refusal),
    }
}

pub(crate) async fn create_token<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    body: Body,
) -> Response {
    let raw = body.as_ref().map(Bytes::clone).unwrap_or_default();
    match decode(body) {
        Ok(request) => reply(token(&shared, &caller, &request).await.map(|issued| issued.reply)),
        Err(refusal) => {
            let object: Option<serde_json::Value> = serde_json::from_slice(&raw).ok();
            let token = object.and_then(|object| object.get("refreshToken")?.as_str().map(Secret::new));
            refusals::oidc(&unread(&shared, &caller, token, refusal).await)
        }
    }
}

/// The refusal of a request that cannot be read, after its refresh token, if one stood in it, is noted as presented.
pub(crate) async fn unread<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    token: Option<Secret>,
    refusal: OidcRefusal,
) -> OidcRefusal {
    let token = token.and_then(|token| Handle::of(&shared.instance.seals, Kind::RefreshToken, &token));
    let Some(handle) = &token else { return refusal };
    let gather = || async move { shared.store.gather_token_by_refresh(handle).await };
    let decide = |call: &Call<'_>, facts: &token_by_refresh::Facts| {
        token_by_refresh::refuse_unread(call, refusal.clone(), facts)
    };
    match turn(shared, caller, gather, decide).await {
        Ok(Err(refusal)) => refusal,
        _ => refusal,
    }
}

/// RegisterClient, whoever asks in whatever words.
pub(crate) async fn register<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: &RegisterClientRequest,
    proof: Proof,
) -> Result<RegisterClientResponse, OidcRefusal> {
    let load = shared.rates.registration(caller, shared.clock.now());
    turn(shared, caller, nothing, |call, ()| client_register::decide(call, request, proof, load)).await?
}

/// StartDeviceAuthorization.
pub(crate) async fn start<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: &StartDeviceAuthorizationRequest,
) -> Result<StartDeviceAuthorizationResponse, OidcRefusal> {
    // A client's share can be used up only by whoever has its secret.
    let is_known =
        |call: &Call<'_>| registered::registration(call, &request.client_id, &request.client_secret);
    let client = shared.call(caller, is_known).is_ok().then(|| ClientHash::of(&request.client_id));
    let load = shared.rates.start(caller, client, shared.clock.now());
    turn(shared, caller, nothing, |call, ()| device_start::decide(call, request, load)).await?
}

/// CreateToken; the grant type picks the use case.
pub(crate) async fn token<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: &CreateTokenRequest,
) -> Result<Issued, OidcRefusal> {
    match request.grant_type.as_str() {
        GRANT_DEVICE_CODE => by_device_code(shared, caller, request).await,
        GRANT_AUTHORIZATION_CODE => by_code(shared, caller, request).await,
        GRANT_REFRESH_TOKEN => by_refresh(shared, caller, request).await,
        _ => turn(shared, caller, nothing, |call, ()| token_by_other_grant::decide(call, request)).await?,
    }
}

async fn by_device_code<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: &CreateTokenRequest,
) -> Result<Issued, OidcRefusal> {
    let handle = &request
        .device_code
        .as_ref()
        .and_then(|code| Handle::of(&shared.instance.seals, Kind::DeviceCode, code));
    // A poll counts once, however often it is decided; codes that nobody gave out are not counted at all.
    let pace = &OnceLock::new();
    let gather = || async move {
        let Some(handle) = handle else {
            return Ok(token_by_device_code::Facts { grant: None, pace: Pace::Ok });
        };
        let grant = shared.store.gather_token_by_device_code(handle).await?;
        let pace = match &grant {
            Some(_) => *pace.get_or_init(|| shared.pacer.poll(handle, shared.clock.now())),
            None => Pace::Ok,
        };
        Ok(token_by_device_code::Facts { grant, pace })
    };
    turn(shared, caller, gather, |call, facts| token_by_device_code::decide(call, request, facts)).await?
}

async fn by_code<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: &CreateTokenRequest,
) -> Result<Issued, OidcRefusal> {
    let handle = &request
        .code
        .as_ref()
        .and_then(|code| Handle::of(&shared.instance.seals, Kind::AuthorizationCode, code));
    let gather = || async move {
        match handle {
            Some(handle) => shared.store.gather_token_by_code(handle).await,
            None => Ok(None),
        }
    };
    turn(shared, caller, gather, |call, grant| token_by_code::decide(call, request, grant.as_ref())).await?
}

async fn by_refresh<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: &CreateTokenRequest,
) -> Result<Issued, OidcRefusal> {
    let handle = &request
        .refresh_token
        .as_ref()
        .and_then(|token| Handle::of(&shared.instance.seals, Kind::RefreshToken, token));
    let gather = || async move {
        match handle {
            Some(handle) => shared.store.gather_token_by_refresh(handle).await,
            None => Ok(token_by_refresh::Facts::default()),
        }
    };
    turn(shared, caller, gather, |call, facts| token_by_refresh::decide(call, request, facts)).await?
}

fn reply(outcome: Result<impl Serialize, OidcRefusal>) -> Response {
    match outcome {
        Ok(reply) => refusals::json(200, &reply),
        Err(refusal) => refusals::oidc(&refusal),
    }
}

/// Reads a body as strictly as AWS does: an object, every member of its type, none missing, none twice. What it is called
/// in `Content-Type` does not matter, and unknown members are ignored.
pub(crate) fn decode<T: DeserializeOwned>(body: Body) -> Result<T, OidcRefusal> {
    let invalid = |what: String| OidcRefusal::new(OidcError::InvalidRequest, what);
    let body = body.map_err(|_| invalid("The body is too large, or broke off".to_owned()))?;
    // A derived parser would take an array with the members in order, too.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(invalid("The body must be a JSON object".to_owned()));
    }
    serde_json::from_slice(&body).map_err(|error| {
        let words = error.to_string();
        // Only these two say nothing of what was sent, which may be a secret.
        let is_about_a_name =
            ["missing field", "duplicate field"].iter().any(|start| words.starts_with(start));
        invalid(match error.classify() {
            Category::Data if is_about_a_name => format!("Cannot be read: {words}"),
            Category::Data => format!("A member has the wrong type (column {})", error.column()),
            _ => "The body is not JSON".to_owned(),
        })
    })
}
