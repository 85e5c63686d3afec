//! `aldis whoami`: asks STS whose credentials these are.

use outside::Outside;

use crate::args::whoami::WhoamiArgs;
use crate::report::news::News;
use crate::report::words::{Style, print, warn};
use crate::report::{Exit, Failure, hints, listing};
use crate::request;
use crate::request::role::CredentialsRequest;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: WhoamiArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let request = request::whoami::complete(args, outside)?;
    let role = match &request.source {
        CredentialsRequest::Role(role) => role,
        CredentialsRequest::LoginSession(login) => {
            let identity = login.identity(request.region.as_deref(), outside)?;
            return print(outside, &listing::identity(&identity, style));
        }
    };
    role.meant.tell(outside, style);
    for text in &role.warnings {
        warn(outside, style, text);
    }
    let session = role.open(outside);
    let mut news = News::new(outside, style);
    let identity = session
        .identity_of_role((&role.account_id, &role.role_name), request.region.as_deref(), &mut news)
        .map_err(|error| hints::portal(error, &role.meant))?;
    print(outside, &listing::identity(&identity, style))
}
