//! Small rules for words that come from elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// The bare name in an error name as AWS sends it: cuts `Name:http://…` at the colon and
/// `namespace#Name` at the hash.
pub fn bare_error_name(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or(name);
    name.rsplit('#').next().unwrap_or(name).trim()
}

/// A text from somebody else, made safe to show: control characters (also the C1 range and the marks that
/// turn the direction of writing) are left out, and what is longer than `limit` characters is cut.
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().filter(|c| !is_unprintable(*c)).take(limit).collect();
    if text.chars().filter(|c| !is_unprintable(*c)).nth(limit).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// An address as it is shown: without user, password and query, which may be secrets. It need not be a valid address; a text
/// that is none loses what stands between `//` and an `@`, and what stands behind a `?`.
pub fn shown_address(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = text.split_once("//") else {
        // Without a scheme: `user:password@host`.
        return text.rsplit_once('@').map_or(text, |(_, place)| place).to_owned();
    };
    // A password may hold a slash or a hash that should have been written as %XX.
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}//{place}")
}

/// Words of ours in which there may be a name from elsewhere, made safe to show: they keep their length and their lines.
pub fn printable_lines(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !is_unprintable(*c)).collect()
}

/// Whether a character moves the cursor, turns the direction of writing, or is not seen: every control, format, line separator
/// and paragraph separator character by its Unicode general category, and the letters, marks and the one symbol that Unicode
/// gives no glyph (`Default_Ignorable_Code_Point`, and U+2800, the Braille pattern without dots). Private-use characters stay:
/// terminals show a box for them.
pub fn is_unprintable(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let is_blank = matches!(c, '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}');
    is_blank
        || matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// A text in which every unprintable character but line feed and tab is written as the escape that JSON (RFC 8259 section 7)
/// has for it: `\u202e`, and two escapes for a character above U+FFFF. A JSON document stays the same document.
pub fn escape_unprintable(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if is_unprintable(c) && !matches!(c, '\n' | '\t') {
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A text as it must stand between tags, or in quotes, of HTML and XML (S55).
pub fn escaped_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Bytes in letters that an address can hold as they are: base64url without padding (RFC 4648 section 5).
pub fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The SHA-256 hash of a text in base64, as a content security policy names the style or script that it allows.
pub fn sha256_base64(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// The SHA-256 hash of bytes in hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a host name must not differ in: lower case, without the brackets of IPv6 and the final dot.
pub fn plain_host(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether a host is this machine and nothing else: 127.0.0.0/8, `::1` or `localhost` (not `x.localhost`, which
/// a resolver may send elsewhere).
pub fn is_loopback_host(host: &str) -> bool {
    let host = plain_host(host);
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_loses_what_moves_the_cursor() {
        assert_eq!(printable("a\u{1b}[31mred\r\n", 64), "a[31mred");
        assert_eq!(printable("user\u{202e}txt.exe", 64), "usertxt.exe");
        assert_eq!(printable("abcdef", 4), "abc…");
        assert_eq!(printable("abcd", 4), "abcd");
    }

    #[test]
    fn addresses_are_shown_without_user_password_and_query() {
        for (text, shown) in [
            ("https://d-1.awsapps.com/start#/", "https://d-1.awsapps.com/start#/"),
            ("https://d-1.awsapps.com/start?code=hidden#/", "https://d-1.awsapps.com/start"),
            ("https://d-1.awsapps.com/start#/?hidden", "https://d-1.awsapps.com/start#/"),
            ("https://ann:hidden@d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
            ("https://ann:hid@den@d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
            ("https://ann:hid/den@d-1.awsapps.com/start", "https://d-1.awsapps.com/start"),
            ("https://hidden@[::1]:80/x?hidden", "https://[::1]:80/x"),
            ("ann:hidden@proxy.corp:8080", "proxy.corp:8080"),
            ("//ann:hidden@host/x", "//host/x"),
            ("d-1.awsapps.com/start?hidden", "d-1.awsapps.com/start"),
            ("127.0.0.1:8765", "127.0.0.1:8765"),
            ("", ""),
        ] {
            assert_eq!(shown_address(text), shown, "{text}");
        }
    }

    #[test]
    fn a_character_that_is_not_seen_is_unprintable() {
        for c in "\u{0}\u{1b}\u{7f}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2066}\
                  \u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{110bd}\u{1d173}\u{e0001}\u{e0041}\u{e0100}"
            .chars()
        {
            assert!(is_unprintable(c), "{c:?}");
        }
        for c in "a \u{a0}~é日本Привет\u{301}\u{e000}😀€".chars() {
            assert!(!is_unprintable(c), "{c:?}");
        }
    }

    #[test]
    fn an_escaped_document_is_the_same_document() {
        let value = serde_json::json!({"a": "x\u{9b}31m\u{202e}\u{e0041}é\t\n\u{1b}"});
        let escaped = escape_unprintable(&format!("{value:#}\n"));
        assert!(escaped.contains(r"\u009b31m\u202e\udb40\udc41é\t\n\u001b"), "{escaped}");
        assert!(!escaped.contains(|c: char| c != '\n' && is_unprintable(c)));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn lines_with_a_name_from_elsewhere_stay_lines() {
        assert_eq!(
            printable_lines("no \u{1b}]0;x\u{7} here\r\nsee\u{202e}: \tx\n"),
            "no ]0;x here\nsee: x\n"
        );
    }

    #[test]
    fn s55_markup_is_escaped() {
        assert_eq!(escaped_markup("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }

    #[test]
    fn a_hash_as_policies_name_it() {
        // The example of the Content Security Policy specification, level 2, section 4.2.5.
        let script = "alert('Hello, world.');";
        assert_eq!(sha256_base64(script), "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for host in ["127.0.0.1", "127.8.9.1", "[::1]", "::1", "localhost", "LOCALHOST."] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in
            ["127.0.0.1.example.com", "10.0.0.1", "0.0.0.0", "x.localhost", "localhost.example.com", ""]
        {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
