//! `aldis profiles add`: a profile for every account and role of a session.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_formats::config::Settings;
use aws_formats::config::edit::{difference, edited};
use center_client::portal::RefusedAccount;
use outside::state::StateFile;
use outside::{Outside, files, hidden, shelf};
use serde_json::{Value, json};
use signin::session::Session;
use wire::portal::AccountInfo;

use super::configure_sso::option as answer;
use crate::args::profiles::AddArgs;
use crate::report::hints::quoted;
use crate::report::news::News;
use crate::report::words::{Style, note, print, print_painted, warn};
use crate::report::{Exit, Failure, Kind, hints, listing as report, profiles as shown};
use crate::request;
use crate::request::config::Config;
use crate::request::configure_sso::{optional_region, services};
use crate::request::profiles::{Plan, Role, Template, edits, plan};
use crate::request::session::Meant;

/// After how many accounts the listing is kept.
const OFTEN: usize = 20;
/// How long it may be used, in seconds.
const LIFE: i64 = 3600;

/// Runs it.
pub(crate) fn add(outside: &Outside, args: &AddArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    let template = Template::parse(&args.template)?;
    let asks = outside.terminal.input && outside.terminal.error && !style.json;
    if !asks && !args.yes && !args.dry_run {
        return Err(Failure::new(Kind::Words, "nobody can be asked here whether to write the profiles")
            .hint("see what would be added: aldis profiles add --all --dry-run")
            .hint("write without asking: aldis profiles add --all --yes"));
    }
    let meant = request::session::complete(&args.session, outside)?;
    let Some(session) = meant.target.session.clone() else {
        let message =
            format!("{} has its start URL in the profile, and new profiles need an sso-session", meant.place);
        return Err(Failure::new(Kind::Configuration, message).hint("make one: aldis configure sso"));
    };
    meant.tell(outside, style);
    let opened = meant.open(outside).allowing_changed_endpoint(args.endpoint.endpoint_changed);
    let listing = Listing::new(outside, &opened);
    let region = args.region.as_deref().map(|text| answer("--region", text, optional_region)).transpose()?;
    let listed = list(outside, style, &meant, (&opened, &listing))?;
    let center = opened.center().map_err(|error| hints::center(error, &meant))?;

    let config = Config::read(outside)?;
    let path = &config.path;
    let taken: HashSet<String> = config.settings.profile_names().into_iter().map(str::to_owned).collect();
    let plan = plan(&template, &listed.roles, &session, &config.settings, &taken);
    // Without a region most commands of other tools fail.
    let region = region.unwrap_or_else(|| Some(center.region.clone()));
    let all = |settings: &Settings| {
        // Somebody may have written since the difference was shown: only what is still missing is added.
        let missing: Vec<_> =
            plan.added.iter().filter(|named| settings.profile(&named.profile).is_none()).cloned().collect();
        let names: Vec<&str> = missing.iter().map(|named| named.profile.as_str()).collect();
        let mut all = edits(&missing, &session, region.as_deref());
        all.extend(services(&names, Some(&session), center, settings));
        all
    };
    let old = files::read_text(path).ok().flatten().unwrap_or_default();
    let new = edited(&old, &all(&config.settings));
    let new = new.map_err(|error| hints::config_edit(shelf::EditFileError::Change(error), path))?;
    let lines = difference(&old, &new);
    tell(outside, style, &plan, &listed);
    if plan.added.is_empty() && !style.json {
        note(outside, style, shown::nothing(&plan, listed.accounts.len(), path));
    }
    if args.dry_run {
        listing.forget();
        if style.json {
            print(outside, &shown::object(&plan, &listed, path, true))?;
        } else {
            print_painted(outside, &shown::difference(&lines, style))?;
        }
        return listed.exit();
    }
    if !plan.added.is_empty() {
        config.may_be_edited(outside)?;
    }
    if !style.json {
        outside.terminal.words(shown::difference(&lines, style));
    }
    if asks && !args.yes && !plan.added.is_empty() && !agrees(outside, &plan, path)? {
        listing.forget();
        note(outside, style, "Nothing is written");
        return Ok(Exit::Nothing);
    }
    if !plan.added.is_empty() {
        config.edit(outside, style, all)?;
    }
    listing.forget();
    if style.json {
        print(outside, &shown::object(&plan, &listed, path, false))?;
    } else if !plan.added.is_empty() {
        let words = format!("Added {} to {}", shown::count(plan.added.len()), path.display());
        let there = match plan.kept.len() {
            0 => String::new(),
            kept => format!("; {kept} there already"),
        };
        note(outside, style, format!("{words}{there}"));
    }
    listed.exit()
}

/// The accounts of a session, and their roles as far as the center lists them.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// All accounts.
    pub(crate) accounts: Vec<AccountInfo>,
    /// The roles of those that the center lists.
    pub(crate) roles: Vec<Role>,
    /// The accounts whose roles it refused to list.
    pub(crate) refused: Vec<RefusedAccount>,
}

impl Listed {
    /// The end of a command that has done all that the refused accounts let it do.
    fn exit(&self) -> Result<Exit, Failure> {
        match self.refused.len() {
            0 => Ok(Exit::Done),
            count => {
                let count = report::refused_count(count, self.accounts.len());
                Err(Failure::new(
                    Kind::Refused,
                    format!("{count}, so they get no profiles; the others are done"),
                ))
            }
        }
    }
}

/// Says what is not as one might think.
fn tell(outside: &Outside, style: Style, plan: &Plan, listed: &Listed) {
    for refused in &listed.refused {
        warn(outside, style, report::refused(refused, &listed.accounts));
    }
    if plan.lengthened > 0 {
        let count = shown::count(plan.lengthened);
        note(
            outside,
            style,
            format!("{count} got the account's id behind the name, which is not the only one of its kind"),
        );
    }
    for (named, why) in &plan.skipped {
        let (role, account) = (&named.role_name, &named.account_id);
        warn(outside, style, format!("no profile {} for {role} in {account}: {why}", named.profile));
    }
}

fn agrees(outside: &Outside, plan: &Plan, path: &Path) -> Result<bool, Failure> {
    let count = shown::count(plan.added.len());
    let these = if plan.added.len() == 1 { "this" } else { "these" };
    outside.terminal.words(format!("Write {these} {count} to {}? [y/N] ", quoted(&path.to_string_lossy())));
    let line = hidden::line().map_err(|error| Failure::new(Kind::Other, error))?;
    Ok(["y", "yes"].contains(&line.expose().trim().to_ascii_lowercase().as_str()))
}

/// Every role of the session.
fn list(
    outside: &Outside,
    style: Style,
    meant: &Meant,
    (session, listing): (&Session, &Listing<'_>),
) -> Result<Listed, Failure> {
    let is_lively = outside.terminal.lively && !style.json;
    let found = session.with_portal(&mut News::new(outside, style), |portal| {
        let accounts = portal.accounts()?;
        let ids: Vec<String> = accounts.iter().map(|account| account.account_id.clone()).collect();
        let (known, at) = listing.read(&ids);
        let known = Mutex::new(known);
        let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<String> = ids.iter().filter(|id| !lock().contains_key(*id)).cloned().collect();
        let result = portal.roles_of_accounts(&missing, &|id, roles| {
            let mut known = lock();
            known.insert(id.to_owned(), roles.iter().map(|role| role.role_name.clone()).collect());
            if is_lively {
                shown::bar(outside, known.len(), ids.len());
            }
            if known.len() % OFTEN == 0 {
                listing.keep(&ids, &known, at);
            }
        });
        if is_lively {
            shown::no_bar(outside);
        }
        let known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !missing.is_empty() {
            listing.keep(&ids, &known, at);
        }
        let refused = result?.refused;
        let roles = accounts.iter().flat_map(|account| {
            known.get(&account.account_id).into_iter().flatten().map(|role_name| Role {
                account_id: account.account_id.clone(),
                account_name: account.account_name.clone(),
                role_name: role_name.clone(),
            })
        });
        let roles = roles.collect();
        Ok(Listed { roles, refused, accounts })
    });
    found.map_err(|error| hints::portal(error, meant))
}

/// The names of the roles of each account.
type Known = HashMap<String, Vec<String>>;

/// What was listed of a session lately, kept so that a run that was interrupted need not begin anew.
struct Listing<'a> {
    outside: &'a Outside,
    file: Option<StateFile>,
    whose: [String; 2],
    /// The sign-in that saw it: the next one may be another person's.
    sign_in: Option<String>,
}

impl<'a> Listing<'a> {
    fn new(outside: &'a Outside, opened: &'a Session) -> Self {
        let target = opened.target();
        Self {
            outside,
            file: opened.listing_file(),
            whose: [target.name(), target.center.start_url.clone()],
            sign_in: opened.sign_in_id(),
        }
    }

    /// What is known of these accounts, and since when (Unix seconds); nothing where the listing is old, another session's, or
    /// one of other accounts.
    fn read(&self, ids: &[String]) -> (Known, i64) {
        let text = self.file.as_ref().and_then(|file| file.read().ok().flatten());
        let kept: Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let now = self.outside.clock.now().as_second();
        let at = kept["at"].as_i64().filter(|at| (0..LIFE).contains(&now.saturating_sub(*at)));
        let is_mine = kept["whose"] == json!(self.whose)
            && kept["sign_in"] == json!(self.sign_in)
            && kept["accounts"] == json!(ids);
        let Some(at) = at.filter(|_| is_mine) else { return (Known::new(), now) };
        let names = |roles: &Value| {
            let names = roles.as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
            names.collect::<Option<Vec<String>>>()
        };
        let roles = kept["roles"].as_object().into_iter().flatten();
        (roles.filter_map(|(id, roles)| Some((id.clone(), names(roles)?))).collect(), at)
    }

    /// Where it cannot be kept, the next run asks again.
    fn keep(&self, ids: &[String], known: &Known, at: i64) {
        let kept = json!({ "whose": self.whose, "sign_in": self.sign_in, "at": at, "accounts": ids, "roles": known });
        if let Some(file) = &self.file {
            let _ = file.keep(kept.to_string().as_bytes());
        }
    }

    /// It was of use.
    fn forget(&self) {
        if let Some(file) = &self.file {
            let _ = file.remove();
        }
    }
}
