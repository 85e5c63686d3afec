//! What `configure sso` and `configure sso-session` make of answers: whether one is good, and which lines they are.

use aws_formats::config::SsoSettings;
use aws_formats::config::edit::{self, Edit, SectionName};
use aws_formats::config::portable_name::{LIMITED_SDKS, PORTABLE_CHARACTERS, is_portable, transliterate};
use aws_formats::config::settings::{Section, Settings};
use center_client::address::Address;
use center_client::start_url::{Center, is_aws_host};
use wire::portal::AccountInfo;
use wire::words::{printable, shown_address};

use super::region::{self, is_region};
use crate::ask::{BadAnswer, NONE};
use crate::report::hints;

/// With what the AWS CLI registers where nobody says otherwise.
pub(crate) const USUAL_SCOPES: &str = "sso:account:access";
const SHOWN: usize = 300;

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

/// A start URL, and a remark if it is not the text as typed.
pub(crate) fn start_url(text: &str) -> Result<(String, Option<String>), BadAnswer> {
    let text = text.trim();
    let url = match Address::parse(text) {
        Some(address) if !address.is_https() && is_aws_host(address.host()) => https(text),
        Some(_) => text.to_owned(),
        None => with_scheme(text).ok_or_else(|| {
            "Not a valid Start URL: it must be an http or https address with a host and no user name"
                .to_owned()
        })?,
    };
    // Files are named after it, so the rest stays as it was typed.
    let url = value("sso_start_url", &url)?;
    let remark = (url != text).then(|| format!("Using the start URL {}", shown_address(&url)));
    Ok((url, remark))
}

/// The same address with the scheme https.
pub(crate) fn https(url: &str) -> String {
    url.split_once("://").map_or_else(|| url.to_owned(), |(_, rest)| format!("https://{rest}"))
}

/// An address that was typed without its scheme: https, but http on this computer, where centers have no certificate. `None` if
/// the text is no address, or a single word that could be anything.
fn with_scheme(text: &str) -> Option<String> {
    let address = Address::parse(&format!("https://{text}")).filter(|_| !text.contains("://"))?;
    match address.is_loopback() {
        true => Some(format!("http://{text}")),
        false => address.host().contains('.').then(|| format!("https://{text}")),
    }
}

/// A region.
pub(crate) fn region(text: &str) -> Result<String, BadAnswer> {
    if text.is_empty() {
        return Err("A value is required".to_owned().into());
    }
    if is_region(text) {
        return Ok(text.to_owned());
    }
    let proposal = region::nearest(text).map(str::to_owned);
    Err(BadAnswer { why: format!("{text:?} is not a region: regions look like us-east-1"), proposal })
}

/// The region of a profile's commands; `None` for an empty answer, and for the word that a prompt shows if there is no region.
pub(crate) fn optional_region(text: &str) -> Result<Option<String>, BadAnswer> {
    if text.is_empty() || text.eq_ignore_ascii_case(NONE) { Ok(None) } else { region(text).map(Some) }
}

/// Scopes separated by commas.
pub(crate) fn scopes(text: &str) -> Result<String, BadAnswer> {
    let scopes: Vec<&str> = text.split(',').map(str::trim).collect();
    if scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
        return Err("Scope values must be separated by commas".to_owned().into());
    }
    Ok(value("sso_registration_scopes", &scopes.join(","))?)
}

/// The AWS CLI's output format; nothing for none.
pub(crate) fn output(text: &str) -> Result<Option<String>, BadAnswer> {
    const FORMATS: [&str; 6] = ["json", "text", "table", "yaml", "yaml-stream", "off"];
    match text {
        "" => Ok(None),
        text if text.eq_ignore_ascii_case(NONE) => Ok(None),
        text if FORMATS.contains(&text) => Ok(Some(text.to_owned())),
        text => {
            Err(format!("{text:?} is not an output format of the AWS CLI: {}", FORMATS.join(", ")).into())
        }
    }
}

/// The name of a session that can be written; nothing for the old form without one.
pub(crate) fn session_name(text: &str) -> Result<Option<String>, BadAnswer> {
    if text.is_empty() {
        return Ok(None);
    }
    let section = SectionName::SsoSession(text.to_owned());
    // It stands in profiles, too.
    let name = value("sso_session", text).and_then(|_| name(section, text));
    name.map(Some).map_err(|why| BadAnswer { why, proposal: transliterate(text) })
}

/// The name of a profile that can be written.
pub(crate) fn profile_name(text: &str) -> Result<String, BadAnswer> {
    if text.is_empty() {
        return Err("A value is required".to_owned().into());
    }
    name(SectionName::Profile(text.to_owned()), text)
        .map_err(|why| BadAnswer { why, proposal: transliterate(text) })
}

/// The tools that a name does not suit, and why; `None` if it suits all of them.
pub(crate) fn limits_of_name(name: &str) -> Option<String> {
    let shown = printable(name, SHOWN);
    if !is_portable(name) {
        return Some(format!(
            "the AWS SDKs for {LIMITED_SDKS} do not read the name \"{shown}\": they take {PORTABLE_CHARACTERS}"
        ));
    }
    name.starts_with('-').then(|| format!("the AWS CLI takes the name \"{shown}\" for an option"))
}

/// A new name that was typed at a prompt. One that does not suit every tool is asked for again, with a proposal; it can still
/// be given as the option `option`.
pub(crate) fn suits_all(name: &str, option: &str) -> Result<(), BadAnswer> {
    let Some(limits) = limits_of_name(name) else { return Ok(()) };
    let option = hints::option(option, name);
    let proposal = transliterate(name);
    let otherwise = match &proposal {
        Some(proposal) => format!("Enter takes {proposal}; to use the name as it is, start with {option}"),
        None => format!("to use the name as it is, start with {option}"),
    };
    Err(BadAnswer { why: format!("{}. {otherwise}", capitalized(&limits)), proposal })
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
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

/// The name that is proposed for a profile: the AWS CLI's, in characters that every SDK reads. A name that another role has is
/// numbered.
pub(crate) fn proposed_name(answer: &RoleAnswer<'_>, settings: &Settings) -> String {
    let RoleAnswer { session, account_id, role_name } = answer;
    let name =
        transliterate(&format!("{role_name}-{account_id}")).unwrap_or_else(|| (*account_id).to_owned());
    let is_free = |name: &String| {
        settings.profile(name).is_none_or(|profile| {
            profile.get("sso_account_id") == Some(account_id)
                && profile.get("sso_role_name") == Some(role_name)
                && profile.get("sso_session") == *session
        })
    };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name)
}

/// A role of an account, as answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoleAnswer<'a> {
    /// The name of the session, if it has one.
    pub(crate) session: Option<&'a str>,
    /// The account.
    pub(crate) account_id: &'a str,
    /// The role.
    pub(crate) role_name: &'a str,
}

/// The number of the role on which a menu begins: the profile's own role; else the first that is named after reading; else the
/// first that is not named after power. The AWS CLI begins at the top, which often is `AdministratorAccess`: Enter, pressed once
/// too often, would give a profile the most power.
pub(crate) fn least_dangerous(names: &[String], current: Option<&str>) -> usize {
    const READING: [&str; 3] = ["readonly", "viewonly", "securityaudit"];
    const POWER: [&str; 6] = ["admin", "poweruser", "fullaccess", "owner", "root", "superuser"];
    let letters = |name: &String| {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    let is_one_of = |name: &String, words: &[&str]| words.iter().any(|word| letters(name).contains(word));
    let own = names.iter().position(|name| current == Some(name));
    own.or_else(|| names.iter().position(|name| is_one_of(name, &READING)))
        .or_else(|| names.iter().position(|name| !is_one_of(name, &POWER)))
        .unwrap_or(0)
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
        let session = session.unwrap_or(first);
        let readable = Some(session.to_owned()).filter(|name| is_portable(name));
        let readable = readable.or_else(|| transliterate(session)).unwrap_or_else(|| "center".to_owned());
        let wanted = format!("aldis-{readable}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_url_gets_its_scheme_and_amazons_gets_https() {
        let table = [
            ("https://d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
            ("http://d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
            ("HTTP://D-1.AWSAPPS.COM/start#/", "https://D-1.AWSAPPS.COM/start#/"),
            ("http://x.portal.us-east-1.app.aws", "https://x.portal.us-east-1.app.aws"),
            ("d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
            (" sso.corp.example:8443/start ", "https://sso.corp.example:8443/start"),
            ("127.0.0.1:8765/start", "http://127.0.0.1:8765/start"),
            ("localhost:8765", "http://localhost:8765"),
            ("http://127.0.0.1:8765/start", "http://127.0.0.1:8765/start"),
            ("http://sso.corp.example/start", "http://sso.corp.example/start"),
        ];
        for (text, url) in table {
            let (taken, remark) = start_url(text).unwrap();
            assert_eq!(taken, url, "{text}");
            assert_eq!(remark.is_some(), text.trim() != url, "{text}: exactly one remark if it was changed");
        }
        for text in [
            "",
            "nonsense",
            "corp",
            "ftp://d-1.awsapps.com",
            "https://",
            "https://me@d-1.awsapps.com",
            "me@corp.example",
            "d-1.awsapps.com/a b",
            "https:d-1.awsapps.com",
            "//d-1.awsapps.com",
        ] {
            assert!(start_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_region_that_is_none_comes_with_the_nearest_one() {
        assert_eq!(region("useast1").unwrap_err().proposal.as_deref(), Some("us-east-1"));
        assert_eq!(region("xx-anywhere-9").unwrap(), "xx-anywhere-9");
        assert_eq!(optional_region("None"), Ok(None));
        assert!(region("").is_err() && optional_region("x y").is_err());
    }

    #[test]
    fn a_name_that_does_not_suit_every_tool_comes_with_one_that_does() {
        for (name, proposal) in [
            ("my corp", Some("my-corp")),
            ("日本", Some("Ri-Ben")),
            ("-x", Some("x")),
            ("a;b", Some("a-b")),
            ("'", None),
        ] {
            let bad = suits_all(name, "--profile").unwrap_err();
            assert_eq!(bad.proposal.as_deref(), proposal, "{name}");
            assert!(bad.why.contains("JavaScript, Rust and Go") || name == "-x", "{}", bad.why);
            if let Some(proposal) = proposal {
                assert_eq!(suits_all(proposal, "--profile"), Ok(()));
            }
        }
        assert_eq!(session_name("a]b").unwrap_err().proposal.as_deref(), Some("a-b"));
    }

    #[test]
    fn a_role_menu_begins_on_the_least_dangerous_role() {
        let start = |names: &[&str], current| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names[least_dangerous(&names, current)].clone()
        };
        let usual = ["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess"];
        assert_eq!(start(&usual, None), "ReadOnlyAccess");
        assert_eq!(start(&usual, Some("PowerUserAccess")), "PowerUserAccess");
        assert_eq!(start(&usual, Some("Gone")), "ReadOnlyAccess");
        assert_eq!(start(&["Admin", "Developer", "View-Only"], None), "View-Only");
        assert_eq!(start(&["Admin", "Developer"], None), "Developer");
        assert_eq!(start(&["Admin", "OrgAdmin"], None), "Admin");
    }

    #[test]
    fn a_proposed_profile_name_is_portable_and_takes_no_other_profiles_place() {
        let settings = Settings::parse(
            "[profile R-1]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = R\n[profile S-1]\nregion = x\n",
            "",
        )
        .unwrap();
        let proposed = |session, role_name| {
            proposed_name(&RoleAnswer { session, account_id: "1", role_name }, &settings)
        };
        assert_eq!(proposed(Some("corp"), "R"), "R-1", "it is this one already");
        assert_eq!(proposed(Some("other"), "R"), "R-1-2");
        assert_eq!(proposed(Some("corp"), "S"), "S-1-2");
        assert_eq!(proposed(None, "a=b,c/../d"), "a-b-c-.-d-1");
    }
}
