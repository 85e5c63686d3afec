use std::io::{Read as _, Write as _};

use serde_json::Value;

use crate::signing_in::SEED;
use crate::{begin_login, decide, machine, machine_and_center};

#[test]
fn the_ready_line_says_everything_that_tools_need() {
    let machine = machine();
    let center = machine.center(&[]);
    let ready = &center.ready;
    let url = center.url();
    assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with('/'));
    assert_eq!(ready["start_url"], format!("{url}/start"));
    assert!(ready["aws_start_url"].as_str().unwrap().ends_with(".awsapps.com/start"));
    assert_eq!(ready["region"], "us-east-1");
    for name in ["AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_STS"] {
        assert_eq!(ready["environment"][name], url);
    }
    assert_eq!(ready["people"][0]["name"], "demo");
    let password = ready["people"][0]["password"].as_str().unwrap().to_owned();
    assert!(password.len() >= 12);
    let again = machine.center(&[]);
    assert_ne!(again.ready["people"][0]["password"], password, "random each start");
}

#[test]
fn one_line_for_people_and_a_graceful_end() {
    let machine = machine();
    let mut serve = machine.aldis(&["serve", "--memory", "--listen", "127.0.0.1:0"]).start();
    let line =
        serve.wait_for("the ready line", |line| line.contains("http://127.0.0.1:").then(|| line.to_owned()));
    assert!(line.contains("/start"), "{line}");
    serve.signal("TERM");
    let outcome = serve.finish();
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
}

#[test]
fn data_lies_in_the_state_folder_and_private() {
    let machine = machine();
    let center = machine.center_with(&["--listen", "127.0.0.1:0", "--output", "json"]);
    let files = machine.files();
    let state: Vec<_> = files.iter().filter(|(path, _)| path.starts_with(".local/state/aldis/")).collect();
    for name in ["center.db", "center.key"] {
        assert!(state.iter().any(|(path, _)| path.ends_with(name)), "{files:?}");
    }
    assert!(state.iter().all(|(_, mode)| *mode == 0o600), "{state:?}");
    center.terminate();
}

#[test]
fn a_seed_with_an_error_is_named_with_line_and_column() {
    let machine = machine();
    machine.write("seed.toml", &SEED.replace("id = \"444455556666\"", "id = \"4444\""));
    let seed = machine.home().join("seed.toml").display().to_string();
    machine
        .aldis(&["serve", "--memory", "--seed", &seed])
        .run()
        .fails(253, &["seed.toml", "line 9, column 6", "12 digits"]);
    machine
        .aldis(&["serve", "--memory", "--seed", "/nowhere"])
        .run()
        .fails(253, &["/nowhere", "no such file"]);
}

#[test]
fn a_port_that_is_taken() {
    let machine = machine();
    let center = machine.center(&[]);
    let listen = format!("127.0.0.1:{}", center.port());
    machine.aldis(&["serve", "--memory", "--listen", &listen]).run().fails(255, &[&listen, "hint:"]);
}

#[test]
fn what_lets_anybody_in_serves_loopback_only() {
    let machine = machine();
    let serve = |words: &[&str]| machine.aldis(&[&["serve", "--memory"], words].concat()).run();
    serve(&["--listen", "0.0.0.0:0"]).fails(252, &["--url"]);
    serve(&["--listen", "0.0.0.0:0", "--url", "http://center.example:8765"])
        .fails(252, &["built-in organisation", "--insecure-test-center"]);
    serve(&["--url", "https://center.example"]).fails(252, &["built-in organisation"]);
    machine.write("seed.toml", SEED);
    let seed = machine.home().join("seed.toml").display().to_string();
    serve(&["--seed", &seed, "--auto-approve", "dev", "--url", "https://center.example"])
        .fails(252, &["--auto-approve", "loopback"]);
    serve(&["--seed", &seed, "--auto-approve", "nobody"]).fails(252, &["nobody", "dev"]);
    serve(&["--test-clock", "--listen", "0.0.0.0:0", "--url", "http://a:1", "--insecure-test-center"])
        .fails(252, &["--test-clock"]);
}

#[test]
fn s58_a_listed_proxy_says_where_a_request_comes_from() {
    let machine = machine();
    let center = machine.center(&["--trusted-proxy", "192.0.2.1", "--trusted-proxy", "127.0.0.0/8"]);
    let host = center.url().trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let head = "POST /token HTTP/1.1\r\nConnection: close\r\nX-Forwarded-For: 198.51.100.7\r\n";
    let body = r#"{"clientId":"x","clientSecret":"x","grantType":"x"}"#;
    write!(stream, "{head}Host: {host}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let log = machine.aldis(&["center", "audit", "--output", "json"]).ok();
    let event: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(event["sourceIPAddress"], "198.51.100.7");
    machine
        .aldis(&["serve", "--memory", "--trusted-proxy", "10.0.0.0/33"])
        .run()
        .fails(252, &["--trusted-proxy", "10.0.0.0/33", "hint:"]);
}

#[test]
fn a_test_center_says_test() {
    let machine = machine();
    let mut serve = machine
        .aldis(&[
            "serve",
            "--memory",
            "--listen",
            "0.0.0.0:0",
            "--url",
            "http://center.example:8765",
            "--insecure-test-center",
        ])
        .start();
    serve.wait_for("the ready line", |line| {
        (line.contains("TEST") && line.contains("http://center.example:8765")).then_some(())
    });
}

#[test]
fn keys_that_cannot_be_kept_live_in_memory_and_it_says_so() {
    let machine = machine();
    machine.write("file", "");
    let machine = {
        let path = machine.home().join("file").display().to_string();
        machine.with("XDG_STATE_HOME", &path)
    };
    let mut serve = machine.aldis(&["serve", "--memory", "--listen", "127.0.0.1:0"]).start();
    serve.wait_for("a word on the keys", |line| {
        (line.contains("key") && line.contains("memory")).then_some(())
    });
}

#[test]
fn a_state_folder_that_may_not_be_entered_does_not_stop_a_center_in_memory() {
    let machine = machine();
    machine.write("closed/file", "");
    machine.give_to_somebody();
    let closed = machine.home().join("closed");
    assert!(std::process::Command::new("chmod").arg("000").arg(&closed).status().unwrap().success());
    let state = closed.join("state").display().to_string();
    let mut serve = machine
        .aldis(&["serve", "--memory", "--listen", "127.0.0.1:0"])
        .with("XDG_STATE_HOME", &state)
        .as_somebody()
        .start();
    serve.wait_for("a word on the keys", |line| {
        (line.contains("key") && line.contains("memory")).then_some(())
    });
    drop(serve);
    assert!(std::process::Command::new("chmod").arg("700").arg(&closed).status().unwrap().success());
}

#[test]
fn a_center_behind_a_proxy_is_found_by_the_address_that_it_has() {
    let machine = machine();
    machine.write("seed.toml", SEED);
    let seed = machine.home().join("seed.toml").display().to_string();
    let center = machine.center(&["--seed", &seed, "--url", "https://center.example"]);
    assert_eq!(center.ready["url"], "https://center.example");
    machine.aldis(&["center", "audit", "--center", "https://center.example"]).ok();
    machine
        .aldis(&["center", "audit", "--center", "https://other.example"])
        .run()
        .fails(255, &["no center of yours"]);
    machine
        .aldis(&["serve", "--memory", "--seed", &seed, "--url", "http://center.example"])
        .run()
        .fails(252, &["plain http", "https"]);
}

#[test]
fn organisations_share_no_data_in_the_state_folder() {
    let machine = machine();
    let serve = ["--listen", "127.0.0.1:0", "--output", "json"];
    let first = machine.center_with(&[&serve[..], &["--auto-approve", "demo"]].concat());
    machine.configure(first.start_url());
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    first.terminate();
    machine.write("seed.toml", SEED);
    let seed = machine.home().join("seed.toml").display().to_string();
    let second = machine.center_with(&[&serve[..], &["--seed", &seed]].concat());
    assert_eq!(machine.aldis(&["center", "audit"]).ok(), "", "another organisation, another log");
    second.terminate();
}

#[test]
fn a_broken_or_open_key_file_is_not_used() {
    let machine = machine();
    machine.write(".local/state/aldis/center.key", "1 nonsense\n");
    let key = machine.home().join(".local/state/aldis/center.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    machine.aldis(&["serve", "--memory"]).run().fails(253, &["center.key", "line 1", "hint:"]);
    let good = "1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    machine.write(".local/state/aldis/center.key", good);
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    machine.aldis(&["serve", "--memory"]).run().fails(253, &["mode 0644", "chmod 600"]);
}

#[test]
fn the_audit_log_names_who_decided_and_follows() {
    let (machine, center) = machine_and_center(&[]);
    let mut follow = machine.aldis(&["center", "audit", "--follow", "--output", "json"]).start();
    let (login, code) = begin_login(machine.aldis(&["login", "--use-device-code", "--no-browser"]));
    decide(&machine, "approve", &code);
    login.finish().says(&["Signed in"]);
    let event = follow.wait_for("the decision", |line| {
        let event: Value = serde_json::from_str(line).ok()?;
        (event["eventName"] == "DecideDeviceAuthorization").then_some(event)
    });
    assert_eq!(event["userIdentity"]["type"], "Administrator");
    assert!(event["userIdentity"]["uid"].is_u64());
    assert_eq!(event["additionalEventData"]["UserName"], "demo");
    center.terminate();
    assert_eq!(follow.finish().code, Some(0), "it was told that the center ends");
    let second = machine.center(&[]);
    let mut follow = machine.aldis(&["center", "audit", "--follow"]).start();
    machine.aldis(&["center", "device", "deny", "BBBB-BBBB", "--person", "demo"]).run().fails(254, &[]);
    follow.wait_for("an event", |line| line.contains("DecideDeviceAuthorization").then_some(()));
    second.kill();
    follow.finish().fails(255, &["the center is gone"]);
    machine.aldis(&["center", "audit"]).run().fails(255, &["no center of yours is running", "aldis serve"]);
}

#[test]
fn several_centers_are_told_apart() {
    let machine = machine();
    let (first, second) = (machine.center(&[]), machine.center(&[]));
    let (one, two) = (first.port().to_string(), second.port().to_string());
    machine.aldis(&["center", "audit"]).run().fails(252, &[&one, &two, "--center"]);
    machine.aldis(&["center", "audit", "--center", second.url()]).ok();
}

#[test]
fn only_a_test_clock_moves() {
    let (machine, _center) = machine_and_center(&[]);
    machine.aldis(&["center", "clock", "+10m"]).run().fails(254, &["hint:", "--test-clock"]);
    machine.aldis(&["center", "clock", "soon"]).run().fails(252, &["soon"]);
}
