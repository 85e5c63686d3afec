//! One sign-in from its first offer to its end, alone or in company: whatever the others do, the flow is left and begun again
//! with what the person has been shown.

use std::cell::RefCell;
use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_formats::sso_cache::registration::Grant;
use center_client::start_url::Center;
use jiff::Timestamp;
use outside::loopback::Listener;
use outside::signals::{Ending, Heard, Watch};
use wire::Secret;
use wire::oidc::CreateTokenResponse;

use super::answers::{bringer, listen, paste_reader};
use super::pending::stays_pending;
use super::{Mode, SignInError, SignedIn, Wish};
use crate::came::LookedAt;
use crate::choose::Way;
use crate::company::Outcome as Told;
use crate::company::{Company, Found, Next, Part};
use crate::cool_down::Tally;
use crate::drive::{Crew, Inbox, News, drive};
use crate::flow::device::DeviceFlow;
use crate::flow::exposure::Exposure;
use crate::flow::pkce::PkceFlow;
use crate::flow::race::Race;
use crate::flow::under_way::{PendingLink, Shared, UnderWay};
use crate::flow::{Deed, FlowError, Granted};
use crate::inlet::keys::Keys;
use crate::inlet::lines::Lines;
use crate::inlet::loopback::{Expected, Inlet, Outcome, ShortLink};
use crate::progress::{Offer, Progress, Watcher};
use crate::session::Session;

/// How it ended well.
pub(super) enum Ended {
    /// A token came. What is known of its person is there if it was looked at already.
    Here(Granted, Option<Box<LookedAt>>),
    /// Another process has kept it.
    Elsewhere,
}

/// Where a sign-in goes on.
pub(super) struct Room<'a> {
    pub(super) session: &'a Session,
    pub(super) center: &'a Center,
    pub(super) wish: Wish,
    /// What a program sends, across all attempts.
    lines: Lines,
    pub(super) tally: RefCell<&'a mut Tally>,
    pub(super) company: RefCell<Option<Company>>,
    /// What waits for the person.
    pub(super) under_way: UnderWay,
    /// What they have been shown by word of others.
    pub(super) shown: Vec<Offer>,
    pub(super) inlet: Option<Inlet>,
    pub(super) endings: Arc<Mutex<Endings>>,
    /// When to poll for codes that were taken over; `None` for at once.
    pub(super) polls_from: Option<Timestamp>,
    /// Whether to start a browser on what was taken over.
    pub(super) opens_again: bool,
    /// Whether what waits for the user was taken over and is not shown yet.
    pub(super) is_recovered: bool,
    /// Whether the user has said no to an earlier sign-in, so that nothing is unanswered.
    pub(super) was_answered: bool,
    /// Why what was shown could not be kept for others.
    pub(super) not_kept: RefCell<Option<io::Error>>,
    /// What is to be told as soon as somebody listens: it went on here.
    turned: Option<Progress>,
}

impl<'a> Room<'a> {
    /// Takes part in what is under way, if something is.
    pub(super) fn new(session: &'a Session, center: &'a Center, wish: Wish, tally: &'a mut Tally) -> Self {
        Self {
            session,
            center,
            company: RefCell::new(session.company(center, &wish)),
            wish,
            lines: Lines::default(),
            tally: RefCell::new(tally),
            under_way: UnderWay::default(),
            shown: Vec::new(),
            inlet: None,
            endings: Arc::default(),
            polls_from: None,
            opens_again: false,
            is_recovered: false,
            was_answered: false,
            not_kept: RefCell::default(),
            turned: None,
        }
    }

    /// Goes on until it is over. A command that is held back until that time redeems what is approved, and begins nothing.
    ///
    /// # Errors
    /// When it does not come to a token.
    pub(super) fn turn(
        &mut self,
        held_back_until: Option<Timestamp>,
        watcher: &mut dyn Watcher,
    ) -> Result<Ended, SignInError> {
        if self.wish.mode == Mode::LeavePending && self.company.get_mut().is_none() {
            return Err(SignInError::CannotLeavePending { target: self.session.name(), why: None });
        }
        self.look_around(watcher);
        // Between two flows nobody else hears it.
        let heard = Arc::clone(&self.endings);
        let _watch = Watch::start(move |ending| lock(&heard).hear(ending));
        if let Some(granted) = self.redeem(held_back_until.is_some(), watcher)? {
            return Ok(Ended::Here(granted, None));
        }
        if let Some(until) = held_back_until.filter(|_| !self.was_answered) {
            return Err(self.session.cooling_down(until));
        }
        loop {
            if let Some(ending) = lock(&self.endings).heard {
                return Err(SignInError::Cancelled(ending));
            }
            let is_shown = !self.under_way.is_empty();
            match self.wish.mode {
                Mode::LeavePending if is_shown && self.follows() => return Err(self.left_pending()),
                Mode::Resume if !is_shown && !self.follows() => return Err(self.nothing_pending()),
                _ => {}
            }
            let error = match self.attempt(watcher)? {
                Ok(granted) => return Ok(Ended::Here(granted, None)),
                Err(FlowError::LeftPending) => return Err(self.left_or_lost()),
                Err(error) => error,
            };
            let next = match &error {
                FlowError::Company => self.company.get_mut().as_mut().map_or(Next::Stay, Company::look),
                error => self.last_word(error).map_or(Next::Stay, Next::Finish),
            };
            match (next, error) {
                (Next::Finish(outcome), _) => return self.as_told(outcome),
                (Next::Lead | Next::Act, _) => self.go_on(),
                (Next::Adopt, _) => self.look_around(watcher),
                (Next::Stay, FlowError::Company) => {}
                (Next::Stay, error) => return Err(self.session.explain(error)),
            }
        }
    }

    /// Another process may have the token, and its center says so to us by a no: not if that is the end of our own time.
    fn last_word(&mut self, error: &FlowError) -> Option<Told> {
        let now = self.session.clock.now();
        let has_time = |offer: &Offer| match offer {
            Offer::Link(link) => link.expires_at > now,
            Offer::Codes(codes) => codes.expires_at > now,
        };
        let may_be = match error {
            FlowError::Call(_) => true,
            FlowError::Expired => self.under_way.offers().iter().any(has_time),
            _ => false,
        };
        self.company.get_mut().as_ref().filter(|_| may_be)?.last_word(&self.session.clock)
    }

    /// The end with that error, unless another process has ended the sign-in for all.
    pub(super) fn after_other(&mut self, error: FlowError) -> Result<Ended, SignInError> {
        match (&error, self.company.get_mut().as_mut().map(Company::look)) {
            (FlowError::Company, Some(Next::Finish(outcome))) => self.as_told(outcome),
            _ => Err(self.session.explain(error)),
        }
    }

    fn left_or_lost(&mut self) -> SignInError {
        let is_kept = self.company.get_mut().as_ref().is_some_and(Company::has_shown);
        match (is_kept, self.not_kept.take()) {
            (true, None) => self.left_pending(),
            (_, why) => SignInError::CannotLeavePending {
                target: self.session.name(),
                why: why.map(|error| error.to_string()),
            },
        }
    }

    fn as_told(&self, outcome: Told) -> Result<Ended, SignInError> {
        let error = match outcome {
            Told::SignedIn => return Ok(Ended::Elsewhere),
            Told::Denied => FlowError::Denied,
            Told::DeniedInBrowser { error, description } => FlowError::DeniedInBrowser { error, description },
        };
        Err(self.session.explain(error))
    }

    /// Takes leave of the others and of the browser that came back.
    pub(super) fn leave(mut self, signed_in: &Result<SignedIn, SignInError>) {
        let told = match signed_in {
            Ok(_) => Some(Told::SignedIn),
            Err(SignInError::Denied { .. } | SignInError::NotConfirmed { .. }) => Some(Told::Denied),
            Err(SignInError::DeniedInBrowser { error, description, .. }) => {
                Some(Told::DeniedInBrowser { error: error.clone(), description: description.clone() })
            }
            Err(_) => None,
        };
        if let Some(mut company) = self.company.get_mut().take() {
            if signed_in.as_ref().is_err_and(stays_pending) {
                company.keep_record();
            }
            told.into_iter().for_each(|told| company.conclude(&told));
        }
        if let Some(inlet) = self.inlet.take() {
            inlet.finish(match signed_in {
                Ok(_) => Outcome::SignedIn,
                Err(error) => Outcome::Failed(error.to_string()),
            });
        }
    }

    pub(super) fn follows(&self) -> bool {
        self.company.borrow().as_ref().is_some_and(|company| company.part() == Part::Follows)
    }

    /// Shows what another process shows, where that is what is asked for here; where it is not, this one is alone.
    fn look_around(&mut self, watcher: &mut dyn Watcher) {
        if !self.follows() {
            return;
        }
        let now = self.session.clock.now();
        let Some(company) = self.company.get_mut() else { return };
        // A code that was begun here stays: the person sees it, and nobody else waits for it.
        let own = self.under_way.codes.clone().filter(|pending| !company.polls_for_us(pending));
        let (mut under_way, process) = match company.adopt(&self.wish, now) {
            Found::Nothing => return,
            Found::Beside(process) => {
                company.go_beside();
                watcher.told(Progress::GoesBeside { process });
                return;
            }
            Found::Other => {
                *self.company.get_mut() = None;
                return;
            }
            Found::Shared(under_way, process) => (under_way, process),
        };
        if self.shown.is_empty() {
            watcher.told(Progress::Joined { process });
        }
        if own.is_some() {
            under_way.codes = None;
        }
        self.show(&under_way, watcher);
        self.under_way = under_way.or(UnderWay { link: self.under_way.link.take(), codes: own });
    }

    fn go_on(&mut self) {
        let Some(company) = self.company.get_mut() else { return };
        company.go_on();
        if !self.under_way.is_empty() {
            self.turned = Some(match company.part() {
                Part::Acts => Progress::WentOnBeside,
                Part::Leads | Part::Follows => Progress::TookOver { listens_on: company.listens_on() },
            });
        }
    }

    /// One flow, until it is over or left.
    fn attempt(&mut self, watcher: &mut dyn Watcher) -> Result<Result<Granted, FlowError>, SignInError> {
        // Before anything is shown: whoever follows the link must find somebody there.
        self.inlet = None;
        let listener = self.listener(watcher)?;
        let (inbox, wish) = (Inbox::new(), self.joined_wish());
        let page = self.page_to_open_again(listener.is_some());
        let browser = self.browser(&wish, listener, &inbox)?;
        self.turned.take().into_iter().for_each(|turned| watcher.told(turned));
        self.show_recovered(watcher);
        let claim = self.company.get_mut().as_ref().and_then(Company::claim);
        let (browser, reader) = match browser {
            Some((flow, expected)) => {
                (Some(flow), wish.takes_answers().then(|| paste_reader(expected, claim)))
            }
            None => (None, None),
        };
        let mut reader = reader;
        if let Some(reader) = reader.take_if(|_| wish.reads_lines) {
            self.lines.listen(reader, wish.ways == [Way::Paste], inbox.sender());
        }
        let race = Race::new(browser, self.device(&wish), wish.first());
        let known = if self.follows() { self.under_way.clone() } else { UnderWay::default() };
        let leaves_pending = self.wish.mode == Mode::LeavePending;
        let mut flow = Shared::new(race, known).leaving_pending(leaves_pending);
        if let Some(page) = page {
            watcher.told(self.session.open_browser(&page, &self.wish, &inbox.sender()));
        }
        // Without a terminal that can be listened to, what was shown still works.
        let marks = self.session.env.knows_sequences();
        let keys = wish.reads_keys.then(|| Keys::listen(wish.letters(), reader, marks, inbox.sender()).ok());
        let keys = keys.flatten();
        lock(&self.endings).pass_on_to(inbox.sender());
        let ended = self.drive(&mut flow, keys.as_ref(), &inbox, watcher);
        lock(&self.endings).inbox = None;
        drop(keys);
        self.lines.rest();
        self.under_way = match ended {
            Err(FlowError::Company) => flow.under_way(),
            _ => flow.shared(),
        };
        Ok(ended)
    }

    fn drive(
        &self,
        flow: &mut Shared,
        keys: Option<&Keys>,
        inbox: &Inbox,
        watcher: &mut dyn Watcher,
    ) -> Result<Granted, FlowError> {
        let (session, center) = (self.session, self.center);
        let heard = inbox.sender();
        let signpost = self.inlet.as_ref().map(Inlet::signpost);
        let mut act = |deed| match deed {
            Deed::Share(under_way) => {
                self.share(*under_way);
                None
            }
            Deed::ReleaseAnswer => {
                if let Some(claim) = self.company.borrow().as_ref().and_then(Company::claim) {
                    claim.release();
                }
                None
            }
            // It is of use to the one that leads.
            Deed::DropRegistration(_) if self.follows() => None,
            Deed::OpenBrowser(page) => Some(session.open_browser(&page, &self.wish, &heard)),
            deed => session.act(deed, center, signpost.as_ref()),
        };
        let has_company = self.company.borrow().is_some();
        let mut look =
            || self.company.borrow_mut().as_mut().is_some_and(|company| company.look() != Next::Stay);
        let revoke = |token: CreateTokenResponse| drop(session.give_back(center, &token.access_token));
        let mut crew = Crew {
            clock: &session.clock,
            ask: Arc::new(session.asker(center)),
            act: &mut act,
            revoke: &revoke,
            watcher,
            loan: keys.map(Keys::loan),
            look: has_company.then_some(&mut look),
        };
        drive(flow, &mut crew, inbox)
    }

    /// The place for a browser to come back to: that of the link that the person sees, where there is one. Where it cannot be had
    /// any more, that link leads nowhere, and another one takes its place unless there are codes.
    fn listener(&mut self, watcher: &mut dyn Watcher) -> Result<Option<Listener>, SignInError> {
        if self.follows() {
            return Ok(None);
        }
        if let Some(pending) = &self.under_way.link {
            if !self.wish.ways.contains(&Way::Open) {
                return Ok(None);
            }
            let address = self.company.borrow().as_ref().and_then(Company::listens_on);
            let address = address.or(self.wish.callback_listen);
            let why = match listen(address, pending.port().unwrap_or_default()) {
                Ok(listener) => return Ok(Some(listener)),
                Err(error) => error.to_string(),
            };
            if self.wish.mode == Mode::Resume && self.wish.ways.contains(&Way::Paste) {
                // The command that showed the link did not listen either.
                self.wish.ways.retain(|way| *way != Way::Open);
                watcher.told(Progress::NotListening { why });
                return Ok(None);
            }
            self.under_way.link = None;
            if self.is_recovered {
                // It was not shown yet.
                return self.listener(watcher);
            }
            self.turned.take().into_iter().for_each(|turned| watcher.told(turned));
            watcher.told(match self.under_way.codes {
                Some(_) => Progress::WayClosed { way: Way::Open, why },
                None => Progress::BeganAfresh { why },
            });
        }
        let is_wanted = self.under_way.is_empty() && self.wish.offers(Grant::AuthorizationCode);
        if !is_wanted {
            return Ok(None);
        }
        match listen(self.wish.callback_listen, self.wish.port) {
            Err(error @ (SignInError::CannotListen { .. } | SignInError::PortTaken { .. }))
                if self.wish.can_do_without_listening() =>
            {
                let why = match &error {
                    SignInError::CannotListen { source, .. } => source.to_string(),
                    taken => {
                        // A browser that comes back must not bring the answer to whoever listens there.
                        self.wish.port = 0;
                        taken.to_string()
                    }
                };
                if self.wish.ways.contains(&Way::Open) {
                    self.wish.ways.retain(|way| *way != Way::Open);
                    watcher.told(Progress::WayClosed { way: Way::Open, why });
                }
                Ok(None)
            }
            listener => listener.map(Some),
        }
    }

    /// The wish of somebody who has been shown something already: the other ways begin with a key, if they need no port.
    fn joined_wish(&self) -> Wish {
        let mut wish = self.wish.clone();
        if self.under_way.is_empty() && !self.follows() {
            return wish;
        }
        let (has_link, has_codes) = (self.under_way.link.is_some(), self.under_way.codes.is_some());
        let is_nothing = !has_link && !has_codes;
        wish.ways.retain(|way| !is_nothing && (*way == Way::Code || has_link));
        if !has_codes {
            wish.ways.sort_by_key(|way| *way == Way::Code);
        }
        wish.reads_keys &= !is_nothing;
        wish
    }

    /// The flow that ends with a browser's answer, and what the answer must be like.
    fn browser(
        &mut self,
        wish: &Wish,
        listener: Option<Listener>,
        inbox: &Inbox,
    ) -> Result<Option<(PkceFlow, Expected)>, SignInError> {
        let port = listener.as_ref().map_or(self.wish.port, Listener::port);
        // Where no browser is to come back, nobody listens.
        let listener = listener.filter(|_| wish.ways.contains(&Way::Open));
        let (flow, expected, short) = match &self.under_way.link {
            Some(pending) => {
                let flow =
                    PkceFlow::resumed(PendingLink::clone(pending)).ending_when_reused(!wish.reads_keys);
                (flow, self.expected(pending), pending.short_path())
            }
            None if wish.offers(Grant::AuthorizationCode) => {
                let has_short = listener.is_some()
                    && wish.first() == Way::Open
                    && wish.browser_is_here
                    && wish.listens_on_localhost();
                let short = has_short.then(|| self.session.short_path()).transpose()?;
                let port = if port > 0 { port } else { self.session.unheard_port()? };
                let opened = (short.as_ref(), has_short && self.wish.opens_short && wish.open_browser);
                let (asking, expected) = self.session.asking(self.center, port, opened)?;
                (self.session.browser_flow(self.center, wish, asking), expected, short)
            }
            None => return Ok(None),
        };
        if let Some(listener) = listener {
            let claim = self.company.get_mut().as_ref().and_then(Company::claim);
            let bring = bringer(inbox, claim, &self.session.clock);
            let short = short.map(|path| self.short_link(path, flow.cookie()));
            let inlet = Inlet::open(listener, expected.clone(), short, bring).map_err(|source| {
                SignInError::CannotListen { address: Ipv4Addr::LOCALHOST.into(), source }
            })?;
            self.inlet = Some(inlet);
        }
        Ok(Some((flow, expected)))
    }

    /// The short link at that path. Its visitors are told apart if it stands in the arguments of a browser, as it does if one was
    /// started on it, or is about to be.
    fn short_link(&self, path: Secret, cookie: Secret) -> ShortLink {
        let (exposure, address) = match &self.under_way.link {
            Some(pending) => (pending.exposure, Some(pending.link.address.clone())),
            None if self.wish.opens_short && self.wish.open_browser => (Exposure::ShortLink, None),
            None => (Exposure::Hidden, None),
        };
        let short = ShortLink::new(path).leading_to(address);
        if exposure.is_guarded() { short.guarded(cookie, exposure != Exposure::ShortLink) } else { short }
    }

    fn expected(&self, pending: &PendingLink) -> Expected {
        Expected {
            port: pending.port().unwrap_or_default(),
            state: pending.state.clone(),
            issuer: self.center.issuer.clone(),
            target: self.session.name(),
        }
    }

    /// The flow that ends with an approval.
    fn device(&self, wish: &Wish) -> Option<DeviceFlow> {
        let Some(pending) = &self.under_way.codes else {
            return wish.offers(Grant::DeviceCode).then(|| self.session.device_flow(self.center, wish));
        };
        let company = self.company.borrow();
        let is_polled = company.as_ref().is_some_and(|company| company.polls_for_us(pending));
        let polls_from = (!is_polled).then(|| self.polls_from.unwrap_or_else(|| self.session.clock.now()));
        Some(DeviceFlow::resumed(crate::flow::under_way::PendingCodes::clone(pending), polls_from))
    }
}

/// Somebody wants this process to end. A flow hears that itself, once it has begun to listen; until then it is kept here.
#[derive(Default)]
pub(super) struct Endings {
    heard: Option<Ending>,
    pub(super) inbox: Option<Sender<News>>,
}

impl Endings {
    fn hear(&mut self, ending: Ending) {
        self.heard = Some(ending);
        self.tell();
    }

    /// From now on the flow of that inbox is told, also of what was heard before.
    pub(super) fn pass_on_to(&mut self, inbox: Sender<News>) {
        self.inbox = Some(inbox);
        self.tell();
    }

    fn tell(&self) {
        if let (Some(ending), Some(inbox)) = (self.heard, &self.inbox) {
            // It may hear of it twice, and ends at the first time.
            let _ = inbox.send(News::Signal(Heard::Ending(ending)));
        }
    }
}

pub(super) fn lock(endings: &Mutex<Endings>) -> MutexGuard<'_, Endings> {
    endings.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_signal_between_two_flows_reaches_the_next_one() {
        let mut endings = Endings::default();
        endings.hear(Ending::Interrupt);
        let (sender, inbox) = channel();
        endings.pass_on_to(sender);
        let told = inbox.try_recv();
        assert!(matches!(told, Ok(News::Signal(Heard::Ending(Ending::Interrupt)))), "{told:?}");
        endings.hear(Ending::HangUp);
        let told = inbox.try_recv();
        assert!(matches!(told, Ok(News::Signal(Heard::Ending(Ending::HangUp)))), "{told:?}");
    }
}
