//! The configuration files: where they are, and what they say.

use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use aws_formats::config::Settings;
use aws_formats::config::edit::{self, Edit, EditError};
use aws_formats::config::encoding::wide_encoding;
use aws_formats::config::settings::{File, SettingsError};
use outside::shelf::{self, Repair};
use outside::state::OwnState;
use outside::{Env, Outside, files};

use crate::report::hints::{self, quoted};
use crate::report::words::{Style, warn};
use crate::report::{Failure, Kind};

/// Both files, and where they are.
#[derive(Debug)]
pub(crate) struct Config {
    /// What they say.
    pub(crate) settings: Settings,
    /// The config file, whether or not there is one.
    pub(crate) path: PathBuf,
    /// Whether there is a config file.
    pub(crate) is_there: bool,
    /// Whether `AWS_CONFIG_FILE` names it.
    pub(crate) is_named_by_variable: bool,
    /// The credentials file, whether or not there is one.
    pub(crate) credentials: PathBuf,
    /// The home folder.
    pub(crate) home: PathBuf,
}

impl Config {
    /// Reads them; a file that is not there says nothing.
    pub(crate) fn read(outside: &Outside) -> Result<Self, Failure> {
        match Self::read_anyway(outside)? {
            (config, None) => Ok(config),
            (_, Some(failure)) => Err(failure),
        }
    }

    /// The same for a command that must go on where a file makes no sense: it says nothing then, and what is wrong with it comes
    /// beside.
    pub(crate) fn read_anyway(outside: &Outside) -> Result<(Self, Option<Failure>), Failure> {
        let env = &outside.env;
        let home = env.home().ok_or_else(|| {
            Failure::new(
                Kind::Configuration,
                "there is no home folder, so there is no place for tokens and settings",
            )
            .hint("name one: export HOME=/path/to/home")
        })?;
        let place = |variable: &str, name: &str| match (env.raw_path(variable), env.get(variable)) {
            (Some(path), _) => path,
            (None, Some(path)) => expanded(path, env, &home),
            (None, None) => home.join(".aws").join(name),
        };
        let path = place("AWS_CONFIG_FILE", "config");
        let credentials = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        // A file that is read all the same says itself what is wrong with it.
        let _ = shelf::repair(&path, &OwnState::open(env));
        let is_named_by_variable =
            env.raw_path("AWS_CONFIG_FILE").is_some() || env.get("AWS_CONFIG_FILE").is_some();
        let mut is_there = true;
        let mut read = || -> Result<Settings, Failure> {
            let config = text(&path)?;
            is_there = config.is_some();
            Settings::parse(config.unwrap_or_default(), text(&credentials)?.unwrap_or_default())
                .map_err(|error| not_understood(error, &path, &credentials))
        };
        let (settings, failure) = match read() {
            Ok(settings) => (settings, None),
            Err(failure) => (Settings::default(), Some(failure)),
        };
        Ok((Self { settings, path, is_there, is_named_by_variable, credentials, home }, failure))
    }

    /// A made-up config of these two texts.
    #[cfg(test)]
    pub(crate) fn pretended(config: &str, credentials: &str) -> Self {
        Self {
            settings: Settings::parse(config, credentials).expect("a config that is understood"),
            path: "/h/.aws/config".into(),
            is_there: true,
            is_named_by_variable: false,
            credentials: "/h/.aws/credentials".into(),
            home: "/h".into(),
        }
    }

    /// The folder of the credentials of `aws login`. As with the AWS CLI, a `~` and variables in its variable are expanded.
    pub(crate) fn login_cache(&self, env: &Env) -> PathBuf {
        const VARIABLE: &str = "AWS_LOGIN_CACHE_DIRECTORY";
        match (env.raw_path(VARIABLE), env.get(VARIABLE)) {
            (Some(path), _) => path,
            (None, Some(path)) => expanded(path, env, &self.home),
            (None, None) => self.home.join(".aws/login/cache"),
        }
    }

    /// Whether the config file may be edited: asked before a person is asked for anything.
    pub(crate) fn may_be_edited(&self, outside: &Outside) -> Result<(), Failure> {
        shelf::may_edit(&self.path, &OwnState::open(&outside.env))
            .map_err(|error| hints::config_edit(error, &self.path))
    }

    /// Changes lines of the config file: those that `change` names, given what the file says then. Others that edit it at the
    /// same time lose nothing. Whether anything changed.
    pub(crate) fn edit(
        &self,
        outside: &Outside,
        style: Style,
        change: impl Fn(&Settings) -> Vec<Edit>,
    ) -> Result<bool, Failure> {
        let edited = shelf::edit(&self.path, &OwnState::open(&outside.env), |text| {
            let settings = Settings::parse(text, "").map_err(|error| EditError::from(error.fault))?;
            edit::edited(text, &change(&settings)).map(Some)
        });
        let edited = edited.map_err(|error| hints::config_edit(error, &self.path))?;
        if let Some(why) = &edited.unlocked {
            let (path, at) = (self.path.display(), why.path().display());
            warn(
                outside,
                style,
                format!("{path} was edited without a lock, as {at} cannot be locked: {why}"),
            );
        }
        match &edited.repair {
            Some(Repair::Finished) => warn(
                outside,
                style,
                format!("an earlier change of {} was broken off; it was finished first", self.path.display()),
            ),
            Some(Repair::ChangedSince { old, new }) => {
                let (path, old, new) = (self.path.display(), old.display(), new.display());
                let words = format!(
                    "an earlier change of {path} was broken off, and the file was changed since: compare it with {old} \
                     and {new}, then remove both"
                );
                warn(outside, style, &words);
            }
            None => {}
        }
        Ok(edited.has_changed)
    }
}

/// The text of a file, bytes that are not UTF-8 replaced; `None` if there is none.
fn text(path: &Path) -> Result<Option<String>, Failure> {
    match files::read(path) {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => match wide_encoding(&bytes) {
            Some(encoding) => Err(wide(path, encoding)),
            None => {
                let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
                Ok(Some(String::from_utf8(bytes).unwrap_or_else(lossy)))
            }
        },
        Err(source) => {
            let hint = format!("see who may read it: ls -l {}", quoted(&path.to_string_lossy()));
            Err(Failure::new(Kind::Configuration, Unreadable { path: path.to_owned(), source }).hint(hint))
        }
    }
}

fn wide(path: &Path, encoding: &str) -> Failure {
    let message = format!("{} is {encoding} text, and AWS tools read UTF-8 only", path.display());
    let at = |suffix: &str| quoted(&format!("{}{suffix}", path.to_string_lossy()));
    let (old, new) = (at(""), at(".utf8"));
    // The file is written in place, which keeps its owner and mode; the copy is for this user only, as it may hold keys.
    Failure::new(Kind::Configuration, message).hint(format!(
        "convert it: (umask 077; iconv -f {encoding} -t UTF-8 {old} > {new} && cat {new} > {old} && rm {new})"
    ))
}

#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read")]
struct Unreadable {
    path: PathBuf,
    source: std::io::Error,
}

fn not_understood(error: SettingsError, config: &Path, credentials: &Path) -> Failure {
    let path = match error.file {
        File::Config => config,
        File::Credentials => credentials,
    };
    let line = error.fault.line;
    let message = format!("{}, {}", path.display(), error.fault);
    Failure::new(Kind::Configuration, message).hint(format!(
        "correct it: {} +{line} {}",
        editor(),
        quoted(&path.to_string_lossy())
    ))
}

/// The command that edits a file, as a shell reads it.
pub(crate) fn editor() -> &'static str {
    "${EDITOR:-vi}"
}

/// A path as the AWS CLI reads it: `~` is the home folder, `$NAME` and `${NAME}` are variables; unknown ones stay.
fn expanded(path: &str, env: &Env, home: &Path) -> PathBuf {
    let path = with_variables(path, env);
    match path.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

fn with_variables(text: &str, env: &Env) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        result.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let (name, length) =
            match after.strip_prefix('{').and_then(|inner| inner.find('}').map(|end| &inner[..end])) {
                Some(name) => (name, name.len() + 2),
                None => {
                    let end =
                        after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                    (&after[..end], end)
                }
            };
        match env.get(name) {
            Some(value) => result.push_str(value),
            None => result.push_str(&rest[start..start + 1 + length]),
        }
        rest = &after[length..];
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_home_nothing_is_guessed() {
        let outside = Outside::real().with_env(Env::pretended(&[("AWS_CONFIG_FILE", "/dev/null")]));
        let failure = Config::read(&outside).unwrap_err();
        assert_eq!(failure.kind, Kind::Configuration);
        assert!(failure.error.to_string().contains("no home folder"), "{}", failure.error);
    }

    #[test]
    fn paths_are_expanded_as_the_aws_cli_does() {
        let env = Env::pretended(&[("WORK", "/w"), ("HOME", "/h")]);
        let table = [
            ("~/aws/config", "/h/aws/config"),
            ("~", "/h"),
            ("~other/config", "~other/config"),
            ("$WORK/config", "/w/config"),
            ("${WORK}x/config", "/wx/config"),
            ("$WORKx/config", "$WORKx/config"),
            ("a$", "a$"),
            ("a${WORK", "a${WORK"),
            ("$NONE/$WORK", "$NONE//w"),
            ("/plain", "/plain"),
        ];
        for (path, expected) in table {
            assert_eq!(expanded(path, &env, Path::new("/h")), PathBuf::from(expected), "{path}");
        }
    }
}
