//! People, accounts, permission sets and who may use which where.

use std::collections::HashSet;

use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::instance::uuid;

/// An organisation, as its seed says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Organisation {
    /// The name in its AWS-shaped start URL `https://NAME.awsapps.com/start`.
    pub name: String,
    /// The region that its center plays.
    pub region: String,
    /// What is hashed in place of the whole seed, where the seed gives it.
    pub key_id: Option<String>,
    /// Whether this is the built-in organisation, which every `https://NAME.awsapps.com/start` names.
    pub built_in: bool,
    /// The people.
    pub people: Vec<Person>,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The permission sets.
    pub permission_sets: Vec<PermissionSet>,
    /// Who may use which permission set in which account.
    pub assignments: Vec<Assignment>,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The name with which they sign in.
    pub name: String,
    /// Their password as a PHC string; none for those who cannot sign in on a page.
    #[serde(skip)]
    pub password_hash: Option<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The address of its root user.
    pub email: String,
}

/// A permission set, called a role where it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionSet {
    /// Its name.
    pub name: String,
    /// How long credentials of it live, in hours (1 to 12).
    pub session_hours: i64,
}

/// One person, one account, one permission set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// Who.
    pub person: String,
    /// Where.
    pub account: String,
    /// As what.
    pub permission_set: String,
}

impl Organisation {
    /// The AWS-shaped start URL, for tools that take no other.
    pub fn aws_start_url(&self) -> String {
        format!("https://{}.awsapps.com/start", self.name)
    }

    /// Whether an AWS-shaped start URL (without query, fragment and final slash) names this organisation.
    pub fn is_named_by(&self, start_url: &str) -> bool {
        let Some(rest) = start_url.strip_prefix("https://") else { return false };
        let is_label = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if let Some(name) = rest.strip_suffix(".awsapps.com/start") {
            return if self.built_in { is_label(name) } else { name.eq_ignore_ascii_case(&self.name) };
        }
        // The newer shape, `ssoins-….portal.REGION.app.aws`, has no place for a name of ours.
        let portal = rest.strip_suffix(".app.aws").and_then(|rest| rest.split_once(".portal."));
        self.built_in && portal.is_some_and(|(instance, region)| is_label(instance) && is_label(region))
    }

    /// The hash under which the keys of this organisation are derived: of all that the seed says, or of its `key_id`
    /// where it gives one, so that people can come and go without ending every registration.
    pub fn hash(&self) -> [u8; 32] {
        let text = match &self.key_id {
            Some(id) => format!("key id {id} of {}", self.name),
            // Structs of texts and numbers always become JSON.
            None => serde_json::to_string(self).unwrap_or_default(),
        };
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        hash
    }

    /// The accounts in which a person has a role, in order of id.
    pub fn accounts_of(&self, person: &str) -> Vec<&Account> {
        // Looked at once each, as an organisation has thousands of both.
        let theirs = self.assignments.iter().filter(|assignment| assignment.person == person);
        let assigned: HashSet<&str> = theirs.map(|assignment| assignment.account.as_str()).collect();
        let mut accounts: Vec<&Account> =
            self.accounts.iter().filter(|account| assigned.contains(account.id.as_str())).collect();
        accounts.sort_by(|a, b| a.id.cmp(&b.id));
        accounts
    }

    /// The permission sets of a person in an account, in order of name.
    pub fn roles_of(&self, person: &str, account: &str) -> Vec<&PermissionSet> {
        let there = |assignment: &&Assignment| assignment.person == person && assignment.account == account;
        let there = self.assignments.iter().filter(there);
        let assigned: HashSet<&str> = there.map(|assignment| assignment.permission_set.as_str()).collect();
        let mut roles: Vec<&PermissionSet> =
            self.permission_sets.iter().filter(|set| assigned.contains(set.name.as_str())).collect();
        roles.sort_by(|a, b| a.name.cmp(&b.name));
        roles
    }

    /// The id of a person in the identity store: a UUID that only depends on the names.
    pub fn user_id(&self, person: &str) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.derived(&["user", person])[..16]);
        uuid(bytes)
    }

    /// The name of the role that a permission set becomes in an account: `AWSReservedSSO_NAME_` and 16 hex digits.
    pub fn reserved_role_name(&self, account: &str, permission_set: &str) -> String {
        let hash = self.derived(&["role", account, permission_set]);
        let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("AWSReservedSSO_{permission_set}_{digits}")
    }

    /// The unique id of that role: `AROA` and 17 letters and digits.
    pub fn role_id(&self, account: &str, permission_set: &str) -> String {
        let hash = self.derived(&["role id", account, permission_set]);
        format!("AROA{}", base32(&hash[..17]))
    }

    /// The id of the identity store, `d-` and ten hex digits.
    pub fn identity_store_id(&self) -> String {
        let digits: String =
            self.derived(&["identity store"])[..5].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("d-{digits}")
    }

    /// The account that stands for the organisation in the audit log: its first one.
    pub fn management_account(&self) -> &str {
        self.accounts.first().map_or("000000000000", |account| &account.id)
    }

    fn derived(&self, words: &[&str]) -> Vec<u8> {
        digest(&SHA256, format!("{}\n{}", self.name, words.join("\n")).as_bytes()).as_ref().to_vec()
    }
}

/// One letter or digit a byte, as the ids of AWS keys and roles are spelled.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}
