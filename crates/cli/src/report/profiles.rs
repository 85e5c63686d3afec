//! Profiles that are added: the difference, the counts, the bar.

use std::path::Path;

use aws_formats::config::edit::Difference;
use outside::Outside;
use outside::painted::{Color, Painted};
use serde_json::{Value, json};

use crate::commands::profiles::Listed;
use crate::report::words::{Style, with_causes};
use crate::request::profiles::{Named, Plan};

/// Cells of the bar.
const BAR: usize = 24;
/// Back to the first column, and the rest of the line away.
const NO_LINE: &str = "\r\u{1b}[K";

/// The lines that come and go.
pub(crate) fn difference(lines: &[Difference], style: Style) -> Painted {
    lines
        .iter()
        .map(|line| match line {
            Difference::Added { text, .. } => {
                style.paint(Color::Green, format!("+ {text}").trim_end()).then("\n")
            }
            Difference::Removed { text, .. } => {
                style.paint(Color::Red, format!("- {text}").trim_end()).then("\n")
            }
        })
        .collect()
}

/// All of it for programs.
pub(crate) fn object(plan: &Plan, listed: &Listed, path: &Path, dry_run: bool) -> String {
    let row = |named: &Named| json!({ "profile": named.profile, "account_id": named.account_id, "role_name": named.role_name });
    let skipped = plan.skipped.iter().map(|(named, why)| {
        let mut row = row(named);
        row["why"] = json!(why);
        row
    });
    let name = |id: &str| {
        listed
            .accounts
            .iter()
            .find(|account| account.account_id == id)
            .and_then(|account| account.account_name.as_deref())
    };
    let refused = listed.refused.iter().map(|refused| {
        json!({
            "account_id": refused.account_id,
            "account_name": name(&refused.account_id),
            "why": with_causes(&refused.error),
        })
    });
    let object = json!({
        "added": plan.added.iter().map(row).collect::<Vec<Value>>(),
        "kept": plan.kept.iter().map(row).collect::<Vec<Value>>(),
        "skipped": skipped.collect::<Vec<Value>>(),
        "refused": refused.collect::<Vec<Value>>(),
        "path": path.to_string_lossy(),
        "dry_run": dry_run,
    });
    format!("{object:#}\n")
}

/// Why nothing is added.
pub(crate) fn nothing(plan: &Plan, accounts: usize, path: &Path) -> String {
    match (plan.kept.len(), accounts) {
        (0, 0) => "Nothing to add: no account is assigned to you".to_owned(),
        (0, _) => "Nothing to add: no role is left that could get a profile".to_owned(),
        (kept, _) => format!("Nothing to add: {} there already in {}", count(kept), path.display()),
    }
}

/// `1 profile`, `2 profiles`.
pub(crate) fn count(number: usize) -> String {
    format!("{number} profile{}", if number == 1 { "" } else { "s" })
}

/// How far a listing is, in a line that moves.
pub(crate) fn bar(outside: &Outside, done: usize, total: usize) {
    let filled = BAR * done / total.max(1);
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
    outside.terminal.words(Painted::control(NO_LINE).then(format!("[{bar}] {done} of {total} accounts")));
}

/// Takes the bar away.
pub(crate) fn no_bar(outside: &Outside) {
    outside.terminal.words(Painted::control(NO_LINE));
}
