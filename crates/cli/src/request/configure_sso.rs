//! What `configure sso` and `configure sso-session` make of answers: whether one is good, and which lines they are.

use aws_formats::config::SsoSettings;
use aws_formats::config::edit::{self, Edit, SectionName};
use aws_formats::config::settings::{Section, Settings};
use center_client::address::Address;
use center_client::start_url::Center;
use wire::portal::AccountInfo;

/// With what the AWS CLI registers where nobody says otherwise.
pub(crate) const USUAL_SCOPES: &str = "sso:account:access";

/// A session as answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionAnswer {
    /// What it says; of a legacy profile where it has no name.
    pub(crate) sso: SsoSettings,
    /// Whether the config file has it already.
    pub(crate) is_there: bool,
}

/// A profile as answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileAnswer {
    /// Its name.
    pub(crate) name: String,
    /// The account.
    pub(crate) account_id: String,
    /// The role.
    pub(crate) role_name: String,
    /// The region of its commands.
    pub(crate) region: Option<String>,
    /// The AWS CLI's output format.
    pub(crate) output: Option<String>,
}

/// The settings that answers are; nothing is looked up.
pub(crate) fn settings(
    session: Option<String>,
    start_url: String,
    region: Option<String>,
    scopes: Option<String>,
) -> SsoSettings {
    let scopes = scopes.map(|scopes| scopes.split(',').map(|scope| scope.trim().to_owned()).collect());
    SsoSettings {
        registration_scopes: scopes.filter(|_| session.is_some()),
        session,
        start_url,
        sso_region: region,
        account_id: None,
        role_name: None,
        region: None,
        redirect_port: None,
        use_device_code: None,
    }
}

/// A start URL, or what is wrong with it.
pub(crate) fn start_url(text: &str) -> Result<String, String> {
    // Files are named after it, so it stays as it was typed.
    match Address::parse(text) {
        Some(_) => value("sso_start_url", text),
        None => {
            Err("Not a valid Start URL: it must be an http or https address with a host and no user name"
                .to_owned())
        }
    }
}

/// A region, or what is wrong with it.
pub(crate) fn region(text: &str) -> Result<String, String> {
    match text {
        "" => Err("A value is required".to_owned()),
        text if text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') =>
        {
            Ok(text.to_owned())
        }
        text => Err(format!("{text:?} is not a region: regions look like us-east-1")),
    }
}

/// The region of a profile's commands; nothing for none.
pub(crate) fn optional_region(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() { Ok(None) } else { region(text).map(Some) }
}

/// Scopes separated by commas.
pub(crate) fn scopes(text: &str) -> Result<String, String> {
    let scopes: Vec<&str> = text.split(',').map(str::trim).collect();
    if scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
        return Err("Scope values must be separated by commas".to_owned());
    }
    value("sso_registration_scopes", &scopes.join(","))
}

/// The AWS CLI's output format; nothing for none.
pub(crate) fn output(text: &str) -> Result<Option<String>, String> {
    const FORMATS: [&str; 6] = ["json", "text", "table", "yaml", "yaml-stream", "off"];
    match text {
        "" => Ok(None),
        text if FORMATS.contains(&text) => Ok(Some(text.to_owned())),
        text => Err(format!("{text:?} is not an output format of the AWS CLI: {}", FORMATS.join(", "))),
    }
}

/// The name of a session; nothing for the old form without one.
pub(crate) fn session_name(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // It stands in profiles, too.
    value("sso_session", text)?;
    name(SectionName::SsoSession(text.to_owned()), text).map(Some)
}

/// The name of a profile.
pub(crate) fn profile_name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("A value is required".to_owned());
    }
    name(SectionName::Profile(text.to_owned()), text)
}

fn name(section: SectionName, text: &str) -> Result<String, String> {
    match edit::edited("", &[Edit::AddSection(section)]) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn value(key: &str, text: &str) -> Result<String, String> {
    let section = SectionName::Profile("default".to_owned());
    match edit::edited("", &[Edit::Set { section, key: key.to_owned(), value: text.to_owned() }]) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The name that the AWS CLI proposes for a profile, without what other tools cannot read in a name.
pub(crate) fn proposed_name(role_name: &str, account_id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-@+.%:/".contains(c);
    format!("{role_name}-{account_id}").chars().map(|c| if is_plain(c) { c } else { '-' }).collect()
}

/// How an account stands in a menu.
pub(crate) fn account_entry(account: &AccountInfo) -> String {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (filled(&account.account_name), filled(&account.email_address)) {
        (Some(name), Some(email)) => format!("{name}, {email} ({})", account.account_id),
        (Some(one), None) | (None, Some(one)) => format!("{one} ({})", account.account_id),
        (None, None) => account.account_id.clone(),
    }
}

/// The same where that does not fit: what tells accounts apart comes first.
pub(crate) fn narrow_account_entry(account: &AccountInfo) -> String {
    let named = [&account.account_name, &account.email_address];
    let name = named.into_iter().flatten().find(|name| !name.is_empty());
    name.map_or_else(|| account.account_id.clone(), |name| format!("{} {name}", account.account_id))
}

/// A role, or why a profile cannot name it.
pub(crate) fn role_name(text: &str) -> Result<String, String> {
    value("sso_role_name", text)
}

/// Keys that give a profile credentials of another kind: some tools take those first.
pub(crate) fn other_sources(profile: &Section) -> Vec<&str> {
    const OTHERS: [&str; 6] = [
        "role_arn",
        "credential_process",
        "aws_access_key_id",
        "web_identity_token_file",
        "credential_source",
        "login_session",
    ];
    OTHERS.into_iter().filter(|key| profile.get(key).is_some_and(|value| !value.is_empty())).collect()
}

/// By name, else by email address, and those with nothing but a number last, as in the menu of the AWS CLI.
pub(crate) fn in_order(accounts: &mut [AccountInfo]) {
    accounts.sort_by_cached_key(|account| {
        let named = [&account.account_name, &account.email_address];
        let name = named.into_iter().flatten().find(|name| !name.is_empty());
        (name.is_none(), name.map(|name| name.to_lowercase()), account.account_id.clone())
    });
}

/// The lines of an sso-session.
pub(crate) fn session_edits(name: &str, sso: &SsoSettings, region: Option<&str>) -> Vec<Edit> {
    let section = SectionName::SsoSession(name.to_owned());
    let scopes = sso.registration_scopes.as_ref().map(|scopes| scopes.join(","));
    let values = [
        ("sso_start_url", Some(sso.start_url.clone())),
        ("sso_region", region.map(str::to_owned)),
        ("sso_registration_scopes", scopes),
    ];
    sets(&section, values)
}

/// The lines of a profile, of its session where that is new, and of the addresses of a center that is not Amazon's.
pub(crate) fn edits(
    profile: &ProfileAnswer,
    session: &SessionAnswer,
    center: &Center,
    old: &Settings,
) -> Vec<Edit> {
    let section = SectionName::Profile(profile.name.clone());
    let sso = &session.sso;
    let mut edits = Vec::new();
    match &sso.session {
        Some(name) => {
            edits.extend(sets(&section, [("sso_session", Some(name.clone()))]));
            // Values of an older set-up that stand beside a session must be the same, or most tools refuse the profile.
            edits.extend(removals(&section, &["sso_start_url", "sso_region"]));
        }
        None => {
            let values =
                [("sso_start_url", Some(sso.start_url.clone())), ("sso_region", Some(center.region.clone()))];
            edits.extend(sets(&section, values));
            edits.extend(removals(&section, &["sso_session"]));
        }
    }
    let values = [
        ("sso_account_id", Some(profile.account_id.clone())),
        ("sso_role_name", Some(profile.role_name.clone())),
        ("region", profile.region.clone()),
        ("output", profile.output.clone()),
    ];
    edits.extend(sets(&section, values));
    edits.extend(services(&[&profile.name], sso.session.as_deref(), center, old));
    if let Some(name) = sso.session.as_ref().filter(|_| !session.is_there) {
        edits.extend(session_edits(name, sso, Some(&center.region)));
    }
    edits
}

/// Other tools do not ask a center for its addresses: a `services` section tells them those that the center told us. Profiles
/// that have one of their own keep it.
pub(crate) fn services(
    profiles: &[&str],
    session: Option<&str>,
    center: &Center,
    old: &Settings,
) -> Vec<Edit> {
    let Some(told) = center.told_by_itself() else { return Vec::new() };
    let has_none = |name: &&&str| old.profile(name).is_none_or(|profile| profile.get("services").is_none());
    let profiles: Vec<&str> = profiles.iter().filter(has_none).copied().collect();
    let Some(first) = profiles.first() else { return Vec::new() };
    let says_so = |name: &&str| {
        let section = old.services(name);
        told.iter()
            .all(|(key, url)| section.and_then(|section| section.nested(key, "endpoint_url")) == Some(url))
    };
    let known = old.services_names().into_iter().find(says_so).map(str::to_owned);
    let is_known = known.is_some();
    let name = known.unwrap_or_else(|| {
        let wanted = format!("aldis-{}", session.unwrap_or(first));
        let is_free = |name: &String| old.services(name).is_none();
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        std::iter::once(wanted.clone()).chain(numbered).find(is_free).unwrap_or(wanted)
    });
    let set = |profile: &&str| {
        sets(&SectionName::Profile((*profile).to_owned()), [("services", Some(name.clone()))])
    };
    let mut edits: Vec<Edit> = profiles.iter().flat_map(set).collect();
    if !is_known {
        edits.extend(told.into_iter().map(|(key, url)| Edit::SetNested {
            section: SectionName::Services(name.clone()),
            key: key.to_owned(),
            below: "endpoint_url".to_owned(),
            value: url,
        }));
    }
    edits
}

fn sets<const N: usize>(section: &SectionName, values: [(&str, Option<String>); N]) -> Vec<Edit> {
    let set = |(key, value): (&str, Option<String>)| {
        Some(Edit::Set { section: section.clone(), key: key.to_owned(), value: value? })
    };
    values.into_iter().filter_map(set).collect()
}

fn removals(section: &SectionName, keys: &[&str]) -> Vec<Edit> {
    keys.iter().map(|key| Edit::Remove { section: section.clone(), key: (*key).to_owned() }).collect()
}
