//! Which session is meant, and all that is needed to call its center.

use std::path::PathBuf;
use std::sync::Arc;

use aws_formats::config::SsoSettings;
use aws_formats::config::settings::Section;
use aws_formats::config::sso::SsoError;
use center_client::endpoint::{Flavour, Overrides, PerService};
use center_client::start_url::Wanted;
use outside::http::{Http, HttpSettings};
use outside::proxy::ProxyRule;
use outside::{Env, Outside};
use signin::session::{Session, Target};

use super::config::{Config, editor};
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

    /// The session itself. Nothing is read or asked yet.
    pub(crate) fn open(&self, outside: &Outside) -> Session {
        Session::new(self.target.clone(), self.home.clone(), outside, Arc::new(Http::new(self.http.clone())))
    }
}

/// Finds out which session is meant.
pub(crate) fn complete(args: &SessionArgs, outside: &Outside) -> Result<Meant, Failure> {
    let config = Config::read(outside)?;
    let chosen = choose(args, &outside.env, &config)?;
    Ok(meant(chosen, &outside.env, &config))
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
    let named = profile_of(args.profile.as_deref(), env);
    let profile = named.unwrap_or("default").to_owned();
    if let Some(name) = &args.sso_session {
        let sso = SsoSettings::of_session(settings, name).map_err(|error| explain(error, config))?;
        return Ok(of_session(sso, name, profile, None));
    }
    let error = match SsoSettings::of_profile(settings, &profile) {
        Ok(sso) => {
            let selector = match named {
                Some(name) => format!(" {}", option("--profile", name)),
                None => String::new(),
            };
            let place = match (&sso.session, profile.as_str()) {
                (Some(session), _) => format!("[sso-session {session}]"),
                (None, "default") => "[default]".to_owned(),
                (None, name) => format!("[profile {name}]"),
            };
            return Ok(Chosen { sso, profile, selector, place, note: None });
        }
        Err(error) => error,
    };
    let may_fall_back = match &error {
        SsoError::NotSso { .. } => args.profile.is_none(),
        SsoError::NoProfile(_) => named.is_none(),
        _ => false,
    };
    if !may_fall_back {
        return Err(explain(error, config));
    }
    match settings.sso_session_names().as_slice() {
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
    Failure::new(Kind::Configuration, format!("there is no SSO in {}", config.path.display()))
        .hint("set it up: aldis configure sso")
        .hint("no AWS account? see how it works: aldis demo")
}

/// What is wrong in the files, and how to see or mend it.
pub(crate) fn explain(error: SsoError, config: &Config) -> Failure {
    let path = quoted(&config.path.to_string_lossy());
    let settings = &config.settings;
    let line = match &error {
        SsoError::NoSession { line, .. }
        | SsoError::Missing { line, .. }
        | SsoError::Inconsistent { line, .. } => line.map(|line| format!("+{line} ")).unwrap_or_default(),
        SsoError::NoProfile(_) | SsoError::NotSso { .. } => String::new(),
    };
    let known = match &error {
        SsoError::NoProfile(_) => settings.profile_names(),
        SsoError::NoSession { .. } => settings.sso_session_names(),
        _ => Vec::new(),
    };
    let kind = match &error {
        SsoError::NoProfile(_) => Kind::NoSuchProfile,
        _ => Kind::Configuration,
    };
    let mut failure = Failure::new(kind, error);
    if !known.is_empty() {
        failure = failure.hint(format!("there are {}; see: cat {path}", known.join(", ")));
    }
    failure.hint(format!("edit the file: {} {line}{path}", editor()))
}

/// All that is needed to call the center of what was chosen.
pub(super) fn meant(chosen: Chosen, env: &Env, config: &Config) -> Meant {
    let Chosen { sso, profile, selector, place, note } = chosen;
    let section = config.settings.profile(&profile);
    let section = Section::clone(section.unwrap_or(&Section::default()));
    let services = section.get("services").and_then(|name| config.settings.services(name));
    let overrides = overrides(env, &section, services);
    let mut remarks: Vec<Remark> = note.map(Remark::Note).into_iter().collect();
    let plain_http_to = match env.get("ALDIS_INSECURE_HTTP") {
        Some("1") => overrides.plain_http_origins(),
        _ => Vec::new(),
    };
    for origin in &plain_http_to {
        remarks.push(Remark::Warning(format!(
            "ALDIS_INSECURE_HTTP=1: tokens go to {origin} in plain http, where everybody on the way can read them"
        )));
    }
    let filled = |key: &str| section.get(key).filter(|value| !value.is_empty());
    let ca_bundle =
        env.get("AWS_CA_BUNDLE").or(filled("ca_bundle")).or_else(|| env.get("REQUESTS_CA_BUNDLE"));
    let edit_file = format!("{} {}", editor(), quoted(&config.path.to_string_lossy()));
    let flag = |variable: &str, key: &str| is_true(env.get(variable).or(filled(key)));
    Meant {
        target: Target {
            session: sso.session.clone(),
            scopes: sso.registration_scopes.clone(),
            center: Wanted {
                start_url: sso.start_url.clone(),
                region: sso.sso_region.clone(),
                flavour: Flavour {
                    fips: flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
                    dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
                },
                overrides,
            },
        },
        profile_region: filled("region").map(str::to_owned),
        login: format!("aldis login{selector}"),
        logout: format!("aldis logout{selector}"),
        selector,
        place,
        edit: edit_file.clone(),
        edit_file,
        home: config.home.clone(),
        http: HttpSettings {
            user_agent: concat!("aldis/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: ProxyRule::from_env(env),
            ca_bundle: ca_bundle.map(PathBuf::from),
            plain_http_to,
        },
        sso,
        remarks,
    }
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
