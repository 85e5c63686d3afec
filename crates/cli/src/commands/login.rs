//! `aldis login`: signs in and keeps the token.

use outside::Outside;
use signin::progress::{Progress, Watcher};
use signin::sign_in::{Human, Mode, SignInError};

use crate::args::login::{FlowArgs, LoginArgs};
use crate::report::explain::explanation;
use crate::report::login::{LoginReport, Stage};
use crate::report::news::News;
use crate::report::words::{Style, print, warn, with_causes};
use crate::report::{Exit, Failure};
use crate::request;
use crate::request::login::Configured;
use crate::request::session::Meant;

/// Which of its two names the command was called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `aldis login`
    Own,
    /// `aldis sso login`, whose page and code are read from standard output by programs that wrap it.
    AwsCli,
}

/// Runs it.
pub(crate) fn run(outside: &Outside, args: LoginArgs, spelling: Spelling) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    if args.how.explain {
        let meant = request::session::complete(&args.session, outside);
        return explain(outside, &args.how, meant, style);
    }
    let request = request::login::complete(&args, outside)?;
    request.meant.tell(outside, style);
    request.how.tell(outside, style);
    for text in &request.warnings {
        warn(outside, style, text);
    }
    let session = request.meant.open(outside);
    let stage = match spelling {
        Spelling::Own => Stage::Words,
        Spelling::AwsCli => Stage::Data,
    };
    let mut report = LoginReport::new(outside, style, stage, &request.meant).with_plan(&request.how);
    if request.if_needed
        && let Some(still) = session.still_signed_in(&mut Renewing(News::new(outside, style)))
    {
        return report.still(&still, &session.target().shown_start_url());
    }
    let before = session.last_seen();
    let signed_in = match session.sign_in(Human::asked_for_a_sign_in(), request.how.wish, &mut report) {
        Ok(signed_in) => signed_in,
        Err(SignInError::LeftPending { expires_at, .. }) => {
            return report.left_pending(expires_at, &request.meant);
        }
        Err(error) => return Err(report.failure(error, &request.meant)),
    };
    report.done(&signed_in, &session.target().shown_start_url(), || session.what_came(&signed_in, before))
}

/// Says what would be chosen here, and why. Whoever has trouble with the files needs it, too, so what is wrong with those is only
/// a warning.
pub(crate) fn explain(
    outside: &Outside,
    args: &FlowArgs,
    meant: Result<Meant, Failure>,
    style: Style,
) -> Result<Exit, Failure> {
    let configured = meant.map(|meant| Configured::of(&meant)).unwrap_or_else(|failure| {
        let why = with_causes(&*failure.error);
        warn(outside, style, format!("no session is known, so this is without its settings: {why}"));
        Configured::default()
    });
    let (place, wish, plan) = request::login::chosen(args, Mode::Usual, style.json, configured, outside)?;
    print(outside, &explanation(&place, &wish, &plan, style.json))
}

/// Watches the renewal of a token. That it failed is no news: a sign-in follows.
#[derive(Debug)]
struct Renewing<'a>(News<'a>);

impl Watcher for Renewing<'_> {
    fn told(&mut self, progress: Progress) {
        if !matches!(progress, Progress::NotRefreshed { .. }) {
            self.0.told(progress);
        }
    }
}
