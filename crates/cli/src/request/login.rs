//! What `login` needs.

use aws_formats::config::settings::{File, Value};
use outside::Outside;
use signin::sign_in::{Way, Wish};

use super::session::{self, Meant};
use crate::args::login::{FlowChoice, LoginArgs};
use crate::report::{Failure, Kind};

/// A sign-in, completely.
#[derive(Debug)]
pub(crate) struct LoginRequest {
    /// The session.
    pub(crate) meant: Meant,
    /// How to sign in.
    pub(crate) wish: Wish,
    /// Whether a sign-in that is still good will do.
    pub(crate) if_needed: bool,
}

/// Completes it.
pub(crate) fn complete(args: LoginArgs, outside: &Outside) -> Result<LoginRequest, Failure> {
    let meant = session::complete(&args.session, outside)?;
    let wish = wish(&args, &meant)?;
    Ok(LoginRequest { meant, wish, if_needed: args.if_needed })
}

/// How to sign in to what is meant.
pub(crate) fn wish(args: &LoginArgs, meant: &Meant) -> Result<Wish, Failure> {
    Ok(Wish { way: way(args, meant)?, open_browser: !args.no_browser })
}

/// By which flow: as the options say, else as the files say, else by a browser; a legacy profile by a code, as with the AWS
/// CLI.
fn way(args: &LoginArgs, meant: &Meant) -> Result<Way, Failure> {
    let named = args.flow.or(args.use_device_code.then_some(FlowChoice::Device));
    let configured = || {
        let value = meant.sso.use_device_code.as_ref()?;
        Some(truth(&value.text).map_or_else(
            || Err(bad_value("sso_use_device_code", value, "true or false", meant)),
            |is_device| Ok(if is_device { FlowChoice::Device } else { FlowChoice::Browser }),
        ))
    };
    let usual = if meant.sso.session.is_some() { FlowChoice::Browser } else { FlowChoice::Device };
    let flow = match named {
        Some(flow) => flow,
        None => configured().transpose()?.unwrap_or(usual),
    };
    match flow {
        FlowChoice::Device => Ok(Way::DeviceCode),
        FlowChoice::Browser => Ok(Way::Browser { port: port(args, meant)? }),
    }
}

/// The port of the options, else that of the files, else 0: a free one.
fn port(args: &LoginArgs, meant: &Meant) -> Result<u16, Failure> {
    match (args.redirect_port, &meant.sso.redirect_port) {
        (Some(port), _) => Ok(port),
        (None, Some(value)) => {
            let port = value.text.trim().parse().ok().filter(|port| *port > 0);
            port.ok_or_else(|| bad_value("sso_redirect_port", value, "a port from 1 to 65535", meant))
        }
        (None, None) => Ok(0),
    }
}

/// The AWS CLI's way to write yes and no.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn bad_value(key: &str, value: &Value, must_be: &str, meant: &Meant) -> Failure {
    let shown = wire::words::printable(&value.text, 60);
    let line = match value.file {
        File::Config => format!(" (line {} of the config file)", value.line),
        File::Credentials => format!(" (line {} of the credentials file)", value.line),
    };
    Failure::new(Kind::Configuration, format!("{key} must be {must_be}, not {shown:?}{line}"))
        .hint(format!("correct it: {}", meant.edit))
}
