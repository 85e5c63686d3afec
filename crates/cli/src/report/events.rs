//! A sign-in as programs see it: one JSON object a line, as `docs/login-events.schema.json` has them.

use jiff::Timestamp;
use serde_json::{Value, json};
use signin::came::Came;
use signin::choose::Way;
use signin::progress::{Codes, Link, Offer};
use signin::sign_in::SignedIn;

use super::when;

/// The person has to act now. `takes_answers` says whether the address on which their browser ended may be given on standard
/// input, as a line.
pub(crate) fn action_required(session: &str, offer: &Offer, way: Option<Way>, takes_answers: bool) -> Value {
    match offer {
        Offer::Codes(codes) => device(session, codes),
        Offer::Link(link) => browser(session, link, way, takes_answers),
    }
}

fn browser(session: &str, link: &Link, way: Option<Way>, takes_answers: bool) -> Value {
    json!({
        "event": "action_required",
        "flow": if way == Some(Way::Paste) { "paste" } else { "browser" },
        "session": session,
        "authorization_url": link.address,
        "short_url": link.short,
        "redirect_uri": link.redirect_uri,
        "expires_at": when::utc(link.expires_at),
        "paste_allowed": takes_answers,
    })
}

fn device(session: &str, codes: &Codes) -> Value {
    json!({
        "event": "action_required",
        "flow": "device",
        "session": session,
        "user_code": codes.user_code,
        "verification_uri": codes.verification_uri,
        "verification_uri_complete": codes.verification_uri_complete,
        "expires_at": when::utc(codes.expires_at),
        "client_name": codes.client_name,
        "paste_allowed": false,
    })
}

/// The person is signed in; `event` says whether they were before.
pub(crate) fn signed_in(
    event: &str,
    session: &str,
    start_url: &str,
    signed_in: &SignedIn,
    came: Option<&Came>,
) -> Value {
    let accounts = came.filter(|came| came.unknown.is_none()).map(|came| {
        let one = |account: &wire::portal::AccountInfo| json!({"account_id": account.account_id, "account_name": account.account_name});
        came.accounts.iter().map(one).collect::<Vec<_>>()
    });
    json!({
        "event": event,
        "session": session,
        "start_url": start_url,
        "region": signed_in.region,
        "expires_at": when::utc(signed_in.expires_at),
        "renewable": signed_in.renewable,
        "token_file": signed_in.path.to_string_lossy(),
        "person": came.and_then(|came| came.person.as_deref()),
        "accounts": accounts,
        "has_more_accounts": came.is_some_and(|came| came.has_more),
        "stranger": came.is_some_and(|came| came.before.is_some()),
    })
}

/// The sign-in is shown and waits for `aldis login --resume`, which is the command `resume`.
pub(crate) fn pending(session: &str, expires_at: Timestamp, resume: &str) -> Value {
    json!({
        "event": "pending",
        "session": session,
        "expires_at": when::utc(expires_at),
        "resume": resume,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_what_a_person_is_told() {
        let codes = Codes {
            user_code: "BCDF-GHJK".into(),
            verification_uri: "http://127.0.0.1:8765/device".into(),
            verification_uri_complete: Some("http://127.0.0.1:8765/device?user_code=BCDF-GHJK".into()),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
            client_name: Some("aldis-corp".into()),
        };
        assert_eq!(
            action_required("corp", &Offer::Codes(codes), Some(Way::Code), false).to_string(),
            "{\"event\":\"action_required\",\"flow\":\"device\",\"session\":\"corp\",\
             \"user_code\":\"BCDF-GHJK\",\"verification_uri\":\"http://127.0.0.1:8765/device\",\
             \"verification_uri_complete\":\"http://127.0.0.1:8765/device?user_code=BCDF-GHJK\",\
             \"expires_at\":\"2026-11-23T10:10:00Z\",\"client_name\":\"aldis-corp\",\"paste_allowed\":false}"
        );
        let link = Link {
            address: "https://h/authorize?state=s".into(),
            short: None,
            redirect_uri: "http://127.0.0.1:38381/oauth/callback".into(),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
        };
        assert_eq!(
            action_required("corp", &Offer::Link(link), Some(Way::Paste), true).to_string(),
            "{\"event\":\"action_required\",\"flow\":\"paste\",\"session\":\"corp\",\
             \"authorization_url\":\"https://h/authorize?state=s\",\"short_url\":null,\
             \"redirect_uri\":\"http://127.0.0.1:38381/oauth/callback\",\
             \"expires_at\":\"2026-11-23T10:10:00Z\",\"paste_allowed\":true}"
        );
    }
}
