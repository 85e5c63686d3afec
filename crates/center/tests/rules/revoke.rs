//! Revocation, as a client asks for it.

use center::revoke::{self, Facts, Request};
use center::{Change, OidcRefusal, Verdict};
use serde_json::json;
use wire::Secret;
use wire::oidc::{CreateTokenResponse, OidcError, RegisterClientResponse};

use crate::paper::Paper;

const SCOPES: Option<&[&str]> = Some(&["sso:account:access"]);

fn facts(paper: &Paper, token: &Secret) -> Facts {
    match token.expose().get(..3) {
        Some("aoa") => Facts::Access(paper.portal_facts(token)),
        Some("aor") => Facts::Refresh(paper.refresh_facts(token)),
        _ => Facts::NoToken,
    }
}

fn verdict(paper: &Paper, client: &RegisterClientResponse, token: &Secret) -> Verdict<(), OidcRefusal> {
    let request = Request {
        client_id: client.client_id.clone(),
        client_secret: client.client_secret.clone(),
        has_token: !token.is_empty(),
    };
    paper.call(|call| revoke::decide(call, &request, &facts(paper, token)))
}

fn revoke(paper: &mut Paper, client: &RegisterClientResponse, token: &Secret) -> Result<(), OidcRefusal> {
    let verdict = verdict(paper, client, token);
    paper.commit(verdict).unwrap()
}

fn refresh_token(tokens: &CreateTokenResponse) -> Secret {
    tokens.refresh_token.clone().unwrap()
}

#[test]
fn s32_either_token_ends_the_session_with_all_its_tokens() {
    for by_refresh_token in [true, false] {
        let mut paper = Paper::new();
        let (client, first) = paper.sign_in(SCOPES);
        let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
        let (_, other) = paper.sign_in(SCOPES);
        let token = if by_refresh_token { refresh_token(&second) } else { second.access_token.clone() };
        revoke(&mut paper, &client, &token).unwrap();
        assert!(!paper.open_portal(&first.access_token) && !paper.open_portal(&second.access_token));
        let refusal = paper.refresh(&client, &refresh_token(&second)).unwrap_err();
        assert_eq!(refusal.error, OidcError::InvalidGrant);
        assert_eq!(paper.kept_replies(), 0);
        assert!(paper.open_portal(&other.access_token), "another session");
        revoke(&mut paper, &client, &token).unwrap();
    }
}

#[test]
fn s32_a_used_refresh_token_still_ends_its_session_and_an_access_token_that_is_over_nothing() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
    paper.pass(3600);
    revoke(&mut paper, &client, &first.access_token).unwrap();
    let third = paper.refresh(&client, &refresh_token(&second)).unwrap();
    assert!(paper.open_portal(&third.access_token));
    revoke(&mut paper, &client, &refresh_token(&first)).unwrap();
    assert!(!paper.open_portal(&third.access_token));
}

#[test]
fn s32_unknown_tokens_and_those_of_another_client_change_nothing_and_look_alike() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(SCOPES);
    let stranger = paper.register(SCOPES);
    let unknown = |prefix: &str| Secret::new(format!("{prefix}{}", "A".repeat(51)));
    for token in [unknown("aoa"), unknown("aor"), unknown("xyz"), Secret::new("nonsense")] {
        let verdict = verdict(&paper, &stranger, &token);
        assert_eq!((verdict.reply.as_ref(), verdict.changes.as_slice()), (Ok(&()), [].as_slice()));
    }
    for token in [tokens.access_token.clone(), refresh_token(&tokens)] {
        let verdict = verdict(&paper, &stranger, &token);
        assert!(!verdict.changes.iter().any(|change| matches!(change, Change::EndSession { .. })));
        paper.commit(verdict).unwrap().unwrap();
        assert_eq!(paper.records.last().unwrap()["additionalEventData"]["SessionEnded"], false);
    }
    assert!(paper.open_portal(&tokens.access_token));
}

#[test]
fn s32_the_client_is_authenticated_and_a_token_named() {
    let mut paper = Paper::new();
    let (client, tokens) = paper.sign_in(SCOPES);
    let mut wrong = client.clone();
    wrong.client_secret = Secret::new("wrong");
    let refusal = revoke(&mut paper, &wrong, &refresh_token(&tokens)).unwrap_err();
    assert_eq!(refusal.error, OidcError::InvalidClient);
    assert!(paper.open_portal(&tokens.access_token));
    let refusal = revoke(&mut paper, &client, &Secret::new("")).unwrap_err();
    assert_eq!(refusal.error, OidcError::InvalidRequest);
}

#[test]
fn s27_a_token_that_somebody_revokes_counts_as_seen() {
    let unreadable = OidcRefusal::new(OidcError::InvalidRequest, "unreadable");
    for is_read in [true, false] {
        let mut paper = Paper::new();
        let (client, first) = paper.sign_in(SCOPES);
        let stranger = paper.register(SCOPES);
        let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
        paper.pass(61);
        if is_read {
            revoke(&mut paper, &stranger, &refresh_token(&second)).unwrap();
        } else {
            let facts = facts(&paper, &second.access_token);
            let verdict = paper.call(|call| revoke::refuse_unread(call, unreadable.clone(), &facts));
            assert!(paper.commit(verdict).unwrap().is_err());
        }
        assert_eq!(paper.kept_replies(), 0);
    }
}

#[test]
fn s32_the_entry_belongs_to_the_sign_in_and_holds_no_token() {
    let mut paper = Paper::new();
    let (client, tokens) = paper.sign_in(SCOPES);
    let workflow = paper.sessions[0].workflow.clone();
    revoke(&mut paper, &client, &refresh_token(&tokens)).unwrap();
    let record = paper.records.last().unwrap();
    assert_eq!(record["eventName"], "RevokeToken");
    assert_eq!(record["additionalEventData"]["AuthWorkflowID"], json!(workflow));
    assert_eq!(record["additionalEventData"]["UserName"], "demo");
    assert_eq!(record["additionalEventData"]["SessionEnded"], true);
    assert!(!record.to_string().contains(refresh_token(&tokens).expose()));
}
