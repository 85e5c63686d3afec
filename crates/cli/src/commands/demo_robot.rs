//! The robot of the demonstration: walks the center's own pages over HTTP as a person with a browser would. It signs in, lets the
//! terminal in, and follows the redirect back to it.

use outside::http::{Http, HttpError, HttpSettings, Request, Response};
use wire::Secret;

/// More pages than there are from a link to its end.
const MOST_STEPS: usize = 16;

/// Why the robot did not get through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// A page could not be had.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A page that it does not know what to do with.
    #[error("the robot does not know what to do on {0:?}")]
    Unknown(String),
    /// It goes round in circles.
    #[error("the robot goes round in circles")]
    Circles,
}

/// Who the robot signs in as, and where.
pub(crate) struct Robot {
    /// The center's origin.
    pub(crate) center: String,
    /// The name that it types.
    pub(crate) name: String,
    /// The password that it types.
    pub(crate) password: Secret,
}

/// A walk: the robot with its cookies.
struct Walk<'a> {
    robot: &'a Robot,
    http: Http,
    cookies: Vec<(String, String)>,
}

impl Robot {
    /// Opens an address and does on each page what lets the terminal in.
    pub(crate) fn walk(&self, address: &str) -> Result<(), Lost> {
        let http = Http::new(HttpSettings {
            user_agent: concat!("aldis-demo-robot/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..HttpSettings::default()
        });
        Walk { robot: self, http, cookies: Vec::new() }.run(address)
    }
}

impl Walk<'_> {
    fn run(&mut self, address: &str) -> Result<(), Lost> {
        let mut at = address.to_owned();
        let mut answer = self.get(&at)?;
        for _ in 0..MOST_STEPS {
            if let Some(location) = answer.header("location") {
                at = if location.starts_with('/') {
                    format!("{}{location}", self.robot.center)
                } else {
                    location.to_owned()
                };
                answer = self.get(&at)?;
                continue;
            }
            if !at.starts_with(&format!("{}/", self.robot.center)) {
                // Back at the terminal, which says the rest.
                return Ok(());
            }
            let html = answer.text();
            let Some(form) = forms(&html).into_iter().find_map(|form| form.filled(self.robot)) else {
                return if answer.status == 200 && at.contains("/device/done") {
                    Ok(())
                } else {
                    Err(Lost::Unknown(title(&html)))
                };
            };
            at = format!("{}{}", self.robot.center, form.action);
            answer = self.post(&at, &form.pairs)?;
        }
        Err(Lost::Circles)
    }

    fn get(&mut self, address: &str) -> Result<Response, HttpError> {
        self.send("GET", address, Vec::new())
    }

    fn post(&mut self, address: &str, pairs: &[(String, String)]) -> Result<Response, HttpError> {
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = wire::authorize::with_query("", &pairs);
        self.send("POST", address, body.trim_start_matches('?').as_bytes().to_vec())
    }

    fn send(&mut self, method: &'static str, url: &str, body: Vec<u8>) -> Result<Response, HttpError> {
        let mut headers = vec![("accept".to_owned(), "text/html".to_owned())];
        // Nothing of the center's goes anywhere else.
        if url.starts_with(&format!("{}/", self.robot.center)) {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("cookie".to_owned(), cookies.join("; ")));
            if method == "POST" {
                headers.push(("origin".to_owned(), self.robot.center.clone()));
                headers.push(("sec-fetch-site".to_owned(), "same-origin".to_owned()));
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            }
        }
        let answer = self.http.send(&Request { method, url: url.to_owned(), headers, body })?;
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.retain(|(known, _)| known != name);
                self.cookies.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Ok(answer)
    }
}

/// A form of one of our own pages.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    action: String,
    /// Fields with their values, and what the buttons would send.
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: String,
    value: String,
    is_button: bool,
}

/// A form as it is sent.
struct Filled {
    action: String,
    pairs: Vec<(String, String)>,
}

impl Form {
    /// The form filled in by the robot; nothing where it is not one that leads on.
    fn filled(self, robot: &Robot) -> Option<Filled> {
        let has = |name: &str| self.fields.iter().any(|field| field.name == name && !field.is_button);
        let decides = self.fields.iter().any(|field| field.name == "decision" && field.value == "approve");
        if !(has("password") || has("user_code") || decides) {
            return None;
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for field in self.fields.into_iter().filter(|field| !field.is_button && !field.name.is_empty()) {
            let value = match field.name.as_str() {
                "username" => robot.name.clone(),
                "password" => robot.password.expose().to_owned(),
                _ => field.value,
            };
            pairs.push((field.name, value));
        }
        if decides {
            pairs.push(("decision".to_owned(), "approve".to_owned()));
        }
        Some(Filled { action: self.action, pairs })
    }
}

/// The forms of a page of ours, whose markup is known to be plain.
fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for part in html.split("<form").skip(1) {
        let (head, rest) = part.split_once('>').unwrap_or((part, ""));
        let body = rest.split("</form>").next().unwrap_or_default();
        let fields = body
            .split('<')
            .filter_map(|tag| {
                let tag = tag.split('>').next().unwrap_or_default();
                let is_button = tag.starts_with("button");
                (is_button || tag.starts_with("input")).then(|| Field {
                    name: attribute(tag, "name").unwrap_or_default(),
                    value: attribute(tag, "value").unwrap_or_default(),
                    is_button,
                })
            })
            .collect();
        forms.push(Form { action: attribute(head, "action").unwrap_or_default(), fields });
    }
    forms
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = tag.get(start..)?.split('"').next()?;
    Some(unescaped(value))
}

fn unescaped(text: &str) -> String {
    let pairs =
        [("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#x27;", "'")];
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")];
    let text = pairs.iter().chain(&named).fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

fn title(html: &str) -> String {
    let title = html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    wire::words::printable(title.unwrap_or("a page without a title"), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn robot() -> Robot {
        Robot { center: "http://h".into(), name: "demo".into(), password: "pass&word".into() }
    }

    #[test]
    fn forms_are_found_and_filled() {
        let html = "<form method=\"post\" action=\"/sign-out\"><input type=\"hidden\" name=\"csrf\" value=\"a\">\
                    <button>Sign out</button></form>\
                    <form method=\"post\" action=\"/authorize/decide\">\
                    <input type=\"hidden\" name=\"question\" value=\"a=1&#38;b=&quot;2\">\
                    <button name=\"decision\" value=\"deny\">Deny</button>\
                    <button name=\"decision\" value=\"approve\">Approve</button></form>";
        let filled: Vec<Filled> = forms(html).into_iter().filter_map(|form| form.filled(&robot())).collect();
        assert_eq!(filled.len(), 1, "signing out leads nowhere");
        assert_eq!(filled[0].action, "/authorize/decide");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(filled[0].pairs, [pair("question", "a=1&b=\"2"), pair("decision", "approve")]);

        let html = "<form action=\"/sign-in\"><input name=\"username\" value=\"\"><input name=\"password\" type=\"password\"></form>";
        let filled = forms(html).remove(0).filled(&robot()).unwrap();
        assert_eq!(filled.pairs, [pair("username", "demo"), pair("password", "pass&word")]);
        assert!(forms("<p>no form</p>").is_empty());
    }
}
