//! The output formats of the AWS CLI, byte for byte: what `aws sts get-caller-identity --output FORMAT` writes to a pipe.

use serde_json::json;
use wire::sts::CallerIdentity;

use crate::args::sts::AwsOutput;

/// An identity in a format. A table is turned on its side if it is wider than `columns`.
pub(crate) fn caller_identity(identity: &CallerIdentity, output: AwsOutput, columns: usize) -> String {
    let CallerIdentity { user_id, account, arn } = identity;
    // All formats but JSON sort by key.
    let sorted = [("Account", account.as_str()), ("Arn", arn), ("UserId", user_id)];
    match output {
        AwsOutput::Json => json(&[("UserId", user_id), ("Account", account), ("Arn", arn)]),
        AwsOutput::Text => sorted.map(|(_, value)| value).join("\t") + "\n",
        AwsOutput::Table => table("GetCallerIdentity", &sorted, columns),
        AwsOutput::Yaml => yaml(&sorted, ["", ""]),
        AwsOutput::YamlStream => yaml(&sorted, ["- ", "  "]),
    }
}

fn json(members: &[(&str, &str)]) -> String {
    let lines: Vec<String> =
        members.iter().map(|(key, value)| format!("    {}: {}", json!(key), json!(value))).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// One mapping; `[first, others]` stands before its lines.
fn yaml(members: &[(&str, &str)], [first, others]: [&str; 2]) -> String {
    let indents = std::iter::once(first).chain(std::iter::repeat(others));
    let lines = members.iter().zip(indents);
    lines.map(|((key, value), indent)| format!("{indent}{key}: {}\n", yaml_scalar(value))).collect()
}

/// A string as ruamel.yaml writes it in a block mapping: plain if it is read as the same string, else in single quotes. (It would
/// fold what is longer than 80 characters at blanks, which no part of an identity has.)
fn yaml_scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c))
        && !text.ends_with(':');
    let is_other = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
    );
    if is_word && !is_other { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// A table with a title over one row of values; with the keys in a column of its own if it were too wide otherwise.
fn table(title: &str, members: &[(&str, &str)], columns: usize) -> String {
    let keys: Vec<&str> = members.iter().map(|(key, _)| *key).collect();
    let values: Vec<&str> = members.iter().map(|(_, value)| *value).collect();
    let longest = |texts: &[&str]| texts.iter().map(|text| length(text)).max().unwrap_or_default();
    let across: Vec<usize> = members.iter().map(|(key, value)| longest(&[key, value])).collect();
    if total(&across, title) <= columns {
        let widths = scaled(&across, total(&across, title));
        let body = [cells(&keys, &widths, centered), line(&widths), cells(&values, &widths, padded)];
        return framed(title, &widths, &body.concat());
    }
    let down = [longest(&keys), longest(&values)];
    let widths = scaled(&down, total(&down, title));
    let rows = members.iter().map(|(key, value)| cells(&[key, value], &widths, padded));
    framed(title, &widths, &rows.collect::<String>())
}

fn framed(title: &str, widths: &[usize], body: &str) -> String {
    let width: usize = widths.iter().sum();
    let title = centered(title, width, "|");
    format!("{}\n{title}\n{}{body}{}", "-".repeat(width), line(widths), line(widths))
}

/// `+-----+---+`
fn line(widths: &[usize]) -> String {
    let parts = widths.iter().enumerate().map(|(number, width)| {
        "-".repeat(if number == 0 { width.saturating_sub(2) } else { width.saturating_sub(1) }) + "+"
    });
    format!("+{}\n", parts.collect::<String>())
}

/// `|  a  |  b  |`; the left edge belongs to the first cell.
fn cells(texts: &[&str], widths: &[usize], cell: impl Fn(&str, usize, &str) -> String) -> String {
    let edges = std::iter::once("|").chain(std::iter::repeat(""));
    let parts = texts.iter().zip(widths).zip(edges).map(|((text, width), edge)| cell(text, *width, edge));
    parts.collect::<String>() + "\n"
}

/// A text behind two blanks if there is room for them, in a cell of that width with its edges.
fn padded(text: &str, width: usize, edge: &str) -> String {
    let taken = edge.len() + length(text) + 1;
    let before = if taken + 2 <= width { 2 } else { 0 };
    format!("{edge}{}{text}{}|", " ".repeat(before), " ".repeat(width.saturating_sub(taken + before)))
}

/// A text in the middle of a cell of that width with its edges.
fn centered(text: &str, width: usize, edge: &str) -> String {
    let before = (width / 2).saturating_sub(length(text) / 2 + 1);
    let after = width.saturating_sub(edge.len() + before + length(text) + 1);
    format!("{edge}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

/// The width of a table whose columns hold so many characters.
fn total(longest: &[usize], title: &str) -> usize {
    let columns: usize = longest.iter().map(|width| width + 4).sum();
    (columns + 2).max(length(title) + 2)
}

/// The widths of the columns with their padding, stretched to `width` as the AWS CLI stretches them: each in proportion, rounded,
/// and what is left over or missing taken one by one.
fn scaled(longest: &[usize], width: usize) -> Vec<usize> {
    let padded: Vec<usize> = longest.iter().map(|width| width + 4).collect();
    let sum: usize = padded.iter().sum();
    // Rounds half to even, as Python does.
    let part = |column: &usize| {
        let (whole, rest) = (width * column / sum, width * column % sum);
        match (2 * rest).cmp(&sum) {
            std::cmp::Ordering::Less => whole,
            std::cmp::Ordering::Greater => whole + 1,
            std::cmp::Ordering::Equal => whole + whole % 2,
        }
    };
    let mut widths: Vec<usize> = padded.iter().map(part).collect();
    let count = widths.len();
    let mut place = 0;
    while widths.iter().sum::<usize>() != width {
        if widths.iter().sum::<usize>() > width {
            widths[place % count] -= 1;
        } else {
            widths[count - 1 - place % count] += 1;
        }
        place += 1;
    }
    widths
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(arn: &str) -> CallerIdentity {
        CallerIdentity {
            user_id: "AROAOXKA37AZHR4KUP32D:demo".into(),
            account: "111122223333".into(),
            arn: arn.into(),
        }
    }

    /// The outputs of the AWS CLI 2.9.19.
    #[test]
    fn each_format_is_that_of_the_aws_cli() {
        let long = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ReadOnly_94a6e4e73b900537/demo";
        let of = |output| caller_identity(&identity(long), output, 80);
        assert_eq!(
            of(AwsOutput::Json),
            format!(
                "{{\n    \"UserId\": \"AROAOXKA37AZHR4KUP32D:demo\",\n    \"Account\": \"111122223333\",\n    \
                 \"Arn\": \"{long}\"\n}}\n"
            )
        );
        assert_eq!(of(AwsOutput::Text), format!("111122223333\t{long}\tAROAOXKA37AZHR4KUP32D:demo\n"));
        assert_eq!(
            of(AwsOutput::Yaml),
            format!("Account: '111122223333'\nArn: {long}\nUserId: AROAOXKA37AZHR4KUP32D:demo\n")
        );
        assert_eq!(
            of(AwsOutput::YamlStream),
            format!("- Account: '111122223333'\n  Arn: {long}\n  UserId: AROAOXKA37AZHR4KUP32D:demo\n")
        );
        assert_eq!(
            of(AwsOutput::Table),
            "-----------------------------------------------------------------------------------------------------\n\
             |                                         GetCallerIdentity                                         |\n\
             +---------+-----------------------------------------------------------------------------------------+\n\
             |  Account|  111122223333                                                                           |\n\
             |  Arn    |  arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ReadOnly_94a6e4e73b900537/demo   |\n\
             |  UserId |  AROAOXKA37AZHR4KUP32D:demo                                                             |\n\
             +---------+-----------------------------------------------------------------------------------------+\n"
        );
    }

    #[test]
    fn a_table_lies_on_its_side_only_if_it_is_too_wide() {
        let of = |arn: &str, user_id: &str, columns| {
            let identity =
                CallerIdentity { user_id: user_id.into(), account: "111122223333".into(), arn: arn.into() };
            caller_identity(&identity, AwsOutput::Table, columns)
        };
        let user = "----------------------------------------------------------------\n\
                    |                       GetCallerIdentity                      |\n\
                    +---------------+------------------------------------+---------+\n\
                    |    Account    |                Arn                 | UserId  |\n\
                    +---------------+------------------------------------+---------+\n\
                    |  111122223333 |  arn:aws:iam::111122223333:user/a  |  AIDA1  |\n\
                    +---------------+------------------------------------+---------+\n";
        assert_eq!(of("arn:aws:iam::111122223333:user/a", "AIDA1", 80), user);
        let root = "--------------------------------------------------------------------\n\
                    |                         GetCallerIdentity                        |\n\
                    +--------------+----------------------------------+----------------+\n\
                    |    Account   |               Arn                |    UserId      |\n\
                    +--------------+----------------------------------+----------------+\n\
                    |  111122223333|  arn:aws:iam::111122223333:root  |  111122223333  |\n\
                    +--------------+----------------------------------+----------------+\n";
        assert_eq!(of("arn:aws:iam::111122223333:root", "111122223333", 68), root);
        let narrow = of("arn:aws:iam::111122223333:root", "111122223333", 67);
        assert!(narrow.contains("|  UserId "), "{narrow}");
    }

    #[test]
    fn a_string_is_quoted_where_yaml_would_read_something_else() {
        for (text, written) in [
            ("arn:aws:iam::1:user/a", "arn:aws:iam::1:user/a"),
            ("AIDA1", "AIDA1"),
            ("111122223333", "'111122223333'"),
            ("1e5", "'1e5'"),
            ("true", "'true'"),
            ("a b's", "'a b''s'"),
            ("", "''"),
        ] {
            assert_eq!(yaml_scalar(text), written);
        }
    }
}
