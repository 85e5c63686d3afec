//! What a person is shown when they have to act: pieces, of which some are to be copied.

use std::net::IpAddr;

use signin::choose::Way;
use signin::progress::{Codes, Link};

use super::forward::Ready;

/// A piece of what is shown for an offer.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// Words for the person.
    Words(String),
    /// Something to type, alone on its line.
    Command(String),
    /// A link or a code, alone on its line.
    Data(&'a str),
    /// Another link to the same page, alone on its line.
    Also(&'a str),
}

/// The address alone on its line, and what to do where no browser can come back from it.
/// `elsewhere` is the address on which it is waited for, if that is not 127.0.0.1.
pub(crate) fn way_to_a_browser<'a>(
    link: &'a Link,
    target: &str,
    with_code: &str,
    elsewhere: Option<IpAddr>,
) -> Vec<Piece<'a>> {
    let port = port_of(link);
    let (place, how) = match elsewhere {
        None => (
            ON_THIS_COMPUTER,
            format!("comes back to port {port} of this computer. If yours runs on another one"),
        ),
        Some(address) => (LED_HERE, format!("{}. If that is not so", led_here(port, address))),
    };
    let mut pieces = page(link, target, place);
    pieces.push(Piece::Words(format!("The browser {how}, use a code:\n\n")));
    pieces.push(Piece::Command(with_code.to_owned()));
    pieces
}

const ON_THIS_COMPUTER: &str = "a browser on this computer";
const LED_HERE: &str = "the browser whose port leads here";

/// How a browser comes back that finds nobody on 127.0.0.1 of this computer.
fn led_here(port: &str, address: IpAddr) -> String {
    format!("comes back if port {port} of 127.0.0.1, where it runs, leads to {address} here")
}

/// The page of a browser's flow.
fn page<'a>(link: &'a Link, target: &str, place: &str) -> Vec<Piece<'a>> {
    let mut pieces = vec![
        Piece::Words(format!("To sign in to {target}, open this page in {place}:\n\n")),
        Piece::Data(&link.address),
    ];
    if let Some(short) = &link.short {
        pieces.push(Piece::Words("On this computer a shorter address leads there, too:\n\n".to_owned()));
        pieces.push(Piece::Also(short));
    }
    pieces
}

/// What was chosen, before the reason for it.
pub(crate) fn first_words(way: Option<&Way>, is_browser_here: bool) -> &'static str {
    match way {
        Some(Way::Paste) => "Sign in with any browser, and paste the address on which it ends",
        Some(Way::Code) => "Sign in with a code",
        _ if is_browser_here => "Sign in with a browser on this computer",
        _ => "Sign in with a browser that reaches this computer",
    }
}

/// The address alone on its line, what to bring back, and what not to do with it.
/// `elsewhere` is the address on which it is waited for, if that is not 127.0.0.1.
pub(crate) fn way_to_paste<'a>(
    link: &'a Link,
    target: &str,
    comes_back: bool,
    elsewhere: Option<IpAddr>,
) -> Vec<Piece<'a>> {
    let port = port_of(link);
    let by_itself = |how: String| {
        format!(
            "The browser {how}. Where it cannot, paste the address on which it ended here, even one that failed to load."
        )
    };
    let (place, how) = match elsewhere {
        Some(address) if comes_back => (LED_HERE, by_itself(led_here(port, address))),
        None if comes_back => {
            (ON_THIS_COMPUTER, by_itself(format!("comes back to port {port} of this computer by itself")))
        }
        _ => (
            "any browser",
            format!(
                "It ends on an address that begins with http://127.0.0.1:{port}/ and that most likely fails to load. Copy that \
                 address, and paste it here."
            ),
        ),
    };
    let mut pieces = page(link, target, place);
    pieces.push(Piece::Words(format!(
        "{how}\nThat address signs in whoever holds it: paste it only here, never into a page or a chat.\n\n"
    )));
    pieces
}

pub(crate) fn port_of(link: &Link) -> &str {
    link.redirect_uri.rsplit_once(':').map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""))
}

/// What brings a browser elsewhere to the port on which we wait here.
pub(crate) fn ready_lines<'a>(lines: Vec<Ready>) -> Vec<Piece<'a>> {
    if lines.is_empty() {
        return Vec::new();
    }
    let begin = "To let the browser come back here by itself instead, bring its port here:\n\n";
    let words = |words: &str| Piece::Words(format!("{words}\n\n"));
    let of_line = |ready: Ready| [words(ready.words), Piece::Command(ready.command)];
    [Piece::Words(begin.to_owned())].into_iter().chain(lines.into_iter().flat_map(of_line)).collect()
}

/// Page, code, and page with the code filled in, each alone on its line.
pub(crate) fn invitation<'a>(codes: &'a Codes, target: &str) -> Vec<Piece<'a>> {
    let mut pieces = vec![
        Piece::Words(format!("To sign in to {target}, open this page in any browser, on any device:\n\n")),
        Piece::Data(&codes.verification_uri),
        Piece::Words("and compare or enter this code:\n\n".to_owned()),
        Piece::Data(&codes.user_code),
    ];
    if let Some(complete) = &codes.verification_uri_complete {
        pieces.push(Piece::Words("This page has the code filled in:\n\n".to_owned()));
        pieces.push(Piece::Data(complete));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes() -> Codes {
        Codes {
            user_code: "BCDF-GHJK".into(),
            verification_uri: "http://127.0.0.1:8765/device".into(),
            verification_uri_complete: Some("http://127.0.0.1:8765/device?user_code=BCDF-GHJK".into()),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
            client_name: Some("aldis-corp".into()),
        }
    }

    /// What is to be copied, and everything else.
    fn sorted<'a>(pieces: &'a [Piece<'a>]) -> (Vec<&'a str>, String) {
        let mut data = Vec::new();
        let mut words = String::new();
        for piece in pieces {
            match piece {
                Piece::Words(text) => words.push_str(text),
                Piece::Command(text) => words.push_str(text),
                Piece::Also(text) => words.push_str(text),
                Piece::Data(line) => data.push(*line),
            }
        }
        (data, words)
    }

    #[test]
    fn link_and_codes_are_data_and_all_else_is_words() {
        let codes = codes();
        let pieces = invitation(&codes, "corp");
        let (data, words) = sorted(&pieces);
        let page = "http://127.0.0.1:8765/device";
        assert_eq!(data, [page, "BCDF-GHJK", &format!("{page}?user_code=BCDF-GHJK")]);
        assert!(data.iter().all(|line| !words.contains(line)), "{words}");
    }

    #[test]
    fn a_link_is_data_and_what_else_can_be_done_is_words() {
        let link = Link {
            address: "https://h/authorize?state=s".into(),
            short: None,
            redirect_uri: "http://127.0.0.1:38381/oauth/callback".into(),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
        };
        let with_code = "aldis login --sso-session corp --use-device-code";
        for pieces in [
            way_to_a_browser(&link, "corp", with_code, None),
            way_to_paste(&link, "corp", true, None),
            way_to_paste(&link, "corp", false, None),
            way_to_a_browser(&link, "corp", with_code, Some([192, 0, 2, 9].into())),
            way_to_paste(&link, "corp", true, Some([192, 0, 2, 9].into())),
        ] {
            let (data, words) = sorted(&pieces);
            assert_eq!(data, [link.address.as_str()]);
            assert!(words.contains("38381"), "{words}");
        }
        let short = Link { short: Some("http://127.0.0.1:38381/Zm9v".into()), ..link.clone() };
        let pieces = way_to_paste(&short, "corp", true, None);
        let (data, words) = sorted(&pieces);
        assert!(data == [link.address.as_str()] && words.contains("http://127.0.0.1:38381/Zm9v"), "{words}");
        let pieces = way_to_a_browser(&link, "corp", with_code, None);
        assert!(matches!(pieces.last(), Some(Piece::Command(command)) if command == with_code));
    }
}
