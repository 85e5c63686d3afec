//! The person at the laptop, with their browser.

use std::time::{Duration, Instant};

use testkit::{Center, Page};

/// Where a browser ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// On a page of the terminal that waited for it.
    Reached,
    /// On an address of its own computer at which nobody listens.
    Refused(String),
}

/// Signs in where the page asks for it: once for all pages of one person.
fn sign_in_if_asked(page: &Page<'_>, center: &Center) {
    if page.eval("!!document.querySelector('input[name=username]')") == true {
        let password = center.ready["people"][0]["password"].as_str().expect("a password");
        page.type_into("username", "demo");
        page.type_into("password", password);
        page.lead_on(|page| page.click("Sign in"));
    }
}

/// Opens a link and lets the terminal in; where the browser ends.
pub(super) fn open(page: &Page<'_>, center: &Center, link: &str) -> End {
    page.goto(link);
    sign_in_if_asked(page, center);
    page.wait_for_text("Let this terminal in?");
    page.lead_on(|page| page.click("Approve"));
    let end = Instant::now() + testkit::PATIENCE;
    loop {
        let url = page.url();
        if !url.starts_with(center.url()) && page.text().contains("Signed in") {
            return End::Reached;
        }
        if page.errors().iter().any(|error| error.contains("net::ERR_CONNECTION_REFUSED")) {
            assert!(url.contains("/oauth/callback?code="), "refused elsewhere: {url}");
            return End::Refused(url);
        }
        assert!(Instant::now() < end, "the browser hangs at {url}\n{}", page.text());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Approves the code of a complete link.
pub(super) fn approve(page: &Page<'_>, center: &Center, link: &str) {
    page.goto(link);
    sign_in_if_asked(page, center);
    page.lead_on(|page| page.click("Continue"));
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_url(&format!("{}/device/done?decision=approved", center.url()));
}
