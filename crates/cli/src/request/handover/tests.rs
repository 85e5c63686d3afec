use proptest::prelude::*;

use super::*;

const LAB: &str = "http://127.0.0.1:1";

fn endpoints(services: &[&str], for_all: Option<&str>) -> ProfileEndpoints {
    ProfileEndpoints {
        is_ignored: false,
        services: services.iter().map(|name| (format!("{PER_SERVICE}{name}"), LAB.to_owned())).collect(),
        for_all: for_all.map(str::to_owned),
    }
}

/// An environment after the changes of `handover`.
fn after(env: &Env, handover: &Handover) -> Env {
    let env = env.clone().without(|name| handover.unset.iter().any(|gone| gone == name));
    handover.set.iter().fold(env, |env, (name, value)| env.with(name, value))
}

/// The variables that are set besides the marker, by the ends of their names.
fn set(handover: &Handover) -> Vec<&str> {
    let names = handover.set.iter().map(|(name, _)| name.as_str()).filter(|name| *name != MARKER);
    names.map(|name| name.strip_prefix("AWS_").unwrap_or(name)).collect()
}

#[test]
fn a_profile_hands_over_every_service_but_those_of_sign_ins() {
    let settings = Settings::parse(
        "[profile lab]\nservices = lab\n[services lab]\nsso =\n  endpoint_url = http://h:1\nsso_oidc =\n  \
         endpoint_url = http://h:2\nsts =\n  endpoint_url = http://h:3/\ns3 =\n  endpoint_url = http://h:4\n  \
         other = 1\nelastic_beanstalk =\n  endpoint_url = http://h:5\nnone =\n  other = 1\nempty =\n  \
         endpoint_url =\n[profile all]\nendpoint_url = http://h:6\n[profile off]\nendpoint_url = http://h:7\n\
         ignore_configured_endpoint_urls = True\n",
        "",
    )
    .unwrap();
    let of = |name| ProfileEndpoints::from_profile(&settings, name);
    let names: Vec<_> =
        of("lab").services.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        names,
        [
            "AWS_ENDPOINT_URL_STS=http://h:3/",
            "AWS_ENDPOINT_URL_S3=http://h:4",
            "AWS_ENDPOINT_URL_ELASTIC_BEANSTALK=http://h:5"
        ]
    );
    assert_eq!(of("all").for_all.as_deref(), Some("http://h:6"));
    assert!(of("off").is_ignored && of("none") == ProfileEndpoints::default());
    let told = |name| of(name).with_sts(Some("http://told".into())).services;
    assert_eq!(told("lab").len(), 3, "the profile says which STS is meant");
    assert!(told("all").is_empty() && told("off").is_empty());
    assert_eq!(told("none"), [(STS.to_owned(), "http://told".to_owned())]);
}

/// A name, variables of the user, the addresses of the profile of the credentials and of the profile in use, the names that are set
/// without `AWS_`, and the variables of what stays exposed.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], [&'a ProfileEndpoints; 2], &'a [&'a str], &'a [&'a str]);

#[test]
fn the_order_of_the_sdks_decides_what_is_set() {
    let lab = endpoints(&["STS", "S3"], None);
    let all = endpoints(&[], Some(LAB));
    let off = ProfileEndpoints { is_ignored: true, ..lab.clone() };
    let none = ProfileEndpoints::default();
    let table: [Case<'_>; 13] = [
        ("Amazon, nothing anywhere", &[], [&none, &none], &[], &[]),
        ("a services section", &[], [&lab, &none], &["ENDPOINT_URL_STS", "ENDPOINT_URL_S3"], &[]),
        ("endpoint_url", &[], [&all, &none], &["ENDPOINT_URL"], &[]),
        ("one service by the user", &[(STS, "http://u")], [&lab, &none], &["ENDPOINT_URL_S3"], &[]),
        ("all services by the user", &[(FOR_ALL, "http://u")], [&lab, &none], &[], &[]),
        ("switched off by the user", &[(IGNORED, "true")], [&lab, &all], &[], &[]),
        ("switched off by the profile", &[], [&off, &none], &["IGNORE_CONFIGURED_ENDPOINT_URLS"], &[]),
        (
            "Amazon, the default profile is a lab",
            &[],
            [&none, &lab],
            &["IGNORE_CONFIGURED_ENDPOINT_URLS"],
            &[],
        ),
        (
            "Amazon, the default profile has one for all",
            &[],
            [&none, &all],
            &["IGNORE_CONFIGURED_ENDPOINT_URLS"],
            &[],
        ),
        ("the same profile in use", &[], [&lab, &lab], &["ENDPOINT_URL_STS", "ENDPOINT_URL_S3"], &[]),
        ("one for all covers every other", &[], [&all, &lab], &["ENDPOINT_URL"], &[]),
        (
            "another profile's address that nothing replaces is named",
            &[],
            [&endpoints(&["STS"], None), &lab],
            &["ENDPOINT_URL_STS"],
            &["AWS_ENDPOINT_URL_S3"],
        ),
        (
            "what the user set is not switched off",
            &[("AWS_ENDPOINT_URL_DYNAMODB", "http://u")],
            [&none, &lab],
            &[],
            &[STS, "AWS_ENDPOINT_URL_S3"],
        ),
    ];
    for (case, env, [own, later], expected, exposed) in table {
        let handover = hand_over(&Env::pretended(env), own, later);
        assert_eq!(set(&handover), expected, "{case}");
        assert_eq!(handover.exposed_to, exposed, "{case}");
        assert!(handover.unset.is_empty(), "{case}");
        assert_eq!(handover.set.iter().any(|(name, _)| name == MARKER), !expected.is_empty(), "{case}");
    }
}

#[test]
fn the_addresses_of_a_lab_are_gone_for_the_next_profile() {
    let (lab, none) = (endpoints(&["STS", "S3"], None), ProfileEndpoints::default());
    let start = Env::pretended(&[("AWS_ENDPOINT_URL_DYNAMODB", "http://user")]);
    let in_lab = after(&start, &hand_over(&start, &lab, &none));
    assert_eq!(in_lab.get(STS), Some(LAB));
    assert_eq!(without_ours(&in_lab).get(STS), None, "a profile is not reached by what is left of another");
    let handover = hand_over(&in_lab, &none, &none);
    assert_eq!(handover.unset, [STS, "AWS_ENDPOINT_URL_S3", MARKER]);
    assert_eq!(after(&in_lab, &handover), start);

    let changed = in_lab.clone().with(STS, "http://user");
    let handover = hand_over(&changed, &none, &none);
    assert_eq!(handover.unset, ["AWS_ENDPOINT_URL_S3", MARKER], "what the user set since stays");
}

#[test]
fn a_marker_from_elsewhere_names_no_other_variable() {
    let print = fingerprint("x");
    for name in
        ["PATH", "AWS_PROFILE", "AWS_ENDPOINT_URL_a", "AWS_ENDPOINT_URL_X;reboot", "AWS_ENDPOINT_URL_"]
    {
        let env = Env::pretended(&[(name, "x"), (MARKER, &format!("{name}:{print}"))]);
        let none = ProfileEndpoints::default();
        assert_eq!(hand_over(&env, &none, &none).unset, [MARKER], "{name}");
    }
}

proptest! {
    /// Whatever came before: after `creds` for a profile, an SDK reads that profile's addresses and the user's, no others.
    #[test]
    fn after_any_sequence_only_the_last_profile_and_the_user_count(
        by_user in prop::collection::vec((0..4_usize, 0..3_usize), 0..3),
        profiles in prop::collection::vec((prop::collection::vec(0..4_usize, 0..4), any::<bool>()), 1..5),
    ) {
        const NAMES: [&str; 4] =
            ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL"];
        let start = by_user.iter().fold(Env::pretended(&[]), |env, (name, value)| {
            env.with(NAMES[*name], &format!("http://user-{value}"))
        });
        let none = ProfileEndpoints::default();
        let mut env = start.clone();
        for (number, (services, ignores)) in profiles.iter().enumerate() {
            let mut names: Vec<&str> = services.iter().map(|service| NAMES[*service]).collect();
            names.sort_unstable();
            names.dedup();
            let address = format!("http://profile-{number}");
            let own = ProfileEndpoints {
                is_ignored: *ignores,
                services: names.iter().filter(|n| **n != FOR_ALL).map(|n| ((*n).to_owned(), address.clone())).collect(),
                for_all: names.contains(&FOR_ALL).then(|| address.clone()),
            };
            env = after(&env, &hand_over(&env, &own, &none));
            for name in NAMES {
                let expected = match (start.get(name), start.get(FOR_ALL), names.contains(&name)) {
                    (Some(value), ..) => Some(value),
                    (None, None, true) if !ignores => Some(address.as_str()),
                    _ => None,
                };
                prop_assert_eq!(env.get(name), expected, "{}", name);
            }
            prop_assert_eq!(env.get(IGNORED).is_some(), *ignores && start.get(FOR_ALL).is_none());
        }
    }
}
