use wire::oidc::{OidcError, RegisterClientRequest};

use center::seal::{KeyRing, Seals};
use center::{Load, client_register};

use crate::paper::Paper;

fn strings(items: &[&str]) -> Option<Vec<String>> {
    Some(items.iter().map(|item| (*item).to_owned()).collect())
}

fn usual() -> RegisterClientRequest {
    RegisterClientRequest {
        client_name: "botocore-client-my-quite-long-company-session".into(),
        client_type: "public".into(),
        scopes: strings(&["sso:account:access"]),
        redirect_uris: strings(&["http://127.0.0.1/oauth/callback"]),
        grant_types: strings(&["authorization_code", "refresh_token"]),
        ..RegisterClientRequest::default()
    }
}

#[test]
fn a_usual_client_id_is_short_and_holds_the_registration() {
    let mut paper = Paper::new();
    let verdict =
        paper.call(|call| client_register::decide(call, &usual(), client_register::Proof::Secret, Load::Ok));
    let reply = paper.commit(verdict).unwrap().unwrap();
    assert!(reply.client_id.len() <= 100, "{}", reply.client_id.len());
    assert_eq!(reply.client_secret_expires_at - reply.client_id_issued_at, 90 * 24 * 3600);
    let registration = paper.instance.seals.open_registration(&reply.client_id).unwrap();
    assert_eq!(registration.name, usual().client_name);
    assert_eq!(registration.redirect_uris, usual().redirect_uris.unwrap());
    assert!(registration.grants.authorization_code && !registration.grants.device_code);
}

#[test]
fn what_aws_refuses_is_refused() {
    type Edit = fn(&mut RegisterClientRequest);
    let cases: [(OidcError, Edit); 13] = [
        (OidcError::InvalidClientMetadata, |r| r.client_type = "confidential".into()),
        (OidcError::InvalidClientMetadata, |r| r.client_name = "  ".into()),
        (OidcError::InvalidClientMetadata, |r| r.client_name = "a\u{1b}[2J".into()),
        (OidcError::InvalidClientMetadata, |r| r.client_name = "n".repeat(256)),
        (OidcError::InvalidClientMetadata, |r| r.grant_types = strings(&["refresh_token"])),
        (OidcError::UnsupportedGrantType, |r| r.grant_types = strings(&["password"])),
        (OidcError::InvalidScope, |r| r.scopes = strings(&["root"])),
        (OidcError::InvalidRedirectUri, |r| r.redirect_uris = None),
        (OidcError::InvalidRedirectUri, |r| {
            r.redirect_uris = strings(&["https://evil.example/oauth/callback"])
        }),
        (OidcError::InvalidRedirectUri, |r| {
            r.redirect_uris = strings(&["http://127.0.0.1.evil.example/oauth/callback"])
        }),
        (OidcError::InvalidRedirectUri, |r| r.redirect_uris = strings(&["http://localhost/oauth/callback"])),
        (OidcError::InvalidRedirectUri, |r| {
            r.redirect_uris = strings(&["http://127.0.0.1:0/oauth/callback"])
        }),
        (OidcError::InvalidRedirectUri, |r| r.redirect_uris = strings(&["http://127.0.0.1/other"])),
    ];
    let paper = Paper::new();
    for (number, (expected, edit)) in cases.into_iter().enumerate() {
        let mut request = usual();
        edit(&mut request);
        let verdict = paper
            .call(|call| client_register::decide(call, &request, client_register::Proof::Secret, Load::Ok));
        assert_eq!(verdict.reply.unwrap_err().error, expected, "case {number}");
    }
}

#[test]
fn one_registration_may_ask_for_both_grants() {
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let mut paper = Paper::new();
    let mut request = usual();
    request.grant_types = strings(&["authorization_code", device, "refresh_token"]);
    let verdict =
        paper.call(|call| client_register::decide(call, &request, client_register::Proof::Secret, Load::Ok));
    let reply = paper.commit(verdict).unwrap().unwrap();
    let grants = paper.instance.seals.open_registration(&reply.client_id).unwrap().grants;
    assert!(grants.authorization_code && grants.device_code && grants.refresh_token);
    request.redirect_uris = None;
    let verdict =
        paper.call(|call| client_register::decide(call, &request, client_register::Proof::Secret, Load::Ok));
    assert_eq!(verdict.reply.unwrap_err().error, OidcError::InvalidRedirectUri);
}

#[test]
fn s37_a_registration_too_many_is_refused_and_told_once() {
    let paper = Paper::new();
    for (is_news, entries) in [(true, 1), (false, 0)] {
        let load = Load::TooMuch { retry_after: 7, is_news };
        let verdict =
            paper.call(|call| client_register::decide(call, &usual(), client_register::Proof::None, load));
        assert!(verdict.changes.is_empty());
        assert_eq!(verdict.entries.len(), entries);
        assert!(verdict.entries.iter().all(|entry| entry.record["eventName"] == "RegistrationBurst"));
        let refusal = verdict.reply.unwrap_err();
        assert_eq!((refusal.error, refusal.retry_after), (OidcError::SlowDown, Some(7)));
    }
}

#[test]
fn redirect_uris_with_a_port_or_without_a_path_are_taken() {
    let paper = Paper::new();
    for uri in ["http://127.0.0.1:8250", "http://127.0.0.1", "http://127.0.0.1:35535/oauth/callback"] {
        let mut request = usual();
        request.redirect_uris = strings(&[uri]);
        assert!(
            paper
                .call(|call| client_register::decide(
                    call,
                    &request,
                    client_register::Proof::Secret,
                    Load::Ok
                ))
                .reply
                .is_ok(),
            "{uri}"
        );
    }
}

#[test]
fn s57_nothing_sealed_by_one_center_opens_at_another() {
    let mut paper = Paper::new();
    let client = paper.register(Some(&["sso:account:access"]));
    let mut organisation = center::seed::built_in();
    organisation.name = "other".into();
    let same_key_other_organisation = Paper::with_key([7; 32], organisation);
    let other_key = Paper::with_key([8; 32], center::seed::built_in());
    let twin = Paper::with_key([7; 32], center::seed::built_in());
    assert!(same_key_other_organisation.instance.seals.open_registration(&client.client_id).is_none());
    assert!(other_key.instance.seals.open_registration(&client.client_id).is_none());
    assert!(twin.instance.seals.open_registration(&client.client_id).is_some());
    assert!(paper.instance.seals.open_role(&client.client_id).is_none(), "one purpose, one key");
}

#[test]
fn s57_what_one_organisation_kept_is_nothing_to_another_on_the_same_store() {
    let mut ours = Paper::new();
    let (client, tokens) = ours.sign_in(Some(&["sso:account:access"]));
    let waiting = ours.start(&client);
    let mut organisation = center::seed::built_in();
    organisation.name = "other".into();
    // The same person, the same master key, the same rows.
    let mut theirs = Paper::with_key([7; 32], organisation);
    theirs.grants = ours.grants.clone();
    theirs.sessions = ours.sessions.clone();
    theirs.access = ours.access.clone();
    theirs.refresh = ours.refresh.clone();
    assert!(!theirs.open_portal(&tokens.access_token));
    assert_eq!(theirs.say(&waiting.user_code, wire::admin::Decision::Approve), Err("unknown_code".into()));
    assert!(ours.open_portal(&tokens.access_token));
}

#[test]
fn s57_a_rotated_key_ring_still_opens_what_the_old_key_sealed() {
    let mut paper = Paper::new();
    let client = paper.register(Some(&["sso:account:access"]));
    let organisation = center::seed::built_in();
    let ring = KeyRing::with_new_key([7; 32]).rotated([9; 32]);
    let read = KeyRing::parse(&ring.to_text()).unwrap();
    paper.instance.seals = Seals::derive(&read, &organisation.hash());
    let started = paper.start(&client);
    assert!(!started.user_code.is_empty());
    let newer = paper.register(None);
    assert_ne!(newer.client_id[..2], client.client_id[..2], "the newest key seals");
    assert_eq!(paper.instance.seals.client_secret(&newer.client_id), Some(newer.client_secret));
}

#[test]
fn key_files_with_faults_are_refused() {
    assert!(KeyRing::parse("# nothing\n").is_err());
    assert_eq!(
        KeyRing::parse("\n1 c2hvcnQ=\n").unwrap_err().to_string().split(':').next(),
        Some("line 2 is not a key")
    );
    assert!(KeyRing::parse("300 AAAA").is_err());
}
