//! `aldis exec`: becomes another program that has the credentials of a role.

use outside::{Outside, programs};

use crate::args::exec::ExecArgs;
use crate::report::news::News;
use crate::report::words::Style;
use crate::report::{Exit, Failure, hints};
use crate::request;
use crate::request::role::CredentialsRequest;

/// Runs it. Comes back only where the command could not be started.
pub(crate) fn run(outside: &Outside, args: ExecArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let request = request::exec::complete(args, outside)?;
    let (credentials, region) = match &request.source {
        CredentialsRequest::Role(role) => {
            role.meant.tell(outside, style);
            let session = role.open(outside);
            let credentials = session
                .role_credentials(&role.account_id, &role.role_name, &mut News::new(outside, style))
                .map_err(|error| hints::portal(error, &role.meant))?;
            (credentials, role.meant.profile_region.as_deref())
        }
        CredentialsRequest::LoginSession(login) => {
            (login.credentials.clone(), login.profile_region.as_deref())
        }
    };
    let changes = request::exec::changes(&outside.env, &credentials, region);
    let error = programs::become_program(&request.program, &request.arguments, &changes);
    Err(hints::not_started(error, &request.program, outside))
}
