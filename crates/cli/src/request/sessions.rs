//! Every session that the configuration knows, and the sessions of tokens that it does not know.

use aws_formats::config::SsoSettings;
use aws_formats::sso_cache::Issued;
use center_client::start_url;
use outside::Env;
use signin::session::Target;

use super::config::Config;
use super::session::{Chosen, Meant, meant, of_session, profile_of};
use crate::report::hints::option;

/// Every session once: those of profiles in their order, with the addresses of the profile in use where it has that
/// session and else of the first one that has it; then the sso-sessions that no profile uses. What is incomplete is left
/// out, for nobody can have signed in to it.
pub(crate) fn known(env: &Env, config: &Config) -> Vec<Meant> {
    let settings = &config.settings;
    let in_use = profile_of(None, env).unwrap_or("default");
    let mut found: Vec<Chosen> = Vec::new();
    for (name, section) in settings.profiles() {
        let Ok(sso) = SsoSettings::of_section(settings, name, section) else { continue };
        let held = found.iter().position(|held| is_same(&held.sso, &sso));
        let selector = format!(" {}", option("--profile", name));
        let place = match &sso.session {
            Some(session) => format!("[sso-session {session}]"),
            None => format!("[profile {name}]"),
        };
        let chosen = Chosen { sso, profile: name.to_owned(), selector, place, note: None };
        match held.and_then(|place| found.get_mut(place)) {
            Some(held) if name == in_use => *held = chosen,
            Some(_) => {}
            None => found.push(chosen),
        }
    }
    for name in settings.sso_session_names() {
        if found.iter().any(|held| held.sso.session.as_deref() == Some(name)) {
            continue;
        }
        if let Ok(sso) = SsoSettings::of_session(settings, name) {
            // No profile has an empty name, so no profile's addresses count for it.
            found.push(of_session(sso, name, String::new(), None));
        }
    }
    // Addresses in the environment count as they do for every other command; a variable that was left over gets no token, since
    // each goes where it is pinned.
    found.into_iter().map(|chosen| meant(chosen, env, config)).collect()
}

fn without_addresses(env: &Env) -> Env {
    env.clone().without(|name| name.starts_with("AWS_ENDPOINT_URL"))
}

fn is_same(one: &SsoSettings, other: &SsoSettings) -> bool {
    one.session == other.session && (one.session.is_some() || one.start_url == other.start_url)
}

/// Account and role of every profile that has the session of `target`.
pub(crate) fn roles(target: &Target, config: &Config) -> Vec<(String, String)> {
    let settings = &config.settings;
    let is_of_target = |sso: &SsoSettings| {
        sso.session == target.session && (sso.session.is_some() || sso.start_url == target.center.start_url)
    };
    settings
        .profiles()
        .filter_map(|(name, section)| SsoSettings::of_section(settings, name, section).ok())
        .filter(is_of_target)
        .filter_map(|sso| Some((sso.account_id?, sso.role_name?)))
        .collect()
}

/// The session that a token belongs to: the known one under whose name it lies, in the region that the token names, where
/// the start URL is the same; otherwise what the token says itself.
pub(crate) fn issuer(known: Option<&Meant>, issued: &Issued, env: &Env, config: &Config) -> Option<Meant> {
    let is_same = |meant: &&Meant| {
        let own = &meant.target.center.start_url;
        issued.start_url.as_ref().is_none_or(|start_url| start_url::is_same(start_url, own))
    };
    let Some(meant) = known.filter(is_same) else { return of_token(issued, env, config) };
    let mut meant = meant.clone();
    if let Some(region) = &issued.region {
        meant.target.center.region = Some(region.clone());
    }
    Some(meant)
}

/// The session of a token by its own words: start URL and region are the file's, and no addresses of profiles or of the
/// environment count for it, since none is known to be its own. Nothing where it does not say its start URL.
fn of_token(issued: &Issued, env: &Env, config: &Config) -> Option<Meant> {
    let start_url = issued.start_url.clone()?;
    let sso = SsoSettings {
        session: None,
        start_url,
        sso_region: issued.region.clone(),
        registration_scopes: None,
        account_id: None,
        role_name: None,
        region: None,
        redirect_port: None,
        use_device_code: None,
    };
    // No profile has an empty name.
    let chosen = Chosen {
        sso,
        profile: String::new(),
        selector: String::new(),
        place: "its token file".to_owned(),
        note: None,
    };
    Some(meant(chosen, &without_addresses(env), config))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[profile keys]
aws_access_key_id = A
[profile one]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = ReadOnly
[profile two]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Admin
endpoint_url = http://127.0.0.1:1
[profile broken]
sso_session = none
[profile old]
sso_start_url = https://d-1.awsapps.com/start
sso_region = us-east-1
sso_account_id = 444455556666
sso_role_name = Old
[profile older]
sso_start_url = https://d-1.awsapps.com/start
sso_region = us-east-1
[sso-session lonely]
sso_start_url = https://d-2.awsapps.com/start
sso_region = us-east-1
[sso-session corp]
sso_start_url = https://d-3.awsapps.com/start
sso_region = us-east-1
";

    fn config() -> Config {
        Config::pretended(CONFIG, "")
    }

    #[test]
    fn every_session_is_known_once_and_by_the_profile_in_use() {
        let logins = |env: &[(&str, &str)]| {
            let known = known(&Env::pretended(env), &config());
            known.iter().map(|meant| meant.login.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            logins(&[]),
            ["aldis login --profile one", "aldis login --profile old", "aldis login --sso-session lonely"]
        );
        assert_eq!(logins(&[("AWS_PROFILE", "two")])[0], "aldis login --profile two");
        let known = known(&Env::pretended(&[("AWS_PROFILE", "two")]), &config());
        let address = |meant: &Meant| meant.target.center.overrides.profile.clone();
        assert_eq!(address(&known[0]).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(address(&known[1]), None);
    }

    #[test]
    fn the_roles_of_a_session_are_those_of_its_profiles() {
        let known = known(&Env::pretended(&[]), &config());
        let names = |meant: &Meant| {
            roles(&meant.target, &config()).into_iter().map(|(_, role)| role).collect::<Vec<_>>()
        };
        assert_eq!(names(&known[0]), ["ReadOnly", "Admin"]);
        assert_eq!(names(&known[1]), ["Old"]);
        assert!(names(&known[2]).is_empty());
    }

    #[test]
    fn a_token_that_nobody_knows_goes_by_its_own_words() {
        let env = Env::pretended(&[("AWS_PROFILE", "two")]);
        let issued = |start_url: Option<&str>| Issued {
            start_url: start_url.map(str::to_owned),
            region: Some("eu-west-1".into()),
            access_token: "aoa".into(),
        };
        assert!(of_token(&issued(None), &env, &config()).is_none());
        let center = of_token(&issued(Some("https://d-9.awsapps.com/start")), &env, &config());
        let center = center.unwrap().target.center;
        assert_eq!(
            (center.start_url.as_str(), center.region.as_deref()),
            ("https://d-9.awsapps.com/start", Some("eu-west-1"))
        );
        assert_eq!(center.overrides.profile, None, "no profile's address is its own");
        let known = known(&env, &config());
        let of = |start_url| issuer(Some(&known[0]), &issued(start_url), &env, &config()).unwrap().target;
        let same = of(Some("https://D-3.awsapps.com/start/"));
        assert_eq!(
            (same.session.as_deref(), same.center.region.as_deref()),
            (Some("corp"), Some("eu-west-1"))
        );
        assert_eq!(of(None).session.as_deref(), Some("corp"));
        let moved = of(Some("https://d-9.awsapps.com/start"));
        assert_eq!((moved.session, moved.center.overrides.profile), (None, None));
    }
}
