//! What is told while a command other than `login` works: nothing but warnings.

use outside::Outside;
use signin::progress::{Progress, Watcher};

use super::when;
use super::words::{Style, warn};

/// Tells warnings.
#[derive(Debug)]
pub(crate) struct News<'a> {
    outside: &'a Outside,
    style: Style,
}

impl<'a> News<'a> {
    /// Tells them on standard error.
    pub(crate) fn new(outside: &'a Outside, style: Style) -> Self {
        Self { outside, style }
    }
}

impl Watcher for News<'_> {
    fn told(&mut self, progress: Progress) {
        if let Some(text) = warning(self.outside, progress) {
            warn(self.outside, self.style, &text);
        }
    }
}

/// The words of a warning; nothing for other news.
pub(crate) fn warning(outside: &Outside, progress: Progress) -> Option<String> {
    match progress {
        Progress::NotRefreshed { what, why, expires_at } => {
            let until = when::local(expires_at, outside.clock.now());
            Some(format!("the {what} could not be renewed; what there is can be used until {until}: {why}"))
        }
        Progress::NotLocked { what, path, why } => {
            Some(format!("the {what} may be renewed twice, as {} cannot be locked: {why}", path.display()))
        }
        Progress::StateNotUsed { why } => Some(state_not_used(&why)),
        Progress::NotKept { what, path, why } => {
            Some(format!("the {what} cannot be kept in {}: {why}", path.display()))
        }
        Progress::EndpointChanged { pinned: Some(pinned), endpoint } => {
            Some(format!("the sign-in was made at {pinned}, and its token goes to {endpoint}"))
        }
        Progress::EndpointChanged { pinned: None, endpoint } => {
            Some(format!("it is not known where the sign-in was made, and its token goes to {endpoint}"))
        }
        Progress::PinnedToOverride { endpoint, by } => Some(format!(
            "the token goes to {endpoint}, because {by} says so; if it is taken there, from now on it goes there only"
        )),
        Progress::EndedAtCenterOnly { target, path } => Some(format!(
            "the sign-in to {target} was ended at its center, for all who share {}",
            path.display()
        )),
        _ => None,
    }
}

/// The one line about a state folder that counts as missing.
pub(crate) fn state_not_used(why: &str) -> String {
    format!(
        "no state is kept or read, as {why}; so addresses are not pinned and terminals do not share a sign-in: \
         name a folder of your own with XDG_STATE_HOME"
    )
}
