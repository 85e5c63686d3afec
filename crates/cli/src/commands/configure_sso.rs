//! `aldis configure sso` and `aldis configure sso-session`: questions, a sign-in, a choice, and then the lines of the config
//! file.

mod session_questions;

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
use crate::args::configure_sso::{ConfigureSessionArgs, ConfigureSsoArgs};
use crate::args::login::FlowArgs;
use crate::ask::{Asker, BadAnswer, Choice, NONE, Question};
use crate::report::hints::{self, quoted};
use crate::report::login::{LoginReport, Stage};
use crate::report::news::News;
use crate::report::words::{Style, note, print, warn};
use crate::report::{Exit, Failure, Kind};
use crate::request;
use crate::request::config::Config;
use crate::request::configure_sso::{self as answers, ProfileAnswer, RoleAnswer, SessionAnswer};
use crate::request::session::{self, AnswerCommands, Meant, profile_of};
use crate::request::{account, region};

/// Sets up a profile.
pub(crate) fn run(outside: &Outside, args: &ConfigureSsoArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.color.global(), outside);
    if args.how.explain {
        let named =
            SessionArgs { profile: args.profile.clone(), sso_session: args.session.sso_session.clone() };
        return explain(outside, &args.how, request::session::complete(&named, outside), style);
    }
    let config = Config::read(outside)?;
    let given = Given::read(args, outside, &config)?;
    let wizard = Wizard {
        outside,
        style,
        config: &config,
        asker: Asker::begin(outside, style, "aldis configure sso")?,
        profile: given.profile.clone().unwrap_or_else(|| "default".to_owned()),
        login: Some(typed(args)),
    };
    config.may_be_edited(outside)?;
    if let Some(name) = given.profile.as_deref().filter(|name| config.settings.profile(name).is_none()) {
        wizard.warn_of_name("--profile", name);
    }
    let session = wizard.session(&args.session)?;
    let meant = wizard.meant(session.sso.clone(), session.is_there);
    meant.tell(outside, style);
    let (accounts, opened) = wizard.signed_in(&meant, &session, &args.how)?;
    let account_id = wizard.account(args.account_id.as_deref(), accounts)?;
    let role_name = wizard.role(args.role_name.as_deref(), &account_id, &opened, &meant)?;
    let center = opened.center().map_err(|error| hints::center(error, &meant))?;
    let role = RoleAnswer {
        session: session.sso.session.as_deref(),
        account_id: &account_id,
        role_name: &role_name,
    };
    let answer = wizard.profile(given, role, &center.region)?;
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
    let wizard =
        Wizard { outside, style, config: &config, asker, profile: "default".to_owned(), login: None };
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
    note(outside, style, format!("\nCompleted configuring SSO session: {name}"));
    note(outside, style, "Run the following to login and refresh access token for this session:\n");
    let login = style.paint(Color::Cyan, &format!("aldis login {}", hints::option("--sso-session", &name)));
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

/// The answers that were given as options, checked before anything happens.
struct Given {
    region: Option<Option<String>>,
    output: Option<Option<String>>,
    profile: Option<String>,
}

impl Given {
    fn read(args: &ConfigureSsoArgs, outside: &Outside, config: &Config) -> Result<Self, Failure> {
        let profile = profile_of(args.profile.as_deref(), &outside.env);
        let accept_profile = |text: &str| match config.settings.profile(text) {
            Some(_) => Ok(text.to_owned()),
            None => answers::profile_name(text),
        };
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
            profile: profile.map(|text| option("--profile", text, accept_profile)).transpose()?,
        })
    }
}

/// An answer that was given as an option, or an error with its reason and the nearest answer that would be taken.
pub(super) fn option<T>(
    name: &'static str,
    text: &str,
    accept: impl Fn(&str) -> Result<T, BadAnswer>,
) -> Result<T, Failure> {
    accept(text).map_err(|BadAnswer { why, proposal }| {
        let failure = Failure::new(Kind::Words, format!("{name}: {why}"));
        match proposal {
            Some(proposal) => failure.hint(format!("did you mean: {}", hints::option(name, &proposal))),
            None => failure.hint("see what it takes: add --help to the same command"),
        }
    })
}

struct Wizard<'a> {
    outside: &'a Outside,
    style: Style,
    config: &'a Config,
    asker: Asker<'a>,
    /// The profile whose addresses count.
    profile: String,
    /// The command that signs in with the answers; `None` if nothing is signed in to.
    login: Option<String>,
}

impl Wizard<'_> {
    fn say(&self, text: impl Into<Painted>) {
        note(self.outside, self.style, text);
    }

    /// Warns of a new name that was given as an option, and is written as given.
    fn warn_of_name(&self, option: &str, name: &str) {
        if let Some(limits) = answers::limits_of_name(name) {
            warn(self.outside, self.style, format!("{option}: {limits}"));
        }
    }

    /// Warns of a region that may be a typing error.
    fn warn_of_region(&self, name: &str) {
        if let Some(near) = region::doubt(name) {
            let text = format!("{name} is not a region that is known here; did you mean {near}?");
            warn(self.outside, self.style, &text);
        }
    }

    /// The session that the answers mean. Errors lead to the config file only if it holds them already.
    fn meant(&self, sso: SsoSettings, is_there: bool) -> Meant {
        let command = self.asker.command();
        let session = sso.session.as_ref().map(|name| format!(" {}", hints::option("--sso-session", name)));
        let correct = (!is_there).then(|| format!("{command}{}", session.unwrap_or_default()));
        let login = self.login.clone().unwrap_or_else(|| command.to_owned());
        let commands = AnswerCommands { login, correct };
        session::of_answers(sso, &self.profile, commands, &self.outside.env, self.config)
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
            (Some(text), _) => account::find(text, &accounts, "--account-id")?.account_id.as_str(),
            (None, [id]) => {
                self.say(format!("The only AWS account available to you is: {id}"));
                id
            }
            (None, ids) => {
                self.say(format!("There are {} AWS accounts available to you.", ids.len()));
                let entries: Vec<String> = accounts.iter().map(answers::account_entry).collect();
                let narrow: Vec<String> = accounts.iter().map(answers::narrow_account_entry).collect();
                let option = "--account-id";
                let own = self.own("sso_account_id");
                let start = ids.iter().position(|id| own == Some(*id)).unwrap_or(0);
                let choice =
                    Choice { singular: "account", entries: &entries, narrow: &narrow, option, start };
                let chosen = self.asker.choose(choice);
                ids[chosen.map_err(|failure| account::with_options(failure, option, &narrow))?]
            }
        };
        self.say(format!("Using the account ID {id}"));
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
                return Err(account::with_options(Failure::new(Kind::Words, message), "--role-name", names));
            }
            (None, [name]) => {
                self.say(format!("The only role available to you is: {name}"));
                name.clone()
            }
            (None, names) => {
                self.say(format!("There are {} roles available to you.", names.len()));
                let option = "--role-name";
                let start = answers::least_dangerous(names, self.own("sso_role_name"));
                let choice = Choice { singular: "role", entries: names, narrow: &[], option, start };
                let chosen = self.asker.choose(choice);
                names[chosen.map_err(|failure| account::with_options(failure, option, names))?].clone()
            }
        };
        let name = answers::role_name(&name).map_err(|why| {
            Failure::new(Kind::Other, format!("no profile can name the role {name:?}: {why}"))
        })?;
        self.say(format!("Using the role name \"{name}\""));
        Ok(name)
    }

    /// A value of the profile that is set up, if the file has it.
    fn own(&self, key: &str) -> Option<&str> {
        let own = self.config.settings.profile(&self.profile);
        own.and_then(|profile| profile.get(key)).filter(|value| !value.is_empty())
    }

    /// The rest of a profile. A profile without a region makes most commands of other tools fail, so it gets the region of the
    /// Identity Center unless the person says otherwise.
    fn profile(
        &self,
        given: Given,
        role: RoleAnswer<'_>,
        sso_region: &str,
    ) -> Result<ProfileAnswer, Failure> {
        let own = |key| self.own(key).filter(|_| given.profile.is_some());
        let ask =
            |text: &str, current: &str, option, accept: fn(&str) -> Result<Option<String>, BadAnswer>| {
                let question = Question { text, current: Some(current), option };
                // A value of the file or the center is no typing error.
                let taken = |text: &str| {
                    if text == current && text != NONE { Ok(Some(text.to_owned())) } else { accept(text) }
                };
                self.asker.line(question, taken)
            };
        let region = match (given.region, own("region")) {
            (Some(region), _) => region,
            (None, own) if self.asker.can_ask() => {
                let current = own.unwrap_or(sso_region);
                ask("Default client Region", current, "--region", answers::optional_region)?
            }
            (None, Some(_)) => None,
            (None, None) => Some(sso_region.to_owned()),
        };
        if let Some(region) = &region {
            self.warn_of_region(region);
        }
        let text = "CLI default output format (json if not specified)";
        let output = match given.output {
            Some(output) => output,
            None if !self.asker.can_ask() => None,
            None => ask(text, own("output").unwrap_or(NONE), "--output", answers::output)?,
        };
        let settings = &self.config.settings;
        let proposed = answers::proposed_name(&role, settings);
        let name = match given.profile {
            Some(name) => name,
            None if !self.asker.can_ask() => proposed,
            None => {
                let question =
                    Question { text: "Profile name", current: Some(&proposed), option: "--profile" };
                self.asker.line(question, |text| {
                    if settings.profile(text).is_some() {
                        return Ok(text.to_owned());
                    }
                    let name = answers::profile_name(text)?;
                    answers::suits_all(&name, "--profile")?;
                    Ok(name)
                })?
            }
        };
        let (account_id, role_name) = (role.account_id.to_owned(), role.role_name.to_owned());
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
            self.say(format!("The profile {name} was there; its account and role are replaced"));
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
            self.say(command(&format!(" {}", hints::option("--profile", name))));
        }
    }
}
