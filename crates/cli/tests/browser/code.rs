use testkit::Browser;

use crate::{LAPTOP, PHONE, Terminal, alone, look, machine_and_center, nothing_else, password, sign_in};

#[test]
fn a_terminal_is_let_in_by_mouse() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let terminal = Terminal::begin(&center, "aldis");
    let browser = Browser::start();
    let page = browser.page(PHONE.0, PHONE.1, false);
    page.goto(&terminal.question(&center));
    look(&page, "sign-in-for-a-terminal");
    sign_in(&page, &center);
    // S50
    page.wait_for_text(&format!("port {}", terminal.listener.port()));
    page.wait_for_text("its address belongs only in the terminal where you just typed the command");
    page.wait_for_text("Nobody from support will ask for this");
    look(&page, "consent");
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_text("Back in the terminal");
    let tokens = terminal.exchange(&center, &terminal.listener.wait_for("/oauth/callback"));
    assert!(tokens["accessToken"].as_str().is_some_and(|token| token.starts_with("aoa")), "{tokens}");
    nothing_else(&page, &[center.url(), &terminal.listener.url("127.0.0.1")]);
}

#[test]
fn a_terminal_is_let_in_by_keys() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let terminal = Terminal::begin(&center, "aldis");
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, true);
    page.goto(&terminal.question(&center));
    page.wait_for_focus("input username");
    page.type_text("demo");
    page.press("Tab");
    page.type_text(password(&center));
    page.press("Tab");
    assert_eq!(page.focused(), "button Sign in");
    page.lead_on(|page| page.press("Enter"));
    page.wait_for_text("Let this terminal in?");
    assert_eq!(page.focused(), "nothing");
    page.press("Enter");
    page.press("Tab");
    assert_eq!(page.focused(), "button Deny");
    page.press("Tab");
    assert_eq!(page.focused(), "button Approve");
    page.lead_on(|page| page.press("Enter"));
    let tokens = terminal.exchange(&center, &terminal.listener.wait_for("/oauth/callback"));
    assert!(tokens["accessToken"].is_string(), "{tokens}");
}

#[test]
fn a_terminal_is_refused_and_told() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let terminal = Terminal::begin(&center, "aldis");
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&terminal.question(&center));
    sign_in(&page, &center);
    page.lead_on(|page| page.click("Deny"));
    let answer = terminal.listener.wait_for("/oauth/callback");
    assert!(answer.contains("error=access_denied") && answer.contains("state=5b9d"), "{answer}");
    assert!(answer.contains("iss=") && !answer.contains("code="), "{answer}");
}

#[test]
fn where_nobody_listens_any_more_the_address_is_there_to_be_carried() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let terminal = Terminal::begin(&center, "aldis");
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    // A browser on another computer: nothing listens on that port there.
    let port = terminal.listener.port().to_string();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let question =
        terminal.question(&center).replace(&format!("127.0.0.1%3A{port}"), &format!("127.0.0.1%3A{closed}"));
    page.goto(&question);
    sign_in(&page, &center);
    page.lead_on(|page| page.click("Approve"));
    let url = page.wait_for_url(&format!("http://127.0.0.1:{closed}/oauth/callback?code="));
    assert!(url.contains("state=5b9d"), "{url}");
}
