//! `aldis exec`: becomes another program that has the credentials of the identity in use.

use outside::{Outside, programs};

use super::keys;
use crate::args::exec::ExecArgs;
use crate::report::words::Style;
use crate::report::{Exit, Failure, hints};
use crate::request;
use crate::request::identity::Origin;

/// Runs it. Comes back only where the command could not be started.
pub(crate) fn run(outside: &Outside, args: ExecArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let request = request::exec::complete(args, outside)?;
    let identity = request.identity.with_account_id(outside, style)?;
    let export = keys::export(outside, style, &identity, Origin::Exec)?;
    let region = export.region.as_deref();
    let changes =
        request::exec::changes(&outside.env, &export.credentials, region, export.handover, export.mark);
    let error = programs::become_program(&request.program, &request.arguments, &changes);
    Err(hints::not_started(error, &request.program, outside))
}
