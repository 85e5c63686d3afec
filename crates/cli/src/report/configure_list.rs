//! The table of `configure list`, which is the AWS CLI's.

use serde_json::json;

/// The AWS CLI's type and location of a value that nobody gave.
const UNSET: &str = "None";

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    name: &'static str,
    value: Option<String>,
    kind: &'static str,
    location: String,
}

impl Row {
    /// A value, how it was given and where.
    pub(crate) fn new(name: &'static str, value: &str, kind: &'static str, location: &str) -> Self {
        // Names and regions are somebody's text, and this goes to a terminal.
        let value = Some(wire::words::printable(value, 256));
        Self { name, value, kind, location: location.to_owned() }
    }

    /// Nobody gave a value.
    pub(crate) fn unset(name: &'static str) -> Self {
        Self { name, value: None, kind: UNSET, location: UNSET.to_owned() }
    }

    /// A value that is not fetched, by its type in the AWS CLI.
    pub(crate) fn not_fetched(name: &'static str, kind: &'static str) -> Self {
        Self { name, value: None, kind, location: String::new() }
    }

    /// As the AWS CLI writes it.
    pub(crate) fn line(&self) -> String {
        line(
            self.name,
            self.value.as_deref().unwrap_or(if self.kind == UNSET { "<not set>" } else { "<not fetched>" }),
            self.kind,
            &self.location,
        )
    }
}

/// The first line.
pub(crate) fn header() -> String {
    line("NAME", "VALUE", "TYPE", "LOCATION")
}

fn line(name: &str, value: &str, kind: &str, location: &str) -> String {
    format!("{name:<10} : {value:<24} : {kind:<16} : {location}\n")
}

/// All rows for programs.
pub(crate) fn object(rows: &[Row]) -> String {
    let rows = rows.iter().map(|row| {
        let place = (row.kind != UNSET).then_some((row.kind, row.location.as_str()));
        let value = json!({
            "value": row.value,
            "type": place.map(|place| place.0),
            "location": place.map(|place| place.1),
        });
        (row.name.to_owned(), value)
    });
    format!("{:#}\n", serde_json::Value::Object(rows.collect()))
}

/// A key without all but its last four characters; of a short one nothing is shown.
pub(crate) fn masked(key: &str) -> String {
    let count = key.chars().count();
    let last: String = if count > 8 { key.chars().skip(count - 4).collect() } else { String::new() };
    format!("{}{last}", "*".repeat(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_aws_cli() {
        assert_eq!(header(), "NAME       : VALUE                    : TYPE             : LOCATION\n");
        assert_eq!(
            Row::unset("region").line(),
            "region     : <not set>                : None             : None\n"
        );
        assert_eq!(
            Row::new("access_key", &masked("AKIAIOSFODNN7EXAMPLE"), "shared-credentials-file", "").line(),
            "access_key : ****************MPLE     : shared-credentials-file : \n"
        );
    }

    #[test]
    fn a_short_key_is_not_shown_by_its_end() {
        assert_eq!(masked("abcd1234"), "****************");
        assert_eq!(masked("abcde12345"), "****************2345");
        assert_eq!(masked(""), "****************");
    }
}
