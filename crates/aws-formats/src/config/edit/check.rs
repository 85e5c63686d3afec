//! Reads a text before and after its edits: they must have done what they say, and nothing else.

use std::collections::HashMap;

use super::{Edit, EditError, SectionName};
use crate::config::settings::{Section, Settings, Value};

/// What a key must say now.
enum Expected<'a> {
    /// What it said before.
    Same(&'a Value),
    /// One line.
    Text(&'a str),
    /// A block, in this order.
    Block(Vec<(String, String)>),
}

/// The keys of a section that was edited; nothing for one that must be gone.
type Wanted<'a> = Option<HashMap<String, Expected<'a>>>;

pub(super) fn check(old: &str, new: &str, edits: &[Edit]) -> Result<(), EditError> {
    let [old, new] = [old, new].map(|text| Settings::parse(text, "").map_err(|error| error.fault));
    let (old, new) = (old?, new?);
    let (old, new) = (Sections::of(&old), Sections::of(&new));
    let wanted = wanted(&old, edits);

    let untouched = |sections: &Sections<'_>| -> Vec<SectionName> {
        sections.names.iter().filter(|name| !wanted.contains_key(name)).cloned().collect()
    };
    let (before, after) = (untouched(&old), untouched(&new));
    let refuse = |name: &SectionName| Err(EditError::WouldChange { section: name.to_string() });
    for (at, name) in before.iter().enumerate() {
        if after.get(at) != Some(name) || !is_same(old.find(name), new.find(name)) {
            return refuse(name);
        }
    }
    if let Some(name) = after.get(before.len()) {
        return refuse(name);
    }
    match wanted.iter().find(|(name, wanted)| !is_as_wanted(wanted, new.find(name))) {
        Some((name, _)) => refuse(name),
        None => Ok(()),
    }
}

/// All sections by name.
struct Sections<'a> {
    names: Vec<SectionName>,
    settings: &'a Settings,
}

impl<'a> Sections<'a> {
    fn of(settings: &'a Settings) -> Self {
        let owned = |name: &str| name.to_owned();
        let profiles = settings.profile_names().into_iter().map(|name| SectionName::Profile(owned(name)));
        let sessions =
            settings.sso_session_names().into_iter().map(|name| SectionName::SsoSession(owned(name)));
        let services = settings.services_names().into_iter().map(|name| SectionName::Services(owned(name)));
        Self { names: profiles.chain(sessions).chain(services).collect(), settings }
    }

    fn find(&self, name: &SectionName) -> Option<&'a Section> {
        match name {
            SectionName::Profile(name) => self.settings.profile(name),
            SectionName::SsoSession(name) => self.settings.sso_session(name),
            SectionName::Services(name) => self.settings.services(name),
        }
    }
}

fn wanted<'a>(old: &Sections<'a>, edits: &'a [Edit]) -> HashMap<&'a SectionName, Wanted<'a>> {
    let mut wanted: HashMap<&SectionName, Wanted<'a>> = HashMap::new();
    for edit in edits {
        let (Edit::Set { section, .. }
        | Edit::SetNested { section, .. }
        | Edit::Remove { section, .. }
        | Edit::AddSection(section)
        | Edit::RemoveSection(section)) = edit;
        let state = wanted.entry(section).or_insert_with(|| {
            let values = old.find(section)?.iter();
            Some(values.map(|(key, value)| (key.to_owned(), Expected::Same(value))).collect())
        });
        match edit {
            Edit::Set { key, value, .. } => {
                let keys = state.get_or_insert_default();
                keys.insert(key.to_ascii_lowercase(), Expected::Text(value));
            }
            Edit::SetNested { key, below, value, .. } => {
                let key = state.get_or_insert_default().entry(key.to_ascii_lowercase());
                let expected = key.or_insert_with(|| Expected::Block(Vec::new()));
                expected.set_nested(below.to_ascii_lowercase(), value.clone());
            }
            Edit::Remove { key, .. } => {
                if let Some(keys) = state {
                    keys.remove(&key.to_ascii_lowercase());
                }
            }
            Edit::AddSection(_) => {
                state.get_or_insert_default();
            }
            Edit::RemoveSection(_) => *state = None,
        }
    }
    wanted
}

impl Expected<'_> {
    fn set_nested(&mut self, below: String, value: String) {
        let mut block = match self {
            Self::Same(before) => before.nested.clone(),
            Self::Block(block) => std::mem::take(block),
            Self::Text(_) => Vec::new(),
        };
        match block.iter_mut().rev().find(|(key, _)| *key == below) {
            Some((_, old)) => *old = value,
            None => block.push((below, value)),
        }
        *self = Self::Block(block);
    }

    fn is(&self, value: &Value) -> bool {
        match self {
            Self::Same(before) => before.text == value.text && before.nested == value.nested,
            Self::Text(text) => value.text == *text && value.nested.is_empty(),
            Self::Block(block) => value.nested == *block,
        }
    }
}

fn is_same(old: Option<&Section>, new: Option<&Section>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return false };
    old.iter().count() == new.iter().count()
        && old.iter().zip(new.iter()).all(|((old_key, old), (key, new))| {
            old_key == key && old.text == new.text && old.nested == new.nested
        })
}

fn is_as_wanted(wanted: &Wanted<'_>, section: Option<&Section>) -> bool {
    match (wanted, section) {
        (None, None) => true,
        (Some(keys), Some(section)) => {
            section.iter().count() == keys.len()
                && section.iter().all(|(key, value)| keys.get(key).is_some_and(|expected| expected.is(value)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_does_less_or_more_than_it_says_is_refused() {
        let old = "[default]\nk = 1\n[profile a]\nk = 1\n  2\ns3 =\n  k = v\n[services s]\n";
        let a = || SectionName::Profile("a".to_owned());
        let set = || Edit::Set { section: a(), key: "K".to_owned(), value: "3".to_owned() };
        let nested = || Edit::SetNested {
            section: a(),
            key: "s3".to_owned(),
            below: "K".to_owned(),
            value: "w".to_owned(),
        };
        let remove = || Edit::Remove { section: a(), key: "k".to_owned() };
        let table: [(Edit, &str, bool); 13] = [
            (set(), "[default]\nk = 1\n[profile a]\nk = 3\ns3 =\n  k = v\n[services s]\n", true),
            (set(), old, false),
            (set(), "[default]\nk = 1\n[profile a]\nk = 3\n  2\ns3 =\n  k = v\n[services s]\n", false),
            (set(), "[default]\nk = 1\n[profile a]\nk = 3\ns3 =\n  k = w\n[services s]\n", false),
            (set(), "[default]\nk = 1\n[profile a]\nk = 3\n[services s]\n", false),
            (set(), "[default]\nk = 3\n[profile a]\nk = 3\ns3 =\n  k = v\n[services s]\n", false),
            (set(), "[default]\nk = 1\n[profile a]\nk = 3\ns3 =\n  k = v\n", false),
            (
                set(),
                "[default]\nk = 1\n[profile a]\nk = 3\ns3 =\n  k = v\n[services s]\n[services t]\n",
                false,
            ),
            (nested(), "[default]\nk = 1\n[profile a]\nk = 1\n  2\ns3 =\n  k = w\n[services s]\n", true),
            (
                nested(),
                "[default]\nk = 1\n[profile a]\nk = 1\n  2\ns3 =\n  k = w\n  l = x\n[services s]\n",
                false,
            ),
            (remove(), "[default]\nk = 1\n[profile a]\ns3 =\n  k = v\n[services s]\n", true),
            (remove(), "[default]\nk = 1\n[services s]\n", false),
            (Edit::RemoveSection(a()), "[default]\nk = 1\n[services s]\n", true),
        ];
        for (edit, new, is_fine) in table {
            let checked = check(old, new, std::slice::from_ref(&edit));
            assert_eq!(checked.is_ok(), is_fine, "{edit:?} {new}");
        }
    }
}
