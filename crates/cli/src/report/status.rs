//! How sign-ins stand, for people and for programs.

use jiff::Timestamp;
use serde_json::{Value, json};
use signin::status::{End, Renewal, Stand, Standing};
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
        Standing::SignedIn { expires_at, renewal } => {
            let until = format!("signed in until {}", at(*expires_at));
            match renewal {
                Renewal::Automatic => format!("{until}, {AUTOMATIC}"),
                Renewal::None => format!("{until}, a hard stop: nothing renews it"),
                Renewal::Refused => format!("{until}, a hard stop: the center refused to renew it"),
                Renewal::NotHere { why } => format!("{until}, not renewed here: {}", not_here(row, why)),
            }
        }
        Standing::Renewable { expired_at } if *expired_at > now => {
            "the center does not accept the token; the next use renews it, if the session lasts".to_owned()
        }
        Standing::Renewable { expired_at } => format!(
            "the token ended at {}; the next use renews it, if the organisation's session still lasts",
            at(*expired_at)
        ),
        Standing::Expired { expired_at, end } => match end {
            End::Expired => sign_in(format!("expired at {}", at(*expired_at))),
            End::Refused => sign_in("ended: the center refused its token".to_owned()),
            End::NotHere { why } if *expired_at > now => {
                format!("the center does not accept the token, not renewed here: {}", not_here(row, why))
            }
            End::NotHere { why } => {
                format!("expired at {}, not renewed here: {}", at(*expired_at), not_here(row, why))
            }
        },
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

/// The session of the organisation ends before the registration does, and no center tells when.
const AUTOMATIC: &str = "renewed by itself as long as the organisation's session lasts";

fn not_here(row: &Row, why: &str) -> String {
    format!("{} cannot be written ({why}); renew on the host, or mount it writable", row.stand.path.display())
}

fn object(row: &Row) -> Value {
    let (state, expires_at, is_renewable) = match &row.stand.standing {
        Standing::SignedIn { expires_at, renewal } => {
            ("signed_in", Some(*expires_at), *renewal == Renewal::Automatic)
        }
        Standing::Renewable { expired_at } => ("renewable", Some(*expired_at), true),
        Standing::Expired { expired_at, .. } => ("expired", Some(*expired_at), false),
        Standing::NotSignedIn => ("not_signed_in", None, false),
        Standing::OtherStartUrl { .. } => ("other_start_url", None, false),
        Standing::Unreadable { .. } => ("unreadable", None, false),
    };
    json!({
        "session": row.session,
        "start_url": row.start_url,
        "state": state,
        "expires_at": expires_at.map(when::utc),
        "renewable": is_renewable,
        // No center tells when its session ends.
        "renews_until": Value::Null,
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
        let soon = at("2026-11-23T11:00:00Z");
        let signed_in = |renewal| Standing::SignedIn { expires_at: soon, renewal };
        let expired = |end| Standing::Expired { expired_at: now, end };
        let why = || "read-only".to_owned();
        let table = [
            (signed_in(Renewal::Automatic), "as long as the organisation's session lasts", "signed_in"),
            (signed_in(Renewal::None), "a hard stop: nothing renews it", "signed_in"),
            (signed_in(Renewal::Refused), "a hard stop: the center refused to renew it", "signed_in"),
            (
                signed_in(Renewal::NotHere { why: why() }),
                "/h/t.json cannot be written (read-only)",
                "signed_in",
            ),
            (Standing::Renewable { expired_at: now }, "the next use renews it", "renewable"),
            (Standing::Renewable { expired_at: soon }, "the center does not accept the token", "renewable"),
            (expired(End::Expired), "; sign in: aldis login --sso-session corp", "expired"),
            (expired(End::Refused), "refused its token; sign in: aldis login", "expired"),
            (expired(End::NotHere { why: why() }), "renew on the host, or mount it writable", "expired"),
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
            let session = &json["sessions"][0];
            assert_eq!(session["state"], state);
            assert!(session["renews_until"].is_null());
            let is_automatic = text.contains("organisation's session") || state == "renewable";
            assert_eq!(session["renewable"], is_automatic, "{text}");
        }
    }

    #[test]
    fn a_token_that_nobody_knows_is_named_by_its_start_url_or_its_file() {
        let now = at("2026-11-23T10:00:00Z");
        let mut row = row(Standing::Expired { expired_at: now, end: End::Expired });
        (row.session, row.login) = (None, None);
        assert!(words(&row, now).starts_with("expired at ") && !words(&row, now).contains("sign in:"));
        assert_eq!(name(&row), "https://d-1.awsapps.com/start");
        row.start_url = None;
        assert_eq!(name(&row), "/h/t.json");
    }
}
