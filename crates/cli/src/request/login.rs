//! What `login` needs.

use outside::Outside;

use super::session::{self, Meant};
use crate::args::login::LoginArgs;
use crate::report::Failure;

/// A sign-in, completely.
#[derive(Debug)]
pub(crate) struct LoginRequest {
    /// The session.
    pub(crate) meant: Meant,
    /// Whether to open the page in a browser here.
    pub(crate) open_browser: bool,
    /// Whether a sign-in that is still good will do.
    pub(crate) if_needed: bool,
}

/// Completes it.
pub(crate) fn complete(args: LoginArgs, outside: &Outside) -> Result<LoginRequest, Failure> {
    let meant = session::complete(&args.session, outside)?;
    Ok(LoginRequest { meant, open_browser: !args.no_browser, if_needed: args.if_needed })
}
