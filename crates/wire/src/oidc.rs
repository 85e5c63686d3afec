//! SSO OIDC, API version 2019-06-10: what clients ask, what an Identity Center answers, how it refuses.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The `grantType` of the device grant (RFC 8628 section 3.4).
pub const GRANT_DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The `grantType` of the authorization code grant (RFC 6749 section 4.1.3).
pub const GRANT_AUTHORIZATION_CODE: &str = "authorization_code";
/// The `grantType` of a refresh (RFC 6749 section 6).
pub const GRANT_REFRESH_TOKEN: &str = "refresh_token";
/// The scope that opens the access portal.
pub const SCOPE_ACCOUNT_ACCESS: &str = "sso:account:access";
/// The only `clientType` that RegisterClient takes.
pub const CLIENT_TYPE_PUBLIC: &str = "public";

/// Path of RegisterClient, a POST.
pub const PATH_REGISTER: &str = "/client/register";
/// Path of StartDeviceAuthorization, a POST.
pub const PATH_DEVICE_AUTHORIZATION: &str = "/device_authorization";
/// Path of CreateToken, a POST.
pub const PATH_TOKEN: &str = "/token";

/// RegisterClient, `POST /client/register`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterClientRequest {
    /// The name that a person is shown, chosen by the client and not verified by anybody.
    pub client_name: String,
    /// Must be `public`.
    pub client_type: String,
    /// Wanted scopes; absent for the old kind of registration (legacy profiles).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Where an authorization code may be sent, without port for loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<String>>,
    /// Wanted grants; absent means device code and refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// The start URL or issuer for which `/authorize` will be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_url: Option<String>,
    /// The application that the client speaks for; taken and not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitled_application_arn: Option<String>,
}

/// What RegisterClient answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterClientResponse {
    /// The new client's id.
    pub client_id: String,
    /// The secret that goes with the id in each later call.
    pub client_secret: Secret,
    /// When the id was made, in seconds since 1970.
    #[serde(default)]
    pub client_id_issued_at: i64,
    /// When id and secret end, in seconds since 1970.
    pub client_secret_expires_at: i64,
    /// Where `/authorize` is; no known client reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// Where CreateToken is; no known client reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
}

/// StartDeviceAuthorization, `POST /device_authorization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartDeviceAuthorizationRequest {
    /// The registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The start URL, which names the organisation.
    pub start_url: String,
}

/// What StartDeviceAuthorization answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartDeviceAuthorizationResponse {
    /// The code with which the client polls.
    pub device_code: Secret,
    /// The short code that the person compares or types.
    pub user_code: String,
    /// Where the person types the user code.
    pub verification_uri: String,
    /// The same place with the code filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Life of both codes in seconds.
    pub expires_in: i64,
    /// Seconds to wait between two polls; 5 where a server sends none (RFC 8628 section 3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<i64>,
}

/// CreateToken, `POST /token`; which members count depends on the grant type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateTokenRequest {
    /// The registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// One of the `GRANT_…` constants.
    pub grant_type: String,
    /// For the device grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_code: Option<Secret>,
    /// For the authorization code grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
    /// For the authorization code grant: the redirect URI with the port that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// For the authorization code grant: the PKCE verifier (RFC 7636).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<Secret>,
    /// For the refresh grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// Has no effect: a token always has all registered scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
}

impl CreateTokenRequest {
    /// A poll of the device grant.
    pub fn device_code(client_id: &str, client_secret: &Secret, device_code: &Secret) -> Self {
        let mut request = Self::bare(client_id, client_secret, GRANT_DEVICE_CODE);
        request.device_code = Some(device_code.clone());
        request
    }

    /// An exchange of an authorization code, with the redirect URI to which it was sent.
    pub fn authorization_code(
        client_id: &str,
        client_secret: &Secret,
        code: &Secret,
        redirect_uri: &str,
        code_verifier: &Secret,
    ) -> Self {
        let mut request = Self::bare(client_id, client_secret, GRANT_AUTHORIZATION_CODE);
        request.code = Some(code.clone());
        request.redirect_uri = Some(redirect_uri.to_owned());
        request.code_verifier = Some(code_verifier.clone());
        request
    }

    /// A refresh.
    pub fn refresh_token(client_id: &str, client_secret: &Secret, refresh_token: &Secret) -> Self {
        let mut request = Self::bare(client_id, client_secret, GRANT_REFRESH_TOKEN);
        request.refresh_token = Some(refresh_token.clone());
        request
    }

    fn bare(client_id: &str, client_secret: &Secret, grant_type: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: client_secret.clone(),
            grant_type: grant_type.to_owned(),
            device_code: None,
            code: None,
            redirect_uri: None,
            code_verifier: None,
            refresh_token: None,
            scope: None,
        }
    }
}

/// What CreateToken answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateTokenResponse {
    /// The token that opens the access portal.
    pub access_token: Secret,
    /// `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Life of the access token in seconds.
    pub expires_in: i64,
    /// The token for the next refresh; absent for registrations without scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

/// How SSO OIDC refuses: one name, three spellings and a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OidcError {
    /// The person has not decided yet.
    AuthorizationPending,
    /// Polled too soon: wait five seconds longer from now on.
    SlowDown,
    /// The device code's time is over.
    ExpiredToken,
    /// The person said no.
    AccessDenied,
    /// The code or refresh token is unknown, used, or another client's.
    InvalidGrant,
    /// The registration is unknown, stale, or its secret wrong.
    InvalidClient,
    /// A scope that is not known here.
    InvalidScope,
    /// The client did not register for this grant.
    UnauthorizedClient,
    /// A grant type that is not known here.
    UnsupportedGrantType,
    /// The registration asks for something impossible.
    InvalidClientMetadata,
    /// A redirect URI that is not allowed.
    InvalidRedirectUri,
    /// A member is missing, wrongly typed or meaningless.
    InvalidRequest,
    /// The server failed.
    InternalServer,
}

impl OidcError {
    /// Every refusal, in the order of the service model.
    pub const ALL: [Self; 13] = [
        Self::AuthorizationPending,
        Self::SlowDown,
        Self::ExpiredToken,
        Self::AccessDenied,
        Self::InvalidGrant,
        Self::InvalidClient,
        Self::InvalidScope,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidClientMetadata,
        Self::InvalidRedirectUri,
        Self::InvalidRequest,
        Self::InternalServer,
    ];

    /// The name of the exception in AWS's service model, as `x-amzn-ErrorType` carries it.
    pub fn exception(self) -> &'static str {
        match self {
            Self::AuthorizationPending => "AuthorizationPendingException",
            Self::SlowDown => "SlowDownException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::AccessDenied => "AccessDeniedException",
            Self::InvalidGrant => "InvalidGrantException",
            Self::InvalidClient => "InvalidClientException",
            Self::InvalidScope => "InvalidScopeException",
            Self::UnauthorizedClient => "UnauthorizedClientException",
            Self::UnsupportedGrantType => "UnsupportedGrantTypeException",
            Self::InvalidClientMetadata => "InvalidClientMetadataException",
            Self::InvalidRedirectUri => "InvalidRedirectUriException",
            Self::InvalidRequest => "InvalidRequestException",
            Self::InternalServer => "InternalServerException",
        }
    }

    /// The `error` code of RFC 6749, RFC 8628 and RFC 7591.
    pub fn code(self) -> &'static str {
        match self {
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidClient => "invalid_client",
            Self::InvalidScope => "invalid_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InternalServer => "server_error",
        }
    }

    /// The HTTP status: 400, but 401 for the client and 500 for the server.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::InternalServer => 500,
            _ => 400,
        }
    }

    /// Finds a refusal by the exception's name, as a header (`Name:http://…`) or a `__type`
    /// (`namespace#Name`) spells it.
    pub fn from_exception(name: &str) -> Option<Self> {
        let name = crate::words::bare_error_name(name);
        Self::ALL.into_iter().find(|error| error.exception() == name)
    }

    /// Finds a refusal by its RFC code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }
}

/// The body of a refusal, with every member that one client or another reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcErrorBody {
    /// The RFC code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What happened, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// The same, for the older AWS CLIs that print only this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The exception with its namespace.
    #[serde(default, rename = "__type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_found_by_each_spelling() {
        for error in OidcError::ALL {
            let header =
                format!("{}:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/", error.exception());
            assert_eq!(OidcError::from_exception(&header), Some(error));
            assert_eq!(
                OidcError::from_exception(&format!("com.amazonaws.sso.oidc#{}", error.exception())),
                Some(error)
            );
            assert_eq!(OidcError::from_code(error.code()), Some(error));
        }
        assert_eq!(OidcError::from_exception("NoSuchException"), None);
    }

    #[test]
    fn absent_and_null_members_are_the_same() {
        let text = r#"{"clientName":"n","clientType":"public","scopes":null,"somethingNew":1}"#;
        let request: RegisterClientRequest = serde_json::from_str(text).unwrap();
        assert_eq!(request.scopes, None);
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"clientName":"n","clientType":"public"}"#);
    }

    #[test]
    fn wrongly_typed_members_are_errors() {
        for text in [
            r#"{"clientName":1,"clientType":"public"}"#,
            r#"{"clientName":"n","clientType":"public","scopes":"sso:account:access"}"#,
            r#"{"clientType":"public"}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<RegisterClientRequest>(text).is_err(), "{text}");
        }
    }
}
