//! Which profiles are to be added for the roles of a session, and what they are called.

use std::collections::{HashMap, HashSet};

use aws_formats::config::Settings;
use aws_formats::config::edit::{Edit, SectionName};
use aws_formats::config::portable_name::{is_portable_character, transliterate};

use crate::report::{Failure, Kind};

const PLACEHOLDERS: [&str; 4] = ["account_name", "account_id", "role_name", "session"];

/// How profiles are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// One of [`PLACEHOLDERS`].
    Placeholder(String),
}

/// A role in an account, as the portal lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// Twelve digits, if the portal means well.
    pub(crate) account_id: String,
    /// The account's name, where it has one.
    pub(crate) account_name: Option<String>,
    /// The role's name.
    pub(crate) role_name: String,
}

/// A role under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The name of the profile.
    pub(crate) profile: String,
    /// The account.
    pub(crate) account_id: String,
    /// The role.
    pub(crate) role_name: String,
}

/// What becomes of each role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Profiles to add.
    pub(crate) added: Vec<Named>,
    /// Those that are there, under the names that they have.
    pub(crate) kept: Vec<Named>,
    /// Those that get no profile, with the name that they would have had and why not.
    pub(crate) skipped: Vec<(Named, &'static str)>,
    /// How many of the new ones have a longer name than the template says.
    pub(crate) lengthened: usize,
}

impl Template {
    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let known = PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
        let refuse = |what: String| {
            Failure::new(Kind::Words, format!("{what}; --template knows {known}"))
                .hint("the usual one: aldis profiles add --all --template '{account_name}-{role_name}'")
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let name = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((name, after)) = name else {
                return Err(refuse("a brace of the template has no other one".to_owned()));
            };
            if !PLACEHOLDERS.contains(&name) {
                let name = wire::words::printable(name, 64);
                return Err(refuse(format!("there is no placeholder {{{name}}}")));
            }
            parts.extend([Part::Text(before.to_owned()), Part::Placeholder(name.to_owned())]);
            rest = after;
        }
        if parts.is_empty() {
            return Err(refuse(
                "the template has no placeholder, so all profiles would have one name".to_owned(),
            ));
        }
        parts.push(Part::Text(rest.to_owned()));
        let texts = parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Placeholder(_) => None,
        });
        // Changed without a word it would name profiles otherwise than the person asked for.
        let is_unfit = |c: &char| !is_portable_character(*c) || *c == '/';
        if let Some(c) = texts.flat_map(str::chars).find(is_unfit) {
            return Err(refuse(format!(
                "names of profiles are made of letters, digits and _ - @ + . % : only, and not of {c:?}"
            )));
        }
        Ok(Self(parts))
    }

    /// The name of a role's profile in portable characters. An account whose name has none of them is named by its id.
    fn name(&self, role: &Role, session: &str) -> String {
        let name: String = self
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Placeholder(name) => match name.as_str() {
                    "account_name" => {
                        let name = role.account_name.as_deref().and_then(transliterate);
                        name.unwrap_or_else(|| role.account_id.clone())
                    }
                    "account_id" => role.account_id.clone(),
                    "role_name" => role.role_name.clone(),
                    _ => transliterate(session).unwrap_or_default(),
                },
            })
            .collect();
        transliterate(&name).unwrap_or_else(|| role.account_id.clone())
    }
}

/// What AWS takes for an account and a role. The names come from a server and go into a file.
fn is_sound(role: &Role) -> bool {
    role.account_id.len() == 12
        && role.account_id.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=64).contains(&role.role_name.len())
        && role.role_name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

/// The names that a role may get: the template's, then with the account's id, then with the role's name behind it.
fn candidates(template: &Template, role: &Role, session: &str) -> [String; 3] {
    let short = template.name(role, session);
    let longer = format!("{short}-{}", role.account_id);
    let longest = format!("{longer}-{}", role.role_name);
    let longest = transliterate(&longest).unwrap_or_else(|| longer.clone());
    [short, longer, longest]
}

/// Decides. `settings` say what is there, `taken` further names that are. Names depend on all roles and not on which of
/// them have profiles, so a second run gives the same ones.
pub(crate) fn plan(
    template: &Template,
    roles: &[Role],
    session: &str,
    settings: &Settings,
    taken: &HashSet<String>,
) -> Plan {
    let mut there: HashMap<(&str, &str), &str> = HashMap::new();
    for (name, section) in
        settings.profiles().filter(|(_, section)| section.get("sso_session") == Some(session))
    {
        if let (Some(account), Some(role)) = (section.get("sso_account_id"), section.get("sso_role_name")) {
            there.entry((account, role)).or_insert(name);
        }
    }
    // A center that lists a role twice means one profile.
    let mut seen = HashSet::new();
    let roles: Vec<&Role> =
        roles.iter().filter(|role| seen.insert((&role.account_id, &role.role_name))).collect();
    let is_taken = |name: &str| name == "default" || taken.contains(name) || settings.profile(name).is_some();
    let names: Vec<[String; 3]> = roles.iter().map(|role| candidates(template, role, session)).collect();
    let mut wanted: HashMap<&str, usize> = HashMap::new();
    for (names, _) in names.iter().zip(&roles).filter(|(_, role)| is_sound(role)) {
        // A role that would get one name in two forms wants it once.
        for name in names.iter().collect::<HashSet<_>>() {
            *wanted.entry(name).or_default() += 1;
        }
    }
    let is_alone = |name: &String| wanted.get(name.as_str()) == Some(&1);
    let mut given: HashSet<String> = HashSet::new();
    let mut plan = Plan::default();
    for (role, names) in roles.iter().copied().zip(&names) {
        let named = |profile: &str| Named {
            profile: profile.to_owned(),
            account_id: role.account_id.clone(),
            role_name: role.role_name.clone(),
        };
        let [short, _, longest] = names;
        if !is_sound(role) {
            plan.skipped.push((named(short), "the center gave it a name or account that AWS would not"));
        } else if let Some(name) = there.get(&(role.account_id.as_str(), role.role_name.as_str())) {
            plan.kept.push(named(name));
        } else {
            let is_free = |name: &String| !is_taken(name) && !given.contains(name);
            let alone = names.iter().find(|name| is_alone(name) && is_free(name)).cloned();
            // Roles such as A=B and A,B differ in characters only that no profile can have.
            let mut numbered = (2..).map(|number| format!("{longest}-{number}"));
            let is_unwanted = |name: &String| !wanted.contains_key(name.as_str()) && is_free(name);
            let Some(name) = alone.or_else(|| numbered.find(is_unwanted)) else { continue };
            plan.lengthened += usize::from(name != *short);
            plan.added.push(named(&name));
            given.insert(name);
        }
    }
    plan
}

/// The edits that add these.
pub(crate) fn edits(added: &[Named], session: &str, region: Option<&str>) -> Vec<Edit> {
    let mut edits = Vec::new();
    for named in added {
        let section = SectionName::Profile(named.profile.clone());
        let mut set = |key: &str, value: &str| {
            edits.push(Edit::Set { section: section.clone(), key: key.to_owned(), value: value.to_owned() });
        };
        set("sso_session", session);
        set("sso_account_id", &named.account_id);
        set("sso_role_name", &named.role_name);
        if let Some(region) = region {
            set("region", region);
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use aws_formats::config::edit::edited;
    use proptest::prelude::*;
    use proptest::{collection, option};

    use super::*;

    fn role(account_id: &str, account_name: Option<&str>, role_name: &str) -> Role {
        Role {
            account_id: account_id.into(),
            account_name: account_name.map(str::to_owned),
            role_name: role_name.into(),
        }
    }

    fn planned(template: &str, roles: &[Role], config: &str) -> Plan {
        let settings = Settings::parse(config, "").unwrap();
        plan(&Template::parse(template).unwrap(), roles, "corp", &settings, &HashSet::new())
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.added.iter().map(|named| named.profile.as_str()).collect()
    }

    const ONE: &str = "111111111111";
    const TWO: &str = "222222222222";

    #[test]
    fn what_a_template_does_not_know_is_told_with_what_it_knows() {
        for text in ["{acount_name}", "{account_name", "account_name}", "x", "", "{}", "{{account_id}}"] {
            let failure = Template::parse(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Words, "{text}");
            assert!(
                failure.error.to_string().contains("{account_name}, {account_id}, {role_name}, {session}")
            );
        }
    }

    #[test]
    fn names_are_transliterated_or_fall_back_to_the_account_id() {
        let table = [
            (Some("a b]\n[x ü"), "Admin", "corp.a-b-x-u-Admin"),
            (None, "Read=Only", "corp.222222222222-Read-Only"),
            (Some(" "), "R", "corp.222222222222-R"),
            (Some("日本 本番"), "ReadOnly", "corp.Ri-Ben-Ben-Fan-ReadOnly"),
            (Some("///"), "R", "corp.222222222222-R"),
            (Some("../../x"), "R", "corp.x-R"),
        ];
        for (account_name, role_name, name) in table {
            let plan =
                planned("{session}.{account_name}-{role_name}", &[role(TWO, account_name, role_name)], "");
            assert_eq!(names(&plan), [name]);
        }
        let company = [role(ONE, Some("[prod] Company"), "ReadOnly")];
        assert_eq!(names(&planned("{account_name}-{role_name}", &company, "")), ["prod-Company-ReadOnly"]);
        assert_eq!(names(&planned("--{account_name}", &company, "")), ["prod-Company"]);
    }

    #[test]
    fn a_template_with_characters_that_no_name_has_is_refused() {
        for text in ["{session}/{role_name}", "my {role_name}", "{role_name}é", "{role_name}'"] {
            let failure = Template::parse(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Words, "{text}");
        }
    }

    #[test]
    fn names_that_collide_get_the_account_and_then_the_role() {
        let three = "333333333333";
        let roles = [role(ONE, Some("a"), "R"), role(TWO, Some("a"), "R"), role(three, Some("b"), "R")];
        let plan = planned("{account_name}-{role_name}", &roles, "");
        assert_eq!(names(&plan), ["a-R-111111111111", "a-R-222222222222", "b-R"]);
        assert_eq!(plan.lengthened, 2);
        let roles = [role(ONE, Some("a"), "R"), role(ONE, Some("a"), "S")];
        assert_eq!(names(&planned("{account_name}", &roles, "")), ["a-111111111111-R", "a-111111111111-S"]);
        let twice = [role(ONE, Some("a"), "R"), role(ONE, Some("a"), "R")];
        assert_eq!(names(&planned("{account_name}", &twice, "")), ["a"]);
        let roles = [role(ONE, Some("a"), "R=S"), role(ONE, Some("a"), "R,S"), role(ONE, Some("a"), "R-S-2")];
        let plan = planned("{account_name}-{role_name}", &roles, "");
        assert_eq!(names(&plan), ["a-R-S-111111111111-R-S-2", "a-R-S-111111111111-R-S-3", "a-R-S-2"]);
    }

    proptest! {
        #[test]
        fn generated_names_are_readable_and_unique(
            accounts in collection::vec((option::of("(\\PC{0,6}|[a-b ./=-]{0,3}|.{0,4})"), "[AB=,.@_-]{1,3}"), 1..12),
            template in prop::sample::select(vec![
                "{account_name}-{role_name}", "{account_name}", "{role_name}", "-{role_name}..{account_name}", "{session}:{account_id}",
            ]),
            session in "\\PC{0,4}",
        ) {
            let number = |place: usize| format!("{:012}", place / 3);
            let roles: Vec<Role> = accounts
                .into_iter()
                .enumerate()
                .map(|(place, (name, role_name))| role(&number(place), name.as_deref(), &role_name))
                .collect();
            let different: HashSet<_> = roles.iter().map(|role| (&role.account_id, &role.role_name)).collect();
            let settings = Settings::parse("[profile a-A]\n[profile B]\n", "").unwrap();
            let plan = plan(&Template::parse(template).unwrap(), &roles, &session, &settings, &HashSet::new());
            prop_assert_eq!(plan.added.len(), different.len());
            prop_assert!(plan.skipped.is_empty());
            let names = names(&plan);
            let unique: HashSet<&&str> = names.iter().collect();
            prop_assert_eq!(unique.len(), names.len(), "{:?}", names);
            for name in &names {
                prop_assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{name}");
                prop_assert!(!name.contains('/') && !name.contains("..") && *name != "default", "{name}");
                prop_assert!(settings.profile(name).is_none(), "{name}");
            }
            let text = edited("", &edits(&plan.added, "corp", None)).unwrap();
            prop_assert!(!text.contains('\''), "no name needs quotes: {text}");
            let read = Settings::parse(text, "").unwrap();
            prop_assert_eq!(read.profile_names(), names);
        }
    }

    #[test]
    fn what_is_there_is_kept_and_what_has_the_name_is_not_touched() {
        let roles = [role(ONE, Some("a"), "R"), role(TWO, Some("b"), "R"), role(TWO, Some("c"), "S")];
        let config = "[profile mine]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = R\n\
                      [profile b-R]\nregion = x\n[profile c-S]\n[profile c-S-222222222222]\n";
        let plan = planned("{account_name}-{role_name}", &roles, config);
        assert_eq!(plan.kept[0].profile, "mine");
        assert_eq!(names(&plan), ["b-R-222222222222", "c-S-222222222222-S"]);
    }

    #[test]
    fn nothing_becomes_the_default_profile() {
        let plan = planned("{account_name}", &[role(ONE, Some("default"), "R")], "");
        assert_eq!(names(&plan), ["default-111111111111"]);
    }

    #[test]
    fn a_role_that_aws_would_not_have_is_skipped() {
        for (account, name) in [("1", "R"), (ONE, ""), (ONE, "R # x"), (ONE, "a\nb")] {
            let plan = planned("{role_name}", &[role(account, None, name)], "");
            assert_eq!((plan.added.len(), plan.skipped.len()), (0, 1), "{name:?}");
        }
    }
}
