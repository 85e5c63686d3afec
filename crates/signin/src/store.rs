//! Where tokens, registrations and role credentials lie: the AWS CLI's own files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_formats::sso_cache::file_name::{self, RegistrationKey};
use aws_formats::sso_cache::{CacheError, Registration, RoleCredentials, Token};
use outside::{Clock, files, shelf};

use crate::flow::after;
use crate::session::Target;

/// How often a token file that makes no sense is read: some SDKs write it in place, so it may be half a moment old.
const READS: u32 = 3;
const BETWEEN_READS: Duration = Duration::from_millis(20);

/// The folders of the caches.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    sso_cache: PathBuf,
    role_cache: PathBuf,
}

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
        Self { sso_cache: aws.join("sso/cache"), role_cache: aws.join("cli/cache") }
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
            if parsed.is_ok() || read == READS {
                return Ok(Some(parsed));
            }
            clock.sleep_until(after(clock.now(), BETWEEN_READS));
            read += 1;
        }
    }

    pub(crate) fn keep_token(&self, target: &Target, token: &Token) -> io::Result<()> {
        shelf::keep(&self.token_path(target), token.to_text().as_bytes())
    }

    /// The registration; one that cannot be read is none, and will be written over.
    pub(crate) fn read_registration(&self, target: &Target, region: &str) -> Option<Registration> {
        let text = files::read_text(&self.registration_path(target, region)).ok()??;
        Registration::parse(&text).ok()
    }

    pub(crate) fn keep_registration(
        &self,
        target: &Target,
        region: &str,
        registration: &Registration,
    ) -> io::Result<()> {
        shelf::keep(&self.registration_path(target, region), registration.to_text().as_bytes())
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
        shelf::keep(&path, credentials.to_text().as_bytes())
    }
}

fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    Ok(files::list(folder)?.into_iter().filter(is_json).collect())
}
