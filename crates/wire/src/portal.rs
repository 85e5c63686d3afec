//! The access portal, API version 2019-06-10: accounts, roles and their short-term credentials.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The header that carries the access token of every portal call.
pub const BEARER_HEADER: &str = "x-amz-sso_bearer_token";

/// Path of ListAccounts, a GET with `max_result` and `next_token`.
pub const PATH_ACCOUNTS: &str = "/assignment/accounts";
/// Path of ListAccountRoles, a GET with `account_id`, `max_result` and `next_token`.
pub const PATH_ROLES: &str = "/assignment/roles";
/// Path of GetRoleCredentials, a GET with `role_name` and `account_id`.
pub const PATH_CREDENTIALS: &str = "/federation/credentials";
/// Path of WhoAmI, a GET.
pub const PATH_WHO_AM_I: &str = "/token/whoAmI";
/// Path of Logout, a POST with an empty body.
pub const PATH_LOGOUT: &str = "/logout";

/// One account of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// Twelve digits.
    pub account_id: String,
    /// The name that the organisation gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The address of its root user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
}

/// One page of ListAccounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAccountsResponse {
    /// The accounts of this page.
    #[serde(default)]
    pub account_list: Vec<AccountInfo>,
    /// Asks for the next page; absent or null on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One role of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleInfo {
    /// The name of the permission set.
    pub role_name: String,
    /// The account in which it may be used.
    #[serde(default)]
    pub account_id: String,
}

/// One page of ListAccountRoles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAccountRolesResponse {
    /// The roles of this page.
    #[serde(default)]
    pub role_list: Vec<RoleInfo>,
    /// Asks for the next page; absent or null on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Short-term credentials of one role in one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleCredentials {
    /// The id of the key; not secret.
    pub access_key_id: String,
    /// The key with which requests are signed.
    pub secret_access_key: Secret,
    /// The token that goes along with every signed request.
    pub session_token: Secret,
    /// When they end, in **milliseconds** since 1970.
    pub expiration: i64,
}

/// What GetRoleCredentials answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetRoleCredentialsResponse {
    /// The credentials.
    pub role_credentials: RoleCredentials,
}

/// What WhoAmI answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhoAmIResponse {
    /// The name with which the person signs in.
    pub user_name: String,
}

/// How the portal refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortalError {
    /// A query member is missing or has no meaning.
    InvalidRequest,
    /// The token is unknown, expired or signed out.
    Unauthorized,
    /// The role is not assigned to this person (not in AWS's model, and real).
    Forbidden,
    /// No such account.
    ResourceNotFound,
    /// Asked too often.
    TooManyRequests,
    /// The server failed.
    Internal,
}

impl PortalError {
    /// Every refusal.
    pub const ALL: [Self; 6] = [
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::ResourceNotFound,
        Self::TooManyRequests,
        Self::Internal,
    ];

    /// The name of the exception.
    pub fn exception(self) -> &'static str {
        match self {
            Self::InvalidRequest => "InvalidRequestException",
            Self::Unauthorized => "UnauthorizedException",
            Self::Forbidden => "ForbiddenException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::Internal => "InternalServerException",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::ResourceNotFound => 404,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
        }
    }

    /// Finds a refusal by the exception's name, in any of AWS's spellings.
    pub fn from_exception(name: &str) -> Option<Self> {
        let name = crate::words::bare_error_name(name);
        Self::ALL.into_iter().find(|error| error.exception() == name)
    }

    /// Finds a refusal by status, for answers that name none (proxies, older services).
    pub fn from_status(status: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.status() == status)
    }
}

/// The body of a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalErrorBody {
    /// What happened, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The exception with its namespace.
    #[serde(default, rename = "__type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
}
