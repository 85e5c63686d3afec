//! Debian's `awscli` 2.9.19, which has no endpoint variables for SSO, and our own client meet a center that plays Amazon
//! behind a proxy. They share one home.

use serde_json::Value;
use testkit::{Center, Machine, Proxy, Run};

use crate::{TOKEN, begin_login, machine, user_code};

/// A machine that reaches Amazon only through a proxy, behind which a center plays it.
pub(crate) struct Office {
    pub(crate) machine: Machine,
    pub(crate) center: Center,
    proxy: Proxy,
    /// Since 2.22 the AWS CLI has to be told to use a code.
    flow: &'static [&'static str],
}

impl Office {
    fn open() -> Self {
        Self::with_center(machine(), &[])
    }

    /// The same on that machine, with further flags of the center.
    pub(crate) fn with_center(machine: Machine, flags: &[&str]) -> Self {
        let center = machine.center(&[&["--trusted-proxy", "127.0.0.1"], flags].concat());
        let proxy = Proxy::start(&center);
        let (region, start_url) =
            (center.ready["region"].as_str().unwrap(), center.ready["aws_start_url"].as_str().unwrap());
        assert!(start_url.ends_with(".awsapps.com/start"), "{start_url}");
        machine.write(
            ".aws/config",
            &format!(
                "[profile dev]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n\
                 region = {region}\n\n[sso-session dev]\nsso_start_url = {start_url}\nsso_region = {region}\n\
                 sso_registration_scopes = sso:account:access\n"
            ),
        );
        let machine = machine
            .with("HTTPS_PROXY", &proxy.url())
            .with("AWS_CA_BUNDLE", &proxy.authority().display().to_string())
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_PAGER", "")
            .with("LC_ALL", "C.UTF-8");
        let found = machine.program("aws", &["--version"]).found("aws", "awscli");
        let version = found.strip_prefix("aws-cli/2.").and_then(|rest| rest.split('.').next()?.parse().ok());
        let version: u32 = version.expect("version 2 of the AWS CLI");
        let flow: &[&str] = if version < 22 { &[] } else { &["--use-device-code"] };
        Self { machine, center, proxy, flow }
    }

    pub(crate) fn aws(&self, words: &[&str]) -> Run<'_> {
        self.machine.program("aws", words)
    }

    fn aws_json(&self, words: &[&str]) -> Value {
        let words = [words, &["--profile", "dev", "--output", "json"]].concat();
        serde_json::from_str(&self.aws(&words).ok()).unwrap()
    }

    fn aldis_json(&self, words: &[&str]) -> Value {
        let words = [words, &["--output", "json"]].concat();
        serde_json::from_str(&self.machine.aldis(&words).ok()).unwrap()
    }

    /// Signs in with a program that shows a code, approved from "a second terminal".
    fn sign_in_as(&self, run: Run<'_>, person: &str) {
        let (login, code) = begin_login(run);
        self.machine.aldis(&["center", "device", "approve", &code, "--person", person]).ok();
        let outcome = login.finish();
        assert!(outcome.code == Some(0), "{outcome}");
    }

    fn aws_login(&self) {
        self.aws_login_as("demo");
    }

    pub(crate) fn aws_login_as(&self, person: &str) {
        let words = ["sso", "login", "--sso-session", "dev", "--no-browser"];
        self.sign_in_as(self.aws(&[&words[..], self.flow].concat()), person);
    }

    pub(crate) fn aldis_login(&self) {
        self.aldis_login_as("demo");
    }

    pub(crate) fn aldis_login_as(&self, person: &str) {
        let login = ["login", "--profile", "dev", "--use-device-code", "--no-browser"];
        self.sign_in_as(self.machine.aldis(&login), person);
    }

    fn token(&self) -> String {
        let token: Value = serde_json::from_str(&self.machine.read(TOKEN)).unwrap();
        token["accessToken"].as_str().unwrap().to_owned()
    }

    /// Makes the kept token look as if it ended in a minute.
    fn shorten(&self) {
        self.end_in(1);
    }

    /// Makes the kept token look as if it ended in so many minutes.
    pub(crate) fn end_in(&self, minutes: i64) {
        let mut token: Value = serde_json::from_str(&self.machine.read(TOKEN)).unwrap();
        let end = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap()
            + jiff::SignedDuration::from_mins(minutes);
        token["expiresAt"] = end.to_string().into();
        self.machine.write(TOKEN, &token.to_string());
    }

    /// Forgets the role credentials that both programs keep.
    pub(crate) fn drop_role_files(&self) {
        for (path, _) in self.machine.files() {
            if path.starts_with(".aws/cli/cache/") && path.ends_with(".json") {
                std::fs::remove_file(self.machine.home().join(path)).unwrap();
            }
        }
    }

    /// The keys of the profile that the AWS CLI has.
    pub(crate) fn aws_keys(&self) -> Value {
        let words = ["configure", "export-credentials", "--profile", "dev"];
        serde_json::from_str(&self.aws(&words).ok()).unwrap()
    }

    pub(crate) fn aldis_keys(&self) -> Value {
        self.aldis_json(&["creds", "--profile", "dev"])
    }

    /// What clients asked the center so far, in order; a token with its grant.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = self.machine.aldis(&["center", "audit", "--output", "json"]).ok();
        let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_clients = records.filter(|record| record["eventSource"] == "sso.amazonaws.com");
        of_clients
            .map(|record| {
                let grant = record["requestParameters"]["grantType"].as_str().unwrap_or_default();
                format!("{} {grant}", record["eventName"].as_str().unwrap()).trim_end().to_owned()
            })
            .collect()
    }

    fn has_token(&self) -> bool {
        self.machine.files().iter().any(|(path, _)| path == TOKEN)
    }

    /// Nobody wanted to go anywhere but to the three that the center plays, and somebody went to each.
    fn is_closed(&self) {
        assert_eq!(self.proxy.refused(), [""; 0]);
        let region = self.center.ready["region"].as_str().unwrap();
        for name in ["oidc", "portal.sso", "sts"] {
            let place = format!("{name}.{region}.amazonaws.com:443");
            assert!(self.proxy.joined().contains(&place), "nobody went to {place}");
        }
    }
}

#[test]
fn the_aws_cli_signs_in_lists_uses_and_signs_out() {
    let office = Office::open();
    office.aws_login();
    let token = office.token();

    let identity = office.aws_json(&["sts", "get-caller-identity"]);
    assert_eq!(identity["Account"], "111122223333");
    assert!(identity["Arn"].as_str().unwrap().ends_with("/demo"), "{identity}");
    let accounts = office.aws_json(&["sso", "list-accounts", "--access-token", &token]);
    assert_eq!(accounts["accountList"].as_array().unwrap().len(), 3, "{accounts}");
    let roles = ["sso", "list-account-roles", "--access-token", &token, "--account-id", "111122223333"];
    assert_eq!(office.aws_json(&roles)["roleList"][0]["roleName"], "AdministratorAccess");
    let words = ["configure", "export-credentials", "--profile", "dev"];
    let credentials: Value = serde_json::from_str(&office.aws(&words).ok()).unwrap();
    assert!(credentials["SessionToken"].is_string() && credentials["Expiration"].is_string());

    office.aws(&["sso", "logout"]).ok();
    assert!(!office.has_token());
    let listing = ["sso", "list-accounts", "--access-token", &token, "--profile", "dev"];
    office.aws(&listing).run().fails(254, &["UnauthorizedException"]);
    let words = ["sts", "get-caller-identity", "--profile", "dev"];
    let outcome = office.aws(&words).run();
    assert!(outcome.code != Some(0), "{outcome}");
    office.is_closed();
}

#[test]
fn our_client_goes_the_same_way() {
    let office = Office::open();
    office.aldis_login();
    assert_eq!(
        office.aldis_json(&["accounts", "--profile", "dev"])["accountList"].as_array().unwrap().len(),
        3
    );
    let credentials = office.aldis_json(&["creds", "--profile", "dev"]);
    assert!(credentials["SessionToken"].is_string(), "{credentials}");
    let identity = office.aldis_json(&["whoami", "--profile", "dev"]);
    assert_eq!(identity["Account"], "111122223333");
    office.machine.aldis(&["logout"]).ok();
    assert!(!office.has_token());
    office.is_closed();
    let log = office.machine.aldis(&["center", "audit", "--output", "json"]).ok();
    assert!(log.lines().any(|line| line.contains("\"Logout\"")), "the center heard of it");
}

#[test]
fn each_uses_what_the_other_left() {
    let office = Office::open();
    office.aws_login();
    let ours = office.aldis_json(&["whoami", "--profile", "dev"]);
    assert_eq!(office.aws_json(&["sts", "get-caller-identity"])["Arn"], ours["Arn"]);
    office.machine.aldis(&["logout"]).ok();
    assert!(!office.has_token());

    office.aldis_login();
    let theirs = office.aws_json(&["sts", "get-caller-identity"]);
    assert_eq!(theirs["Arn"], ours["Arn"]);
    let token = office.token();
    let accounts = office.aws_json(&["sso", "list-accounts", "--access-token", &token]);
    assert_eq!(accounts["accountList"].as_array().unwrap().len(), 3);
    office.aws(&["sso", "logout"]).ok();
    assert!(!office.has_token());
    office.is_closed();
}

/// What a renewal of the token and one of the role's credentials ask for.
const RENEWED: [&str; 2] = ["CreateToken refresh_token", "GetRoleCredentials"];

#[test]
fn the_aws_cli_asks_only_for_what_a_home_of_aldis_does_not_hold() {
    let office = Office::open();
    office.aldis_login();
    let ours = office.aldis_keys();
    let known = office.asked().len();
    assert_eq!(office.aws_keys()["SecretAccessKey"], ours["SecretAccessKey"]);
    assert_eq!(office.asked()[known..], [""; 0], "the role's credentials lay there");
    office.shorten();
    office.drop_role_files();
    let theirs = office.aws_keys();
    assert_eq!(office.asked()[known..], RENEWED);
    assert_eq!(office.aldis_keys()["SecretAccessKey"], theirs["SecretAccessKey"]);
    office.aldis_json(&["accounts", "--profile", "dev"]);
    assert_eq!(
        office.asked()[known..],
        [&RENEWED[..], &["ListAccounts"]].concat(),
        "aldis goes on with all of it"
    );
}

#[test]
fn aldis_asks_only_for_what_a_home_of_the_aws_cli_does_not_hold() {
    let office = Office::open();
    office.aws_login();
    let theirs = office.aws_keys();
    let known = office.asked().len();
    assert_eq!(office.aldis_keys()["SecretAccessKey"], theirs["SecretAccessKey"]);
    assert_eq!(office.asked()[known..], [""; 0], "the role's credentials lay there");
    office.shorten();
    office.drop_role_files();
    let ours = office.aldis_keys();
    assert_eq!(office.asked()[known..], RENEWED);
    assert_eq!(office.aws_keys()["SecretAccessKey"], ours["SecretAccessKey"]);
    office.drop_role_files();
    office.aws_keys();
    let again = [&RENEWED[..], &["GetRoleCredentials"]].concat();
    assert_eq!(office.asked()[known..], again, "the AWS CLI goes on with the token of aldis");
}

#[test]
fn without_its_authority_nobody_is_believed_and_elsewhere_nobody_gets() {
    let office = Office::open();
    let login = ["login", "--profile", "dev", "--use-device-code", "--no-browser"];
    let outcome = office.machine.aldis(&login).without("AWS_CA_BUNDLE").run();
    assert!(outcome.code != Some(0), "{outcome}");
    assert!(outcome.stderr.to_lowercase().contains("certificate"), "{outcome}");

    let config = office.machine.read(".aws/config");
    let region = office.center.ready["region"].as_str().unwrap();
    let elsewhere = config.replace(&format!("sso_region = {region}"), "sso_region = eu-west-3");
    office.machine.write(".aws/config", &elsewhere);
    let outcome = office.machine.aldis(&login).run();
    assert!(outcome.code != Some(0) && outcome.stderr.contains("proxy"), "{outcome}");
    assert!(office.proxy.refused().contains(&"oidc.eu-west-3.amazonaws.com:443".to_owned()));
    assert_eq!(user_code(outcome.stderr.lines().next().unwrap_or_default()), None);
}

#[test]
fn a_registration_is_made_once_for_both_programs() {
    let office = Office::open();
    let registrations = || {
        let log = office.machine.aldis(&["center", "audit"]).ok();
        log.matches("RegisterClient").count()
    };
    office.aws_login();
    assert_eq!(registrations(), 1);
    office.aldis_login();
    office.aws_login();
    office.aldis_login();
    assert_eq!(registrations(), 1, "each found the one that lay there");
    assert_eq!(office.proxy.refused(), [""; 0]);
}

#[test]
fn a_browser_brings_the_answer_to_a_client_behind_a_proxy() {
    let office = Office::open();
    let mut login =
        office.machine.aldis(&["login", "--flow", "browser", "--profile", "dev", "--no-browser"]).start();
    let link = login.wait_for("a link", |line| line.contains("/authorize?").then(|| line.trim().to_owned()));
    let region = office.center.ready["region"].as_str().unwrap();
    let (amazon, question) = link.split_once("/authorize?").unwrap();
    assert_eq!(amazon, format!("https://oidc.{region}.amazonaws.com"));
    // Whoever signs in there sees the center's page under Amazon's name; an administrator decides for them.
    let question = format!("{}/authorize?{question}", office.center.url());
    let back = office.machine.aldis(&["center", "authorize", &question, "--person", "demo"]).ok();
    assert_eq!(crate::browser_flow::browse(back.trim()).status, 200);
    login.finish().says(&["Signed in"]);
    office.machine.aldis(&["whoami", "--profile", "dev"]).ok();
    office.is_closed();
}

#[test]
fn c17_this_machine_is_never_reached_through_a_proxy() {
    let (machine, center) = crate::machine_and_center(&["--auto-approve", "demo"]);
    let proxy = Proxy::start(&center);
    let url = proxy.url();
    let machine = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .fold(machine, |machine, name| machine.with(name, &url));
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    assert_eq!((proxy.joined(), proxy.refused()), (Vec::<String>::new(), Vec::new()));
}
