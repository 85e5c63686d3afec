//! The question of a client that wants an authorization code, and its approval: steps 1 to 3 of the code grant (see
//! `things/code_grant.rs`).
//!
//! A question whose client or redirect URI is unknown is answered by a page: whatever is wrong with it must not send the
//! browser anywhere (RFC 6749 section 4.1.2.1). All else that is wrong goes back to the client.

use std::collections::HashSet;

use serde_json::json;
use wire::Secret;
use wire::admin::Decision;
use wire::authorize::{AuthorizeError, CHALLENGE_METHOD_S256, PATH, RESPONSE_TYPE_CODE, with_query};

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::instance::Call;
use crate::things::client::{Registration, Scopes};
use crate::things::code_grant::{CodeGrant, LONGEST_LIFE, is_challenge};
use crate::things::handle::{ClientHash, Kind, mint};
use crate::things::redirect_uri::{self, Loopback};
use crate::verdict::{AdminRefusal, Verdict};

/// A question as a browser brings it: the parameters of the query. Those without a value count as absent, and those that
/// are not known do not matter (RFC 6749 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question(Vec<(String, String)>);

impl Question {
    /// Takes the decoded pairs of a query.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of a parameter. One that comes twice has none: every parser would read another.
    fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }

    /// The scopes that are asked for, as one text. AWS spells it in the plural.
    fn scope(&self) -> Option<&str> {
        self.value("scopes").or(self.value("scope"))
    }

    fn repeats(&self) -> bool {
        // Both spellings are one parameter.
        let names = self.0.iter().map(|(name, _)| if name == "scopes" { "scope" } else { name });
        let mut seen = HashSet::new();
        !names.into_iter().all(|name| seen.insert(name))
    }
}

/// A question that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What the client calls itself; not verified.
    pub client_name: String,
    /// Where on the machine of the browser the client listens.
    pub port: u16,
    /// What it asks for.
    pub scopes: Scopes,
    /// The same question once more, as an address without anything that needs quoting.
    pub address: String,
    /// Where the client wants its answer.
    pub redirect_uri: String,
    client: ClientHash,
    state: Option<String>,
    challenge: String,
}

/// What a browser gets for a question that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is approved already: the redirect URI with the code.
    Redirect(Secret),
    /// A person has to decide.
    Wait(Box<Asked>),
}

/// What a browser gets for any other question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A page. The browser must not be sent anywhere.
    Page {
        /// For a program.
        code: &'static str,
        /// For a person.
        message: &'static str,
    },
    /// Back to the client.
    Back {
        /// Which error.
        error: AuthorizeError,
        /// What is wrong, for a person.
        description: &'static str,
        /// The redirect URI with all that.
        location: String,
    },
}

impl Refusal {
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Page { code, message } => (code, message),
            Self::Back { error, description, .. } => (error.code(), description),
        }
    }
}

/// Answers a browser. Looking at a question writes nothing; with auto-approval it is approved at once.
pub fn decide(call: &Call<'_>, question: &Question) -> Verdict<Answer, Refusal> {
    let entry = entry(call, question);
    match (check(call, question), &call.instance.auto_approve) {
        (Ok(asked), Some(person)) => {
            let (location, grant) = grant(call, &asked, person);
            let entry = approved(call, entry, &asked, &grant).additional("DecidedBy", json!("AUTO-APPROVE"));
            Verdict::accept(Answer::Redirect(location), vec![Change::AddCodeGrant(grant)], vec![entry])
        }
        (Ok(asked), None) => Verdict::accept(Answer::Wait(Box::new(asked)), Vec::new(), Vec::new()),
        (Err(refusal), _) => {
            let (code, message) = refusal.words();
            Verdict::refuse(refusal, Vec::new(), vec![entry.refused(code, message)])
        }
    }
}

/// The word of a signed-in person on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub person: String,
    /// Approve, or deny.
    pub decision: Decision,
}

/// Carries out what a person decided on a page: the redirect with the code, or with the refusal.
pub fn consent(call: &Call<'_>, question: &Question, consent: &Consent) -> Verdict<Secret, Refusal> {
    let entry = entry(call, question).person(call, &consent.person);
    let asked = match check(call, question) {
        Ok(asked) => asked,
        Err(refusal) => {
            let (code, message) = refusal.words();
            return Verdict::refuse(refusal, Vec::new(), vec![entry.refused(code, message)]);
        }
    };
    match consent.decision {
        Decision::Approve => {
            let (location, mut grant) = grant(call, &asked, &consent.person);
            grant.approved_from = Some(call.caller.address.clone());
            let entry = approved(call, entry, &asked, &grant);
            Verdict::accept(location, vec![Change::AddCodeGrant(grant)], vec![entry])
        }
        Decision::Deny => {
            let description = "The person denied the request";
            let answer = [("error", AuthorizeError::AccessDenied.code()), ("error_description", description)];
            let location = back(call, &asked.redirect_uri, asked.state.as_deref(), &answer);
            let entry = entry
                .additional("ClientName", json!(asked.client_name))
                .additional("Decision", json!(Decision::Deny));
            Verdict::accept(Secret::new(location), Vec::new(), vec![entry])
        }
    }
}

/// The word of an administrator of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// On whose behalf.
    pub person: String,
    /// The user of the machine who decides.
    pub by_uid: u32,
}

/// Approves a question on behalf of a person, and hands over the redirect that the browser would get.
pub fn approve(call: &Call<'_>, question: &Question, approval: &Approval) -> Verdict<Secret, AdminRefusal> {
    let entry = entry(call, question).administrator(approval.by_uid);
    let refuse = |entry: Entry, refusal: AdminRefusal| {
        let entry = entry.refused(&refusal.code, &refusal.message);
        Verdict::refuse(refusal, Vec::new(), vec![entry])
    };
    if call.instance.person(&approval.person).is_none() {
        return refuse(entry, AdminRefusal::unknown_person(call, &approval.person));
    }
    match check(call, question) {
        Ok(asked) => {
            let (location, grant) = grant(call, &asked, &approval.person);
            let entry = approved(call, entry, &asked, &grant);
            Verdict::accept(location, vec![Change::AddCodeGrant(grant)], vec![entry])
        }
        Err(refusal) => {
            let (code, message) = refusal.words();
            refuse(entry.person(call, &approval.person), AdminRefusal::new(code, message))
        }
    }
}

/// The address of a question that is in order: see [`Asked::address`].
pub fn canonical(call: &Call<'_>, question: &Question) -> Option<String> {
    check(call, question).ok().map(|asked| asked.address)
}

/// The question is in order, or how to refuse it.
fn check(call: &Call<'_>, question: &Question) -> Result<Asked, Refusal> {
    let (client_id, registration) = client(call, question)?;
    let (redirect_uri, port) = redirect_uri(question, &registration)?;
    let state = question.value("state");
    let (scopes, challenge) =
        rest(question, &registration).map_err(|(error, description)| Refusal::Back {
            error,
            description,
            location: back(
                call,
                redirect_uri,
                state,
                &[("error", error.code()), ("error_description", description)],
            ),
        })?;
    let mut pairs = vec![
        ("response_type", RESPONSE_TYPE_CODE),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("code_challenge_method", CHALLENGE_METHOD_S256),
        ("code_challenge", challenge),
    ];
    pairs.extend(question.scope().map(|scope| ("scope", scope)));
    pairs.extend(state.map(|state| ("state", state)));
    Ok(Asked {
        client_name: registration.name.clone(),
        port,
        scopes,
        address: with_query(&format!("{}{PATH}", call.instance.url), &pairs),
        client: ClientHash::of(client_id),
        redirect_uri: redirect_uri.to_owned(),
        state: state.map(str::to_owned),
        challenge: challenge.to_owned(),
    })
}

fn client<'a>(call: &Call<'_>, question: &'a Question) -> Result<(&'a str, Registration), Refusal> {
    let known = question.value("client_id").and_then(|id| {
        let registration = call.instance.seals.open_registration(id)?;
        (call.now < registration.expires_at).then_some((id, registration))
    });
    known.ok_or(Refusal::Page {
        code: "unknown_client",
        message: "The client that asks is not registered here, or not any more.",
    })
}

/// The redirect URI, which must be registered, and its port.
fn redirect_uri<'a>(question: &'a Question, registration: &Registration) -> Result<(&'a str, u16), Refusal> {
    let known = question.value("redirect_uri").and_then(|uri| {
        let is_registered = redirect_uri::is_registered(&registration.redirect_uris, uri);
        is_registered.then_some((uri, Loopback::parse(uri)?.port))
    });
    known.ok_or(Refusal::Page {
        code: "unknown_redirect_uri",
        message: "The client that asks wants its answer at an address that it did not register.",
    })
}

type Fault = (AuthorizeError, &'static str);

/// All that is told to the client: scopes and challenge, or what is wrong.
fn rest<'a>(question: &'a Question, registration: &Registration) -> Result<(Scopes, &'a str), Fault> {
    let invalid = |what| (AuthorizeError::InvalidRequest, what);
    if question.repeats() {
        return Err(invalid("A parameter is repeated"));
    }
    match question.value("response_type") {
        Some(RESPONSE_TYPE_CODE) => {}
        Some(_) => return Err((AuthorizeError::UnsupportedResponseType, "response_type must be code")),
        None => return Err(invalid("response_type is missing")),
    }
    if !registration.grants.authorization_code {
        let what = "The client is not registered for the authorization_code grant";
        return Err((AuthorizeError::UnauthorizedClient, what));
    }
    let challenge =
        question.value("code_challenge").ok_or(invalid("code_challenge is missing: PKCE is required"))?;
    // One that is absent would mean plain (RFC 7636 section 4.3).
    if question.value("code_challenge_method") != Some(CHALLENGE_METHOD_S256) {
        return Err(invalid("code_challenge_method must be S256"));
    }
    if !is_challenge(challenge) {
        return Err(invalid("code_challenge must be 43 characters of base64url, without padding"));
    }
    Ok((scopes(question.scope(), registration)?, challenge))
}

/// The scopes that are asked for; all that are registered where none are.
fn scopes(asked: Option<&str>, registration: &Registration) -> Result<Scopes, Fault> {
    let asked = asked.unwrap_or_default().split(' ').filter(|scope| !scope.is_empty());
    let asked: Vec<String> = asked.map(str::to_owned).collect();
    if asked.is_empty() {
        return Ok(registration.scopes);
    }
    Scopes::from_request(Some(&asked))
        .ok()
        .filter(|asked| registration.scopes.cover(*asked))
        .ok_or((AuthorizeError::InvalidScope, "A scope is unknown, or the client did not register it"))
}

/// A new code for a person, on its way to the client.
fn grant(call: &Call<'_>, asked: &Asked, person: &str) -> (Secret, CodeGrant) {
    let (code, handle) = mint(call, Kind::AuthorizationCode);
    let location = back(call, &asked.redirect_uri, asked.state.as_deref(), &[("code", code.expose())]);
    let grant = CodeGrant {
        handle,
        client: asked.client.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        scopes: asked.scopes,
        workflow: call.uuid(),
        person: person.to_owned(),
        approved_from: None,
        expires_at: call.after(call.instance.lifetimes.authorization_code.min(LONGEST_LIFE)),
        session: None,
    };
    (Secret::new(location), grant)
}

/// The redirect URI with an answer. No redirect URI that may be registered has a query of its own.
fn back(call: &Call<'_>, redirect_uri: &str, state: Option<&str>, answer: &[(&str, &str)]) -> String {
    let mut pairs = answer.to_vec();
    pairs.extend(state.map(|state| ("state", state)));
    pairs.push(("iss", &call.instance.url));
    with_query(redirect_uri, &pairs)
}

fn entry(call: &Call<'_>, question: &Question) -> Entry {
    Entry::new(call, Event::Authorize).request(json!({
        "clientId": question.value("client_id"),
        "redirectUri": question.value("redirect_uri"),
        "scope": question.scope(),
    }))
}

fn approved(call: &Call<'_>, entry: Entry, asked: &Asked, grant: &CodeGrant) -> Entry {
    entry
        .workflow(&grant.workflow)
        .person(call, &grant.person)
        .additional("ClientName", json!(asked.client_name))
        .additional("Decision", json!("approve"))
}
