//! Who calls SSO OIDC: a client id with its secret, checked.

use wire::Secret;
use wire::oidc::OidcError;

use crate::instance::Call;
use crate::things::client::Registration;
use crate::verdict::OidcRefusal;

/// The registration behind a client id and secret that belong together and have not ended.
///
/// # Errors
/// `invalid_client`, with AWS's words, for whatever is wrong: which part it was is nobody's business.
pub fn registration(
    call: &Call<'_>,
    client_id: &str,
    client_secret: &Secret,
) -> Result<Registration, OidcRefusal> {
    let invalid = || OidcRefusal::new(OidcError::InvalidClient, "Invalid client provided");
    let seals = &call.instance.seals;
    let registration = seals.open_registration(client_id).ok_or_else(invalid)?;
    let expected = seals.client_secret(client_id).ok_or_else(invalid)?;
    if expected != *client_secret || registration.expires_at <= call.now {
        return Err(invalid());
    }
    Ok(registration)
}
