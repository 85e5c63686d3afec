//! An account as people name it: by its id, or by a name that only one of their accounts has.

use strsim::damerau_levenshtein;
use wire::portal::AccountInfo;
use wire::words::printable;

use super::configure_sso::{in_order, narrow_account_entry};
use crate::report::{Failure, Kind};

/// A screen holds no more candidates.
const MOST_CANDIDATES: usize = 20;
const SHOWN: usize = 300;

/// The account of this id or name. A name counts as it is written, or else in any case of its letters; if several accounts have
/// it, none of them is meant. `option` leads the candidates of an error, such as `--account-id`.
pub(crate) fn find<'a>(
    text: &str,
    accounts: &'a [AccountInfo],
    option: &str,
) -> Result<&'a AccountInfo, Failure> {
    let by_id: Vec<&AccountInfo> = accounts.iter().filter(|account| account.account_id == text).collect();
    let named = |is_same: &dyn Fn(&str) -> bool| -> Vec<&'a AccountInfo> {
        accounts.iter().filter(|account| account.account_name.as_deref().is_some_and(is_same)).collect()
    };
    let wanted = text.trim().to_lowercase();
    let exact = named(&|name| name == text);
    let similar = named(&|name| name.trim().to_lowercase() == wanted);
    let found = [by_id, exact, similar].into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    let shown = printable(text, SHOWN);
    match found.as_slice() {
        [account] => Ok(account),
        [] => {
            let message = format!("{option}: the account {shown} is not one of your {}", accounts.len());
            Err(with_candidates(message, nearest(&wanted, accounts), option))
        }
        several => {
            let message =
                format!("{option}: {} of your accounts are named {shown}; give the id", several.len());
            Err(with_candidates(message, several.iter().copied().cloned().collect(), option))
        }
    }
}

/// The accounts whose name or id holds the text or resembles it; all of them if none does.
fn nearest(wanted: &str, accounts: &[AccountInfo]) -> Vec<AccountInfo> {
    let is_near = |account: &&AccountInfo| {
        let name = account.account_name.as_deref().unwrap_or_default().to_lowercase();
        let is_near = |text: &str| {
            text.contains(wanted)
                || damerau_levenshtein(text, wanted) <= (wanted.chars().count() / 4).clamp(1, 3)
        };
        !wanted.is_empty() && (is_near(&name) || is_near(&account.account_id))
    };
    let near: Vec<AccountInfo> = accounts.iter().filter(is_near).cloned().collect();
    let mut shown = if near.is_empty() { accounts.to_vec() } else { near };
    in_order(&mut shown);
    shown
}

fn with_candidates(message: String, candidates: Vec<AccountInfo>, option: &str) -> Failure {
    let entries: Vec<String> = candidates.iter().map(narrow_account_entry).collect();
    with_options(Failure::new(Kind::Words, message), option, &entries)
}

/// The entries that an option may name, as hints, as many as a screen holds.
pub(crate) fn with_options(failure: Failure, option: &str, entries: &[String]) -> Failure {
    if let Kind::Cancelled(_) = failure.kind {
        return failure;
    }
    let shown = entries.iter().take(MOST_CANDIDATES).map(|entry| format!("there is {option} {entry}"));
    let more = entries.len().checked_sub(MOST_CANDIDATES + 1).map(|more| format!("and {} more", more + 1));
    shown.chain(more).fold(failure, Failure::hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Vec<AccountInfo> {
        let account = |id: &str, name: &str| AccountInfo {
            account_id: id.into(),
            account_name: (!name.is_empty()).then(|| name.to_owned()),
            email_address: None,
        };
        vec![
            account("111111111111", "development"),
            account("222222222222", "Production"),
            account("333333333333", "production"),
            account("444444444444", "twin"),
            account("555555555555", "twin"),
            account("666666666666", ""),
            account("777777777777", "111111111111"),
        ]
    }

    #[test]
    fn an_account_is_meant_by_its_id_or_by_a_name_that_no_other_has() {
        let accounts = accounts();
        let found =
            |text: &str| find(text, &accounts, "--account-id").map(|account| account.account_id.clone());
        for (text, id) in [
            ("111111111111", "111111111111"),
            ("development", "111111111111"),
            ("DEVELOPMENT", "111111111111"),
            ("Production", "222222222222"),
            ("production", "333333333333"),
            ("666666666666", "666666666666"),
        ] {
            assert_eq!(found(text).unwrap(), id, "{text}");
        }
        for (text, words, candidates) in [
            ("twin", "2 of your accounts are named twin", vec!["444444444444 twin", "555555555555 twin"]),
            (
                "PRODUCTION",
                "2 of your accounts are named PRODUCTION",
                vec!["222222222222 Production", "333333333333 production"],
            ),
            ("developmnt", "is not one of your 7", vec!["111111111111 development"]),
            ("prod", "is not one of your 7", vec!["222222222222 Production", "333333333333 production"]),
        ] {
            let failure = found(text).unwrap_err();
            assert_eq!(failure.kind, Kind::Words);
            assert!(failure.error.to_string().contains(words), "{}", failure.error);
            let hints: Vec<String> =
                candidates.iter().map(|entry| format!("there is --account-id {entry}")).collect();
            assert_eq!(failure.hints, hints, "{text}");
        }
        assert_eq!(found("nothing like it").unwrap_err().hints.len(), 7);
        assert_eq!(
            found("").unwrap_err().hints.len(),
            7,
            "an account without a name is not meant by nothing"
        );
    }
}
