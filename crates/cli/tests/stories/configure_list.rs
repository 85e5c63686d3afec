//! `aldis configure list`: the AWS CLI's table, and no secret in it.

use serde_json::Value;

use crate::{machine, machine_and_center};

const HEADER: &str = "NAME       : VALUE                    : TYPE             : LOCATION\n";
// The example keys of AWS's documentation.
const ACCESS: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[test]
fn credentials_of_sso_are_fetched_and_masked() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let shown = machine.aldis(&["configure", "list", "--profile", "dev"]).ok();
    let creds: Value = serde_json::from_str(&machine.aldis(&["creds", "--profile", "dev"]).ok()).unwrap();
    let (access, secret) =
        (creds["AccessKeyId"].as_str().unwrap(), creds["SecretAccessKey"].as_str().unwrap());
    let last = |key: &str| key[key.len() - 4..].to_owned();
    let expected = format!(
        "{HEADER}profile    : dev                      : manual           : --profile\n\
         access_key : ****************{}     : sso              : \n\
         secret_key : ****************{}     : sso              : \n\
         region     : <not set>                : None             : None\n",
        last(access),
        last(secret)
    );
    assert_eq!(shown, expected);
    let shown = machine.aldis(&["configure", "list", "--output", "json"]).with("AWS_PROFILE", "dev").ok();
    let object: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(object["profile"]["location"], "['AWS_PROFILE', 'AWS_DEFAULT_PROFILE']");
    assert_eq!(object["access_key"]["type"], "sso");
    assert_eq!(object["region"]["value"], Value::Null);
    assert!(!shown.contains(access) && !shown.contains(secret));
}

#[test]
fn whoever_is_not_signed_in_gets_the_profile_and_an_error() {
    let (machine, _center) = machine_and_center(&[]);
    let outcome = machine.aldis(&["configure", "list", "--profile", "dev"]).run();
    outcome.fails(255, &["not signed in", "aldis login --profile dev"]);
    assert_eq!(
        outcome.stdout,
        format!("{HEADER}profile    : dev                      : manual           : --profile\n")
    );
    machine
        .aldis(&["configure", "list", "--profile", "nobody"])
        .run()
        .fails(255, &["(nobody) could not be found"]);
}

#[test]
fn static_keys_are_masked_wherever_they_stand() {
    let machine = machine();
    machine.write(".aws/config", "[default]\nregion = eu-west-1\n");
    machine.write(
        ".aws/credentials",
        &format!("[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"),
    );
    let shown = machine.aldis(&["configure", "list"]).ok();
    let expected = format!(
        "{HEADER}profile    : <not set>                : None             : None\n\
         access_key : ****************MPLE     : shared-credentials-file : \n\
         secret_key : ****************EKEY     : shared-credentials-file : \n\
         region     : eu-west-1                : config-file      : ~/.aws/config\n"
    );
    assert_eq!(shown, expected);
    let in_env = || {
        machine
            .aldis(&["configure", "list"])
            .with("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT12345")
            .with("AWS_SECRET_ACCESS_KEY", SECRET)
            .with("AWS_DEFAULT_REGION", "eu-north-1")
    };
    let shown = in_env().ok();
    assert!(shown.contains("access_key : ****************2345     : env              : \n"), "{shown}");
    let region =
        "region     : eu-north-1               : env              : ['AWS_REGION', 'AWS_DEFAULT_REGION']\n";
    assert!(shown.contains(region) && !shown.contains(SECRET), "{shown}");
}

#[test]
fn where_nothing_is_set_the_table_says_so() {
    let machine = machine();
    let shown = machine.aldis(&["configure", "list"]).ok();
    assert_eq!(shown.matches(": <not set>                : None             : None\n").count(), 4, "{shown}");
}
