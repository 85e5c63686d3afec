use std::net::Ipv4Addr;

use testkit::Browser;

use crate::{
    LAPTOP, PHONE, alone, begin_login, look, machine_and_center, nothing_else, password, sign_in,
    start_device,
};

#[test]
fn a_device_is_signed_in_by_mouse() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, code) = begin_login(&machine);
    let browser = Browser::start();
    let page = browser.page(PHONE.0, PHONE.1, false);
    page.goto(&format!("{}/device", center.url()));
    sign_in(&page, &center);
    page.type_into("user_code", &code.to_lowercase().replace('-', " "));
    page.lead_on(|page| page.click("Continue"));
    page.wait_for_text(&code);
    page.wait_for_text("Nobody from support will ask for this");
    page.wait_for_text("Started from the same address");
    look(&page, "decide");
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_url(&format!("{}/device/done?decision=approved", center.url()));
    look(&page, "approved");
    login.finish().says(&["Signed in"]);
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    nothing_else(&page, &[center.url()]);

    // The code is used: nobody approves it twice.
    page.goto(&format!("{}/device?user_code={code}", center.url()));
    page.lead_on(|page| page.click("Continue"));
    assert_eq!(page.status(), 404);
}

#[test]
fn a_device_is_signed_in_by_keys_from_the_complete_link() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, code) = begin_login(&machine);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, true);
    page.goto(&format!("{}/device?user_code={code}", center.url()));
    page.wait_for_focus("input username");
    page.type_text("demo");
    page.press("Tab");
    page.type_text(password(&center));
    page.lead_on(|page| page.press("Enter"));

    // S8: a link and a session alone approve nothing.
    page.wait_for_focus("input user_code");
    look(&page, "code-from-link");
    page.lead_on(|page| page.press("Enter"));
    page.wait_for_text("You are signing in a device");
    // Enter in the code field only led here, and without a focus it does nothing.
    assert_eq!(page.focused(), "nothing");
    page.press("Enter");
    assert!(machine.aldis(&["center", "audit"]).ok().lines().all(|line| !line.contains("DecideDevice")));
    // S49: Deny comes first.
    page.press("Tab");
    assert_eq!(page.focused(), "button Deny");
    page.press("Tab");
    assert_eq!(page.focused(), "button Approve");
    page.lead_on(|page| page.press("Space"));
    page.wait_for_text("The device is signed in");
    login.finish().says(&["Signed in"]);
    nothing_else(&page, &[center.url()]);
}

#[test]
fn a_device_is_refused() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, code) = begin_login(&machine);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&format!("{}/device?user_code={code}", center.url()));
    sign_in(&page, &center);
    page.lead_on(|page| page.click("Continue"));
    // S7: the two are equally large and stand side by side.
    let sizes = page.eval(
        "[...document.querySelectorAll('.choice button')].map(one => { const box = one.getBoundingClientRect(); \
         return [Math.round(box.width), Math.round(box.height), Math.round(box.y)]; })",
    );
    assert_eq!(sizes[0], sizes[1]);
    page.lead_on(|page| page.click("Deny"));
    page.wait_for_text("The device was refused");
    look(&page, "denied");
    login.finish().fails(254, &["denied"]);
    nothing_else(&page, &[center.url()]);
}

#[test]
fn s42_a_device_that_was_started_elsewhere_is_told_apart_and_its_code_must_be_typed() {
    let _alone = alone();
    let (_machine, center) = machine_and_center(&[]);
    let device = start_device(&center, "aldis", Ipv4Addr::new(127, 0, 0, 2));
    let code = device["userCode"].as_str().unwrap();
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(device["verificationUriComplete"].as_str().unwrap());
    sign_in(&page, &center);
    page.lead_on(|page| page.click("Continue"));
    page.wait_for_text("started from another address than this browser's");
    assert_eq!(page.eval("document.querySelector('[name=user_code]').value"), "");
    look(&page, "code-started-elsewhere");
    page.type_into("user_code", code);
    page.lead_on(|page| page.press("Enter"));
    page.wait_for_text("127.0.0.2");
    look(&page, "decide-started-elsewhere");
    nothing_else(&page, &[center.url()]);
}
