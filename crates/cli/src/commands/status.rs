//! `aldis status`: how the sign-ins stand, by their files alone.

use outside::Outside;
use outside::state::OwnState;
use signin::sign_out::Shelves;
use signin::status;
use wire::words::shown_address;

use crate::args::status::StatusArgs;
use crate::report::status::Row;
use crate::report::words::{Style, note, print};
use crate::report::{self, Exit, Failure, hints};
use crate::request::config::Config;
use crate::request::login_session;
use crate::request::sessions;

/// Runs it.
pub(crate) fn run(outside: &Outside, args: StatusArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let config = Config::read(outside)?;
    let shelves = Shelves::new(&config.home, OwnState::open(&outside.env), &outside.clock);
    let mut rows: Vec<Row> = sessions::known(&outside.env, &config)
        .into_iter()
        .map(|meant| {
            let stand = status::of(&meant.target, &shelves);
            Row {
                session: meant.target.session.clone(),
                start_url: Some(meant.target.shown_start_url()),
                stand,
                login: Some(meant.login),
            }
        })
        .collect();
    let others = status::others(&shelves, |path| rows.iter().any(|row| row.stand.path == path));
    let others = others.map_err(|error| hints::caches(error, &config.home))?;
    rows.extend(others.into_iter().map(|other| Row {
        session: None,
        start_url: other.start_url.as_deref().map(shown_address),
        stand: other.stand,
        login: None,
    }));
    if rows.is_empty() {
        note(
            outside,
            style,
            format!("No session in {}, and no token in the SSO cache", config.path.display()),
        );
    }
    if !style.json {
        for line in login_session::standings(&config, outside) {
            note(outside, style, line);
        }
    }
    print(outside, &report::status::show(&rows, outside.clock.now(), style))
}
