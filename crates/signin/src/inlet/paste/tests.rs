use proptest::prelude::*;
use wire::authorize::{redirect_uri, with_query};

use super::*;

const STATE: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_";
const ISSUER: &str = "http://127.0.0.1:8765";

fn expected() -> Expected {
    Expected { port: 38381, state: STATE.into(), issuer: Some(ISSUER.to_owned()), target: "corp".to_owned() }
}

fn of_aws() -> Expected {
    Expected { issuer: None, ..expected() }
}

fn address(code: &str) -> String {
    with_query(&redirect_uri(38381), &[("code", code), ("state", STATE), ("iss", ISSUER)])
}

/// The code that is read, else the problem.
fn code(text: &str, expected: &Expected) -> Result<String, Problem> {
    read(text, expected).map(|found| match found {
        Found::Answer(arrival) => arrival.unwrap().expose().to_owned(),
        Found::Bare(code) => code.expose().to_owned(),
    })
}

#[test]
fn an_address_reads_however_it_was_copied() {
    let good = address("abc-DEF_123.x~y");
    let query = good.split_once('?').unwrap().1;
    let encoded = good.replace('%', "%25").replace(':', "%3A").replace('/', "%2F");
    let encoded = encoded.replace('?', "%3F").replace('=', "%3D").replace('&', "%26");
    let twice = encoded.replace('%', "%25");
    let escaped = good.replace('&', "\\&").replace('?', "\\?").replace('=', "\\=");
    let host = |host: &str| good.replace("http://127.0.0.1:38381", host);
    let (one, other) = good.split_at(60);
    for text in [
        good.clone(),
        format!("  {good}\r\n"),
        query.to_owned(),
        format!("?{query}"),
        format!("/oauth/callback?{query}"),
        host("http://localhost:38381"),
        host("https://127.0.0.1:38381"),
        host("http://127.0.0.1:40000"),
        host("http://[::1]:38381"),
        host("127.0.0.1:38381"),
        host("https://name-38381.preview.example"),
        format!("{good}#"),
        format!("{good}#_=_"),
        format!("'{good}'"),
        format!("\"{good}\","),
        format!("`{good}`"),
        format!("<{good}>"),
        format!("“{good}”"),
        format!("‘{good}’."),
        format!("«{good}»"),
        format!("({good})."),
        format!("[x]({good})"),
        format!("[{good}]({good})"),
        format!("**{good}**"),
        format!("_{good}_"),
        format!("{good}."),
        format!("{good}, and now?"),
        format!("here it is: {good} thanks a lot"),
        format!("{good}。"),
        format!("$ {good}"),
        format!("$ curl '{good}'"),
        format!("curl -sS -o /dev/null \"{good}\" -H 'Accept: */*' --compressed"),
        format!("curl {good} -v"),
        format!("curl \\\n  '{good}'"),
        format!("curl ^\"{}^\"", good.replace('&', "^&")),
        format!("wget -qO- {good} | sh"),
        format!("GET /oauth/callback?{query} HTTP/1.1"),
        format!("\"GET /oauth/callback?{query} HTTP/1.1\" 400 -"),
        format!("<a href=\"{}\">here</a>", good.replace('&', "&amp;")),
        format!("{{\"url\":\"{}\"}}", good.replace('/', "\\/").replace('&', "\\u0026")),
        escaped,
        encoded.clone(),
        encoded.replace("%3A", "%3a").replace("%2F", "%2f"),
        twice,
        format!("https://links.example/?url={encoded}&data=05%7C02%7C&reserved=0"),
        format!("{one}\n{other}"),
        format!("{one} \r\n   {other}"),
        format!("> {one}\n> {other}"),
        format!("│ {one} │\n│ {other} │"),
        format!("| {one} |\n| {other} |"),
        format!("{one}\\\n{other}"),
        format!("{one}\u{ad}\u{200b}{other}\u{feff}"),
        format!("\u{1b}[200~{good}\u{1b}[201~"),
        format!("^[[200~{good}^[[201~"),
        format!("200~{good}201~"),
        format!("00~{good}01~"),
        format!("\u{1b}[4m{one}\u{1b}[0m\u{1b}[K{other}\u{7}\0"),
        format!("\u{1b}]8;;{good}\u{1b}\\{good}\u{1b}]8;;\u{1b}\\"),
        format!("https://docs.example/sign-in says so: {good}"),
        format!("{}\n{good}", good.replace(STATE, "older")),
        format!("{encoded}%0A"),
    ] {
        assert_eq!(code(&text, &expected()).as_deref(), Ok("abc-DEF_123.x~y"), "{text}");
    }
}

#[test]
fn a_long_code_is_read_whole() {
    let long: String = "aZ0-_.".chars().cycle().take(6000).collect();
    let wrapped: Vec<String> =
        address(&long).as_bytes().chunks(40).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    assert_eq!(code(&wrapped.join("\n"), &expected()).as_deref(), Ok(long.as_str()));
    assert_eq!(code(&long, &of_aws()).as_deref(), Ok(long.as_str()));
}

#[test]
fn a_bare_code_reads_and_other_words_do_not() {
    let long = "AZqKpQJ9Xk3-bXx0_1GfRrYtQwEzUvLmNoPaSdFgHjKlZxCvBn2";
    for text in [
        long.to_owned(),
        format!(" '{long}' "),
        format!("“{long}”,"),
        format!("$ {long}"),
        format!("{}\n  {}", &long[..20], &long[20..]),
        format!("{long}#{STATE}"),
        format!("\u{1b}[200~{long}\u{1b}[201~"),
    ] {
        assert_eq!(code(&text, &expected()).as_deref(), Ok(long), "{text}");
    }
    let decoded = long.replace('-', "+") + "=";
    let encoded = long.replace('-', "%2B") + "%3D";
    assert_eq!(code(&encoded, &expected()).as_deref(), Ok(decoded.as_str()));
    assert_eq!(code(&"aB".repeat(4096), &expected()).map(|code| code.len()), Ok(8192));
    assert!(matches!(read(long, &expected()), Ok(Found::Bare(_))));
    assert!(
        matches!(read(&format!("{long}#{STATE}"), &expected()), Ok(Found::Answer(_))),
        "its state is ours"
    );
    for text in [
        "1234567",
        "kubernetes",
        "12345678",
        &long[..31],
        "/home/Jo/Work/Some/Folder/With/A/Long/Path",
        "~/Work/Some/Folder/With/A/Long/Path/To/It",
        "a-rather-long-name-of-a-branch-in-lower-case",
        "A_RATHER_LONG_NAME_OF_A_VARIABLE_IN_CAPITALS",
        // A secret access key (the one of AWS's documentation), and other tokens.
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aoaAAAAAGfJ9Xk3-bXx0_1.abcdefghijklmnopRSTU",
        "aorAAAAAGfJ9Xk3-bXx0_1.abcdefghijklmnopRSTU",
        "ghp_0123456789abcdefABCDEF0123456789abcd",
        "IQoJb3JpZ2luX2VjEXAMPLEEXAMPLEabcdefghij0123",
        // Hashes, and a UUID.
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        "123e4567-e89b-12d3-a456-426614174000",
        "what do I do now",
        "aldis login --help",
        "BCDF-GHJK",
        "jo@mail.example",
        "abcdefgh&x",
        "abcdefghé",
        "abcdefgh…",
        "abcdefgh%00",
        "abcdefgh%FF\\",
        "user_code=abcdefgh&",
        &("aB".repeat(4096) + "a"),
    ] {
        assert_eq!(code(text, &expected()), Err(Problem::NotUnderstood), "{text}");
    }
    assert_eq!(code(&format!("{long}#other"), &expected()), Err(Problem::OtherSignIn));
}

#[test]
fn what_is_wrong_is_told() {
    let good = address("abcdefgh");
    let question = format!(
        "https://oidc.us-east-1.amazonaws.com/authorize?response_type=code&client_id=x\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A38381%2Foauth%2Fcallback&state={STATE}&code_challenge_method=S256\
         &scopes=sso%3Aaccount%3Aaccess&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let (first, rest) = question.split_at(100);
    let many: String = (0..MOST_MEMBERS).map(|number| format!("&m{number}=")).collect();
    let table = [
        ("", Problem::Nothing),
        (" \n\u{200b}\u{1b}[0m", Problem::Nothing),
        ("''", Problem::Nothing),
        (question.as_str(), Problem::StillTheQuestion),
        (&format!("'{first}\n{rest}'"), Problem::StillTheQuestion),
        (question.split_once('?').unwrap().1, Problem::StillTheQuestion),
        ("https://d-1234567890.awsapps.com/start/#/?tab=accounts", Problem::StillTheQuestion),
        ("d-1234567890.awsapps.com/start", Problem::StillTheQuestion),
        ("https://h/device?user_code=BCDF-GHJK", Problem::StillTheQuestion),
        ("https://idp.example/back?code=abcdefgh&state=theirs", Problem::StillTheQuestion),
        ("http://127.0.0.1:38381/0123456789abcdef0123456789abcdef", Problem::StillTheQuestion),
        (&good.replace(STATE, "other"), Problem::OtherSignIn),
        (&good.replace(STATE, ""), Problem::OtherSignIn),
        (&good.replace(STATE, &STATE[1..]), Problem::OtherSignIn),
        (&good.replace(STATE, &format!("{STATE}a")), Problem::OtherSignIn),
        (&format!("{} thanks", good.replace(STATE, "other")), Problem::OtherSignIn),
        (good.split_once("&state").unwrap().0, Problem::OtherSignIn),
        ("code=abcdefgh", Problem::OtherSignIn),
        ("code=abcdefgh&state=other", Problem::OtherSignIn),
        ("http://127.0.0.1:38381/oauth/callback?error=access_denied", Problem::OtherSignIn),
        (good.split_once("&iss").unwrap().0, Problem::OtherCenter),
        (&good.replace("8765", "8766"), Problem::OtherCenter),
        (&format!("{} thanks", good.split_once("&iss").unwrap().0), Problem::OtherCenter),
        (&format!("{} thanks", good.replace("8765", "8766")), Problem::OtherCenter),
        ("http://127.0.0.1:38381/oauth/callback", Problem::NoCode),
        ("http://127.0.0.1:38381/oauth/end", Problem::NoCode),
        (&good.replace("abcdefgh", ""), Problem::NoCode),
        (&good.replace("abcdefgh", "abc%0Ad"), Problem::NoCode),
        (&good.replace("abcdefgh", "abc%E2%80%A6"), Problem::NoCode),
        (&good.replace("abcdefgh", "abc&code=d"), Problem::NoCode),
        (&good.replace("abcdefgh", "abc&error=d"), Problem::NoCode),
        (&format!("state={STATE}"), Problem::NoCode),
        (&format!("{good}{many}"), Problem::NoCode),
        ("hello", Problem::NotUnderstood),
    ];
    for (text, problem) in table {
        assert_eq!(code(text, &expected()), Err(problem), "{text}");
        assert!(!problem.to_string().is_empty());
    }
    assert_eq!(code(&"a".repeat(LONGEST + 1), &expected()), Err(Problem::TooLong));
    assert_eq!(code(good.split_once("&iss").unwrap().0, &of_aws()).as_deref(), Ok("abcdefgh"));
}

#[test]
fn no_text_takes_long() {
    // Each is as long as it may be, and the worst that we know for one step. Were one of them quadratic, this would not end.
    for unit in [
        "code=a&",
        "&",
        "/oauth/callback?code=a ",
        "%25",
        "% ",
        "\u{1b}]",
        "\u{1b}[",
        "code=",
        "state=",
        "&amp;",
        "> \n",
    ] {
        let text = unit.repeat(LONGEST / unit.len());
        assert!(code(&text, &expected()).is_err(), "{unit:?}");
        let _ = may_go_on(&text);
    }
}

#[test]
fn an_error_is_shown_for_what_it_is() {
    let members =
        [("error", "access_denied"), ("error_description", "No thanks"), ("state", STATE), ("iss", ISSUER)];
    let text = with_query(&redirect_uri(38381), &members);
    for text in [text.clone(), format!("'{text}'"), format!("{}\n{}", &text[..60], &text[60..])] {
        let Ok(Found::Answer(Err(denial))) = read(&text, &expected()) else { panic!("{text}") };
        assert_eq!(
            (denial.error.as_str(), denial.description.as_deref()),
            ("access_denied", Some("No thanks"))
        );
    }
}

#[test]
fn no_problem_quotes_what_was_pasted() {
    let secret = "s3cr3t-c0de";
    for text in [
        address(secret).replace(STATE, "other-s3cr3t"),
        format!("{secret} is the one"),
        format!("https://{secret}/"),
    ] {
        let problem = read(&text, &expected()).unwrap_err();
        assert!(!format!("{problem} {problem:?}").contains("s3cr3t"), "{problem}");
    }
}

#[test]
fn a_beginning_of_an_address_may_go_on() {
    let good = address("abcdefgh");
    for end in 20..good.len() {
        let text = &good[..end];
        for text in [text.to_owned(), format!("'{text}"), format!("curl '{text}"), format!("> {text}\n")] {
            assert!(may_go_on(&text), "{text}");
        }
    }
    for text in [
        "http",
        "$ curl \\",
        "curl -sS",
        "code=abc",
        "?code=abc",
        "/oauth/callback?co",
        "127.0.0.1:38381/oa",
        "https%3A%2F",
    ] {
        assert!(may_go_on(text), "{text}");
    }
    for text in [
        "",
        "hello",
        "abcdefghijkl",
        "''",
        &format!("'{good}'"),
        &format!("[x]({good})"),
        &"http:".repeat(20_000),
    ] {
        assert!(!may_go_on(text), "{:.100}", text);
    }
}

/// What may stand between any two letters of an address that was wrapped.
fn noise() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        " ",
        "\n",
        "\t",
        "\r\n",
        "  \n  ",
        "\u{a0}",
        "\u{ad}",
        "\u{200b}",
        "\u{2060}",
        "\u{feff}",
        "\n> ",
        "\n>> ",
        "\\\n",
        " │\n│ ",
        " |\n| ",
        "\u{1b}[0m",
        "\u{1b}[K",
        "\u{1b}[38;5;12m",
        "\u{1b}]0;x\u{7}",
        "\0",
        "\u{7}",
        "↩\n",
    ])
}

fn quotes() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("", ""),
        ("'", "'"),
        ("\"", "\""),
        ("`", "`"),
        ("<", ">"),
        ("“", "”"),
        ("‘", "’,"),
        ("«", "»"),
        ("(", ")."),
        ("[x](", ")"),
        ("curl '", "' -v"),
        ("$ curl -sS \"", "\" | jq ."),
        ("\u{1b}[200~", "\u{1b}[201~"),
        ("see ", " ok?"),
        ("curl ", " -o x -v"),
        ("", ". Thanks!"),
        ("GET ", " HTTP/1.1"),
    ])
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02x}") })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn nothing_that_is_pasted_makes_it_panic(text in "\\PC{0,200}", wild in any::<String>(), end in 0usize..400) {
        let mixed = format!("{}{wild}", address(&text).chars().take(end).collect::<String>());
        for text in [text, wild, mixed] {
            let _ = read(&text, &expected());
            let _ = may_go_on(&text);
        }
    }

    #[test]
    fn a_good_address_reads_the_same_however_it_is_wrapped_quoted_and_encoded(
        secret in "[ -~]{1,60}",
        encodings in 0usize..=2,
        (open, close) in quotes(),
        noises in prop::collection::vec((any::<prop::sample::Index>(), noise()), 0..12),
        is_of_center in any::<bool>(),
    ) {
        let expected = if is_of_center { expected() } else { of_aws() };
        let mut text = address(&secret);
        for _ in 0..encodings {
            text = encoded(&text);
        }
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        for (place, noise) in noises {
            let place = place.index(letters.len());
            letters[place].push_str(noise);
        }
        let text = format!("{open}{}{close}", letters.concat());
        prop_assert_eq!(code(&text, &expected), Ok(secret), "{:?}", text);
    }

    #[test]
    fn an_address_of_another_sign_in_never_reads(other in "[A-Za-z0-9_-]{0,60}", (open, close) in quotes()) {
        prop_assume!(other != STATE);
        let text = format!("{open}{}{close}", address("abcdefgh").replace(STATE, &other));
        prop_assert!(matches!(read(&text, &expected()), Err(Problem::OtherSignIn)), "{:?}", text);
    }
}
