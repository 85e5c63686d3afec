//! One variable by the name that `aws configure get` takes: `region`, `s3.addressing_style`, `profile.NAME.region`.

use super::settings::{Section, Settings};

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A value; it may be empty.
    Value(&'a str),
    /// Values of its own below it; it has none itself.
    Section,
    /// Nothing.
    Nothing,
}

/// The variable `name` of the profile in use. A name with dots may begin with the name of another profile (`default.key`,
/// `NAME.key`, `profile.NAME.key`) and may end with a key below the key (`s3.addressing_style`).
pub fn in_profile<'a>(settings: &'a Settings, name: &str, profile: &str) -> Found<'a> {
    let parts: Vec<&str> = name.split('.').collect();
    let (profile, rest) = match parts.as_slice() {
        [_] => (profile, &parts[..]),
        ["profile", _] => return Found::Section,
        ["profile", named, rest @ ..] => (*named, rest),
        [named, rest @ ..] if *named == "default" || settings.profile(named).is_some() => (*named, rest),
        _ => (profile, &parts[..]),
    };
    let Some(section) = settings.profile(profile) else { return Found::Nothing };
    match rest {
        [key, below] => nested(section, key, below),
        // What stands behind a second dot is passed over, as the AWS CLI does.
        [key, ..] => plain(section, key),
        [] => Found::Nothing,
    }
}

/// The variable `name` of a section that is no profile: `key`, or `key.below`.
pub fn in_section<'a>(section: &'a Section, name: &str) -> Found<'a> {
    match name.split('.').collect::<Vec<_>>().as_slice() {
        [key] => plain(section, key),
        [key, below] => nested(section, key, below),
        _ => Found::Nothing,
    }
}

fn plain<'a>(section: &'a Section, key: &str) -> Found<'a> {
    match section.get(key) {
        Some(text) if text.starts_with('\n') => Found::Section,
        Some(text) => Found::Value(text),
        None => Found::Nothing,
    }
}

fn nested<'a>(section: &'a Section, key: &str, below: &str) -> Found<'a> {
    section.nested(key, below).map_or(Found::Nothing, Found::Value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[default]
region = us-east-1
output =
[profile dev]
region = eu-west-1
s3 =
  addressing_style = path
[profile a.b]
region = x
[services local]
sts =
  endpoint_url = http://127.0.0.1:1
";

    #[test]
    fn names_are_read_as_the_aws_cli_reads_them() {
        let settings = Settings::parse(CONFIG, "[keys]\naws_access_key_id = AKIA\n").unwrap();
        let table = [
            ("region", "dev", Found::Value("eu-west-1")),
            ("region", "default", Found::Value("us-east-1")),
            ("Region", "dev", Found::Nothing),
            ("output", "default", Found::Value("")),
            ("output", "dev", Found::Nothing),
            ("s3", "dev", Found::Section),
            ("s3.addressing_style", "dev", Found::Value("path")),
            ("s3.other", "dev", Found::Nothing),
            ("region.other", "dev", Found::Nothing),
            ("default.region", "dev", Found::Value("us-east-1")),
            ("dev.region", "default", Found::Value("eu-west-1")),
            ("profile.dev.region", "default", Found::Value("eu-west-1")),
            ("profile.dev.s3", "default", Found::Section),
            ("profile.dev.s3.addressing_style", "default", Found::Value("path")),
            ("profile.dev", "default", Found::Section),
            ("profile.zz.region", "default", Found::Nothing),
            ("keys.aws_access_key_id", "default", Found::Value("AKIA")),
            ("region", "zz", Found::Nothing),
            ("region", "a.b", Found::Value("x")),
            ("a.b.region", "default", Found::Nothing),
            ("", "dev", Found::Nothing),
            ("default.", "dev", Found::Nothing),
        ];
        for (name, profile, expected) in table {
            assert_eq!(in_profile(&settings, name, profile), expected, "{name} of {profile}");
        }
    }

    #[test]
    fn sections_that_are_no_profiles() {
        let settings = Settings::parse(CONFIG, "").unwrap();
        let services = settings.services("local").unwrap();
        assert_eq!(in_section(services, "sts.endpoint_url"), Found::Value("http://127.0.0.1:1"));
        assert_eq!(in_section(services, "sts"), Found::Section);
        assert_eq!(in_section(services, "sso"), Found::Nothing);
        assert_eq!(in_section(services, "a.b.c"), Found::Nothing);
    }
}
