//! What came with a sign-in, in words.

use signin::came::{Came, Seen};
use signin::flow::exposure::Doubt;
use signin::sign_in::{DROP_KEY, KEEP_KEY};
use wire::portal::AccountInfo;

/// Names of accounts that are shown; the others are counted.
const SHOWN: usize = 3;

/// Who signed in and with which accounts.
pub(crate) fn words(came: &Came) -> String {
    let who = came.person.as_ref().map(|name| format!("You are {name}. ")).unwrap_or_default();
    let names: Vec<String> = came.accounts.iter().map(name).collect();
    if let Some(why) = &came.unknown {
        return format!("{who}Which accounts came is not known: {why}");
    }
    let accounts = match (names.len(), came.has_more) {
        (0, _) => "No account is assigned to you; whoever administers the center can assign one".to_owned(),
        (1, false) => format!("One account came: {}", names[0]),
        (count, false) => format!("{count} accounts came: {}", list(&names, "")),
        (count, true) => format!("More than {count} accounts came: {}", list(&names, "more than ")),
    };
    format!("{who}{accounts}")
}

/// The question whether the person who signed in is the user's, by what is known of them.
pub(crate) fn question(doubt: Doubt, came: &Came, target: &str) -> String {
    let why = match doubt {
        Doubt::LinkReused => {
            format!("Somebody else on this computer has opened the link of this sign-in to {target}.")
        }
        Doubt::AddressExposed => {
            format!("Other users of this computer could read the address of this sign-in to {target}.")
        }
    };
    let who = came.person.as_ref().map(|name| format!("It was completed by {name}. "));
    let who = who.unwrap_or_else(|| "The center does not say who completed it. ".to_owned());
    let names: Vec<String> = came.accounts.iter().map(name).collect();
    let accounts = match (&came.unknown, names.is_empty()) {
        (Some(why), _) => format!("Its accounts are not known: {why}."),
        (None, true) => "It has no accounts.".to_owned(),
        (None, false) => {
            format!("Its accounts: {}.", list(&names, if came.has_more { "more than " } else { "" }))
        }
    };
    let before = match came.before.as_ref().map(|before| &before.person) {
        Some(Some(name)) => format!(" The sign-in before was {name}'s."),
        Some(None) => " The sign-in before had other accounts.".to_owned(),
        None => String::new(),
    };
    format!(
        "{why} {who}{accounts}{before}\nIs this you? Press {KEEP_KEY} to keep the sign-in, or {DROP_KEY} to end it."
    )
}

/// The warning where it is somebody else than before. `sign_out` is the command that ends the sign-in.
pub(crate) fn warning(came: &Came, before: &Seen, sign_out: &str) -> String {
    let what = match (&came.person, &before.person) {
        (Some(now), Some(before)) => {
            format!("is somebody else's than the one before: it is {now}'s, and that was {before}'s")
        }
        _ => {
            let ids: Vec<String> = before.accounts.iter().cloned().collect();
            let ids = list(&ids, "");
            format!(
                "has nothing in common with the one before: none of the accounts before came again ({ids})"
            )
        }
    };
    format!(
        "this sign-in {what}. Somebody may have planted their own: if it is not \
         yours, use nothing of it and type: {sign_out}"
    )
}

fn name(account: &AccountInfo) -> String {
    match &account.account_name {
        Some(name) => format!("{name} ({})", account.account_id),
        None => account.account_id.clone(),
    }
}

/// The first names, and how many there are besides; `than` is what is known of that number.
fn list(names: &[String], than: &str) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {than}{more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(person: Option<&str>, ids: &[&str], has_more: bool) -> Came {
        let account = |id: &&str| AccountInfo {
            account_id: (*id).to_owned(),
            account_name: (*id == "1").then(|| "Production".to_owned()),
            email_address: None,
        };
        Came {
            person: person.map(str::to_owned),
            accounts: ids.iter().map(account).collect(),
            has_more,
            unknown: None,
            before: None,
        }
    }

    #[test]
    fn a_question_names_all_that_is_known() {
        let rows = [
            (Doubt::LinkReused, came(Some("bob"), &["1"], false), ["completed by bob", "Production (1)"]),
            (
                Doubt::AddressExposed,
                came(None, &["1", "2", "3", "4"], true),
                ["does not say who", "more than 1 more"],
            ),
            (Doubt::LinkReused, came(None, &[], false), ["somebody else", "no accounts"]),
        ];
        for (doubt, came, words) in rows {
            let text = question(doubt, &came, "corp").replace("Somebody", "somebody");
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
            assert!(
                text.contains("corp") && text.contains("Press k to keep") && text.contains("or n to end"),
                "{text}"
            );
        }
    }

    #[test]
    fn it_names_a_few_and_counts_the_rest() {
        let rows = [
            (came(Some("ann"), &["1"], false), "You are ann. One account came: Production (1)"),
            (came(None, &["1", "2"], false), "2 accounts came: Production (1), 2"),
            (
                came(None, &["1", "2", "3", "4", "5"], false),
                "5 accounts came: Production (1), 2, 3 and 2 more",
            ),
            (came(None, &["1", "2"], true), "More than 2 accounts came: Production (1), 2"),
        ];
        for (came, text) in rows {
            assert_eq!(words(&came), text);
        }
        let many = came(None, &["1", "2", "3", "4"], true);
        assert_eq!(words(&many), "More than 4 accounts came: Production (1), 2, 3 and more than 1 more");
        let silent = Came { unknown: Some("it is silent".to_owned()), ..came(Some("ann"), &[], false) };
        assert_eq!(words(&silent), "You are ann. Which accounts came is not known: it is silent");
        assert!(words(&came(None, &[], false)).starts_with("No account"));
    }
}
