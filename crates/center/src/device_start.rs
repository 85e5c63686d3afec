//! StartDeviceAuthorization: steps 1 and 2 of the device grant (see `things/device_grant.rs`).

use serde_json::json;
use wire::oidc::{OidcError, StartDeviceAuthorizationRequest, StartDeviceAuthorizationResponse};
use wire::words::printable;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::client::Registration;
use crate::things::device_grant::{DeviceGrant, State};
use crate::things::handle::{ClientHash, Kind, mint};
use crate::things::{registered, user_code};
use crate::verdict::{OidcRefusal, Verdict};

/// What is kept of a user agent, in characters (S55).
const LONGEST_AGENT: usize = 64;

/// Makes a device grant, or says why not. With auto-approval it is approved from the start.
pub fn decide(
    call: &Call<'_>,
    request: &StartDeviceAuthorizationRequest,
) -> Verdict<StartDeviceAuthorizationResponse, OidcRefusal> {
    let entry = Entry::new(call, Event::StartDeviceAuthorization).request(json!({
        "clientId": request.client_id,
        "startUrl": request.start_url,
    }));
    match check(call, request) {
        Ok(registration) => start(call, request, &registration, entry),
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.description);
            Verdict::refuse(refusal, Vec::new(), vec![entry])
        }
    }
}

fn check(call: &Call<'_>, request: &StartDeviceAuthorizationRequest) -> Result<Registration, OidcRefusal> {
    let registration = registered::registration(call, &request.client_id, &request.client_secret)?;
    if !registration.grants.device_code {
        let what = "The client is not registered for the device_code grant";
        return Err(OidcRefusal::new(OidcError::UnauthorizedClient, what));
    }
    if !call.instance.is_named_by(&request.start_url) {
        return Err(OidcRefusal::new(
            OidcError::InvalidRequest,
            "The startUrl does not name this organisation",
        ));
    }
    Ok(registration)
}

fn start(
    call: &Call<'_>,
    request: &StartDeviceAuthorizationRequest,
    registration: &Registration,
    entry: Entry,
) -> Verdict<StartDeviceAuthorizationResponse, OidcRefusal> {
    let (device_code, handle) = mint(call, Kind::DeviceCode);
    let lifetimes = &call.instance.lifetimes;
    let workflow = call.uuid();
    let mut entries = vec![entry.workflow(&workflow).additional("ClientName", json!(registration.name))];
    let state = match &call.instance.auto_approve {
        Some(person) => {
            entries.push(
                Entry::new(call, Event::DecideDeviceAuthorization)
                    .workflow(&workflow)
                    .person(call, person)
                    .additional("Decision", json!("approve"))
                    .additional("DecidedBy", json!("AUTO-APPROVE")),
            );
            State::Approved { person: person.clone() }
        }
        None => State::Pending,
    };
    let code = user_code::roll(call);
    let grant = DeviceGrant {
        handle,
        user_code: user_code::kept(&call.instance.seals, &code),
        client: ClientHash::of(&request.client_id),
        client_name: registration.name.clone(),
        scopes: registration.scopes,
        workflow,
        started_from: call.caller.address.clone(),
        user_agent: printable(&call.caller.user_agent, LONGEST_AGENT),
        expires_at: call.after(lifetimes.device_code),
        state,
    };
    let verification_uri = call.instance.verification_uri();
    let reply = StartDeviceAuthorizationResponse {
        device_code,
        verification_uri_complete: Some(format!("{verification_uri}?user_code={code}")),
        user_code: code,
        verification_uri,
        expires_in: lifetimes.device_code.as_secs(),
        interval: Some(lifetimes.poll_interval),
    };
    Verdict::accept(reply, vec![Change::AddDeviceGrant(grant)], entries)
}
