//! The client's own side: a browser that goes from the terminal's link to the center and back to the terminal.

use testkit::{Browser, Machine, Running};

use crate::{LAPTOP, PHONE, alone, look, machine_and_center, nothing_else, sign_in};

/// A sign-in that waits for a browser: the link that it shows, and the origin of its listener.
fn begin(machine: &Machine) -> (Running, String, String) {
    let mut login = machine.aldis(&["login", "--flow", "browser", "--no-browser"]).start();
    let link = link(&mut login);
    let port = link.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap();
    let origin = format!("http://127.0.0.1:{port}");
    (login, link, origin)
}

fn link(login: &mut Running) -> String {
    login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()))
}

#[test]
fn from_the_terminal_to_the_center_and_back() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, link, origin) = begin(&machine);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&link);
    sign_in(&page, &center);
    page.wait_for_text("Let this terminal in?");
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_text("Signed in to dev");
    page.wait_for_text("You may close this page");
    // C9
    assert_eq!(page.url(), format!("{origin}/oauth/end"));
    look(&page, "back-signed-in");
    login.finish().says(&["Signed in"]);
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    nothing_else(&page, &[center.url(), &origin]);

    // The browser is still signed in at the center, and is asked all the same (S8).
    let (login, link, _) = begin(&machine);
    page.goto(&link);
    page.wait_for_text("Let this terminal in?");
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_text("Signed in to dev");
    login.finish().says(&["Signed in"]);
}

#[test]
fn a_terminal_that_is_killed_while_its_page_is_open_has_a_second_to_come_back_to() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (first, link, origin) = begin(&machine);
    let (mut second, same, _) = begin(&machine);
    assert_eq!(link, same);
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&link);
    sign_in(&page, &center);
    page.wait_for_text("Let this terminal in?");
    first.signal("KILL");
    first.finish();
    second.wait_for("the lead", |line| line.contains("it goes on here").then_some(()));
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_text("Signed in to dev");
    assert_eq!(page.url(), format!("{origin}/oauth/end"));
    second.finish().says(&["Signed in to dev"]);
    nothing_else(&page, &[center.url(), &origin]);
}

#[test]
fn a_no_at_the_center_is_told_in_page_and_terminal() {
    let _alone = alone();
    let (machine, center) = machine_and_center(&[]);
    let (login, link, origin) = begin(&machine);
    let browser = Browser::start();
    let page = browser.page(PHONE.0, PHONE.1, true);
    // An old tab comes first.
    page.goto(&format!("{origin}/oauth/callback?code=old&state=older"));
    page.wait_for_text("This is not the answer that the terminal waits for");
    look(&page, "back-stray");
    page.goto(&link);
    sign_in(&page, &center);
    page.wait_for_text("Let this terminal in?");
    page.lead_on(|page| page.click("Deny"));
    page.wait_for_text("Not signed in to dev");
    look(&page, "back-refused");
    login.finish().fails(255, &["access_denied", "hint:", "aldis login"]);
}

#[test]
fn the_demonstration_says_what_to_type_and_that_is_enough() {
    let _alone = alone();
    let machine = Machine::new(env!("CARGO_BIN_EXE_aldis"));
    let mut demo = machine.aldis(&["demo", "--no-browser"]).start();
    let link = link(&mut demo);
    let name = demo.wait_for("the name", |line| (line == "demo").then(|| line.to_owned()));
    let password = demo.wait_for("the password", |line| (line.len() == 16).then(|| line.to_owned()));
    let browser = Browser::start();
    let page = browser.page(LAPTOP.0, LAPTOP.1, false);
    page.goto(&link);
    page.type_into("username", &name);
    page.type_into("password", &password);
    page.lead_on(|page| page.click("Sign in"));
    page.wait_for_text("Let this terminal in?");
    page.lead_on(|page| page.click("Approve"));
    page.wait_for_text("Signed in to demo");
    demo.finish().says(&["Signed in", "assumed-role/AWSReservedSSO_ReadOnly_"]);
    assert_eq!(machine.files(), []);
}

#[test]
fn a_browser_that_the_terminal_starts_signs_in_by_the_short_link_in_its_arguments() {
    use std::os::unix::fs::PermissionsExt as _;

    let _alone = alone();
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let home = machine.home();
    // The desktop's opener starts a real Chromium, which nobody drives.
    std::fs::create_dir(home.join("bin")).unwrap();
    let opener = home.join("bin/xdg-open");
    let script = "#!/bin/sh\nprintf %s $$ > \"$HOME/pid\"\nprintf %s \"$1\" > \"$HOME/opened\"\n\
         exec chromium --headless=new --no-sandbox --disable-gpu --no-first-run \
         --user-data-dir=\"$HOME/profile\" --remote-debugging-port=0 \"$1\"\n";
    std::fs::write(&opener, script).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    machine.write("wayland-0", "");
    let login = machine
        .aldis(&["login", "--flow", "browser"])
        .with("WAYLAND_DISPLAY", &home.join("wayland-0").display().to_string())
        .with("PATH", &format!("{}/bin:/usr/bin:/bin", home.display()));
    let outcome = login.run();
    // Its own process group, which ends with it.
    let pid = machine.read("pid");
    let killed = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{pid}")]).status();
    outcome.says(&["The page was opened with xdg-open", "Signed in to dev"]);
    assert!(!outcome.stderr.contains("warning:"), "one browser, one visit: {outcome}");
    let opened = machine.read("opened");
    assert!(opened.starts_with("http://127.0.0.1:") && !opened.contains("authorize"), "{opened}");
    assert!(killed.unwrap().success());
}
