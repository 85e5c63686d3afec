//! `aldis accounts`: lists accounts.

use outside::Outside;

use crate::args::accounts::AccountsArgs;
use crate::report::news::News;
use crate::report::words::{Style, note, print};
use crate::report::{Exit, Failure, hints, listing};
use crate::request;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: AccountsArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let meant = request::session::complete(&args.session, outside)?;
    meant.tell(outside, style);
    if let Some(remark) = request::identity::remark_on_listing(&args.session, &outside.env, &meant) {
        note(outside, style, remark);
    }
    let session = meant.open(outside).allowing_changed_endpoint(args.endpoint.endpoint_changed);
    let accounts = session
        .with_portal(&mut News::new(outside, style), |portal| portal.accounts())
        .map_err(|error| hints::portal(error, &meant))?;
    if accounts.is_empty() {
        note(outside, style, "No account is assigned to you");
    }
    print(outside, &listing::accounts(&accounts, style))
}
