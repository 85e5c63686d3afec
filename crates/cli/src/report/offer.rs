//! What a person is shown when they have to act: pieces, of which some are to be copied.

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

/// The ways that are open beside a link.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Besides<'a> {
    /// The command that signs in with a code, if a code may be used.
    pub(crate) with_code: Option<&'a str>,
    /// Whether a key begins a code, so that no command has to be typed.
    pub(crate) has_code_key: bool,
    /// Whether a key shows how the browser's port is forwarded.
    pub(crate) has_forward_key: bool,
}

impl Besides<'_> {
    /// The key that begins a code, at the end of a sentence.
    fn or_a_code(&self) -> &'static str {
        if self.has_code_key { ", or press c for a code" } else { "" }
    }

    /// The command that signs in with a code, after words that lead to it; nothing if a key does it.
    fn code_command<'a>(&self, words: &str) -> Vec<Piece<'a>> {
        match self.with_code.filter(|_| !self.has_code_key) {
            Some(command) => vec![Piece::Words(format!("{words}\n\n")), Piece::Command(command.to_owned())],
            None => Vec::new(),
        }
    }
}

/// The link for a browser on another computer, whose port has to lead here.
pub(crate) fn way_to_a_browser_elsewhere<'a>(
    link: &'a Link,
    target: &str,
    besides: Besides<'_>,
) -> Vec<Piece<'a>> {
    let port = port_of(link);
    let how = if besides.has_forward_key { " (press f for how)" } else { "" };
    let mut pieces = besides.code_command("If no port can be forwarded, use a code:");
    let head =
        format!("a browser on a computer whose port {port} is forwarded here{how}{}", besides.or_a_code());
    pieces.extend(page(link, target, &head, ""));
    pieces
}

/// The link for a browser on this computer.
pub(crate) fn way_to_a_browser<'a>(link: &'a Link, target: &str, besides: Besides<'_>) -> Vec<Piece<'a>> {
    let mut pieces = besides.code_command("If your browser is on another computer, use a code:");
    let head = format!("a browser on this computer{}", besides.or_a_code());
    pieces.extend(page(link, target, &head, ""));
    pieces
}

/// The page of a browser's flow: the last thing is the link, so that it stays on a small screen. `head` ends the first sentence,
/// `more` follows it.
fn page<'a>(link: &'a Link, target: &str, head: &str, more: &str) -> Vec<Piece<'a>> {
    let end = if more.is_empty() { ":" } else { "." };
    let words = format!("To sign in to {target}, open this page in {head}{end}{more}\n\n");
    let mut pieces = vec![Piece::Words(words), Piece::Data(&link.address)];
    if let Some(short) = &link.short {
        pieces.push(Piece::Words("Short address, on this computer only:\n".to_owned()));
        pieces.push(Piece::Also(short));
    }
    pieces
}

/// The link, and how the address on which the browser ends comes here. `answer` says which of that can be expected.
pub(crate) fn way_to_paste<'a>(
    link: &'a Link,
    target: &str,
    answer: Answer,
    besides: Besides<'_>,
) -> Vec<Piece<'a>> {
    let or_a_code = besides.or_a_code();
    let if_it_fails =
        format!(" If its last page does not load, paste the address of that page here{or_a_code}.");
    let (head, more) = match answer {
        Answer::ByItself => ("a browser on this computer".to_owned(), if_it_fails),
        Answer::ByPublishedPort => ("any browser".to_owned(), if_it_fails),
        Answer::Pasted => {
            let then = "then paste the address from its address bar here (the page will not load)";
            (format!("any browser, {then}{or_a_code}"), String::new())
        }
        Answer::AsLine => {
            let then = "then give the address from its address bar (the page will not load) as one line on standard input";
            (format!("any browser, {then}"), String::new())
        }
    };
    let only = if answer == Answer::AsLine { "Give it only to this command" } else { "Paste it only here" };
    let safety = format!("\n{only}, never into a page or a chat: it signs in whoever holds it.");
    page(link, target, &head, &format!("{more}{safety}"))
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
        let besides = Besides { with_code: Some(with_code), ..Besides::default() };
        for pieces in [
            way_to_a_browser(&link, "corp", besides),
            way_to_a_browser_elsewhere(&link, "corp", besides),
            way_to_paste(&link, "corp", Answer::ByItself, besides),
            way_to_paste(&link, "corp", Answer::ByPublishedPort, besides),
            way_to_paste(&link, "corp", Answer::Pasted, besides),
            way_to_paste(&link, "corp", Answer::AsLine, besides),
        ] {
            let (data, words) = sorted(&pieces);
            assert_eq!(data, [link.address.as_str()]);
            assert!(matches!(pieces.last(), Some(Piece::Data(_))), "the link comes last: {words}");
        }
        let short = Link { short: Some("http://127.0.0.1:38381/Zm9v".into()), ..link.clone() };
        let pieces = way_to_paste(&short, "corp", Answer::ByItself, besides);
        let (data, words) = sorted(&pieces);
        assert!(data == [link.address.as_str()] && words.contains("http://127.0.0.1:38381/Zm9v"), "{words}");
        let pieces = way_to_a_browser(&link, "corp", besides);
        assert!(matches!(&pieces[1], Piece::Command(command) if command == with_code));
    }

    #[test]
    fn a_code_is_a_key_where_there_is_one_else_a_command_and_nothing_where_none_may_be_used() {
        let link = Link {
            address: "https://h/authorize?state=s".into(),
            short: None,
            redirect_uri: "http://127.0.0.1:38381/oauth/callback".into(),
            expires_at: "2026-11-23T10:10:00Z".parse().unwrap(),
        };
        let words = |besides| sorted(&way_to_a_browser_elsewhere(&link, "corp", besides)).1;
        let with_key = Besides { with_code: Some("CODE"), has_code_key: true, has_forward_key: true };
        let told = words(with_key);
        assert!(told.contains("press c for a code") && !told.contains("CODE"), "{told}");
        assert!(told.contains("38381") && told.contains("press f for how"), "{told}");
        assert!(words(Besides { has_code_key: false, ..with_key }).contains("use a code:\n\nCODE"));
        let told = words(Besides::default());
        assert!(!told.contains("code") && !told.contains("press"), "{told}");
    }
}
