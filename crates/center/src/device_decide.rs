//! A person's word on a waiting device, given by an administrator of the machine on their behalf: step 3 of the device
//! grant (see `things/device_grant.rs`).

use serde_json::json;
use wire::admin::Decision;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::device_grant::{DeviceGrant, State};
use crate::things::user_code;
use crate::verdict::{AdminRefusal, Verdict};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The user code as it was typed.
    pub user_code: String,
    /// On whose behalf.
    pub person: String,
    /// Approve, or deny.
    pub decision: Decision,
    /// The user of the machine who decides.
    pub by_uid: u32,
}

/// It is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What was decided, for a person.
    pub message: String,
}

/// Decides on the grant that waits under the typed code. One text answers codes that are mistyped, over and decided
/// already, so that nobody learns which codes there are (S5).
pub fn decide(
    call: &Call<'_>,
    request: &Request,
    grant: Option<&DeviceGrant>,
) -> Verdict<Decided, AdminRefusal> {
    let entry = Entry::new(call, Event::DecideDeviceAuthorization)
        .administrator(request.by_uid)
        .additional("Decision", json!(request.decision));
    if call.instance.person(&request.person).is_none() {
        return refuse(entry, AdminRefusal::unknown_person(call, &request.person));
    }
    let entry = entry.person(call, &request.person);
    let waiting = grant.filter(|grant| grant.state == State::Pending && call.now < grant.expires_at);
    let Some(grant) = waiting else {
        let message = "no sign-in is waiting under that code: it is mistyped, over or used; ask your terminal for a new one";
        return refuse(entry, AdminRefusal::new("unknown_code", message));
    };
    let entry = entry.workflow(&grant.workflow).additional("ClientName", json!(grant.client_name));
    let (handle, person) = (grant.handle.clone(), request.person.clone());
    let (change, done) = match request.decision {
        Decision::Approve => (Change::ApproveDeviceGrant { handle, person }, "approved"),
        Decision::Deny => (Change::DenyDeviceGrant { handle, person }, "denied"),
    };
    let code = user_code::normalize(&request.user_code).unwrap_or_default();
    let message = format!("{done} {code} on behalf of {}", request.person);
    Verdict::accept(Decided { message }, vec![change], vec![entry])
}

fn refuse(entry: Entry, refusal: AdminRefusal) -> Verdict<Decided, AdminRefusal> {
    let entry = entry.refused(&refusal.code, &refusal.message);
    Verdict::refuse(refusal, Vec::new(), vec![entry])
}
