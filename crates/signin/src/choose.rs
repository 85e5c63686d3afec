//! Facts and a wish → in which order the ways to sign in are offered, and why. Pure: one table of places tests it.
//!
//! Every fact weighs for or against a way; the weights of a way are added up, and the ways are offered by their sums. The guess
//! only orders them: it takes none away. What takes ways away is said by somebody: a flow asked for by name, an administrator's
//! policy, or nobody being there who could press a key.

use std::path::PathBuf;

use crate::surroundings::{Ci, Fact, Surroundings};

mod policy;
mod weights;

pub use policy::{Policy, PolicyError, PolicyUnread};
pub use weights::{Signal, Weights, weigh};

/// A way to finish a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// PKCE; the browser comes back to a port of ours by itself. It is opened for the person where that can be done.
    Open,
    /// PKCE; the person brings back the address on which the browser ended.
    Paste,
    /// A device code, approved in any browser.
    Code,
}

impl Way {
    /// All of them; what sums leave undecided is decided by this order.
    pub const ALL: [Self; 3] = [Self::Open, Self::Paste, Self::Code];

    /// Its name in prompts and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paste => "paste",
            Self::Code => "code",
        }
    }

    /// Its name as a flow, on the command line and in a policy.
    pub fn flow(self) -> &'static str {
        match self {
            Self::Open => "browser",
            Self::Paste => "paste",
            Self::Code => "device",
        }
    }

    fn of_flow(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.flow() == name)
    }
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// The way that was asked for by name (`--flow`); nothing for `auto`.
    pub flow: Option<Way>,
    /// `sso_use_device_code` of the session or the profile, where it is set.
    pub use_device_code: Option<bool>,
    /// Whether the profile is of the kind without `sso_session`, which AWS's tools sign in with a code.
    pub is_legacy: bool,
    /// Whether no browser is to be started (`--no-browser`).
    pub no_browser: bool,
    /// Whether a person is there who can answer; nothing where the terminals are to say.
    pub has_person: Option<bool>,
}

/// One way, at its place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The way.
    pub way: Way,
    /// What is to be said for it here.
    pub reason: String,
    /// The sum of its weights.
    pub score: i32,
}

/// How to sign in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The ways to offer, best first; at least one.
    pub offers: Vec<Offer>,
    /// Why the first one is first, in one line.
    pub reason: String,
    /// Whether a code may be used, as far as a policy has a say.
    pub may_use_code: bool,
    /// Whether an answer may be pasted, as far as a policy has a say.
    pub may_paste: bool,
    /// Whether a browser is started for the person at once, on the page of the first way. Nothing else says so, and none is
    /// started later.
    pub starts_browser: bool,
    /// Whether the browser that is started runs here, or where ports of this machine are forwarded to, so that it comes back.
    pub comes_back: bool,
    /// What weighed, for who wants to know.
    pub signals: Vec<Signal>,
}

impl Plan {
    /// The ways in their order.
    pub fn ways(&self) -> Vec<Way> {
        self.offers.iter().map(|offer| offer.way).collect()
    }
}

/// Why nothing is offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A job with nobody there. Its [`Ci::settings`] say what it needs instead.
    #[error("this is {} ({evidence}), {why}", ci.name)]
    NobodyInCi {
        /// Why it is thought that nobody is there.
        why: &'static str,
        /// Which system runs the job.
        ci: &'static Ci,
        /// What says so.
        evidence: String,
    },
    /// The policy allows none of the ways that could be offered.
    #[error("{} does not allow the flow {wanted}: it {allowed}", file.display())]
    ForbiddenByPolicy {
        /// The policy.
        file: PathBuf,
        /// What was wanted.
        wanted: &'static str,
        /// What is allowed, in words.
        allowed: String,
    },
}

/// Chooses.
///
/// # Errors
/// Where nobody could answer, and where a policy leaves no way.
pub fn choose(place: &Surroundings, wish: &Wish, policy: Option<&Policy>) -> Result<Plan, Refusal> {
    let terminals = place.has_terminal();
    let has_person = wish.has_person.unwrap_or(terminals);
    refuse_nobody_in_ci(place, wish, has_person)?;
    let signals = weigh(place, wish);
    let score = |way| weights::score(&signals, way);
    let is_browser_here = score(Way::Open) > score(Way::Paste);
    let can_start = is_browser_here && weights::opens_here(place);
    let asked_to_start = wish.flow == Some(Way::Open) && weights::opener(place).is_some();
    let comes_back = !wish.no_browser && (can_start || asked_to_start);
    // The place decides on the way all the same: nobody knows where the browser runs that `BROWSER` leads to.
    let is_named = !wish.no_browser && weights::is_named_by_variable(place);
    let starts = comes_back || is_named;
    let mut ranked: Vec<(Way, i32)> = Way::ALL.into_iter().map(|way| (way, score(way))).collect();
    ranked.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    let opens = comes_back && ranked.first().is_some_and(|(way, _)| *way == Way::Open);

    let (mut ranked, mut reason, wanted) = if let Some((way, reason)) = fixed(wish) {
        ranked.retain(|(other, _)| *other == way);
        (ranked, reason, way.flow())
    } else {
        let reason = weights::reason(place, &signals, ranked.first().map(|(way, _)| *way), starts);
        (ranked, reason, "auto")
    };
    let before = ranked.first().map(|(way, _)| *way);
    if let Some(policy) = policy {
        ranked.retain(|(way, _)| policy.allows(*way));
        if ranked.is_empty() {
            let (file, allowed) = (policy.file().to_owned(), policy.in_words());
            return Err(Refusal::ForbiddenByPolicy { file, wanted, allowed });
        }
    }
    if !has_person && wanted == "auto" {
        reason = keep_the_one_that_needs_no_key(&mut ranked, opens, place);
    } else if let Some(policy) = policy.filter(|_| ranked.first().map(|(way, _)| *way) != before) {
        reason = format!("{reason}; {} {}", policy.file().display(), policy.in_words());
    }
    let offers: Vec<Offer> = ranked
        .into_iter()
        .map(|(way, score)| Offer { way, reason: weights::merit(place, way, comes_back), score })
        .collect();
    let comes_back = comes_back && offers.first().is_some_and(|offer| offer.way != Way::Paste);
    let starts_browser = comes_back || is_named;
    let may = |way| policy.is_none_or(|policy| policy.allows(way));
    let (may_use_code, may_paste) = (may(Way::Code), may(Way::Paste));
    Ok(Plan { offers, reason, may_use_code, may_paste, starts_browser, comes_back, signals })
}

/// The way that somebody fixed, and by what.
fn fixed(wish: &Wish) -> Option<(Way, String)> {
    match (wish.flow, wish.use_device_code) {
        (Some(way), _) => Some((way, format!("the flow {} was asked for", way.flow()))),
        (None, Some(true)) => Some((Way::Code, "sso_use_device_code is true".to_owned())),
        (None, _) => None,
    }
}

/// A terminal is no sign of a person in a job: some systems give one to every job. Only `CI` being set, though, a person may
/// have done, and people do come into jobs, by SSH, to see what is wrong.
fn refuse_nobody_in_ci(place: &Surroundings, wish: &Wish, has_person: bool) -> Result<(), Refusal> {
    let ci = place.observations().iter().find_map(|seen| match seen.fact {
        Fact::Ci(ci) => Some((ci, seen.evidence.clone())),
        _ => None,
    });
    let Some((ci, evidence)) = ci else { return Ok(()) };
    let came_in = place.is(|fact| matches!(fact, Fact::Ssh(_) | Fact::Mosh | Fact::SessionManager));
    let is_somebody = has_person && (wish.has_person.is_some() || !ci.is_named() || came_in);
    if wish.flow.is_some() || is_somebody {
        return Ok(());
    }
    let why = match (wish.has_person, place.has_terminal()) {
        (Some(false), true) => "where no program may ask for a sign-in",
        (_, true) => "where a terminal is no sign that somebody is there to sign in",
        (_, false) => "and nobody is there to sign in",
    };
    Err(Refusal::NobodyInCi { why, ci, evidence })
}

/// Where no key can be pressed there is one way: the browser, where it can be opened and comes back; else the code. A policy may
/// leave neither; then what it leaves, as an answer may come through a pipe.
fn keep_the_one_that_needs_no_key(ranked: &mut Vec<(Way, i32)>, opens: bool, place: &Surroundings) -> String {
    let order = if opens { [Way::Open, Way::Code, Way::Paste] } else { [Way::Code, Way::Open, Way::Paste] };
    let chosen = order.into_iter().find(|way| ranked.iter().any(|(left, _)| left == way));
    ranked.retain(|(way, _)| Some(*way) == chosen);
    let why = match chosen {
        Some(Way::Open) if opens => "a browser can be opened here",
        Some(Way::Open) => "the link waits for a browser that reaches this machine",
        Some(Way::Paste) => "the answer may come as a line",
        _ => "a code can be approved in any browser",
    };
    let evidence = place.observations().iter().find(|seen| seen.fact == Fact::NoTerminal);
    match evidence {
        Some(seen) => format!("without a terminal ({}): {why}", seen.evidence),
        None => format!("for a program, which presses no key: {why}"),
    }
}

#[cfg(test)]
mod places;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::Readings;

    fn everywhere() -> Vec<Surroundings> {
        places::rows().iter().map(|row| Surroundings::of(&row.readings)).collect()
    }

    fn with_person() -> Wish {
        Wish { has_person: Some(true), ..Wish::default() }
    }

    #[test]
    fn the_guess_takes_no_way_from_a_person_anywhere() {
        for place in everywhere() {
            for is_legacy in [false, true] {
                let plan = choose(&place, &Wish { is_legacy, ..with_person() }, None).unwrap();
                let mut ways = plan.ways();
                ways.sort();
                assert_eq!(ways, Way::ALL, "{place:?}");
                assert!(plan.offers.is_sorted_by(|a, b| a.score >= b.score), "{place:?}");
            }
        }
    }

    #[test]
    fn a_flow_asked_for_by_name_is_the_only_one_everywhere_even_in_ci() {
        for place in everywhere() {
            for way in Way::ALL {
                let wish = Wish { flow: Some(way), use_device_code: Some(true), ..Wish::default() };
                let plan = choose(&place, &wish, None).unwrap();
                assert_eq!(plan.ways(), [way]);
                assert!(plan.reason.contains(way.flow()), "{}", plan.reason);
            }
        }
    }

    #[test]
    fn without_a_person_there_is_one_way_and_it_is_no_paste() {
        for place in everywhere() {
            let Ok(plan) = choose(&place, &Wish { has_person: Some(false), ..Wish::default() }, None) else {
                assert!(place.is(|fact| matches!(fact, Fact::Ci(_))));
                continue;
            };
            assert_eq!(plan.offers.len(), 1, "{place:?}");
            assert_ne!(plan.ways(), [Way::Paste], "{place:?}");
            assert!(plan.ways() != [Way::Open] || plan.starts_browser, "{place:?}");
        }
    }

    #[test]
    fn what_a_policy_does_not_list_is_offered_nowhere_and_by_no_flag() {
        for allowed in [&["browser"][..], &["paste"], &["device"], &["paste", "device"]] {
            let list: Vec<String> = allowed.iter().map(|name| format!("{name:?}")).collect();
            let text = format!("allowed_flows = [{}]", list.join(", "));
            let policy = Policy::parse(&text).unwrap();
            for place in everywhere() {
                for has_person in [true, false] {
                    let wish = Wish { has_person: Some(has_person), ..Wish::default() };
                    match choose(&place, &wish, Some(&policy)) {
                        Ok(plan) => assert!(plan.ways().iter().all(|way| allowed.contains(&way.flow()))),
                        Err(refusal) => assert!(matches!(refusal, Refusal::NobodyInCi { .. })),
                    }
                }
                for way in Way::ALL {
                    let wish = Wish { flow: Some(way), ..with_person() };
                    let chosen = choose(&place, &wish, Some(&policy));
                    assert_eq!(chosen.is_ok(), allowed.contains(&way.flow()));
                }
            }
        }
    }

    #[test]
    fn a_refusal_by_policy_names_the_file_and_what_it_allows() {
        let policy = Policy::parse("allowed_flows = [\"paste\"]").unwrap();
        let place = Surroundings::of(&Readings::default());
        let by_flag = choose(&place, &Wish { flow: Some(Way::Code), ..with_person() }, Some(&policy));
        assert_eq!(
            by_flag.unwrap_err().to_string(),
            "/etc/aldis/policy.toml does not allow the flow device: it allows only paste"
        );
        let by_config = Wish { use_device_code: Some(true), ..with_person() };
        assert!(choose(&place, &by_config, Some(&policy)).is_err());
        let nothing = Policy::parse("allowed_flows = []").unwrap();
        let refusal = choose(&place, &with_person(), Some(&nothing)).unwrap_err();
        assert!(refusal.to_string().contains("it allows no flow"), "{refusal}");
    }

    #[test]
    fn a_setting_fixes_the_code_and_its_opposite_undoes_what_a_legacy_profile_means() {
        let place = Surroundings::of(&Readings::default());
        let ways = |use_device_code, is_legacy| {
            let wish = Wish { use_device_code, is_legacy, ..with_person() };
            choose(&place, &wish, None).unwrap().ways()
        };
        assert_eq!(ways(Some(true), false), [Way::Code]);
        assert_eq!(ways(None, true)[0], Way::Code);
        assert_eq!(ways(Some(false), true), ways(None, false));
    }

    #[test]
    fn a_browser_that_is_not_to_be_started_is_not_but_may_still_be_opened_by_hand() {
        let mut opening = 0;
        for place in everywhere() {
            let usual = choose(&place, &with_person(), None).unwrap();
            let wish = Wish { no_browser: true, ..with_person() };
            let plan = choose(&place, &wish, None).unwrap();
            assert_eq!(plan.ways(), usual.ways());
            assert!(!plan.starts_browser);
            opening += usize::from(usual.starts_browser);
            let alone = choose(&place, &Wish { has_person: Some(false), ..wish }, None);
            assert!(alone.is_err() || alone.unwrap().ways() == [Way::Code], "nobody opens it by hand there");
        }
        assert!(opening > 10, "{opening}");
    }

    #[test]
    fn a_refused_job_says_which_system_runs_it() {
        let mut readings = Readings { terminals: [true; 3], ..Readings::default() };
        readings.variables.insert("BUILDKITE".into(), "true".into());
        let refusal = choose(&Surroundings::of(&readings), &Wish::default(), None).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "this is Buildkite (BUILDKITE is set), where a terminal is no sign that somebody is there to sign in"
        );
        let for_a_program = Wish { has_person: Some(false), ..Wish::default() };
        let refusal = choose(&Surroundings::of(&readings), &for_a_program, None).unwrap_err();
        assert!(refusal.to_string().ends_with("where no program may ask for a sign-in"), "{refusal}");
        readings.terminals = [false; 3];
        let refusal = choose(&Surroundings::of(&readings), &Wish::default(), None).unwrap_err();
        assert!(refusal.to_string().ends_with(", and nobody is there to sign in"), "{refusal}");
        readings.variables.clear();
        readings.terminals = [true; 3];
        let plan = choose(&Surroundings::of(&readings), &for_a_program, None).unwrap();
        assert!(plan.reason.starts_with("for a program, which presses no key: "), "{}", plan.reason);
        let Refusal::NobodyInCi { ci, .. } = refusal else { panic!("{refusal}") };
        assert!(ci.settings.join(" ").contains("buildkite-agent oidc request-token"));
    }
}
