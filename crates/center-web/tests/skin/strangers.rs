//! Who asks, from where, and how often: proxies in front, and floods.

use serde_json::{Value, json};

use crate::http::{Answer, send};
use crate::running::{Center, Wishes};

fn slowed(answer: &Answer) -> bool {
    if answer.status != 400 {
        return false;
    }
    assert_eq!(answer.text("error"), "slow_down");
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    true
}

fn count(log: &[Value], name: &str) -> usize {
    log.iter().filter(|event| event["eventName"] == name).count()
}

#[test]
fn s37_a_flood_of_registrations_is_slowed_and_told_once() {
    let center = Center::start();
    let aws = json!({ "clientName": "n", "clientType": "public" });
    let tries: Vec<bool> = (0..500)
        .map(|number| match number % 2 {
            0 => slowed(&center.post("/client/register", &aws)),
            _ => slowed(&center.post("/oauth/register", &json!({}))),
        })
        .collect();
    assert!(tries[..300].iter().all(|slowed| !slowed), "both faces share one burst of 300");
    let refused = tries.iter().filter(|slowed| **slowed).count();
    assert!(refused > 50, "{refused}");
    let answer = center.post("/client/register", &aws);
    if slowed(&answer) {
        assert_eq!(answer.json()["__type"], "com.amazonaws.sso.oidc#SlowDownException");
    }
    let log = center.audit();
    assert_eq!(count(&log, "RegistrationBurst"), 1);
    assert!(count(&log, "RegisterClient") <= 501 - refused, "the refused ones left nothing");
    center.move_clock(60);
    center.post("/oauth/register", &json!({})).is(201);
}

#[test]
fn s46_a_flood_of_device_starts_is_slowed_by_client_and_told_once() {
    let center = Center::start();
    let (fast, calm) = (center.client(), center.client());
    let tries: Vec<bool> = (0..80).map(|_| slowed(&fast.start())).collect();
    assert!(tries[..60].iter().all(|slowed| !slowed), "a burst of 60 is nothing");
    assert!(tries.contains(&true));
    calm.start().is(200);

    let mut thief = calm.clone();
    thief.secret = "wrong".to_owned();
    for _ in 0..80 {
        thief.start().is(401);
    }
    calm.start().is(200);
    let log = center.audit();
    assert_eq!(count(&log, "DeviceAuthorizationBurst"), 1);
    let burst = log.iter().find(|event| event["eventName"] == "DeviceAuthorizationBurst").unwrap();
    assert_eq!(burst["sourceIPAddress"], "127.0.0.1");

    center.move_clock(60);
    let id =
        center.post("/oauth/register", &json!({ "token_endpoint_auth_method": "none" })).text("client_id");
    let start = || center.post_form("/oauth/device_authorization", &format!("client_id={id}"), &[]);
    let slowed = (0..80).map(|_| start()).find(slowed).unwrap();
    assert_eq!((slowed.header("cache-control"), slowed.json().get("__type")), (Some("no-store"), None));
}

#[test]
fn s58_only_a_listed_proxy_is_believed() {
    let proxied = Wishes { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..Wishes::default() };
    for (center, expected) in [(Center::with(proxied), "198.51.100.7"), (Center::start(), "127.0.0.1")] {
        let body = json!({ "clientName": "n", "clientType": "public" }).to_string();
        for header in [("X-Forwarded-For", "203.0.113.9, 198.51.100.7"), ("Forwarded", "for=198.51.100.7")] {
            send(center.address, "POST /client/register", &[header], body.as_bytes()).is(200);
            let log = center.audit();
            assert_eq!(log.last().unwrap()["sourceIPAddress"], expected, "{header:?}");
        }
    }
}
