//! A person signs in on a page with name and password, and signs out again.
//!
//! What is slow or counted is gathered first and comes as a fact: whether the password is right, and whether somebody guesses.
//! Whatever is wrong with name or password, the answer is one and the same (S53).

use serde_json::json;
use wire::Secret;

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::password;
use crate::things::browser_session::{BrowserSession, LONGEST_LIFE};
use crate::things::handle::{Handle, Kind, mint};
use crate::verdict::Verdict;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name as it was typed.
    pub name: String,
    /// The browser session that ends with this sign-in: a browser has one.
    pub previous: Option<Handle>,
    /// Where the person was going.
    pub destination: &'static str,
}

/// A person who is signed in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The value of the cookie.
    pub cookie: Secret,
}

/// Name and password do not belong together, or not to somebody here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong;

/// The PHC string to verify a password against: the person's, or one that no password opens and that costs as much.
pub fn to_verify<'a>(call: &Call<'a>, name: &str, stand_in: &'a str) -> &'a str {
    call.instance.person(name).and_then(|person| person.password_hash.as_deref()).unwrap_or(stand_in)
}

/// Signs a person in, where `is_right` says that the password is theirs. Each sign-in has a cookie of its own (S54).
pub fn decide(call: &Call<'_>, request: &Request, is_right: bool) -> Verdict<SignedIn, Wrong> {
    let workflow = call.uuid();
    let entry = |event| {
        Entry::new(call, event)
            .workflow(&workflow)
            .additional("CredentialType", json!("PASSWORD"))
            .additional("LoginTo", json!(format!("{}{}", call.instance.url, request.destination)))
    };
    let person = call.instance.person(&request.name).filter(|_| is_right);
    let phc = person.and_then(|person| Some((person, person.password_hash.as_deref()?)));
    let Some((person, phc)) = phc else {
        let event = Event::CredentialVerification;
        let entry = entry(event).additional("UserName", json!(request.name)).outcome(event, false);
        return Verdict::refuse(Wrong, Vec::new(), vec![entry]);
    };
    let (cookie, handle) = mint(call, Kind::BrowserSession);
    let session = BrowserSession {
        handle,
        person: person.name.clone(),
        password_mark: password::mark(phc),
        began_at: call.now,
        seen_at: call.now,
        ends_at: call.after(LONGEST_LIFE),
    };
    let mut changes = vec![Change::AddBrowserSession(session)];
    changes.extend(request.previous.clone().map(|handle| Change::EndBrowserSession { handle }));
    let entries = [Event::CredentialVerification, Event::UserAuthentication]
        .map(|event| entry(event).person(call, &person.name).outcome(event, true));
    Verdict::accept(SignedIn { cookie }, changes, entries.into())
}

/// Signs the person of a browser session out.
pub fn sign_out(call: &Call<'_>, session: &BrowserSession) -> Verdict<(), ()> {
    let entry = Entry::new(call, Event::SignOut).person(call, &session.person);
    Verdict::accept((), vec![Change::EndBrowserSession { handle: session.handle.clone() }], vec![entry])
}

/// Somebody seems to try all user codes; who, nobody knows, so it is logged once in a while and slows everybody (S5).
pub fn user_codes_guessed(call: &Call<'_>, wrong: u32) -> Verdict<(), ()> {
    let entry = Entry::new(call, Event::UserCodesGuessed).additional("WrongCodes", json!(wrong));
    Verdict::accept((), Vec::new(), vec![entry])
}

/// Nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nobody;

/// Whose a browser session is, if it is good.
pub fn who(call: &Call<'_>, session: Option<&BrowserSession>) -> Verdict<BrowserSession, Nobody> {
    match session.filter(|session| session.is_good(call)) {
        Some(session) => {
            let changes = session.used(call).into_iter().collect();
            Verdict::accept(session.clone(), changes, Vec::new())
        }
        None => Verdict::wait(Nobody),
    }
}
