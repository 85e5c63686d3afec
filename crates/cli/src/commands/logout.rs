//! `aldis logout`: ends sign-ins at their centers and removes what came of them.

use std::path::{Path, PathBuf};

use outside::Outside;
use outside::state::OwnState;
use signin::sign_out::{Kept, Shelves};

use crate::args::logout::LogoutArgs;
use crate::args::{EndpointArgs, SessionArgs};
use crate::report::logout::{AtCenter, LogoutReport};
use crate::report::news::News;
use crate::report::words::{Style, warn};
use crate::report::{Exit, Failure, hints, news};
use crate::request::config::Config;
use crate::request::session::{self, Meant};
use crate::request::sessions;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: LogoutArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let LogoutArgs { profile, sso_session, endpoint, .. } = args;
    let (config, failure) = Config::read_anyway(outside)?;
    let shelves = Shelves::new(&config.home, OwnState::open(&outside.env), &outside.clock);
    if let Some(error) = shelves.state_error() {
        warn(outside, style, news::state_not_used(&error.to_string()));
    }
    let is_for_one = profile.is_some() || sso_session.is_some();
    if let Some(failure) = failure {
        if is_for_one {
            return Err(failure);
        }
        // Signing out of everything needs no names.
        warn(outside, style, format!("{}; signing out of everything that lies in the caches", failure.error));
    }
    let unlisted = |error| hints::caches(error, &config.home);
    let (known, tokens) = if is_for_one {
        let is_by_name = sso_session.is_some();
        let mut meant = session::complete(&SessionArgs { profile, sso_session }, outside)?;
        if is_by_name {
            // A session has no addresses of its own: those of a profile that has it are likelier than any other's.
            let by_profile = sessions::known(&outside.env, &config);
            meant = by_profile
                .into_iter()
                .find(|known| known.target.session == meant.target.session)
                .unwrap_or(meant);
        }
        let path = shelves.token_path(&meant.target);
        (vec![meant], vec![path])
    } else {
        (sessions::known(&outside.env, &config), shelves.tokens().map_err(unlisted)?)
    };
    let ending = Ending { outside, style, config: &config, shelves: &shelves, known: &known, endpoint };
    let mut report = LogoutReport::new(outside, style);
    for path in &tokens {
        if let Err(kept) = ending.token(path, &mut report) {
            report.kept(kept);
        }
    }
    for path in ending.role_files() {
        ending.role_file(&path, &mut report);
    }
    if !is_for_one {
        let (roles, unclear) = shelves.roles().map_err(unlisted)?;
        for path in roles {
            ending.role_file(&path, &mut report);
        }
        unclear.into_iter().for_each(|kept| report.kept(kept));
    }
    for meant in &known {
        shelves.forget_fetched_roles(&meant.target);
        shelves.forget_the_killed(&meant.target);
    }
    report.done(if is_for_one { known.first().map(|meant| meant.target.name()) } else { None })
}

/// What every step needs.
struct Ending<'a> {
    outside: &'a Outside,
    style: Style,
    config: &'a Config,
    shelves: &'a Shelves,
    known: &'a [Meant],
    endpoint: EndpointArgs,
}

impl Ending<'_> {
    /// Ends the sign-in whose token lies in a file.
    fn token(&self, path: &Path, report: &mut LogoutReport<'_>) -> Result<(), Kept> {
        let Some(issued) = self.shelves.issued(path)? else { return Ok(()) };
        let known = self.known.iter().find(|meant| self.shelves.token_path(&meant.target) == path);
        let Some(issuer) = sessions::issuer(known, &issued, &self.outside.env, self.config) else {
            self.shelves.remove(path)?;
            report.signed_out(path, None, AtCenter::NotAsked);
            return Ok(());
        };
        issuer.tell(self.outside, self.style);
        let session = issuer.open(self.outside).allowing_changed_endpoint(self.endpoint.endpoint_changed);
        let mut news = News::new(self.outside, self.style);
        let Some(out) = session.sign_out(path, self.shelves, &mut news)? else { return Ok(()) };
        let at_center = out.at_center.map_or_else(AtCenter::NotEnded, |()| AtCenter::Ended);
        report.signed_out(path, Some((&issuer.target, out.browser_page)), at_center);
        Ok(())
    }

    /// Where the credentials of the roles lie that profiles name, or that were fetched here.
    fn role_files(&self) -> Vec<PathBuf> {
        let of = |meant: &Meant| {
            let path =
                |(account, role): (String, String)| self.shelves.role_path(&meant.target, &account, &role);
            let mut paths: Vec<_> =
                sessions::roles(&meant.target, self.config).into_iter().map(path).collect();
            paths.extend(self.shelves.fetched_roles(&meant.target));
            paths
        };
        self.known.iter().flat_map(of).collect()
    }

    fn role_file(&self, path: &Path, report: &mut LogoutReport<'_>) {
        match self.shelves.remove(path) {
            Ok(true) => report.role_file(path),
            Ok(false) => {}
            Err(kept) => report.kept(kept),
        }
    }
}
