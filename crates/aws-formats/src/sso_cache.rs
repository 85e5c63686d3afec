//! `~/.aws/sso/cache` and `~/.aws/cli/cache` as AWS CLI v2 keeps them: names and texts.

pub mod file_name;
pub mod issued;
pub mod moment;
pub mod registration;
pub mod role_credentials;
pub mod token;

pub use issued::Issued;
pub use registration::Registration;
pub use role_credentials::RoleCredentials;
pub use token::Token;

use serde_json::{Map, Value};

/// A cache file that cannot be used: torn by a writer that was stopped, or made by something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// Not one JSON object.
    #[error("it is not a JSON object (a writer may have been stopped half way)")]
    NotJson,
    /// A member is missing or has the wrong type.
    #[error("its member {0} is missing or not a text")]
    Member(&'static str),
    /// A time that cannot be read.
    #[error("its member {0} is not a time such as 2026-11-23T10:00:00Z")]
    Time(&'static str),
}

/// The one object of a file. A byte order mark is passed over.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, CacheError> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(CacheError::NotJson),
    }
}

/// A text that must be there and must not be empty.
pub(crate) fn text(map: &Map<String, Value>, key: &'static str) -> Result<String, CacheError> {
    optional_text(map, key).filter(|text| !text.is_empty()).ok_or(CacheError::Member(key))
}

/// A text that may be missing or null.
pub(crate) fn optional_text(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// A list of texts that may be missing or null.
fn optional_texts(map: &Map<String, Value>, key: &str) -> Option<Vec<String>> {
    let items = map.get(key)?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// One line of JSON with `", "` and `": "`, as Python writes it.
fn to_line(map: &Map<String, Value>) -> String {
    let members: Vec<String> =
        map.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), spaced(value))).collect();
    format!("{{{}}}", members.join(", "))
}

fn spaced(value: &Value) -> String {
    match value {
        Value::Object(map) => to_line(map),
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
