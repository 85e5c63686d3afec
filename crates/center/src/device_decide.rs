//! A person's word on a waiting device, given on a page or by an administrator of the machine on their behalf: step 3 of the
//! device grant (see `things/device_grant.rs`).

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::json;
use wire::admin::Decision;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::client::Scopes;
use crate::things::decider::Decider;
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
    /// Who says so.
    pub by: Decider,
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
    let entry = request
        .by
        .sign(Entry::new(call, Event::DecideDeviceAuthorization))
        .additional("Decision", json!(request.decision));
    if call.instance.person(&request.person).is_none() {
        return refuse(entry, AdminRefusal::unknown_person(call, &request.person));
    }
    let entry = entry.person(call, &request.person);
    let Some(grant) = waiting(call, grant) else { return refuse(entry, unknown_code()) };
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

/// A device that waits, as a person must see it before they decide (S7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The code, as the terminal shows it.
    pub user_code: String,
    /// What the client calls itself; not verified.
    pub client_name: String,
    /// What it asks for.
    pub scopes: Scopes,
    /// From which address it was started.
    pub started_from: String,
    /// What called itself the starter there; not verified.
    pub user_agent: String,
    /// When.
    pub started_at: Timestamp,
    /// Whether the browser of the person is there, too, as far as addresses tell (S42).
    pub is_near: bool,
}

/// Looks for the grant under a code that a signed-in person gave. What is there is shown and not logged.
pub fn look(
    call: &Call<'_>,
    user_code: &str,
    person: &str,
    grant: Option<&DeviceGrant>,
) -> Verdict<Waiting, AdminRefusal> {
    let entry = Entry::new(call, Event::LookUpUserCode).person(call, person);
    let (Some(grant), Some(user_code)) = (waiting(call, grant), user_code::normalize(user_code)) else {
        let refusal = unknown_code();
        let entry = entry.refused(&refusal.code, &refusal.message);
        return Verdict::refuse(refusal, Vec::new(), vec![entry]);
    };
    let waiting = Waiting {
        user_code,
        client_name: grant.client_name.clone(),
        scopes: grant.scopes,
        started_from: grant.started_from.clone(),
        user_agent: grant.user_agent.clone(),
        started_at: grant.handle.made_at(),
        is_near: is_near(&grant.started_from, &call.caller.address),
    };
    Verdict::accept(waiting, Vec::new(), Vec::new())
}

fn waiting<'a>(call: &Call<'_>, grant: Option<&'a DeviceGrant>) -> Option<&'a DeviceGrant> {
    grant.filter(|grant| grant.state == State::Pending && call.now < grant.expires_at)
}

/// Whether two addresses are one place: the same address, or the same /64 of version 6, within which a machine changes its
/// own address every day.
pub fn is_near(one: &str, other: &str) -> bool {
    let network = |text: &str| match text.parse() {
        Ok(IpAddr::V6(address)) => Some(address.octets()[..8].to_vec()),
        _ => None,
    };
    one == other || network(one).is_some_and(|network_of_one| network(other) == Some(network_of_one))
}

fn unknown_code() -> AdminRefusal {
    let message = "no sign-in is waiting under that code: it is mistyped, over or used; ask your terminal for a new one";
    AdminRefusal::new("unknown_code", message)
}

fn refuse(entry: Entry, refusal: AdminRefusal) -> Verdict<Decided, AdminRefusal> {
    let entry = entry.refused(&refusal.code, &refusal.message);
    Verdict::refuse(refusal, Vec::new(), vec![entry])
}
