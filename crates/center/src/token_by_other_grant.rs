//! CreateToken with a grant type that is not known.

use serde_json::json;
use wire::oidc::{CreateTokenRequest, OidcError};

use crate::audit::{Entry, Event};
use crate::instance::Call;
use crate::things::registered;
use crate::tokens::Issued;
use crate::verdict::{OidcRefusal, Verdict};

/// Says so, to a client that is known.
pub fn decide(call: &Call<'_>, request: &CreateTokenRequest) -> Verdict<Issued, OidcRefusal> {
    let refusal = match registered::registration(call, &request.client_id, &request.client_secret) {
        Err(refusal) => refusal,
        Ok(_) => OidcRefusal::new(OidcError::UnsupportedGrantType, "Unknown grant type"),
    };
    let entry = Entry::new(call, Event::CreateToken)
        .request(json!({ "clientId": request.client_id, "grantType": request.grant_type }))
        .refused(refusal.error.exception(), &refusal.description);
    Verdict::refuse(refusal, Vec::new(), vec![entry])
}
