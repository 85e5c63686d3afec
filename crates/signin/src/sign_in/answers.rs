//! The ways by which a browser's answer comes to a flow: over the listener, and as text that somebody pastes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use outside::clock::Clock;
use outside::loopback::Listener;

use super::SignInError;
use crate::company::Claim;
use crate::drive::{Inbox, News};
use crate::flow::Event;
use crate::inlet::keys::{Given, Reader, Trouble};
use crate::inlet::loopback::{Brought, Expected};
use crate::inlet::paste::{self, Found as Pasted};

/// The handler that takes the answer of a browser to the flow.
pub(super) fn bringer(
    inbox: &Inbox,
    claim: Option<Arc<Claim>>,
    clock: &Clock,
) -> impl FnMut(Brought) + Send + 'static {
    let (arrived, clock) = (inbox.sender(), clock.clone());
    move |brought| {
        let answer = match brought {
            Brought::Answer(answer) => answer,
            Brought::Visit(visit) => {
                let _ = arrived.send(News::Event(Event::LinkVisited(visit)));
                return;
            }
        };
        let arrives = News::Event(Event::Arrived(answer));
        match claim.as_ref().filter(|claim| !claim.take()) {
            None => drop(arrived.send(arrives)),
            // The process that has taken one already says how it ends, and the browser waits for that; unless it turns out to be none.
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

/// The reader of a pasted answer to that request.
pub(super) fn paste_reader(expected: Expected, claim: Option<Arc<Claim>>) -> Reader {
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

pub(super) fn listen(address: Option<IpAddr>, port: u16) -> Result<Listener, SignInError> {
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
