//! `aldis configure sso` and `aldis configure sso-session`: questions, a sign-in, a choice, and then the lines of the config
//! file.

use aws_formats::config::SsoSettings;
use center_client::start_url::Center;
use outside::Outside;
use outside::painted::{Color, Painted};
use serde_json::json;
use signin::progress::Unwatched;
use signin::role_credentials::PortalCallError;
use signin::session::Session;
use signin::sign_in::{Human, Mode};
use wire::portal::{AccountInfo, RoleInfo};

use super::login::explain;
use crate::args::SessionArgs;
use crate::args::configure_sso::{ConfigureSessionArgs, ConfigureSsoArgs, SessionAnswers};
use crate::args::login::FlowArgs;
use crate::ask::{Asker, Choice, NONE, Question};
use crate::report::hints::{self, quoted};
use crate::report::login::{LoginReport, Stage};
use crate::report::news::News;
use crate::report::words::{Style, note, print, warn};
use crate::report::{Exit, Failure, Kind};
use crate::request;
use crate::request::config::Config;
use crate::request::configure_sso::{self as answers, ProfileAnswer, SessionAnswer};
use crate::request::session::{self, Meant, profile_of};

/// Sets up a profile.
pub(crate) fn run(outside: &Outside, args: &ConfigureSsoArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.color.global(), outside);
    if args.how.explain {
        let named =
            SessionArgs { profile: args.profile.clone(), sso_session: args.session.sso_session.clone() };
        return explain(outside, &args.how, request::session::complete(&named, outside), style);
    }
    let config = Config::read(outside)?;
    let wizard = Wizard {
        outside,
        style,
        config: &config,
        asker: Asker::begin(outside, style, "aldis configure sso")?,
    };
    let given = Given::read(args, outside)?;
    config.may_be_edited(outside)?;
    let profile = given.profile.as_deref().unwrap_or("default");
    let session = wizard.session(&args.session, Some(profile))?;
    let meant = session::of_answers(session.sso.clone(), profile, typed(args), &outside.env, &config);
    meant.tell(outside, style);
    let (accounts, opened) = wizard.signed_in(&meant, &session, &args.how)?;
    let account_id = wizard.account(args.account_id.as_deref(), accounts)?;
    let role_name = wizard.role(args.role_name.as_deref(), &account_id, &opened, &meant)?;
    let answer = wizard.profile(given, account_id, role_name)?;
    let center = opened.center().map_err(|error| hints::center(error, &meant))?;
    wizard.remarks(&answer.name, center);
    config.edit(outside, style, |old| answers::edits(&answer, &session, center, old))?;
    wizard.farewell(&answer.name);
    Ok(Exit::Done)
}

/// Sets up an sso-session. Asks a center only what region it is in.
pub(crate) fn run_session(outside: &Outside, args: &ConfigureSessionArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let config = Config::read(outside)?;
    let asker = Asker::begin(outside, style, "aldis configure sso-session")?;
    let wizard = Wizard { outside, style, config: &config, asker };
    config.may_be_edited(outside)?;
    let SessionAnswer { sso, .. } = wizard.any_session(&args.session)?;
    let name = sso.session.clone().unwrap_or_default();
    let region = sso.sso_region.clone();
    config.edit(outside, style, |_| answers::session_edits(&name, &sso, region.as_deref()))?;
    if style.json {
        let object = json!({
            "sso_session": name,
            "sso_start_url": sso.start_url,
            "sso_region": region,
            "sso_registration_scopes": sso.registration_scopes,
        });
        return print(outside, &format!("{object:#}\n"));
    }
    note(outside, style, &format!("\nCompleted configuring SSO session: {name}"));
    note(outside, style, "Run the following to login and refresh access token for this session:\n");
    let login = style.paint(Color::Cyan, &format!("aldis login --sso-session {}", quoted(&name)));
    outside.terminal.words(login.then("\n"));
    Ok(Exit::Done)
}

/// The command with the answers that were given as options. How to sign in is left out, as whoever shows it says how.
fn typed(args: &ConfigureSsoArgs) -> String {
    let session = &args.session;
    let answers = [
        ("--sso-session", &session.sso_session),
        ("--sso-start-url", &session.sso_start_url),
        ("--sso-region", &session.sso_region),
        ("--sso-registration-scopes", &session.sso_registration_scopes),
        ("--account-id", &args.account_id),
        ("--role-name", &args.role_name),
        ("--region", &args.region),
        ("--output", &args.output),
        ("--profile", &args.profile),
    ];
    let option =
        |(name, value): (&str, &Option<String>)| Some(format!(" {name} {}", quoted(value.as_ref()?)));
    std::iter::once("aldis configure sso".to_owned()).chain(answers.into_iter().filter_map(option)).collect()
}

/// The choices as hints, as far as a screen holds them.
fn with_options(failure: Failure, option: &str, entries: &[String]) -> Failure {
    if let Kind::Cancelled(_) = failure.kind {
        return failure;
    }
    const MOST: usize = 20;
    let shown = entries.iter().take(MOST).map(|entry| format!("there is {option} {entry}"));
    let more = entries.len().checked_sub(MOST + 1).map(|more| format!("and {} more", more + 1));
    shown.chain(more).fold(failure, Failure::hint)
}

/// The answers that were given as options, checked before anything happens.
struct Given {
    region: Option<Option<String>>,
    output: Option<Option<String>>,
    profile: Option<String>,
}

impl Given {
    fn read(args: &ConfigureSsoArgs, outside: &Outside) -> Result<Self, Failure> {
        let profile = profile_of(args.profile.as_deref(), &outside.env);
        Ok(Self {
            region: args
                .region
                .as_deref()
                .map(|text| option("--region", text, answers::optional_region))
                .transpose()?,
            output: args
                .output
                .as_deref()
                .map(|text| option("--output", text, answers::output))
                .transpose()?,
            profile: profile.map(|text| option("--profile", text, answers::profile_name)).transpose()?,
        })
    }
}

fn option<T>(name: &str, text: &str, accept: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
    accept(text).map_err(|why| {
        Failure::new(Kind::Words, format!("{name}: {why}"))
            .hint("see what it takes: add --help to the same command")
    })
}

struct Wizard<'a> {
    outside: &'a Outside,
    style: Style,
    config: &'a Config,
    asker: Asker<'a>,
}

impl Wizard<'_> {
    fn say(&self, text: impl Into<Painted>) {
        note(self.outside, self.style, text);
    }

    /// The session of a profile: one of the file, a new one, or none.
    fn session(&self, given: &SessionAnswers, profile: Option<&str>) -> Result<SessionAnswer, Failure> {
        let own = profile.and_then(|name| self.config.settings.profile(name));
        let current = own.and_then(|profile| profile.get("sso_session")).filter(|name| !name.is_empty());
        let name = match &given.sso_session {
            Some(name) => option("--sso-session", name, answers::session_name)?,
            None => {
                let known = self.config.settings.sso_session_names();
                if !known.is_empty() && self.asker.can_ask() {
                    self.say(&format!("Sessions in the config file: {}", known.join(", ")));
                }
                let text =
                    if current.is_some() { "SSO session name" } else { "SSO session name (Recommended)" };
                self.asker.line(Question { text, current, option: "--sso-session" }, answers::session_name)?
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
            Some(name) if self.config.settings.sso_session(name).is_some() => {
                return self.existing(name, given);
            }
            Some(_) => {}
        }
        let default = |key| own.and_then(|profile| profile.get(key)).filter(|value| !value.is_empty());
        self.new_session(name, given, (default("sso_start_url"), default("sso_region")))
    }

    /// A session by itself; one that the file has is asked for anew.
    fn any_session(&self, given: &SessionAnswers) -> Result<SessionAnswer, Failure> {
        let named = |text: &str| answers::session_name(text)?.ok_or_else(|| "A value is required".to_owned());
        let name = match &given.sso_session {
            Some(name) => option("--sso-session", name, named)?,
            None => {
                let question = Question { text: "SSO session name", current: None, option: "--sso-session" };
                self.asker.line(question, named)?
            }
        };
        let old = self.config.settings.sso_session(&name);
        let default = |key| old.and_then(|section| section.get(key)).filter(|value| !value.is_empty());
        self.new_session(Some(name.clone()), given, (default("sso_start_url"), default("sso_region")))
    }

    fn existing(&self, name: &str, given: &SessionAnswers) -> Result<SessionAnswer, Failure> {
        let sso = SsoSettings::of_session(&self.config.settings, name);
        let sso = sso.map_err(|error| session::explain(error, self.config))?;
        let scopes = given.sso_registration_scopes.as_deref().map(answers::scopes).transpose();
        let scopes = scopes.map_err(|why| Failure::new(Kind::Words, why))?;
        let told = [
            ("--sso-start-url", given.sso_start_url.as_deref(), Some(sso.start_url.as_str())),
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
                        "change the session first: aldis configure sso-session --sso-session {}",
                        quoted(name)
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
        let start_url = match &given.sso_start_url {
            Some(text) => option("--sso-start-url", text, answers::start_url)?,
            None => {
                let current = Some(url.unwrap_or(NONE));
                let question = Question { text: "SSO start URL", current, option: "--sso-start-url" };
                self.asker.line(question, answers::start_url)?
            }
        };
        let region = match &given.sso_region {
            Some(text) => Some(option("--sso-region", text, answers::region)?),
            None => self.region_of(&start_url, region)?,
        };
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

    /// The region of the center behind a start URL: what the URL leads to, else what somebody says.
    fn region_of(&self, start_url: &str, current: Option<&str>) -> Result<Option<String>, Failure> {
        let sso = answers::settings(None, start_url.to_owned(), None, None);
        let command = self.asker.command().to_owned();
        let meant = session::of_answers(sso, "default", command, &self.outside.env, self.config);
        if let Ok(center) = meant.open(self.outside).center() {
            return Ok(Some(center.region.clone()));
        }
        let question =
            Question { text: "SSO region", current: Some(current.unwrap_or(NONE)), option: "--sso-region" };
        self.asker.line(question, answers::region).map(Some)
    }

    /// A signed-in session and what it opens.
    fn signed_in(
        &self,
        meant: &Meant,
        answer: &SessionAnswer,
        args: &FlowArgs,
    ) -> Result<(Vec<AccountInfo>, Session), Failure> {
        let session = meant.open(self.outside);
        let is_new = answer.sso.session.is_some() && !answer.is_there;
        if !is_new && session.still_signed_in(&mut Unwatched).is_some() {
            match self.accounts(&session) {
                // The file does not know that it was ended at the center.
                Err(PortalCallError::SignedOut { .. }) => {}
                listed => return Ok((listed.map_err(|error| hints::portal(error, meant))?, session)),
            }
        }
        let how = request::login::how(args, Mode::Usual, self.style.json, meant, self.outside)?;
        how.tell(self.outside, self.style);
        let mut report = LoginReport::new(self.outside, self.style, Stage::Data, meant).with_plan(&how);
        let before = session.last_seen();
        let signed_in =
            self.asker.without(|| session.sign_in(Human::asked_for_a_sign_in(), how.wish, &mut report));
        let signed_in = match signed_in {
            Ok(signed_in) => signed_in,
            Err(error) => return Err(report.failure(error, meant)),
        };
        report.done(&signed_in, &session.target().shown_start_url(), || {
            session.what_came(&signed_in, before)
        })?;
        Ok((self.accounts(&session).map_err(|error| hints::portal(error, meant))?, session))
    }

    fn accounts(&self, session: &Session) -> Result<Vec<AccountInfo>, PortalCallError> {
        let mut accounts =
            session.with_portal(&mut News::new(self.outside, self.style), |portal| portal.accounts())?;
        answers::in_order(&mut accounts);
        Ok(accounts)
    }

    fn account(&self, given: Option<&str>, accounts: Vec<AccountInfo>) -> Result<String, Failure> {
        let ids: Vec<&str> = accounts.iter().map(|account| account.account_id.as_str()).collect();
        let id = match (given, ids.as_slice()) {
            (_, []) => return Err(Failure::new(Kind::Other, "No AWS accounts are available to you.")),
            (Some(id), ids) if ids.contains(&id) => id,
            (Some(id), _) => {
                let message = format!("--account-id: the account {id} is not one of your {}", ids.len());
                let narrow: Vec<String> = accounts.iter().map(answers::narrow_account_entry).collect();
                return Err(with_options(Failure::new(Kind::Words, message), "--account-id", &narrow));
            }
            (None, [id]) => {
                self.say(&format!("The only AWS account available to you is: {id}"));
                id
            }
            (None, ids) => {
                self.say(&format!("There are {} AWS accounts available to you.", ids.len()));
                let entries: Vec<String> = accounts.iter().map(answers::account_entry).collect();
                let narrow: Vec<String> = accounts.iter().map(answers::narrow_account_entry).collect();
                let option = "--account-id";
                let choice = Choice { singular: "account", entries: &entries, narrow: &narrow, option };
                let chosen = self.asker.choose(choice);
                ids[chosen.map_err(|failure| with_options(failure, option, &narrow))?]
            }
        };
        self.say(&format!("Using the account ID {id}"));
        Ok(id.to_owned())
    }

    fn role(
        &self,
        given: Option<&str>,
        account_id: &str,
        session: &Session,
        meant: &Meant,
    ) -> Result<String, Failure> {
        let mut news = News::new(self.outside, self.style);
        let roles = session.with_portal(&mut news, |portal| portal.roles(account_id));
        let roles: Vec<RoleInfo> = roles.map_err(|error| hints::portal(error, meant))?;
        let names: Vec<String> = roles.into_iter().map(|role| role.role_name).collect();
        let name = match (given, names.as_slice()) {
            (_, []) => {
                let message = format!("No roles are available for the account {account_id}");
                return Err(Failure::new(Kind::Other, message));
            }
            (Some(name), names) if names.iter().any(|known| known == name) => name.to_owned(),
            (Some(name), names) => {
                let name = wire::words::printable(name, 300);
                let message = format!(
                    "--role-name: {name} is not one of your roles in {account_id}: {}",
                    names.join(", ")
                );
                return Err(with_options(Failure::new(Kind::Words, message), "--role-name", names));
            }
            (None, [name]) => {
                self.say(&format!("The only role available to you is: {name}"));
                name.clone()
            }
            (None, names) => {
                self.say(&format!("There are {} roles available to you.", names.len()));
                let option = "--role-name";
                let choice = Choice { singular: "role", entries: names, narrow: &[], option };
                let chosen = self.asker.choose(choice);
                names[chosen.map_err(|failure| with_options(failure, option, names))?].clone()
            }
        };
        let name = answers::role_name(&name).map_err(|why| {
            Failure::new(Kind::Other, format!("no profile can name the role {name:?}: {why}"))
        })?;
        self.say(&format!("Using the role name \"{name}\""));
        Ok(name)
    }

    fn profile(&self, given: Given, account_id: String, role_name: String) -> Result<ProfileAnswer, Failure> {
        let own = given.profile.as_deref().and_then(|name| self.config.settings.profile(name));
        let current = |key| own.and_then(|profile| profile.get(key)).filter(|value| !value.is_empty());
        let ask =
            |text: &str, key: &'static str, option, accept: fn(&str) -> Result<Option<String>, String>| {
                if !self.asker.can_ask() {
                    return Ok(None);
                }
                let current = Some(current(key).unwrap_or(NONE));
                self.asker.line(Question { text, current, option }, accept)
            };
        let region = match given.region {
            Some(region) => region,
            None => ask("Default client Region", "region", "--region", answers::optional_region)?,
        };
        let text = "CLI default output format (json if not specified)";
        let output = match given.output {
            Some(output) => output,
            None => ask(text, "output", "--output", answers::output)?,
        };
        let proposed = answers::proposed_name(&role_name, &account_id);
        let name = match given.profile {
            Some(name) => name,
            None if !self.asker.can_ask() => proposed,
            None => {
                let question =
                    Question { text: "Profile name", current: Some(&proposed), option: "--profile" };
                self.asker.line(question, answers::profile_name)?
            }
        };
        Ok(ProfileAnswer { name, account_id, role_name, region, output })
    }

    /// What the person should know of the profile that changes.
    fn remarks(&self, name: &str, center: &Center) {
        let Some(old) = self.config.settings.profile(name) else { return };
        let others = answers::other_sources(old);
        if !others.is_empty() {
            let keys = others.join(", ");
            let text = format!(
                "the profile {name} has {keys}, too, and some tools take those instead: remove them, or name another profile"
            );
            warn(self.outside, self.style, &text);
        }
        if let Some(services) = old.get("services").filter(|_| center.told_by_itself().is_none()) {
            let text = format!(
                "the profile {name} keeps its section [services {services}], which may name addresses of another center"
            );
            warn(self.outside, self.style, &text);
        }
        if old.get("sso_account_id").is_some() {
            self.say(&format!("The profile {name} was there; its account and role are replaced"));
        }
    }

    fn farewell(&self, name: &str) {
        let command = |selector: &str| self.style.paint(Color::Cyan, &format!("aldis whoami{selector}"));
        if name == "default" {
            self.say("The AWS CLI is now configured to use the default profile.");
            self.say("Run the following command to verify your configuration:\n");
            self.say(command(""));
        } else {
            self.say("To use this profile, specify the profile name using --profile, as shown:\n");
            self.say(command(&format!(" --profile {}", quoted(name))));
        }
    }
}
