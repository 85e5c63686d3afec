//! Deciding on a page: a device by its code, a terminal that listens.

use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::browser::{Browser, hidden};
use crate::code::{self, QUESTION, REDIRECT_URI, code_in, exchange, location};
use crate::http::Answer;
use crate::running::{Center, Client, PASSWORD, Wishes};

/// The page on which a person decides, reached by typing a code.
#[track_caller]
fn typed(browser: &mut Browser<'_>, code: &str) -> Answer {
    let page = browser.get("/device").is(200);
    let csrf = hidden(&page, "csrf");
    browser.post("/device", vec![("csrf", &csrf), ("user_code", code)])
}

#[track_caller]
fn decide(browser: &mut Browser<'_>, page: &Answer, decision: &str) -> Answer {
    let (csrf, code) = (hidden(page, "csrf"), hidden(page, "user_code"));
    browser.post("/device/decide", vec![("csrf", &csrf), ("user_code", &code), ("decision", decision)])
}

fn question(client: &Client<'_>) -> String {
    format!("/authorize?client_id={}&{QUESTION}", client.id)
}

#[track_caller]
fn consent(browser: &mut Browser<'_>, page: &Answer, decision: &str) -> Answer {
    let (csrf, question) = (hidden(page, "csrf"), hidden(page, "question"));
    browser.post("/authorize/decide", vec![("csrf", &csrf), ("question", &question), ("decision", decision)])
}

fn named<'a>(audit: &'a [Value], name: &str) -> Vec<&'a Value> {
    audit.iter().filter(|event| event["eventName"] == name).collect()
}

#[test]
fn s3_s7_s8_s49_a_person_approves_a_device_that_they_compared() {
    let center = Center::start();
    let client = center.client();
    let started = client.start().is(200);
    let code = started.text("userCode");
    assert!(!started.text("verificationUri").contains(&code));

    let mut browser = Browser::new(&center);
    let path = format!("/device?user_code={code}");
    let answer = browser.sign_in("demo", PASSWORD, &path).is(303);
    let page = browser.get(answer.header("location").unwrap()).is(200);
    assert!(page.body.contains(&format!("value=\"{code}\"")) && page.body.contains("name=\"from_link\""));
    let csrf = hidden(&page, "csrf");
    let page =
        browser.post("/device", vec![("csrf", &csrf), ("from_link", "1"), ("user_code", &code)]).is(200);
    for words in [
        "You are signing in a device",
        &format!("<p class=\"code\">{code}</p>"),
        "botocore-client-dev <span class=\"unverified\">not verified</span>",
        "your accounts and roles",
        "127.0.0.1",
        "ago, at ",
        "the same address as this browser",
        "Only continue if you just ran a sign-in command. Nobody from support will ask for this.",
        "<dd>demo</dd>",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let (deny, approve) =
        (page.body.find("value=\"deny\"").unwrap(), page.body.find("value=\"approve\"").unwrap());
    assert!(deny < approve && deny < page.body.find("/sign-out").unwrap(), "deny comes first");
    assert_eq!(client.poll(&started.text("deviceCode")).is(400).text("error"), "authorization_pending");

    let answer = decide(&mut browser, &page, "approve").is(303);
    assert_eq!(answer.header("location"), Some("/device/done?decision=approved"));
    assert!(browser.get("/device/done?decision=approved").is(200).body.contains("close this page"));
    browser.get("/device/done?decision=x").is(404);
    let token = client.poll(&started.text("deviceCode")).is(200);
    center.portal("/assignment/accounts", &token.text("accessToken")).is(200);

    let audit = center.audit();
    let decided = named(&audit, "DecideDeviceAuthorization");
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0]["userIdentity"]["type"], "IdentityCenterUser");
    assert_eq!(decided[0]["additionalEventData"]["UserName"], "demo");
    assert_eq!(decided[0]["sourceIPAddress"], "127.0.0.1");
}

#[test]
fn s8_a_denied_device_gets_nothing() {
    let center = Center::start();
    let client = center.client();
    let started = client.start().is(200);
    let mut browser = Browser::signed_in(&center, "demo");
    let page = typed(&mut browser, &started.text("userCode")).is(200);
    decide(&mut browser, &page, "").is(400);
    let answer = decide(&mut browser, &page, "deny").is(303);
    assert_eq!(answer.header("location"), Some("/device/done?decision=denied"));
    browser.get("/device/done?decision=denied").is(200);
    assert_eq!(client.poll(&started.text("deviceCode")).is(400).text("error"), "access_denied");
}

#[test]
fn s4_s5_wrong_used_and_expired_codes_give_one_page() {
    let center = Center::start();
    let client = center.client();
    let mut browser = Browser::signed_in(&center, "demo");
    let used = client.start().is(200).text("userCode");
    let page = typed(&mut browser, &used.to_lowercase().replace('-', " ")).is(200);
    decide(&mut browser, &page, "approve").is(303);
    let mut pages = vec![decide(&mut browser, &page, "approve").is(404), typed(&mut browser, &used).is(404)];
    // Whoever else comes finds nothing either.
    let mut eve = Browser::signed_in(&center, "eve");
    pages.push(typed(&mut eve, &used).is(404));
    pages.push(typed(&mut eve, "BBBB-BBBB").is(404));
    pages.push(typed(&mut eve, "<b>").is(404));
    let late = client.start().is(200).text("userCode");
    center.move_clock(601);
    pages.push(typed(&mut eve, &late).is(404));
    for page in &pages {
        let (_, main) = page.body.split_once("<main>").unwrap();
        let (_, first) = pages[0].body.split_once("<main>").unwrap();
        assert_eq!(main, first);
        assert!(main.contains("ask your terminal for a new one"));
    }
    let audit = center.audit();
    assert_eq!(named(&audit, "LookUpUserCode").len(), 5);
    assert!(named(&audit, "LookUpUserCode").iter().all(|event| event["errorCode"] == "unknown_code"));
}

#[test]
fn s5_nothing_is_looked_up_before_sign_in() {
    let center = Center::start();
    let code = center.client().start().is(200).text("userCode");
    let mut browser = Browser::new(&center);
    for code in [&code, "BBBB-BBBB"] {
        let page = browser.get(&format!("/device?user_code={code}")).is(200);
        assert!(page.body.contains("action=\"/sign-in\"") && !page.body.contains("botocore"));
    }
    for path in ["/device", "/device/decide"] {
        browser.post(path, vec![("csrf", "x"), ("user_code", &code), ("decision", "approve")]).is(401);
    }
    assert!(named(&center.audit(), "LookUpUserCode").is_empty());
}

#[test]
fn s5_guessing_codes_is_throttled_and_a_right_one_forgives_nothing() {
    let center = Center::start();
    let client = center.client();
    let right = client.start().is(200).text("userCode");
    let mut browser = Browser::signed_in(&center, "demo");
    for _ in 0..4 {
        typed(&mut browser, "BBBB-BBBB").is(404);
        typed(&mut browser, &right).is(200);
    }
    let page = typed(&mut browser, &right).is(200);
    let csrf = hidden(&page, "csrf");
    // The last wrong one goes to the other address of the two.
    let wrong = vec![("csrf", csrf.as_str()), ("user_code", "BBBB-BBBB"), ("decision", "approve")];
    browser.post("/device/decide", wrong.clone()).is(404);
    let answer = browser.post("/device/decide", wrong).is(429);
    assert!(answer.header("retry-after").unwrap().parse::<i64>().unwrap() <= 30);
    typed(&mut browser, &right).is(429);
    decide(&mut browser, &page, "approve").is(429);

    // The address has five left.
    let mut eve = Browser::signed_in(&center, "eve");
    for _ in 0..5 {
        typed(&mut eve, "BBBB-BBBB").is(404);
    }
    center.move_clock(31);
    typed(&mut browser, "BBBB-BBBB").is(404);
    typed(&mut eve, &right).is(429);
    center.move_clock(61);
    typed(&mut eve, &right).is(200);
}

/// A terminal at another address of loopback: connects from it.
fn start_from_elsewhere(center: &Center, client: &Client<'_>) -> Option<Answer> {
    use std::io::{Read as _, Write as _};
    let body = json!({
        "clientId": client.id, "clientSecret": client.secret,
        "startUrl": "https://d-1234567890.awsapps.com/start",
    })
    .to_string();
    let mut stream = connect_from("127.0.0.2:0".parse().unwrap(), center.address)?;
    let request = format!(
        "POST /device_authorization HTTP/1.1\r\nHost: {}\r\nUser-Agent: evil<b>\u{202e}{}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        center.address,
        "x".repeat(100),
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    Some(crate::http::parse(&text))
}

fn connect_from(from: SocketAddr, to: SocketAddr) -> Option<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(from).ok()?;
        let stream = socket.connect(to).await.ok()?.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        Some(stream)
    })
}

#[test]
fn s42_s55_a_device_from_elsewhere_is_warned_of_and_its_code_must_be_typed() {
    let center = Center::start();
    let client = center.client_with(json!({
        "clientName": format!("<i>evil</i>\u{202e}{}", "y".repeat(100)), "scopes": ["sso:account:access"],
    }));
    let started = start_from_elsewhere(&center, &client).unwrap();
    let code = started.text("userCode");
    let mut browser = Browser::signed_in(&center, "demo");
    let page = browser.get(&format!("/device?user_code={code}")).is(200);
    let csrf = hidden(&page, "csrf");
    let from_link =
        browser.post("/device", vec![("csrf", &csrf), ("from_link", "1"), ("user_code", &code)]).is(200);
    assert!(!from_link.body.contains(&code), "{}", from_link.body);
    assert!(
        from_link.body.contains("Type the code from your terminal") && !from_link.body.contains("approve")
    );
    assert!(!from_link.body.contains("from_link"), "typed by hand it counts");

    let page = typed(&mut browser, &code).is(200);
    assert!(
        page.body.contains("Started from another address") && page.body.contains("127.0.0.2"),
        "{}",
        page.body
    );
    for (start, rest) in [("&#60;i&#62;evil&#60;/i&#62;y", "y"), ("evil&#60;b&#62;x", "x")] {
        let (_, text) = page.body.split_once(start).unwrap_or_else(|| panic!("{start}: {}", page.body));
        assert!(text.chars().take_while(|c| rest.contains(*c)).count() < 64, "cut");
    }
    assert!(!page.body.contains("<i>") && !page.body.contains('\u{202e}'));
    decide(&mut browser, &page, "deny").is(303);
}

#[test]
fn s26_s52_a_form_of_somebody_else_decides_nothing() {
    let center = Center::start();
    let client = center.client();
    let started = client.start().is(200);
    let code = started.text("userCode");
    let mut demo = Browser::signed_in(&center, "demo");
    let mut eve = Browser::signed_in(&center, "eve");
    let page = typed(&mut demo, &code).is(200);
    let csrf = hidden(&page, "csrf");
    let form = |csrf: &'static str| vec![("csrf", csrf), ("user_code", ""), ("decision", "approve")];
    // Without a token, with nobody's, with another person's, and with two.
    for csrf in ["", "x"] {
        demo.post("/device/decide", form(csrf)).is(403);
    }
    eve.post("/device/decide", vec![("csrf", &csrf), ("user_code", &code), ("decision", "approve")]).is(403);
    let twice = vec![("csrf", csrf.as_str()), ("csrf", &csrf), ("user_code", &code), ("decision", "approve")];
    demo.post("/device/decide", twice).is(400);
    // From another site, though the browser sends the cookie along.
    let ours = std::mem::take(&mut demo.from);
    for from in [
        vec![("Origin", "https://evil.example".to_owned()), ("Sec-Fetch-Site", "cross-site".to_owned())],
        vec![("Origin", "null".to_owned()), ("Sec-Fetch-Site", "cross-site".to_owned())],
        vec![],
    ] {
        demo.from = from;
        decide(&mut demo, &page, "approve").is(403);
        typed(&mut demo, &code).is(403);
        demo.post("/sign-out", vec![("csrf", &csrf)]).is(403);
    }
    demo.from = ours;
    assert_eq!(client.poll(&started.text("deviceCode")).is(400).text("error"), "authorization_pending");
    decide(&mut demo, &page, "approve").is(303);
}

#[test]
fn s54_whoever_is_signed_out_while_deciding_is_told_so() {
    let center = Center::start();
    let client = code::client(&center);
    let started = center.client().start().is(200);
    let mut browser = Browser::signed_in(&center, "demo");
    let device = typed(&mut browser, &started.text("userCode")).is(200);
    let asked = browser.get(&question(&client)).is(200);
    center.move_clock(31 * 60);
    let answer = decide(&mut browser, &device, "approve").is(401);
    assert!(answer.body.contains("Your sign-in has ended") && answer.body.contains("href=\"/device\""));
    let answer = consent(&mut browser, &asked, "approve").is(401);
    let (_, link) = answer.body.split_once("href=\"").unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    assert!(browser.get(&link).is(200).body.contains("action=\"/sign-in\""), "{link}");
}

#[test]
fn s8_s26_s50_s56_a_person_consents_to_a_terminal() {
    let center = Center::start();
    let client = code::client(&center);
    let mut browser = Browser::new(&center);
    let page = browser.get(&question(&client)).is(200);
    assert!(page.body.contains("action=\"/sign-in\"") && !page.body.contains("38381</strong>"));
    let return_to = hidden(&page, "return_to");
    let answer = browser.sign_in("demo", PASSWORD, &return_to).is(303);
    let page = browser.get(answer.header("location").unwrap()).is(200);
    for words in [
        "&#60;b&#62;botocore&#60;/b&#62;-client-dev <span class=\"unverified\">not verified</span>",
        "port <strong>38381</strong>",
        "the computer on which this browser runs",
        "your accounts and roles",
        "<dd>demo</dd>",
        "If the next page fails to load, its address belongs only in the terminal where <em>you</em> just typed the command",
        "Nobody from support will ask for this",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.ends_with(&format!("form-action 'self' {REDIRECT_URI}")), "{policy}");
    for (name, value) in
        [("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store")]
    {
        assert_eq!(page.header(name), Some(value));
    }
    assert!(page.body.find("value=\"deny\"").unwrap() < page.body.find("value=\"approve\"").unwrap());

    let target = location(&consent(&mut browser, &page, "approve"));
    let issuer = center.url.replace(':', "%3A").replace('/', "%2F");
    let code = code_in(&target);
    assert_eq!(target, format!("{REDIRECT_URI}?code={code}&state=5b9d&iss={issuer}"));
    exchange(&client, &code).is(200);

    // Not skipped the second time, and a no goes back, too.
    let page = browser.get(&question(&client)).is(200);
    let target = location(&consent(&mut browser, &page, "deny"));
    let start = format!("{REDIRECT_URI}?error=access_denied&error_description=");
    assert!(target.starts_with(&start) && target.ends_with(&format!("&state=5b9d&iss={issuer}")), "{target}");

    let audit = center.audit();
    let asked = named(&audit, "Authorize");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0]["userIdentity"]["type"], "IdentityCenterUser");
    assert_eq!(asked[1]["additionalEventData"]["Decision"], "deny");
    assert!(named(&audit, "RedeemedElsewhere").is_empty(), "from the same address");
    let workflow = &named(&audit, "CreateToken")[0]["additionalEventData"]["AuthWorkflowID"];
    assert_eq!(workflow, &asked[0]["additionalEventData"]["AuthWorkflowID"]);
}

#[test]
fn s26_s52_a_forged_consent_gives_no_code() {
    let center = Center::start();
    let client = code::client(&center);
    let mut demo = Browser::signed_in(&center, "demo");
    let mut eve = Browser::signed_in(&center, "eve");
    let page = demo.get(&question(&client)).is(200);
    consent(&mut eve, &page, "approve").is(403);
    consent(&mut Browser::new(&center), &page, "approve").is(401);
    let (csrf, question) = (hidden(&page, "csrf"), hidden(&page, "question"));
    let send = |browser: &mut Browser<'_>, question: &str| {
        browser
            .post("/authorize/decide", vec![("csrf", &csrf), ("question", question), ("decision", "approve")])
    };
    for bad in [
        "",
        "x=y",
        &question.replace("38381", "38381%40evil.example"),
        &question.replace("%2Fcallback", "%2Fx"),
    ] {
        let answer = send(&mut demo, bad).is(400);
        assert_eq!(answer.header("location"), None);
    }
    demo.from = vec![("Origin", "https://evil.example".to_owned())];
    consent(&mut demo, &page, "approve").is(403);
    assert!(named(&center.audit(), "Authorize").iter().all(|event| event.get("errorCode").is_some()));
}

#[test]
fn s60_auto_approval_asks_nobody() {
    let center = Center::with(Wishes { auto_approve: true, is_test_center: true, ..Wishes::default() });
    let client = code::client(&center);
    location(&center.get(&question(&client)));
    for path in ["/", "/start", "/device"] {
        let page = center.get(path).is(200);
        assert!(page.body.contains("approves every sign-in by itself") && page.body.contains("TEST center"));
    }
    let page = center.get("/sign-in").is(200);
    assert!(page.body.contains("TEST center"));
}
