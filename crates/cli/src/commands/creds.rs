//! `aldis creds`: prints short-term credentials. With a fresh role cache it reads two or three files and writes once:
//! no network, no TLS, nothing started.

use outside::Outside;

use crate::args::creds::CredsArgs;
use crate::report::news::News;
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, credentials, hints};
use crate::request;
use crate::request::role::CredentialsRequest;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: CredsArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let format = args.format;
    let request = match request::role::complete(&args.session, &args.role, outside)? {
        CredentialsRequest::Role(request) => request,
        CredentialsRequest::LoginSession(login) => {
            return print(outside, &credentials::write(&login.credentials, format)?);
        }
    };
    request.meant.tell(outside, style);
    let session = request.open(outside);
    let credentials = session
        .role_credentials(&request.account_id, &request.role_name, &mut News::new(outside, style))
        .map_err(|error| hints::portal(error, &request.meant))?;
    print(outside, &credentials::write(&credentials, format)?)
}
