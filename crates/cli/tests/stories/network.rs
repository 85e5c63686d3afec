//! The way to a center: proxies of every kind, addresses that somebody set, dual-stack instances, answers without an end.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use testkit::{Center, Machine, Proxy, Relay, Site, Socks};

use crate::bad_answers::answer;
use crate::bad_places::{at_once, config, free_port, nothing_stays};
use crate::{TOKEN, apart, apart_why_not, behind, machine, machine_and_center, sign_in};

const CODE: [&str; 3] = ["login", "--use-device-code", "--no-browser"];
const OIDC: &str = "oidc.us-east-1.amazonaws.com";
const PORTAL: &str = "portal.sso.us-east-1.amazonaws.com";
const AMAZON: &str = "[profile dev]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n\
                      [sso-session dev]\nsso_start_url = https://d-1234567890.awsapps.com/start\nsso_region = us-east-1\n";

/// A machine that reaches Amazon only through a proxy, behind which a center plays it.
fn office() -> (Machine, Center, Proxy) {
    let machine = machine();
    let center = machine.center(&["--trusted-proxy", "127.0.0.1", "--auto-approve", "demo"]);
    let proxy = Proxy::start(&center);
    machine.write(".aws/config", AMAZON);
    let machine = machine.with("AWS_CA_BUNDLE", &proxy.authority().display().to_string());
    (machine, center, proxy)
}

#[test]
fn proxies_of_each_kind_work_and_some_look_up_names() {
    let (machine, _center, proxy) = office();
    let authority = proxy.url().trim_start_matches("http://").to_owned();
    for value in [proxy.url(), authority.clone(), format!("ann:hidden@{authority}")] {
        machine.aldis(&CODE).with("HTTPS_PROXY", &value).run().says(&["Signed in"]);
        machine.aldis(&["creds", "--profile", "dev"]).with("https_proxy", &value).ok();
        machine.aldis(&["logout"]).with("HTTPS_PROXY", &value).run().says(&["Signed out"]);
    }
    for (scheme, expected) in [
        ("socks5h://", format!("5 {OIDC}:443")),
        ("socks5h://ann:hidden@", format!("5 ann {OIDC}:443")),
        ("socks4a://", format!("4 {OIDC}:443")),
    ] {
        let socks = Socks::before(&proxy, &[]);
        let value = format!("{scheme}{}", socks.authority());
        machine.aldis(&CODE).with("HTTPS_PROXY", &value).run().says(&["Signed in"]);
        machine.aldis(&["creds", "--profile", "dev"]).with("HTTPS_PROXY", &value).ok();
        machine.aldis(&["logout"]).with("HTTPS_PROXY", &value).run().says(&["Signed out"]);
        assert_eq!(socks.asked().first(), Some(&expected), "{scheme}");
    }
    if let Some(why) = apart_why_not() {
        return testkit::skip(&why);
    }
    // With these, names are looked up here.
    let [oidc, portal] = [Ipv4Addr::new(127, 0, 0, 11), Ipv4Addr::new(127, 0, 0, 12)];
    machine.write("hosts", &format!("{oidc} {OIDC}\n{portal} {PORTAL}\n"));
    let hosts = format!("mount --bind {}/hosts /etc/hosts", machine.home().display());
    for (scheme, version) in [("socks5", 5), ("socks4", 4)] {
        let socks = Socks::before(&proxy, &[(oidc, OIDC), (portal, PORTAL)]);
        let run = machine.aldis(&CODE).with("HTTPS_PROXY", &format!("{scheme}://{}", socks.authority()));
        behind(run, &apart("m", &hosts)).run().says(&["Signed in"]);
        assert_eq!(socks.asked().first(), Some(&format!("{version} {oidc}:443")));
    }
}

#[test]
fn a_proxy_that_does_not_work_is_named_by_every_command_and_a_sign_out_removes_the_token() {
    let (machine, _center, proxy) = office();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let closed = format!("127.0.0.1:{}", free_port());
    let socks_no = Site::saying(vec![5, 0xff]);
    let asks = Site::saying(answer("407 Proxy Authentication Required", "", ""));
    let page = Site::saying(answer("200 OK", "", "<html>"));
    let at = |site: &Site| format!("127.0.0.1:{}", site.port());
    for (value, shown, words) in [
        (
            format!("http://ann:hidden@{closed}"),
            format!("http://{closed}"),
            "nothing is listening at the proxy",
        ),
        (closed.clone(), format!("http://{closed}"), "nothing is listening at the proxy"),
        (format!("socks5h://{closed}"), format!("socks5h://{closed}"), "nothing is listening at the proxy"),
        (format!("ann:hidden@{silent}"), format!("http://{silent}"), "in time"),
        (format!("socks5h://{silent}"), format!("socks5h://{silent}"), "in time"),
        (format!("ann:hidden@{}", at(&asks)), format!("http://{}", at(&asks)), "status 407"),
        (format!("https://ann:hidden@{}", at(&asks)), format!("https://{}", at(&asks)), "through the proxy"),
        (at(&page), format!("http://{}", at(&page)), "does not speak TLS"),
        (format!("socks5h://{}", at(&socks_no)), format!("socks5h://{}", at(&socks_no)), "through the proxy"),
        ("socks5://127.0.0.1:9".to_owned(), "socks5://127.0.0.1:9".to_owned(), ""),
        (
            "ftp://ann:hidden@127.0.0.1:9".to_owned(),
            "the proxy in HTTPS_PROXY".to_owned(),
            "ftp is no kind of proxy",
        ),
    ] {
        let check = |outcome: &testkit::Outcome| {
            let said = format!("{}{}", outcome.stderr, outcome.stdout);
            assert!(said.contains(&shown) && said.contains(words), "{value}: {outcome}");
            for word in ["hidden", "panicked", "thread '"] {
                assert!(!said.contains(word), "{value}: {outcome}");
            }
        };
        let login = at_once(machine.aldis(&CODE).with("HTTPS_PROXY", &value));
        assert!(matches!(login.code, Some(253 | 255)) && login.stderr.contains("hint: "), "{login}");
        check(&login);
        if words == "in time" {
            continue;
        }
        let json = [&CODE[..], &["--output", "json"]].concat();
        check(&at_once(machine.aldis(&json).with("HTTPS_PROXY", &value)));
        machine.aldis(&CODE).with("HTTPS_PROXY", &proxy.url()).ok();
        check(&machine.aldis(&["accounts"]).with("HTTPS_PROXY", &value).run());
        check(&machine.aldis(&["creds", "--profile", "dev"]).with("HTTPS_PROXY", &value).run());
        let logout = at_once(machine.aldis(&["logout"]).with("HTTPS_PROXY", &value));
        logout.says(&["warning: ", "may go on", "Signed out"]);
        check(&logout);
        assert!(!machine.home().join(TOKEN).exists(), "{value}");
    }
}

#[test]
fn a_broken_certificate_of_a_bundle_is_told_with_its_line() {
    let (machine, _center, proxy) = office();
    let good = std::fs::read_to_string(proxy.authority()).unwrap();
    let broken = format!("{good}\n-----BEGIN CERTIFICATE-----\nMIIB!!\n-----END CERTIFICATE-----\n");
    machine.write("bundle.pem", &broken);
    let bundle = machine.home().join("bundle.pem").display().to_string();
    let line = format!("line {}", good.lines().count() + 2);
    let run = machine.aldis(&CODE).with("HTTPS_PROXY", &proxy.url()).with("AWS_CA_BUNDLE", &bundle);
    run.run().fails(253, &[&bundle, &line, "hint:"]);
    assert!(proxy.joined().is_empty());
}

#[test]
fn a_dual_stack_instance_is_reached_at_its_own_endpoints() {
    let (machine, _center, proxy) = office();
    machine.write(
        ".aws/config",
        &AMAZON
            .replace("https://d-1234567890.awsapps.com/start", "https://ssoins-1.portal.us-east-1.app.aws"),
    );
    let through = |words: &[&str]| machine.aldis(words).with("HTTPS_PROXY", &proxy.url()).run();
    // The center behind the proxy has another start URL; that it was asked is what counts.
    through(&CODE);
    let joined = proxy.joined();
    assert!(joined.contains(&"oidc.us-east-1.api.aws:443".to_owned()), "{joined:?}");
    assert!(joined.iter().all(|place| !place.contains("amazonaws.com")), "{joined:?}");
}

#[test]
fn a_token_goes_to_no_link_local_address_in_plain_http() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    for host in ["169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]", "[fd00:ec2::23]"] {
        let url = format!("http://{host}");
        for words in
            [&["accounts", "--endpoint-changed"][..], &["creds", "--profile", "dev", "--endpoint-changed"]]
        {
            let run = machine.aldis(words).with("AWS_ENDPOINT_URL_SSO", &url);
            at_once(run).fails(253, &["is plain http to another machine", host]);
        }
        let run = machine.aldis(&CODE).with("AWS_ENDPOINT_URL_SSO_OIDC", &url);
        at_once(run).fails(253, &["is plain http to another machine", host]);
    }
}

/// Forgets every pin, as another tool's sign-in has none.
pub(crate) fn forget_pins(machine: &Machine) {
    let state = machine.home().join(".local/state/aldis/pins");
    let _ = std::fs::remove_dir_all(state);
    for file in std::fs::read_dir(machine.home().join(".aws/sso/cache")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "pins") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_token_without_a_pin_goes_to_no_address_that_somebody_set_elsewhere() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    forget_pins(&machine);
    let foreign = "https://192.0.2.1";
    let config = config(&machine);
    let section = config.replace("[profile dev]\n", "[profile dev]\nservices = corp\n")
        + "[services corp]\nsso =\n  endpoint_url = https://192.0.2.1\nsso_oidc =\n  endpoint_url = https://192.0.2.1\n";
    let key = config.replace("[profile dev]\n", "[profile dev]\nendpoint_url = https://192.0.2.1\n");
    for (variable, config_text, by) in [
        (Some("AWS_ENDPOINT_URL_SSO"), &config, "AWS_ENDPOINT_URL_SSO"),
        (Some("AWS_ENDPOINT_URL"), &config, "AWS_ENDPOINT_URL"),
        (None, &section, "the services section of the profile"),
        (None, &key, "endpoint_url in the profile"),
    ] {
        machine.write(".aws/config", config_text);
        for words in [
            &["accounts", "--profile", "dev"][..],
            &["roles", "111122223333", "--profile", "dev"],
            &["creds", "--profile", "dev"],
            &["exec", "--profile", "dev", "--", "true"],
            &["whoami", "--profile", "dev"],
            &["configure", "list", "--profile", "dev"],
        ] {
            let run = machine.aldis(words);
            let run = variable.into_iter().fold(run, |run, name| run.with(name, foreign));
            let outcome = at_once(run);
            outcome.fails(255, &["it is not known where the sign-in to dev was made", foreign, by]);
            outcome.fails(255, &["--endpoint-changed"]);
        }
    }
    machine.write(".aws/config", &config);
    // A sign-out asks nobody there either, and removes the token.
    let run = machine.aldis(&["logout"]).with("AWS_ENDPOINT_URL_SSO", foreign);
    at_once(run).says(&["may go on", "it is not known where", foreign, "Signed out"]);
    assert!(!machine.home().join(TOKEN).exists());
}

#[test]
fn the_warning_about_an_address_on_this_machine_comes_before_the_request() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    forget_pins(&machine);
    let relay = Relay::before(center.port());
    relay.hold("GET /assignment");
    let mut run = machine.aldis(&["accounts"]).with("AWS_ENDPOINT_URL_SSO", &relay.url()).start();
    run.wait_for("a warning", |line| {
        let is_it = line.starts_with("warning: ") && line.contains(&relay.url());
        (is_it && line.contains("AWS_ENDPOINT_URL_SSO")).then_some(())
    });
    relay.wait_for_held(1);
    relay.release();
    run.finish().says(&[]);
}

#[test]
fn an_address_that_refuses_a_token_is_not_pinned_and_says_nothing_about_the_sign_in() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    forget_pins(&machine);
    let token = machine.read(TOKEN);
    let other = machine.center(&["--auto-approve", "demo"]);
    let astray = machine.aldis(&["accounts"]).with("AWS_ENDPOINT_URL_SSO", other.url()).run();
    astray.fails(255, &["does not accept the token", other.url(), "AWS_ENDPOINT_URL"]);
    assert_eq!(machine.read(TOKEN), token, "no refresh token was spent on it");
    machine.aldis(&["accounts"]).ok();
    machine.aldis(&["login", "--if-needed"]).run().says(&["Still signed in"]);
}

#[test]
fn a_container_that_has_only_the_aws_folder_knows_the_pin() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    std::fs::remove_dir_all(machine.home().join(".local/state")).unwrap();
    let site = Site::saying(answer("500 Internal Server Error", "", ""));
    let run = machine.aldis(&["accounts"]).with("AWS_ENDPOINT_URL_SSO", &site.url("127.0.0.1"));
    at_once(run).fails(255, &["was made at", "AWS_ENDPOINT_URL_SSO"]);
    machine.aldis(&["accounts"]).ok();
    // The token file has the AWS CLI's members only, and the file beside it is none of another tool's.
    let token: serde_json::Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    let mut members: Vec<&String> = token.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        [
            "accessToken",
            "clientId",
            "clientSecret",
            "expiresAt",
            "refreshToken",
            "region",
            "registrationExpiresAt",
            "startUrl"
        ]
    );
    let cache = std::fs::read_dir(machine.home().join(".aws/sso/cache")).unwrap();
    let names: Vec<String> =
        cache.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let own: Vec<&String> = names.iter().filter(|name| name.starts_with("aldis")).collect();
    assert!(own.len() == 1 && !own[0].ends_with(".json"), "{names:?}");
    machine.aldis(&["logout"]).ok();
    let cache = std::fs::read_dir(machine.home().join(".aws/sso/cache")).unwrap();
    assert!(cache.into_iter().all(|file| !file.unwrap().path().to_string_lossy().ends_with(".pins")));
}

#[test]
fn a_sign_out_goes_where_the_variable_says_if_the_token_came_by_it() {
    let machine = machine();
    let center = machine.center(&["--auto-approve", "demo"]);
    // Neither profile is the one in use, so the variable counted for none of them.
    machine.write(".aws/config", &AMAZON.replace("[profile dev]", "[profile other]"));
    for variables in [&["AWS_ENDPOINT_URL"][..], &["AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SSO"]] {
        for is_pinned in [true, false] {
            let with = |words: &[&str]| {
                variables.iter().fold(machine.aldis(words), |run, name| run.with(name, center.url()))
            };
            with(&CODE).ok();
            if !is_pinned {
                forget_pins(&machine);
            }
            let outcome = at_once(with(&["logout"]));
            outcome.says(&["Signed out"]);
            assert!(!outcome.stderr.contains("may go on"), "{outcome}");
            assert_eq!(outcome.stderr.contains("warning:"), !is_pinned, "{outcome}");
            let page = format!("{}/start", center.url());
            assert!(outcome.stderr.contains("Your browser may still be signed in"), "{outcome}");
            assert!(outcome.stderr.contains(&page), "{outcome}");
        }
    }
    let audit = machine.aldis(&["center", "audit"]).ok();
    assert_eq!(audit.matches("Logout").count(), 4, "{audit}");
}

#[test]
fn after_a_sign_out_a_line_says_where_the_browser_is_signed_out() {
    let (machine, center) = machine_and_center(&[]);
    sign_in(&machine);
    let outcome = machine.aldis(&["logout"]).run();
    let line =
        format!("Your browser may still be signed in there; to end that, sign out at {}", center.start_url());
    assert_eq!(outcome.stderr.matches(&line).count(), 1, "{outcome}");
    sign_in(&machine);
    let told: serde_json::Value =
        serde_json::from_str(&machine.aldis(&["logout", "--output", "json"]).ok()).unwrap();
    assert_eq!(told["signed_out"][0]["browser_sign_out"], center.start_url());
    let outcome = machine.aldis(&["logout"]).run();
    assert!(!outcome.stderr.contains("browser"), "{outcome}");
}

#[test]
fn addresses_are_shown_without_user_password_and_query_everywhere() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let start_url = format!("{}?token=hidden", center.start_url());
    machine
        .write(".aws/config", &crate::bad_places::config(&machine).replace(center.start_url(), &start_url));
    let json = ["--output", "json"];
    let check = |words: &[&str]| {
        for more in [&[][..], &json] {
            let outcome = machine.aldis(&[words, more].concat()).run();
            assert!(!outcome.to_string().replace(&start_url, "").contains("hidden"), "{outcome}");
        }
    };
    check(&CODE);
    for words in [&["status"][..], &["accounts"], &["configure", "list"], &["login", "--explain"]] {
        check(words);
    }
    // A legacy profile is called by its start URL.
    machine.write(
        ".aws/config",
        &format!(
            "[profile dev]\nsso_start_url = {start_url}\nsso_region = us-east-1\nsso_account_id = 111122223333\n\
             sso_role_name = ReadOnly\n"
        ),
    );
    let dev = ["--profile", "dev"];
    for words in [&CODE[..], &["status"], &["accounts"], &["whoami"], &["logout"], &["accounts"], &["status"]]
    {
        check(&[words, if words == ["status"] || words == ["logout"] { &[] } else { &dev[..] }].concat());
    }
    for bad in [
        "https://ann:hidden@d-1234567890.awsapps.com/start",
        "http://d-1234567890.awsapps.com/start?hidden",
        "ann:hidden@d-1234567890.awsapps.com",
        "https://127.0.0.1:1/start?hidden",
    ] {
        machine.write(
            ".aws/config",
            &format!("[sso-session dev]\nsso_start_url = {bad}\nsso_region = us-east-1\n"),
        );
        for words in [&CODE[..], &["status"], &["accounts"], &["logout"]] {
            check(words);
        }
    }
    machine.configure(center.start_url());
    for bad in ["https://ann:hidden@127.0.0.1:1", "ann:hidden@127.0.0.1", "https://127.0.0.1:1/?hidden"] {
        let outcome = at_once(machine.aldis(&CODE).with("AWS_ENDPOINT_URL", bad));
        assert!(!outcome.stderr.contains("hidden"), "{outcome}");
    }
}

/// A portal whose listings have no end: each page of a megabyte names another one.
fn endless_portal() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let entry = format!(
        "{{\"accountId\":\"111122223333\",\"accountName\":\"{0}\",\"roleName\":\"{0}\"}}",
        "x".repeat(3000)
    );
    let entries = vec![entry; 170].join(",");
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let mut stream = stream;
            let mut head = [0; 8192];
            let _ = stream.read(&mut head);
            let body = format!(
                "{{\"accountList\":[{entries}],\"roleList\":[{entries}],\"nextToken\":\"page {number}\"}}"
            );
            let _ = stream.write_all(&answer("200 OK", "Content-Type: application/json\r\n", &body));
        }
    });
    url
}

#[test]
fn a_listing_without_an_end_is_ended_and_takes_little_memory() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&CODE).ok();
    forget_pins(&machine);
    let portal = endless_portal();
    // 300 MB of addresses, most of which a process has without any listing.
    let words = ["sh", "-c", "ulimit -v 300000; exec \"$@\"", "sh"].map(str::to_owned);
    for command in [&["accounts"][..], &["roles", "111122223333"]] {
        let run = machine.aldis(command).with("AWS_ENDPOINT_URL_SSO", &portal);
        let outcome = at_once(behind(run, &words));
        outcome.fails(255, &["the listing is longer than 100000 entries or 64 MiB"]);
    }
}

#[test]
fn times_of_a_center_are_clamped() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    let relay = Relay::before(center.port());
    let machine = machine.with("AWS_ENDPOINT_URL_SSO_OIDC", &relay.url());
    let before = config(&machine);
    let json = |body: &str| answer("200 OK", "Content-Type: application/json\r\n", body);
    let token = |seconds: &str| {
        json(&format!("{{\"accessToken\":\"aoa\",\"tokenType\":\"Bearer\",\"expiresIn\":{seconds}}}"))
    };
    relay.answer("POST /token", token("9223372036854775807"));
    machine.aldis(&CODE).ok();
    let kept: serde_json::Value = serde_json::from_str(&machine.read(TOKEN)).unwrap();
    let year: u32 = kept["expiresAt"].as_str().unwrap()[..4].parse().unwrap();
    assert!(year < 2100, "{kept}");
    std::fs::remove_file(machine.home().join(TOKEN)).unwrap();
    for seconds in ["0", "-1", "-9223372036854775808", "9223372036854775808"] {
        relay.answer("POST /token", token(seconds));
        let mut login = machine.aldis(&[&CODE[..], &["--now"]].concat()).start();
        login.wait_for("word of it", |line| line.starts_with("warning: ").then_some(()));
        login.signal("INT");
        assert_eq!(login.finish().code, Some(130), "{seconds}");
        nothing_stays(&machine, &before);
    }
    // A server that wants to be left alone for ever is not waited for, and no sum of times overflows.
    let busy = answer("503 Service Unavailable", "Retry-After: 18446744073709551615\r\n", "");
    relay.answer("POST /client/register", busy);
    for file in std::fs::read_dir(machine.home().join(".aws/sso/cache")).unwrap() {
        let _ = std::fs::remove_file(file.unwrap().path());
    }
    let _ = std::fs::remove_dir_all(machine.home().join(".local/state/aldis/registrations"));
    let outcome = at_once(machine.aldis(&[&CODE[..], &["--now"]].concat()));
    outcome.fails(254, &["failed at RegisterClient"]);
    assert!(!outcome.stderr.contains("internal error"), "{outcome}");
    relay.step_aside();
    machine.aldis(&[&CODE[..], &["--now"]].concat()).run().says(&["Signed in"]);
}
