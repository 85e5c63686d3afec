//! What holds for every text, name and value.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::config::settings::Section;

/// A text that is read: headers, properties, blocks and comments in any order, with line ends of both kinds.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        3 => "[ \t]{0,2}\\[(profile |sso-session |services )?(a|b|default|'a b'|\"c\")\\]( # x)?",
        5 => "[ \t]{0,3}[a-dA-D]{1,2} ?= {0,2}([xy;#'=\\[]{0,3})( [ #;]z)? ?",
        1 => "[ \t]{0,3}[#;][ a-z=\\[\\]]{0,5}",
        1 => "[ \t]{0,2}",
        1 => "\\[plugins\\]",
    ];
    let lines = prop::collection::vec((line, prop_oneof![3 => Just("\n"), 1 => Just("\r\n")]), 0..14);
    let begin = prop_oneof![1 => Just(""), 1 => Just("# c\n"), 6 => Just("[default]\n")];
    (begin, lines, any::<bool>(), prop::bool::weighted(0.2)).prop_filter_map("a fault", |parts| {
        let (begin, lines, ends, marked) = parts;
        let mut text = String::from(if marked { "\u{feff}" } else { "" });
        text.push_str(begin);
        for (line, end) in lines {
            text.push_str(&line);
            text.push_str(end);
        }
        if !ends {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
        }
        Settings::parse(text.clone(), "").is_ok().then_some(text)
    })
}

fn section() -> impl Strategy<Value = SectionName> {
    let name = prop_oneof!["a|b|default", Just("a b".to_owned()), "[a-z ']{1,4}"];
    (0..3, name).prop_map(|(kind, name)| match kind {
        0 => SectionName::Profile(name),
        1 => SectionName::SsoSession(name),
        _ => SectionName::Services(name),
    })
}

/// The sections of a text.
fn sections(text: &str) -> Vec<SectionName> {
    let settings = Settings::parse(text, "").unwrap();
    let owned = |names: Vec<&str>, make: fn(String) -> SectionName| -> Vec<SectionName> {
        names.into_iter().map(|name| make(name.to_owned())).collect()
    };
    let mut all = owned(settings.profile_names(), SectionName::Profile);
    all.extend(owned(settings.sso_session_names(), SectionName::SsoSession));
    all.extend(owned(settings.services_names(), SectionName::Services));
    all
}

fn find<'a>(settings: &'a Settings, section: &SectionName) -> Option<&'a Section> {
    match section {
        SectionName::Profile(name) => settings.profile(name),
        SectionName::SsoSession(name) => settings.sso_session(name),
        SectionName::Services(name) => settings.services(name),
    }
}

/// Everything that is read, but for one section and key.
fn rest(text: &str, section: &SectionName, key: Option<&str>) -> Vec<String> {
    let settings = Settings::parse(text, "").unwrap();
    let mut rest = Vec::new();
    for other in sections(text) {
        if other == *section && key.is_none() {
            continue;
        }
        let values = find(&settings, &other).into_iter().flat_map(Section::iter);
        let mut values: Vec<_> = values
            .filter(|(name, _)| other != *section || key != Some(*name))
            .map(|(name, value)| format!("{other} {name} {:?} {:?}", value.text, value.nested))
            .collect();
        values.sort();
        rest.push(other.to_string());
        rest.extend(values);
    }
    rest
}

fn must(text: &str, edit: Edit) -> Result<String, TestCaseError> {
    edited(text, &[edit]).map_err(|error| TestCaseError::fail(error.to_string()))
}

/// A line that was appended to a last line without an end gave it one; nothing else may be left of it.
fn is_back(new: &str, text: &str) -> Result<(), TestCaseError> {
    let ended = new.strip_suffix('\n').map(|bare| bare.strip_suffix('\r').unwrap_or(bare));
    let is_back = new == text || !text.ends_with('\n') && ended == Some(text);
    prop_assert!(is_back, "{:?} is not {:?}", new, text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_new_key_is_added_and_removed(text in text(), value in "[a-z#;= ]{0,6}") {
        for section in sections(&text) {
            let set = Edit::Set { section: section.clone(), key: "new".to_owned(), value: value.clone() };
            let Ok(with) = edited(&text, std::slice::from_ref(&set)) else {
                prop_assert!(checked_value("new", &value).is_err());
                return Ok(());
            };
            let read = Settings::parse(with.clone(), "").unwrap();
            prop_assert_eq!(find(&read, &section).unwrap().get("new"), Some(value.as_str()));
            prop_assert_eq!(rest(&with, &section, Some("new")), rest(&text, &section, Some("new")));
            is_back(&must(&with, Edit::Remove { section, key: "new".to_owned() })?, &text)?;
        }
    }

    #[test]
    fn a_value_is_changed_and_changed_back(text in text(), value in "[a-z=']{1,6}") {
        let settings = Settings::parse(text.clone(), "").unwrap();
        for name in settings.profile_names() {
            for (key, old) in settings.profile(name).unwrap().iter() {
                let with = must(&text, set(name, key, &value))?;
                let read = Settings::parse(with.clone(), "").unwrap();
                prop_assert_eq!(read.profile(name).unwrap().get(key), Some(value.as_str()));
                prop_assert_eq!(rest(&with, &profile(name), Some(key)), rest(&text, &profile(name), Some(key)));
                if !old.text.is_empty() && checked_value(key, &old.text).is_ok() {
                    prop_assert_eq!(&must(&with, set(name, key, &old.text))?, &text);
                }
            }
        }
    }

    #[test]
    fn a_section_is_added_and_removed(text in text(), section in section()) {
        let is_there = find(&Settings::parse(text.clone(), "").unwrap(), &section).is_some();
        prop_assume!(!is_there);
        let with = must(&text, Edit::AddSection(section.clone()))?;
        prop_assert!(find(&Settings::parse(with.clone(), "").unwrap(), &section).is_some());
        prop_assert_eq!(rest(&with, &section, None), rest(&text, &section, None));
        let mut full = with.clone();
        for key in ["k", "l"] {
            full = must(&full, Edit::Set { section: section.clone(), key: key.to_owned(), value: "v".to_owned() })?;
        }
        full = must(&full, nested(section.clone(), "m", "n", "o"))?;
        for with in [with, full] {
            is_back(&must(&with, Edit::RemoveSection(section.clone()))?, &text)?;
        }
    }

    #[test]
    fn a_nested_value_is_added_and_its_block_removed(text in text()) {
        for section in sections(&text) {
            let with = must(&text, nested(section.clone(), "new", "k", "v"))?;
            let read = Settings::parse(with.clone(), "").unwrap();
            prop_assert_eq!(find(&read, &section).unwrap().nested("new", "k"), Some("v"));
            prop_assert_eq!(rest(&with, &section, Some("new")), rest(&text, &section, Some("new")));
            is_back(&must(&with, Edit::Remove { section, key: "new".to_owned() })?, &text)?;
        }
    }

    #[test]
    fn whatever_is_asked_for_nothing_else_changes(
        text in text(), section in section(), key in "[a-d]{1,2}", what in 0..5, value in "[x-z]{0,2}"
    ) {
        let edit = any_edit(section.clone(), key.clone(), what, value);
        let but = Some(key).filter(|_| what < 3);
        match edited(&text, std::slice::from_ref(&edit)) {
            Ok(new) => {
                let mut after = rest(&new, &section, but.as_deref());
                let before = rest(&text, &section, but.as_deref());
                let header = section.to_string();
                if !before.contains(&header) {
                    after.retain(|line| *line != header);
                }
                prop_assert_eq!(after, before);
                let line_of = |text: &str| text.lines().filter(|line| line.contains("plugins")).count();
                prop_assert_eq!(line_of(&new), line_of(&text));
            }
            // An indented header that would become part of a value, or a block below a value.
            Err(error) => {
                let is_expected = matches!(error, EditError::WouldChange { .. } | EditError::HasValue { .. });
                prop_assert!(is_expected, "{error}");
            }
        }
    }

    #[test]
    fn edits_at_once_are_edits_one_by_one(
        text in text(), edits in prop::collection::vec((section(), "[a-d]", 0..5, "[x-z]{0,2}"), 1..8)
    ) {
        let edits: Vec<Edit> =
            edits.into_iter().map(|(section, key, what, value)| any_edit(section, key, what, value)).collect();
        let one_by_one = edits.iter().try_fold(text.clone(), |text, edit| edited(&text, std::slice::from_ref(edit)));
        // At once, what would be refused on the way may be fine in the end.
        if let Ok(one_by_one) = one_by_one {
            // A new line may learn its end from a line that is gone later.
            let at_once = edited(&text, &edits).unwrap();
            prop_assert_eq!(at_once.lines().collect::<Vec<_>>(), one_by_one.lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn hostile_words_change_no_other_section(
        text in text(), name in any::<String>(), key in any::<String>(), value in any::<String>(), what in 0..4,
    ) {
        hostile(&text, &name, &key, &value, what)?;
    }

    #[test]
    fn words_that_look_like_a_config_change_no_other_section(
        text in text(), name in "[ab\\]\\['\"# ;=\n\r\u{85}\u{a0}\\\\]{0,6}", key in "[ab= \n\\[#]{0,3}",
        value in "[ab\n\r\\[\\]#;= '\u{2028}\u{feff}]{0,8}", what in 0..4,
    ) {
        hostile(&text, &name, &key, &value, what)?;
    }
}

fn any_edit(section: SectionName, key: String, what: i32, value: String) -> Edit {
    match what {
        0 => Edit::Set { section, key, value },
        1 => Edit::SetNested { section, key, below: "k".to_owned(), value },
        2 => Edit::Remove { section, key },
        3 => Edit::AddSection(section),
        _ => Edit::RemoveSection(section),
    }
}

fn hostile(text: &str, name: &str, key: &str, value: &str, what: i32) -> Result<(), TestCaseError> {
    let section = if what % 2 == 0 { profile(name) } else { SectionName::SsoSession(name.to_owned()) };
    let (key, below, value) = (key.to_owned(), key.to_owned(), value.to_owned());
    let edit = match what {
        0 => Edit::AddSection(section.clone()),
        1 => Edit::Set { section: section.clone(), key: "k".to_owned(), value },
        2 => Edit::SetNested { section: section.clone(), key: "k".to_owned(), below, value },
        _ => Edit::Set { section: section.clone(), key, value },
    };
    if let Ok(new) = edited(text, &[edit]) {
        let mut after = rest(&new, &section, None);
        after.retain(|line| *line != section.to_string());
        let mut before = rest(text, &section, None);
        before.retain(|line| *line != section.to_string());
        prop_assert_eq!(after, before);
        prop_assert!(
            new.lines().count() <= text.lines().count() + 4,
            "at most a blank line, a header and two keys"
        );
    }
    Ok(())
}
