use center::authorize::{self, Consent, Question, Refusal};
use center::password::{self, Cost};
use center::sign_in::{self, Request, Wrong};
use center::things::browser_session::BrowserSession;
use center::things::decider::Decider;
use center::things::handle::{Handle, Kind};
use center::{device_decide, token_by_code};
use wire::Secret;
use wire::admin::Decision;

use crate::code::{exchange, gather, pairs, signed_up};
use crate::paper::Paper;

const SCOPES: Option<&[&str]> = Some(&["sso:account:access"]);

/// An organisation from a seed in which demo has a password.
fn paper() -> Paper {
    let mut paper = Paper::new();
    paper.instance.organisation.built_in = false;
    give_password(&mut paper, "first");
    paper
}

fn give_password(paper: &mut Paper, password: &str) {
    let hash = password::hash(&Secret::new(password), &[7; 16], Cost::RANDOM);
    paper.instance.organisation.people[0].password_hash = hash;
}

fn sign_in(paper: &mut Paper, name: &str, previous: Option<Handle>, is_right: bool) -> Result<Secret, Wrong> {
    let request = Request { name: name.to_owned(), previous, destination: "/start" };
    let verdict = paper.call(|call| sign_in::decide(call, &request, is_right));
    paper.commit(verdict).unwrap().map(|signed_in| signed_in.cookie)
}

fn session(paper: &Paper, cookie: &Secret) -> Option<BrowserSession> {
    let handle = Handle::of(&paper.instance.seals, Kind::BrowserSession, cookie)?;
    paper.browsers.iter().find(|session| session.handle == handle).cloned()
}

/// Uses a cookie; whose it is.
fn who(paper: &mut Paper, cookie: &Secret) -> Option<String> {
    let session = session(paper, cookie);
    let verdict = paper.call(|call| sign_in::who(call, session.as_ref()));
    paper.commit(verdict).unwrap().ok().map(|session| session.person)
}

#[test]
fn s54_each_sign_in_is_a_new_session_and_ends_the_one_before() {
    let mut paper = paper();
    let first = sign_in(&mut paper, "demo", None, true).unwrap();
    let previous = session(&paper, &first).map(|session| session.handle);
    let second = sign_in(&mut paper, "demo", previous, true).unwrap();
    assert_ne!(first, second);
    assert!(second.expose().len() >= 43, "32 random bytes and more");
    assert_eq!((who(&mut paper, &first), who(&mut paper, &second)), (None, Some("demo".to_owned())));
    assert_eq!(paper.browsers.len(), 1);
    let log = serde_json::to_string(&paper.records).unwrap();
    assert!(!log.contains(first.expose()) && !log.contains(second.expose()));
}

#[test]
fn s54_using_a_session_is_noted_once_a_minute() {
    let mut paper = paper();
    let cookie = sign_in(&mut paper, "demo", None, true).unwrap();
    paper.pass(59);
    let current = session(&paper, &cookie);
    assert!(paper.call(|call| sign_in::who(call, current.as_ref())).writes_nothing());
    paper.pass(1);
    who(&mut paper, &cookie).unwrap();
    assert_eq!(session(&paper, &cookie).unwrap().seen_at, paper.now);
    paper.pass(30 * 60 - 1);
    who(&mut paper, &cookie).unwrap();
    paper.pass(30 * 60);
    assert_eq!(who(&mut paper, &cookie), None);
}

#[test]
fn s12_s53_nobody_signs_in_without_a_name_and_password_of_theirs() {
    let mut paper = paper();
    paper
        .instance
        .organisation
        .people
        .push(center::organisation::Person { name: "guest".to_owned(), password_hash: None });
    for (name, is_right) in [("demo", false), ("nobody", true), ("guest", true), ("", true)] {
        assert_eq!(sign_in(&mut paper, name, None, is_right), Err(Wrong), "{name}");
    }
    assert!(paper.browsers.is_empty());
    let phc = |name| paper.call(|call| sign_in::to_verify(call, name, "stand-in").to_owned());
    assert!(phc("demo").starts_with("$argon2id$"));
    assert_eq!((phc("nobody").as_str(), phc("guest").as_str()), ("stand-in", "stand-in"));
}

#[test]
fn s12_s28_another_password_or_no_person_ends_every_session() {
    let mut paper = paper();
    let cookie = sign_in(&mut paper, "demo", None, true).unwrap();
    let (client, tokens) = paper.sign_in(SCOPES);
    let refresh = tokens.refresh_token.unwrap();
    assert!(paper.open_portal(&tokens.access_token) && who(&mut paper, &cookie).is_some());

    give_password(&mut paper, "second");
    assert!(!paper.open_portal(&tokens.access_token));
    assert!(paper.refresh(&client, &refresh).is_err());
    assert_eq!(who(&mut paper, &cookie), None);

    give_password(&mut paper, "first");
    assert!(paper.open_portal(&tokens.access_token), "what was written again was not changed");
    paper.refresh(&client, &refresh).unwrap();
    paper.instance.organisation.people.clear();
    assert!(!paper.open_portal(&tokens.access_token));
    assert_eq!(who(&mut paper, &cookie), None);
}

#[test]
fn s28_the_built_in_person_has_a_new_password_at_each_start_and_goes_on() {
    let mut paper = paper();
    paper.instance.organisation.built_in = true;
    let cookie = sign_in(&mut paper, "demo", None, true).unwrap();
    let (_, tokens) = paper.sign_in(SCOPES);
    give_password(&mut paper, "second");
    assert!(paper.open_portal(&tokens.access_token));
    assert_eq!(who(&mut paper, &cookie), None, "but on a page they sign in anew");
}

#[test]
fn s5_s7_s42_a_device_is_looked_at_before_it_is_decided_on() {
    let mut paper = paper();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    let begun = paper.now;
    paper.pass(30);
    let look = |paper: &mut Paper, code: &str| {
        let kept = center::things::user_code::kept_of_typed(&paper.instance.seals, code);
        let grant = paper.grants.iter().find(|grant| Some(&grant.user_code) == kept.as_ref()).cloned();
        let verdict = paper.call(|call| device_decide::look(call, code, "demo", grant.as_ref()));
        paper.commit(verdict).unwrap()
    };
    let records = paper.records.len();
    let waiting = look(&mut paper, &started.user_code.to_lowercase()).unwrap();
    assert_eq!(paper.records.len(), records, "a good look leaves no trace");
    assert_eq!((waiting.user_code.as_str(), waiting.started_at), (started.user_code.as_str(), begun));
    assert_eq!((waiting.client_name.as_str(), waiting.user_agent.as_str()), ("botocore-client-corp", "test"));
    assert!(waiting.is_near);
    for (address, is_near) in [("127.0.0.2", false), ("2001:db8::1", false), ("", false)] {
        paper.caller.address = address.to_owned();
        assert_eq!(look(&mut paper, &started.user_code).unwrap().is_near, is_near, "{address}");
    }
    let mistyped = look(&mut paper, "BBBB-BBBB").unwrap_err();
    paper.say(&started.user_code, Decision::Deny).unwrap();
    assert_eq!(look(&mut paper, &started.user_code).unwrap_err(), mistyped);
    assert_eq!(look(&mut paper, "nonsense").unwrap_err(), mistyped);
}

#[test]
fn s42_one_network_of_version_6_is_one_place() {
    for (one, other, expected) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8::1", "2001:db8::2", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::1", "127.0.0.1", false),
        ("local socket", "local socket", true),
    ] {
        assert_eq!(device_decide::is_near(one, other), expected, "{one} {other}");
    }
}

#[test]
fn s8_a_person_decides_in_their_own_name_once() {
    let mut paper = paper();
    let client = paper.register(SCOPES);
    let started = paper.start(&client);
    let decide = |paper: &mut Paper, person: &str, decision| {
        let request = device_decide::Request {
            user_code: started.user_code.clone(),
            person: person.to_owned(),
            decision,
            by: Decider::Themselves,
        };
        let grant = paper.grant_of(&started.device_code);
        let verdict = paper.call(|call| device_decide::decide(call, &request, grant.as_ref()));
        paper.commit(verdict).unwrap().map_err(|refusal| refusal.code)
    };
    assert_eq!(decide(&mut paper, "nobody", Decision::Approve).unwrap_err(), "unknown_person");
    decide(&mut paper, "demo", Decision::Approve).unwrap();
    for decision in [Decision::Approve, Decision::Deny] {
        assert_eq!(decide(&mut paper, "demo", decision).unwrap_err(), "unknown_code");
    }
    let done =
        paper.records.iter().find(|record| record["additionalEventData"]["UserName"] == "demo").unwrap();
    assert_eq!(done["userIdentity"]["type"], "IdentityCenterUser");
    paper.poll(&client, &started.device_code).unwrap();
}

#[test]
fn s50_a_code_that_comes_from_elsewhere_raises_an_event_and_is_good_all_the_same() {
    for (address, raises) in [("127.0.0.1", false), ("192.0.2.1", true)] {
        let (mut paper, client) = signed_up();
        let (question, consent) = (
            Question::new(pairs(&client)),
            Consent { person: "demo".to_owned(), decision: Decision::Approve },
        );
        let verdict = paper.call(|call| authorize::consent(call, &question, &consent));
        let location = paper.commit(verdict).unwrap().unwrap();
        paper.caller.address = address.to_owned();
        let request = exchange(&client, &crate::code::code_in(&location));
        let grant = gather(&paper, &request);
        let verdict = paper.call(|call| token_by_code::decide(call, &request, grant.as_ref()));
        paper.commit(verdict).unwrap().unwrap();
        let event = paper.records.iter().find(|record| record["eventName"] == "RedeemedElsewhere");
        assert_eq!(event.is_some(), raises);
        if let Some(event) = event {
            assert_eq!(event["additionalEventData"]["ApprovedFrom"], "127.0.0.1");
            assert_eq!(event["sourceIPAddress"], address);
            assert_eq!(event["eventSource"], "signin.amazonaws.com");
        }
    }
}

#[test]
fn s8_a_faulty_question_cannot_be_consented_to() {
    let (mut paper, client) = signed_up();
    let consent = Consent { person: "demo".to_owned(), decision: Decision::Approve };
    for (name, value) in [("client_id", "unheard-of"), ("redirect_uri", "https://evil.example/")] {
        let question = Question::new(crate::code::with(pairs(&client), name, value));
        let verdict = paper.call(|call| authorize::consent(call, &question, &consent));
        assert!(matches!(paper.commit(verdict).unwrap(), Err(Refusal::Page { .. })));
    }
    assert!(paper.codes.is_empty());
}
