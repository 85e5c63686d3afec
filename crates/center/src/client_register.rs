//! RegisterClient: makes a client id that is the registration itself.

use jiff::Timestamp;
use serde_json::json;
use wire::oidc::{CLIENT_TYPE_PUBLIC, OidcError, RegisterClientRequest, RegisterClientResponse};

use crate::audit::{Entry, Event};
use crate::instance::Call;
use crate::things::client::{Grants, LONGEST_NAME, Registration, Scopes};
use crate::things::redirect_uri::Loopback;
use crate::verdict::{Load, OidcRefusal, Verdict};

/// Redirect URIs beyond this number or length are nothing that AWS takes, and would make a long client id.
const MOST_REDIRECT_URIS: usize = 4;

/// How a client will prove that it is the one that registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// With its secret, as every client of AWS's face.
    Secret,
    /// Not at all: only for clients of the standard face that ask for it.
    None,
}

/// Registers a client, or says what is wrong with what it asks. `load` is how many registered of late.
pub fn decide(
    call: &Call<'_>,
    request: &RegisterClientRequest,
    proof: Proof,
    load: Load,
) -> Verdict<RegisterClientResponse, OidcRefusal> {
    if let Err(refused) = load.check(call, Event::RegistrationBurst) {
        return refused;
    }
    let entry = Entry::new(call, Event::RegisterClient).request(json!({
        "clientName": request.client_name,
        "clientType": request.client_type,
        "scopes": request.scopes,
        "grantTypes": request.grant_types,
        "redirectUris": request.redirect_uris,
    }));
    match register(call, request, proof) {
        Ok(reply) => Verdict::accept(reply, Vec::new(), vec![entry]),
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.description);
            Verdict::refuse(refusal, Vec::new(), vec![entry])
        }
    }
}

fn register(
    call: &Call<'_>,
    request: &RegisterClientRequest,
    proof: Proof,
) -> Result<RegisterClientResponse, OidcRefusal> {
    let registration = Registration {
        name: name(&request.client_name)?,
        redirect_uris: redirect_uris(request.redirect_uris.as_deref().unwrap_or_default())?,
        scopes: Scopes::from_request(request.scopes.as_deref())
            .map_err(|scope| OidcRefusal::new(OidcError::InvalidScope, format!("Unknown scope: {scope}")))?,
        grants: grants(request)?,
        is_without_secret: proof == Proof::None,
        expires_at: whole_seconds(call.after(call.instance.lifetimes.registration)),
    };
    if request.client_type != CLIENT_TYPE_PUBLIC {
        let what = "clientType must be public";
        return Err(OidcRefusal::new(OidcError::InvalidClientMetadata, what));
    }
    if registration.grants.authorization_code && registration.redirect_uris.is_empty() {
        let what = "The authorization_code grant needs a redirect URI";
        return Err(OidcRefusal::new(OidcError::InvalidRedirectUri, what));
    }
    let client_id = call.instance.seals.seal_registration(call, &registration);
    let client_secret =
        call.instance.seals.client_secret(&client_id).ok_or_else(|| {
            OidcRefusal::new(OidcError::InternalServer, "The registration could not be sealed")
        })?;
    Ok(RegisterClientResponse {
        client_id,
        client_secret,
        client_id_issued_at: call.now.as_second(),
        client_secret_expires_at: registration.expires_at.as_second(),
        authorization_endpoint: None,
        token_endpoint: None,
    })
}

fn name(name: &str) -> Result<String, OidcRefusal> {
    let invalid = |what: &str| OidcRefusal::new(OidcError::InvalidClientMetadata, what);
    if name.trim().is_empty() {
        return Err(invalid("clientName must not be empty"));
    }
    if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(invalid("clientName must be at most 255 bytes without control characters"));
    }
    Ok(name.to_owned())
}

fn grants(request: &RegisterClientRequest) -> Result<Grants, OidcRefusal> {
    let grants = Grants::from_request(request.grant_types.as_deref()).map_err(|grant| {
        OidcRefusal::new(OidcError::UnsupportedGrantType, format!("Unknown grant type: {grant}"))
    })?;
    if !grants.device_code && !grants.authorization_code {
        let what = "A registration needs the device_code or the authorization_code grant";
        return Err(OidcRefusal::new(OidcError::InvalidClientMetadata, what));
    }
    Ok(grants)
}

/// Takes what AWS takes: loopback by its number, any port or none, and the path that the AWS CLI uses, or no path (as
/// tools with a fixed port register).
fn redirect_uris(uris: &[String]) -> Result<Vec<String>, OidcRefusal> {
    let refused = |uri: &str| {
        let uri = wire::words::printable(uri, 64);
        let what =
            format!("Not allowed as a redirect URI: {uri} (only http://127.0.0.1[:PORT]/oauth/callback is)");
        OidcRefusal::new(OidcError::InvalidRedirectUri, what)
    };
    if uris.len() > MOST_REDIRECT_URIS {
        return Err(OidcRefusal::new(OidcError::InvalidRedirectUri, "Too many redirect URIs"));
    }
    for uri in uris {
        let loopback = Loopback::parse(uri).ok_or_else(|| refused(uri))?;
        if !matches!(loopback.path, "" | "/oauth/callback") {
            return Err(refused(uri));
        }
    }
    Ok(uris.to_vec())
}

fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}
