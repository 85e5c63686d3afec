//! The questions of the wizard about a session: its name, its start URL, its region and its scopes. Each answer is checked where
//! it is given, the start URL by looking up the center to which it leads.

use aws_formats::config::SsoSettings;
use center_client::CallError;
use center_client::endpoint::Service;
use center_client::start_url::StartUrlError;
use outside::http::HttpError;

use super::{Wizard, option};
use crate::args::configure_sso::SessionAnswers;
use crate::ask::{BadAnswer, NONE, Question};
use crate::report::words::{warn, with_causes};
use crate::report::{Failure, Kind, hints};
use crate::request::configure_sso::{self as answers, SessionAnswer};
use crate::request::session::{self, Meant};

impl Wizard<'_> {
    /// The session of a profile: one of the file, a new one, or none.
    pub(super) fn session(&self, given: &SessionAnswers) -> Result<SessionAnswer, Failure> {
        let settings = &self.config.settings;
        let own = settings.profile(&self.profile);
        let is_there = |name: &str| settings.sso_session(name).is_some();
        let name = match &given.sso_session {
            Some(name) => {
                if is_there(name) {
                    return self.existing(name, given);
                }
                let name = option("--sso-session", name, answers::session_name)?;
                if let Some(name) = &name {
                    self.warn_of_name("--sso-session", name);
                }
                name
            }
            None => {
                let known = settings.sso_session_names();
                if !known.is_empty() && self.asker.can_ask() {
                    self.say(format!("Sessions in the config file: {}", known.join(", ")));
                }
                let current =
                    own.and_then(|profile| profile.get("sso_session")).filter(|name| !name.is_empty());
                // The only session there is, is what most profiles need. '' as an option still writes the old form.
                let only = known.first().copied().filter(|_| known.len() == 1);
                let current = current.or(only);
                let text =
                    if current.is_some() { "SSO session name" } else { "SSO session name (Recommended)" };
                self.asker.line(Question { text, current, option: "--sso-session" }, |text| {
                    if is_there(text) {
                        return Ok(Some(text.to_owned()));
                    }
                    let name = answers::session_name(text)?;
                    if let Some(name) = &name {
                        answers::suits_all(name, "--sso-session")?;
                    }
                    Ok(name)
                })?
            }
        };
        match &name {
            None => {
                warn(
                    self.outside,
                    self.style,
                    "Configuring using legacy format (e.g. without an SSO session).",
                );
                self.say("Consider re-running \"configure sso\" command and providing a session name.");
            }
            Some(name) if is_there(name) => return self.existing(name, given),
            Some(_) => {}
        }
        let default = |key| own.and_then(|profile| profile.get(key)).filter(|value| !value.is_empty());
        self.new_session(name, given, (default("sso_start_url"), default("sso_region")))
    }

    /// A session by itself; one that the file has is asked for anew.
    pub(super) fn any_session(&self, given: &SessionAnswers) -> Result<SessionAnswer, Failure> {
        let settings = &self.config.settings;
        let required = |text: &str| {
            if settings.sso_session(text).is_some() {
                return Ok(text.to_owned());
            }
            answers::session_name(text)?.ok_or_else(|| BadAnswer::from("A value is required".to_owned()))
        };
        let name = match &given.sso_session {
            Some(name) => {
                let name = option("--sso-session", name, required)?;
                if settings.sso_session(&name).is_none() {
                    self.warn_of_name("--sso-session", &name);
                }
                name
            }
            None => {
                let question = Question { text: "SSO session name", current: None, option: "--sso-session" };
                self.asker.line(question, |text| {
                    let name = required(text)?;
                    if settings.sso_session(&name).is_none() {
                        answers::suits_all(&name, "--sso-session")?;
                    }
                    Ok(name)
                })?
            }
        };
        let old = settings.sso_session(&name);
        let default = |key| old.and_then(|section| section.get(key)).filter(|value| !value.is_empty());
        self.new_session(Some(name.clone()), given, (default("sso_start_url"), default("sso_region")))
    }

    fn existing(&self, name: &str, given: &SessionAnswers) -> Result<SessionAnswer, Failure> {
        let sso = SsoSettings::of_session(&self.config.settings, name);
        let sso = sso.map_err(|error| session::explain(error, self.config))?;
        let scopes = given.sso_registration_scopes.as_deref();
        let scopes =
            scopes.map(|text| option("--sso-registration-scopes", text, answers::scopes)).transpose()?;
        let start_url = given.sso_start_url.as_deref().filter(|text| *text != sso.start_url);
        let start_url =
            start_url.map(|text| option("--sso-start-url", text, answers::start_url)).transpose()?;
        let start_url = start_url.map(|(url, _)| url);
        let told = [
            ("--sso-start-url", start_url.as_deref(), Some(sso.start_url.as_str())),
            ("--sso-region", given.sso_region.as_deref(), sso.sso_region.as_deref()),
        ];
        let joined = sso.registration_scopes.as_ref().map(|scopes| scopes.join(","));
        let scopes_told = ("--sso-registration-scopes", scopes.as_deref(), joined.as_deref());
        for (option, wanted, there) in told.into_iter().chain([scopes_told]) {
            if wanted.is_some() && wanted != there {
                let there = wire::words::printable(there.unwrap_or("nothing"), 300);
                let message =
                    format!("{option}: the sso-session {name} of the config file says {there} instead");
                return Err(Failure::new(Kind::Configuration, message)
                    .hint(format!(
                        "change the session first: aldis configure sso-session {}",
                        hints::option("--sso-session", name)
                    ))
                    .hint("or name another one: aldis configure sso --sso-session NAME"));
            }
        }
        Ok(SessionAnswer { sso, is_there: true })
    }

    fn new_session(
        &self,
        name: Option<String>,
        given: &SessionAnswers,
        (url, region): (Option<&str>, Option<&str>),
    ) -> Result<SessionAnswer, Failure> {
        let (start_url, led_to) = match &given.sso_start_url {
            Some(text) => {
                let (start_url, remark) = option("--sso-start-url", text, answers::start_url)?;
                if let Some(remark) = remark {
                    self.say(&remark);
                }
                // A region that was given, too, makes a lookup before the sign-in needless.
                let led_to = match &given.sso_region {
                    Some(_) => None,
                    None => {
                        self.look_up(name.as_ref(), &start_url).map_err(|failed| failed.into_failure())?
                    }
                };
                (start_url, led_to)
            }
            None => self.ask_start_url(name.as_ref(), url)?,
        };
        let region = match (&given.sso_region, led_to) {
            (Some(text), _) => option("--sso-region", text, answers::region)?,
            (None, Some(region)) => region,
            (None, None) => {
                let current = Some(region.unwrap_or(NONE));
                let question = Question { text: "SSO region", current, option: "--sso-region" };
                self.asker.line(question, answers::region)?
            }
        };
        self.warn_of_region(&region);
        let region = Some(region);
        let scopes = match &given.sso_registration_scopes {
            _ if name.is_none() => None,
            Some(text) => Some(option("--sso-registration-scopes", text, answers::scopes)?),
            None if !self.asker.can_ask() => Some(answers::USUAL_SCOPES.to_owned()),
            None => {
                let (text, current) = ("SSO registration scopes", Some(answers::USUAL_SCOPES));
                let option = "--sso-registration-scopes";
                Some(self.asker.line(Question { text, current, option }, answers::scopes)?)
            }
        };
        Ok(SessionAnswer { sso: answers::settings(name, start_url, region, scopes), is_there: false })
    }

    /// Asks for a start URL until one leads to a center, with the region to which it leads.
    fn ask_start_url(
        &self,
        name: Option<&String>,
        current: Option<&str>,
    ) -> Result<(String, Option<String>), Failure> {
        let mut current = current.unwrap_or(NONE).to_owned();
        loop {
            let question =
                Question { text: "SSO start URL", current: Some(&current), option: "--sso-start-url" };
            let (start_url, remark) = self.asker.line(question, answers::start_url)?;
            if let Some(remark) = remark {
                self.say(&remark);
            }
            let failed = match self.look_up(name, &start_url) {
                Ok(region) => return Ok((start_url, region)),
                Err(failed) => failed,
            };
            match &failed.error {
                // The fault is not in the answer.
                StartUrlError::Endpoint(_) => return Err(failed.into_failure()),
                error => self.asker.refuse(&format!("Not a valid Start URL: {}", with_causes(error))),
            }
            current = if failed.is_plain_http() { answers::https(&start_url) } else { start_url };
        }
    }

    /// Looks up the center behind a start URL, and hands over its region; `None` if the region must be asked for.
    fn look_up(&self, name: Option<&String>, start_url: &str) -> Result<Option<String>, Box<LookUpFailed>> {
        let sso = answers::settings(name.cloned(), start_url.to_owned(), None, None);
        let meant = self.meant(sso, false);
        let error = match meant.open(self.outside).center() {
            Ok(center) => return Ok(Some(center.region.clone())),
            Err(StartUrlError::NoRegion(_)) => return Ok(None),
            Err(error) => error,
        };
        // With these addresses and a region the start URL is only a name.
        let overrides = &meant.target.center.overrides;
        let has = |service| matches!(overrides.of(service), Ok(Some(_)));
        let is_only_a_name = has(Service::SsoOidc) && has(Service::Sso);
        let failed = Box::new(LookUpFailed { error, meant });
        match &failed.error {
            StartUrlError::Unanswered { .. } | StartUrlError::NoCenter { .. } if is_only_a_name => Ok(None),
            // A session can be written without a network, as the AWS CLI does.
            error @ StartUrlError::Unanswered { .. } if self.login.is_none() && !failed.is_plain_http() => {
                warn(self.outside, self.style, with_causes(error));
                Ok(None)
            }
            _ => Err(failed),
        }
    }
}

/// A start URL that leads to no center, and the session that it was looked up for.
struct LookUpFailed {
    error: StartUrlError,
    meant: Meant,
}

impl LookUpFailed {
    fn into_failure(self) -> Failure {
        hints::center(self.error, &self.meant)
    }

    /// True if only the missing encryption stands in the way.
    fn is_plain_http(&self) -> bool {
        matches!(
            &self.error,
            StartUrlError::Unanswered { source: CallError::Http(HttpError::PlainHttp { .. }), .. }
        )
    }
}
