//! The administration socket.

use wire::admin::{AdminAnswer, AdminRequest, Decision};

use crate::running::{Center, Wishes};

#[track_caller]
fn refused(answer: AdminAnswer, expected: &str) {
    match answer {
        AdminAnswer::Refused { code, message } => {
            assert_eq!(code, expected);
            assert!(!message.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn s59_one_by_one_on_behalf_of_a_person() {
    let center = Center::start();
    let client = center.client();
    let started = client.start().is(200);
    let user_code = started.text("userCode");
    let on_behalf_of = |person: &str| {
        let (user_code, person) = (user_code.clone(), person.to_owned());
        center.admin().ask(&AdminRequest::DecideDevice { user_code, person, decision: Decision::Approve })
    };
    refused(on_behalf_of("nobody"), "unknown_person");
    refused(center.decide("BBBB-BBBB", Decision::Approve), "unknown_code");
    refused(center.decide("not a code", Decision::Approve), "unknown_code");
    assert!(matches!(on_behalf_of("demo"), AdminAnswer::Done { .. }));
    refused(on_behalf_of("demo"), "unknown_code");
    refused(center.decide(&user_code, Decision::Deny), "unknown_code");
    client.poll(&started.text("deviceCode")).is(200);

    let audit = center.audit();
    let decided: Vec<_> =
        audit.iter().filter(|event| event["eventName"] == "DecideDeviceAuthorization").collect();
    assert_eq!(decided.len(), 6);
    for event in &decided {
        assert_eq!(event["userIdentity"]["uid"], outside::env::own_uid());
        assert_eq!(event["sourceIPAddress"], "local socket");
    }
    let done: Vec<_> = decided.iter().filter(|event| event.get("errorCode").is_none()).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["additionalEventData"]["UserName"], "demo");
    let workflow = &done[0]["additionalEventData"]["AuthWorkflowID"];
    assert!(workflow.is_string());
    for name in ["StartDeviceAuthorization", "CreateToken"] {
        let event = audit.iter().find(|event| event["eventName"] == name).unwrap();
        assert_eq!(&event["additionalEventData"]["AuthWorkflowID"], workflow, "one sign-in, one id");
        assert_eq!(event["sourceIPAddress"], "127.0.0.1");
    }
    let everything = serde_json::to_string(&audit).unwrap();
    for secret in [&client.secret, &started.text("deviceCode")] {
        assert!(!everything.contains(secret.as_str()), "no secret in the log");
    }
}

#[test]
fn a_conversation_goes_on_after_a_refusal() {
    let center = Center::start();
    let mut admin = center.admin();
    for line in ["nonsense", "{}", r#"{"op":"no_such"}"#, "", r#"{"op":"audit"}"#] {
        admin.send_line(line);
        refused(admin.hear().unwrap(), "bad_request");
    }
    assert!(matches!(admin.ask(&AdminRequest::Audit { after: 0, follow: false }), AdminAnswer::Done { .. }));
    admin.send_line(&"x".repeat(70_000));
    assert_eq!(admin.hear(), None, "a line without end ends the conversation");
}

#[test]
fn the_log_is_followed_live() {
    let center = Center::start();
    center.client();
    let mut follower = center.admin();
    follower.send(&AdminRequest::Audit { after: 0, follow: true });
    let mut next = || match follower.hear() {
        Some(AdminAnswer::Event { position, event }) => (position, event["eventName"].clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(), (1, "RegisterClient".into()));
    let client = center.client();
    assert_eq!(next(), (2, "RegisterClient".into()));
    client.start().is(200);
    assert_eq!(next(), (3, "StartDeviceAuthorization".into()));
    // More than one page, from the middle on.
    for _ in 0..300 {
        client.refresh("aorunheard-of").is(400);
    }
    for position in 4..=303 {
        assert_eq!(next().0, position);
    }
    let mut late = center.admin();
    late.send(&AdminRequest::Audit { after: 300, follow: false });
    let positions: Vec<_> = std::iter::from_fn(|| match late.hear() {
        Some(AdminAnswer::Event { position, .. }) => Some(position),
        _ => None,
    })
    .collect();
    assert_eq!(positions, [301, 302, 303]);

    center.stop().unwrap();
    assert!(
        matches!(follower.hear(), Some(AdminAnswer::Done { .. })),
        "a follower hears that the end is in good order"
    );
    assert_eq!(follower.hear(), None, "a follower hears the end");
}

#[test]
fn only_a_test_clock_moves() {
    let center = Center::with(Wishes { real_clock: true, ..Wishes::default() });
    refused(center.admin().ask(&AdminRequest::MoveClock { seconds: 60 }), "no_test_clock");
    let center = Center::start();
    refused(center.admin().ask(&AdminRequest::MoveClock { seconds: -60 }), "bad_step");
    refused(center.admin().ask(&AdminRequest::MoveClock { seconds: i64::MAX }), "bad_step");
    center.move_clock(600);
}
