//! `aldis whoami`: asks STS whose credentials these are.

use outside::Outside;

use crate::args::whoami::WhoamiArgs;
use crate::report::news::News;
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, hints, listing};
use crate::request;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: WhoamiArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let request = request::whoami::complete(args, outside)?;
    let role = &request.role.with_account_id(outside, style)?;
    role.meant.tell(outside, style);
    let session = role.open(outside);
    let mut news = News::new(outside, style);
    let identity = session
        .identity_of_role((&role.account_id, &role.role_name), request.region.as_deref(), &mut news)
        .map_err(|error| hints::portal(error, &role.meant))?;
    print(outside, &listing::identity(&identity, style))
}
