//! Signing in on a page, and what a browser holds after it.

use serde_json::Value;

use crate::browser::{Browser, hidden};
use crate::running::{Center, DEVICE, PASSWORD, Wishes};

fn events<'a>(audit: &'a [Value], name: &str) -> Vec<&'a Value> {
    audit.iter().filter(|event| event["eventName"] == name).collect()
}

#[test]
fn s23_s54_a_person_signs_in_and_has_a_session_of_their_own() {
    let center = Center::start();
    let mut browser = Browser::new(&center);
    let page = browser.get("/device?user_code=BCDF-GHJK").is(200);
    assert_eq!(hidden(&page, "return_to"), "/device?user_code=BCDF-GHJK");
    for field in ["autocomplete=\"username\"", "autocomplete=\"current-password\"", "type=\"password\""] {
        assert!(page.body.contains(field), "{}", page.body);
    }
    let answer = browser.sign_in("demo", PASSWORD, "/device?user_code=BCDF-GHJK").is(303);
    assert_eq!(answer.header("location"), Some("/device?user_code=BCDF-GHJK"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let port = center.address.port();
    let cookie =
        answer.headers("set-cookie").find(|line| line.starts_with(&format!("aldis-{port}="))).unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let start = browser.get("/start").is(200);
    assert!(start.body.contains("Signed in as <strong>demo</strong>"), "{}", start.body);
    assert!(start.body.contains("111122223333") && start.body.contains("ReadOnly"));
    assert_eq!(browser.get("/sign-in").is(303).header("location"), Some("/start"));

    // Signing in anew gives a new session, and the old one is gone.
    let old = browser.session().unwrap();
    let mut other = Browser::new(&center);
    other.sign_in("demo", PASSWORD, "/start").is(303);
    assert_ne!(other.session().unwrap(), old);
    let visit = Browser::new(&center).get("/sign-in");
    let mut same = Browser::new(&center);
    for line in visit.headers("set-cookie") {
        same.set_cookie(line.split(';').next().unwrap());
    }
    same.set_cookie(&old);
    let form = [("csrf", hidden(&visit, "csrf")), ("username", "eve".into()), ("password", PASSWORD.into())];
    same.post("/sign-in", form.iter().map(|(name, value)| (*name, value.as_str())).collect()).is(303);
    assert!(browser.get("/start").body.contains("action=\"/sign-in\""), "the old one is gone");

    let audit = center.audit();
    let authenticated = events(&audit, "UserAuthentication");
    assert_eq!(authenticated[0]["serviceEventDetails"]["UserAuthentication"], "Success");
    assert_eq!(authenticated[0]["additionalEventData"]["UserName"], "demo");
    assert_eq!(authenticated[0]["eventSource"], "signin.amazonaws.com");
    let log = serde_json::to_string(&audit).unwrap();
    assert!(!log.contains(PASSWORD) && !log.contains(old.split_once('=').unwrap().1));
}

#[test]
fn s54_under_https_the_cookie_belongs_to_the_host() {
    let center = Center::with(Wishes { url: Some("https://center.example".to_owned()), ..Wishes::default() });
    let mut browser = Browser::new(&center);
    let answer = browser.sign_in("demo", PASSWORD, "/start").is(303);
    let cookie = answer.headers("set-cookie").find(|line| line.starts_with("__Host-aldis=")).unwrap();
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[test]
fn s54_a_session_ends_idle_after_half_an_hour_and_in_all_after_eight_hours() {
    let center = Center::start();
    let mut browser = Browser::signed_in(&center, "demo");
    let is_in = |browser: &mut Browser<'_>| browser.get("/start").is(200).body.contains("Signed in as");
    for _ in 0..16 {
        center.move_clock(29 * 60);
        assert!(is_in(&mut browser));
    }
    // 16 times 29 minutes are 7 h 44 min.
    center.move_clock(16 * 60 - 30);
    assert!(is_in(&mut browser));
    center.move_clock(60);
    assert!(!is_in(&mut browser));
    let mut idle = Browser::signed_in(&center, "demo");
    center.move_clock(31 * 60);
    assert!(!is_in(&mut idle));
}

#[test]
fn s54_signing_out_ends_it() {
    let center = Center::start();
    let mut browser = Browser::signed_in(&center, "demo");
    let cookie = browser.session().unwrap();
    let page = browser.get("/start").is(200);
    let csrf = hidden(&page, "csrf");
    browser.post("/sign-out", vec![("csrf", "x")]).is(403);
    let answer = browser.post("/sign-out", vec![("csrf", &csrf)]).is(303);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    let mut copy = Browser::new(&center);
    copy.set_cookie(&cookie);
    assert!(copy.get("/start").body.contains("action=\"/sign-in\""));
    copy.post("/sign-out", vec![("csrf", &csrf)]).is(401);
    assert_eq!(events(&center.audit(), "SignOut").len(), 1);
}

#[test]
fn s53_whatever_is_wrong_the_answer_is_one() {
    let center = Center::start();
    let mut pages = Vec::new();
    for (name, password) in [
        ("demo", "wrong"),
        ("nobody", PASSWORD),
        ("guest", PASSWORD),
        ("demo", ""),
        ("demo", &"x".repeat(2000)),
    ] {
        let mut browser = Browser::new(&center);
        let answer = browser.sign_in(name, password, "/start").is(401);
        assert!(browser.session().is_none());
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains(&format!("value=\"{name}\"")));
        let csrf = hidden(&answer, "csrf");
        let (_, nonce) = answer.body.split_once("nonce=\"").unwrap();
        let body = answer.body.replace(&csrf, "").replace(&nonce[..32], "").replace(name, "NAME");
        pages.push(body);
        assert!(!answer.body.contains(PASSWORD));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let audit = center.audit();
    let failures = events(&audit, "CredentialVerification");
    assert_eq!(failures.len(), 5);
    for failure in failures {
        assert_eq!(failure["serviceEventDetails"]["CredentialVerification"], "Failure");
    }
    assert!(events(&audit, "UserAuthentication").is_empty());
}

#[test]
fn s53_guessing_is_throttled_and_a_right_password_waits_with_it() {
    let center = Center::start();
    let mut browser = Browser::new(&center);
    for _ in 0..5 {
        browser.sign_in("demo", "wrong", "/start").is(401);
    }
    let answer = browser.sign_in("demo", PASSWORD, "/start").is(429);
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert!(answer.body.contains("Try again in"), "{}", answer.body);
    Browser::signed_in(&center, "eve");
    center.move_clock(30);
    browser.sign_in("demo", PASSWORD, "/start").is(303);

    // All names from one address.
    for number in 0..15 {
        browser = Browser::new(&center);
        browser.sign_in(&format!("name{number}"), "wrong", "/start").is(401);
    }
    browser.sign_in("eve", PASSWORD, "/start").is(429);
}

#[test]
fn s53_while_many_sign_in_polls_are_answered() {
    let center = Center::start();
    let client = center.client();
    let started = client.start().is(200);
    let mut browser = Browser::new(&center);
    let page = browser.get("/sign-in");
    let csrf = hidden(&page, "csrf");
    let cookie = page.headers("set-cookie").next().unwrap().split(';').next().unwrap().to_owned();
    std::thread::scope(|scope| {
        let posts: Vec<_> = (0..200)
            .map(|number| {
                let (center, csrf, cookie) = (&center, csrf.as_str(), cookie.as_str());
                scope.spawn(move || {
                    let mut browser = Browser::new(center);
                    browser.set_cookie(cookie);
                    let name = format!("name{number}");
                    let form = vec![("csrf", csrf), ("username", name.as_str()), ("password", "wrong")];
                    browser.post("/sign-in", form).status
                })
            })
            .collect();
        for _ in 0..20 {
            let answer = client.poll(&started.text("deviceCode")).is(400);
            assert!(["authorization_pending", "slow_down"].contains(&answer.text("error").as_str()));
        }
        for post in posts {
            assert!([401, 429, 503].contains(&post.join().unwrap()));
        }
    });
    assert_eq!(DEVICE, "urn:ietf:params:oauth:grant-type:device_code");
}

#[test]
fn s24_nobody_is_sent_elsewhere_after_signing_in() {
    let center = Center::start();
    for elsewhere in
        ["https://evil.example/", "//evil.example/start", "/\\evil.example", "/token", "/sign-out", "x", ""]
    {
        let answer = Browser::new(&center).sign_in("demo", PASSWORD, elsewhere).is(303);
        assert_eq!(answer.header("location"), Some("/start"), "{elsewhere}");
    }
}

#[test]
fn s26_s52_a_form_of_a_stranger_signs_nobody_in() {
    let center = Center::start();
    let mut victim = Browser::new(&center);
    let mut attacker = Browser::new(&center);
    let page = attacker.get("/sign-in");
    let (csrf, own) = (hidden(&page, "csrf"), hidden(&victim.get("/sign-in"), "csrf"));
    let sign_in = |browser: &mut Browser<'_>, csrf: &str| {
        browser.post("/sign-in", vec![("csrf", csrf), ("username", "eve"), ("password", PASSWORD)])
    };
    for csrf in ["", "x", &csrf] {
        let answer = sign_in(&mut victim, csrf).is(403);
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    }
    sign_in(&mut Browser::new(&center), &csrf).is(403);
    let origin = center.url.clone();
    let good: [&[(&'static str, &str)]; 4] = [
        &[("Origin", &origin)],
        &[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")],
        &[("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
        &[("Origin", &origin), ("Sec-Fetch-Site", "none")],
    ];
    let bad: [&[(&'static str, &str)]; 10] = [
        &[],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")],
        &[("Origin", &origin), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", &origin), ("Sec-Fetch-Site", "same-site")],
        &[("Origin", "null"), ("Sec-Fetch-Site", "none")],
        &[("Origin", "http://127.0.0.1")],
        &[("Origin", &origin), ("Origin", "https://evil.example")],
    ];
    for (cases, status) in [(&bad[..], 403), (&good[..], 303)] {
        for from in cases {
            let mut browser = Browser::new(&center);
            let page = browser.get("/sign-in");
            browser.from = from.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            let answer = sign_in(&mut browser, &hidden(&page, "csrf"));
            assert_eq!(answer.status, status, "{from:?}");
        }
    }
    sign_in(&mut victim, &own).is(303);
}

#[test]
fn s54_a_cookie_that_somebody_else_set_beside_ours_signs_nobody_in() {
    let center = Center::start();
    let eve = Browser::signed_in(&center, "eve");
    let mut demo = Browser::signed_in(&center, "demo");
    demo.always = vec![("Cookie", eve.session().unwrap())];
    assert!(demo.get("/start").body.contains("action=\"/sign-in\""));
}
