//! The authorization code grant, as a browser and a client see it.

use serde_json::{Value, json};
use wire::admin::{AdminAnswer, AdminRequest};

use crate::http::{Answer, send};
use crate::running::{Center, Client, Wishes};

pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:38381/oauth/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const QUESTION: &str = "response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A38381%2Foauth%2Fcallback&state=5b9d\
                        &code_challenge_method=S256&scopes=sso%3Aaccount%3Aaccess\
                        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn client(center: &Center) -> Client<'_> {
    center.client_with(json!({
        "clientName": "<b>botocore</b>-client\u{202e}-dev",
        "grantTypes": ["authorization_code", "refresh_token"],
        "redirectUris": ["http://127.0.0.1/oauth/callback"],
        "issuerUrl": center.url,
        "scopes": ["sso:account:access"],
    }))
}

fn approving() -> Center {
    Center::with(Wishes { auto_approve: true, ..Wishes::default() })
}

/// Where an answer sends the browser.
#[track_caller]
pub(crate) fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.body, "");
    answer.header("location").unwrap().to_owned()
}

pub(crate) fn code_in(location: &str) -> String {
    let (_, query) = location.split_once("?code=").unwrap_or_else(|| panic!("no code: {location}"));
    query.split('&').next().unwrap().to_owned()
}

pub(crate) fn exchange(client: &Client<'_>, code: &str) -> Answer {
    let request = json!({
        "grantType": "authorization_code", "code": code, "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER,
    });
    client.token(request)
}

fn approve(center: &Center, url: &str, person: &str) -> AdminAnswer {
    center.admin().ask(&AdminRequest::Authorize { url: url.to_owned(), person: person.to_owned() })
}

#[test]
fn s22_s23_s24_with_auto_approval_the_browser_goes_back_at_once() {
    let center = approving();
    let client = client(&center);
    for path in ["/authorize", "/oauth/authorize"] {
        let origin = [("Origin", "https://evil.example")];
        let line = format!("GET {path}?client_id={}&{QUESTION}", client.id);
        let location = location(&send(center.address, &line, &origin, b""));
        let code = code_in(&location);
        let issuer = center.url.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(location, format!("{REDIRECT_URI}?code={code}&state=5b9d&iss={issuer}"));
        let token = exchange(&client, &code).is(200);
        assert_eq!(token.json()["expiresIn"], 3600);
        center.portal("/assignment/accounts", &token.text("accessToken")).is(200);
        client.refresh(&token.text("refreshToken")).is(200);

        let again = exchange(&client, &code).is(400);
        assert_eq!(again.text("__type"), "com.amazonaws.sso.oidc#InvalidGrantException");
        center.portal("/assignment/accounts", &token.text("accessToken")).is(401);
    }
    center.post(&format!("/authorize?client_id={}&{QUESTION}", client.id), &json!({})).is(405);
}

#[test]
fn s19_a_faulty_question_is_a_page_or_goes_back() {
    for center in [Center::start(), approving()] {
        let client = client(&center);
        for path in ["/authorize", "/oauth/authorize"] {
            let get = |query: &str| center.get(&format!("{path}?{query}"));
            let good = format!("client_id={}&{QUESTION}", client.id);
            for query in [
                "",
                QUESTION,
                &format!("client_id=unheard-of&{QUESTION}"),
                &format!("{good}&client_id={}", client.id),
                &good.replace("127.0.0.1", "evil.example"),
                &good.replace("%2Fcallback", "%2Felsewhere"),
                "%FF=%FF&&=&%",
            ] {
                let answer = get(query).is(400);
                assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
                assert_eq!(answer.header("x-frame-options"), Some("DENY"));
                assert_eq!(answer.header("location"), None);
                assert!(answer.body.contains("This sign-in cannot begin"), "{}", answer.body);
                assert!(!answer.body.contains("evil"), "{}", answer.body);
            }
            for (query, error) in [
                (good.replace("S256", "plain"), "invalid_request"),
                (good.replace("=code&", "=token&"), "unsupported_response_type"),
                (good.replace("account%3Aaccess", "everything"), "invalid_scope"),
                (format!("{good}&code_challenge=x"), "invalid_request"),
            ] {
                let location = location(&get(&query));
                assert!(location.starts_with(&format!("{REDIRECT_URI}?error={error}&")), "{location}");
                assert!(location.contains("&state=5b9d&iss=http%3A"), "{location}");
            }
        }
    }
}

#[test]
fn s25_the_page_says_how_an_administrator_lets_it_in() {
    let center = Center::start();
    let client = client(&center);
    let scope = QUESTION.replace("scopes=", "scope=");
    for (path, question) in [("/authorize", QUESTION), ("/oauth/authorize", &scope)] {
        let page = center.get(&format!("{path}?client_id={}&{question}", client.id)).is(200);
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let (_, command) = page.body.split_once("aldis center authorize &#39;").unwrap();
        let url = command.split("&#39;").next().unwrap().replace("&#38;", "&");
        assert!(url.starts_with(&format!("{}/authorize?", center.url)), "{url}");
        let AdminAnswer::Redirect { location } = approve(&center, &url, "demo") else { panic!("{url}") };
        exchange(&client, &code_in(location.expose())).is(200);
    }
}

#[test]
fn s59_an_administrator_approves_on_behalf_of_a_person() {
    let center = Center::start();
    let client = client(&center);
    let url = format!("{}/authorize?client_id={}&{QUESTION}", center.url, client.id);
    let refused = |url: &str, person: &str, expected: &str| match approve(&center, url, person) {
        AdminAnswer::Refused { code, message } => assert_eq!(code, expected, "{message}"),
        other => panic!("{other:?}"),
    };
    refused(&url, "nobody", "unknown_person");
    refused(&url.replace("S256", "plain"), "demo", "invalid_request");
    refused(&url.replace("127.0.0.1%3A38381", "evil.example"), "demo", "unknown_redirect_uri");
    refused(&format!("{}/authorize", center.url), "demo", "unknown_client");
    for address in ["", "nonsense", &center.url, &format!("{}/device?user_code=BCDF-GHJK", center.url)] {
        refused(address, "demo", "bad_address");
    }
    let answer = approve(&center, &format!(" {}\n", url.replace("/authorize", "/oauth/authorize")), "demo");
    let AdminAnswer::Redirect { location } = answer else { panic!("{answer:?}") };
    assert!(location.expose().starts_with(REDIRECT_URI));
    assert!(!format!("{location:?}").contains("code"));
    let code = code_in(location.expose());
    exchange(&client, &code).is(200);

    let audit = center.audit();
    let decided: Vec<_> = audit.iter().filter(|event| event["eventName"] == "Authorize").collect();
    assert_eq!(decided.len(), 5);
    for event in &decided {
        assert_eq!(event["userIdentity"]["uid"], outside::env::own_uid());
        assert_eq!(event["sourceIPAddress"], "local socket");
    }
    let token = audit.iter().find(|event| event["eventName"] == "CreateToken").unwrap();
    let workflow = &token["additionalEventData"]["AuthWorkflowID"];
    assert!(workflow.is_string());
    assert_eq!(&decided[4]["additionalEventData"]["AuthWorkflowID"], workflow);
    assert_eq!(decided[4]["additionalEventData"]["UserName"], "demo");
    assert!(!serde_json::to_string(&audit).unwrap().contains(&code));
}

#[test]
fn the_standard_face_exchanges_a_code_and_tells_its_scope() {
    let center = approving();
    let request = json!({
        "client_name": "a standard client", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "scope": "sso:account:access openid",
        "redirect_uris": ["http://127.0.0.1/oauth/callback"],
    });
    let id = center.post("/oauth/register", &request).is(201).text("client_id");
    let question = QUESTION.replace("scopes=", "scope=");
    let code = code_in(&location(&center.get(&format!("/oauth/authorize?client_id={id}&{question}"))));
    let form = |verifier: &str| {
        let redirect_uri = "http%3A%2F%2F127.0.0.1%3A38381%2Foauth%2Fcallback";
        format!(
            "grant_type=authorization_code&client_id={id}&code={code}&redirect_uri={redirect_uri}&code_verifier={verifier}"
        )
    };
    let refused = |form: &str, expected: &str| {
        let answer = center.post_form("/oauth/token", form, &[]).is(400);
        assert_eq!(answer.text("error"), expected);
    };
    refused(&form(""), "invalid_request");
    refused(&form("short"), "invalid_request");
    refused(&form(&VERIFIER.to_lowercase()), "invalid_grant");
    let token = center.post_form("/oauth/token", &form(VERIFIER), &[]).is(200);
    assert_eq!(token.json()["scope"], "sso:account:access", "not all that is registered");
    let refresh =
        format!("grant_type=refresh_token&client_id={id}&refresh_token={}", token.text("refresh_token"));
    let next = center.post_form("/oauth/token", &refresh, &[]).is(200);
    assert_eq!(next.json()["scope"], "sso:account:access");
    refused(&form(VERIFIER), "invalid_grant");
    refused(&refresh, "invalid_grant");
}

#[test]
fn s20_a_code_ends_after_five_minutes() {
    let center = approving();
    let client = client(&center);
    let path = format!("/authorize?client_id={}&{QUESTION}", client.id);
    let (early, late) = (code_in(&location(&center.get(&path))), code_in(&location(&center.get(&path))));
    center.move_clock(299);
    exchange(&client, &early).is(200);
    center.move_clock(1);
    let answer = exchange(&client, &late).is(400);
    assert_eq!(answer.text("error"), "invalid_grant");
    assert!(answer.text("message").contains("expired"));
    center.move_clock(2 * 3600);
    assert_eq!(exchange(&client, &late).is(400).text("message"), "Invalid grant provided");
}

#[test]
fn s16_what_an_exchange_needs() {
    let center = approving();
    let client = client(&center);
    let whole = json!({
        "grantType": "authorization_code", "code": "x", "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER,
    });
    assert_eq!(client.token(whole.clone()).is(400).text("error"), "invalid_grant");
    for name in ["code", "redirectUri", "codeVerifier"] {
        let mut request = whole.clone();
        request[name] = Value::Null;
        let answer = client.token(request).is(400);
        assert_eq!(answer.text("error"), "invalid_request");
        assert!(answer.text("message").contains(name), "{answer:?}");
    }
}
