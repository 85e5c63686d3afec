//! The seed: people, accounts, permission sets and assignments of an organisation, from one TOML text. Without one there
//! is a built-in organisation to try things with.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::organisation::{Account, Assignment, Organisation, PermissionSet, Person};
use crate::password;

/// The person of the built-in organisation.
pub const BUILT_IN_PERSON: &str = "demo";
const BUILT_IN_REGION: &str = "us-east-1";
/// The name in the built-in organisation's AWS-shaped start URL.
const BUILT_IN_NAME: &str = "d-1234567890";

/// What is wrong with a seed, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct SeedError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// The organisation that a center has without a seed.
pub fn built_in() -> Organisation {
    let account = |id: &str, name: &str| Account {
        id: id.to_owned(),
        name: name.to_owned(),
        email: format!("{name}@example.com"),
    };
    let accounts = vec![
        account("111122223333", "development"),
        account("222233334444", "staging"),
        account("333344445555", "production"),
    ];
    let permission_sets: Vec<PermissionSet> = ["AdministratorAccess", "Developer", "ReadOnly"]
        .into_iter()
        .map(|name| PermissionSet { name: name.to_owned(), session_hours: 1 })
        .collect();
    let assignments = accounts
        .iter()
        .flat_map(|account| permission_sets.iter().map(move |set| (account, set)))
        .map(|(account, set)| Assignment {
            person: BUILT_IN_PERSON.to_owned(),
            account: account.id.clone(),
            permission_set: set.name.clone(),
        })
        .collect();
    Organisation {
        name: BUILT_IN_NAME.to_owned(),
        region: BUILT_IN_REGION.to_owned(),
        key_id: None,
        built_in: true,
        people: vec![Person { name: BUILT_IN_PERSON.to_owned(), password_hash: None }],
        accounts,
        permission_sets,
        assignments,
    }
}

/// Reads a seed.
///
/// # Errors
/// The first thing that is wrong, with its line and column.
pub fn parse(text: &str) -> Result<Organisation, SeedError> {
    let at = |span: Range<usize>, what: String| {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        SeedError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
        }
    };
    let seed: Seed =
        toml::from_str(text).map_err(|error| at(error.span().unwrap_or(0..0), explain(&error)))?;
    seed.check().map_err(|(span, what)| at(span, what))?;
    Ok(seed.into_organisation())
}

/// The parser's words; those for a plain password say what to do instead.
fn explain(error: &toml::de::Error) -> String {
    let message = error.message().trim();
    if message.contains("unknown field `password`") {
        return "a plain password does not belong in a seed; give password_hash, which this command makes: aldis center hash-password".to_owned();
    }
    message.to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    organisation: SeedOrganisation,
    #[serde(default)]
    people: Vec<SeedPerson>,
    #[serde(default)]
    accounts: Vec<SeedAccount>,
    #[serde(default)]
    permission_sets: Vec<SeedPermissionSet>,
    #[serde(default)]
    assignments: Vec<SeedAssignment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedOrganisation {
    name: Spanned<String>,
    region: Option<Spanned<String>>,
    key_id: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPerson {
    name: Spanned<String>,
    password_hash: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAccount {
    id: Spanned<String>,
    name: Spanned<String>,
    email: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPermissionSet {
    name: Spanned<String>,
    session_hours: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAssignment {
    person: Spanned<String>,
    accounts: Vec<Spanned<String>>,
    permission_sets: Vec<Spanned<String>>,
}

type Fault = (Range<usize>, String);

/// A rule for a text: what it must be, and whether it is.
struct Rule {
    must_be: &'static str,
    holds: fn(&str) -> bool,
}

const DNS_LABEL: Rule = Rule {
    must_be: "1 to 63 letters, digits and dashes, as in https://NAME.awsapps.com/start",
    holds: |text| is_made_of(text, 63, "-") && !text.starts_with('-') && !text.ends_with('-'),
};
const REGION: Rule = Rule {
    must_be: "a region such as eu-west-1",
    holds: |text| {
        let parts: Vec<&str> = text.split('-').collect();
        parts.len() >= 3
            && parts.iter().all(|part| is_made_of(part, 16, "") && part.to_ascii_lowercase() == *part)
    },
};
const KEY_ID: Rule = Rule {
    must_be: "1 to 64 letters, digits, dashes and underscores",
    holds: |text| is_made_of(text, 64, "-_"),
};
const PERSON: Rule = Rule {
    must_be: "2 to 64 letters, digits and _+=,.@- (it becomes a role session name)",
    holds: |text| text.len() >= 2 && is_made_of(text, 64, "_+=,.@-"),
};
const ACCOUNT_ID: Rule = Rule {
    must_be: "12 digits in quotes",
    holds: |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()),
};
const PERMISSION_SET: Rule = Rule {
    must_be: "1 to 32 letters, digits and _+=,.@- (it becomes part of a role name)",
    holds: |text| is_made_of(text, 32, "_+=,.@-"),
};
const SHOWN: Rule = Rule {
    must_be: "1 to 128 printable characters",
    holds: |text| !text.trim().is_empty() && wire::words::printable(text, 128) == text,
};
fn is_made_of(text: &str, most: usize, others: &str) -> bool {
    (1..=most).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn obey(value: &Spanned<String>, name: &str, rule: &Rule) -> Result<(), Fault> {
    if (rule.holds)(value.get_ref()) {
        return Ok(());
    }
    Err((value.span(), format!("{name} must be {}", rule.must_be)))
}

fn unique<'a>(
    values: impl Iterator<Item = &'a Spanned<String>>,
    what: &str,
) -> Result<HashSet<&'a str>, Fault> {
    let mut seen = HashSet::new();
    for value in values {
        if !seen.insert(value.get_ref().as_str()) {
            return Err((value.span(), format!("there are two {what} {:?}", value.get_ref())));
        }
    }
    Ok(seen)
}

fn known(value: &Spanned<String>, names: &HashSet<&str>, what: &str) -> Result<(), Fault> {
    if names.contains(value.get_ref().as_str()) {
        return Ok(());
    }
    Err((value.span(), format!("there is no {what} {:?}", value.get_ref())))
}

impl Seed {
    fn check(&self) -> Result<(), Fault> {
        obey(&self.organisation.name, "name", &DNS_LABEL)?;
        if let Some(region) = &self.organisation.region {
            obey(region, "region", &REGION)?;
        }
        if let Some(key_id) = &self.organisation.key_id {
            obey(key_id, "key_id", &KEY_ID)?;
        }
        for person in &self.people {
            obey(&person.name, "name", &PERSON)?;
            if let Some(hash) = &person.password_hash {
                password::cost(hash.get_ref()).map_err(|what| (hash.span(), what.to_owned()))?;
            }
        }
        for account in &self.accounts {
            obey(&account.id, "id", &ACCOUNT_ID)?;
            obey(&account.name, "name", &SHOWN)?;
            if let Some(email) = &account.email {
                obey(email, "email", &SHOWN)?;
            }
        }
        for set in &self.permission_sets {
            obey(&set.name, "name", &PERMISSION_SET)?;
            if let Some(hours) =
                set.session_hours.as_ref().filter(|hours| !(1..=12).contains(hours.get_ref()))
            {
                return Err((hours.span(), "session_hours must be from 1 to 12".to_owned()));
            }
        }
        self.check_names()
    }

    fn check_names(&self) -> Result<(), Fault> {
        let people = unique(self.people.iter().map(|person| &person.name), "people named")?;
        let accounts = unique(self.accounts.iter().map(|account| &account.id), "accounts with id")?;
        let sets = unique(self.permission_sets.iter().map(|set| &set.name), "permission sets named")?;
        for assignment in &self.assignments {
            known(&assignment.person, &people, "person")?;
            for account in &assignment.accounts {
                known(account, &accounts, "account")?;
            }
            for set in &assignment.permission_sets {
                known(set, &sets, "permission set")?;
            }
        }
        Ok(())
    }

    fn into_organisation(self) -> Organisation {
        let mut assignments = Vec::new();
        for assignment in self.assignments {
            for account in &assignment.accounts {
                for set in &assignment.permission_sets {
                    assignments.push(Assignment {
                        person: assignment.person.get_ref().clone(),
                        account: account.get_ref().clone(),
                        permission_set: set.get_ref().clone(),
                    });
                }
            }
        }
        Organisation {
            name: self.organisation.name.into_inner(),
            region: self.organisation.region.map_or_else(|| BUILT_IN_REGION.to_owned(), Spanned::into_inner),
            key_id: self.organisation.key_id.map(Spanned::into_inner),
            built_in: false,
            people: self
                .people
                .into_iter()
                .map(|person| Person {
                    name: person.name.into_inner(),
                    password_hash: person.password_hash.map(Spanned::into_inner),
                })
                .collect(),
            accounts: self
                .accounts
                .into_iter()
                .map(|account| {
                    let name = account.name.into_inner();
                    let id = account.id.into_inner();
                    let email =
                        account.email.map_or_else(|| format!("{id}@example.com"), Spanned::into_inner);
                    Account { id, name, email }
                })
                .collect(),
            permission_sets: self
                .permission_sets
                .into_iter()
                .map(|set| PermissionSet {
                    name: set.name.into_inner(),
                    session_hours: set.session_hours.map_or(1, Spanned::into_inner),
                })
                .collect(),
            assignments,
        }
    }
}

impl fmt::Display for Organisation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: usize, one: &str, more: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {more}"),
        };
        write!(
            out,
            "{} ({}, {}, {})",
            self.name,
            count(self.people.len(), "person", "people"),
            count(self.accounts.len(), "account", "accounts"),
            count(self.permission_sets.len(), "permission set", "permission sets"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[organisation]
name = "corp"
region = "eu-west-1"

[[people]]
name = "dev"

[[accounts]]
id = "111122223333"
name = "development"

[[permission_sets]]
name = "ReadOnly"
session_hours = 4

[[assignments]]
person = "dev"
accounts = ["111122223333"]
permission_sets = ["ReadOnly"]
"#;

    #[test]
    fn a_good_seed_is_read() {
        let organisation = parse(GOOD).unwrap();
        assert_eq!(organisation.aws_start_url(), "https://corp.awsapps.com/start");
        assert!(organisation.is_named_by("https://corp.awsapps.com/start"));
        assert!(!organisation.is_named_by("https://other.awsapps.com/start"));
        assert_eq!(organisation.roles_of("dev", "111122223333")[0].session_hours, 4);
        assert_eq!(organisation.accounts_of("dev").len(), 1);
        assert!(organisation.accounts_of("nobody").is_empty());
    }

    #[test]
    fn faults_are_named_with_their_place() {
        let cases = [
            ("name = \"corp\"", "name = \"co rp\"", 3, "name must be 1 to 63 letters"),
            ("id = \"111122223333\"", "id = 111122223333", 10, "invalid type: integer"),
            ("id = \"111122223333\"", "id = \"1111\"", 10, "id must be 12 digits"),
            ("person = \"dev\"", "person = \"nobody\"", 18, "there is no person \"nobody\""),
            ("accounts = [\"111122223333\"]", "accounts = [\"999999999999\"]", 19, "there is no account"),
            (
                "permission_sets = [\"ReadOnly\"]",
                "permission_sets = [\"Root\"]",
                20,
                "there is no permission set",
            ),
            ("session_hours = 4", "session_hours = 13", 15, "session_hours must be from 1 to 12"),
            (
                "name = \"dev\"",
                "name = \"dev\"\npassword = \"x\"",
                8,
                "a plain password does not belong in a seed; give password_hash, which this command makes: aldis center",
            ),
            (
                "name = \"dev\"",
                "name = \"dev\"\npassword_hash = \"x\"",
                8,
                "password_hash must be a PHC string",
            ),
            (
                "name = \"dev\"",
                "name = \"dev\"\npassword_hash = \"$argon2id$v=19$m=999999,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA\"",
                8,
                "asks for more work",
            ),
            ("name = \"dev\"", "name = \"dev\"\n[[people]]\nname = \"dev\"", 9, "there are two people named"),
            ("[[people]]", "[[persons]]", 6, "unknown field `persons`"),
            ("name = \"dev\"", "name = ", 7, ""),
        ];
        for (old, new, line, what) in cases {
            let error = parse(&GOOD.replacen(old, new, 1)).expect_err(new);
            assert_eq!(error.line, line, "{new}: {error}");
            assert!(error.what.contains(what), "{new}: {error}");
        }
    }

    #[test]
    fn an_empty_seed_is_a_fault_and_not_a_panic() {
        assert_eq!(parse("").unwrap_err().line, 1);
    }

    #[test]
    fn the_hash_is_of_the_whole_seed_or_of_its_key_id() {
        let more = GOOD.replace("session_hours = 4", "session_hours = 5");
        assert_ne!(parse(GOOD).unwrap().hash(), parse(&more).unwrap().hash());
        let named = |seed: &str| seed.replace("name = \"corp\"", "name = \"corp\"\nkey_id = \"one\"");
        assert_eq!(parse(&named(GOOD)).unwrap().hash(), parse(&named(&more)).unwrap().hash());
        assert_ne!(parse(&named(GOOD)).unwrap().hash(), built_in().hash());
    }

    #[test]
    fn any_aws_start_url_names_the_built_in_organisation() {
        let organisation = built_in();
        assert!(organisation.is_named_by(&organisation.aws_start_url()));
        assert!(organisation.is_named_by("https://whatever.awsapps.com/start"));
        assert!(!organisation.is_named_by("https://awsapps.com/start"));
        assert!(!organisation.is_named_by("https://a.b/.awsapps.com/start"));
        assert!(organisation.is_named_by("https://ssoins-1234567890abcdef.portal.us-east-1.app.aws"));
        assert!(!organisation.is_named_by("https://.portal.us-east-1.app.aws"));
    }
}
