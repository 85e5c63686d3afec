use center_client::endpoint::Service;

use super::*;

const TWO_SESSIONS: &str = "\
[default]
region = eu-west-1
[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Developer
region = eu-north-1
[profile keys]
aws_access_key_id = A
[sso-session corp]
sso_start_url = https://d-1.awsapps.com/start
sso_region = us-east-1
[sso-session other]
sso_start_url = https://d-2.awsapps.com/start
sso_region = us-east-1
";

const ONE_SESSION: &str = "\
[profile keys]
aws_access_key_id = A
[sso-session corp]
sso_start_url = http://127.0.0.1:8765/start
";

const LEGACY: &str = "\
[default]
sso_start_url = https://d-1.awsapps.com/start#/
sso_region = us-east-1
services = local
endpoint_url = http://profile:1
ca_bundle = /profile.pem
[services local]
sso =
  endpoint_url = http://section:2
";

fn config(text: &str) -> Config {
    Config::pretended(text, "")
}

fn args(profile: Option<&str>, sso_session: Option<&str>) -> SessionArgs {
    SessionArgs { profile: profile.map(str::to_owned), sso_session: sso_session.map(str::to_owned) }
}

fn complete(text: &str, args: SessionArgs, env: &[(&str, &str)]) -> Result<Meant, Failure> {
    let (config, env) = (config(text), Env::pretended(env));
    choose(&args, &env, &config).map(|chosen| meant(chosen, &env, &config))
}

/// Config, options, environment, and what comes of them.
type Row<T> = (&'static str, SessionArgs, &'static [(&'static str, &'static str)], T);

/// Name of the session, how to sign in, whether something is said.
fn shown(meant: &Meant) -> (Option<&str>, &str, bool) {
    (meant.target.session.as_deref(), meant.login.as_str(), !meant.remarks.is_empty())
}

#[test]
fn options_then_environment_then_default_then_the_only_session() {
    let corp = Some("corp");
    let table: [Row<(Option<&str>, &str, bool)>; 9] = [
        (
            TWO_SESSIONS,
            args(None, Some("other")),
            &[],
            (Some("other"), "aldis login --sso-session other", false),
        ),
        (
            TWO_SESSIONS,
            args(None, corp),
            &[("AWS_PROFILE", "zz")],
            (corp, "aldis login --sso-session corp", false),
        ),
        (
            TWO_SESSIONS,
            args(Some("dev"), None),
            &[("AWS_PROFILE", "keys")],
            (corp, "aldis login --profile dev", false),
        ),
        (
            TWO_SESSIONS,
            args(None, None),
            &[("AWS_PROFILE", "dev")],
            (corp, "aldis login --profile dev", false),
        ),
        (
            TWO_SESSIONS,
            args(None, None),
            &[("AWS_DEFAULT_PROFILE", "dev")],
            (corp, "aldis login --profile dev", false),
        ),
        (LEGACY, args(None, None), &[], (None, "aldis login", false)),
        (ONE_SESSION, args(None, None), &[], (corp, "aldis login --sso-session corp", true)),
        (
            ONE_SESSION,
            args(None, None),
            &[("AWS_PROFILE", "keys")],
            (corp, "aldis login --sso-session corp", true),
        ),
        (
            ONE_SESSION,
            args(None, None),
            &[("AWS_PROFILE", "")],
            (corp, "aldis login --sso-session corp", true),
        ),
    ];
    for (text, args, env, expected) in table {
        let meant =
            complete(text, args.clone(), env).unwrap_or_else(|error| panic!("{args:?} {env:?}: {error:?}"));
        assert_eq!(shown(&meant), expected, "{args:?} {env:?}");
    }
}

#[test]
fn what_is_missing_is_refused_with_a_way_on() {
    let table: [Row<(&str, &str)>; 9] = [
        ("", args(None, None), &[], ("there is no SSO in /h/.aws/config", "aldis configure sso")),
        (
            TWO_SESSIONS,
            args(None, None),
            &[],
            ("several sso-sessions: corp, other", "aldis login --sso-session corp"),
        ),
        (
            TWO_SESSIONS,
            args(None, Some("zz")),
            &[],
            ("sso-session does not exist: \"zz\"", "there are corp, other"),
        ),
        (
            TWO_SESSIONS,
            args(Some("zz"), None),
            &[],
            ("config profile (zz) could not be found", "there are default, dev"),
        ),
        (ONE_SESSION, args(None, None), &[("AWS_PROFILE", "zz")], ("config profile (zz)", "there are keys")),
        (
            ONE_SESSION,
            args(Some("keys"), None),
            &[],
            (
                "holds access keys (aws_access_key_id: /h/.aws/config, line 2)",
                "aws sts get-caller-identity --profile keys",
            ),
        ),
        (
            "[profile bare]\nregion = r\n",
            args(Some("bare"), None),
            &[],
            ("has no SSO settings", "${EDITOR:-vi} /h/.aws/config"),
        ),
        (
            "[profile a]\nsso_session = s\n",
            args(Some("a"), None),
            &[],
            ("does not exist: \"s\"", "${EDITOR:-vi} +2 /h"),
        ),
        (
            "[sso-session s]\nsso_region = r\n",
            args(None, None),
            &[],
            ("sso_start_url", "${EDITOR:-vi} +1 /h"),
        ),
    ];
    for (text, args, env, (words, hint)) in table {
        let failure = complete(text, args.clone(), env).unwrap_err();
        let unknown = words.starts_with("config profile");
        let kind = if unknown { Kind::NoSuchProfile } else { Kind::Configuration };
        assert_eq!(failure.kind, kind, "{args:?}");
        assert!(failure.error.to_string().contains(words), "{args:?}: {}", failure.error);
        assert!(failure.hints.iter().any(|text| text.contains(hint)), "{args:?}: {:?}", failure.hints);
    }
}

#[test]
fn addresses_come_from_where_the_aws_cli_reads_them() {
    let of = |env: &[(&str, &str)], service| {
        let meant = complete(LEGACY, args(None, None), env).unwrap();
        meant.target.center.overrides.of(service).unwrap().map(|endpoint| endpoint.address.to_string())
    };
    let shown = |text: &str| Some(text.to_owned());
    assert_eq!(of(&[], Service::Sso), shown("http://section:2"));
    assert_eq!(of(&[], Service::SsoOidc), shown("http://profile:1"));
    assert_eq!(of(&[("AWS_ENDPOINT_URL", "http://all:3")], Service::Sso), shown("http://all:3"));
    let one = [("AWS_ENDPOINT_URL", "http://all:3"), ("AWS_ENDPOINT_URL_SSO_OIDC", "http://one:4/")];
    assert_eq!(of(&one, Service::SsoOidc), shown("http://one:4"));
    assert_eq!(of(&[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE")], Service::Sso), None);
}

#[test]
fn plain_http_to_others_needs_a_name_and_a_word() {
    let name = ("AWS_ENDPOINT_URL", "http://center:8765");
    let meant = |env: &[(&str, &str)]| complete(TWO_SESSIONS, args(None, Some("corp")), env).unwrap();
    assert!(meant(&[name]).http.plain_http_to.is_empty());
    assert!(meant(&[name, ("ALDIS_INSECURE_HTTP", "true")]).http.plain_http_to.is_empty());
    assert!(meant(&[("ALDIS_INSECURE_HTTP", "1")]).http.plain_http_to.is_empty());
    let allowed = meant(&[name, ("ALDIS_INSECURE_HTTP", "1")]);
    assert_eq!(allowed.http.plain_http_to, ["http://center:8765"]);
    assert!(matches!(&allowed.remarks[..], [Remark::Warning(text)] if text.contains("http://center:8765")));
}

#[test]
fn certificates_come_from_environment_then_profile() {
    let bundle = |env: &[(&str, &str)]| complete(LEGACY, args(None, None), env).unwrap().http.ca_bundle;
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(bundle(&[]), path("/profile.pem"));
    assert_eq!(bundle(&[("REQUESTS_CA_BUNDLE", "/r.pem")]), path("/profile.pem"));
    assert_eq!(bundle(&[("AWS_CA_BUNDLE", "/a.pem")]), path("/a.pem"));
}
