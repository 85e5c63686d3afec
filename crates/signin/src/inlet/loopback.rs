//! The listener to which a browser brings its answer (RFC 8252 section 7.3). Whatever is not the answer that is waited for gets
//! a page and changes nothing: a scanner, an old tab, a page of somebody else's, an answer to another sign-in.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use httparse::{EMPTY_HEADER, Request, Status};
use outside::loopback::{Listener, Serving, Step};
use wire::Secret;
use wire::authorize::{Answer, CALLBACK_PATH, Denial};
use wire::words::printable;

use super::pages::{Page, redirect};

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
struct ShortLink {
    path: Secret,
    /// Nothing until there is a question.
    leads_to: Option<String>,
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
    /// Serves browsers; `short` is the path of the short link, if there is to be one. The first answer that is expected goes to `arrived`, before its browser gets a page.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn open(
        listener: Listener,
        expected: Expected,
        short: Option<Secret>,
        mut arrived: impl FnMut(Arrival) + Send + 'static,
    ) -> io::Result<Self> {
        let short = short.map(|path| ShortLink { path, leads_to: None });
        let desk = Arc::new(Mutex::new(Desk { expected, short, stage: Stage::Waiting }));
        let shared = Arc::clone(&desk);
        let serving = listener.serve(move |sent| {
            let (step, answer) = locked(&shared).serve(sent);
            if let Some(answer) = answer {
                arrived(answer);
            }
            step
        })?;
        Ok(Self { serving, desk })
    }

    /// What says where the short link leads.
    pub(crate) fn signpost(&self) -> Signpost {
        Signpost(Arc::clone(&self.desk))
    }

    /// Tells the browser that brought the answer how it went, then closes.
    pub(crate) fn finish(self, outcome: Outcome) {
        let has_visitor = {
            let mut desk = locked(&self.desk);
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
    Over(Outcome),
}

/// What an answer brings: the code, or why there is none.
pub(crate) type Arrival = Result<Secret, Denial>;

impl Desk {
    /// What a visitor gets for the bytes that it has sent so far, and the answer that it brought, if it is the one.
    fn serve(&mut self, sent: &[u8]) -> (Step, Option<Arrival>) {
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
            CALLBACK_PATH => self.take(query),
            END_PATH => (self.end(), None),
            _ if self.is_short(path) => (self.lead(), None),
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

    /// To the question, as long as it is open.
    fn lead(&self) -> Step {
        match (&self.stage, self.short.as_ref().and_then(|short| short.leads_to.as_ref())) {
            (Stage::Waiting, Some(address)) => Step::Answer(redirect(address)),
            (Stage::Waiting, None) => Step::Wait,
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
mod tests {
    use super::*;

    const HOST: &str = "Host: 127.0.0.1:38381\r\n";

    fn desk() -> Desk {
        let expected = Expected {
            port: 38381,
            state: "5b9d".into(),
            issuer: Some("http://h".to_owned()),
            target: "corp".to_owned(),
        };
        Desk { expected, short: None, stage: Stage::Waiting }
    }

    #[test]
    fn a_short_link_leads_to_the_question_and_a_wrong_one_changes_nothing() {
        let mut desk = desk();
        desk.short = Some(ShortLink { path: "/Zm9v".into(), leads_to: None });
        assert_eq!(get(&mut desk, "/Zm9v").0, "wait", "there is no question yet");
        desk.short.as_mut().unwrap().leads_to = Some("https://h/authorize?state=5b9d".to_owned());
        for wrong in ["/", "/Zm9", "/Zm9vv", "/zm9v", "/Zm9v/", "//Zm9v"] {
            let (shown, arrival) = get(&mut desk, wrong);
            assert!(shown.starts_with("HTTP/1.1 404 ") && arrival.is_none(), "{wrong}: {shown}");
            assert!(!shown.contains("authorize"), "{shown}");
        }
        let (shown, _) = sent(&mut desk, "GET /Zm9v HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        assert!(shown.starts_with("HTTP/1.1 421 ") && !shown.contains("authorize"), "{shown}");
        for _ in 0..2 {
            let (shown, arrival) = get(&mut desk, "/Zm9v");
            assert!(shown.starts_with("HTTP/1.1 303 ") && arrival.is_none(), "{shown}");
            assert!(shown.contains("\r\nLocation: https://h/authorize?state=5b9d\r\n"), "{shown}");
        }
        assert!(get(&mut desk, "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh").1.is_some());
        let (shown, _) = get(&mut desk, "/Zm9v");
        assert!(shown.starts_with("HTTP/1.1 409 ") && !shown.contains("authorize"), "{shown}");
    }

    fn get(desk: &mut Desk, target: &str) -> (String, Option<Arrival>) {
        sent(desk, &format!("GET {target} HTTP/1.1\r\n{HOST}\r\n"))
    }

    fn sent(desk: &mut Desk, text: &str) -> (String, Option<Arrival>) {
        let (step, arrival) = desk.serve(text.as_bytes());
        let shown = match step {
            Step::Read => "read".to_owned(),
            Step::Wait => "wait".to_owned(),
            Step::Answer(bytes) => String::from_utf8(bytes).unwrap(),
            Step::Last(bytes) => format!("last {}", String::from_utf8(bytes).unwrap()),
        };
        (shown, arrival)
    }

    #[test]
    fn c8_only_the_answer_to_our_own_question_is_taken() {
        let mut desk = desk();
        for query in [
            "",
            "code=a",
            "code=a&state=other&iss=http%3A%2F%2Fh",
            "error=access_denied",
            "error=access_denied&state=&iss=http%3A%2F%2Fh",
            "error=access_denied&state=5b9&iss=http%3A%2F%2Fh",
            "code=a&state=5b9d",
            "code=a&state=5b9d&iss=http%3A%2F%2Fevil",
            "code=a&error=b&state=5b9d&iss=http%3A%2F%2Fh",
            "code=a&state=5b9d&state=5b9d&iss=http%3A%2F%2Fh",
        ] {
            let (shown, arrival) = get(&mut desk, &format!("/oauth/callback?{query}"));
            assert!(shown.starts_with("HTTP/1.1 400 ") && arrival.is_none(), "{query}: {shown}");
            assert!(!shown.contains("evil"), "{shown}");
        }
        for path in ["/", "/favicon.ico", "/oauth/callback/", "/oauth/CALLBACK?code=a", "/oauth/end", "*"] {
            let (shown, arrival) = get(&mut desk, path);
            assert!(shown.starts_with("HTTP/1.1 404 ") && arrival.is_none(), "{path}: {shown}");
        }
        let (shown, arrival) = get(&mut desk, "/oauth/callback?code=a%2Bb&state=5b9d&iss=http%3A%2F%2Fh");
        assert_eq!(arrival.unwrap().unwrap().expose(), "a+b");
        assert!(shown.contains("Location: http://127.0.0.1:38381/oauth/end\r\n"), "{shown}");
        assert!(!shown.contains("a+b") && !shown.contains("a%2Bb"), "{shown}");
    }

    #[test]
    fn s51_another_host_is_turned_away() {
        let mut desk = desk();
        let target = "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh";
        for host in [
            "",
            "Host: evil.example\r\n",
            "Host: localhost:38381\r\n",
            "Host: 127.0.0.1\r\n",
            "Host: 127.0.0.1:1\r\n",
            "Host: 127.0.0.1:38381\r\nHost: evil.example\r\n",
        ] {
            let (shown, arrival) = sent(&mut desk, &format!("GET {target} HTTP/1.1\r\n{host}\r\n"));
            assert!(shown.starts_with("HTTP/1.1 421 ") && arrival.is_none(), "{host}: {shown}");
        }
        let (shown, arrival) = sent(&mut desk, &format!("POST {target} HTTP/1.1\r\n{HOST}\r\n"));
        assert!(shown.starts_with("HTTP/1.1 405 ") && arrival.is_none(), "{shown}");
        let (shown, arrival) = sent(&mut desk, "\u{16}\u{3}\u{1}");
        assert!(shown.starts_with("HTTP/1.1 400 ") && arrival.is_none(), "{shown}");
        assert_eq!(sent(&mut desk, &format!("GET {target} HTTP/1.1\r\nHost: ")).0, "read");
        assert!(get(&mut desk, target).1.is_some(), "the answer may still come");
    }

    #[test]
    fn a_second_answer_is_none_and_the_page_tells_the_end() {
        let mut desk = desk();
        let target = "/oauth/callback?code=a&state=5b9d&iss=http%3A%2F%2Fh";
        assert!(get(&mut desk, target).1.is_some());
        let (shown, arrival) = get(&mut desk, target);
        assert!(shown.starts_with("HTTP/1.1 409 ") && arrival.is_none(), "{shown}");
        assert_eq!(get(&mut desk, "/oauth/end").0, "wait");
        desk.stage = Stage::Over(Outcome::SignedIn);
        let (shown, _) = get(&mut desk, "/oauth/end");
        assert!(shown.starts_with("last HTTP/1.1 200 ") && shown.contains("Signed in to corp"), "{shown}");
        assert!(shown.contains("You may close this page"));
        desk.stage = Stage::Over(Outcome::Failed("the center said: <no>".to_owned()));
        let (shown, _) = get(&mut desk, "/oauth/end");
        assert!(
            shown.starts_with("last HTTP/1.1 403 ") && shown.contains("<p>The center said: &lt;no&gt;"),
            "{shown}"
        );
    }

    #[test]
    fn an_error_with_our_state_is_an_answer() {
        let mut desk = desk();
        let target = "/oauth/callback?error=access_denied&error_description=No&state=5b9d&iss=http%3A%2F%2Fh";
        let denial = get(&mut desk, target).1.unwrap().unwrap_err();
        assert_eq!((denial.error.as_str(), denial.description.as_deref()), ("access_denied", Some("No")));
    }

    #[test]
    fn where_no_issuer_is_known_none_is_asked_for() {
        let mut desk = desk();
        desk.expected.issuer = None;
        assert!(get(&mut desk, "/oauth/callback?code=a&state=5b9d").1.is_some());
    }
}
