//! What config and credentials say together: profiles, sso-sessions and services by name.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use crate::config::document::{Fault, Piece, Pieces};
use crate::config::portable_name::is_portable_character;

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `~/.aws/config`.
    Config,
    /// `~/.aws/credentials`.
    Credentials,
}

/// A line that no reader understands, and in which file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct SettingsError {
    /// Which file.
    pub file: File,
    /// Where and what.
    #[source]
    pub fault: Fault,
}

/// A value and where it stands. `Debug` shows the place only: credentials files hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The value; lines below it are joined by line feeds.
    pub text: String,
    /// In which file.
    pub file: File,
    /// On which line, counted from 1.
    pub line: usize,
    /// The properties below it, keys in lower case.
    pub nested: Vec<(String, String)>,
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Value({:?} line {})", self.file, self.line)
    }
}

/// A section: its values in order, keys in lower case, the last of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    values: Vec<(String, Value)>,
    /// The line of its header in the config file (0 when it only stands in credentials).
    line: usize,
}

impl Section {
    /// The text of a key (in lower case).
    pub fn get(&self, key: &str) -> Option<&str> {
        self.value(key).map(|value| value.text.as_str())
    }

    /// The value of a key (in lower case) and where it stands.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A value below another one: `nested("sts", "endpoint_url")`.
    pub fn nested(&self, key: &str, below: &str) -> Option<&str> {
        self.value(key)?.nested.iter().rev().find(|(name, _)| name == below).map(|(_, value)| value.as_str())
    }

    /// Every key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The line of the section's header, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    fn set(&mut self, key: &str, value: Value) {
        self.values.retain(|(name, _)| name != key);
        self.values.push((key.to_owned(), value));
    }
}

/// Config and credentials, merged. Each line is looked at once; the values of a section are read when it is asked for, as a
/// command asks for one or two out of what may be thousands.
#[derive(Clone, Default)]
pub struct Settings {
    texts: Texts,
    profiles: Sections,
    sso_sessions: Sections,
    services: Sections,
    left_out_default: Option<usize>,
}

/// Both files as they are.
#[derive(Clone, Default)]
struct Texts {
    config: String,
    credentials: String,
}

/// The sections of one kind in the order of their first headers.
#[derive(Clone, Default)]
struct Sections {
    known: Vec<Known>,
    places: HashMap<String, usize>,
}

/// A section that is there; what it says is read when somebody asks.
#[derive(Clone)]
struct Known {
    name: String,
    stretches: Vec<Stretch>,
    section: OnceLock<Section>,
}

/// What stands below one header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    file: File,
    /// The line of the header, counted from 1.
    line: usize,
    /// The bytes of the file from the header's end to the next header.
    bytes: Range<usize>,
    /// Whether the header has a blank behind its bracket, as in `[ profile x ]`: the AWS CLI takes no notice of such a section.
    is_spaced: bool,
}

/// What a header opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Profile { name: String, prefixed: bool },
    SsoSession(String),
    Services(String),
    Ignored,
}

impl Settings {
    /// Reads both texts; a file that is missing is an empty one.
    ///
    /// # Errors
    /// The first line that no reader understands.
    pub fn parse(config: impl Into<String>, credentials: impl Into<String>) -> Result<Self, SettingsError> {
        let texts = Texts { config: config.into(), credentials: credentials.into() };
        let mut settings = Self::default();
        for file in [File::Config, File::Credentials] {
            settings.add(headers(file, texts.of(file))?);
        }
        Ok(Self { texts, ..settings })
    }

    fn add(&mut self, headers: Vec<(Place, Stretch)>) {
        // Of `[default]` and `[profile default]` the AWS CLI takes the later one and leaves the other out.
        let form_of_default = |place: &Place| match place {
            Place::Profile { name, prefixed } if name == "default" => Some(*prefixed),
            _ => None,
        };
        // A section that the AWS CLI does not see counts only if it has no other of that name: never another identity.
        let seen: HashSet<Place> = headers
            .iter()
            .filter(|(_, stretch)| !stretch.is_spaced)
            .map(|(place, _)| place.clone())
            .collect();
        let is_default = |place: &Place| form_of_default(place).is_some();
        let sees_default = seen.iter().any(is_default);
        let is_left_out = |place: &Place, stretch: &Stretch| {
            stretch.is_spaced && (seen.contains(place) || is_default(place) && sees_default)
        };
        let headers: Vec<_> =
            headers.into_iter().filter(|(place, stretch)| !is_left_out(place, stretch)).collect();
        let taken = headers.iter().rev().find_map(|(place, _)| form_of_default(place));
        for (place, stretch) in headers {
            if form_of_default(&place) != taken && form_of_default(&place).is_some() {
                self.left_out_default = Some(stretch.line);
                continue;
            }
            match place {
                Place::Profile { name, .. } => self.profiles.add(name, stretch),
                Place::SsoSession(name) => self.sso_sessions.add(name, stretch),
                Place::Services(name) => self.services.add(name, stretch),
                Place::Ignored => {}
            }
        }
    }

    /// The line of the config file at which a second section for the profile `default` stands that is not read, if there is one:
    /// `[default]` above `[profile default]`, or the other way round. The SDKs for JavaScript and Rust read `[profile default]`
    /// wherever it stands.
    pub fn left_out_default(&self) -> Option<usize> {
        self.left_out_default
    }

    /// A profile.
    pub fn profile(&self, name: &str) -> Option<&Section> {
        self.profiles.find(name, &self.texts)
    }

    /// Every profile with its name, in the order of [`Self::profile_names`].
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.profiles.known.iter().map(|known| (known.name.as_str(), known.section(&self.texts)))
    }

    /// The names of the profiles: those of config in order, then those that only stand in credentials.
    pub fn profile_names(&self) -> Vec<&str> {
        self.profiles.names()
    }

    /// An sso-session.
    pub fn sso_session(&self, name: &str) -> Option<&Section> {
        self.sso_sessions.find(name, &self.texts)
    }

    /// The names of the sso-sessions in order.
    pub fn sso_session_names(&self) -> Vec<&str> {
        self.sso_sessions.names()
    }

    /// The names of the services sections in order.
    pub fn services_names(&self) -> Vec<&str> {
        self.services.names()
    }

    /// A services section.
    pub fn services(&self, name: &str) -> Option<&Section> {
        self.services.find(name, &self.texts)
    }
}

/// Shows names only: the texts hold secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("profiles", &self.profiles.names())
            .field("sso_sessions", &self.sso_sessions.names())
            .field("services", &self.services.names())
            .finish()
    }
}

impl Texts {
    fn of(&self, file: File) -> &str {
        match file {
            File::Config => &self.config,
            File::Credentials => &self.credentials,
        }
    }
}

impl Sections {
    fn add(&mut self, name: String, stretch: Stretch) {
        if let Some(known) = self.places.get(&name).and_then(|&place| self.known.get_mut(place)) {
            known.stretches.push(stretch);
            return;
        }
        self.places.insert(name.clone(), self.known.len());
        self.known.push(Known { name, stretches: vec![stretch], section: OnceLock::new() });
    }

    fn find(&self, name: &str, texts: &Texts) -> Option<&Section> {
        self.known.get(*self.places.get(name)?).map(|known| known.section(texts))
    }

    fn names(&self) -> Vec<&str> {
        self.known.iter().map(|known| known.name.as_str()).collect()
    }
}

impl Known {
    fn section(&self, texts: &Texts) -> &Section {
        self.section.get_or_init(|| {
            let in_config = self.stretches.iter().find(|stretch| stretch.file == File::Config);
            let mut section =
                Section { values: Vec::new(), line: in_config.map_or(0, |stretch| stretch.line) };
            for stretch in &self.stretches {
                section.add(stretch, texts.of(stretch.file));
            }
            section
        })
    }
}

impl Section {
    fn add(&mut self, stretch: &Stretch, text: &str) {
        let mut property = String::new();
        let text = text.get(stretch.bytes.clone()).unwrap_or_default();
        for (line, (raw, piece)) in (stretch.line + 1..).zip(Pieces::of_section(text)) {
            match piece {
                Piece::Property { key, value } => {
                    property = key.to_ascii_lowercase();
                    if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
                        property.clear();
                        continue;
                    }
                    let text = value.to_owned();
                    self.set(&property, Value { text, file: stretch.file, line, nested: Vec::new() });
                }
                Piece::SubProperty { key, value } => {
                    self.extend(&property, raw.trim(), Some((key.to_ascii_lowercase(), value.to_owned())));
                }
                Piece::Continuation(text) => self.extend(&property, text, None),
                Piece::Blank | Piece::Comment | Piece::Header(_) | Piece::Fault(_) => {}
            }
        }
    }

    fn extend(&mut self, property: &str, text: &str, nested: Option<(String, String)>) {
        if let Some((_, value)) = self.values.iter_mut().find(|(key, _)| key == property) {
            value.text.push('\n');
            value.text.push_str(text);
            value.nested.extend(nested);
        }
    }
}

/// The headers of a file, each with what stands below it.
fn headers(file: File, text: &str) -> Result<Vec<(Place, Stretch)>, SettingsError> {
    let mut headers: Vec<(Place, Stretch)> = Vec::new();
    let mut end = 0;
    for (line, (raw, piece)) in (1..).zip(Pieces::of_file(text)) {
        let start = end;
        end += raw.len();
        match piece {
            Piece::Fault(what) => return Err(SettingsError { file, fault: Fault { line, what } }),
            Piece::Header(words) => {
                if let Some((_, above)) = headers.last_mut() {
                    above.bytes.end = start;
                }
                let is_spaced =
                    raw.trim_start().strip_prefix('[').is_some_and(|inner| inner.starts_with([' ', '\t']));
                headers.push((place(file, words), Stretch { file, line, bytes: end..text.len(), is_spaced }));
            }
            _ => {}
        }
    }
    Ok(headers)
}

pub(super) fn place(file: File, words: &str) -> Place {
    let (kind, name) = match words.split_once([' ', '\t']) {
        Some((kind, name)) if file == File::Config => (kind, name.trim()),
        _ => ("", words),
    };
    let name = match file {
        File::Credentials if !name.starts_with(['\'', '"']) => bare_name(name),
        _ => shell_word(name),
    };
    let Some(name) = name else { return Place::Ignored };
    match kind {
        "" if file == File::Credentials || name == "default" => Place::Profile { name, prefixed: false },
        "profile" => Place::Profile { name, prefixed: true },
        "sso-session" => Place::SsoSession(name),
        "services" => Place::Services(name),
        _ => Place::Ignored,
    }
}

/// The name in a header of the config file, which the AWS CLI reads as a POSIX shell reads a word: it writes `it's` as
/// `'it'"'"'s'`. `None` for several words and for a quote that is not closed; the AWS CLI skips such a section, too.
/// All characters count, not only those that every SDK reads: whatever wrote the name, its section is in use.
fn shell_word(text: &str) -> Option<String> {
    let mut word = String::new();
    let mut chars = text.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (c, quote) {
            (' ' | '\t', None) => return None,
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None) => word.push(chars.next()?),
            // Between double quotes a backslash counts only before these two.
            ('\\', Some('"')) => match chars.next()? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            (c, _) => word.push(c),
        }
    }
    (quote.is_none() && !word.is_empty()).then_some(word)
}

/// The name in a header of the credentials file, without blanks.
fn bare_name(name: &str) -> Option<String> {
    let is_plain = |c: char| is_portable_character(c) || !c.is_ascii();
    (!name.is_empty() && name.chars().all(is_plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Settings {
        Settings::parse(text, "").unwrap()
    }

    #[test]
    fn profiles_are_merged_and_the_last_value_counts() {
        let settings =
            config("[profile a]\nRegion = x\n[profile b]\n[profile a]\nregion = y # why\noutput = j;k\n");
        assert_eq!(settings.profile_names(), ["a", "b"]);
        let a = settings.profile("a").unwrap();
        assert_eq!(
            (a.get("region"), a.get("output"), a.value("region").unwrap().line),
            (Some("y"), Some("j;k"), 5)
        );
    }

    #[test]
    fn the_later_section_of_the_default_profile_is_the_one_that_is_read() {
        let table = [
            ("[default]\na = 1\n[profile default]\nb = 2\n", (None, Some("2")), Some(1)),
            ("[profile default]\nb = 2\n[default]\na = 1\n", (Some("1"), None), Some(1)),
            ("[profile x]\n[default]\na = 1\n[default]\nb = 2\n", (Some("1"), Some("2")), None),
            ("[profile default]\nb = 2\n", (None, Some("2")), None),
        ];
        for (text, expected, left_out) in table {
            let settings = config(text);
            let section = settings.profile("default").unwrap();
            assert_eq!((section.get("a"), section.get("b")), expected, "{text}");
            assert_eq!(settings.left_out_default(), left_out, "{text}");
        }
        assert_eq!(config("[profile x]\n").profile("default"), None);
    }

    #[test]
    fn names_in_quotes_blanks_and_foreign_sections() {
        let settings = config(
            "[profile 'new prof']\n[profile in valid]\n[foo]\n[ profile\tspaced ]\n[sso-session s]\n[sso-sesion t]\n\
             [services local]\nsts =\n  endpoint_url = http://127.0.0.1:1\n",
        );
        assert_eq!(settings.profile_names(), ["new prof", "spaced"]);
        assert_eq!(settings.sso_session_names(), ["s"]);
        let services = settings.services("local").unwrap();
        assert_eq!(services.nested("sts", "endpoint_url"), Some("http://127.0.0.1:1"));
        assert_eq!(services.nested("sts", "other"), None);
    }

    #[test]
    fn quoted_names_are_read_as_a_shell_would() {
        let settings = config(
            "[profile 'it'\"'\"'s']\n[profile \"a\" \"b\"]\n[profile 'c'd]\n[profile \"open]\n[profile 'e]f']\n[profile '']\n\
             [profile it's]\n[profile a b]\n[profile a;b]\n[profile a,b=c]\n[profile a\\\\b]\n[profile \"q\\\"\\x\"]\n[profile x\\]\n",
        );
        // Each as Python's shlex reads it for the AWS CLI.
        assert_eq!(settings.profile_names(), ["it's", "cd", "e]f", "a;b", "a,b=c", "a\\b", "q\"\\x"]);
    }

    #[test]
    fn shows_no_values() {
        let settings = Settings::parse("", "[a]\naws_secret_access_key = hidden\n").unwrap();
        assert!(!format!("{settings:?}").contains("hidden"));
    }

    #[test]
    fn indented_comments_are_no_part_of_a_value() {
        let settings = config("[profile a]\nregion = x\n  # y\ns3 =\n  # old = 1\n  k = v\n");
        let a = settings.profile("a").unwrap();
        assert_eq!(
            (a.get("region"), a.get("s3"), a.nested("s3", "k")),
            (Some("x"), Some("\nk = v"), Some("v"))
        );
    }

    #[test]
    fn credentials_are_merged_over_config() {
        let settings =
            Settings::parse("[profile a]\nregion = x\nk = 1\n", "[a]\nk = 2\n[profile b]\n[c]\n").unwrap();
        assert_eq!(settings.profile_names(), ["a", "c"]);
        assert_eq!(settings.profile("a").unwrap().get("k"), Some("2"));
    }

    #[test]
    fn a_fault_names_file_and_line() {
        let error = Settings::parse("", "[a]\nk").unwrap_err();
        assert_eq!((error.file, error.fault.line), (File::Credentials, 2));
    }

    #[test]
    fn a_section_that_the_aws_cli_does_not_see_changes_no_other() {
        let settings = config(
            "[profile x]\nsso_account_id = 1\n[ profile x ]\nsso_account_id = 2\n[default]\na = 1\n[ default ]\na = 2\n[ profile y ]\na = 3\n",
        );
        assert_eq!(settings.profile("x").unwrap().get("sso_account_id"), Some("1"));
        assert_eq!(settings.profile("default").unwrap().get("a"), Some("1"));
        assert_eq!(
            settings.profile("y").unwrap().get("a"),
            Some("3"),
            "read as the SDKs' specification says"
        );
    }

    #[test]
    fn a_byte_order_mark_and_windows_lines_are_read() {
        assert_eq!(
            config("\u{feff}[default]\r\nregion = x\r\n").profile("default").unwrap().get("region"),
            Some("x")
        );
    }

    /// Cases in which the AWS CLI takes another value than the specification says.
    const OTHER_IN_THE_AWS_CLI: [&str; 3] = [
        "Property definitions must contain an equals sign.",
        "Default profile with profile prefix overrides default profile without prefix when profile prefix is first.",
        "Profile names support alphanumeric characters and - / . % @ _ : +",
    ];

    /// The SDKs' own cases, where they are at hand; the tests above hold the same rules.
    #[test]
    fn the_sdks_own_cases() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
        #[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
        let Ok(text) = std::fs::read_to_string(folder.join("smithy-rs/profile-parser-tests.json")) else {
            return;
        };
        let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut seen = 0;
        for case in cases["tests"].as_array().unwrap() {
            let text = |name: &str| case["input"][name].as_str().unwrap_or_default().to_owned();
            let parsed = Settings::parse(text("configFile"), text("credentialsFile"));
            seen += 1;
            if OTHER_IN_THE_AWS_CLI.contains(&case["name"].as_str().unwrap()) {
                continue;
            }
            if case["output"]["errorContaining"].is_string() {
                assert!(parsed.is_err(), "{case}");
                continue;
            }
            let settings = parsed.unwrap_or_else(|error| panic!("{error}: {case}"));
            for (kind, sections) in
                [("profiles", &settings.profiles), ("sso_sessions", &settings.sso_sessions)]
            {
                let Some(expected) = case["output"]["config"][kind].as_object() else { continue };
                let mut found = sections.names();
                let mut wanted: Vec<_> = expected.keys().map(String::as_str).collect();
                found.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(found, wanted, "{case}");
                for (name, values) in expected {
                    let section = sections.find(name, &settings.texts).unwrap();
                    assert_eq!(section.values.len(), values.as_object().unwrap().len(), "{case}");
                    for (key, value) in values.as_object().unwrap() {
                        assert_eq!(section.get(key), value.as_str(), "{case}");
                    }
                }
            }
        }
        assert_eq!(seen, 65);
    }

    /// Files that botocore must survive, where they are at hand.
    #[test]
    fn botocores_own_files() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/botocore/cfg");
        for (name, is_read) in [
            ("aws_bad_profile", true),
            ("aws_config", true),
            ("aws_config_bad", false),
            ("aws_config_badbytes", false),
            ("aws_config_nested", true),
            ("aws_config_nested_bad", false),
            ("aws_credentials", false),
            ("aws_services_config", true),
            ("aws_sso_session_config", true),
            ("boto_config_empty", true),
            ("foo_config", true),
        ] {
            #[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
            let Ok(bytes) = std::fs::read(folder.join(name)) else { return };
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(crate::config::document::Document::parse(&text).to_text(), text, "{name}");
            assert_eq!(Settings::parse(&*text, &*text).is_ok(), is_read, "{name}");
            if name == "aws_bad_profile" {
                assert_eq!(config(&text).profile_names(), ["default", "my profile", "personal1"]);
            }
        }
    }
}
