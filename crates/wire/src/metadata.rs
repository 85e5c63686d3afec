//! What a center says about itself: authorization server metadata (RFC 8414), with members of our own for what
//! an AWS client needs besides.

use serde::{Deserialize, Serialize};

/// Where the document lies below an origin (RFC 8414 section 3).
pub const PATH: &str = "/.well-known/oauth-authorization-server";

/// Where clients of OpenID Connect look (OpenID Connect Discovery 1.0 section 4). The document there is the same: an OAuth
/// client that knows only that place finds it, and no member claims id tokens, keys or subjects, which this center has not.
pub const OPENID_PATH: &str = "/.well-known/openid-configuration";

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The center's address, byte for byte the one under which the document was asked for.
    pub issuer: String,
    /// RFC 6749 section 3.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// RFC 8628 section 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// RFC 6749 section 3.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// RFC 7591.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// What the authorization endpoint gives; the device grant has no response type.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// How the authorization endpoint hands its answer over. Absent would claim fragments, too (RFC 8414 section 2).
    #[serde(default)]
    pub response_modes_supported: Vec<String>,
    /// The grants that may be asked for.
    #[serde(default)]
    pub grant_types_supported: Vec<String>,
    /// The scopes that may be asked for.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
    /// How a client may hide its PKCE verifier (RFC 7636).
    #[serde(default)]
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether each answer of the authorization endpoint names its issuer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// How a client proves itself at the token endpoint.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 7009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// How a client proves itself at the revocation endpoint. Absent would claim HTTP Basic only (RFC 8414 section 2).
    #[serde(default)]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// Ours: the AWS faces of this center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aldis: Option<AwsFaces>,
}

/// Where a center speaks AWS's own protocols. With it a client needs nothing but the start URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsFaces {
    /// The region that the center plays.
    pub region: String,
    /// The start URL to name in StartDeviceAuthorization.
    pub start_url: String,
    /// Base address of SSO OIDC.
    pub sso_oidc: String,
    /// Base address of the access portal.
    pub sso: String,
    /// Base address of STS.
    pub sts: String,
}
