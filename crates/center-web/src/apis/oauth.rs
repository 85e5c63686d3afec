//! The standard face: dynamic registration (RFC 7591), the device grant (RFC 8628), the authorization code grant and refresh
//! (RFC 6749), and revocation (RFC 7009) over the same rules as Amazon's, form-encoded and in snake case, for clients that know no AWS.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{Extension, Form, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use center::client_register::Proof;
use center::things::handle::{Handle, Kind};
use center::{Call, Caller, Issued, OidcRefusal, revoke};
use center_store::Store;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use wire::Secret;
use wire::oidc::{
    CLIENT_TYPE_PUBLIC, CreateTokenRequest, GRANT_AUTHORIZATION_CODE, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN,
    OidcError, RegisterClientRequest, RegisterClientResponse, SCOPE_ACCOUNT_ACCESS,
    StartDeviceAuthorizationRequest,
};

use super::{Members, oidc};
use crate::decide::turn;
use crate::refusals;
use crate::routes::Who;
use crate::shared::Shared;

pub(crate) const PATH_REGISTER: &str = "/oauth/register";
pub(crate) const PATH_AUTHORIZE: &str = "/oauth/authorize";
pub(crate) const PATH_DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
pub(crate) const PATH_TOKEN: &str = "/oauth/token";
pub(crate) const PATH_REVOKE: &str = "/oauth/revoke";

const AUTH_NONE: &str = "none";
const AUTH_POST: &str = "client_secret_post";
const AUTH_BASIC: &str = "client_secret_basic";
/// How a client may prove itself. Not at all is allowed: a program on somebody's own machine keeps no secret from them
/// (RFC 8252 section 8.5), and its id can only come from here.
pub(crate) const AUTH_METHODS: [&str; 3] = [AUTH_NONE, AUTH_POST, AUTH_BASIC];

const CHALLENGE: &str = "Basic realm=\"aldis\", charset=\"UTF-8\"";
const NAMELESS: &str = "unnamed client";

/// A registration request; what is not listed is ignored (RFC 7591 section 2).
#[derive(Debug, Deserialize)]
struct Registration {
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    scope: Option<String>,
    token_endpoint_auth_method: Option<String>,
}

/// A registration as it was made (RFC 7591 section 3.2.1).
#[derive(Debug, Serialize)]
struct Registered {
    client_id: String,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    client_name: String,
    redirect_uris: Vec<String>,
    grant_types: Vec<&'static str>,
    response_types: Vec<&'static str>,
    scope: String,
    token_endpoint_auth_method: String,
}

/// RFC 8628 section 3.2.
#[derive(Debug, Serialize)]
struct DeviceAuthorization {
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<i64>,
}

/// RFC 6749 section 5.1.
#[derive(Debug, Serialize)]
struct Token {
    access_token: Secret,
    token_type: String,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Secret>,
    /// Always told, since it is not always what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

pub(crate) async fn register<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (request, method) = match registration(body) {
        Ok(request) => request,
        Err(refusal) => return refusals::oauth(&refusal, None),
    };
    let proof = if method == AUTH_NONE { Proof::None } else { Proof::Secret };
    match oidc::register(&shared, &caller, &request, proof).await {
        Ok(reply) => refusals::json(201, &registered(&shared, request.client_name, reply, method)),
        Err(refusal) => refusals::oauth(&refusal, None),
    }
}

/// What the client asks for, in Amazon's words, and how it wants to prove itself.
fn registration(body: Result<Bytes, BytesRejection>) -> Result<(RegisterClientRequest, String), OidcRefusal> {
    let invalid = |what: String| OidcRefusal::new(OidcError::InvalidClientMetadata, what);
    let asked: Registration = oidc::decode(body).map_err(|refusal| invalid(refusal.description))?;
    let method = asked.token_endpoint_auth_method.unwrap_or_else(|| AUTH_BASIC.to_owned());
    if !AUTH_METHODS.contains(&method.as_str()) {
        let what = format!("token_endpoint_auth_method must be one of {}", AUTH_METHODS.join(", "));
        return Err(invalid(what));
    }
    // Without scopes Amazon makes its old kind of client, without refresh: nothing that a standard client expects.
    let scope = asked.scope.filter(|scope| !scope.trim().is_empty());
    let scope = scope.unwrap_or_else(|| SCOPE_ACCOUNT_ACCESS.to_owned());
    let request = RegisterClientRequest {
        client_name: asked
            .client_name
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| NAMELESS.to_owned()),
        client_type: CLIENT_TYPE_PUBLIC.to_owned(),
        scopes: Some(scope.split_whitespace().map(str::to_owned).collect()),
        redirect_uris: asked.redirect_uris,
        grant_types: asked.grant_types,
        issuer_url: None,
        entitled_application_arn: None,
    };
    Ok((request, method))
}

fn registered<S: Store>(
    shared: &Shared<S>,
    client_name: String,
    reply: RegisterClientResponse,
    method: String,
) -> Registered {
    let sealed = shared.instance.seals.open_registration(&reply.client_id);
    let (redirect_uris, scope, grants) = match sealed {
        Some(sealed) => (sealed.redirect_uris, sealed.scopes.names().join(" "), sealed.grants),
        // What was sealed a moment ago opens.
        None => Default::default(),
    };
    let grant_types = [
        (grants.device_code, GRANT_DEVICE_CODE),
        (grants.authorization_code, GRANT_AUTHORIZATION_CODE),
        (grants.refresh_token, GRANT_REFRESH_TOKEN),
    ];
    let is_secret = method != AUTH_NONE;
    Registered {
        client_id: reply.client_id,
        client_id_issued_at: reply.client_id_issued_at,
        client_secret: is_secret.then_some(reply.client_secret),
        client_secret_expires_at: is_secret.then_some(reply.client_secret_expires_at),
        client_name,
        redirect_uris,
        grant_types: grant_types.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect(),
        response_types: if grants.authorization_code { vec!["code"] } else { Vec::new() },
        scope,
        token_endpoint_auth_method: method,
    }
}

type Pairs = Result<Form<Vec<(String, String)>>, FormRejection>;

pub(crate) async fn device_authorization<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    form: Pairs,
) -> Response {
    let scheme = challenge(&headers);
    let client = match members(form).and_then(|mut form| client(&shared, &headers, &mut form)) {
        Ok(client) => client,
        Err(refusal) => return refusals::oauth(&refusal, scheme),
    };
    let request = StartDeviceAuthorizationRequest {
        client_id: client.id,
        client_secret: client.secret,
        start_url: shared.instance.start_url(),
    };
    match oidc::start(&shared, &caller, &request).await {
        Ok(reply) => {
            let reply = DeviceAuthorization {
                device_code: reply.device_code,
                user_code: reply.user_code,
                verification_uri: reply.verification_uri,
                verification_uri_complete: reply.verification_uri_complete,
                expires_in: reply.expires_in,
                interval: reply.interval,
            };
            refusals::json(200, &reply)
        }
        Err(refusal) => refusals::oauth(&refusal, scheme),
    }
}

pub(crate) async fn token<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    form: Pairs,
) -> Response {
    let scheme = challenge(&headers);
    let token = form.as_ref().ok().and_then(|Form(pairs)| {
        let (_, token) = pairs.iter().find(|(name, _)| name == "refresh_token")?;
        Some(Secret::new(token.as_str()))
    });
    let request = match members(form).and_then(|form| token_request(&shared, &headers, form)) {
        Ok(request) => request,
        Err(refusal) => {
            let refusal = oidc::unread(&shared, &caller, token, refusal).await;
            return refusals::oauth(&refusal, scheme);
        }
    };
    match oidc::token(&shared, &caller, &request).await {
        Ok(Issued { reply, scopes }) => {
            let scope = scopes.names().join(" ");
            let reply = Token {
                access_token: reply.access_token,
                token_type: reply.token_type.unwrap_or_else(|| "Bearer".to_owned()),
                expires_in: reply.expires_in,
                refresh_token: reply.refresh_token,
                scope: (!scope.is_empty()).then_some(scope),
            };
            refusals::json(200, &reply)
        }
        Err(refusal) => refusals::oauth(&refusal, scheme),
    }
}

fn token_request<S: Store>(
    shared: &Shared<S>,
    headers: &HeaderMap,
    mut form: Members,
) -> Result<CreateTokenRequest, OidcRefusal> {
    let client = client(shared, headers, &mut form)?;
    let grant_type = form.take("grant_type");
    let grant_type = grant_type
        .ok_or_else(|| OidcRefusal::new(OidcError::InvalidRequest, "The form must name a grant_type"))?;
    let mut secret = |name: &str| form.take(name).map(Secret::new);
    Ok(CreateTokenRequest {
        client_id: client.id,
        client_secret: client.secret,
        grant_type,
        device_code: secret("device_code"),
        code: secret("code"),
        code_verifier: secret("code_verifier"),
        refresh_token: secret("refresh_token"),
        redirect_uri: form.take("redirect_uri"),
        scope: None,
    })
}

pub(crate) async fn revoke<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    Extension(caller): Who,
    headers: HeaderMap,
    form: Pairs,
) -> Response {
    let token = form.as_ref().ok().and_then(|Form(pairs)| {
        let (_, token) = pairs.iter().find(|(name, _)| name == "token")?;
        Some(Secret::new(token.as_str()))
    });
    let request = members(form).and_then(|mut form| {
        let client = client(&shared, &headers, &mut form)?;
        let has_token = form.take("token").is_some();
        Ok(revoke::Request { client_id: client.id, client_secret: client.secret, has_token })
    });
    match revocation(&shared, &caller, request, token).await {
        Ok(()) => refusals::empty(),
        Err(refusal) => refusals::oauth(&refusal, challenge(&headers)),
    }
}

async fn revocation<S: Store>(
    shared: &Shared<S>,
    caller: &Caller,
    request: Result<revoke::Request, OidcRefusal>,
    token: Option<Secret>,
) -> Result<(), OidcRefusal> {
    let handle_of = |kind| token.as_ref().and_then(|token| Handle::of(&shared.instance.seals, kind, token));
    let (access, refresh) = (&handle_of(Kind::AccessToken), &handle_of(Kind::RefreshToken));
    let gather = || async move {
        Ok(match (access, refresh) {
            (Some(handle), _) => revoke::Facts::Access(shared.store.gather_portal(handle).await?),
            (_, Some(handle)) => revoke::Facts::Refresh(shared.store.gather_token_by_refresh(handle).await?),
            (None, None) => revoke::Facts::NoToken,
        })
    };
    let decide = |call: &Call<'_>, facts: &revoke::Facts| match &request {
        Ok(request) => revoke::decide(call, request, facts),
        Err(refusal) => revoke::refuse_unread(call, refusal.clone(), facts),
    };
    turn(shared, caller, gather, decide).await?
}

/// The members of a form; one without a value counts as absent (RFC 6749 section 3.1).
fn members(form: Pairs) -> Result<Members, OidcRefusal> {
    let invalid = |what: &str| OidcRefusal::new(OidcError::InvalidRequest, what);
    let Form(pairs) = form
        .map_err(|_| invalid("The body must be a form (application/x-www-form-urlencoded), up to 64 KiB"))?;
    let mut members = Members::new(pairs).map_err(|_| invalid("A parameter is repeated"))?;
    members.0.retain(|(_, value)| !value.is_empty());
    Ok(members)
}

/// Who calls: id and secret from the header (RFC 6749 section 2.3.1) or the form; a client that registered as one without a
/// secret is given it here, since the rules ask for one.
#[derive(Debug)]
struct Client {
    id: String,
    secret: Secret,
}

fn client<S: Store>(
    shared: &Shared<S>,
    headers: &HeaderMap,
    form: &mut Members,
) -> Result<Client, OidcRefusal> {
    let (form_id, form_secret) = (form.take("client_id"), form.take("client_secret").map(Secret::new));
    if headers.contains_key(AUTHORIZATION) {
        let client = basic(headers).ok_or_else(|| {
            OidcRefusal::new(OidcError::InvalidClient, "The Authorization header cannot be read")
        })?;
        if form_secret.is_some() || form_id.is_some_and(|id| id != client.id) {
            let what = "The client proves itself twice: in the header and in the form";
            return Err(OidcRefusal::new(OidcError::InvalidRequest, what));
        }
        if !client.secret.is_empty() {
            return Ok(client);
        }
        // An empty secret counts as none (RFC 6749 section 2.3.1).
        return Ok(Client { secret: secret_of(shared, &client.id, None), id: client.id });
    }
    let id = form_id
        .ok_or_else(|| OidcRefusal::new(OidcError::InvalidRequest, "The form must name a client_id"))?;
    Ok(Client { secret: secret_of(shared, &id, form_secret), id })
}

/// The secret that a client gave, or, for one that registered as one without, the one that goes with its id. Everybody else
/// needs one, and the rules refuse an empty one.
fn secret_of<S: Store>(shared: &Shared<S>, id: &str, given: Option<Secret>) -> Secret {
    let seals = &shared.instance.seals;
    let may_leave_it_out = || seals.open_registration(id).is_some_and(|client| client.is_without_secret);
    let secret = given.or_else(|| may_leave_it_out().then(|| seals.client_secret(id)).flatten());
    secret.unwrap_or_else(|| Secret::new(""))
}

fn basic(headers: &HeaderMap) -> Option<Client> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
    Some(Client { id: decoded(id)?, secret: Secret::new(decoded(secret)?) })
}

fn challenge(headers: &HeaderMap) -> Option<&'static str> {
    headers.contains_key(AUTHORIZATION).then_some(CHALLENGE)
}
