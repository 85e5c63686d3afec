//! A refusal of the center is remembered: a token that it does not accept is renewed once, then it is over, and no two commands
//! disagree on whether the user is signed in.

use serde_json::Value;
use testkit::Outcome;

use crate::TOKEN;
use crate::races::{LIFE, Scene};

const NEEDING_A_TOKEN: [&[&str]; 5] = [
    &["creds", "--profile", "dev"],
    &["exec", "--profile", "dev", "--", "true"],
    &["whoami", "--profile", "dev"],
    &["accounts", "--profile", "dev"],
    &["roles", "111122223333", "--profile", "dev"],
];

impl Scene {
    fn status(&self) -> Value {
        let out = self.aldis(&["status", "--output", "json"]).ok();
        serde_json::from_str::<Value>(&out).unwrap()["sessions"][0].clone()
    }

    /// Ends the session at the center; the files of this machine do not know.
    fn end_elsewhere(&self) {
        let token = self.machine.read(TOKEN);
        self.aldis(&["logout"]).ok();
        self.machine.write(TOKEN, &token);
    }

    /// The number of requests that were made since `before`, with `POST /token` and to the portal.
    fn requests(&self) -> (usize, usize) {
        (self.relay.count("POST /token"), self.relay.count("GET /"))
    }

    fn login_if_needed(&self) -> Outcome {
        self.aldis(&["login", "--if-needed", "--use-device-code", "--no-browser", "--output", "json"]).run()
    }

    fn edit_token(&self, edit: impl FnOnce(&mut Value)) {
        let mut token: Value = serde_json::from_str(&self.machine.read(TOKEN)).unwrap();
        edit(&mut token);
        self.machine.write(TOKEN, &token.to_string());
    }
}

#[test]
fn a_token_that_the_clock_of_the_center_ended_is_renewed_once() {
    let scene = Scene::new();
    let before = scene.machine.read(TOKEN);
    scene.advance_center(2 * LIFE);
    let (tokens, _) = scene.requests();
    for words in NEEDING_A_TOKEN {
        let outcome = scene.aldis(words).run();
        assert!(outcome.says(&[]).stderr.is_empty(), "{outcome}");
    }
    assert_eq!(scene.requests().0, tokens + 1);
    assert_ne!(scene.machine.read(TOKEN), before);
    assert_eq!(scene.status()["state"], "signed_in");
}

#[test]
fn after_a_refused_token_every_command_says_that_the_sign_in_is_over() {
    let scene = Scene::new();
    scene.end_elsewhere();
    assert_eq!(scene.status()["state"], "signed_in", "nobody has told this machine");
    let (tokens, _) = scene.requests();
    scene.aldis(NEEDING_A_TOKEN[0]).run().fails(255, &["ended elsewhere", "hint: sign in: aldis login"]);
    assert_eq!(scene.requests().0, tokens + 1, "one refresh was tried");
    let asked = scene.requests();
    for words in NEEDING_A_TOKEN {
        scene.aldis(words).run().fails(255, &["ended elsewhere", "hint: sign in: aldis login"]);
    }
    let status = scene.status();
    assert_eq!((&status["state"], &status["renewable"]), (&"expired".into(), &false.into()), "{status}");
    assert!(scene.aldis(&["status"]).ok().contains("the center refused its token; sign in: aldis login"));
    assert_eq!(scene.requests(), asked, "and nobody was asked again");
    let files = scene.machine.files();
    let kept: Vec<_> = files.iter().filter(|(path, _)| path.contains("/aldis/tokens/")).collect();
    assert!(matches!(kept.as_slice(), [(_, 0o600)]), "{kept:?}");
    assert!(!scene.machine.read(&kept[0].0).contains("aoa"), "hashes only");

    let outcome = scene.login_if_needed();
    assert!(outcome.says(&[]).stdout.contains("\"signed_in\""), "{outcome}");
    for words in NEEDING_A_TOKEN {
        scene.aldis(words).run().says(&[]);
    }
    assert_eq!(scene.status()["state"], "signed_in");
    assert!(scene.login_if_needed().says(&[]).stdout.contains("still_signed_in"));
}

#[test]
fn after_a_refused_refresh_nothing_is_renewed_any_more() {
    let scene = Scene::new();
    // The session lasts eight hours, the registration weeks.
    scene.advance(9 * LIFE);
    let text = scene.aldis(&["status"]).ok();
    assert!(text.contains("the next use renews it, if the organisation's session still lasts"), "{text}");
    scene.aldis(NEEDING_A_TOKEN[3]).run().fails(255, &["the sign-in to dev has ended"]);
    let asked = scene.requests();
    for words in NEEDING_A_TOKEN {
        scene.aldis(words).run().fails(255, &["the sign-in to dev has ended"]);
    }
    assert_eq!(scene.status()["state"], "expired");
    assert!(scene.aldis(&["status"]).ok().contains("the center refused its token"));
    assert_eq!(scene.requests(), asked, "the refresh token was presented once");
}

#[test]
fn a_refused_refresh_of_a_token_that_is_good_makes_its_end_a_hard_stop() {
    let scene = Scene::new();
    scene.advance(LIFE - 300);
    scene.edit_token(|token| token["refreshToken"] = "aor-none".into());
    scene.aldis(NEEDING_A_TOKEN[3]).run().says(&["warning: the token could not be renewed"]);
    let text = scene.aldis(&["status"]).ok();
    assert!(text.contains("a hard stop: the center refused to renew it"), "{text}");
    let tokens = scene.requests().0;
    let outcome = scene.aldis(NEEDING_A_TOKEN[3]).run();
    assert!(outcome.says(&[]).stderr.is_empty(), "{outcome}");
    assert_eq!(scene.requests().0, tokens);
}

#[test]
fn another_center_says_nothing_about_a_token() {
    let scene = Scene::new();
    let other = scene.machine.center(&[]);
    let words = ["accounts", "--profile", "dev", "--endpoint-changed"];
    let astray = scene.aldis(&words).with("AWS_ENDPOINT_URL_SSO", other.url());
    astray.run().fails(255, &["goes to", "does not accept the token"]);
    assert_eq!(scene.status()["state"], "signed_in");
    let tokens = scene.requests().0;
    scene.aldis(NEEDING_A_TOKEN[0]).ok();
    assert_eq!(scene.requests().0, tokens, "nor is the token renewed for it");
}

#[test]
fn no_two_commands_disagree_on_whether_the_user_is_signed_in() {
    type Edit = fn(&Scene);
    fn over(token: &mut Value) {
        token["expiresAt"] = "2020-01-01T00:00:00Z".into();
    }
    fn drop_renewal(token: &mut Value) {
        token.as_object_mut().unwrap().remove("refreshToken");
    }
    // (state of the token file, what `status` says, is the user signed in)
    let rows: [(&str, Edit, &str, bool); 10] = [
        ("valid", |_| {}, "signed_in", true),
        ("due", |scene| scene.advance(LIFE - 300), "signed_in", true),
        ("over", |scene| scene.advance(LIFE + 1), "renewable", true),
        ("not renewable", |scene| scene.edit_token(drop_renewal), "signed_in", true),
        (
            "over and not renewable",
            |scene| {
                scene.edit_token(drop_renewal);
                scene.edit_token(over);
            },
            "expired",
            false,
        ),
        (
            "refused",
            |scene| {
                scene.end_elsewhere();
                scene.aldis(NEEDING_A_TOKEN[3]).run().fails(255, &[]);
            },
            "expired",
            false,
        ),
        (
            "refresh refused",
            |scene| {
                scene.advance(9 * LIFE);
                scene.aldis(NEEDING_A_TOKEN[3]).run().fails(255, &[]);
            },
            "expired",
            false,
        ),
        (
            "another start URL",
            |scene| scene.edit_token(|token| token["startUrl"] = "https://d-1.awsapps.com/start".into()),
            "other_start_url",
            false,
        ),
        ("torn", |scene| scene.machine.write(TOKEN, "{\"accessToken\""), "unreadable", false),
        (
            "missing",
            |scene| std::fs::remove_file(scene.machine.home().join(TOKEN)).unwrap(),
            "not_signed_in",
            false,
        ),
    ];
    for (name, edit, state, is_signed_in) in rows {
        // Each command alone may change the state, so each begins with it.
        for words in NEEDING_A_TOKEN {
            let scene = Scene::new();
            edit(&scene);
            assert_eq!(scene.status()["state"], state, "{name}");
            let outcome = scene.aldis(words).run();
            assert_eq!(outcome.code, Some(if is_signed_in { 0 } else { 255 }), "{name}: {outcome}");
            let expected = if is_signed_in { "signed_in" } else { state };
            assert_eq!(scene.status()["state"], expected, "{name} {words:?}");
            let outcome = scene.login_if_needed();
            let is_still = outcome.says(&[]).stdout.contains("still_signed_in");
            assert_eq!(is_still, is_signed_in, "{name}: {outcome}");
        }
    }
}

#[test]
fn a_refusal_that_cannot_have_spent_the_refresh_token_is_repeated_and_a_lost_answer_is_not() {
    let scene = Scene::new();
    scene.advance(LIFE + 1);
    // Every second request is one too many: that of the next refresh.
    scene.relay.be_busy("POST /token", 2);
    scene.creds().ok();
    scene.advance(LIFE + 1);
    let before = scene.requests().0;
    let outcome = scene.creds().run();
    assert!(outcome.says(&[]).stderr.is_empty(), "{outcome}");
    assert_eq!(scene.requests().0, before + 2);
    scene.relay.be_busy("POST /token", usize::MAX);

    scene.advance(LIFE + 1);
    let before = scene.requests().0;
    scene.relay.answer("POST /token", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    let creds = scene.creds().start();
    while scene.requests().0 == before {
        std::thread::yield_now();
    }
    scene.relay.step_aside();
    assert_eq!(creds.finish().code, Some(0));
    assert!(scene.requests().0 > before + 1);

    for lost in ["", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"] {
        scene.advance(LIFE + 1);
        let before = scene.requests().0;
        scene.relay.answer("POST /token", lost);
        let outcome = scene.creds().run();
        assert!(outcome.code != Some(0) && outcome.stderr.contains("could not be renewed"), "{outcome}");
        assert_eq!(scene.requests().0, before + 1, "{lost:?}");
        scene.relay.step_aside();
        scene.creds().ok();
    }
    assert_eq!(scene.audited(&["SessionEnded"]), 0);
}
