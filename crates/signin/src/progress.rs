//! What a watcher may be told while something is under way. Every text is safe to show, and none is a secret but the
//! user code, which is there to be shown.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::came::Came;
use crate::choose::Way;
use crate::flow::exposure::Doubt;

/// The pair of code and page that a person needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// The code to compare or type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    /// The same place with the code filled in.
    pub verification_uri_complete: Option<String>,
    /// When the codes end, by this machine's clock.
    pub expires_at: Timestamp,
    /// The name under which this terminal is shown on the page.
    pub client_name: Option<String>,
}

/// An address to open in a browser on this machine, or on one that reaches this machine's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address.
    pub address: String,
    /// A short one on this machine's listener that leads to it, where the browser is on this machine. It holds 128 random bits,
    /// so that nobody else here finds the question.
    pub short: Option<String>,
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// Until when it is waited for, by this machine's clock.
    pub expires_at: Timestamp,
}

/// A way for the person to finish the sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// Open an address, in a browser that comes back here.
    Link(Link),
    /// Approve a code, in any browser.
    Codes(Codes),
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A sign-out ended the sign-in at its center, and could not remove the token file.
    EndedAtCenterOnly {
        /// The session's name or start URL.
        target: String,
        /// The token file.
        path: PathBuf,
    },
    /// The person has to act now.
    ActionRequired(Offer),
    /// This is a sign-in that an earlier process began and did not finish; what it showed follows.
    Recovered,
    /// The code that an earlier process showed was approved meanwhile.
    EarlierCodeApproved,
    /// The code that an earlier process showed was denied meanwhile.
    EarlierCodeDenied,
    /// The link was shown by an earlier process, and the browser cannot come back to this one.
    NotListening {
        /// Why not.
        why: String,
    },
    /// The short link was opened by somebody else than the browser that was started.
    LinkReused {
        /// Whether that is known to be another user of this machine.
        by_other_user: bool,
    },
    /// The user has to say whether the person who signed in is theirs, with [`crate::sign_in::KEEP_KEY`] or
    /// [`crate::sign_in::DROP_KEY`].
    ConfirmationNeeded {
        /// Why it may be somebody else.
        doubt: Doubt,
        /// The person who signed in, and their accounts.
        came: Box<Came>,
    },
    /// A token that is not kept could not be ended at the center.
    NotRevoked {
        /// Why not.
        why: String,
    },
    /// This is a sign-in that another process began; what it shows follows.
    Joined {
        /// Its number, as it knows itself.
        process: u32,
    },
    /// The process that began is gone, and this one goes on in its place.
    TookOver {
        /// Where it waits for a browser instead of 127.0.0.1, as the other did.
        listens_on: Option<IpAddr>,
    },
    /// The process that began stands still, and this one goes on beside it.
    WentOnBeside,
    /// What was shown until now leads nowhere any more; what does follows.
    BeganAfresh {
        /// Why.
        why: String,
    },
    /// Something is being typed or was pasted; it may be a secret, so only its length is told.
    Typed {
        /// How many characters there are now.
        characters: usize,
        /// Whether they were taken for the beginning of more lines, so that one more end of a line reads them.
        may_go_on: bool,
    },
    /// A key was pressed that is the watcher's business.
    Pressed {
        /// Which, as it was typed.
        letter: char,
    },
    /// What was pasted is not the answer that is waited for.
    NotTaken {
        /// Why not; nothing of the paste is in it.
        why: String,
    },
    /// What was pasted may be the answer, but only the person can say so, by Enter.
    NeedsEnter {
        /// Why; nothing of the paste is in it.
        why: String,
    },
    /// The center does not know the code that somebody gave without its address; the wait goes on.
    CodeUnknown,
    /// The codes have ended; the other way is still open, and new codes begin when they are wanted.
    CodesEnded,
    /// One of several ways to finish is closed; the others are still open.
    WayClosed {
        /// Which.
        way: Way,
        /// Why.
        why: String,
    },
    /// A browser was started on the page.
    BrowserOpened {
        /// The program.
        program: String,
    },
    /// No browser was started; the person can open the page by hand.
    BrowserNotOpened {
        /// Why not.
        why: String,
    },
    /// Another process signs in to the same session in a way that was not asked for here; whoever is there first ends both.
    GoesBeside {
        /// Its number.
        process: u32,
    },
    /// The process is about to be stopped: the terminal belongs to the shell for a while.
    Suspended,
    /// The process goes on; what was shown may have scrolled away.
    Resumed,
    /// Nothing new: the person has not decided yet.
    Waiting {
        /// Time left.
        left: Duration,
    },
    /// The center asked for longer pauses.
    SlowedDown {
        /// The new pause.
        interval: Duration,
    },
    /// A poll failed; the wait goes on.
    Trouble {
        /// What went wrong.
        what: String,
        /// The pause before the next try.
        pause: Duration,
    },
    /// The center did not know the cached registration any more, so there is a new one.
    RegistrationRenewed,
    /// A session of which it is not known where it was signed in is about to be used at an address of this machine that somebody
    /// put in the place of the center's own. If its token is taken there, it goes nowhere else from now on.
    PinnedToOverride {
        /// Where to.
        endpoint: String,
        /// Who says so.
        by: String,
    },
    /// Tokens go to another address than the one where they were given, as somebody asked.
    EndpointChanged {
        /// The address at which they were given, if that is known.
        pinned: Option<String>,
        /// Where they go.
        endpoint: String,
    },
    /// The token was about to end and was renewed.
    TokenRefreshed,
    /// A token or role credentials could not be renewed and are used as they are.
    NotRefreshed {
        /// What: `token` or `role credentials`.
        what: &'static str,
        /// Why not.
        why: String,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// The state folder counts as missing: it is not this user's own. So no address is pinned, no sign-in is shared with other
    /// terminals, and none is remembered.
    StateNotUsed {
        /// Why, with the path.
        why: String,
    },
    /// The work goes on without a lock, so that others may do it, too.
    NotLocked {
        /// What is renewed: `token` or `role credentials`.
        what: &'static str,
        /// The lock file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Something could not be kept for the next time.
    NotKept {
        /// What: `registration`, `role credentials` or `token`.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// Somebody who is told.
pub trait Watcher {
    /// Takes one piece of news.
    fn told(&mut self, progress: Progress);

    /// Whether what the person must see to act cannot be shown to anybody, so that to wait for them is of no use.
    fn cannot_show(&self) -> bool {
        false
    }

    /// How often to be told [`Progress::Waiting`] between other news; never if nothing.
    fn beat(&self) -> Option<Duration> {
        None
    }
}

/// A watcher that does not care.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn told(&mut self, _progress: Progress) {}
}
