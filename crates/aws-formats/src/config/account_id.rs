//! The id of an AWS account, which has twelve digits, and the name of a role in it.

/// Whether a text is an account id.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The account id that was probably meant by a text that is none, as spreadsheets, consoles and copied ARNs write it; `None` if the
/// text does not hold all twelve digits of one.
pub fn likely_account_id(text: &str) -> Option<String> {
    let text: String = text.chars().filter_map(narrow).collect();
    let text = text.trim().trim_matches(['"', '\'', '`']).trim();
    // arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
    if let Some(account) = text.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(3)) {
        return is_account_id(account).then(|| account.to_owned());
    }
    if let Some(digits) = scientific(text) {
        return Some(digits);
    }
    let is_separator =
        |c: char| c.is_whitespace() || "-_.,'\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}".contains(c);
    // A number with a fraction lost nothing: 111122223333.0
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(".00")).unwrap_or(text);
    let digits: String = whole.chars().filter(|c| !is_separator(*c)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.len() {
        12 => Some(digits),
        // A spreadsheet drops leading zeros.
        9..=11 => Some(format!("{digits:0>12}")),
        _ => None,
    }
}

/// Whether a text is a number in scientific notation, in which a spreadsheet has lost digits of an account id.
pub fn is_rounded_number(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.trim().split_once(['e', 'E']) else { return false };
    let is_mantissa = mantissa.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte));
    is_mantissa && !mantissa.is_empty() && exponent.trim_start_matches('+').parse::<u8>().is_ok()
}

/// All twelve digits of a number such as `1.11122223333E+11`.
fn scientific(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).filter(|_| is_rounded_number(text))?;
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let power = exponent.trim_start_matches('+').parse::<u8>().ok()?;
    (digits.len() == 12 && power == 11).then_some(digits)
}

/// A full-width digit as an ASCII one; characters without width are left out.
fn narrow(c: char) -> Option<char> {
    match c {
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(c) - 0xff10, 10),
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        c => Some(c),
    }
}

/// Whether a text may be the name of a permission set: an ARN or a path is none.
pub fn is_role_name(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/']) && !text.chars().any(char::is_control)
}

/// The permission set that was probably meant by the ARN or name of the IAM role that IAM Identity Center makes of it:
/// `AWSReservedSSO_NAME_0123456789abcdef`.
pub fn likely_role_name(text: &str) -> Option<&str> {
    let name = text.rsplit('/').next().unwrap_or(text).trim();
    let (name, suffix) = name.strip_prefix("AWSReservedSSO_")?.rsplit_once('_')?;
    let is_suffix = suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_suffix && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_account_id_has_all_digits_that_were_written() {
        let table = [
            ("11122223333", Some("011122223333")),
            ("1122223333", Some("001122223333")),
            ("1111-2222-3333", Some("111122223333")),
            ("1111 2222 3333", Some("111122223333")),
            ("1111\u{2011}2222\u{2011}3333", Some("111122223333")),
            ("\"111122223333\"", Some("111122223333")),
            ("111122223333\u{200b}", Some("111122223333")),
            ("\u{a0}111122223333", Some("111122223333")),
            ("111122223333.0", Some("111122223333")),
            ("１１１１２２２２３３３３", Some("111122223333")),
            ("arn:aws:iam::111122223333:role/Admin", Some("111122223333")),
            ("arn:aws-us-gov:organizations::111122223333:account/o-1/444455556666", Some("111122223333")),
            ("1.11122223333E+11", Some("111122223333")),
            ("1.1E+11", None),
            ("1.11122E+11", None),
            ("arn:aws:s3:::bucket", None),
            ("1111222233334", None),
            ("12345678", None),
            ("my-company", None),
            ("", None),
        ];
        for (text, likely) in table {
            assert_eq!(likely_account_id(text).as_deref(), likely, "{text}");
            assert!(!is_account_id(text), "{text}");
        }
        assert!(is_account_id("012345678901"));
    }

    #[test]
    fn a_number_of_a_spreadsheet_is_told_from_a_name() {
        for text in ["1.1E+11", "1,11E+11", "1e11", " 9.9E11 "] {
            assert!(is_rounded_number(text), "{text}");
        }
        for text in ["", "E", "e1", "dev1e", "1E", "111122223333", "1E+999"] {
            assert!(!is_rounded_number(text), "{text}");
        }
    }

    #[test]
    fn a_role_name_is_no_arn_and_no_path() {
        for text in ["Admin", "a+=,.@-b", "Lesen und Schreiben"] {
            assert!(is_role_name(text), "{text}");
        }
        for text in ["", "arn:aws:iam::1:role/x", "aws-reserved/x", "a\nb"] {
            assert!(!is_role_name(text), "{text}");
        }
    }

    #[test]
    fn the_permission_set_of_a_reserved_role_is_its_middle() {
        let table = [
            (
                "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Read_Only_0123456789abcdef",
                Some("Read_Only"),
            ),
            ("AWSReservedSSO_Admin_0123456789abcdef", Some("Admin")),
            ("AWSReservedSSO_Admin", None),
            ("arn:aws:iam::1:role/Admin", None),
            ("Admin", None),
        ];
        for (text, likely) in table {
            assert_eq!(likely_role_name(text), likely, "{text}");
        }
    }
}
