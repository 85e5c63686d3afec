use super::*;
use crate::config::Settings;

mod awkward;
mod properties;

fn profile(name: &str) -> SectionName {
    SectionName::Profile(name.to_owned())
}

fn set(name: &str, key: &str, value: &str) -> Edit {
    Edit::Set { section: profile(name), key: key.to_owned(), value: value.to_owned() }
}

fn nested(section: SectionName, key: &str, below: &str, value: &str) -> Edit {
    Edit::SetNested { section, key: key.to_owned(), below: below.to_owned(), value: value.to_owned() }
}

fn remove(name: &str, key: &str) -> Edit {
    Edit::Remove { section: profile(name), key: key.to_owned() }
}

#[test]
fn several_edits_are_made_in_order() {
    let section = SectionName::SsoSession("corp".to_owned());
    let url = |value: &str| Edit::Set {
        section: section.clone(),
        key: "sso_start_url".to_owned(),
        value: value.to_owned(),
    };
    let edits = [
        url("https://one"),
        set("dev", "sso_session", "corp"),
        url("https://two"),
        set("dev", "region", "eu-west-1"),
        remove("dev", "sso_session"),
        set("dev", "sso_session", "other"),
        Edit::RemoveSection(profile("old")),
        Edit::AddSection(profile("old")),
        set("default", "region", "x"),
    ];
    assert_eq!(
        edited("[profile old]\nregion = x\n", &edits).unwrap(),
        "[sso-session corp]\nsso_start_url = https://two\n\n[profile dev]\nregion = eu-west-1\nsso_session = other\n\n\
         [profile old]\n\n[default]\nregion = x\n"
    );
}

#[test]
fn all_edits_are_made_or_none() {
    let edits = [set("a", "region", "x"), set("a", "region", "x\ny")];
    assert!(edited("[profile a]\n", &edits).is_err());
}

#[test]
fn names_are_written_so_that_every_tool_reads_them() {
    for (section, header) in [
        (profile("default"), "[default]"),
        (profile("a-b_c.d@e+f%g:h/1"), "[profile a-b_c.d@e+f%g:h/1]"),
        (profile("new prof"), "[profile 'new prof']"),
        (profile("it's"), "[profile 'it'\"'\"'s']"),
        (profile("a&b"), "[profile 'a&b']"),
        (profile(" a "), "[profile ' a ']"),
        (profile("größe"), "[profile 'größe']"),
        (profile("\\"), "[profile '\\']"),
        (profile("#1 of; 2"), "[profile '#1 of; 2']"),
        (SectionName::SsoSession("s 2".to_owned()), "[sso-session 's 2']"),
        (SectionName::Services("default".to_owned()), "[services default]"),
    ] {
        let text = edited("", &[Edit::AddSection(section)]).unwrap();
        assert_eq!(text, format!("{header}\n"));
    }
}

#[test]
fn names_that_some_tool_would_read_otherwise_are_refused() {
    for name in [
        "",
        "a\nb",
        "a\rb",
        "a\0",
        "\u{1b}[1m",
        "a\u{85}b",
        "a\u{2028}b",
        "a]b",
        "x]\n[profile y",
        "a #b",
        "a ;b",
        "a\tb",
    ] {
        for section in
            [profile(name), SectionName::SsoSession(name.to_owned()), SectionName::Services(name.to_owned())]
        {
            let key = Edit::Set { section: section.clone(), key: "k".to_owned(), value: "v".to_owned() };
            for edit in [Edit::AddSection(section.clone()), key, nested(section, "k", "b", "v")] {
                let error = edited("[default]\n", &[edit]).unwrap_err();
                assert!(matches!(&error, EditError::Name { name: said, .. } if said == name), "{error}");
                assert!(!error.to_string().contains(['\n', '\r', '\0', '\u{1b}']), "{error:?}");
            }
        }
    }
}

#[test]
fn a_section_whose_header_somebody_else_wrote_can_be_changed() {
    let text = "[profile 'e]f'] # old\n[profile \"a b\"]\n";
    assert_eq!(
        edited(text, &[set("e]f", "k", "v"), set("a b", "k", "v")]).unwrap(),
        "[profile 'e]f'] # old\nk = v\n[profile \"a b\"]\nk = v\n"
    );
}

#[test]
fn values_that_would_not_be_read_back_are_refused_by_key_without_the_value() {
    for value in [
        "hidden\n[profile b]",
        "hidden\r",
        "hidden\0",
        "hid\tden",
        "hidden\u{85}",
        "hid\u{2028}den",
        " hidden",
        "hidden ",
        "\u{a0}hidden",
        "hidden # x",
        "hidden ;x",
        "#hidden",
        ";hidden",
        "hidden \u{1b}[2J",
    ] {
        for edit in [set("a", "Region", value), nested(profile("a"), "s3", "region", value)] {
            let error = edited("[profile a]\n", std::slice::from_ref(&edit)).unwrap_err();
            assert!(matches!(error, EditError::Value { .. }), "{value:?}");
            let words = error.to_string().to_ascii_lowercase();
            assert!(words.contains("region") && !words.contains("hid"), "{words}");
            assert!(!format!("{edit:?}").contains("hidden"));
        }
    }
    for value in ["a#b", "a;b", "=", "[profile b]", "'a b'", "a  b", "größe", ""] {
        let text = edited("", &[set("a", "k", value)]).unwrap();
        let settings = Settings::parse(text, "").unwrap();
        assert_eq!(
            (settings.profile("a").unwrap().get("k"), settings.profile_names().len()),
            (Some(value), 1)
        );
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    for key in ["", "a b", "a=b", "[a]", "#a", "a.b", "k\n", "größe"] {
        for edit in
            [set("a", key, "v"), nested(profile("a"), key, "b", "v"), nested(profile("a"), "k", key, "v")]
        {
            assert_eq!(edited("", &[edit]), Err(EditError::Key(key.to_owned())));
        }
        assert_eq!(edited("[profile a]\nk = v\n", &[remove("a", key)]).unwrap(), "[profile a]\nk = v\n");
    }
}

#[test]
fn a_text_with_a_fault_is_refused_with_its_line() {
    let error = edited("[profile a]\n\nregion\n", &[set("a", "k", "v")]).unwrap_err();
    assert_eq!(error.to_string(), "line 3: a line of a section must read `key = value`");
}

#[test]
fn nothing_can_stand_below_a_value() {
    let error = edited("[profile a]\ns3 = x\n", &[nested(profile("a"), "s3", "k", "v")]).unwrap_err();
    assert_eq!(error.to_string(), "s3 of [profile a] has a value of its own, so k cannot stand below it");
}

#[test]
fn a_removal_that_would_swallow_the_next_section_is_refused() {
    // Once [profile b] is gone, the third header is indented below `k`, and so more of its value.
    let text = "[profile a]\nk = v\n[profile b]\n    x = y\n  [profile c]\n  x = z\n";
    let error = edited(text, &[Edit::RemoveSection(profile("b"))]).unwrap_err();
    assert_eq!(error, EditError::WouldChange { section: "profile c".to_owned() });
    // The same where no reader of ours knows the section.
    let text = text.replace("profile c", "plugins");
    let error = edited(&text, &[Edit::RemoveSection(profile("b"))]).unwrap_err();
    assert_eq!(error, EditError::WouldChange { section: "plugins".to_owned() });
}

#[test]
#[allow(clippy::disallowed_methods, reason = "this measures")]
fn thousands_of_edits_take_no_time_to_speak_of() {
    let mut text = String::new();
    for number in 0..2500 {
        text.push_str(&format!("[profile old-{number}]\nregion = eu-west-1\noutput = json\n\n"));
    }
    let adding: Vec<Edit> = (0..5000)
        .flat_map(|number| {
            let name = format!("new-{number}");
            [Edit::AddSection(profile(&name)), set(&name, "sso_session", "corp"), set(&name, "region", "x")]
        })
        .collect();
    let begin = std::time::Instant::now();
    let long = edited(&text, &adding).unwrap();
    let added = begin.elapsed();
    let differences = difference(&text, &long);
    assert_eq!(differences.len(), 20_000);
    let compared = begin.elapsed() - added;
    let removing: Vec<Edit> =
        (0..5000).map(|number| Edit::RemoveSection(profile(&format!("new-{number}")))).collect();
    assert_eq!(edited(&long, &removing).unwrap(), text);
    let removed = begin.elapsed() - added - compared;
    let changing: Vec<Edit> = (0..2500)
        .flat_map(|number| {
            let name = format!("old-{number}");
            [set(&name, "region", "y"), set(&name, "k", "v")]
        })
        .collect();
    let changed_text = edited(&text, &changing).unwrap();
    let changed = begin.elapsed() - added - compared - removed;
    assert_eq!(difference(&text, &changed_text).len(), 7500);
    let in_one: Vec<Edit> = (0..3000).map(|number| set("old-1", &format!("k{number}"), "v")).collect();
    let begin_one = std::time::Instant::now();
    edited(&text, &in_one).unwrap();
    let in_one = begin_one.elapsed();
    println!(
        "added {added:?} compared {compared:?} removed {removed:?} changed {changed:?} in one {in_one:?}"
    );
    // Far more than the half second that it takes, so that a busy machine passes, and reading the text for each edit does not.
    assert!(begin.elapsed().as_secs() < 10);
}
