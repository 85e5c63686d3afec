//! The texts by which processes share a sign-in: a line for each value. Control characters and `%` are percent-encoded, so no
//! value reaches into another line.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use wire::Secret;
use zeroize::Zeroizing;

use crate::flow::Client;
use crate::flow::exposure::Exposure;
use crate::flow::under_way::{PendingCodes, PendingLink, UnderWay};
use crate::progress::{Codes, Link};

const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
/// More than a record takes, so that a text with secrets is not copied about while it grows.
const ROOM: usize = 1 << 14;

/// A sign-in that somebody leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// To what: start URL, address of the center, scopes.
    pub(crate) what: String,
    /// The process that leads, as it knows itself.
    pub(crate) process: u32,
    /// Whether a browser that comes back finds it.
    pub(crate) listens: bool,
    /// Where it listens instead of 127.0.0.1.
    pub(crate) listens_on: Option<IpAddr>,
    /// What has been shown.
    pub(crate) under_way: UnderWay,
}

/// How a sign-in ended for all that take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The token is kept.
    SignedIn,
    /// The person said no to the codes.
    Denied,
    /// The browser brought a no.
    DeniedInBrowser {
        /// The center's `error`, made printable.
        error: String,
        /// Its `error_description`, made printable.
        description: Option<String>,
    },
}

/// Lines of a name and a value.
struct Lines(Zeroizing<String>);

impl Lines {
    fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(ROOM)))
    }

    fn put(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push(' ');
        self.0.extend(utf8_percent_encode(value, ENCODED));
        self.0.push('\n');
    }

    fn put_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn put_client(&mut self, of: &str, client: &Client) {
        self.put(&format!("{of}.client_id"), &client.id);
        self.put(&format!("{of}.client_secret"), client.secret.expose());
        self.put(&format!("{of}.client_expires_at"), &client.expires_at.to_string());
    }
}

/// The value of that name.
fn value(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}

fn secret(text: &str, name: &str) -> Option<Secret> {
    value(text, name).map(Secret::new)
}

fn client(text: &str, of: &str) -> Option<Client> {
    Some(Client {
        id: value(text, &format!("{of}.client_id"))?,
        secret: secret(text, &format!("{of}.client_secret"))?,
        expires_at: value(text, &format!("{of}.client_expires_at"))?.parse().ok()?,
    })
}

fn moment(text: &str, name: &str) -> Option<Timestamp> {
    value(text, name)?.parse().ok()
}

impl Record {
    /// The text of it. It holds secrets.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut lines = Lines::new();
        lines.put("what", &self.what);
        lines.put("process", &self.process.to_string());
        lines.put("listens", &self.listens.to_string());
        lines.put_some("listens_on", self.listens_on.map(|address| address.to_string()).as_deref());
        if let Some(pending) = &self.under_way.link {
            lines.put("link.address", &pending.link.address);
            lines.put_some("link.short", pending.link.short.as_deref());
            lines.put("link.redirect_uri", &pending.link.redirect_uri);
            lines.put("link.expires_at", &pending.link.expires_at.to_string());
            lines.put("link.state", pending.state.expose());
            lines.put("link.verifier", pending.verifier.expose());
            lines.put("link.is_vouched_for", &pending.is_vouched_for.to_string());
            lines.put("link.exposure", pending.exposure.name());
            lines.put_client("link", &pending.client);
        }
        if let Some(pending) = &self.under_way.codes {
            let codes = &pending.codes;
            lines.put("codes.user_code", &codes.user_code);
            lines.put("codes.verification_uri", &codes.verification_uri);
            let complete = codes.verification_uri_complete.as_deref();
            lines.put_some("codes.verification_uri_complete", complete);
            lines.put_some("codes.client_name", codes.client_name.as_deref());
            lines.put("codes.expires_at", &codes.expires_at.to_string());
            lines.put("codes.device_code", pending.device_code.expose());
            lines.put("codes.interval", &pending.interval.as_secs().to_string());
            lines.put("codes.exposure", pending.exposure.name());
            lines.put_client("codes", &pending.client);
        }
        lines.0
    }

    /// Reads what [`Record::to_text`] wrote; nothing where it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let has = |of: &str| text.lines().any(|line| line.starts_with(of));
        let link = if has("link.") { Some(Box::new(link(text)?)) } else { None };
        let codes = if has("codes.") { Some(Box::new(codes(text)?)) } else { None };
        Some(Self {
            what: value(text, "what")?,
            process: value(text, "process")?.parse().ok()?,
            listens: value(text, "listens")?.parse().ok()?,
            listens_on: match value(text, "listens_on") {
                Some(address) => Some(address.parse().ok()?),
                None => None,
            },
            under_way: UnderWay { link, codes },
        })
    }
}

fn link(text: &str) -> Option<PendingLink> {
    Some(PendingLink {
        link: Link {
            address: value(text, "link.address")?,
            short: value(text, "link.short"),
            redirect_uri: value(text, "link.redirect_uri")?,
            expires_at: moment(text, "link.expires_at")?,
        },
        state: secret(text, "link.state")?,
        verifier: secret(text, "link.verifier")?,
        client: client(text, "link")?,
        is_vouched_for: value(text, "link.is_vouched_for")?.parse().ok()?,
        exposure: Exposure::parse(&value(text, "link.exposure")?)?,
    })
}

fn codes(text: &str) -> Option<PendingCodes> {
    Some(PendingCodes {
        codes: Codes {
            user_code: value(text, "codes.user_code")?,
            verification_uri: value(text, "codes.verification_uri")?,
            verification_uri_complete: value(text, "codes.verification_uri_complete"),
            expires_at: moment(text, "codes.expires_at")?,
            client_name: value(text, "codes.client_name"),
        },
        device_code: secret(text, "codes.device_code")?,
        client: client(text, "codes")?,
        interval: Duration::from_secs(value(text, "codes.interval")?.parse().ok()?),
        exposure: Exposure::parse(&value(text, "codes.exposure")?)?,
    })
}

impl Outcome {
    /// The text of it.
    pub(crate) fn to_text(&self) -> String {
        let mut lines = Lines::new();
        match self {
            Self::SignedIn => lines.put("outcome", "signed_in"),
            Self::Denied => lines.put("outcome", "denied"),
            Self::DeniedInBrowser { error, description } => {
                lines.put("outcome", "denied_in_browser");
                lines.put("error", error);
                lines.put_some("description", description.as_deref());
            }
        }
        String::clone(&lines.0)
    }

    /// Reads what [`Outcome::to_text`] wrote; nothing where it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match value(text, "outcome")?.as_str() {
            "signed_in" => Some(Self::SignedIn),
            "denied" => Some(Self::Denied),
            "denied_in_browser" => Some(Self::DeniedInBrowser {
                error: value(text, "error")?,
                description: value(text, "description"),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(seconds: i64) -> Timestamp {
        "2026-11-25T10:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
    }

    fn client(id: &str) -> Client {
        Client { id: id.into(), secret: "client secret\nlink.state forged".into(), expires_at: at(7_776_000) }
    }

    pub(crate) fn record() -> Record {
        Record {
            what: "https://corp.awsapps.com/start https://h sso:account:access".into(),
            process: 4711,
            listens: true,
            listens_on: Some("0.0.0.0".parse().unwrap()),
            under_way: UnderWay {
                link: Some(Box::new(PendingLink {
                    link: Link {
                        address: "https://h/authorize?state=5b9d&x=%2F".into(),
                        short: Some("http://127.0.0.1:38381/Zm9v".into()),
                        redirect_uri: "http://127.0.0.1:38381/oauth/callback".into(),
                        expires_at: at(600),
                    },
                    state: "5b9d".into(),
                    verifier: "the verifier".into(),
                    client: client("b"),
                    is_vouched_for: false,
                    exposure: Exposure::ShortLinkOpened,
                })),
                codes: Some(Box::new(PendingCodes {
                    codes: Codes {
                        user_code: "ABCD EFGH".into(),
                        verification_uri: "https://h/device".into(),
                        verification_uri_complete: None,
                        expires_at: at(300),
                        client_name: Some("aldis-größe".into()),
                    },
                    device_code: "the device code".into(),
                    client: client("d"),
                    interval: Duration::from_secs(7),
                    exposure: Exposure::Address,
                })),
            },
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let whole = record();
        let mut variants = vec![whole.clone()];
        variants.push(Record { listens_on: None, ..whole.clone() });
        variants
            .push(Record { under_way: UnderWay { link: None, ..whole.under_way.clone() }, ..whole.clone() });
        variants
            .push(Record { under_way: UnderWay { codes: None, ..whole.under_way.clone() }, ..whole.clone() });
        for record in variants {
            assert_eq!(Record::parse(&record.to_text()), Some(record));
        }
        let no = |description: Option<&str>| Outcome::DeniedInBrowser {
            error: "access_denied".into(),
            description: description.map(str::to_owned),
        };
        for outcome in [Outcome::SignedIn, Outcome::Denied, no(None), no(Some("Not\nyou 100%"))] {
            assert_eq!(Outcome::parse(&outcome.to_text()), Some(outcome));
        }
    }

    #[test]
    fn a_text_that_lost_a_line_is_none() {
        let text = record().to_text();
        let optional =
            ["listens_on ", "link.short ", "codes.verification_uri_complete ", "codes.client_name "];
        for (lost, line) in text.lines().enumerate() {
            let rest: String = text
                .lines()
                .enumerate()
                .filter(|(number, _)| *number != lost)
                .map(|(_, l)| format!("{l}\n"))
                .collect();
            let is_optional = optional.iter().any(|name| line.starts_with(name));
            assert_eq!(Record::parse(&rest).is_some(), is_optional, "{line}");
        }
        assert_eq!(Record::parse(""), None);
        assert_eq!(Outcome::parse("outcome maybe\n"), None);
    }
}
