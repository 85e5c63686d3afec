//! What a browser is shown that comes to the listener of a sign-in. No script, nothing from elsewhere, no code or token.

use wire::words::escaped_markup;

const STYLE: &str = include_str!("page.css");

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: &'static str,
    pub(crate) title: String,
    /// Paragraphs, not yet escaped.
    pub(crate) words: Vec<String>,
}

impl Page {
    pub(crate) fn new(status: &'static str, title: &str, words: &[&str]) -> Self {
        let words = words.iter().map(|text| (*text).to_owned()).collect();
        Self { status, title: title.to_owned(), words }
    }

    /// The whole answer, head and body.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let title = escaped_markup(&self.title);
        let paragraphs: String =
            self.words.iter().map(|text| format!("<p>{}</p>\n", escaped_markup(text))).collect();
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n{paragraphs}</main>\n</body>\n</html>\n"
        );
        let mut answer = head(self.status, "text/html; charset=utf-8", html.len(), "");
        answer.extend(html.as_bytes());
        answer
    }
}

/// Sends the browser on to an address on this listener: away from the one that holds a code.
pub(crate) fn redirect(location: &str) -> Vec<u8> {
    head("303 See Other", "text/plain", 0, &format!("Location: {location}\r\n"))
}

/// Sends the browser on to the question, with a cookie by which it is known again. Cookies of 127.0.0.1 are shared by all its
/// ports, so the port is in the name, and the path keeps it from other servers.
pub(crate) fn redirect_with_cookie(location: &str, cookie: (&str, &str), path: &str) -> Vec<u8> {
    let (name, value) = cookie;
    let lines = format!(
        "Location: {location}\r\nSet-Cookie: {name}={value}; Path={path}; Max-Age=600; HttpOnly; SameSite=Lax\r\n"
    );
    head("303 See Other", "text/plain", 0, &lines)
}

/// The head of an answer with these lines in it. The policy allows the page's own style, and nothing else.
fn head(status: &str, media_type: &str, length: usize, lines: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n{lines}Content-Type: {media_type}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         X-Frame-Options: DENY\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'none'\r\nConnection: close\r\n\r\n",
        style = wire::words::sha256_base64(&format!("\n{STYLE}")),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c9_a_page_holds_no_markup_of_others_and_is_kept_nowhere() {
        let page = Page::new("200 OK", "Signed in to <b>", &["it's <script>alert(1)</script>"]);
        let text = String::from_utf8(page.to_bytes()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(body.contains("Signed in to &lt;b&gt;") && !body.contains("<script"), "{body}");
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        for header in [
            "Cache-Control: no-store",
            "Referrer-Policy: no-referrer",
            "X-Frame-Options: DENY",
            "default-src 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(head.contains(header), "{head}");
        }
        assert!(!body.contains("http"), "nothing is loaded from anywhere");
    }
}
