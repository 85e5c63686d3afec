//! The listener to which a browser brings its answer (RFC 8252 section 7.3). Whatever is not the answer that is waited for gets
//! a page and changes nothing: a scanner, an old tab, a page of somebody else's, an answer to another sign-in.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use httparse::{EMPTY_HEADER, Request, Status};
use outside::env::own_uid;
use outside::loopback::{Listener, Serving, Step, Visit};
use wire::Secret;
use wire::authorize::{Answer, CALLBACK_PATH, Denial};
use wire::words::printable;

use super::pages::{Page, redirect, redirect_with_cookie};
use crate::flow::exposure::LinkVisit;

/// Where a browser is sent with its answer taken, so that no code stays in its address bar or its history.
pub(super) const END_PATH: &str = "/oauth/end";
/// How long a browser that was sent there may take to come.
const LINGER: Duration = Duration::from_secs(1);
/// More headers than a browser sends.
const MOST_HEADERS: usize = 100;

/// What an answer must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The port that the redirect URI names.
    pub(crate) port: u16,
    /// The `state` of our question.
    pub(crate) state: Secret,
    /// Who must have answered, where it is known (RFC 9207).
    pub(crate) issuer: Option<String>,
    /// What is signed in to, for the page.
    pub(crate) target: String,
}

/// Why an answer is not the one that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It answers another question, or does not say which one.
    OtherQuestion,
    /// Another center answers, or one that does not say who it is.
    OtherCenter,
}

impl Expected {
    /// Whether an answer is one to our question, by whichever way it came.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, answer: &Answer) -> Result<(), Stranger> {
        // `Secret` compares in constant time.
        if answer.state.as_ref() != Some(&self.state) {
            return Err(Stranger::OtherQuestion);
        }
        match (&answer.iss, &self.issuer) {
            (Some(iss), Some(issuer)) if iss == issuer => Ok(()),
            (_, Some(_)) => Err(Stranger::OtherCenter),
            // AWS does not say who it is.
            (_, None) => Ok(()),
        }
    }
}

/// The short link of a listener: a path that nobody guesses, and the page to which it leads.
#[derive(Debug)]
pub(crate) struct ShortLink {
    path: Secret,
    /// `None` until there is a question.
    leads_to: Option<String>,
    /// `None` if the link is on the screen only; then everybody who has it is led on.
    guard: Option<Guard>,
}

/// The guard that tells the visitors of a short link apart that stands in the arguments of a started browser, which every user of this
/// machine can read. The first visitor of our own user gets the cookie; nobody else is led on.
#[derive(Debug)]
struct Guard {
    cookie: Secret,
    is_opened: bool,
}

impl ShortLink {
    /// The short link at that path.
    pub(crate) fn new(path: Secret) -> Self {
        Self { path, leads_to: None, guard: None }
    }

    /// The same, which leads to that page from the beginning.
    #[must_use]
    pub(crate) fn leading_to(mut self, address: Option<String>) -> Self {
        self.leads_to = address;
        self
    }

    /// The same, which tells its visitors apart by that cookie. `is_opened` says that a browser has it already.
    #[must_use]
    pub(crate) fn guarded(mut self, cookie: Secret, is_opened: bool) -> Self {
        self.guard = Some(Guard { cookie, is_opened });
        self
    }
}

/// The result of a visit.
#[derive(Debug)]
pub(crate) enum Brought {
    /// The answer to our question.
    Answer(Arrival),
    /// A visit to the guarded short link.
    Visit(LinkVisit),
}

/// Says where the short link of a listener leads.
#[derive(Debug, Clone)]
pub(crate) struct Signpost(Arc<Mutex<Desk>>);

impl Signpost {
    /// From now on it leads there. Without effect where there is no short link.
    pub(crate) fn point_to(&self, address: String) {
        if let Some(short) = &mut locked(&self.0).short {
            short.leads_to = Some(address);
        }
    }
}

/// How it went, for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    SignedIn,
    Failed(String),
}

/// A listener at work. Dropping it closes it at once.
#[derive(Debug)]
pub(crate) struct Inlet {
    serving: Serving,
    desk: Arc<Mutex<Desk>>,
}

impl Inlet {
    /// Serves browsers; `short` is the short link, if there is to be one. The first answer that is expected and every visit to a
    /// guarded short link go to `take`, before the browser gets a page.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn open(
        listener: Listener,
        expected: Expected,
        short: Option<ShortLink>,
        mut take: impl FnMut(Brought) + Send + 'static,
    ) -> io::Result<Self> {
        let desk = Arc::new(Mutex::new(Desk { expected, short, stage: Stage::Waiting }));
        let shared = Arc::clone(&desk);
        let own = own_uid();
        let serving = listener.serve(move |visit: &Visit<'_>| {
            let is_other_user = || is_other_user(visit.owner(), own);
            let (step, brought) = locked(&shared).serve(visit.sent, &is_other_user);
            if let Some(brought) = brought {
                take(brought);
            }
            step
        })?;
        Ok(Self { serving, desk })
    }

    /// What says where the short link leads.
    pub(crate) fn signpost(&self) -> Signpost {
        Signpost(Arc::clone(&self.desk))
    }

    /// Tells the browser that brought the answer that the terminal has a question first.
    pub(crate) fn tell_of_question(&self) {
        let mut desk = locked(&self.desk);
        if matches!(desk.stage, Stage::Answered) {
            desk.stage = Stage::Asking;
            drop(desk);
            self.serving.nudge();
        }
    }

    /// Tells the browser that brought the answer how it went, then closes.
    pub(crate) fn finish(self, outcome: Outcome) {
        let has_visitor = {
            let mut desk = locked(&self.desk);
            // One who was told of a question has its page.
            let has_visitor = matches!(desk.stage, Stage::Answered);
            desk.stage = Stage::Over(outcome);
            has_visitor
        };
        if has_visitor {
            self.serving.nudge();
            self.serving.finish(LINGER);
        }
    }
}

/// Whether a visitor is known to be another user of this machine. Root forwards ports for others, so it is nobody in particular.
fn is_other_user(owner: Option<u32>, own: u32) -> bool {
    owner.is_some_and(|owner| owner != own && owner != 0)
}

fn locked(desk: &Mutex<Desk>) -> std::sync::MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Decides what each visitor gets, by nothing but what it sent.
#[derive(Debug)]
struct Desk {
    expected: Expected,
    short: Option<ShortLink>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Waiting,
    /// The answer is taken; what comes of it is not known yet.
    Answered,
    /// The same, and the terminal asks its user whose it is.
    Asking,
    Over(Outcome),
}

/// What an answer brings: the code, or why there is none.
pub(crate) type Arrival = Result<Secret, Denial>;

impl Desk {
    /// Answers the bytes that a visitor has sent so far, and says what it brought. `is_other_user` is asked for visitors of a
    /// guarded short link only.
    fn serve(&mut self, sent: &[u8], is_other_user: &dyn Fn() -> bool) -> (Step, Option<Brought>) {
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut request = Request::new(&mut headers);
        match request.parse(sent) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return (Step::Read, None),
            Err(_) => return (page("400 Bad Request", "This is no request", &[]), None),
        }
        if !self.is_meant_for_us(&request) {
            let words = "This address is for a browser on this computer that was sent here by a sign-in.";
            return (page("421 Misdirected Request", "Not here", &[words]), None);
        }
        if request.method != Some("GET") {
            return (page("405 Method Not Allowed", "Not so", &["This address only answers GET."]), None);
        }
        let target = request.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match path {
            CALLBACK_PATH => {
                let (step, answer) = self.take(query);
                (step, answer.map(Brought::Answer))
            }
            END_PATH => (self.end(), None),
            _ if self.is_short(path) => {
                let visit = self.visit(&request, is_other_user);
                let step = match visit {
                    Some(LinkVisit::WithoutCookie) => used_already(),
                    Some(LinkVisit::ByOtherUser) => of_another_user(),
                    Some(LinkVisit::First) | None => self.lead(),
                };
                (step, visit.map(Brought::Visit))
            }
            _ => (page("404 Not Found", "There is nothing here", &[]), None),
        }
    }

    /// One `Host`, and that is our own address (S51): the page of somebody else whose name was made to point here sends its
    /// own name.
    fn is_meant_for_us(&self, request: &Request<'_, '_>) -> bool {
        let mut hosts =
            request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host")).map(|h| h.value);
        let own = format!("127.0.0.1:{}", self.expected.port);
        let usual = (self.expected.port == 80).then_some("127.0.0.1");
        hosts
            .next()
            .is_some_and(|host| host == own.as_bytes() || usual.is_some_and(|own| host == own.as_bytes()))
            && hosts.next().is_none()
    }

    /// Whether it is the path of the short link.
    fn is_short(&self, path: &str) -> bool {
        // `Secret` compares in constant time.
        self.short.as_ref().is_some_and(|short| short.path == Secret::from(path))
    }

    /// The kind of a visit to the short link; `None` if it is not guarded, leads nowhere yet, or if the browser shows its cookie.
    fn visit(&mut self, request: &Request<'_, '_>, is_other_user: &dyn Fn() -> bool) -> Option<LinkVisit> {
        let is_over = matches!(self.stage, Stage::Over(_));
        let port = self.expected.port;
        let short = self.short.as_mut().filter(|short| short.leads_to.is_some() && !is_over)?;
        let guard = short.guard.as_mut()?;
        if is_other_user() {
            return Some(LinkVisit::ByOtherUser);
        }
        if has_cookie(request, &cookie_name(port), &guard.cookie) {
            return None;
        }
        match std::mem::replace(&mut guard.is_opened, true) {
            false => Some(LinkVisit::First),
            true => Some(LinkVisit::WithoutCookie),
        }
    }

    /// To the question, as long as it is open.
    fn lead(&self) -> Step {
        let Some(short) = &self.short else { return answered() };
        match (&self.stage, &short.leads_to, &short.guard) {
            (Stage::Waiting, Some(address), None) => Step::Answer(redirect(address)),
            (Stage::Waiting, Some(address), Some(guard)) => {
                let name = cookie_name(self.expected.port);
                let cookie = (name.as_str(), guard.cookie.expose());
                Step::Answer(redirect_with_cookie(address, cookie, short.path.expose()))
            }
            (Stage::Waiting, None, _) => Step::Wait,
            _ => answered(),
        }
    }

    fn take(&mut self, query: &str) -> (Step, Option<Arrival>) {
        let Some(answer) = Answer::read(query) else {
            return (stray("400 Bad Request"), None);
        };
        if self.expected.check(&answer).is_err() {
            return (stray("400 Bad Request"), None);
        }
        if !matches!(self.stage, Stage::Waiting) {
            return (answered(), None);
        }
        self.stage = Stage::Answered;
        let end = format!("http://127.0.0.1:{}{END_PATH}", self.expected.port);
        (Step::Answer(redirect(&end)), Some(answer.outcome))
    }

    fn end(&self) -> Step {
        let target = printable(&self.expected.target, 200);
        match &self.stage {
            Stage::Waiting => stray("404 Not Found"),
            Stage::Answered => Step::Wait,
            Stage::Asking => {
                let words = [
                    "The terminal asks whether this sign-in is yours: answer there. You may close this page.",
                ];
                page("200 OK", "The terminal has a question", &words)
            }
            Stage::Over(Outcome::SignedIn) => {
                let words = ["The terminal goes on by itself. You may close this page."];
                Step::Last(Page::new("200 OK", &format!("Signed in to {target}"), &words).to_bytes())
            }
            Stage::Over(Outcome::Failed(why)) => {
                let why = sentence(why);
                let words = [why.as_str(), "The terminal says what to do next. You may close this page."];
                Step::Last(
                    Page::new("403 Forbidden", &format!("Not signed in to {target}"), &words).to_bytes(),
                )
            }
        }
    }
}

/// The name of the cookie. It has the port, as cookies of one host are shared by all its ports (S54).
fn cookie_name(port: u16) -> String {
    format!("aldis_sign_in_{port}")
}

/// Whether a request shows that cookie.
fn has_cookie(request: &Request<'_, '_>, name: &str, value: &Secret) -> bool {
    let lines = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("cookie"));
    let pairs =
        lines.filter_map(|header| std::str::from_utf8(header.value).ok()).flat_map(|text| text.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(known, _)| *known == name);
    // `Secret` compares in constant time.
    values.any(|(_, shown)| Secret::from(shown) == *value)
}

/// For a second browser at the short link.
fn used_already() -> Step {
    let words = [
        "It leads on only the browser that opened it first. If that was not yours, somebody else on this computer has it.",
        "Open the long link that the terminal shows. The terminal asks who signed in before it keeps anything.",
    ];
    page("409 Conflict", "This link was already used", &words)
}

/// For another user of this machine.
fn of_another_user() -> Step {
    let words = ["It belongs to another user of this computer, who was told of this visit."];
    page("403 Forbidden", "This link is not yours", &words)
}

/// For whoever comes when all is decided.
fn answered() -> Step {
    let words = "The terminal has its answer already. You may close this page.";
    page("409 Conflict", "This sign-in was answered before", &[words])
}

/// Words of an error as a sentence of a page.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// An answer to something else. What is waited for may still come.
fn stray(status: &'static str) -> Step {
    let words = [
        "It may belong to an older sign-in, or to one in another terminal.",
        "The terminal still waits: use the link that it shows.",
    ];
    page(status, "This is not the answer that the terminal waits for", &words)
}

fn page(status: &'static str, title: &str, words: &[&str]) -> Step {
    Step::Answer(Page::new(status, title, words).to_bytes())
}

#[cfg(test)]
mod tests;
