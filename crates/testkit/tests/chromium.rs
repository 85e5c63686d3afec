//! The browser of the tests sees what is wrong, and presses what a person presses.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use testkit::{Browser, Site};

const FORM: &str = "<!DOCTYPE html><html lang=en><title>A form</title><body><main><h1>Hello</h1>
    <form action=/sent><label>Name <input name=name></label>
    <button name=go value=no>No</button> <button name=go value=yes>Yes</button></form></main>";

#[test]
fn a_form_is_sent_by_mouse_and_by_keys() {
    let site = Site::of(FORM);
    let browser = Browser::start();
    let page = browser.page(390, 844, false);
    page.goto(&site.url("127.0.0.1"));
    assert_eq!((page.title().as_str(), page.status()), ("A form", 200));
    page.wait_for_text("Hello");
    page.type_into("name", "a b");
    page.lead_on(|page| page.click("Yes"));
    assert_eq!(site.wait_for("/sent"), "/sent?name=a+b&go=yes");

    page.goto(&site.url("127.0.0.1"));
    assert_eq!(page.focused(), "nothing");
    page.press("Tab");
    assert_eq!(page.focused(), "input name");
    page.type_text("käy");
    page.press("Tab");
    assert_eq!(page.focused(), "button No");
    page.press("Tab");
    page.press("Shift+Tab");
    page.lead_on(|page| page.press("Space"));
    assert_eq!(site.wait_for("/sent"), "/sent?name=k%C3%A4y&go=no");
    page.wait_for_url(&format!("{}/sent?name=k", site.url("127.0.0.1")));
}

#[test]
fn what_is_wrong_is_seen() {
    let site = Site::of(
        "<title>x</title><p style='color:#eee;background:#fff'>pale<img src=/x.png><script>undefined.x</script>",
    );
    let browser = Browser::start();
    let page = browser.page(1280, 800, true);
    page.goto(&site.url("127.0.0.1"));
    assert_eq!(page.eval("matchMedia('(prefers-color-scheme: dark)').matches"), true);
    let found = page.axe().join("\n");
    for rule in ["color-contrast", "image-alt", "html-has-lang"] {
        assert!(found.contains(rule), "{rule}: {found}");
    }
    assert!(page.errors().iter().any(|error| error.contains("undefined")), "{:?}", page.errors());
    assert!(page.requests().iter().any(|url| url.ends_with("/x.png")), "{:?}", page.requests());

    // A port on which nobody listens is an address all the same.
    let dead = format!("http://127.0.0.1:1/oauth/callback?code={}", "x".repeat(9));
    assert!(page.try_goto(&dead).unwrap_err().starts_with("net::ERR_"));
    assert_eq!(page.url(), dead);
    assert!(page.try_goto("http://elsewhere.example/").is_err(), "nothing leaves this computer");
}

#[test]
fn frames_are_told_apart() {
    let inner = Site::of("<title>inner</title>inner");
    let outer = Site::of(&format!("<title>outer</title><iframe src={}/in></iframe>", inner.url("127.0.0.1")));
    let browser = Browser::start();
    let page = browser.page(1280, 800, false);
    page.goto(&outer.url("127.0.0.1"));
    assert_eq!(page.frames(), [(format!("{}/in", inner.url("127.0.0.1")), true)]);
    outer.becomes("<iframe src=http://127.0.0.1:1/in></iframe>");
    page.goto(&outer.url("127.0.0.1"));
    assert_eq!(page.frames(), [("http://127.0.0.1:1/in".to_owned(), false)]);
}

#[test]
fn each_page_is_another_person_and_its_tabs_are_not() {
    let site = Site::of("<title>x</title>x");
    let browser = Browser::start();
    let page = browser.page(390, 844, false);
    page.goto(&site.url("127.0.0.1"));
    page.eval("document.cookie = 'a=1'");
    let tab = page.another();
    tab.goto(&site.url("127.0.0.1"));
    assert_eq!(tab.eval("document.cookie"), "a=1");
    assert_eq!(tab.cookies()[0]["name"], "a");
    let other = browser.page(390, 844, false);
    other.goto(&site.url("127.0.0.1"));
    assert_eq!(other.eval("document.cookie"), "");
}

#[test]
fn nothing_is_left_of_a_browser() {
    let browser = Browser::start();
    browser.page(390, 844, false);
    let shown = format!("{browser:?}");
    let group: u32 = shown.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap();
    assert!(alive(group) > 0);
    drop(browser);
    assert_eq!(alive(group), 0);
}

/// Processes of a group that have not ended.
fn alive(group: u32) -> usize {
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let fields = stats.filter_map(|stat| {
        let fields: Vec<String> = stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect();
        (fields.first()? != "Z" && fields.get(2)? == &group.to_string()).then_some(())
    });
    fields.count()
}
