//! What a person sees who comes here with a browser. There is nothing to sign in to on a page yet, and each page says so:
//! sign-ins are decided on the center's own machine.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse as _, Response};
use center::authorize::Asked;
use center::things::user_code;
use center_store::Store;
use wire::words::{escaped_markup, printable};

use crate::shared::Shared;

/// The longest name of a client on a page, in characters.
const LONGEST_NAME: usize = 80;
const STYLE: &str = include_str!("pages/style.css");

/// The front page.
pub(crate) fn home<S: Store>(shared: &Shared<S>) -> Response {
    let body = format!(
        "<p>This is <strong>Aldis</strong>, an authorization server that speaks the protocol of AWS IAM Identity Center. \
         The credentials that it hands out open nothing at Amazon.</p>\n\
         <p>There is nothing to sign in to on this page. To sign in, use a terminal; the start URL is</p>\n\
         <pre>{}</pre>\n{}",
        escaped_markup(&shared.instance.start_url()),
        how_to_decide(shared, None),
    );
    page(shared, StatusCode::OK, "An Identity Center", &body)
}

/// The start URL, for whoever opens it.
pub(crate) async fn start<S: Store>(State(shared): State<Arc<Shared<S>>>) -> Response {
    home(&shared)
}

/// Where a terminal sends a person with their code.
pub(crate) async fn device<S: Store>(
    State(shared): State<Arc<Shared<S>>>,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Response {
    // Only what has the shape of a code comes back; whether there is such a code is not looked up (S5).
    let code = query.ok().and_then(|Query(pairs)| {
        pairs.iter().find(|(name, _)| name == "user_code").and_then(|(_, typed)| user_code::normalize(typed))
    });
    let shown = match &code {
        Some(code) => format!(
            "<p>A terminal waits to be let in. Compare this code with the one that it shows:</p>\n\
             <pre class=\"code\">{code}</pre>\n"
        ),
        None => "<p>A terminal that waits to be let in shows a code of eight letters.</p>\n".to_owned(),
    };
    let body = format!(
        "{shown}<p><strong>Go on only if you yourself just typed a sign-in command in that terminal.</strong> Nobody from \
         support will ever ask you for this.</p>\n{}",
        how_to_decide(&shared, code.as_deref()),
    );
    page(&shared, StatusCode::OK, "Let a terminal in", &body)
}

/// Where a client sends the browser to get an authorization code, for a question that is in order.
pub(crate) fn authorize<S: Store>(shared: &Shared<S>, asked: &Asked) -> Response {
    let name = escaped_markup(&printable(&asked.client_name, LONGEST_NAME));
    let good_for = match asked.scopes.names().as_slice() {
        [] => "accounts and roles".to_owned(),
        names => names.join(" "),
    };
    let body = format!(
        "<p>A terminal waits to be let in. It calls itself <strong>{name}</strong>; nobody has verified that name. It asks for \
         <code>{good_for}</code>, and listens on port <strong>{port}</strong> of the computer on which this browser runs.</p>\n\
         <p><strong>Go on only if you yourself just typed a sign-in command in that terminal.</strong> Nobody from \
         support will ever ask you for this.</p>\n\
         <p>Sign-ins are decided with a command, on the machine on which this center runs:</p>\n\
         <pre>aldis center authorize '{address}' --person NAME</pre>\n\
         <p class=\"quiet\">NAME is the person in whose name the terminal acts from then on. The command prints the address \
         at port {port} to open next, in this browser. Whoever has that address can hand it to the terminal, so give it to nobody \
         else.</p>\n",
        port = asked.port,
        address = escaped_markup(&asked.address),
    );
    page(shared, StatusCode::OK, "Let a terminal in", &body)
}

/// A question that must not send the browser anywhere.
pub(crate) fn refused<S: Store>(shared: &Shared<S>, why: &str) -> Response {
    let body =
        format!("<p>{why}</p>\n<p>Go back to your terminal, and type the sign-in command once more.</p>\n");
    page(shared, StatusCode::BAD_REQUEST, "This sign-in cannot begin", &body)
}

/// An error, for a person.
pub(crate) fn error<S: Store>(shared: &Shared<S>, status: StatusCode) -> Response {
    let (title, words) = match status {
        StatusCode::NOT_FOUND => ("There is no such page", "The address may be mistyped."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("This address is for programs", "It answers no browser. Sign in from a terminal instead.")
        }
        _ => ("The center failed", "Whoever runs it finds the reason in its log."),
    };
    page(shared, status, title, &format!("<p>{words}</p>\n"))
}

fn how_to_decide<S: Store>(shared: &Shared<S>, code: Option<&str>) -> String {
    if let Some(person) = &shared.instance.auto_approve {
        return format!(
            "<p>This center approves every sign-in by itself, in the name of <code>{}</code>: it is made for tests.</p>\n",
            escaped_markup(person)
        );
    }
    let code = code.unwrap_or("CODE");
    format!(
        "<p>Sign-ins are decided with a command, on the machine on which this center runs:</p>\n\
         <pre>aldis center device deny {code} --person NAME\naldis center device approve {code} --person NAME</pre>\n\
         <p class=\"quiet\">NAME is the person in whose name the terminal acts from then on.</p>\n"
    )
}

/// A whole page. No script, nothing from elsewhere, in nobody's frame (S25).
fn page<S: Store>(shared: &Shared<S>, status: StatusCode, title: &str, body: &str) -> Response {
    let mut random = [0; 16];
    shared.roll(&mut random);
    let nonce: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let (banner, mark) = if shared.is_test_center {
        let words = "This is a TEST center. Everybody who reaches it can sign in.";
        (format!("<p class=\"test\">{words}</p>\n"), "TEST · ")
    } else {
        (String::new(), "")
    };
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{mark}{title} · Aldis</title>\n<style nonce=\"{nonce}\">\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{banner}<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        // A user code may stand on it.
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, html).into_response()
}
