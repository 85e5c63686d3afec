//! GetRoleCredentials: short-term credentials that are their own record. The session token is the sealed truth, the secret
//! key a MAC of the key id; nothing is stored.

use wire::portal::{GetRoleCredentialsResponse, PortalError, RoleCredentials};

use crate::audit::{Entry, Event};
use crate::instance::Call;
use crate::organisation::base32;
use crate::portal::{self, Facts};
use crate::seal::RoleClaims;
use crate::verdict::{PortalRefusal, Verdict};

/// What is asked, as the query has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// In which account.
    pub account_id: Option<String>,
    /// As what.
    pub role_name: Option<String>,
}

/// Mints credentials for an assigned role.
pub fn decide(
    call: &Call<'_>,
    request: &Request,
    facts: &Facts,
) -> Verdict<GetRoleCredentialsResponse, PortalRefusal> {
    let empty = String::new();
    let entry = portal::entry(call, Event::GetRoleCredentials, facts)
        .role(request.account_id.as_ref().unwrap_or(&empty), request.role_name.as_ref().unwrap_or(&empty));
    let changes = portal::presented(call, facts);
    match mint(call, request, facts) {
        Ok(reply) => {
            let entry = with_key(entry, &reply.role_credentials);
            Verdict::accept(reply, changes, vec![entry])
        }
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.message);
            Verdict::refuse(refusal, changes, vec![entry])
        }
    }
}

fn mint(
    call: &Call<'_>,
    request: &Request,
    facts: &Facts,
) -> Result<GetRoleCredentialsResponse, PortalRefusal> {
    let session = portal::account_bearer(call, facts)?.session;
    let account = portal::account_id(request.account_id.as_ref())?;
    let role = request
        .role_name
        .as_deref()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| PortalRefusal::new(PortalError::InvalidRequest, "role_name is missing"))?;
    let roles = call.instance.organisation.roles_of(&session.person, account);
    let permission_set = roles
        .iter()
        .find(|set| set.name == role)
        .ok_or_else(|| PortalRefusal::new(PortalError::Forbidden, "No access"))?;
    let expires_at =
        call.after(jiff::SignedDuration::from_hours(permission_set.session_hours)).as_second() * 1000;
    let claims = RoleClaims {
        access_key_id: format!("ASIA{}", base32(&call.random::<16>())),
        account: account.to_owned(),
        role: role.to_owned(),
        person: session.person.clone(),
        expires_at,
        workflow: session.workflow.clone(),
    };
    let seals = &call.instance.seals;
    let session_token = seals.seal_role(call, &claims);
    let secret_access_key = seals
        .role_secret(session_token.expose(), &claims.access_key_id)
        .ok_or_else(|| PortalRefusal::new(PortalError::Internal, "The credentials could not be sealed"))?;
    let access_key_id = claims.access_key_id;
    Ok(GetRoleCredentialsResponse {
        role_credentials: RoleCredentials {
            access_key_id,
            secret_access_key,
            session_token,
            expiration: expires_at,
        },
    })
}

fn with_key(entry: Entry, credentials: &RoleCredentials) -> Entry {
    entry.additional("AccessKeyId", serde_json::json!(credentials.access_key_id))
}
