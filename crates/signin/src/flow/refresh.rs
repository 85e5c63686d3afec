//! The meaning of a failed refresh.

use center_client::CallError;
use wire::oidc::OidcError;

/// Whether a failed refresh means that the sign-in is over, so that only a new one helps: everything else may pass.
pub fn ends_the_sign_in(error: &CallError) -> bool {
    let over = [
        OidcError::InvalidGrant,
        OidcError::InvalidClient,
        OidcError::ExpiredToken,
        OidcError::AccessDenied,
        OidcError::UnauthorizedClient,
        OidcError::UnsupportedGrantType,
    ];
    error.refusal().is_some_and(|refusal| over.iter().any(|error| refusal.is_oidc(*error)))
}
