//! `aldis roles`: lists roles.

use outside::Outside;

use crate::args::roles::RolesArgs;
use crate::report::news::News;
use crate::report::words::{Style, note, print};
use crate::report::{Exit, Failure, hints, listing};
use crate::request;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: RolesArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let meant = request::session::complete(&args.session, outside)?;
    meant.tell(outside, style);
    if let Some(remark) = request::identity::remark_on_listing(&args.session, &outside.env, &meant) {
        note(outside, style, remark);
    }
    let session = meant.open(outside).allowing_changed_endpoint(args.endpoint.endpoint_changed);
    let roles = session
        .with_portal(&mut News::new(outside, style), |portal| {
            if !args.accounts.is_empty() {
                return portal.roles_in_all(&args.accounts);
            }
            let ids: Vec<String> = portal.accounts()?.into_iter().map(|account| account.account_id).collect();
            portal.roles_in_all(&ids)
        })
        .map_err(|error| hints::portal(error, &meant))?;
    if roles.is_empty() {
        note(outside, style, "No role is assigned to you there");
    }
    print(outside, &listing::roles(&roles, style))
}
