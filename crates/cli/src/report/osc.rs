//! What terminals can do with an address beside showing it: follow it (OSC 8), and put it into the clipboard of the computer
//! at which the person sits (OSC 52), also through tmux and GNU screen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outside::painted::Painted;

/// The longest address that every terminal follows (VTE takes 2,083 bytes), in bytes.
const LONGEST_LINK: usize = 2000;
/// The longest text that goes into the clipboard, in bytes. Its base64 has room in the 100,000 bytes that terminals take.
const LONGEST_COPY: usize = 74_994;
/// What GNU screen passes on at once: it has room for 256 bytes, and some for more.
const SCREEN_CHUNK: usize = 200;

/// What stands between us and the terminal that the person sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Nothing.
    Nothing,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Between {
    /// What `TERM`, `TMUX` and `STY` say; nothing for a terminal that might show the letters of a sequence.
    pub(crate) fn of(term: Option<&str>, tmux: Option<&str>, sty: Option<&str>) -> Option<Self> {
        let is_set = |variable: Option<&str>| variable.is_some_and(|value| !value.is_empty());
        let term = term.unwrap_or_default();
        let is_of =
            |names: &[&str]| names.iter().any(|name| term == *name || term.starts_with(&format!("{name}-")));
        if is_of(&[
            "", "dumb", "unknown", "linux", "cons25", "vt52", "vt100", "vt102", "vt220", "ansi", "emacs",
            "eterm",
        ]) {
            return None;
        }
        // tmux has called its terminals `screen-…` for long. GNU screen alone puts its own name before the outer one.
        let is_screen = term.starts_with("screen");
        if is_of(&["tmux"]) {
            Some(Self::Tmux)
        } else if is_set(tmux) && is_set(sty) {
            Some(if term.starts_with("screen.") { Self::Screen } else { Self::Tmux })
        } else if is_set(tmux) {
            Some(Self::Tmux)
        } else if is_set(sty) || is_screen {
            Some(Self::Screen)
        } else {
            Some(Self::Nothing)
        }
    }

    /// The text `shown` as a link to the address, and as it is if that cannot be one. GNU screen has no links, and prints the
    /// end of long ones.
    pub(crate) fn link(self, address: &str, shown: Painted) -> Painted {
        let can_be = is_web_address(address) && address.len() <= LONGEST_LINK && self != Self::Screen;
        if !can_be {
            return shown;
        }
        let order = |address: &str| Painted::control(format!("\u{1b}]8;;{address}\u{1b}\\"));
        order(address).then(shown).then(order(""))
    }

    /// What puts a text into the clipboard when it is written to the terminal; nothing where it is too long. No terminal says
    /// whether it did.
    pub(crate) fn copy(self, text: &str) -> Option<Painted> {
        if text.len() > LONGEST_COPY {
            return None;
        }
        let order = format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text));
        Some(Painted::control(match self {
            Self::Nothing => order,
            // With `allow-passthrough on`, as before tmux 3.3, it goes to the terminal. With `set-clipboard on` tmux itself
            // takes it. Each ignores the other.
            Self::Tmux => format!("\u{1b}Ptmux;{}\u{1b}\\{order}", order.replace('\u{1b}', "\u{1b}\u{1b}")),
            Self::Screen => {
                let chunks = order.as_bytes().chunks(SCREEN_CHUNK).map(String::from_utf8_lossy);
                chunks.map(|chunk| format!("\u{1b}P{chunk}\u{1b}\\")).collect()
            }
        }))
    }
}

/// Whether a text is an address of the web, of nothing but visible ASCII, so that it can stand in a sequence.
pub(crate) fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &Painted) -> String {
        String::from_utf8(text.bytes().to_vec()).unwrap()
    }

    fn copy(between: Between, text: &str) -> String {
        written(&between.copy(text).unwrap())
    }

    #[test]
    fn what_is_between_is_told_by_variables() {
        let table = [
            (Some("xterm-256color"), None, None, Some(Between::Nothing)),
            (Some("xterm-kitty"), Some(""), Some(""), Some(Between::Nothing)),
            (Some("vte"), None, None, Some(Between::Nothing)),
            (Some("tmux-256color"), Some("/tmp/tmux-1/default,1,0"), None, Some(Between::Tmux)),
            (Some("screen-256color"), Some("/tmp/tmux-1/default,1,0"), None, Some(Between::Tmux)),
            (Some("xterm-256color"), Some("/tmp/tmux-1/default,1,0"), None, Some(Between::Tmux)),
            // Over SSH out of tmux, or after sudo.
            (Some("tmux-256color"), None, None, Some(Between::Tmux)),
            (Some("screen.xterm-256color"), None, Some("1.pts-0.h"), Some(Between::Screen)),
            (Some("screen"), None, Some("1.pts-0.h"), Some(Between::Screen)),
            (Some("screen"), None, None, Some(Between::Screen)),
            // One in the other.
            (Some("tmux-256color"), Some("x"), Some("1.pts-0.h"), Some(Between::Tmux)),
            (Some("screen-256color"), Some("x"), Some("1.pts-0.h"), Some(Between::Tmux)),
            (Some("screen.tmux-256color"), Some("x"), Some("1.pts-0.h"), Some(Between::Screen)),
            (Some("dumb"), Some("x"), None, None),
            (Some("linux"), None, None, None),
            (Some("vt100"), None, None, None),
            (Some("vt220-nam"), None, None, None),
            (Some("dumb-emacs-ansi"), None, None, None),
            (Some(""), None, None, None),
            (None, None, None, None),
        ];
        for (term, tmux, sty, expected) in table {
            assert_eq!(Between::of(term, tmux, sty), expected, "{term:?} {tmux:?} {sty:?}");
        }
    }

    #[test]
    fn a_link_shows_its_address_and_nothing_else_becomes_one() {
        let address = "https://h/device?user_code=BCDF-GHJK";
        let linked = format!("\u{1b}]8;;{address}\u{1b}\\{address}\u{1b}]8;;\u{1b}\\");
        let link = |between: Between, address: &str| written(&between.link(address, address.into()));
        assert_eq!(link(Between::Nothing, address), linked);
        assert_eq!(link(Between::Tmux, address), linked);
        assert_eq!(link(Between::Screen, address), address);
        for other in
            ["", "https://", "file:///etc/passwd", "javascript:x", "HTTPS//h", "http://h/ü", "http://h/a b"]
        {
            assert_eq!(link(Between::Nothing, other), other);
        }
        assert_eq!(link(Between::Nothing, "http://h/\u{1b}]8;;x\u{7}\rb\u{9c}"), "http://h/]8;;xb");
        let long = format!("http://h/{}", "a".repeat(LONGEST_LINK));
        assert_eq!(link(Between::Nothing, &long), long);
    }

    #[test]
    fn a_copy_reaches_the_terminal_through_what_is_between() {
        let order = "\u{1b}]52;c;aMO8\u{7}";
        assert_eq!(copy(Between::Nothing, "hü"), order);
        assert_eq!(copy(Between::Tmux, "hü"), format!("\u{1b}Ptmux;\u{1b}{order}\u{1b}\\{order}"));
        assert_eq!(copy(Between::Screen, "hü"), format!("\u{1b}P{order}\u{1b}\\"));
    }

    #[test]
    fn screen_gets_a_long_copy_in_pieces_that_it_has_room_for() {
        let text = "x".repeat(1000);
        let written = copy(Between::Screen, &text);
        let pieces: Vec<&str> = written.split_terminator("\u{1b}\\").map(|piece| &piece[2..]).collect();
        assert!(pieces.len() > 5 && pieces.iter().all(|piece| piece.len() <= SCREEN_CHUNK));
        assert_eq!(pieces.concat(), copy(Between::Nothing, &text));
        assert_eq!(written.matches("\u{1b}P").count(), pieces.len());
    }

    #[test]
    fn what_is_copied_ends_no_sequence_and_is_not_endless() {
        let written = copy(Between::Nothing, "\u{7}\u{1b}\\\u{9c}");
        assert!(written[5..written.len() - 1].bytes().all(|byte| byte.is_ascii_graphic()), "{written:?}");
        assert!(copy(Between::Tmux, &"x".repeat(LONGEST_COPY)).len() > 100_000);
        assert_eq!(Between::Nothing.copy(&"x".repeat(LONGEST_COPY + 1)), None);
    }
}
