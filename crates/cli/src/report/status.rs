//! How sign-ins stand, for people and for programs.

use jiff::Timestamp;
use serde_json::{Value, json};
use signin::status::{Stand, Standing};
use wire::words::printable;

use super::listing::columns;
use super::when;
use super::words::Style;

/// One sign-in, or one that could be.
#[derive(Debug)]
pub(crate) struct Row {
    /// The sso-session.
    pub(crate) session: Option<String>,
    /// Its start URL, where one is known.
    pub(crate) start_url: Option<String>,
    /// How it stands.
    pub(crate) stand: Stand,
    /// The command that signs in; nothing for a token that the configuration does not know.
    pub(crate) login: Option<String>,
}

/// All of them.
pub(crate) fn show(rows: &[Row], now: Timestamp, style: Style) -> String {
    if style.json {
        let sessions: Vec<Value> = rows.iter().map(object).collect();
        return format!("{:#}\n", json!({ "sessions": sessions }));
    }
    let lines: Vec<(String, String)> = rows.iter().map(|row| (name(row), words(row, now))).collect();
    columns(&lines.iter().map(|(name, words)| vec![name.as_str(), words.as_str()]).collect::<Vec<_>>())
}

fn name(row: &Row) -> String {
    let known = row.session.as_ref().or(row.start_url.as_ref());
    known.map_or_else(|| row.stand.path.display().to_string(), |name| printable(name, 300))
}

fn words(row: &Row, now: Timestamp) -> String {
    let at = |moment| when::local(moment, now);
    let sign_in = |before: String| match &row.login {
        Some(login) => format!("{before}; sign in: {login}"),
        None => before,
    };
    match &row.stand.standing {
        Standing::SignedIn { expires_at, renews_until: Some(until) } => {
            format!(
                "signed in until {}, renewed by itself until {} at the latest",
                at(*expires_at),
                at(*until)
            )
        }
        Standing::SignedIn { expires_at, renews_until: None } => {
            format!("signed in until {}, a hard stop: nothing renews it", at(*expires_at))
        }
        Standing::Renewable { expired_at, renews_until } => format!(
            "the token ended at {}, the next use renews it (until {} at the latest)",
            at(*expired_at),
            at(*renews_until)
        ),
        Standing::Expired { expired_at } => sign_in(format!("expired at {}", at(*expired_at))),
        Standing::NotSignedIn => sign_in("not signed in".to_owned()),
        Standing::OtherStartUrl { start_url } => {
            sign_in(format!("not signed in: the token belongs to {start_url}"))
        }
        Standing::Unreadable { why } => sign_in(format!(
            "not signed in: the token file {} is of no use ({why})",
            row.stand.path.display()
        )),
    }
}

fn object(row: &Row) -> Value {
    let (state, expires_at, renews_until) = match &row.stand.standing {
        Standing::SignedIn { expires_at, renews_until } => ("signed_in", Some(*expires_at), *renews_until),
        Standing::Renewable { expired_at, renews_until } => {
            ("renewable", Some(*expired_at), Some(*renews_until))
        }
        Standing::Expired { expired_at } => ("expired", Some(*expired_at), None),
        Standing::NotSignedIn => ("not_signed_in", None, None),
        Standing::OtherStartUrl { .. } => ("other_start_url", None, None),
        Standing::Unreadable { .. } => ("unreadable", None, None),
    };
    json!({
        "session": row.session,
        "start_url": row.start_url,
        "state": state,
        "expires_at": expires_at.map(when::utc),
        "renews_until": renews_until.map(when::utc),
        "token_file": row.stand.path.to_string_lossy(),
        "login": row.login,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn row(standing: Standing) -> Row {
        Row {
            session: Some("corp".into()),
            start_url: Some("https://d-1.awsapps.com/start".into()),
            stand: Stand { path: "/h/t.json".into(), standing },
            login: Some("aldis login --sso-session corp".into()),
        }
    }

    #[test]
    fn hard_stops_are_told_from_what_renews_itself() {
        let now = at("2026-11-23T10:00:00Z");
        let (soon, late) = (at("2026-11-23T11:00:00Z"), at("2027-02-21T09:00:00Z"));
        let table = [
            (
                Standing::SignedIn { expires_at: soon, renews_until: Some(late) },
                "renewed by itself until 2027-02-2",
                "signed_in",
            ),
            (Standing::SignedIn { expires_at: soon, renews_until: None }, "a hard stop", "signed_in"),
            (
                Standing::Renewable { expired_at: now, renews_until: late },
                "the next use renews it (until 2027-02-2",
                "renewable",
            ),
            (Standing::Expired { expired_at: now }, "; sign in: aldis login --sso-session corp", "expired"),
            (Standing::NotSignedIn, "not signed in; sign in: aldis login", "not_signed_in"),
            (
                Standing::OtherStartUrl { start_url: "https://x/start".into() },
                "belongs to https://x/start",
                "other_start_url",
            ),
            (Standing::Unreadable { why: "torn".into() }, "/h/t.json is of no use (torn)", "unreadable"),
        ];
        for (standing, words, state) in table {
            let rows = [row(standing)];
            let text = show(&rows, now, Style { json: false, colored: false });
            assert!(text.starts_with("corp  ") && text.contains(words), "{text}");
            let json: Value =
                serde_json::from_str(&show(&rows, now, Style { json: true, colored: false })).unwrap();
            assert_eq!(json["sessions"][0]["state"], state);
        }
    }

    #[test]
    fn a_token_that_nobody_knows_is_named_by_its_start_url_or_its_file() {
        let now = at("2026-11-23T10:00:00Z");
        let mut row = row(Standing::Expired { expired_at: now });
        (row.session, row.login) = (None, None);
        assert!(words(&row, now).starts_with("expired at ") && !words(&row, now).contains("sign in:"));
        assert_eq!(name(&row), "https://d-1.awsapps.com/start");
        row.start_url = None;
        assert_eq!(name(&row), "/h/t.json");
    }
}
