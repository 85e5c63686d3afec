//! Sign-ins that an earlier process showed and did not finish: it was killed, or was told not to wait. Their codes are polled
//! once before anything new begins, so that no approval is lost; what still waits is shown again.

use outside::clock::until;
use wire::oidc::CreateTokenResponse;

use super::room::{Room, lock};
use super::{Mode, SignInError, Wish};
use crate::choose::Way;
use crate::company::{Company, Next, Record};
use crate::cool_down::Ended;
use crate::drive::{Crew, Inbox, drive};
use crate::flow::exposure::Exposure;
use crate::flow::redeem::{Redeem, Unredeemed};
use crate::flow::under_way::{PendingCodes, UnderWay};
use crate::flow::{Flow, FlowError, Granted, after};
use crate::inlet::keys::Keys;
use crate::progress::{Offer, Progress, Watcher};

/// The time that a link or a code must have left to be shown again by a command that may show a new one.
const TIME_TO_ACT: std::time::Duration = std::time::Duration::from_secs(120);

impl Room<'_> {
    /// Redeems the codes that an earlier process left behind if they are approved, and takes over what still waits for the user.
    /// `None` if there is no token yet. A command that is held back only redeems.
    ///
    /// # Errors
    /// If the command only finishes earlier sign-ins and there is none that can be finished; or a signal.
    pub(super) fn redeem(
        &mut self,
        is_held_back: bool,
        watcher: &mut dyn Watcher,
    ) -> Result<Option<Granted>, SignInError> {
        let resumes = self.wish.mode == Mode::Resume;
        let Some((mut record, idle)) = self.company.get_mut().as_mut().and_then(Company::take_left_behind)
        else {
            return if resumes && !self.follows() { Err(self.nothing_pending()) } else { Ok(None) };
        };
        let now = self.session.clock.now();
        let has_expired = expiries(&record.under_way).all(|end| end <= now);
        let codes = record.under_way.codes.take();
        if let Some(pending) = codes
            && self.wish.may_use_code
            && now < pending.codes.expires_at
        {
            // Processes that come one after the other keep the pace of one.
            let first_poll = after(now, pending.interval.saturating_sub(idle));
            let mut flow = Redeem::new(PendingCodes::clone(&pending), first_poll);
            let ended = self.turn_beside(&mut flow, None, watcher);
            match (ended, flow.unredeemed) {
                (Ok(granted), _) => {
                    watcher.told(Progress::EarlierCodeApproved);
                    return Ok(Some(granted));
                }
                (Err(error @ FlowError::Cancelled(_)), _) => return Err(self.session.explain(error)),
                (Err(_), Some(Unredeemed::Waits(interval))) => {
                    self.polls_from = Some(after(self.session.clock.now(), interval));
                    record.under_way.codes = Some(Box::new(PendingCodes { interval, ..*pending }));
                    if let Some(company) = self.company.get_mut() {
                        company.keep_waiting(&record);
                    }
                }
                (Err(error), Some(Unredeemed::Denied)) if resumes => return Err(self.session.explain(error)),
                (Err(_), Some(Unredeemed::Denied)) => {
                    self.tally.borrow_mut().over(Ended::Answered);
                    self.was_answered = true;
                    watcher.told(Progress::EarlierCodeDenied);
                }
                (Err(error), Some(Unredeemed::Expired)) if resumes && record.under_way.link.is_none() => {
                    return Err(self.session.explain(error));
                }
                (Err(_), Some(Unredeemed::Gone(error))) if resumes && record.under_way.link.is_none() => {
                    return Err(SignInError::Call(error));
                }
                (Err(_), _) => {}
            }
        }
        if is_held_back && !self.was_answered {
            return Ok(None);
        }
        self.take_over(record);
        match (resumes && self.under_way.is_empty(), has_expired) {
            (true, true) => Err(self.session.explain(FlowError::Expired)),
            (true, false) => Err(self.nothing_pending()),
            (false, _) => Ok(None),
        }
    }

    /// Goes on with what is left of a record, as far as it is asked for here.
    fn take_over(&mut self, record: Record) {
        let now = self.session.clock.now();
        let Some(company) = self.company.get_mut() else { return };
        let listens_on = record.listens_on;
        // Nobody listens any more; this process will.
        let mut record = Record { listens: true, ..record };
        record.under_way.link.take_if(|link| link.exposure == Exposure::ShortLinkReused);
        let mut under_way = match self.wish.mode {
            Mode::Resume => {
                let any_place = Wish { port: 0, callback_listen: None, ..self.wish.clone() };
                company.part_of(&record, &any_place, now)
            }
            Mode::Usual | Mode::LeavePending => company.part_of(&record, &self.wish, after(now, TIME_TO_ACT)),
        };
        if under_way.is_empty() {
            return;
        }
        company.listen_on(listens_on);
        self.opens_again = self.wish.open_browser && self.wish.mode == Mode::Usual;
        if self.wish.opens_short
            && self.opens_again
            && let Some(link) = &mut under_way.link
            && let (None, Some(port), Ok(path)) = (&link.link.short, link.port(), self.session.short_path())
        {
            link.link.short = Some(format!("http://127.0.0.1:{port}{}", path.expose()));
        }
        self.is_recovered = true;
        self.under_way = under_way;
    }

    /// Shows what was taken over, once somebody listens where its link leads.
    pub(super) fn show_recovered(&mut self, watcher: &mut dyn Watcher) {
        if std::mem::take(&mut self.is_recovered) && !self.under_way.is_empty() {
            self.share(self.under_way.clone());
            watcher.told(Progress::Recovered);
            self.show(&self.under_way.clone(), watcher);
        }
    }

    /// The page on which a browser is to be started for what was taken over; `None` if none is. `has_listener` says whether a
    /// short link leads anywhere.
    pub(super) fn page_to_open_again(&mut self, has_listener: bool) -> Option<String> {
        if !std::mem::take(&mut self.opens_again) {
            return None;
        }
        match (&mut self.under_way.link, &mut self.under_way.codes) {
            (Some(link), _) if self.wish.first() != Way::Code => {
                let short = link.link.short.clone().filter(|_| self.wish.opens_short && has_listener);
                link.exposure = link.exposure.after_start(short.is_some());
                Some(short.unwrap_or_else(|| link.link.address.clone()))
            }
            (_, Some(codes)) if self.wish.first() == Way::Code => {
                codes.exposure = Exposure::Address;
                let shown = codes.codes.clone();
                Some(shown.verification_uri_complete.unwrap_or(shown.verification_uri))
            }
            _ => None,
        }
    }

    /// Keeps what is about to be shown for other processes, and counts it as shown.
    pub(super) fn share(&self, under_way: UnderWay) {
        self.tally.borrow_mut().begun();
        // If it cannot be kept, no other process takes part.
        let company = self.company.borrow();
        let failed = company.as_ref().and_then(|company| company.publish(under_way, &self.wish).err());
        *self.not_kept.borrow_mut() = failed;
    }

    /// Tells the watcher of what waits for the user, once.
    pub(super) fn show(&mut self, under_way: &UnderWay, watcher: &mut dyn Watcher) {
        let now = self.session.clock.now();
        for offer in under_way.offers() {
            if self.shown.contains(&offer) {
                continue;
            }
            let end = match &offer {
                Offer::Link(link) => link.expires_at,
                Offer::Codes(codes) => codes.expires_at,
            };
            watcher.told(Progress::ActionRequired(offer.clone()));
            watcher.told(Progress::Waiting { left: until(now, end) });
            self.shown.push(offer);
        }
    }

    /// Turns a flow that is no part of the shared sign-in, with the keys that it needs. Another process may end it all meanwhile.
    pub(super) fn turn_beside(
        &self,
        flow: &mut dyn Flow,
        keys: Option<(&Keys, &Inbox)>,
        watcher: &mut dyn Watcher,
    ) -> Result<Granted, FlowError> {
        let (session, center) = (self.session, self.center);
        let own = Inbox::new();
        let inbox = keys.map_or(&own, |(_, inbox)| inbox);
        let mut look = || {
            let mut company = self.company.borrow_mut();
            company.as_mut().is_some_and(|company| matches!(company.look(), Next::Finish(_)))
        };
        let revoke = |token: CreateTokenResponse| drop(session.give_back(center, &token.access_token));
        let mut crew = Crew {
            clock: &session.clock,
            ask: std::sync::Arc::new(session.asker(center)),
            act: &mut |_| None,
            revoke: &revoke,
            watcher,
            loan: keys.map(|(keys, _)| keys.loan()),
            look: Some(&mut look),
        };
        lock(&self.endings).pass_on_to(inbox.sender());
        let ended = drive(flow, &mut crew, inbox);
        lock(&self.endings).inbox = None;
        ended
    }

    /// The end of a command that leaves what it has shown for a later one.
    pub(super) fn left_pending(&self) -> SignInError {
        let offers = if self.under_way.is_empty() { self.shown.clone() } else { self.under_way.offers() };
        let ends = offers.iter().map(|offer| match offer {
            Offer::Link(link) => link.expires_at,
            Offer::Codes(codes) => codes.expires_at,
        });
        let expires_at = ends.max().unwrap_or_else(|| self.session.clock.now());
        SignInError::LeftPending { target: self.session.name(), expires_at }
    }

    pub(super) fn nothing_pending(&self) -> SignInError {
        SignInError::NothingPending { target: self.session.name() }
    }
}

fn expiries(under_way: &UnderWay) -> impl Iterator<Item = jiff::Timestamp> {
    let link = under_way.link.iter().map(|pending| pending.link.expires_at);
    let codes = under_way.codes.iter().map(|pending| pending.codes.expires_at);
    link.chain(codes)
}

/// Whether a command that ended so leaves what it showed for a later one. A user who presses Ctrl-C or says no does not want it;
/// a command that was ended from outside may have been answered.
pub(super) fn stays_pending(error: &SignInError) -> bool {
    use outside::signals::Ending;

    matches!(
        error,
        SignInError::LeftPending { .. }
            | SignInError::CoolingDown { .. }
            | SignInError::InputEnded { .. }
            | SignInError::Cancelled(Ending::HangUp | Ending::Terminate)
    )
}
