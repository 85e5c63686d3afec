//! Where tokens, registrations and role credentials lie: the AWS CLI's own files. It keeps the registrations of both flows
//! under one name; a copy of each lies in our own state, so that switching flows does not register again.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_formats::sso_cache::file_name::{self, RegistrationKey};
use aws_formats::sso_cache::registration::Grant;
use aws_formats::sso_cache::{CacheError, Registration, RoleCredentials, Token};
use outside::state::{OwnState, StateFile, StateFolder};
use outside::{Clock, files, shelf};

use crate::came::Seen;
use crate::flow::after;
use crate::pins::Pins;
use crate::session::Target;

/// How often a token file that makes no sense is read: some SDKs write it in place, so it may be half a moment old.
const READS: u32 = 3;
const BETWEEN_READS: Duration = Duration::from_millis(20);
/// More than any token file takes: Amazon's tokens have some 2 KB each, our center's 100 bytes.
const ROOM_FOR_A_TOKEN: usize = 16 * 1024;

/// The folders of the caches.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    sso_cache: PathBuf,
    role_cache: PathBuf,
    /// Our own state.
    state: OwnState,
}

/// A file of ours that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable;

/// A token file that cannot be used.
#[derive(Debug)]
pub(crate) enum Torn {
    /// It holds no token.
    Text,
    /// It cannot be read.
    System(io::Error),
}

impl Store {
    /// The caches below a home folder. Unlike the config file they have no other place.
    pub(crate) fn new(home: &Path) -> Self {
        let aws = home.join(".aws");
        Self {
            sso_cache: aws.join("sso/cache"),
            role_cache: aws.join("cli/cache"),
            state: OwnState::default(),
        }
    }

    /// The same, with our own state.
    #[must_use]
    pub(crate) fn with_state(mut self, state: OwnState) -> Self {
        self.state = state;
        self
    }

    /// Our own state.
    pub(crate) fn state(&self) -> &OwnState {
        &self.state
    }

    /// Replaces a file of the caches.
    fn keep(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        shelf::keep_with(path, bytes, &self.state)
    }

    /// The folder of tokens and registrations.
    pub(crate) fn sso_cache(&self) -> &Path {
        &self.sso_cache
    }

    /// Every file of the SSO cache that may hold a token or a registration.
    pub(crate) fn sso_files(&self) -> io::Result<Vec<PathBuf>> {
        json_files(&self.sso_cache)
    }

    /// Every file that may hold role credentials.
    pub(crate) fn role_files(&self) -> io::Result<Vec<PathBuf>> {
        json_files(&self.role_cache)
    }

    pub(crate) fn token_path(&self, target: &Target) -> PathBuf {
        self.sso_cache.join(file_name::token(target.session.as_deref(), &target.center.start_url))
    }

    pub(crate) fn registration_path(&self, target: &Target, region: &str) -> PathBuf {
        let key = RegistrationKey {
            region,
            scopes: target.scopes.as_deref(),
            session: target.session.as_deref(),
            start_url: &target.center.start_url,
        };
        self.sso_cache.join(file_name::registration(key))
    }

    pub(crate) fn role_path(&self, target: &Target, account_id: &str, role_name: &str) -> PathBuf {
        let session = target.session.as_deref();
        let name = file_name::role_credentials(account_id, role_name, session, &target.center.start_url);
        self.role_cache.join(name)
    }

    /// The token, if there is one.
    pub(crate) fn read_token(&self, target: &Target, clock: &Clock) -> Result<Option<Token>, Torn> {
        let read = self.read_whole(&self.token_path(target), clock, Token::parse).map_err(Torn::System)?;
        read.transpose().map_err(|_| Torn::Text)
    }

    /// What `parse` makes of a file, if there is one; tried again where it makes nothing of it.
    pub(crate) fn read_whole<T>(
        &self,
        path: &Path,
        clock: &Clock,
        parse: impl Fn(&str) -> Result<T, CacheError>,
    ) -> io::Result<Option<Result<T, CacheError>>> {
        let mut read = 1;
        loop {
            let Some(text) = files::read_text(path)? else { return Ok(None) };
            let parsed = parse(&text);
            if parsed.is_ok() || read > READS {
                return Ok(Some(parsed));
            }
            if read == READS {
                // A process that was killed while it wrote the file in place left its whole text beside it.
                match shelf::repair(path, &self.state) {
                    Ok(Some(shelf::Repair::Finished)) => {}
                    _ => return Ok(Some(parsed)),
                }
            }
            clock.sleep_until(after(clock.now(), BETWEEN_READS));
            read += 1;
        }
    }

    /// Reserves room for the next token of a session, before the one thing is spent that brings it.
    pub(crate) fn reserve_token(&self, target: &Target) -> io::Result<shelf::Reservation> {
        shelf::reserve(&self.token_path(target), ROOM_FOR_A_TOKEN, &self.state)
    }

    pub(crate) fn keep_token(&self, target: &Target, token: &Token) -> io::Result<()> {
        self.keep(&self.token_path(target), token.to_text().as_bytes())
    }

    /// The registration for a flow: the one that the AWS CLI would use, else our own copy. One that cannot be read is none,
    /// and will be written over.
    pub(crate) fn read_registration(
        &self,
        target: &Target,
        region: &str,
        grant: Grant,
    ) -> Option<Registration> {
        let shared = self.registration_path(target, region);
        let parse = |text: String| Registration::parse(&text).ok().filter(|found| found.is_for(grant));
        let shared_text = files::read_text(&shared).ok().flatten();
        shared_text.and_then(parse).or_else(|| parse(self.own_registration(&shared, grant)?.read().ok()??))
    }

    /// Keeps a registration where the AWS CLI looks, and a copy in our own state, which is nobody else's business: where it
    /// cannot be kept, the next switch of flows registers again.
    pub(crate) fn keep_registration(
        &self,
        target: &Target,
        region: &str,
        registration: &Registration,
    ) -> io::Result<()> {
        let shared = self.registration_path(target, region);
        let text = registration.to_text();
        for grant in [Grant::AuthorizationCode, Grant::DeviceCode] {
            if let Some(own) = self.own_registration(&shared, grant).filter(|_| registration.is_for(grant)) {
                let _ = own.keep(text.as_bytes());
            }
        }
        // The same text is not written again: other programs watch that folder.
        if files::read_text(&shared).is_ok_and(|kept| kept.as_deref() == Some(text.as_str())) {
            return Ok(());
        }
        self.keep(&shared, text.as_bytes())
    }

    /// Removes the registration for a flow. What cannot be removed is written over in a moment, or found stale again.
    pub(crate) fn drop_registration(&self, target: &Target, region: &str, grant: Grant) {
        let shared = self.registration_path(target, region);
        let is_for_it = |text: &str| Registration::parse(text).is_ok_and(|kept| kept.is_for(grant));
        if files::read_text(&shared).is_ok_and(|text| text.as_deref().is_some_and(is_for_it)) {
            let _ = files::remove(&shared);
        }
        if let Some(own) = self.own_registration(&shared, grant) {
            let _ = own.remove();
        }
    }

    fn own_registration(&self, shared: &Path, grant: Grant) -> Option<StateFile> {
        let kind = match grant {
            Grant::AuthorizationCode => "browser",
            Grant::DeviceCode => "device",
        };
        let stem = shared.file_stem()?.to_string_lossy();
        Some(self.state.folder()?.file(format!("registrations/{stem}.{kind}.json")))
    }

    /// The pins of a session that belong to its start URL, if there are any; an error if the only ones cannot be read. Those beside
    /// the token count first: a container has that folder, and not our state.
    pub(crate) fn read_pins(&self, target: &Target) -> Result<Option<Pins>, Unreadable> {
        let mut result = Ok(None);
        let beside = pins_beside(&self.token_path(target)).map(|path| files::read_text(&path));
        let own = self.pins_file(target).map(|file| file.read());
        for text in beside.into_iter().chain(own) {
            match text.map(|text| text.map(|text| Pins::parse(&text))) {
                Ok(None) => {}
                Ok(Some(Some(pins))) if pins.is_for(target) => return Ok(Some(pins)),
                // Signed in anew by another tool, somewhere else.
                Ok(Some(Some(_))) => {}
                Ok(Some(None)) | Err(_) => result = Err(Unreadable),
            }
        }
        result
    }

    /// Keeps them wherever they can be kept: a folder that is read-only must not fail a sign-in.
    pub(crate) fn keep_pins(&self, target: &Target, pins: &Pins) {
        let text = pins.to_text();
        if let Some(path) = pins_beside(&self.token_path(target)) {
            let _ = shelf::keep(&path, text.as_bytes());
        }
        if let Some(file) = self.pins_file(target) {
            let _ = file.keep(text.as_bytes());
        }
    }

    /// Where a listing of the accounts and roles of a session may lie; it is the person's who is signed in.
    pub(crate) fn listing_file(&self, target: &Target) -> Option<StateFile> {
        let token = self.token_path(target);
        Some(self.state.folder()?.file(Path::new("listings").join(token.file_name()?)))
    }

    /// Removes it. What cannot be removed is too old in an hour.
    pub(crate) fn drop_listing(&self, target: &Target) {
        if let Some(file) = self.listing_file(target) {
            let _ = file.remove();
        }
    }

    /// What was seen of the sign-in before; nothing where there is none, or nothing that can be read.
    pub(crate) fn read_seen(&self, target: &Target) -> Option<Seen> {
        Seen::parse(&self.seen_file(target)?.read().ok()??)
    }

    pub(crate) fn keep_seen(&self, target: &Target, seen: &Seen) -> io::Result<()> {
        match self.seen_file(target) {
            Some(file) => file.keep(seen.to_text().as_bytes()),
            None => Ok(()),
        }
    }

    fn seen_file(&self, target: &Target) -> Option<StateFile> {
        self.own_file("seen", target)
    }

    /// A file of our own about a session, named after its token file.
    fn own_file(&self, folder: &str, target: &Target) -> Option<StateFile> {
        self.own_file_of(folder, &self.token_path(target))
    }

    /// The same for a token file of any session.
    pub(crate) fn own_file_of(&self, folder: &str, token_file: &Path) -> Option<StateFile> {
        let name = token_file.file_stem()?.to_string_lossy();
        Some(self.state.folder()?.file(format!("{folder}/{name}.txt")))
    }

    /// Where processes that sign in to a session at the same time meet, and the name of what lies there: that of the token file.
    pub(crate) fn meeting_place(&self, target: &Target) -> Option<(StateFolder, String)> {
        let token = self.token_path(target);
        let name = token.file_stem()?.to_string_lossy().into_owned();
        Some((self.state.folder()?.clone(), name))
    }

    /// Where it is kept which sign-ins to a session nobody answered. Named after the token file.
    pub(crate) fn unanswered_file(&self, target: &Target) -> Option<StateFile> {
        self.own_file("unanswered", target)
    }

    /// Removes the pins of a session. What cannot be removed is written over by the next sign-in.
    pub(crate) fn drop_pins(&self, target: &Target) {
        self.drop_pins_beside(&self.token_path(target));
        if let Some(file) = self.pins_file(target) {
            let _ = file.remove();
        }
    }

    /// Removes the pins beside a token file, also of one that no session of the configuration names.
    pub(crate) fn drop_pins_beside(&self, token: &Path) {
        if let Some(path) = pins_beside(token) {
            let _ = files::remove(&path);
        }
    }

    fn pins_file(&self, target: &Target) -> Option<StateFile> {
        self.own_file("pins", target)
    }

    /// The credentials of a role; what cannot be read is none, and will be written over.
    pub(crate) fn read_role(
        &self,
        target: &Target,
        account_id: &str,
        role_name: &str,
    ) -> Option<RoleCredentials> {
        let text = files::read_text(&self.role_path(target, account_id, role_name)).ok()??;
        RoleCredentials::parse(&text).ok()
    }

    pub(crate) fn keep_role(
        &self,
        target: &Target,
        account_id: &str,
        role_name: &str,
        credentials: &RoleCredentials,
    ) -> io::Result<()> {
        let path = self.role_path(target, account_id, role_name);
        self.keep(&path, credentials.to_text().as_bytes())
    }

    /// The record of ours about a file of role credentials (see [`crate::family`]).
    pub(crate) fn role_record(&self, target: &Target, role_file: &Path) -> Option<StateFile> {
        Some(self.state.folder()?.file(self.fetched_folder(target)?.join(role_file.file_stem()?)))
    }

    /// Where the role credentials lie that were fetched here for a session, whoever named the role: the AWS CLI's files do not
    /// say whose they are, so our own state has a record named after each.
    pub(crate) fn fetched_roles(&self, target: &Target) -> Vec<PathBuf> {
        let entries = self.fetched_entries(target);
        entries.iter().filter_map(|entry| self.role_path_of(entry)).collect()
    }

    /// Forgets the role credentials of a session that do not lie there any more.
    pub(crate) fn forget_fetched_roles(&self, target: &Target) {
        for entry in self.fetched_entries(target) {
            if self.role_path_of(&entry).is_some_and(|path| !files::exists(&path)) {
                let _ = entry.remove();
            }
        }
    }

    /// The path of the role credentials that an entry is about.
    fn role_path_of(&self, entry: &StateFile) -> Option<PathBuf> {
        let name = entry.path().file_name()?.to_str().filter(|name| !name.starts_with('.'))?;
        Some(self.role_cache.join(format!("{name}.json")))
    }

    fn fetched_entries(&self, target: &Target) -> Vec<StateFile> {
        let folder = self.state.folder().zip(self.fetched_folder(target));
        folder.map(|(state, folder)| state.files(folder)).unwrap_or_default()
    }

    /// Below the state folder, named after the token file.
    fn fetched_folder(&self, target: &Target) -> Option<PathBuf> {
        let token = self.token_path(target);
        Some(Path::new("roles").join(token.file_stem()?))
    }

    /// The lock files of which each process that fetches role credentials holds one.
    pub(crate) fn fetch_slots(&self, count: usize) -> Option<Vec<PathBuf>> {
        let state = self.state.folder()?;
        let slot = |number| state.file(format!("fetching/{number}.lock")).path().to_owned();
        Some((0..count).map(slot).collect())
    }
}

/// The file of our own beside a token. Its name does not end in `.json`, so that no other tool takes it for a token.
fn pins_beside(token: &Path) -> Option<PathBuf> {
    Some(token.with_file_name(format!("aldis-{}.pins", token.file_stem()?.to_string_lossy())))
}

fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    Ok(files::list(folder)?.into_iter().filter(is_json).collect())
}
