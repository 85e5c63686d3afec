//! Company: several processes that sign in to the same session of the same center at once take part in one sign-in. The first
//! leads it: it polls, and it listens. The others show the same link and code, take a pasted answer as well, and end with it.
//! When the one that leads is gone, another leads on; when it stands still, the others go on by themselves beside it.
//!
//! Five files of our own state, named after the token file:
//!
//! - `NAME.lead.lock` is locked by the one that leads for as long as it does, so that its death frees it. Its time of change is
//!   the sign of life.
//! - `NAME.present.lock` is locked, together, by all that take part. The last one to go removes the next two.
//! - `NAME.txt` is what has been shown, and what it takes to finish it ([`record`]). It holds secrets (the device code, the
//!   verifier, the secret of the client) as the caches beside it do, for minutes: without them nobody could go on with the link
//!   and the code that the person sees.
//! - `NAME.outcome.txt` is how it ended, where that concerns all: signed in, or a no of the person.
//! - `NAME.answer.lock` is locked by the one that has a browser's answer. A center ends what it gave for a code that is shown to
//!   it twice (RFC 6749 section 4.1.2), so only one may exchange it.
//!
//! A lock here saves no work that could be done twice: without locks, or without state, each signs in by itself.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use center_client::address::Address;
use jiff::Timestamp;
use outside::clock::Clock;
use outside::shelf::{self, Beat, Held, Lock, Presence};
use outside::state::{StateFile, StateFolder};
use outside::{files, processes};
use zeroize::Zeroizing;

use crate::choose::Way;
use crate::flow::after;
use crate::flow::under_way::{PendingCodes, UnderWay};
use crate::progress::Link;
use crate::sign_in::Wish;

pub(crate) mod record;

pub(crate) use record::{Outcome, Record};

/// The folder in the state folder.
const FOLDER: &str = "signing-in";
/// So many looks of a follower without a sign of life, and the one that leads stands still: ten seconds of our own, however long
/// we were stopped ourselves.
const STILL: u32 = 40;
/// The one that leads gives a sign of life at each so many-th look: once a second.
const LOOKS_A_BEAT: u32 = 4;
/// The most that a poll may be younger than the sign of life before it.
const BETWEEN_BEATS: Duration = Duration::from_secs(1);
/// How long the last one of before may take to tidy up.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an outcome is waited for that another one may be about to tell: it has the token and keeps it.
const LAST_WORD: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Which part one takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Polls and listens, for all.
    Leads,
    /// Waits for what comes of it.
    Follows,
    /// Goes on by itself, as the one that leads stands still.
    Acts,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sight {
    part: Part,
    /// How it ended.
    outcome: Option<Outcome>,
    /// Whether the lead is ours, as nobody else has it any more.
    has_lead: bool,
    /// Looks since the last sign of life.
    without_beat: u32,
    /// Looks since we follow, as long as nothing has been shown.
    without_record: u32,
    /// Whether something is shown that was not.
    has_news: bool,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Stay,
    /// End as all do.
    Finish(Outcome),
    /// Lead on.
    Lead,
    /// Go on by oneself.
    Act,
    /// Show what is shown.
    Adopt,
}

fn next(sight: Sight) -> Next {
    match (sight.outcome, sight.part) {
        (Some(outcome), _) => Next::Finish(outcome),
        (None, Part::Follows) if sight.has_lead => Next::Lead,
        (None, Part::Follows) if sight.without_beat >= STILL => Next::Act,
        (None, Part::Follows) if sight.has_news => Next::Adopt,
        // Its center does not answer, or it cannot keep what it shows.
        (None, Part::Follows) if sight.without_record >= STILL => Next::Act,
        (None, _) => Next::Stay,
    }
}

/// What of a sign-in under way somebody with that wish takes part in; nothing where it is not what they ask for. Whoever asks
/// for another flow, another port or another place to listen goes a way of their own beside it ([`Found::Beside`]), and so does whoever comes
/// when its time is over.
fn shared(record: &Record, topic: &Topic, wish: &Wish, now: Timestamp) -> Option<UnderWay> {
    if record.what != topic.what {
        return None;
    }
    let has = |way| wish.ways.contains(&way);
    let UnderWay { link, codes } = record.under_way.clone();
    let is_our_place = |port| {
        (wish.port == 0 || port == Some(wish.port))
            && (wish.callback_listen.is_none() || wish.callback_listen == record.listens_on)
    };
    // A link that leads elsewhere was not shown by one of us, whoever owns the record.
    let link = link.filter(|pending| topic.is_own(&pending.link)).filter(|pending| {
        // Somebody who thinks that the browser comes back by itself waits in vain where nobody listens.
        let is_our_way = has(Way::Open) && record.listens || has(Way::Paste) && !has(Way::Open);
        now < pending.link.expires_at && is_our_place(pending.port()) && is_our_way
    });
    let codes = codes.filter(|pending| now < pending.codes.expires_at && has(Way::Code));
    let shared = UnderWay { link, codes };
    (!shared.is_empty()).then_some(shared)
}

/// The target of the sign-in, as the processes that share a sign-in compare it.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    /// Token file, start URL, address of the center, scopes.
    pub(crate) what: String,
    /// The origin of the center, at which its authorize page lies.
    pub(crate) origin: String,
}

impl Topic {
    /// Whether a link leads to the center, and its short form and the way back to this machine.
    fn is_own(&self, link: &Link) -> bool {
        let is_at = |address: &str, origin: &str| {
            address.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'))
        };
        let is_local = |address: &str| {
            Address::parse(address).is_some_and(|address| address.is_loopback() && !address.is_https())
        };
        is_at(&link.address, &self.origin)
            && is_local(&link.redirect_uri)
            && link.short.as_deref().is_none_or(is_local)
    }
}

/// What a follower finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing has been shown yet.
    Nothing,
    /// Something that it takes part in, led by that process.
    Shared(UnderWay, u32),
    /// Another way to the same token, led by that process.
    Beside(u32),
    /// Something else.
    Other,
}

#[derive(Debug, Clone)]
struct Places {
    lead: PathBuf,
    present: PathBuf,
    record: StateFile,
    outcome: StateFile,
    answer: PathBuf,
}

impl Places {
    fn new(state: &StateFolder, name: &str) -> Self {
        let at = |ending: &str| state.file(format!("{FOLDER}/{name}{ending}"));
        let lock = |ending: &str| at(ending).path().to_owned();
        Self {
            lead: lock(".lead.lock"),
            present: lock(".present.lock"),
            record: at(".txt"),
            outcome: at(".outcome.txt"),
            answer: lock(".answer.lock"),
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        Outcome::parse(&self.outcome.read().ok()??)
    }

    fn record(&self) -> Option<Record> {
        // Secrets: they are wiped when they have been read.
        Record::parse(&Zeroizing::new(self.record.read().ok()??))
    }

    /// What cannot be removed is removed by the next one that begins.
    fn tidy(&self) {
        let _ = self.record.remove();
        let _ = self.outcome.remove();
    }
}

/// The right to exchange a browser's answer; it is kept once it was taken, until it turns out that it was none.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    /// Where it says how it ended.
    outcome: StateFile,
    lock: Mutex<Option<Lock>>,
}

impl Claim {
    /// Whether the answer is ours to exchange. Where nobody can say, it is.
    pub(crate) fn take(&self) -> bool {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_none() {
            match shelf::hold(&self.path) {
                Ok(Held::ByUs(held)) => *lock = Some(held),
                Ok(Held::ByAnother(_)) => return false,
                Err(_) => {}
            }
        }
        true
    }

    /// What was exchanged is no answer: others may bring one.
    pub(crate) fn release(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until the other one that has it gives it up, for as long as somebody wants to know. Whether that was without an
    /// outcome, so that another answer may count.
    pub(crate) fn take_later(claim: &Weak<Self>, clock: &Clock) -> bool {
        while let Some(claim) = claim.upgrade() {
            if claim.take() {
                // An outcome is told before the claim is given up.
                let is_free = !claim.outcome.exists();
                if !is_free {
                    claim.release();
                }
                return is_free;
            }
            drop(claim);
            clock.sleep_until(after(clock.now(), BETWEEN_LOOKS));
        }
        false
    }
}

/// One that takes part.
#[derive(Debug)]
pub(crate) struct Company {
    places: Places,
    topic: Topic,
    part: Part,
    lead: Option<Lock>,
    presence: Option<Presence>,
    claim: Arc<Claim>,
    /// The record of a sign-in whose processes are all gone, and the time since the last of them polled, at least.
    left_behind: Option<(Record, Duration)>,
    /// Whether the record stays when this one leaves, for a later process to finish.
    keeps_record: bool,
    /// What was adopted last.
    seen: Option<Record>,
    beat: Option<Beat>,
    without_beat: u32,
    without_record: u32,
    looks: u32,
    /// Whether it goes its own way to the same token.
    is_beside: bool,
    /// Where the one that leads listens instead of 127.0.0.1.
    listens_on: Option<IpAddr>,
}

impl Company {
    /// Takes part in the sign-in to `what`, as the one that leads if nobody does. Nothing where that cannot be done.
    pub(crate) fn join(
        state: &StateFolder,
        name: &str,
        topic: Topic,
        listens_on: Option<IpAddr>,
    ) -> Option<Self> {
        let places = Places::new(state, name);
        files::keep_private_folder(&state.make(FOLDER).ok()?).ok()?;
        let presence = Presence::begin(&places.present, PATIENCE).ok()??;
        let lead = match shelf::hold(&places.lead) {
            Ok(Held::ByUs(lock)) => Some(lock),
            Ok(Held::ByAnother(_)) => None,
            Err(_) => return None,
        };
        let mut left_behind = None;
        if lead.is_some() && presence.is_alone() {
            // It stays on the disk until something else takes its place: this process may be killed, too.
            let idle = lead.as_ref().and_then(Lock::since_beat).unwrap_or_default();
            left_behind = places
                .record()
                .filter(|record| record.what == topic.what && places.outcome().is_none())
                .map(|record| (record, idle.saturating_sub(BETWEEN_BEATS)));
            if left_behind.is_none() {
                places.tidy();
            }
        }
        lead.iter().for_each(Lock::beat);
        if places.outcome().is_some() {
            // It is over; those who take part are about to go.
            return None;
        }
        // Where something is shown, one of those who show it leads on; who comes now follows.
        let lead = lead.filter(|_| left_behind.is_some() || places.record().is_none());
        let claim = Arc::new(Claim {
            path: places.answer.clone(),
            outcome: places.outcome.clone(),
            lock: Mutex::default(),
        });
        let part = if lead.is_some() { Part::Leads } else { Part::Follows };
        Some(Self {
            places,
            topic,
            part,
            lead,
            presence: Some(presence),
            claim,
            left_behind,
            keeps_record: false,
            seen: None,
            beat: None,
            without_beat: 0,
            without_record: 0,
            looks: 0,
            is_beside: false,
            listens_on,
        })
    }

    pub(crate) fn part(&self) -> Part {
        self.part
    }

    /// The right to exchange the answer that all wait for; nothing where this one waits for another.
    pub(crate) fn claim(&self) -> Option<Arc<Claim>> {
        (!self.is_beside).then(|| Arc::clone(&self.claim))
    }

    /// How it ended, as far as that concerns this one.
    fn outcome(&self) -> Option<Outcome> {
        self.places.outcome().filter(|outcome| !self.is_beside || *outcome == Outcome::SignedIn)
    }

    /// The link and code of a sign-in whose processes are all gone, and the time since the last of them polled, at least; `None` if there
    /// was none. Asked for once.
    pub(crate) fn take_left_behind(&mut self) -> Option<(Record, Duration)> {
        self.left_behind.take()
    }

    /// This process has polled, and the codes still wait. The record keeps the pause between polls, so that processes that come
    /// one after the other slow down as one would.
    pub(crate) fn keep_waiting(&self, record: &Record) {
        self.lead.iter().for_each(Lock::beat);
        // If it cannot be kept, the next process polls too soon and is told so.
        let _ = self.places.record.keep(record.to_text().as_bytes());
    }

    /// The part of a record that somebody with that wish goes on with.
    pub(crate) fn part_of(&self, record: &Record, wish: &Wish, now: Timestamp) -> UnderWay {
        shared(record, &self.topic, wish, now).unwrap_or_default()
    }

    /// The address at which the process that is gone listened, if that was not 127.0.0.1.
    pub(crate) fn listen_on(&mut self, address: Option<IpAddr>) {
        self.listens_on = address;
    }

    /// The link and code stay, for a later process to finish.
    pub(crate) fn keep_record(&mut self) {
        self.keeps_record = true;
    }

    /// Looks at the others, and says what to do.
    pub(crate) fn look(&mut self) -> Next {
        self.looks = self.looks.wrapping_add(1);
        match (&self.lead, self.part) {
            (Some(lead), _) if self.looks.is_multiple_of(LOOKS_A_BEAT) => lead.beat(),
            (None, Part::Follows) => self.try_to_lead(),
            _ => {}
        }
        let record = self.places.record().filter(|_| self.part == Part::Follows);
        let is_nothing = record.is_none() && self.seen.is_none();
        self.without_record = if is_nothing { self.without_record.saturating_add(1) } else { 0 };
        let has_news = record.is_some() && record != self.seen;
        next(Sight {
            part: self.part,
            outcome: self.outcome(),
            has_lead: self.lead.is_some(),
            without_beat: self.without_beat,
            without_record: self.without_record,
            has_news,
        })
    }

    fn try_to_lead(&mut self) {
        match shelf::hold(&self.places.lead) {
            Ok(Held::ByUs(lock)) => self.lead = Some(lock),
            Ok(Held::ByAnother(beat)) if beat == self.beat => {
                self.without_beat = self.without_beat.saturating_add(1);
            }
            Ok(Held::ByAnother(beat)) => {
                self.beat = beat;
                self.without_beat = 0;
            }
            // A file system that does not answer gives no sign of life either.
            Err(_) => self.without_beat = self.without_beat.saturating_add(1),
        }
    }

    /// What there is for somebody with that wish.
    pub(crate) fn adopt(&mut self, wish: &Wish, now: Timestamp) -> Found {
        self.seen = self.places.record();
        match &self.seen {
            None => Found::Nothing,
            Some(record) => match shared(record, &self.topic, wish, now) {
                Some(under_way) => {
                    self.listens_on = record.listens_on;
                    Found::Shared(under_way, record.process)
                }
                None if record.what == self.topic.what => Found::Beside(record.process),
                None => Found::Other,
            },
        }
    }

    /// Whether the one that leads polls for these codes: those that it showed, not those that were begun here.
    pub(crate) fn polls_for_us(&self, pending: &PendingCodes) -> bool {
        let shown = self.seen.as_ref().and_then(|record| record.under_way.codes.as_ref());
        self.part == Part::Follows && shown.is_some_and(|shown| shown.device_code == pending.device_code)
    }

    /// Where a browser comes back to, if not to 127.0.0.1: where the link that was shown leads.
    pub(crate) fn listens_on(&self) -> Option<IpAddr> {
        self.listens_on
    }

    /// From now on this one goes its own way to the same token: whoever has it first ends it for all, and a no ends but the way
    /// that it was said to.
    pub(crate) fn go_beside(&mut self) {
        self.part = Part::Acts;
        self.is_beside = true;
    }

    /// From now on this one leads, or goes on by itself.
    pub(crate) fn go_on(&mut self) {
        self.part = if self.lead.is_some() { Part::Leads } else { Part::Acts };
    }

    /// Lets the others know what is shown, if it is for this one to say. Where it cannot be kept, they begin sign-ins of their
    /// own.
    pub(crate) fn publish(&self, under_way: UnderWay, wish: &Wish) -> io::Result<()> {
        if self.part != Part::Leads {
            return Ok(());
        }
        let record = Record {
            what: self.topic.what.clone(),
            process: processes::own(),
            listens: wish.ways.contains(&Way::Open),
            listens_on: self.listens_on,
            under_way,
        };
        self.places.record.keep(record.to_text().as_bytes())
    }

    /// Whether something is shown that a later process can finish.
    pub(crate) fn has_shown(&self) -> bool {
        !self.is_beside && self.places.record().is_some()
    }

    /// Ends it for all.
    pub(crate) fn conclude(&self, outcome: &Outcome) {
        if self.is_beside && *outcome != Outcome::SignedIn {
            return;
        }
        // Where it cannot be kept, another one leads on, and its center says how it ended.
        let _ = self.places.outcome.keep(outcome.to_text().as_bytes());
    }

    /// The outcome that another one tells, or is about to tell.
    pub(crate) fn last_word(&self, clock: &Clock) -> Option<Outcome> {
        let end = after(clock.now(), LAST_WORD);
        loop {
            let outcome = self.outcome();
            let is_over = clock.now() >= end || self.presence.as_ref().is_none_or(Presence::is_alone);
            if outcome.is_some() || is_over {
                return outcome;
            }
            clock.sleep_until(after(clock.now(), BETWEEN_LOOKS));
        }
    }
}

/// Whether something lies there that a sign-in may have left behind.
pub(crate) fn has_record(state: &StateFolder, name: &str) -> bool {
    Places::new(state, name).record.exists()
}

/// Removes what a sign-in left behind that was killed with all that took part in it. One that is under way is left alone.
pub(crate) fn forget_the_killed(state: &StateFolder, name: &str) {
    if Places::new(state, name).record.exists() {
        // It tidies up when it comes, if it is the only one.
        let topic = Topic { what: String::new(), origin: String::new() };
        drop(Company::join(state, name, topic, None));
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        // Before the others can be the last.
        self.lead = None;
        if let Some(presence) = self.presence.take() {
            let keeps_record = self.keeps_record;
            presence.end(|| {
                if !keeps_record {
                    self.places.tidy();
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
