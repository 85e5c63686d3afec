//! `aldis configure list-profiles` and `aldis configure get`: what the files say.

use aws_formats::config::lookup::{self, Found};
use outside::Outside;
use serde_json::json;

use crate::args::configure::{GetArgs, ListProfilesArgs};
use crate::report::hints::quoted;
use crate::report::words::{Style, print, warn};
use crate::report::{Exit, Failure, Kind};
use crate::request::config::{Config, editor};
use crate::request::profile::{NamedProfile, hints_of_names, missing_file, no_such_profile, visible};

/// Lists the profiles.
pub(crate) fn list_profiles(outside: &Outside, args: &ListProfilesArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let config = Config::read(outside)?;
    if let Some(missing) = missing_file(&config).filter(|_| config.is_named_by_variable) {
        warn(outside, style, missing);
    }
    let names = config.settings.profile_names();
    if style.json {
        return print(outside, &format!("{:#}\n", json!({ "profiles": names })));
    }
    print(outside, &names.iter().map(|name| format!("{name}\n")).collect::<String>())
}

/// Prints one value.
pub(crate) fn get(outside: &Outside, args: &GetArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let config = Config::read(outside)?;
    match find(outside, args, &config)? {
        Found::Value(text) if style.json => print(outside, &format!("{:#}\n", json!({ "value": text }))),
        Found::Value(text) => print(outside, &format!("{text}\n")),
        Found::Nothing => Ok(Exit::Nothing),
        Found::Section => {
            let message =
                format!("varname ({}) must reference a value, not a section or sub-section.", args.variable);
            Err(Failure::new(Kind::NoValue, message)
                .hint(format!("name a key in it: aldis configure get {}.KEY", quoted(&args.variable))))
        }
    }
}

fn find<'a>(outside: &Outside, args: &GetArgs, config: &'a Config) -> Result<Found<'a>, Failure> {
    let settings = &config.settings;
    let section = match (&args.sso_session, &args.services) {
        (Some(name), _) => {
            Some((name, settings.sso_session(name), "--sso-session", settings.sso_session_names()))
        }
        (None, Some(name)) => Some((name, settings.services(name), "--services", settings.services_names())),
        (None, None) => None,
    };
    let edit = || format!("see the file: {} {}", editor(), quoted(&config.path.to_string_lossy()));
    if let Some((name, section, option, known)) = section {
        let section = section.ok_or_else(|| {
            let message = format!("The config sub-section ({}) could not be found", visible(name));
            let see = format!("cat {}", quoted(&config.path.to_string_lossy()));
            let mut failure = Failure::new(Kind::NoSuchSection, message);
            failure.hints = hints_of_names(name, &known, &see, |name| format!("{option} {}", quoted(name)));
            failure.hint(edit())
        })?;
        return Ok(lookup::in_section(section, &args.variable));
    }
    let named = NamedProfile::find(args.profile.as_deref(), &outside.env)?;
    // A name with dots may mean another profile, so only a plain one needs this one.
    if let Some(named) = named
        && !args.variable.contains('.')
        && settings.profile(named.name).is_none()
    {
        return Err(no_such_profile(named, config));
    }
    Ok(lookup::in_profile(settings, &args.variable, named.map_or("default", |named| named.name)))
}
