//! `aldis creds`: prints short-term credentials. With a fresh role cache it reads two or three files and writes once:
//! no network, no TLS, nothing started.

use outside::Outside;

use super::keys;
use super::login::Spelling;
use crate::args::OutputFormat;
use crate::args::creds::{CredsArgs, CredsFormat};
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, Kind, credentials};
use crate::request::identity::{self, Origin};

/// Runs it. The AWS CLI's spelling writes nothing but what the AWS CLI writes.
pub(crate) fn run(outside: &Outside, args: &CredsArgs, spelling: Spelling) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let format = args.format;
    if args.global.output == OutputFormat::Json && format != CredsFormat::Process {
        let message = "--output json and --format contradict each other: lines for a shell are no JSON";
        return Err(Failure::new(Kind::Words, message)
            .hint("JSON: aldis creds --format process")
            .hint("or leave --output json out"));
    }
    let command = match spelling {
        Spelling::Own => "aldis creds",
        Spelling::AwsCli => "aldis configure export-credentials",
    };
    let identity = identity::complete(&args.session, &args.role, outside, command)?;
    let identity = identity.with_account_id(outside, style)?;
    if spelling == Spelling::AwsCli || format == CredsFormat::Process {
        let found = keys::credentials(outside, style, &identity, command)?;
        return print(outside, &credentials::write(&found, format)?);
    }
    let mut export = keys::export(outside, style, &identity, Origin::Creds)?;
    // The AWS CLI prefers this variable to AWS_SESSION_TOKEN.
    if outside.env.get("AWS_SECURITY_TOKEN").is_some() {
        export.handover.unset.push("AWS_SECURITY_TOKEN".to_owned());
    }
    if let Some(mark) = export.mark {
        export.handover.set.push((identity::MARKER.to_owned(), mark));
    }
    let lines = credentials::write(&export.credentials, format)?;
    print(outside, &(lines + &credentials::write_handover(&export.handover, format)?))
}
