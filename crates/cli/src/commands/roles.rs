//! `aldis roles`: lists roles.

use aws_formats::config::account_id::is_account_id;
use center_client::portal::RolesOfAccounts;
use outside::Outside;
use signin::role_credentials::PortalCallError;

use crate::args::roles::RolesArgs;
use crate::report::news::News;
use crate::report::words::{Style, note, print, warn};
use crate::report::{Exit, Failure, Kind, hints, listing};
use crate::request;
use crate::request::account;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: RolesArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let meant = request::session::complete(&args.session, outside)?;
    meant.tell(outside, style);
    if let Some(remark) = request::identity::remark_on_listing(&args.session, &outside.env, &meant) {
        note(outside, style, remark);
    }
    let session = meant.open(outside).allowing_changed_endpoint(args.endpoint.endpoint_changed);
    let mut news = News::new(outside, style);
    let needs_listing = args.accounts.is_empty() || !args.accounts.iter().all(|text| is_account_id(text));
    let accounts = match needs_listing {
        true => session
            .with_portal(&mut news, |portal| portal.accounts())
            .map_err(|error| hints::portal(error, &meant))?,
        false => Vec::new(),
    };
    let account_ids: Vec<String> = if args.accounts.is_empty() {
        accounts.iter().map(|account| account.account_id.clone()).collect()
    } else {
        let id = |text: &String| match is_account_id(text) {
            true => Ok(text.clone()),
            false => account::find(text, &accounts, "aldis roles").map(|account| account.account_id.clone()),
        };
        args.accounts.iter().map(id).collect::<Result<_, _>>()?
    };
    let listed = session
        .with_portal(&mut news, |portal| portal.roles_of_accounts(&account_ids, &|_, _| ()))
        .map_err(|error| hints::portal(error, &meant))?;
    let RolesOfAccounts { roles, mut refused } = listed;
    if account_ids.len() == 1
        && let Some(refused) = refused.pop()
    {
        return Err(hints::portal(PortalCallError::Call(refused.error), &meant));
    }
    if roles.is_empty() && refused.is_empty() {
        note(outside, style, "No role is assigned to you there");
    }
    for refused in &refused {
        warn(outside, style, listing::refused(refused, &accounts));
    }
    print(outside, &listing::roles(&roles, &accounts, style))?;
    match refused.len() {
        0 => Ok(Exit::Done),
        count => Err(Failure::new(Kind::Refused, listing::refused_count(count, account_ids.len()))),
    }
}
