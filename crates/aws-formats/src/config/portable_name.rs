//! Names of profiles and sso-sessions that every AWS SDK reads, and how to make one out of any text.
//!
//! The AWS CLI reads more names than the SDKs do. A name outside of these is still read from a file wherever it stands in one;
//! it is only not made anew without a warning.

use deunicode::deunicode_with_tofu;

/// The SDKs that skip a section whose name is not portable, or read another name out of its header.
/// JavaScript and Rust accept the characters of [`is_portable`] only (JavaScript drops all others from the header, and a session
/// that is then missing ends in an exception); Go keeps the quotes of the header as a part of the name.
pub const LIMITED_SDKS: &str = "JavaScript, Rust and Go";

/// The characters of a portable name, for messages.
pub const PORTABLE_CHARACTERS: &str = "letters from a to z, digits and _ - @ + . % : /";

/// True if every SDK reads a section of this name as the AWS CLI does.
pub fn is_portable(name: &str) -> bool {
    // The SDK for JavaScript refuses the whole file if a section has this name.
    !name.is_empty() && name != "__proto__" && name.chars().all(is_portable_character)
}

/// True if the SDKs read this character in the name of a section.
pub fn is_portable_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-@+.%:/".contains(c)
}

/// A portable name that resembles the text: other scripts are transliterated, all else becomes one `-`. It begins with a letter
/// or digit, so that no command line takes it for an option, and holds neither `/` nor `..`, as some tools name files after
/// profiles. `None` if nothing of the text remains.
pub fn transliterate(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for c in deunicode_with_tofu(text, "-").chars() {
        let c = if is_portable_character(c) && c != '/' { c } else { '-' };
        if matches!(c, '-' | '.') && name.ends_with(c) {
            continue;
        }
        name.push(c);
    }
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches(['-', '.']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Settings;
    use crate::config::edit::{Edit, SectionName, edited};

    #[test]
    fn a_transliterated_name_resembles_the_text() {
        let table = [
            ("corp", Some("corp")),
            ("日本 本番", Some("Ri-Ben-Ben-Fan")),
            ("[prod] Company", Some("prod-Company")),
            ("Zürich & Köln", Some("Zurich-Koln")),
            ("it's", Some("it-s")),
            ("a=b,c;d\\e", Some("a-b-c-d-e")),
            ("../../etc/passwd", Some("etc-passwd")),
            ("a..b", Some("a.b")),
            ("--profile", Some("profile")),
            ("__proto__", Some("proto__")),
            ("a - b", Some("a-b")),
            ("-/-", None),
            ("", None),
        ];
        for (text, name) in table {
            assert_eq!(transliterate(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn names_that_an_sdk_does_not_read_are_not_portable() {
        for name in ["corp", "a/b", "a.b:c%d@e+f_g-h", "-x"] {
            assert!(is_portable(name), "{name}");
        }
        for name in ["", "my corp", "it's", "a;b", "a,b", "a\\b", "a=b", "\"a\"", "日本", "a]b", "__proto__"]
        {
            assert!(!is_portable(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_transliterated_name_is_portable_and_is_read_back(text in any::<String>()) {
            let Some(name) = transliterate(&text) else { return Ok(()) };
            prop_assert!(is_portable(&name), "{name}");
            prop_assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{name}");
            prop_assert!(!name.contains('/') && !name.contains(".."), "{name}");
            let again = transliterate(&name);
            prop_assert_eq!(again.as_ref(), Some(&name));
            let text = edited("", &[Edit::AddSection(SectionName::Profile(name.clone()))]).unwrap();
            prop_assert!(name == "default" || text.contains(&format!("[profile {name}]")), "no quotes: {text}");
            let read = Settings::parse(text, "").unwrap();
            prop_assert_eq!(read.profile_names(), [name]);
        }

        #[test]
        fn a_name_that_can_be_written_at_all_is_read_back(name in "\\PC{1,12}") {
            let section = SectionName::SsoSession(name.clone());
            if let Ok(text) = edited("", &[Edit::AddSection(section)]) {
                let read = Settings::parse(text, "").unwrap();
                prop_assert_eq!(read.sso_session_names(), [name]);
            }
        }
    }
}
