//! The names of cache files: SHA-1 in hex of what they are about.

use sha1::{Digest as _, Sha1};

/// The token of an sso-session, or of a legacy profile by its start URL exactly as configured.
pub fn token(session: Option<&str>, start_url: &str) -> String {
    hashed(session.unwrap_or(start_url))
}

/// What a registration is for.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationKey<'a> {
    /// The region of the Identity Center.
    pub region: &'a str,
    /// The configured scopes; none when nothing is configured, whatever is sent then.
    pub scopes: Option<&'a [String]>,
    /// The name of the sso-session; none for a legacy profile.
    pub session: Option<&'a str>,
    /// The start URL as configured.
    pub start_url: &'a str,
}

/// The registration that a session or legacy profile uses; the AWS CLI's own name, so that both find it.
pub fn registration(key: RegistrationKey<'_>) -> String {
    let scopes = match key.scopes {
        None => "null".to_owned(),
        Some(scopes) => {
            format!("[{}]", scopes.iter().map(|scope| quoted(scope)).collect::<Vec<_>>().join(", "))
        }
    };
    hashed(&format!(
        r#"{{"region": {}, "scopes": {scopes}, "session_name": {}, "startUrl": {}, "tool": "botocore"}}"#,
        quoted(key.region),
        key.session.map_or_else(|| "null".to_owned(), quoted),
        quoted(key.start_url),
    ))
}

/// The credentials of a role that were fetched with a session, or with a legacy profile's start URL.
pub fn role_credentials(account_id: &str, role_name: &str, session: Option<&str>, start_url: &str) -> String {
    let (key, value) = match session {
        Some(session) => ("sessionName", session),
        None => ("startUrl", start_url),
    };
    hashed(&format!(
        r#"{{"accountId":{},"roleName":{},"{key}":{}}}"#,
        quoted(account_id),
        quoted(role_name),
        quoted(value)
    ))
}

fn hashed(text: &str) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16);
    let mut name = String::with_capacity("0123456789012345678901234567890123456789.json".len());
    name.extend(
        Sha1::digest(text.as_bytes()).iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(digit),
    );
    name.push_str(".json");
    name
}

/// A JSON text as Python's `json.dumps` writes it: what is not ASCII is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            ' '..='~' => quoted.push(c),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_URL: &str = "https://d-1234567890.awsapps.com/start";

    #[test]
    fn tokens_as_the_aws_cli_and_the_sdks_name_them() {
        assert_eq!(token(Some("corp"), START_URL), "ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
        assert_eq!(token(None, START_URL), "7487b5b67d5fa1132cf33fa93ae51ef38cc37752.json");
        assert_eq!(token(Some("admin"), ""), "d033e22ae348aeb5660fc2140aec35850c4da997.json");
        assert_eq!(token(Some("dev-scopes"), ""), "75e4d41276d8bd17f85986fc6cccef29fd725ce3.json");
        assert_eq!(
            token(None, "https://d-abc123.awsapps.com/start"),
            "40a89917e3175433e361b710a9d43528d7f1890a.json"
        );
    }

    #[test]
    fn registrations_as_the_aws_cli_names_them() {
        let one = ["sso:account:access".to_owned()];
        let key = RegistrationKey {
            region: "us-east-1",
            scopes: Some(&one),
            session: Some("corp"),
            start_url: START_URL,
        };
        assert_eq!(registration(key), "bc8a1afdb0f5cdc2c789b8a6cd51898e2be3c37c.json");
        let two = ["sso:account:access".to_owned(), "codewhisperer:completions".to_owned()];
        let two = RegistrationKey { scopes: Some(&two), ..key };
        assert_eq!(registration(two), "11fe633be4cdab70e547d24a429e91c569f180de.json");
        let legacy = RegistrationKey { scopes: None, session: None, ..key };
        assert_eq!(registration(legacy), "365414a68be7c9bfc776c660981dbdbd942acea4.json");
    }

    #[test]
    fn role_credentials_as_the_aws_cli_names_them() {
        assert_eq!(
            role_credentials("111122223333", "AdministratorAccess", Some("corp"), START_URL),
            "5811043bbe9834d43b2a849958afa0f2b5f12b4e.json"
        );
        assert_eq!(
            role_credentials("111122223333", "ReadOnly", None, START_URL),
            "417c90ed1b57b636208f01348e75fbf5c9a91a50.json"
        );
    }

    #[test]
    fn texts_are_escaped_as_python_does() {
        assert_eq!(quoted("ä\"\\\n😀\u{7f}"), "\"\\u00e4\\\"\\\\\\n\\ud83d\\ude00\\u007f\"");
    }
}
