//! Pages of somebody else, open in the browser of a person who is signed in.

use testkit::{Ask, Browser, Site};

use crate::{LAPTOP, Terminal, alone, begin_login, look, machine_and_center, nothing_else, sign_in};

#[test]
fn s25_no_page_is_shown_in_a_frame() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let terminal = Terminal::begin(&center, "aldis");
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(center.url());
    sign_in(&page, &center);
    let site = Site::of("");
    for path in [
        "/",
        "/start",
        "/sign-in",
        "/device?user_code=BBBB-BBBB",
        "/device/done?decision=approved",
        "/nowhere",
    ] {
        let framed = format!("{}{path}", center.url());
        site.becomes(&format!("<title>x</title><iframe src='{framed}'></iframe>"));
        // Even a page on the same host, to which the cookies go.
        page.goto(&site.url("127.0.0.1"));
        let frames = page.frames();
        assert!(matches!(frames[..], [(_, false)]), "{path}: {frames:?}");
    }
    site.becomes(&format!("<title>x</title><iframe src='{}'></iframe>", terminal.question(&center)));
    page.goto(&site.url("127.0.0.1"));
    assert!(page.frames().iter().all(|(_, is_shown)| !is_shown), "{:?}", page.frames());
    let refused = page.errors().iter().filter(|error| error.contains("frame-ancestors")).count();
    assert!(refused >= 7, "{:#?}", page.errors());
}

/// A page that sends a form as soon as it is open.
fn posting(action: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=hidden name={name} value='{value}'>"))
        .collect();
    format!(
        "<title>x</title><form method=post action='{action}'>{fields}</form><script>document.forms[0].submit()</script>"
    )
}

#[test]
fn s52_a_form_of_a_stranger_decides_nothing() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, code) = begin_login(&machine);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&format!("{}/device?user_code={code}", center.url()));
    sign_in(&page, &center);
    page.lead_on(|page| page.click("Continue"));
    // Even with the token of the real form, which no stranger has.
    let token = page.eval("document.querySelector('main [name=csrf]').value");
    let token = token.as_str().unwrap();
    let decide = format!("{}/device/decide", center.url());
    let fields = [("csrf", token), ("user_code", &code), ("decision", "approve")];
    let site = Site::of(&posting(&decide, &fields));
    for host in ["127.0.0.1", "localhost", "evil.test"] {
        page.lead_on(|page| page.goto(&site.url(host)));
        page.wait_for_url(&decide);
        page.wait_for_text("This form is not accepted");
        assert_eq!(page.status(), 403, "from {host}");
    }
    look(&page, "not-accepted");
    assert!(!machine.aldis(&["center", "audit"]).ok().contains("DecideDevice"));

    // The person themselves still can.
    page.goto(&format!("{}/device?user_code={code}", center.url()));
    page.lead_on(|page| page.click("Continue"));
    page.lead_on(|page| page.click("Approve"));
    login.finish().says(&["Signed in"]);
    nothing_else(
        &page,
        &[center.url(), &site.url("127.0.0.1"), &site.url("localhost"), &site.url("evil.test")],
    );
}

#[test]
fn s26_nobody_is_signed_in_as_somebody_else_by_a_form_of_a_stranger() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(center.url());
    let url = format!("{}/sign-in", center.url());
    let fields =
        [("csrf", ""), ("return_to", "/start"), ("username", "demo"), ("password", crate::password(&center))];
    let site = Site::of(&posting(&url, &fields));
    page.goto(&site.url("evil.test"));
    page.wait_for_url(&url);
    page.wait_for_text("This form is not accepted");
    page.goto(&format!("{}/start", center.url()));
    page.wait_for_text("Sign in to see");
}

#[test]
fn s26_the_form_of_one_person_is_nothing_in_the_browser_of_another() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, code) = begin_login(&machine);
    let browser = Browser::start();
    let open = || {
        let page = browser.page(LAPTOP.0, LAPTOP.1, false);
        page.goto(&format!("{}/device?user_code={code}", center.url()));
        sign_in(&page, &center);
        page.lead_on(|page| page.click("Continue"));
        page
    };
    let (one, other) = (open(), open());
    let token = one.eval("document.querySelector('main [name=csrf]').value");
    other.eval(&format!("document.querySelector('main [name=csrf]').value = {token}"));
    other.lead_on(|page| page.click("Approve"));
    assert_eq!(other.status(), 403);
    one.lead_on(|page| page.click("Deny"));
    login.finish().fails(254, &["denied"]);
}

#[test]
fn s54_signing_in_makes_a_new_session_and_signing_out_ends_it() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    let name = format!("aldis-{}", center.port());
    let session = || {
        let cookies = page.cookies();
        cookies.iter().find(|cookie| cookie["name"] == *name).map(|cookie| cookie["value"].clone())
    };
    let is_signed_in = |session: &str| {
        let start =
            Ask::new(center.port(), "GET /start").header("Cookie", &format!("{name}={session}")).send();
        start.body.contains("Signed in as")
    };
    page.goto(center.url());
    // Another site on this host has set it beforehand, and would know the session of whoever signs in with it.
    page.eval(&format!("document.cookie = '{name}=chosen; path=/'"));
    page.goto(center.url());
    sign_in(&page, &center);
    page.wait_for_text("Your accounts");
    let first = session().unwrap().as_str().unwrap().to_owned();
    assert_ne!(first, "chosen");
    assert!(is_signed_in(&first) && !is_signed_in("chosen"));

    let tab = page.another();
    tab.goto(center.url());
    tab.wait_for_text("Your accounts");
    page.lead_on(|page| page.click("Sign out"));
    tab.goto(center.url());
    tab.wait_for_text("Sign in to see");
    assert_eq!(session(), None);
    assert!(!is_signed_in(&first), "a copy of the cookie is worth nothing any more");
    sign_in(&page, &center);
    assert_ne!(session().unwrap(), first);
}
