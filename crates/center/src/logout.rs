//! Logout: ends the session of a token. Role credentials run to their own end, as Amazon's do.

use crate::audit::Event;
use crate::changes::Change;
use crate::instance::Call;
use crate::portal::{self, Facts};
use crate::verdict::{PortalRefusal, Verdict};

/// Ends the session behind the token.
pub fn decide(call: &Call<'_>, facts: &Facts) -> Verdict<(), PortalRefusal> {
    let entry = portal::entry(call, Event::Logout, facts);
    match portal::bearer(call, facts) {
        Ok(bearer) => {
            let change = Change::EndSession { id: bearer.session.id.clone(), at: call.now };
            Verdict::accept((), vec![change], vec![entry])
        }
        Err(refusal) => {
            let entry = entry.refused(refusal.error.exception(), &refusal.message);
            Verdict::refuse(refusal, portal::presented(call, facts), vec![entry])
        }
    }
}
