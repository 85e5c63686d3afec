//! Signing out: the sign-in ends at its center, then the files that came of it go. A center that says nothing or no keeps
//! no file here.

use std::io;
use std::path::{Path, PathBuf};

use aws_formats::sso_cache::{CacheError, Issued, RoleCredentials};
use center_client::calls::CallError;
use center_client::endpoint::{Endpoint, Source};
use center_client::portal::Portal;
use center_client::start_url::{self, StartUrlError};
use outside::state::{OwnState, StateError};
use outside::{Clock, files};
use wire::words::{printable, shown_address};

use crate::company;
use crate::pins::Face;
use crate::progress::{Progress, Watcher};
use crate::session::{FreshError, Session, Target};
use crate::store::Store;

/// Why a sign-in may go on at its center.
#[derive(Debug, thiserror::Error)]
pub enum NotRevoked {
    /// There is no center at the start URL.
    #[error(transparent)]
    Center(#[from] StartUrlError),
    /// The center refused or could not be reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The token was given for another start URL, and goes nowhere else.
    #[error("the token belongs to {0}")]
    OtherStartUrl(String),
    /// The token was given at another address, and goes nowhere else.
    #[error(transparent)]
    OtherEndpoint(FreshError),
}

/// Why nothing was done about a file.
#[derive(Debug, thiserror::Error)]
pub enum Kept {
    /// Nobody can tell what is in it.
    #[error("{path} cannot be understood and is left as it is: {source}")]
    Torn {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CacheError,
    },
    /// It cannot be read.
    #[error("{path} cannot be read and is left as it is")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be removed.
    #[error("{path} cannot be removed")]
    NotRemoved {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The files of a person on this machine, for signing out of what they hold.
#[derive(Debug, Clone)]
pub struct Shelves {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

impl Shelves {
    /// Those below a home folder, and our own state below the folder for all programs' state.
    pub fn new(home: &Path, state: OwnState, clock: &Clock) -> Self {
        Self { store: Store::new(home).with_state(state), clock: clock.clone() }
    }

    /// Why the state folder counts as missing, if it does though it is there.
    pub fn state_error(&self) -> Option<&StateError> {
        self.store.state().error()
    }

    /// Every file in which a token may lie: the `*.json` of the SSO cache.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn tokens(&self) -> io::Result<Vec<PathBuf>> {
        self.store.sso_files()
    }

    /// Where the token of a target lies, if there is one.
    pub fn token_path(&self, target: &Target) -> PathBuf {
        self.store.token_path(target)
    }

    /// The token in a file and where it belongs; nothing where there is no file, or one without a token.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn issued(&self, path: &Path) -> Result<Option<Issued>, Kept> {
        let read = self.store.read_whole(path, &self.clock, Issued::parse);
        let read = read.map_err(|source| Kept::Unreadable { path: path.to_owned(), source })?;
        read.transpose().map(Option::flatten).map_err(|source| Kept::Torn { path: path.to_owned(), source })
    }

    /// Where the credentials of a role lie, if there are any.
    pub fn role_path(&self, target: &Target, account_id: &str, role_name: &str) -> PathBuf {
        self.store.role_path(target, account_id, role_name)
    }

    /// Where credentials of roles lie that were fetched here for a target.
    pub fn fetched_roles(&self, target: &Target) -> Vec<PathBuf> {
        self.store.fetched_roles(target)
    }

    /// Forgets those that are gone.
    pub fn forget_fetched_roles(&self, target: &Target) {
        self.store.forget_fetched_roles(target);
    }

    /// Forgets what sign-ins to a target left behind that were killed.
    pub fn forget_the_killed(&self, target: &Target) {
        if let Some((folder, name)) = self.store.meeting_place(target) {
            company::forget_the_killed(&folder, &name);
        }
    }

    /// Every file with role credentials that came from a sign-in, and what nobody can tell about the others.
    ///
    /// # Errors
    /// Whatever the system says to the folder.
    pub fn roles(&self) -> io::Result<(Vec<PathBuf>, Vec<Kept>)> {
        let (mut roles, mut unclear) = (Vec::new(), Vec::new());
        for path in self.store.role_files()? {
            match self.store.read_whole(&path, &self.clock, RoleCredentials::is_of_sso) {
                Ok(Some(Ok(true))) => roles.push(path),
                Ok(Some(Ok(false)) | None) => {}
                Ok(Some(Err(source))) => unclear.push(Kept::Torn { path, source }),
                Err(source) => unclear.push(Kept::Unreadable { path, source }),
            }
        }
        Ok((roles, unclear))
    }

    /// Removes a file. Whether there was one.
    ///
    /// # Errors
    /// When it is still there.
    pub fn remove(&self, path: &Path) -> Result<bool, Kept> {
        let was_there = files::exists(path);
        files::remove(path).map_err(|source| Kept::NotRemoved { path: path.to_owned(), source })?;
        Ok(was_there)
    }
}

/// A token that is gone.
#[derive(Debug)]
pub struct SignedOut {
    /// Whether its sign-in ended at the center, too.
    pub at_center: Result<(), NotRevoked>,
    /// The page on which a browser that is still signed in can be signed out: the center's own session outlives the token.
    pub browser_page: String,
}

impl Session {
    /// Ends the sign-in whose token lies in `path`, and removes that file. Nothing where no token lies there.
    ///
    /// # Errors
    /// When the file is still there.
    pub fn sign_out(
        &self,
        path: &Path,
        shelves: &Shelves,
        watcher: &mut dyn Watcher,
    ) -> Result<Option<SignedOut>, Kept> {
        if !files::exists(path) {
            return Ok(None);
        }
        // Held, so that a process that is renewing the token does not put a new one where this one was. Nobody renews a
        // file under another name, so there it needs no lock beside it.
        let _turn = (path == shelves.token_path(&self.target)).then(|| self.turn());
        let Some(issued) = shelves.issued(path)? else { return Ok(None) };
        let at_center = self.revoke(&issued, watcher);
        let browser_page = self.browser_page();
        shelves.remove(path).inspect_err(|_| {
            if at_center.is_ok() {
                watcher.told(Progress::EndedAtCenterOnly { target: self.name(), path: path.to_owned() });
            }
        })?;
        if path == shelves.token_path(&self.target) {
            self.store.drop_pins(&self.target);
            self.store.drop_known(path);
            self.store.drop_listing(&self.target);
        }
        self.store.drop_pins_beside(path);
        Ok(Some(SignedOut { at_center, browser_page }))
    }

    /// The start URL; if it is but a name of a center on this machine, that center's page. Asks nobody.
    fn browser_page(&self) -> String {
        let is_set = |sso: &Endpoint| {
            matches!(sso.source, Source::Variable(_) | Source::ServicesSection | Source::ProfileKey)
        };
        // The address at which the sign-in was made comes before the one that is set now: only the first one knows the browser.
        let portal = match self.pinned_portal() {
            Some(pinned) => Some(pinned),
            None => self.center_if_known().map(|center| center.sso.clone()).filter(is_set),
        };
        let portal = portal.filter(|sso| sso.address.is_loopback());
        let own = portal.map(|sso| format!("{}/start", sso.address.origin()));
        own.unwrap_or_else(|| self.target.shown_start_url())
    }

    fn revoke(&self, issued: &Issued, watcher: &mut dyn Watcher) -> Result<(), NotRevoked> {
        if let Some(start_url) = &issued.start_url
            && !start_url::is_same(start_url, &self.target.center.start_url)
        {
            return Err(NotRevoked::OtherStartUrl(printable(&shown_address(start_url), 300)));
        }
        let center = match (self.center(), self.pinned_portal()) {
            (Ok(center), _) => center,
            // A center that cannot be found is known by its pin all the same.
            (Err(_), Some(portal)) => return Ok(self.log_out_at(&portal, issued)?),
            (Err(error), None) => return Err(error.into()),
        };
        // The token goes where it was given, whatever stands in the environment now.
        let endpoint = match self.check_pin(center, Face::Sso, watcher) {
            Ok(_) => center.sso.clone(),
            Err(error) => self.pinned_portal().ok_or(NotRevoked::OtherEndpoint(error))?,
        };
        Ok(self.log_out_at(&endpoint, issued)?)
    }

    fn log_out_at(&self, endpoint: &Endpoint, issued: &Issued) -> Result<(), CallError> {
        Portal { calls: &self.calls, endpoint, token: &issued.access_token }.logout()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outside::shelf;

    #[test]
    fn files_are_told_apart_by_what_they_hold() {
        let home = tempfile::tempdir().unwrap();
        let shelves = Shelves::new(home.path(), OwnState::default(), &Clock::system());
        assert_eq!(shelves.tokens().unwrap(), Vec::<PathBuf>::new());
        let keep = |path: &str, text: &str| {
            let path = home.path().join(".aws").join(path);
            shelf::keep(&path, text.as_bytes()).unwrap();
            path
        };
        let token = keep("sso/cache/a.json", r#"{"accessToken": "aoa", "startUrl": "https://x/start"}"#);
        let registration = keep("sso/cache/b.json", r#"{"clientId": "c"}"#);
        let torn = keep("sso/cache/c.json", r#"{"accessToken": "ao"#);
        keep("sso/cache/a.json.lock", "");
        assert_eq!(shelves.tokens().unwrap(), [token.clone(), registration.clone(), torn.clone()]);
        assert!(shelves.issued(&token).unwrap().is_some());
        assert!(shelves.issued(&registration).unwrap().is_none());
        assert!(shelves.issued(&home.path().join("none")).unwrap().is_none());
        assert!(matches!(shelves.issued(&torn), Err(Kept::Torn { path, .. }) if path == torn));
        let role = keep("cli/cache/a.json", r#"{"ProviderType": "sso", "Credentials": {}}"#);
        keep("cli/cache/b.json", r#"{"ProviderType": "assume-role"}"#);
        keep("cli/cache/c.json", "{");
        let (roles, unclear) = shelves.roles().unwrap();
        assert_eq!((roles, unclear.len()), (vec![role.clone()], 1));
        assert!(shelves.remove(&role).unwrap());
        assert!(!shelves.remove(&role).unwrap(), "it is gone");
    }
}
