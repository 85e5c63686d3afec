//! Which session is meant, and all that is needed to call its center.

use std::path::PathBuf;
use std::sync::Arc;

use aws_formats::config::settings::Section;
use aws_formats::config::sso::SsoError;
use aws_formats::config::{ProfileKind, Settings, SsoSettings};
use center_client::calls::Calls;
use center_client::endpoint::{Flavour, Overrides, PerService};
use center_client::start_url::Wanted;
use outside::http::{Http, HttpSettings};
use outside::proxy::ProxyRule;
use outside::{Env, Outside};
use signin::session::{Session, Target};

use super::config::{Config, editor};
use super::handover;
use super::profile::{
    NamedProfile, Purpose, missing_file, no_such_profile, no_such_session, note_of_assumed_role,
    of_missing_file, other_kind,
};
use crate::args::SessionArgs;
use crate::report::hints::{option, quoted};
use crate::report::words::{Style, note, warn};
use crate::report::{Failure, Kind};

/// A session, completely, with the words to speak of it.
#[derive(Debug, Clone)]
pub(crate) struct Meant {
    /// What is signed in to.
    pub(crate) target: Target,
    /// What the files say of it.
    pub(crate) sso: SsoSettings,
    /// The region of the profile in use, for services other than SSO.
    pub(crate) profile_region: Option<String>,
    /// The command that signs in to it.
    pub(crate) login: String,
    /// The command that ends the sign-in.
    pub(crate) logout: String,
    /// The options that mean it, with a blank before each.
    pub(crate) selector: String,
    /// The section that it stands in.
    pub(crate) place: String,
    /// The command that corrects what stands at `place`: the editor, or the question anew.
    pub(crate) edit: String,
    /// The command that edits the config file.
    pub(crate) edit_file: String,
    /// The profile whose addresses and region count; it need not exist.
    pub(crate) profile: String,
    home: PathBuf,
    http: HttpSettings,
    remarks: Vec<Remark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Remark {
    Note(String),
    Warning(String),
}

impl Meant {
    /// Says what the person should know before anything happens.
    pub(crate) fn tell(&self, outside: &Outside, style: Style) {
        for remark in &self.remarks {
            match remark {
                // A program named its profile or session, or will not mind.
                Remark::Note(_) if style.json => {}
                Remark::Note(text) => note(outside, style, text),
                Remark::Warning(text) => warn(outside, style, text),
            }
        }
    }

    /// As [`Self::tell`], for a request that is sent before the command begins; afterwards nothing is left to tell.
    pub(crate) fn tell_now(&mut self, outside: &Outside, style: Style) {
        self.tell(outside, style);
        self.remarks.clear();
    }

    /// The calls of a client with the connection settings of this session.
    pub(crate) fn calls(&self, outside: &Outside) -> Calls {
        Calls::new(Arc::new(Http::new(self.http.clone())), outside.clock.clone(), outside.dice.clone())
    }

    /// The session itself. Nothing is read or asked yet.
    pub(crate) fn open(&self, outside: &Outside) -> Session {
        Session::new(self.target.clone(), self.home.clone(), outside, Arc::new(Http::new(self.http.clone())))
    }
}

/// Finds out which session is meant.
pub(crate) fn complete(args: &SessionArgs, outside: &Outside) -> Result<Meant, Failure> {
    complete_in(args, &outside.env, &Config::read(outside)?)
}

/// Finds out which session is meant, in a config that is read already.
pub(crate) fn complete_in(args: &SessionArgs, env: &Env, config: &Config) -> Result<Meant, Failure> {
    Ok(meant(choose(args, env, config)?, env, config))
}

/// The commands that lead to an answer again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnswerCommands {
    /// Asks and signs in: what is not written yet can be signed in to by nothing else.
    pub(crate) login: String,
    /// Asks for start URL and region again; `None` if they stand in the config file, which is edited then.
    pub(crate) correct: Option<String>,
}

/// What somebody typed, with the addresses of the profile that it is for, where there is one already.
pub(crate) fn of_answers(
    sso: SsoSettings,
    profile: &str,
    commands: AnswerCommands,
    env: &Env,
    config: &Config,
) -> Meant {
    let place = match (&sso.session, &commands.correct) {
        (Some(name), None) => format!("[sso-session {name}]"),
        _ => "your answers".to_owned(),
    };
    let chosen = Chosen { sso, profile: profile.to_owned(), selector: String::new(), place, note: None };
    let meant = meant(chosen, env, config);
    let edit = commands.correct.unwrap_or_else(|| meant.edit_file.clone());
    Meant { login: commands.login, edit, ..meant }
}

/// The addresses and connection settings of a profile whose credentials come from no session.
pub(crate) fn without_session(profile: &str, env: &Env, config: &Config) -> Box<Meant> {
    let sso = SsoSettings {
        session: None,
        start_url: String::new(),
        sso_region: None,
        registration_scopes: None,
        account_id: None,
        role_name: None,
        region: None,
        redirect_port: None,
        use_device_code: None,
    };
    let selector = format!(" {}", option("--profile", profile));
    let place = format!("[profile {profile}]");
    let chosen = Chosen { sso, profile: profile.to_owned(), selector, place, note: None };
    Box::new(meant(chosen, env, config))
}

/// A choice between what the files offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// What the files say of it.
    pub(super) sso: SsoSettings,
    /// The profile whose addresses and region count; it need not exist.
    pub(super) profile: String,
    /// The options that mean it.
    pub(super) selector: String,
    /// The section that it stands in.
    pub(super) place: String,
    /// What the person should know of the choice.
    pub(super) note: Option<String>,
}

/// The profile that somebody named: `--profile`, `AWS_PROFILE` or `AWS_DEFAULT_PROFILE`.
pub(crate) fn profile_of<'a>(option: Option<&'a str>, env: &'a Env) -> Option<&'a str> {
    option.or_else(|| env.get("AWS_PROFILE")).or_else(|| env.get("AWS_DEFAULT_PROFILE"))
}

/// `--sso-session`, else the profile of `--profile`, `AWS_PROFILE`, `AWS_DEFAULT_PROFILE` or `default`; where nobody
/// typed `--profile` and that profile has no SSO, the only sso-session there is.
fn choose(args: &SessionArgs, env: &Env, config: &Config) -> Result<Chosen, Failure> {
    let settings = &config.settings;
    let named = NamedProfile::find(args.profile.as_deref(), env)?;
    let profile = named.map_or("default", |named| named.name).to_owned();
    if let Some(name) = &args.sso_session {
        let sso = SsoSettings::of_session(settings, name).map_err(|error| explain(error, config))?;
        return Ok(of_session(sso, name, profile, None));
    }
    let error = match SsoSettings::of_profile(settings, &profile) {
        Ok(sso) => {
            let selector = match named {
                Some(named) => format!(" {}", option("--profile", named.name)),
                None => String::new(),
            };
            let note = settings.profile(&profile).and_then(|section| note_of_assumed_role(&profile, section));
            let place = match (&sso.session, profile.as_str()) {
                (Some(session), _) => format!("[sso-session {session}]"),
                (None, "default") => "[default]".to_owned(),
                (None, name) => format!("[profile {name}]"),
            };
            return Ok(Chosen { sso, profile, selector, place, note });
        }
        Err(error) => error,
    };
    let may_fall_back = match &error {
        SsoError::NotSso { .. } => args.profile.is_none(),
        SsoError::NoProfile(_) => named.is_none(),
        _ => false,
    };
    let sessions = settings.sso_session_names();
    // With several sessions the profile that the user named says more about what helps than a list of all.
    let kind = settings.profile(&profile).map_or(ProfileKind::NoCredentials, ProfileKind::of);
    let is_of_other_kind = named.is_some() && kind != ProfileKind::NoCredentials;
    // A sign-in elsewhere would not help a profile that `aws login` signs in.
    let is_alone = sessions.len() == 1 && !matches!(kind, ProfileKind::ConsoleLogin(_));
    if !may_fall_back || is_of_other_kind && !is_alone {
        return Err(match (error, named) {
            (SsoError::NoProfile(_), Some(named)) => no_such_profile(named, config),
            (SsoError::NotSso { profile }, _) => other_kind(&profile, kind, Purpose::SignIn, config),
            (error, _) => explain(error, config),
        });
    }
    match sessions.as_slice() {
        [] => Err(no_session(config, &profile)),
        [name] => {
            let sso = SsoSettings::of_session(settings, name).map_err(|error| explain(error, config))?;
            let note = format!("Using the sso-session {name}, the only one in {}", config.path.display());
            Ok(of_session(sso, name, profile, Some(note)))
        }
        names => {
            let message = format!(
                "the profile {profile} has no SSO, and there are several sso-sessions: {}",
                names.join(", ")
            );
            let mut failure = Failure::new(Kind::Configuration, message);
            for name in names.iter().take(5) {
                failure =
                    failure.hint(format!("sign in to {name}: aldis login {}", option("--sso-session", name)));
            }
            Err(failure)
        }
    }
}

/// An sso-session by its own name, with the addresses of `profile`.
pub(super) fn of_session(sso: SsoSettings, name: &str, profile: String, note: Option<String>) -> Chosen {
    let selector = format!(" {}", option("--sso-session", name));
    Chosen { sso, profile, selector, place: format!("[sso-session {name}]"), note }
}

/// There are no sso-sessions: the legacy profiles that could be meant, or what to write.
fn no_session(config: &Config, profile: &str) -> Failure {
    let settings = &config.settings;
    let legacy: Vec<&str> = settings
        .profile_names()
        .into_iter()
        .filter(|name| SsoSettings::of_profile(settings, name).is_ok())
        .collect();
    if legacy.is_empty() {
        return nothing_configured(config);
    }
    let message = format!("the profile {profile} has no SSO; these have: {}", legacy.join(", "));
    legacy.iter().take(5).fold(Failure::new(Kind::Configuration, message), |failure, name| {
        failure.hint(format!("name the one you mean: {}", option("--profile", name)))
    })
}

fn nothing_configured(config: &Config) -> Failure {
    let message =
        missing_file(config).unwrap_or_else(|| format!("there is no SSO in {}", config.path.display()));
    let failure = Failure::new(Kind::Configuration, message);
    let failure = if config.is_named_by_variable { of_missing_file(failure, config) } else { failure };
    failure.hint("set it up: aldis configure sso").hint("no AWS account? see how it works: aldis demo")
}

/// What is wrong in the files, and how to see or mend it.
pub(crate) fn explain(error: SsoError, config: &Config) -> Failure {
    match error {
        SsoError::NoProfile(name) => {
            no_such_profile(NamedProfile { name: &name, origin: "--profile" }, config)
        }
        SsoError::NoSession { name, line } => no_such_session(&name, line, config),
        SsoError::NotSso { profile } => {
            let section = config.settings.profile(&profile);
            let kind = section.map_or(ProfileKind::NoCredentials, ProfileKind::of);
            other_kind(&profile, kind, Purpose::SignIn, config)
        }
        SsoError::Missing { line, .. } | SsoError::Inconsistent { line, .. } => {
            let path = quoted(&config.path.to_string_lossy());
            let line = line.map(|line| format!("+{line} ")).unwrap_or_default();
            Failure::new(Kind::Configuration, error).hint(format!("edit the file: {} {line}{path}", editor()))
        }
    }
}

/// All that is needed to call the center of what was chosen.
pub(super) fn meant(chosen: Chosen, env: &Env, config: &Config) -> Meant {
    let Chosen { sso, profile, selector, place, note } = chosen;
    let section = config.settings.profile(&profile);
    let edit_file = format!("{} {}", editor(), quoted(&config.path.to_string_lossy()));
    // Addresses that `creds` or `exec` set for other credentials must not get the token of this session.
    let env = handover::without_ours(env);
    let Network { overrides, flavour, http, warnings } = network(&env, section, &config.settings);
    let remarks = note.map(Remark::Note).into_iter().chain(warnings.into_iter().map(Remark::Warning));
    Meant {
        target: Target {
            session: sso.session.clone(),
            scopes: sso.registration_scopes.clone(),
            center: Wanted {
                start_url: sso.start_url.clone(),
                region: sso.sso_region.clone(),
                flavour,
                overrides,
            },
        },
        profile_region: section.and_then(|section| filled(section, "region")).map(str::to_owned),
        login: format!("aldis login{selector}"),
        logout: format!("aldis logout{selector}"),
        selector,
        place,
        edit: edit_file.clone(),
        edit_file,
        home: config.home.clone(),
        http,
        sso,
        remarks: remarks.collect(),
        profile,
    }
}

/// The way of requests to services: their addresses, the proxy, the certificates.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) overrides: Overrides,
    pub(super) flavour: Flavour,
    pub(super) http: HttpSettings,
    /// Warnings about dangerous settings in it.
    pub(super) warnings: Vec<String>,
}

/// Reads environment and profile.
pub(super) fn network(env: &Env, section: Option<&Section>, settings: &Settings) -> Network {
    let services = section.and_then(|section| settings.services(section.get("services")?));
    let overrides = overrides(env, section.unwrap_or(&Section::default()), services);
    network_with(overrides, env, section)
}

/// The same with no other addresses than those of variables.
pub(super) fn network_of_environment(env: &Env, section: Option<&Section>) -> Network {
    network_with(overrides(env, &Section::default(), None), env, section)
}

fn network_with(overrides: Overrides, env: &Env, section: Option<&Section>) -> Network {
    let plain_http_to = match env.get("ALDIS_INSECURE_HTTP") {
        Some("1") => overrides.plain_http_origins(),
        _ => Vec::new(),
    };
    let warning = |origin: &String| {
        format!(
            "ALDIS_INSECURE_HTTP=1: tokens go to {origin} in plain http, where everybody on the way can read them"
        )
    };
    let warnings = plain_http_to.iter().map(warning).collect();
    let filled = |key: &str| filled(section?, key);
    let ca_bundle =
        env.get("AWS_CA_BUNDLE").or(filled("ca_bundle")).or_else(|| env.get("REQUESTS_CA_BUNDLE"));
    let flag = |variable: &str, key: &str| is_true(env.get(variable).or(filled(key)));
    Network {
        flavour: Flavour {
            fips: flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
            dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        },
        http: HttpSettings {
            user_agent: concat!("aldis/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: ProxyRule::from_env(env),
            ca_bundle: ca_bundle.map(PathBuf::from),
            plain_http_to,
        },
        overrides,
        warnings,
    }
}

fn filled<'a>(section: &'a Section, key: &str) -> Option<&'a str> {
    section.get(key).filter(|value| !value.is_empty())
}

fn overrides(env: &Env, profile: &Section, services: Option<&Section>) -> Overrides {
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let ignored = env
        .get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .or_else(|| profile.get("ignore_configured_endpoint_urls"));
    Overrides {
        ignored: is_true(ignored),
        variables: PerService::from_fn(|service| owned(env.get(service.variable()))),
        variable_for_all: owned(env.get("AWS_ENDPOINT_URL")),
        section: PerService::from_fn(|service| {
            owned(services.and_then(|section| section.nested(service.section_key(), "endpoint_url")))
        }),
        profile: owned(profile.get("endpoint_url")),
    }
}

fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests;
