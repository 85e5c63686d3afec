use std::net::Ipv4Addr;

use testkit::{Ask, Browser};

use crate::{
    LAPTOP, PHONE, Terminal, alone, look, machine_and_center, nothing_else, password, sign_in, start_device,
};

#[test]
fn a_person_signs_in_sees_their_accounts_and_signs_out() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(center.url());
    assert_eq!(page.status(), 200);
    look(&page, "sign-in");
    page.type_into("username", "demo");
    page.type_into("password", "wrong");
    page.lead_on(|page| page.click("Sign in"));
    assert_eq!(page.status(), 401);
    look(&page, "sign-in-wrong");
    page.wait_for_focus("input password");
    page.type_text(password(&center));
    page.lead_on(|page| page.press("Enter"));
    page.wait_for_text("Your accounts");
    page.wait_for_text("111122223333");
    look(&page, "accounts");

    let cookies = page.cookies();
    assert_eq!(cookies.len(), 1, "the visit is over: {cookies:?}");
    assert_eq!(cookies[0]["name"], format!("aldis-{}", center.port()));
    assert_eq!((&cookies[0]["httpOnly"], &cookies[0]["sameSite"]), (&true.into(), &"Lax".into()));
    assert_eq!(page.eval("document.cookie"), "", "no script could read it");

    page.lead_on(|page| page.click("Sign out"));
    page.wait_for_text("Sign in to see");
    page.goto(&format!("{}/start", center.url()));
    assert!(!page.text().contains("111122223333"));
    nothing_else(&page, &[center.url()]);
}

#[test]
fn a_center_that_approves_by_itself_says_so() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let browser = Browser::start();
    let page = browser.page(PHONE.0, PHONE.1, false);
    page.goto(center.url());
    page.wait_for_text("approves every sign-in by itself");
    look(&page, "approves-by-itself");
    nothing_else(&page, &[center.url()]);
}

#[test]
fn what_goes_wrong_has_a_page_of_its_own_that_never_answers_200() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    let terminal = Terminal::begin(&center, "aldis");
    let question = terminal.question(&center);
    let client = question.replace("client_id=", "client_id=x");
    let redirect = question.replace("oauth%2Fcallback", "elsewhere");
    let nowhere = format!("{}/nowhere", center.url());
    let program = format!("{}/token", center.url());
    for (url, status, name, words) in [
        (&nowhere, 404, "no-such-page", "no such page"),
        (&program, 405, "for-programs", "for programs"),
        (&client, 400, "unknown-client", "cannot begin"),
        (&redirect, 400, "unknown-redirect", "cannot begin"),
    ] {
        page.goto(url);
        assert_eq!(page.status(), status, "{url}");
        assert!(page.text().contains(words), "{}", page.text());
        assert_eq!(page.url(), *url, "S19: not sent anywhere");
        look(&page, name);
    }
    nothing_else(&page, &[center.url()]);
}

#[test]
fn a_code_that_is_mistyped_or_used_and_one_guessed_too_often() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&format!("{}/device", center.url()));
    look(&page, "sign-in-for-a-device");
    sign_in(&page, &center);
    look(&page, "code");
    let mut tries = 0;
    while page.status() != 429 {
        page.goto(&format!("{}/device", center.url()));
        page.type_into("user_code", "bbbb bbbb");
        page.lead_on(|page| page.click("Continue"));
        tries += 1;
        assert!(tries < 10);
        if tries == 1 {
            assert_eq!(page.status(), 404);
            page.wait_for_text("ask your terminal for a new one");
            look(&page, "code-wrong");
            page.lead_on(|page| page.click("Enter a code"));
        }
    }
    assert_eq!(tries, 6, "five wrong ones are free");
    look(&page, "throttled");
    nothing_else(&page, &[center.url()]);
}

#[test]
fn a_sign_in_that_ended_meanwhile() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&["--test-clock"]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&format!("{}/device", center.url()));
    sign_in(&page, &center);
    machine.aldis(&["center", "clock", "+31m"]).ok();
    page.type_into("user_code", "BBBB-BBBB");
    page.lead_on(|page| page.click("Continue"));
    assert_eq!(page.status(), 401);
    look(&page, "signed-out");
    page.lead_on(|page| page.click("Sign in again"));
    sign_in(&page, &center);
    page.wait_for_url(&format!("{}/device", center.url()));
}

#[test]
fn s55_names_with_markup_are_letters_and_long_ones_are_cut() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&format!("{}/device", center.url()));
    sign_in(&page, &center);
    let evil = format!("<img src=//evil.example/x onerror=alert(1)></dd></dl>{}\u{202e}", "W".repeat(80));
    let device = start_device(&center, &evil, Ipv4Addr::new(127, 0, 0, 2));
    page.type_into("user_code", device["userCode"].as_str().unwrap());
    page.lead_on(|page| page.click("Continue"));
    page.wait_for_text("<img src=//evil.example");
    assert_eq!(page.eval("document.images.length"), 0);
    assert!(!page.text().contains(&"W".repeat(60)) && !page.html().contains('\u{202e}'));
    assert!(page.text().contains("not verified"));
    look(&page, "decide-evil-name");

    let terminal = Terminal::begin(&center, &evil);
    page.goto(&terminal.question(&center));
    page.wait_for_text("<img src=//evil.example");
    assert_eq!(page.eval("document.images.length"), 0);
    look(&page, "consent-evil-name");
    nothing_else(&page, &[center.url()]);
}

#[test]
fn s51_a_name_that_is_not_the_centers_gets_no_page() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let answer = Ask::new(center.port(), "GET /start").send();
    assert_eq!(answer.status, 200);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    // A stranger's name that means this computer all of a sudden (DNS rebinding).
    page.goto(&format!("http://evil.test:{}/start", center.port()));
    assert_eq!(page.status(), 421);
    assert!(!page.html().contains("<form"), "{}", page.html());
}

#[test]
fn a_test_center_says_so_and_a_form_that_cannot_be_read_is_told() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&["--insecure-test-center"]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(center.start_url());
    // S60
    page.wait_for_text("This is a TEST center");
    look(&page, "test-center");
    // A member that comes twice is read differently by every parser (S40).
    page.eval("document.forms[0].appendChild(document.querySelector('[name=csrf]').cloneNode()) && 1");
    page.type_into("username", "demo");
    page.type_into("password", "wrong");
    page.lead_on(|page| page.click("Sign in"));
    assert_eq!(page.status(), 400);
    look(&page, "unreadable");
}

#[test]
fn somebody_without_a_password_finds_what_their_administrator_types() {
    let _alone = alone();
    let machine = testkit::Machine::new(env!("CARGO_BIN_EXE_aldis"));
    machine.write("seed.toml", "[organisation]\nname = \"corp\"\n[[people]]\nname = \"dev\"\n");
    let seed = machine.home().join("seed.toml").display().to_string();
    let center = machine.center(&["--seed", &seed]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&format!("{}/device?user_code=BCDF-GHJK", center.url()));
    page.eval("(document.querySelector('details').open = true) && 1");
    page.wait_for_text("aldis center device approve BCDF-GHJK --person NAME");
    look(&page, "sign-in-without-a-password");
}

#[test]
fn a_center_whose_disk_is_full_says_that_it_failed() {
    let _alone = alone();
    let machine = testkit::Machine::new(env!("CARGO_BIN_EXE_aldis"));
    let data = machine.home().join("center.db").display().to_string();
    let binary = machine.binary().display().to_string();
    let words = ["--ignore-signal=XFSZ", &binary, "serve", "--data", &data, "--listen", "127.0.0.1:0"];
    let words = [&words[..], &["--output", "json"]].concat();
    let center = testkit::Center::from_run(machine.program("env", &words));
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(center.start_url());
    page.type_into("username", "demo");
    page.type_into("password", password(&center));
    let full = std::process::Command::new("prlimit")
        .args(["--fsize=1", "--pid", &center.pid().to_string()])
        .status();
    assert!(full.is_ok_and(|status| status.success()), "prlimit");
    page.lead_on(|page| page.click("Sign in"));
    assert_eq!(page.status(), 500);
    look(&page, "failed");
}

#[test]
fn a_center_that_checks_too_many_passwords_asks_for_a_moment() {
    let _alone = alone();
    let machine = testkit::Machine::new(env!("CARGO_BIN_EXE_aldis"));
    // Slow enough that the queue stays full while somebody looks at the page.
    let cost = center::password::Cost { memory: 65_536, passes: 8, lanes: 1 };
    let hash = center::password::hash(&wire::Secret::new("password"), &[7; 16], cost).unwrap();
    machine.write(
        "seed.toml",
        &format!("[organisation]\nname = \"corp\"\n[[people]]\nname = \"dev\"\npassword_hash = \"{hash}\"\n"),
    );
    let seed = machine.home().join("seed.toml").display().to_string();
    let center = machine.center(&["--seed", &seed]);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(center.start_url());
    page.type_into("username", "dev");
    page.type_into("password", "password");
    let visit = Ask::new(center.port(), "GET /start").send();
    let cookie = visit.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf =
        visit.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (sender, answers) = std::sync::mpsc::channel();
    for number in 0..40_u8 {
        let (sender, cookie, csrf) = (sender.clone(), cookie.clone(), csrf.clone());
        let (port, origin) = (center.port(), center.url().to_owned());
        std::thread::spawn(move || {
            // A name that nobody has costs the same.
            let form = format!("csrf={csrf}&return_to=%2Fstart&username=nobody{number}&password=wrong");
            let ask = Ask::new(port, "POST /sign-in").from(Ipv4Addr::new(127, 0, 1, number + 1));
            // Those that still wait at the end are cut off with the center.
            let answer = ask.header("Cookie", &cookie).header("Origin", &origin).form(&form).try_send();
            let _ = sender.send(answer.map(|answer| answer.status).unwrap_or_default());
        });
    }
    while answers.recv_timeout(testkit::PATIENCE).unwrap() != 503 {}
    page.lead_on(|page| page.click("Sign in"));
    assert_eq!(page.status(), 503);
    look(&page, "busy");
}
