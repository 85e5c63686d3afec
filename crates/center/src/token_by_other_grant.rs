//! CreateToken with a grant type that gives nothing here: one that is not known, or the authorization code, of which
//! none is given out yet.

use serde_json::json;
use wire::oidc::{CreateTokenRequest, CreateTokenResponse, GRANT_AUTHORIZATION_CODE, OidcError};

use crate::audit::{Entry, Event};
use crate::instance::Call;
use crate::things::registered;
use crate::verdict::{OidcRefusal, Verdict};

/// Says which it is.
pub fn decide(call: &Call<'_>, request: &CreateTokenRequest) -> Verdict<CreateTokenResponse, OidcRefusal> {
    let refusal = match registered::registration(call, &request.client_id, &request.client_secret) {
        Err(refusal) => refusal,
        Ok(registration) if request.grant_type == GRANT_AUTHORIZATION_CODE => {
            if registration.grants.authorization_code {
                OidcRefusal::new(OidcError::InvalidGrant, "Invalid grant provided")
            } else {
                let what = "The client is not registered for the authorization_code grant";
                OidcRefusal::new(OidcError::UnauthorizedClient, what)
            }
        }
        Ok(_) => OidcRefusal::new(OidcError::UnsupportedGrantType, "Unknown grant type"),
    };
    let entry = Entry::new(call, Event::CreateToken)
        .request(json!({ "clientId": request.client_id, "grantType": request.grant_type }))
        .refused(refusal.error.exception(), &refusal.description);
    Verdict::refuse(refusal, Vec::new(), vec![entry])
}
