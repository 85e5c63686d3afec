use crate::{TOKEN, machine, machine_and_center, sign_in};

#[test]
fn what_is_kept_is_what_the_aws_cli_keeps_and_private() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    machine.aldis(&["whoami", "--profile", "dev"]).ok();
    let kept: Vec<_> = machine
        .files()
        .into_iter()
        .filter(|(path, _)| path.starts_with(".aws/") && path.ends_with(".json"))
        .collect();
    assert!(kept.iter().all(|(_, mode)| *mode == 0o600), "{kept:?}");
    assert_eq!(kept.len(), 3, "token, registration and role credentials: {kept:?}");
    let token = machine.read(TOKEN);
    let keys = [
        "startUrl",
        "region",
        "accessToken",
        "expiresAt",
        "clientId",
        "clientSecret",
        "registrationExpiresAt",
        "refreshToken",
    ];
    let places: Vec<_> = keys.iter().map(|key| token.find(&format!("\"{key}\"")).expect(key)).collect();
    assert!(places.is_sorted(), "{token}");
    let role = kept.iter().find(|(path, _)| path.starts_with(".aws/cli/cache/")).expect("role credentials");
    assert!(machine.read(&role.0).starts_with("{\"ProviderType\": \"sso\", \"Credentials\": {"));
}

#[test]
fn fresh_role_credentials_need_no_center() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).ok();
    let first = machine.aldis(&["creds", "--profile", "dev"]).ok();
    center.kill();
    assert_eq!(machine.aldis(&["creds", "--profile", "dev"]).ok(), first);
    let env = machine.aldis(&["configure", "export-credentials", "--profile", "dev", "--format", "env"]).ok();
    assert!(env.starts_with("export AWS_ACCESS_KEY_ID=ASIA"), "{env}");
}

#[test]
fn a_torn_token_file_is_named_and_healed_by_login() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    let whole = machine.read(TOKEN);
    for torn in ["", &whole[..whole.len() / 2], "[]", &format!("{whole}\"}}")] {
        machine.write(TOKEN, torn);
        machine
            .aldis(&["accounts"])
            .run()
            .fails(255, &["34c6fceca75e456f25e7e99531e2425c6c1de443.json", "hint:", "aldis login"]);
    }
    sign_in(&machine);
    machine.aldis(&["accounts"]).ok();
}

#[test]
fn a_torn_role_file_heals_by_itself() {
    let (machine, _center) = machine_and_center(&[]);
    sign_in(&machine);
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    let (path, _) = machine
        .files()
        .into_iter()
        .find(|(path, _)| path.starts_with(".aws/cli/cache/") && path.ends_with(".json"))
        .unwrap();
    machine.write(&path, "{}");
    machine.aldis(&["creds", "--profile", "dev"]).ok();
    assert!(machine.read(&path).contains("SessionToken"));
}

#[test]
fn config_faults_are_named_with_their_line() {
    let machine = machine();
    machine.write(".aws/config", "[profile dev]\nregion eu-west-1\n");
    machine
        .aldis(&["login", "--use-device-code", "--profile", "dev"])
        .run()
        .fails(253, &[".aws/config", "line 2"]);
    machine.write(".aws/config", "[profile dev]\nsso_session = corp\n");
    machine.aldis(&["login", "--use-device-code", "--profile", "dev"]).run().fails(253, &["corp", "line 2"]);
    machine
        .aldis(&["login", "--use-device-code", "--profile", "zz"])
        .run()
        .fails(255, &["The config profile (zz) could not be found"]);
}

#[test]
fn which_session_is_meant() {
    let (machine, center) = machine_and_center(&["--auto-approve", "demo"]);
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).run().says(&["dev", "the only one"]);
    machine
        .aldis(&["login", "--use-device-code", "--no-browser"])
        .with("AWS_PROFILE", "dev")
        .run()
        .says(&["Signed in"]);
    let config = machine.read(".aws/config");
    let url = center.start_url();
    machine.write(".aws/config", &format!("{config}\n[sso-session second]\nsso_start_url = {url}\n"));
    machine.aldis(&["login", "--use-device-code"]).run().fails(253, &["dev", "second", "--sso-session"]);
    machine
        .aldis(&["login", "--use-device-code"])
        .with("AWS_PROFILE", "missing")
        .run()
        .fails(255, &["missing"]);
    machine.write(
        ".aws/config",
        &format!("[default]\nsso_account_id = 111122223333\n[sso-session dev]\nsso_start_url = {url}\n"),
    );
    machine.aldis(&["login", "--use-device-code", "--no-browser"]).run().says(&["the only one"]);
    machine.write(".aws/config", &format!("[profile old]\nsso_start_url = {url}\n"));
    machine.aldis(&["login", "--use-device-code"]).run().fails(253, &["these have: old", "--profile old"]);
    std::fs::remove_file(machine.home().join(".aws/config")).unwrap();
    machine.aldis(&["login", "--use-device-code"]).run().fails(253, &["hint:"]);
}

#[test]
fn the_config_may_lie_elsewhere() {
    let (machine, _center) = machine_and_center(&["--auto-approve", "demo"]);
    let config = machine.read(".aws/config");
    std::fs::remove_file(machine.home().join(".aws/config")).unwrap();
    machine.write("elsewhere/config", &config);
    machine
        .aldis(&["login", "--use-device-code", "--no-browser"])
        .with("AWS_CONFIG_FILE", "~/elsewhere/config")
        .ok();
}
