//! The listener as tables of requests.

use super::*;

const HOST: &str = "Host: 127.0.0.1:38381\r\n";

fn desk() -> Desk {
    let expected = Expected {
        port: 38381,
        state: "5b9d".into(),
        issuer: Some("http://h".to_owned()),
        target: "corp".to_owned(),
    };
    Desk { expected, short: None, stage: Stage::Waiting }
}

#[test]
fn a_short_link_leads_to_the_question_and_a_wrong_one_changes_nothing() {
    let mut desk = desk();
    desk.short = Some(ShortLink::new("/Zm9v".into()));
    assert_eq!(get(&mut desk, "/Zm9v").0, "wait", "there is no question yet");
    desk.short.as_mut().unwrap().leads_to = Some("https://h/authorize?state=5b9d".to_owned());
    for wrong in ["/", "/Zm9", "/Zm9vv", "/zm9v", "/Zm9v/", "//Zm9v"] {
        let (shown, arrival) = get(&mut desk, wrong);
        assert!(shown.starts_with("HTTP/1.1 404 ") && arrival.is_none(), "{wrong}: {shown}");
        assert!(!shown.contains("authorize"), "{shown}");
    }
    let (shown, _) = sent(&mut desk, "GET /Zm9v HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert!(shown.starts_with("HTTP/1.1 421 ") && !shown.contains("authorize"), "{shown}");
    for _ in 0..2 {
        let (shown, arrival) = get(&mut desk, "/Zm9v");
        assert!(shown.starts_with("HTTP/1.1 303 ") && arrival.is_none(), "{shown}");
        assert!(shown.contains("\r\nLocation: https://h/authorize?state=5b9d\r\n"), "{shown}");
    }
    assert!(get(&mut desk, "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh").1.is_some());
    let (shown, _) = get(&mut desk, "/Zm9v");
    assert!(shown.starts_with("HTTP/1.1 409 ") && !shown.contains("authorize"), "{shown}");
}

fn get(desk: &mut Desk, target: &str) -> (String, Option<Arrival>) {
    sent(desk, &format!("GET {target} HTTP/1.1\r\n{HOST}\r\n"))
}

fn sent(desk: &mut Desk, text: &str) -> (String, Option<Arrival>) {
    let (shown, brought) = sent_by(desk, text, false);
    let arrival = brought.map(|brought| match brought {
        Brought::Answer(arrival) => arrival,
        Brought::Visit(visit) => panic!("{visit:?}"),
    });
    (shown, arrival)
}

fn sent_by(desk: &mut Desk, text: &str, is_other_user: bool) -> (String, Option<Brought>) {
    let (step, brought) = desk.serve(text.as_bytes(), &|| is_other_user);
    let shown = match step {
        Step::Read => "read".to_owned(),
        Step::Wait => "wait".to_owned(),
        Step::Answer(bytes) => String::from_utf8(bytes).unwrap(),
        Step::Last(bytes) => format!("last {}", String::from_utf8(bytes).unwrap()),
    };
    (shown, brought)
}

/// A visit to the guarded short link with these headers: status and kind of visit.
fn opened(desk: &mut Desk, headers: &str, is_other_user: bool) -> (String, Option<LinkVisit>) {
    let text = format!("GET /Zm9v HTTP/1.1\r\n{HOST}{headers}\r\n");
    let (shown, brought) = sent_by(desk, &text, is_other_user);
    let visit = brought.map(|brought| match brought {
        Brought::Visit(visit) => visit,
        Brought::Answer(answer) => panic!("{answer:?}"),
    });
    (shown, visit)
}

fn guarded(is_opened: bool) -> Desk {
    let mut desk = desk();
    let mut short = ShortLink::new("/Zm9v".into()).guarded("c00kie".into(), is_opened);
    short.leads_to = Some("https://h/authorize?state=5b9d".to_owned());
    desk.short = Some(short);
    desk
}

#[test]
fn a_guarded_short_link_leads_one_browser_and_no_other_user() {
    let mut desk = guarded(false);
    let (shown, visit) = opened(&mut desk, "", true);
    assert!(shown.starts_with("HTTP/1.1 403 ") && !shown.contains("authorize"), "{shown}");
    assert_eq!(visit, Some(LinkVisit::ByOtherUser), "and is not the first");
    let (shown, visit) = opened(&mut desk, "", false);
    assert!(shown.starts_with("HTTP/1.1 303 "), "{shown}");
    assert!(shown.contains("\r\nLocation: https://h/authorize?state=5b9d\r\n"), "{shown}");
    let cookie =
        "Set-Cookie: aldis_sign_in_38381=c00kie; Path=/Zm9v; Max-Age=600; HttpOnly; SameSite=Lax\r\n";
    assert!(shown.contains(cookie) && shown.contains("Cache-Control: no-store"), "{shown}");
    assert_eq!(visit, Some(LinkVisit::First));
    for own in ["Cookie: aldis_sign_in_38381=c00kie\r\n", "cookie: a=b; aldis_sign_in_38381=c00kie\r\n"] {
        let (shown, visit) = opened(&mut desk, own, false);
        assert!(shown.starts_with("HTTP/1.1 303 ") && visit.is_none(), "a second tab: {shown}");
        let (shown, visit) = opened(&mut desk, own, true);
        assert!(shown.starts_with("HTTP/1.1 403 ") && visit.is_some(), "a stolen cookie: {shown}");
    }
    for stranger in [
        "",
        "Cookie: aldis_sign_in_38381=\r\n",
        "Cookie: aldis_sign_in_38381=c00kies\r\n",
        "Cookie: aldis_sign_in_38382=c00kie\r\n",
        "Cookie: \u{ff}\r\n",
    ] {
        let (shown, visit) = opened(&mut desk, stranger, false);
        assert!(shown.starts_with("HTTP/1.1 409 ") && shown.contains("already used"), "{stranger}: {shown}");
        assert!(!shown.contains("authorize?") && !shown.contains("Set-Cookie"), "{shown}");
        assert_eq!(visit, Some(LinkVisit::WithoutCookie));
    }
    let (shown, visit) = opened(&mut guarded(true), "", false);
    assert!(shown.starts_with("HTTP/1.1 409 ") && visit.is_some(), "after a take-over: {shown}");
}

#[test]
fn a_late_visit_to_a_guarded_short_link_still_counts_until_all_is_over() {
    let mut desk = guarded(true);
    assert!(get(&mut desk, "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh").1.is_some());
    assert_eq!(opened(&mut desk, "", false).1, Some(LinkVisit::WithoutCookie));
    desk.stage = Stage::Asking;
    assert!(get(&mut desk, "/oauth/end").0.contains("answer there"));
    desk.stage = Stage::Over(Outcome::SignedIn);
    assert_eq!(opened(&mut desk, "", false).1, None);
}

#[test]
fn root_and_unknown_visitors_are_no_other_user() {
    for (owner, own, is_other) in [
        (None, 1000, false),
        (Some(1000), 1000, false),
        (Some(0), 1000, false),
        (Some(1001), 1000, true),
        (Some(1001), 0, true),
    ] {
        assert_eq!(is_other_user(owner, own), is_other, "{owner:?} {own}");
    }
}

#[test]
fn c8_only_the_answer_to_our_own_question_is_taken() {
    let mut desk = desk();
    for query in [
        "",
        "code=a",
        "code=a&state=other&iss=http%3A%2F%2Fh",
        "error=access_denied",
        "error=access_denied&state=&iss=http%3A%2F%2Fh",
        "error=access_denied&state=5b9&iss=http%3A%2F%2Fh",
        "code=a&state=5b9d",
        "code=a&state=5b9d&iss=http%3A%2F%2Fevil",
        "code=a&error=b&state=5b9d&iss=http%3A%2F%2Fh",
        "code=a&state=5b9d&state=5b9d&iss=http%3A%2F%2Fh",
    ] {
        let (shown, arrival) = get(&mut desk, &format!("/oauth/callback?{query}"));
        assert!(shown.starts_with("HTTP/1.1 400 ") && arrival.is_none(), "{query}: {shown}");
        assert!(!shown.contains("evil"), "{shown}");
    }
    for path in ["/", "/favicon.ico", "/oauth/callback/", "/oauth/CALLBACK?code=a", "/oauth/end", "*"] {
        let (shown, arrival) = get(&mut desk, path);
        assert!(shown.starts_with("HTTP/1.1 404 ") && arrival.is_none(), "{path}: {shown}");
    }
    let (shown, arrival) = get(&mut desk, "/oauth/callback?code=a%2Bb&state=5b9d&iss=http%3A%2F%2Fh");
    assert_eq!(arrival.unwrap().unwrap().expose(), "a+b");
    assert!(shown.contains("Location: http://127.0.0.1:38381/oauth/end\r\n"), "{shown}");
    assert!(!shown.contains("a+b") && !shown.contains("a%2Bb"), "{shown}");
}

#[test]
fn s51_another_host_is_turned_away() {
    let mut desk = desk();
    let target = "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh";
    for host in [
        "",
        "Host: evil.example\r\n",
        "Host: localhost:38381\r\n",
        "Host: 127.0.0.1\r\n",
        "Host: 127.0.0.1:1\r\n",
        "Host: 127.0.0.1:38381\r\nHost: evil.example\r\n",
    ] {
        let (shown, arrival) = sent(&mut desk, &format!("GET {target} HTTP/1.1\r\n{host}\r\n"));
        assert!(shown.starts_with("HTTP/1.1 421 ") && arrival.is_none(), "{host}: {shown}");
    }
    let (shown, arrival) = sent(&mut desk, &format!("POST {target} HTTP/1.1\r\n{HOST}\r\n"));
    assert!(shown.starts_with("HTTP/1.1 405 ") && arrival.is_none(), "{shown}");
    let (shown, arrival) = sent(&mut desk, "\u{16}\u{3}\u{1}");
    assert!(shown.starts_with("HTTP/1.1 400 ") && arrival.is_none(), "{shown}");
    assert_eq!(sent(&mut desk, &format!("GET {target} HTTP/1.1\r\nHost: ")).0, "read");
    assert!(get(&mut desk, target).1.is_some(), "the answer may still come");
}

#[test]
fn a_second_answer_is_none_and_the_page_tells_the_end() {
    let mut desk = desk();
    let target = "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh";
    assert!(get(&mut desk, target).1.is_some());
    let (shown, arrival) = get(&mut desk, target);
    assert!(shown.starts_with("HTTP/1.1 409 ") && arrival.is_none(), "{shown}");
    assert_eq!(get(&mut desk, "/oauth/end").0, "wait");
    desk.stage = Stage::Over(Outcome::SignedIn);
    let (shown, _) = get(&mut desk, "/oauth/end");
    assert!(shown.starts_with("last HTTP/1.1 200 ") && shown.contains("Signed in to corp"), "{shown}");
    assert!(shown.contains("You may close this page"));
    desk.stage = Stage::Over(Outcome::Failed("the center said: <no>".to_owned()));
    let (shown, _) = get(&mut desk, "/oauth/end");
    assert!(
        shown.starts_with("last HTTP/1.1 403 ") && shown.contains("<p>The center said: &lt;no&gt;"),
        "{shown}"
    );
}

#[test]
fn an_error_with_our_state_is_an_answer() {
    let mut desk = desk();
    let target = "/oauth/callback?error=access_denied&error_description=No&state=5b9d&iss=http%3A%2F%2Fh";
    let denial = get(&mut desk, target).1.unwrap().unwrap_err();
    assert_eq!((denial.error.as_str(), denial.description.as_deref()), ("access_denied", Some("No")));
}

#[test]
fn where_no_issuer_is_known_none_is_asked_for() {
    let mut desk = desk();
    desk.expected.issuer = None;
    assert!(get(&mut desk, "/oauth/callback?code=a&state=5b9d").1.is_some());
}
