//! WhoAmI: the name of the person behind a token. Amazon's portal has the operation for its own page; there it is not documented.

use wire::portal::WhoAmIResponse;

use crate::audit::Event;
use crate::instance::Call;
use crate::portal::{self, Facts};
use crate::verdict::{PortalRefusal, Verdict};

/// Names the person.
pub fn decide(call: &Call<'_>, facts: &Facts) -> Verdict<WhoAmIResponse, PortalRefusal> {
    let entry = portal::entry(call, Event::WhoAmI, facts);
    let changes = portal::presented(call, facts);
    match portal::account_bearer(call, facts) {
        Ok(bearer) => {
            let reply = WhoAmIResponse { user_name: bearer.session.person.clone() };
            Verdict::accept(reply, changes, vec![entry])
        }
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.message);
            Verdict::refuse(refusal, changes, vec![entry])
        }
    }
}
