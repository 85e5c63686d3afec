//! One sign-in from its first offer to its end, alone or in company: whatever the others do, the flow is left and begun again
//! with what the person has been shown.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_formats::sso_cache::registration::Grant;
use center_client::start_url::Center;
use outside::clock::{Clock, until};
use outside::loopback::Listener;
use outside::signals::{Ending, Heard, Watch};
use wire::oidc::CreateTokenResponse;

use super::{SignInError, SignedIn, Wish};
use crate::choose::Way;
use crate::company::Outcome as Told;
use crate::company::{Claim, Company, Found, Next, Part};
use crate::cool_down::Tally;
use crate::drive::{Crew, Inbox, News, drive};
use crate::flow::device::DeviceFlow;
use crate::flow::pkce::PkceFlow;
use crate::flow::race::Race;
use crate::flow::under_way::{PendingLink, Shared, UnderWay};
use crate::flow::{Deed, Event, FlowError, Granted};
use crate::inlet::keys::{Given, Keys, Reader, Trouble};
use crate::inlet::lines::Lines;
use crate::inlet::loopback::{Arrival, Expected, Inlet, Outcome};
use crate::inlet::paste::{self, Found as Pasted};
use crate::progress::{Offer, Progress, Watcher};
use crate::session::Session;

/// How it ended well.
pub(super) enum Ended {
    /// A token came.
    Here(Granted),
    /// Another process has kept it.
    Elsewhere,
}

/// Where a sign-in goes on.
pub(super) struct Room<'a> {
    session: &'a Session,
    center: &'a Center,
    wish: Wish,
    /// What a program sends, across all attempts.
    lines: Lines,
    tally: RefCell<&'a mut Tally>,
    company: RefCell<Option<Company>>,
    /// What waits for the person.
    under_way: UnderWay,
    /// What they have been shown by word of others.
    shown: Vec<Offer>,
    inlet: Option<Inlet>,
    endings: Arc<Mutex<Endings>>,
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
            turned: None,
        }
    }

    /// Goes on until it is over.
    ///
    /// # Errors
    /// When it does not come to a token.
    pub(super) fn turn(&mut self, watcher: &mut dyn Watcher) -> Result<Ended, SignInError> {
        self.look_around(watcher);
        // Between two flows nobody else hears it.
        let heard = Arc::clone(&self.endings);
        let _watch = Watch::start(move |ending| lock(&heard).hear(ending));
        loop {
            if let Some(ending) = lock(&self.endings).heard {
                return Err(SignInError::Cancelled(ending));
            }
            let error = match self.attempt(watcher)? {
                Ok(granted) => return Ok(Ended::Here(granted)),
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
            Err(SignInError::Denied { .. }) => Some(Told::Denied),
            Err(SignInError::DeniedInBrowser { error, description, .. }) => {
                Some(Told::DeniedInBrowser { error: error.clone(), description: description.clone() })
            }
            Err(_) => None,
        };
        if let (Some(company), Some(told)) = (self.company.get_mut().take(), told) {
            company.conclude(&told);
        }
        if let Some(inlet) = self.inlet.take() {
            inlet.finish(match signed_in {
                Ok(_) => Outcome::SignedIn,
                Err(error) => Outcome::Failed(error.to_string()),
            });
        }
    }

    fn follows(&self) -> bool {
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
        for offer in under_way.offers() {
            if !self.shown.contains(&offer) {
                let (Offer::Link(crate::progress::Link { expires_at, .. })
                | Offer::Codes(crate::progress::Codes { expires_at, .. })) = &offer;
                let left = until(now, *expires_at);
                watcher.told(Progress::ActionRequired(offer.clone()));
                watcher.told(Progress::Waiting { left });
                self.shown.push(offer);
            }
        }
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
        let browser = self.browser(&wish, listener, &inbox)?;
        self.turned.take().into_iter().for_each(|turned| watcher.told(turned));
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
        let mut flow = Shared::new(race, known);
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
                self.tally.borrow_mut().begun();
                // Where it cannot be kept, nobody takes part.
                self.company
                    .borrow()
                    .as_ref()
                    .and_then(|company| company.publish(*under_way, &self.wish).err());
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
        let revoke = |token: CreateTokenResponse| session.give_back(center, &token.access_token);
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
            self.under_way.link = None;
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
                let flow = PkceFlow::resumed(PendingLink::clone(pending));
                (flow, self.expected(pending), pending.short_path())
            }
            None if wish.offers(Grant::AuthorizationCode) => {
                let has_short = listener.is_some()
                    && wish.first() == Way::Open
                    && wish.browser_is_here
                    && wish.listens_on_localhost();
                let short = has_short.then(|| self.session.short_path()).transpose()?;
                let port = if port > 0 { port } else { self.session.unheard_port()? };
                let (asking, expected) = self.session.asking(self.center, port, short.as_ref())?;
                (self.session.browser_flow(self.center, wish, asking), expected, short)
            }
            None => return Ok(None),
        };
        if let Some(listener) = listener {
            let claim = self.company.get_mut().as_ref().and_then(Company::claim);
            let bring = bringer(inbox, claim, &self.session.clock);
            let inlet = Inlet::open(listener, expected.clone(), short, bring).map_err(|source| {
                SignInError::CannotListen { address: Ipv4Addr::LOCALHOST.into(), source }
            })?;
            if let Some(pending) = &self.under_way.link {
                inlet.signpost().point_to(pending.link.address.clone());
            }
            self.inlet = Some(inlet);
        }
        Ok(Some((flow, expected)))
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
        let polls_from = (!is_polled).then(|| self.session.clock.now());
        Some(DeviceFlow::resumed(crate::flow::under_way::PendingCodes::clone(pending), polls_from))
    }
}

/// Somebody wants this process to end. A flow hears that itself, once it has begun to listen; until then it is kept here.
#[derive(Default)]
struct Endings {
    heard: Option<Ending>,
    inbox: Option<Sender<News>>,
}

impl Endings {
    fn hear(&mut self, ending: Ending) {
        self.heard = Some(ending);
        self.tell();
    }

    /// From now on the flow of that inbox is told, also of what was heard before.
    fn pass_on_to(&mut self, inbox: Sender<News>) {
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

fn lock(endings: &Mutex<Endings>) -> MutexGuard<'_, Endings> {
    endings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What takes a browser's answer to the flow.
fn bringer(inbox: &Inbox, claim: Option<Arc<Claim>>, clock: &Clock) -> impl FnMut(Arrival) + Send + 'static {
    let (arrived, clock) = (inbox.sender(), clock.clone());
    move |answer| {
        let arrives = News::Event(Event::Arrived(answer));
        match claim.as_ref().filter(|claim| !claim.take()) {
            None => drop(arrived.send(arrives)),
            // Who has taken one already says how it ends, and the browser waits for that; unless it turns out to be none.
            Some(claim) => {
                let (claim, arrived, clock) = (Arc::downgrade(claim), arrived.clone(), clock.clone());
                std::thread::spawn(move || {
                    let is_ours = Claim::take_later(&claim, &clock);
                    if is_ours && arrived.send(arrives).is_err() {
                        claim.upgrade().into_iter().for_each(|claim| claim.release());
                    }
                });
            }
        }
    }
}

/// What reads a pasted answer to that question.
fn paste_reader(expected: Expected, claim: Option<Arc<Claim>>) -> Reader {
    Box::new(move |text, given| {
        let trouble = |why: &str| Trouble { why: why.to_owned(), may_go_on: false, needs_enter: false };
        let event = match paste::read(text, &expected) {
            Ok(Pasted::Answer(answer)) => Event::Arrived(answer),
            Ok(Pasted::Bare(_)) if given == Given::Pasted => {
                let why = "this looks like a code without its address; if it is one that the link above led to, press Enter";
                return Err(Trouble { needs_enter: true, ..trouble(why) });
            }
            Ok(Pasted::Bare(code)) => Event::Guessed(code),
            Err(problem) => {
                return Err(Trouble { may_go_on: paste::may_go_on(text), ..trouble(&problem.to_string()) });
            }
        };
        if claim.as_ref().is_none_or(|claim| claim.take()) {
            Ok(event)
        } else {
            Err(trouble("another terminal has taken an answer to this sign-in and is at work on it"))
        }
    })
}

fn listen(address: Option<IpAddr>, port: u16) -> Result<Listener, SignInError> {
    let bound = match address {
        Some(address) => Listener::bind_elsewhere(address, port),
        None => Listener::bind(port),
    };
    let address = address.unwrap_or(Ipv4Addr::LOCALHOST.into());
    bound.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => SignInError::PortTaken { address, port },
        _ => SignInError::CannotListen { address, source },
    })
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
