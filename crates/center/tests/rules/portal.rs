use wire::portal::PortalError;

use center::organisation::{Account, Assignment};
use center::{accounts_list, role_credentials, roles_list};

use crate::paper::Paper;

const SCOPES: Option<&[&str]> = Some(&["sso:account:access"]);

#[test]
fn listings_have_pages_that_neither_repeat_nor_skip() {
    let mut paper = Paper::new();
    for number in 0..45 {
        let id = format!("{:012}", 444_400_000_000_u64 + number);
        let (person, permission_set) = ("demo".to_owned(), "ReadOnly".to_owned());
        paper.instance.organisation.assignments.push(Assignment {
            person,
            account: id.clone(),
            permission_set,
        });
        paper.instance.organisation.accounts.push(Account { id, name: "n".into(), email: "e".into() });
    }
    let (_, tokens) = paper.sign_in(SCOPES);
    for size in [None, Some("1"), Some("7"), Some("100")] {
        let (mut seen, mut next_token) = (Vec::new(), None);
        loop {
            let facts = paper.portal_facts(&tokens.access_token);
            let request = accounts_list::Request { max_result: size.map(str::to_owned), next_token };
            let page = paper.call(|call| accounts_list::decide(call, &request, &facts)).reply.unwrap();
            assert!(page.account_list.len() <= size.map_or(20, |size| size.parse().unwrap()));
            seen.extend(page.account_list.into_iter().map(|account| account.account_id));
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 48);
        assert!(seen.is_sorted());
    }
}

#[test]
fn faults_of_a_listing() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(SCOPES);
    let facts = paper.portal_facts(&tokens.access_token);
    for (max, next) in [(Some("0"), None), (Some("101"), None), (Some("x"), None), (None, Some("!"))] {
        let request = accounts_list::Request {
            max_result: max.map(str::to_owned),
            next_token: next.map(str::to_owned),
        };
        let verdict = paper.call(|call| accounts_list::decide(call, &request, &facts));
        assert_eq!(verdict.reply.unwrap_err().error, PortalError::InvalidRequest);
    }
    let cases = [
        (None, PortalError::InvalidRequest),
        (Some("11112222333"), PortalError::InvalidRequest),
        (Some("999999999999"), PortalError::ResourceNotFound),
    ];
    for (account, expected) in cases {
        let request = roles_list::Request { account_id: account.map(str::to_owned), ..Default::default() };
        let verdict = paper.call(|call| roles_list::decide(call, &request, &facts));
        assert_eq!(verdict.reply.unwrap_err().error, expected);
    }
}

#[test]
fn a_role_that_is_not_assigned_is_forbidden() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(SCOPES);
    let facts = paper.portal_facts(&tokens.access_token);
    let cases = [
        ("111122223333", "Root", PortalError::Forbidden),
        ("999999999999", "ReadOnly", PortalError::Forbidden),
        ("111122223333", "", PortalError::InvalidRequest),
        ("1", "ReadOnly", PortalError::InvalidRequest),
    ];
    for (account, role, expected) in cases {
        let request = role_credentials::Request {
            account_id: Some(account.to_owned()),
            role_name: Some(role.to_owned()),
        };
        let verdict = paper.call(|call| role_credentials::decide(call, &request, &facts));
        assert_eq!(verdict.reply.unwrap_err().error, expected, "{account} {role}");
    }
}

#[test]
fn s31_a_token_without_account_access_opens_nothing() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(Some(&["openid"]));
    let facts = paper.portal_facts(&tokens.access_token);
    let verdict = paper.call(|call| accounts_list::decide(call, &Default::default(), &facts));
    assert_eq!(verdict.reply.unwrap_err().error, PortalError::Forbidden);
}

#[test]
fn logout_ends_every_token_of_the_session() {
    let mut paper = Paper::new();
    let (client, first) = paper.sign_in(SCOPES);
    let refresh_token = first.refresh_token.clone().unwrap();
    let second = paper.refresh(&client, &refresh_token).unwrap();
    let facts = paper.portal_facts(&second.access_token);
    let verdict = paper.call(|call| center::logout::decide(call, &facts));
    paper.commit(verdict).unwrap().unwrap();
    assert!(!paper.open_portal(&first.access_token) && !paper.open_portal(&second.access_token));
    assert!(paper.refresh(&client, &second.refresh_token.unwrap()).is_err());
    assert_eq!(paper.kept_replies(), 0);
    let facts = paper.portal_facts(&second.access_token);
    let verdict = paper.call(|call| center::logout::decide(call, &facts));
    assert_eq!(verdict.reply.unwrap_err().error, PortalError::Unauthorized);
}

#[test]
fn a_person_who_left_has_no_access() {
    let mut paper = Paper::new();
    let (_, tokens) = paper.sign_in(SCOPES);
    paper.instance.organisation.people.clear();
    assert!(!paper.open_portal(&tokens.access_token));
}
