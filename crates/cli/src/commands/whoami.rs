//! `aldis whoami`: asks STS whose credentials these are.

use outside::Outside;
use wire::sigv4::Keys;

use crate::args::whoami::WhoamiArgs;
use crate::report::news::News;
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, hints, listing};
use crate::request;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: WhoamiArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let request = request::whoami::complete(args, outside)?;
    let role = &request.role;
    role.meant.tell(outside, style);
    let session = role.meant.open(outside);
    let credentials = session
        .role_credentials(&role.account_id, &role.role_name, &mut News::new(outside, style))
        .map_err(|error| hints::portal(error, &role.meant))?;
    let keys = Keys {
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_access_key,
        session_token: Some(&credentials.session_token),
    };
    let identity = session
        .caller_identity(&keys, request.region.as_deref())
        .map_err(|error| hints::portal(error, &role.meant))?;
    print(outside, &listing::identity(&identity, style))
}
