//! CreateToken with a device code: steps 4 to 6 of the device grant (see `things/device_grant.rs`).

use serde_json::json;
use wire::oidc::{CreateTokenRequest, GRANT_DEVICE_CODE, OidcError};

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::device_grant::{DeviceGrant, State};
use crate::things::handle::ClientHash;
use crate::things::registered;
use crate::tokens::{self, Issued, Opening};
use crate::verdict::{OidcRefusal, Pace, Verdict};

/// What a store knows of the device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its grant, if there is one.
    pub grant: Option<DeviceGrant>,
    /// Whether the poll came at its time.
    pub pace: Pace,
}

/// Answers a poll. One that has to wait writes nothing.
pub fn decide(call: &Call<'_>, request: &CreateTokenRequest, facts: &Facts) -> Verdict<Issued, OidcRefusal> {
    let entry = Entry::new(call, Event::CreateToken)
        .request(json!({ "clientId": request.client_id, "grantType": GRANT_DEVICE_CODE }));
    let entry = match &facts.grant {
        Some(grant) => entry.workflow(&grant.workflow),
        None => entry,
    };
    match judge(call, request, facts) {
        Ok((grant, person)) => redeem(call, &grant, &person, entry),
        Err(refusal) if matches!(refusal.error, OidcError::AuthorizationPending | OidcError::SlowDown) => {
            Verdict::wait(refusal)
        }
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.description);
            Verdict::refuse(refusal, Vec::new(), vec![entry])
        }
    }
}

/// The approved grant and in whose name, or why there is no token.
fn judge(
    call: &Call<'_>,
    request: &CreateTokenRequest,
    facts: &Facts,
) -> Result<(DeviceGrant, String), OidcRefusal> {
    let registration = registered::registration(call, &request.client_id, &request.client_secret)?;
    if !registration.grants.device_code {
        let what = "The client is not registered for the device_code grant";
        return Err(OidcRefusal::new(OidcError::UnauthorizedClient, what));
    }
    if request.device_code.is_none() {
        return Err(OidcRefusal::new(OidcError::InvalidRequest, "deviceCode is missing"));
    }
    let invalid = || OidcRefusal::new(OidcError::InvalidGrant, "Invalid grant provided");
    let grant = facts.grant.as_ref().ok_or_else(invalid)?;
    if grant.client != ClientHash::of(&request.client_id) || grant.state == State::Redeemed {
        return Err(invalid());
    }
    if call.now >= grant.expires_at {
        return Err(OidcRefusal::new(OidcError::ExpiredToken, "The device code has expired"));
    }
    if facts.pace == Pace::TooFast {
        return Err(OidcRefusal::new(
            OidcError::SlowDown,
            "Polled too fast: wait 5 seconds longer from now on",
        ));
    }
    match &grant.state {
        State::Pending => {
            Err(OidcRefusal::new(OidcError::AuthorizationPending, "Authorization is still pending"))
        }
        State::Denied { .. } => Err(OidcRefusal::new(OidcError::AccessDenied, "The sign-in was denied")),
        // The account's state is looked at again: who approved may be gone by now (S12).
        State::Approved { person } if call.instance.person(person).is_none() => {
            Err(OidcRefusal::new(OidcError::AccessDenied, "The person who approved may not sign in any more"))
        }
        State::Approved { person } => Ok((grant.clone(), person.clone())),
        State::Redeemed => Err(invalid()),
    }
}

fn redeem(call: &Call<'_>, grant: &DeviceGrant, person: &str, entry: Entry) -> Verdict<Issued, OidcRefusal> {
    let opening = Opening {
        person: person.to_owned(),
        client: grant.client.clone(),
        scopes: grant.scopes,
        workflow: grant.workflow.clone(),
    };
    let opened = tokens::open_session(call, opening);
    let mut changes = vec![Change::RedeemDeviceGrant { handle: grant.handle.clone() }];
    changes.extend(opened.changes);
    Verdict::accept(opened.issued, changes, vec![entry.person(call, person)])
}
