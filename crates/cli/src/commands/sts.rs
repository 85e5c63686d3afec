//! `aldis sts get-caller-identity`: the AWS CLI's spelling of `whoami`, with its output and its exit codes.

use outside::Outside;

use super::whoami::ask;
use crate::args::sts::{AwsOutput, CallerIdentityArgs};
use crate::args::{RoleArgs, SessionArgs};
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, Kind, aws_output};
use crate::request::config::Config;
use crate::request::identity;
use crate::request::profile::{NamedProfile, no_such_profile};
use crate::request::whoami::region;

const COMMAND: &str = "aldis sts get-caller-identity";

/// Runs it.
pub(crate) fn run(outside: &Outside, args: CallerIdentityArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global(), outside);
    if args.query.is_some() {
        return Err(Failure::new(Kind::Words, "--query is not supported here")
            .hint(format!("filter the JSON: {COMMAND} --output json | jq -r .Account")));
    }
    let output = output(&args, outside)?;
    let session = SessionArgs { profile: args.profile, sso_session: None };
    let role = RoleArgs { endpoint: args.endpoint, ..RoleArgs::default() };
    let identity = identity::complete(&session, &role, outside, COMMAND)?;
    let region = args.region.or_else(|| region(&identity, outside)).ok_or_else(|| {
        Failure::new(Kind::Configuration, "You must specify a region.")
            .hint(format!("name one: {COMMAND} --region us-east-1"))
            .hint("or do without one, as aldis knows where the center is: aldis whoami")
    })?;
    let found = ask(outside, style, &identity, Some(&region), COMMAND)?;
    // A table is as wide as the terminal of its reader; the AWS CLI takes 80 columns for all others.
    let columns = if outside.terminal.output { outside.terminal.columns() } else { 80 };
    print(outside, &aws_output::caller_identity(&found, output, columns))
}

/// The format by the AWS CLI's order: option, variable, profile.
fn output(args: &CallerIdentityArgs, outside: &Outside) -> Result<AwsOutput, Failure> {
    let config = Config::read(outside)?;
    let named = NamedProfile::find(args.profile.as_deref(), &outside.env)?;
    let section = config.settings.profile(named.map_or("default", |named| named.name));
    if let Some(named) = named.filter(|_| section.is_none()) {
        return Err(no_such_profile(named, &config));
    }
    if let Some(output) = args.output {
        return Ok(output);
    }
    let of_profile = || section?.get("output").filter(|name| !name.is_empty());
    let Some(name) = outside.env.get("AWS_DEFAULT_OUTPUT").or_else(of_profile) else {
        return Ok(AwsOutput::default());
    };
    AwsOutput::from_name(name).ok_or_else(|| {
        let name = wire::words::printable(name, 64);
        Failure::new(Kind::Other, format!("Unknown output type: {name}"))
            .hint(format!("name one: {COMMAND} --output json"))
    })
}
