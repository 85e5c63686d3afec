use wire::Secret;
use wire::oidc::{CreateTokenRequest, OidcError};

use center::token_by_refresh;

use crate::paper::Paper;

const SCOPES: Option<&[&str]> = Some(&["sso:account:access"]);

fn refresh_token(tokens: &wire::oidc::CreateTokenResponse) -> Secret {
    tokens.refresh_token.clone().unwrap()
}

#[test]
fn s27_a_refresh_makes_new_tokens_and_both_generations_of_access_work() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    assert_eq!(first.expires_in, 3600);
    paper.pass(1800);
    let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
    assert_ne!(second.access_token, first.access_token);
    assert_ne!(second.refresh_token, first.refresh_token);
    assert!(paper.open_portal(&first.access_token) && paper.open_portal(&second.access_token));
}

#[test]
fn s27_for_sixty_seconds_the_same_answer_comes_again_whatever_became_of_it() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
    assert!(paper.open_portal(&second.access_token));
    paper.pass(59);
    let again = paper.refresh(&client, &refresh_token(&first)).unwrap();
    assert_eq!((&again.access_token, &again.refresh_token), (&second.access_token, &second.refresh_token));
    assert_eq!(again.expires_in, 3600 - 59);
    paper.pass(1);
    assert_eq!(paper.refresh(&client, &refresh_token(&first)).unwrap_err().error, OidcError::InvalidGrant);
    assert!(!paper.open_portal(&second.access_token), "the family is revoked");
}

#[test]
fn s27_a_lost_answer_comes_again_until_one_of_its_tokens_is_seen() {
    for use_access in [true, false] {
        let mut paper = Paper::new();
        let (client, first) = paper.sign_in(SCOPES);
        let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
        paper.pass(1000);
        let again = paper.refresh(&client, &refresh_token(&first)).unwrap();
        assert_eq!(again.access_token, second.access_token);
        assert_eq!(again.expires_in, 2600);
        assert_eq!(paper.kept_replies(), 1);
        if use_access {
            assert!(paper.open_portal(&second.access_token));
            assert_eq!(paper.kept_replies(), 0, "wiped as soon as it may not be sent");
        } else {
            paper.refresh(&client, &refresh_token(&second)).unwrap();
            assert_eq!(paper.kept_replies(), 1, "only the newest is kept");
        }
        assert!(paper.refresh(&client, &refresh_token(&first)).is_err());
        assert!(!paper.open_portal(&second.access_token));
        assert_eq!(paper.kept_replies(), 0);
    }
}

#[test]
fn s27_a_token_in_the_wrong_clients_hands_counts_as_seen() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let other = paper.register(SCOPES);
    let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
    paper.pass(61);
    assert!(paper.refresh(&other, &refresh_token(&second)).is_err());
    assert!(paper.refresh(&client, &refresh_token(&first)).is_err());
}

#[test]
fn s27_tokens_in_requests_that_cannot_be_read_count_as_seen() {
    for in_query in [true, false] {
        let mut paper = Paper::new();
        let (client, first) = paper.sign_in(SCOPES);
        let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
        paper.pass(61);
        if in_query {
            let facts =
                center::portal::Facts { query_is_faulty: true, ..paper.portal_facts(&second.access_token) };
            let verdict = paper.call(|call| center::accounts_list::decide(call, &Default::default(), &facts));
            assert!(paper.commit(verdict).unwrap().is_err());
        } else {
            let facts = paper.refresh_facts(&refresh_token(&second));
            let refusal = center::OidcRefusal::new(OidcError::InvalidRequest, "unreadable");
            let verdict = paper.call(|call| token_by_refresh::refuse_unread(call, refusal, &facts));
            assert!(paper.commit(verdict).unwrap().is_err());
        }
        assert_eq!(paper.kept_replies(), 0);
        assert!(paper.refresh(&client, &refresh_token(&first)).is_err());
    }
}

#[test]
fn s27_never_after_the_end_of_the_access_token() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    paper.refresh(&client, &refresh_token(&first)).unwrap();
    paper.pass(3600);
    paper.sweep();
    assert_eq!(paper.kept_replies(), 0);
    assert!(paper.refresh(&client, &refresh_token(&first)).is_err());
}

#[test]
fn the_sweep_wipes_a_seen_answer_once_its_minute_is_over_and_not_before() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
    assert!(paper.open_portal(&second.access_token));
    paper.pass(59);
    paper.sweep();
    assert_eq!(paper.kept_replies(), 1);
    paper.pass(1);
    paper.sweep();
    assert_eq!(paper.kept_replies(), 0);
}

#[test]
fn s29_the_kept_answer_opens_only_with_the_used_token() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let second = paper.refresh(&client, &refresh_token(&first)).unwrap();
    let used = paper.refresh.iter().find_map(|token| token.used.clone()).unwrap();
    let kept = used.kept_reply.unwrap();
    let text = second.access_token.expose().as_bytes();
    assert!(!kept.windows(text.len()).any(|window| window == text));
    assert!(center::seal::open_reply(&refresh_token(&first), &kept).is_some());
    assert!(center::seal::open_reply(&refresh_token(&second), &kept).is_none());
}

#[test]
fn s28_a_refresh_ends_with_the_session() {
    let mut paper = Paper::new();
    let (client, mut tokens) = paper.sign_in(SCOPES);
    for _ in 0..8 {
        paper.pass(3599);
        tokens = paper.refresh(&client, &refresh_token(&tokens)).unwrap();
    }
    assert_eq!(tokens.expires_in, 8, "no token outlives its session");
    paper.pass(8);
    let refusal = paper.refresh(&client, &refresh_token(&tokens)).unwrap_err();
    assert_eq!(
        (refusal.error, refusal.description.as_str()),
        (OidcError::InvalidGrant, "Invalid refresh token provided")
    );
}

#[test]
fn a_legacy_registration_gets_one_token_for_the_whole_session() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(None);
    assert_eq!((tokens.expires_in, tokens.refresh_token.is_none()), (8 * 3600, true));
    paper.pass(8 * 3600 - 1);
    assert!(paper.open_portal(&tokens.access_token));
    paper.pass(1);
    assert!(!paper.open_portal(&tokens.access_token));
}

#[test]
fn two_that_gathered_at_once_conflict_and_then_agree() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let request =
        CreateTokenRequest::refresh_token(&client.client_id, &client.client_secret, &refresh_token(&first));
    let stale = paper.refresh_facts(&refresh_token(&first));
    let winner = paper.refresh(&client, &refresh_token(&first)).unwrap();
    let verdict = paper.call(|call| token_by_refresh::decide(call, &request, &stale));
    assert!(paper.commit(verdict).is_none(), "somebody was faster");
    let loser = paper.refresh(&client, &refresh_token(&first)).unwrap();
    assert_eq!(loser.access_token, winner.access_token);
}

#[test]
fn faults_of_the_request() {
    let mut paper = Paper::new();
    let (client, tokens) = paper.sign_in(SCOPES);
    assert_eq!(paper.refresh(&client, &Secret::new("aorx")).unwrap_err().error, OidcError::InvalidGrant);
    assert_eq!(paper.refresh(&client, &tokens.access_token).unwrap_err().error, OidcError::InvalidGrant);
    let mut wrong = client.clone();
    wrong.client_secret = Secret::new("x");
    assert_eq!(paper.refresh(&wrong, &refresh_token(&tokens)).unwrap_err().error, OidcError::InvalidClient);
    paper.pass(90 * 24 * 3600);
    assert_eq!(paper.refresh(&client, &refresh_token(&tokens)).unwrap_err().error, OidcError::InvalidClient);
}
