//! Lists and identities, for people and for programs (then in the AWS CLI's shape).

use std::collections::HashMap;

use center_client::portal::RefusedAccount;
use serde_json::{Value, json};
use wire::portal::{AccountInfo, RoleInfo};
use wire::sts::CallerIdentity;

use super::words::{Style, with_causes};

/// Accounts: id, name, e-mail address.
pub(crate) fn accounts(accounts: &[AccountInfo], style: Style) -> String {
    if style.json {
        return pretty(&json!({ "accountList": accounts }));
    }
    let rows: Vec<Vec<&str>> = accounts
        .iter()
        .map(|account| {
            vec![
                account.account_id.as_str(),
                account.account_name.as_deref().unwrap_or_default(),
                account.email_address.as_deref().unwrap_or_default(),
            ]
        })
        .collect();
    columns(&rows)
}

/// Roles: account id, role name, and the name of an account that is one of `accounts`.
pub(crate) fn roles(roles: &[RoleInfo], accounts: &[AccountInfo], style: Style) -> String {
    if style.json {
        return pretty(&json!({ "roleList": roles }));
    }
    let names: HashMap<&str, &str> = accounts
        .iter()
        .filter_map(|account| Some((account.account_id.as_str(), account.account_name.as_deref()?)))
        .collect();
    let rows: Vec<Vec<&str>> = roles
        .iter()
        .map(|role| {
            let name = names.get(role.account_id.as_str()).copied().unwrap_or_default();
            vec![role.account_id.as_str(), role.role_name.as_str(), name]
        })
        .collect();
    columns(&rows)
}

/// An account whose roles the center refused to list, in one line.
pub(crate) fn refused(refused: &RefusedAccount, accounts: &[AccountInfo]) -> String {
    let id = &refused.account_id;
    let named = accounts.iter().find(|account| account.account_id == *id);
    let name = named.and_then(|account| account.account_name.as_deref()).filter(|name| !name.is_empty());
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("the roles of the account {id}{name} are not known: {}", with_causes(&refused.error))
}

/// The number of accounts that were refused, in words.
pub(crate) fn refused_count(refused: usize, all: usize) -> String {
    let were = if refused == 1 { "was" } else { "were" };
    format!("{refused} of {all} accounts {were} refused by the center")
}

/// Who somebody is.
pub(crate) fn identity(identity: &CallerIdentity, style: Style) -> String {
    let CallerIdentity { user_id, account, arn } = identity;
    if style.json {
        return pretty(&json!({ "UserId": user_id, "Account": account, "Arn": arn }));
    }
    columns(&[vec!["Account", account], vec!["Arn", arn], vec!["UserId", user_id]])
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Rows in columns that are as wide as their widest entry; nothing stands behind the last one.
pub(super) fn columns(rows: &[Vec<&str>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|entry| entry.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(entry, width)| format!("{entry:<width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Style = Style { json: false, colored: false };
    const JSON: Style = Style { json: true, colored: false };

    #[test]
    fn lists_are_columns_or_json() {
        let account = |id: &str, name: Option<&str>, email: Option<&str>| AccountInfo {
            account_id: id.into(),
            account_name: name.map(str::to_owned),
            email_address: email.map(str::to_owned),
        };
        let list = [
            account("111122223333", Some("Bücher"), Some("b@example.com")),
            account("222233334444", None, Some("x@example.com")),
            account("333344445555", Some("Sandbox"), None),
        ];
        assert_eq!(
            accounts(&list, TEXT),
            "111122223333  Bücher   b@example.com\n222233334444           x@example.com\n333344445555  Sandbox\n"
        );
        assert!(accounts(&list[1..2], JSON).contains("\"emailAddress\": \"x@example.com\""));
        assert_eq!(accounts(&[], TEXT), "");
        assert_eq!(accounts(&[], JSON), "{\n  \"accountList\": []\n}\n");
    }

    #[test]
    fn an_identity_has_the_aws_clis_members_in_its_order() {
        let who = CallerIdentity { user_id: "U".into(), account: "A".into(), arn: "R".into() };
        assert_eq!(identity(&who, TEXT), "Account  A\nArn      R\nUserId   U\n");
        assert_eq!(
            identity(&who, JSON),
            "{\n  \"UserId\": \"U\",\n  \"Account\": \"A\",\n  \"Arn\": \"R\"\n}\n"
        );
    }
}
