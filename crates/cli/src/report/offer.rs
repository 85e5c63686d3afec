//! What a person is shown when they have to act: pieces, of which some are to be copied.

use signin::choose::Way;
use signin::progress::{Codes, Link};

use super::forward::Ready;

/// How the answer of a browser comes here where it may be pasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// By itself, else pasted.
    ByItself,
    /// By itself where the port on which we wait is published; else pasted.
    ByPublishedPort,
    /// Pasted.
    Pasted,
    /// As a line of standard input.
    AsLine,
}

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

/// The address alone on its line, and what to do where the browser is on another computer: what brings it here, and a code.
pub(crate) fn way_to_a_browser_elsewhere<'a>(
    link: &'a Link,
    target: &str,
    with_code: &str,
    ready: Vec<Ready>,
) -> Vec<Piece<'a>> {
    let port = port_of(link);
    let mut pieces = page(link, target, "a browser whose port leads here");
    pieces.push(Piece::Words(format!(
        "The browser comes back to http://127.0.0.1:{port}/, which must lead here.\n\n"
    )));
    pieces.extend(ready_lines("To bring that port here:", ready));
    pieces.push(Piece::Words("Where that cannot be, use a code:\n\n".to_owned()));
    pieces.push(Piece::Command(with_code.to_owned()));
    pieces
}

/// The address alone on its line, and what to do where no browser can come back from it.
pub(crate) fn way_to_a_browser<'a>(link: &'a Link, target: &str, with_code: &str) -> Vec<Piece<'a>> {
    let port = port_of(link);
    let mut pieces = page(link, target, "a browser on this computer");
    pieces.push(Piece::Words(format!(
        "The browser comes back to port {port} of this computer. If yours runs on another one, use a code:\n\n"
    )));
    pieces.push(Piece::Command(with_code.to_owned()));
    pieces
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
pub(crate) fn first_words(way: Option<&Way>, takes_lines: bool, browser_is_here: bool) -> &'static str {
    match way {
        Some(Way::Paste) if takes_lines => {
            "Sign in with any browser, and give the address on which it ends as a line of standard input"
        }
        Some(Way::Paste) => "Sign in with any browser, and paste the address on which it ends",
        Some(Way::Code) => "Sign in with a code",
        _ if browser_is_here => "Sign in with a browser on this computer",
        _ => "Sign in with a browser that comes back here",
    }
}

/// The address alone on its line, what to bring back, and what not to do with it.
pub(crate) fn way_to_paste<'a>(link: &'a Link, target: &str, answer: Answer) -> Vec<Piece<'a>> {
    let port = port_of(link);
    let ends = format!("It ends on an address that begins with http://127.0.0.1:{port}/");
    let how = match answer {
        Answer::ByItself => format!(
            "The browser comes back to port {port} of this computer by itself. Where it cannot, paste the address on which it \
             ended here, even one that failed to load."
        ),
        Answer::ByPublishedPort => format!(
            "{ends}. Where the port {port} is published to the computer with the browser, it comes back by itself; where that \
             address fails to load, copy it, and paste it here."
        ),
        Answer::Pasted => {
            format!("{ends} and that most likely fails to load. Copy that address, and paste it here.")
        }
        Answer::AsLine => format!(
            "{ends} and that fails to load. Copy that address, and give it as one line on standard input."
        ),
    };
    let place = if answer == Answer::ByItself { "a browser on this computer" } else { "any browser" };
    let safety = if answer == Answer::AsLine { "give it only to this command" } else { "paste it only here" };
    let mut pieces = page(link, target, place);
    pieces.push(Piece::Words(format!(
        "{how}\nThat address signs in whoever holds it: {safety}, never into a page or a chat.\n\n"
    )));
    pieces
}

pub(crate) fn port_of(link: &Link) -> &str {
    link.redirect_uri.rsplit_once(':').map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""))
}

/// What brings a browser elsewhere to the port on which we wait here, after words that say so.
pub(crate) fn ready_lines<'a>(begin: &str, lines: Vec<Ready>) -> Vec<Piece<'a>> {
    if lines.is_empty() {
        return Vec::new();
    }
    let words = |words: &str| Piece::Words(format!("{words}\n\n"));
    let of_line = |ready: Ready| [words(ready.words), Piece::Command(ready.command)];
    [words(begin)].into_iter().chain(lines.into_iter().flat_map(of_line)).collect()
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
            way_to_a_browser(&link, "corp", with_code),
            way_to_a_browser_elsewhere(&link, "corp", with_code, Vec::new()),
            way_to_paste(&link, "corp", Answer::ByItself),
            way_to_paste(&link, "corp", Answer::ByPublishedPort),
            way_to_paste(&link, "corp", Answer::Pasted),
            way_to_paste(&link, "corp", Answer::AsLine),
        ] {
            let (data, words) = sorted(&pieces);
            assert_eq!(data, [link.address.as_str()]);
            assert!(words.contains("38381"), "{words}");
        }
        let short = Link { short: Some("http://127.0.0.1:38381/Zm9v".into()), ..link.clone() };
        let pieces = way_to_paste(&short, "corp", Answer::ByItself);
        let (data, words) = sorted(&pieces);
        assert!(data == [link.address.as_str()] && words.contains("http://127.0.0.1:38381/Zm9v"), "{words}");
        let pieces = way_to_a_browser(&link, "corp", with_code);
        assert!(matches!(pieces.last(), Some(Piece::Command(command)) if command == with_code));
    }
}
