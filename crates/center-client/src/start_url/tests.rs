//! Start URLs without any network.

use super::*;
use crate::endpoint::PerService;

fn wanted(start_url: &str, region: Option<&str>) -> Wanted {
    Wanted { start_url: start_url.into(), region: region.map(str::to_owned), ..Wanted::default() }
}

fn known(wanted: &Wanted) -> Center {
    match plan(wanted).unwrap() {
        Plan::Known(center) => *center,
        Plan::Ask(address) => panic!("would ask {address}"),
    }
}

#[test]
fn hosts_of_aws() {
    for host in [
        "d-1234567890.awsapps.com",
        "D-1234567890.AWSAPPS.COM.",
        "x.awsapps.cn",
        "ssoins-1.portal.us-east-1.app.aws",
        "ssoins-1.us-east-1.portal.amazonaws.com",
        "x.portal.amazonaws.com.cn",
        "x.portal.cn-north-1.app.amazonwebservices.com.cn",
        "x.portal.amazonaws.eu",
        "x.api.amazonwebservices.eu",
        "identitycenter.amazonaws.com",
        "identitycenter.us-gov.amazonaws.com",
        "app.aws",
    ] {
        assert!(is_aws_host(host), "{host}");
    }
    for host in [
        "awsapps.com.evil.example",
        "evilawsapps.com",
        "x.amazonaws.com",
        "s3.amazonaws.com",
        "x.identitycenter.amazonaws.com",
        "127.0.0.1",
        "",
    ] {
        assert!(!is_aws_host(host), "{host}");
    }
}

#[test]
fn start_urls_are_the_same_but_for_their_ends() {
    assert!(is_same("https://D-1.awsapps.com/start#/", "https://d-1.awsapps.com/start/"));
    assert!(!is_same("https://d-1.awsapps.com/start", "https://d-2.awsapps.com/start"));
    assert!(!is_same("https://d-1.awsapps.com/start", "http://d-1.awsapps.com/start"));
}

#[test]
fn regions_in_hosts() {
    let table = [
        ("ssoins-1.portal.us-east-1.app.aws", Some("us-east-1")),
        ("ssoins-1.eu-west-1.portal.amazonaws.com", Some("eu-west-1")),
        ("ssoins-1.cn-north-1.portal.amazonaws.com.cn", Some("cn-north-1")),
        ("ssoins-1.eusc-de-east-1.portal.amazonaws.eu", Some("eusc-de-east-1")),
        ("x.portal.cn-north-1.app.amazonwebservices.com.cn", Some("cn-north-1")),
        ("d-1234567890.awsapps.com", None),
        ("portal.us-east-1.app.aws", None),
        ("a.b.portal.us-east-1.app.aws", None),
        ("app.aws", None),
    ];
    for (host, region) in table {
        assert_eq!(region_of_host(host).as_deref(), region, "{host}");
    }
}

#[test]
fn a_start_url_of_aws_needs_nobody() {
    let table = [
        ("https://d-1.awsapps.com/start", Some("eu-west-1"), "https://d-1.awsapps.com/start", "eu-west-1"),
        ("https://d-1.awsapps.com/start/#/", Some("us-east-1"), "https://d-1.awsapps.com/start", "us-east-1"),
        (
            "https://d-1.awsapps.com/start?x=1",
            Some("us-east-1"),
            "https://d-1.awsapps.com/start",
            "us-east-1",
        ),
        ("https://x.portal.us-west-2.app.aws", None, "https://x.portal.us-west-2.app.aws", "us-west-2"),
        (
            "https://x.portal.us-west-2.app.aws/",
            Some("eu-west-1"),
            "https://x.portal.us-west-2.app.aws",
            "eu-west-1",
        ),
    ];
    for (start_url, region, sent, used) in table {
        let center = known(&wanted(start_url, region));
        assert_eq!((center.start_url.as_str(), center.region.as_str()), (sent, used), "{start_url}");
        assert_eq!(center.sts("eu-north-1").unwrap().address.host(), "sts.eu-north-1.amazonaws.com");
    }
}

#[test]
fn a_dual_stack_instance_has_dual_stack_endpoints_without_any_variable() {
    let plain = Flavour { fips: false, dual_stack: false };
    let fips = Flavour { fips: true, ..plain };
    let dual = Flavour { dual_stack: true, ..plain };
    let both = Flavour { fips: true, dual_stack: true };
    let commercial = "https://ssoins-1.portal.us-west-2.app.aws";
    let china = "https://x.portal.cn-north-1.app.amazonwebservices.com.cn/";
    let sovereign = "https://x.portal.eusc-de-east-1.api.amazonwebservices.eu";
    let gov = "https://x.portal.us-gov-west-1.app.aws";
    let amazon = "us-west-2.amazonaws.com";
    for (start_url, flavour, region, hosts) in [
        (commercial, plain, None, ["oidc.us-west-2.api.aws", "portal.sso.us-west-2.api.aws"]),
        (commercial, dual, None, ["oidc.us-west-2.api.aws", "portal.sso.us-west-2.api.aws"]),
        (commercial, fips, None, ["oidc-fips.us-west-2.api.aws", "portal.sso-fips.us-west-2.api.aws"]),
        (commercial, both, None, ["oidc-fips.us-west-2.api.aws", "portal.sso-fips.us-west-2.api.aws"]),
        (gov, plain, None, ["oidc.us-gov-west-1.api.aws", "portal.sso.us-gov-west-1.api.aws"]),
        (gov, fips, None, ["oidc-fips.us-gov-west-1.api.aws", "portal.sso-fips.us-gov-west-1.api.aws"]),
        (
            china,
            plain,
            None,
            [
                "oidc.cn-north-1.api.amazonwebservices.com.cn",
                "portal.sso.cn-north-1.api.amazonwebservices.com.cn",
            ],
        ),
        (
            sovereign,
            plain,
            None,
            [
                "oidc.eusc-de-east-1.api.amazonwebservices.eu",
                "portal.sso.eusc-de-east-1.api.amazonwebservices.eu",
            ],
        ),
        // Other families stay as they are.
        (
            "https://ssoins-1.us-west-2.portal.amazonaws.com",
            plain,
            None,
            ["oidc.us-west-2.amazonaws.com", "portal.sso.us-west-2.amazonaws.com"],
        ),
        (
            "https://d-1.awsapps.com/start",
            plain,
            Some("us-west-2"),
            ["oidc.us-west-2.amazonaws.com", "portal.sso.us-west-2.amazonaws.com"],
        ),
    ] {
        let center = known(&Wanted { flavour, ..wanted(start_url, region) });
        assert_eq!(
            [center.sso_oidc.address.host(), center.sso.address.host()],
            hosts,
            "{start_url} {flavour:?}"
        );
    }
    let center = known(&wanted(commercial, None));
    assert_eq!(center.sts("us-west-2").unwrap().address.host(), format!("sts.{amazon}"));
    let mut with_override = wanted(commercial, None);
    with_override.overrides.variable_for_all = Some("http://127.0.0.1:1".into());
    assert_eq!(known(&with_override).sso_oidc.address.to_string(), "http://127.0.0.1:1");
}

#[test]
fn what_cannot_be_used_is_said() {
    let error = |start_url, region| plan(&wanted(start_url, region)).unwrap_err();
    assert!(matches!(error("d-1.awsapps.com/start", None), StartUrlError::NotAnAddress(_)));
    assert!(matches!(error("http://d-1.awsapps.com/start", None), StartUrlError::NotHttps(_)));
    assert!(matches!(error("https://d-1.awsapps.com/start", None), StartUrlError::NoRegion(_)));
    assert!(matches!(error("https://d-1.awsapps.com/start", Some("a/b")), StartUrlError::Endpoint(_)));
}

#[test]
fn errors_show_addresses_without_user_password_and_query() {
    for start_url in [
        "https://ann:hidden@d-1.awsapps.com/start?hidden",
        "http://d-1.awsapps.com/start?code=hidden",
        "https://d-1.awsapps.com/start?code=hidden",
        "ann:hidden@d-1.awsapps.com/start",
    ] {
        let text = plan(&wanted(start_url, None)).unwrap_err().to_string();
        assert!(text.contains("d-1.awsapps.com/start") && !text.contains("hidden"), "{text}");
    }
}

#[test]
fn overrides_and_a_region_make_the_start_url_a_name() {
    let mut wanted = wanted("https://sso.corp.example/start/", Some("eu-west-1"));
    assert!(matches!(plan(&wanted), Ok(Plan::Ask(_))));
    let named = Some("http://127.0.0.1:8765".to_owned());
    wanted.overrides.variables = PerService { sso_oidc: named.clone(), sso: named.clone(), sts: None };
    let center = known(&wanted);
    assert_eq!(center.start_url, "https://sso.corp.example/start");
    assert_eq!(center.sso_oidc.address.to_string(), "http://127.0.0.1:8765");
    assert_eq!(center.sts("eu-west-1").unwrap().source, Source::Computed);
    wanted.region = None;
    assert!(matches!(plan(&wanted), Ok(Plan::Ask(_))));
    wanted.region = Some("eu-west-1".into());
    wanted.overrides.ignored = true;
    assert!(matches!(plan(&wanted), Ok(Plan::Ask(_))));
}

fn answer(status: u16, location: Option<&str>, body: &str) -> Response {
    let headers = location.map(|to| ("location".to_owned(), to.to_owned())).into_iter().collect();
    Response { status, headers, body: body.as_bytes().to_vec(), via: None }
}

#[test]
fn only_redirects_to_https_hosts_of_aws_count() {
    let from = Address::parse("https://sso.corp.example/start").unwrap();
    let to =
        |status, location| redirect_to_aws(&from, &answer(status, location, "")).map(|to| to.to_string());
    let portal = "https://x.portal.us-west-2.app.aws/";
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(to(status, Some(portal)).as_deref(), Some(portal));
    }
    assert_eq!(to(200, Some(portal)), None);
    assert_eq!(to(302, None), None);
    assert_eq!(to(302, Some("http://x.portal.us-west-2.app.aws/")), None);
    assert_eq!(to(302, Some("https://evil.example/?https://d-1.awsapps.com")), None);
    let target = Address::parse(portal).unwrap();
    let center = aws_center(&target, &wanted("https://sso.corp.example/start", Some("eu-west-1"))).unwrap();
    assert_eq!(
        (center.start_url.as_str(), center.region.as_str()),
        ("https://x.portal.us-west-2.app.aws", "us-west-2")
    );
}

const OWN: &str = r#"{"issuer":"http://127.0.0.1:8765","aldis":{"region":"us-east-1",
    "start_url":"http://127.0.0.1:8765/start","sso_oidc":"http://127.0.0.1:8765",
    "sso":"http://127.0.0.1:8765/","sts":"http://127.0.0.1:8765/sts"}}"#;

#[test]
fn c12_a_center_describes_itself() {
    let wanted = wanted("http://127.0.0.1:8765/start/#/x", None);
    let center = described_center("http://127.0.0.1:8765", &answer(200, None, OWN), &wanted).unwrap();
    assert_eq!(center.start_url, "http://127.0.0.1:8765/start");
    assert_eq!(center.region, "us-east-1");
    assert_eq!(center.sso.at("/logout"), "http://127.0.0.1:8765/logout");
    assert_eq!(center.sts("eu-west-1").unwrap().at("/"), "http://127.0.0.1:8765/sts/");
    assert_eq!(center.sso.source, Source::Metadata { issuer: "http://127.0.0.1:8765".into() });
}

#[test]
fn c12_metadata_that_leads_elsewhere_is_not_trusted() {
    let refused = |origin: &str, body: &str| {
        described_center(origin, &answer(200, None, body), &wanted(origin, None)).unwrap_err().to_string()
    };
    let origin = "http://127.0.0.1:8765";
    assert!(refused("http://localhost:8765", OWN).contains("calls itself http://127.0.0.1:8765"));
    let slash = OWN.replacen("8765\"", "8765/\"", 1);
    assert!(refused(origin, &slash).contains("calls itself http://127.0.0.1:8765/"));
    for member in ["start_url", "sso_oidc", "sso", "sts"] {
        let mut document: serde_json::Value = serde_json::from_str(OWN).unwrap();
        for elsewhere in
            ["https://evil.example/", "http://127.0.0.1:8766", "http://127.0.0.1:8765@evil.example/", "x"]
        {
            document["aldis"][member] = elsewhere.into();
            let text = refused(origin, &document.to_string());
            assert!(text.contains(member) && text.contains("not trusted"), "{text}");
        }
    }
    for (body, words) in [
        ("{}", "no authorization server metadata"),
        (r#"{"issuer":"http://127.0.0.1:8765"}"#, "without an access portal"),
    ] {
        assert!(refused(origin, body).contains(words), "{body}");
    }
}
