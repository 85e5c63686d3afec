//! A browser: keeps cookies, and sends forms as browsers do.

use crate::http::{Answer, send};
use crate::running::{Center, PASSWORD};

/// What a form sends.
pub(crate) type Form<'a> = Vec<(&'a str, &'a str)>;

/// A browser that somebody sits at.
pub(crate) struct Browser<'a> {
    pub(crate) center: &'a Center,
    cookies: Vec<(String, String)>,
    /// The headers that tell where a form comes from.
    pub(crate) from: Vec<(&'static str, String)>,
    /// What else it sends with everything.
    pub(crate) always: Vec<(&'static str, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(center: &'a Center) -> Self {
        // Our pages send no referrer, and that is what Chromium and Firefox say then.
        let from = vec![("Origin", "null".to_owned()), ("Sec-Fetch-Site", "same-origin".to_owned())];
        Self { center, cookies: Vec::new(), from, always: Vec::new() }
    }

    /// One in which a person is signed in.
    pub(crate) fn signed_in(center: &'a Center, person: &str) -> Self {
        let mut browser = Self::new(center);
        let answer = browser.sign_in(person, PASSWORD, "/start");
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    pub(crate) fn sign_in(&mut self, person: &str, password: &str, return_to: &str) -> Answer {
        let page = self.get("/sign-in").is(200);
        let csrf = hidden(&page, "csrf");
        let form = vec![
            ("csrf", csrf.as_str()),
            ("return_to", return_to),
            ("username", person),
            ("password", password),
        ];
        self.post("/sign-in", form)
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let cookies = self.cookie_line();
        let mut headers = vec![("Cookie", cookies.as_str())];
        headers.extend(self.always.iter().map(|(name, value)| (*name, value.as_str())));
        let answer = send(self.center.address, &format!("GET {path}"), &headers, b"");
        self.keep(&answer);
        answer
    }

    pub(crate) fn post(&mut self, path: &str, form: Form<'_>) -> Answer {
        let cookies = self.cookie_line();
        let mut headers =
            vec![("Cookie", cookies.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        headers.extend(self.from.iter().chain(&self.always).map(|(name, value)| (*name, value.as_str())));
        let answer = send(self.center.address, &format!("POST {path}"), &headers, encoded(&form).as_bytes());
        self.keep(&answer);
        answer
    }

    /// The session cookie, as `name=value`.
    pub(crate) fn session(&self) -> Option<String> {
        let session = self.cookies.iter().find(|(name, _)| !name.ends_with("-visit"))?;
        Some(format!("{}={}", session.0, session.1))
    }

    pub(crate) fn set_cookie(&mut self, line: &str) {
        let (name, value) = line.split_once('=').unwrap();
        self.cookies.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers("set-cookie") {
            self.set_cookie(line.split(';').next().unwrap());
        }
    }

    fn cookie_line(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// The value of a hidden field; the first one of that name.
#[track_caller]
pub(crate) fn hidden(page: &Answer, name: &str) -> String {
    let start = format!("type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.body.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", page.body));
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

fn encoded(form: &Form<'_>) -> String {
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            let value: String = value
                .bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect();
            format!("{name}={value}")
        })
        .collect();
    pairs.join("&")
}
