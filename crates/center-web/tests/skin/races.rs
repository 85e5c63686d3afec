//! Many at the same moment.

use std::sync::Barrier;

use center_store::Sqlite;

use crate::http::Answer;
use crate::running::{Center, Wishes};

/// The answers of a hundred threads that ask at once.
fn a_hundred_times(ask: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    let at_once = Barrier::new(100);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    at_once.wait();
                    ask()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn one_code_one_token(center: &Center) {
    let client = center.client();
    let started = client.start().is(200);
    center.approve(&started.text("userCode"));
    let device_code = started.text("deviceCode");
    let answers = a_hundred_times(|| client.poll(&device_code));
    let (tokens, refusals): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(tokens.len(), 1);
    for refusal in refusals {
        assert!(["slow_down", "invalid_grant"].contains(&refusal.text("error").as_str()), "{refusal:?}");
    }
    center.portal("/assignment/accounts", &tokens[0].text("accessToken")).is(200);

    // All of one session's processes refresh one cache file, and all stay signed in.
    let refresh_token = tokens[0].text("refreshToken");
    let answers = a_hundred_times(|| client.refresh(&refresh_token));
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text("accessToken"), answers[0].text("accessToken"));
        assert_eq!(answer.text("refreshToken"), answers[0].text("refreshToken"));
    }
    center.portal("/assignment/accounts", &answers[0].text("accessToken")).is(200);
}

#[test]
fn one_code_one_token_in_memory() {
    one_code_one_token(&Center::start());
}

#[test]
fn one_code_one_token_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("center.db")).unwrap();
    one_code_one_token(&Center::on(store, Wishes::default()));
}

#[test]
fn a_sign_in_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("center.db");
    let url = Some("http://center.test".to_owned());
    let first = Center::on(Sqlite::open(&path).unwrap(), Wishes { url: url.clone(), ..Wishes::default() });
    let (client, token) = first.sign_in();
    let (id, secret) = (client.id.clone(), client.secret.clone());
    first.stop().unwrap();
    let second = Center::on(Sqlite::open(&path).unwrap(), Wishes { url, ..Wishes::default() });
    second.portal("/assignment/accounts", &token.text("accessToken")).is(200);
    let mut client = second.client();
    (client.id, client.secret) = (id, secret);
    client.refresh(&token.text("refreshToken")).is(200);
    assert!(second.audit().len() > 5, "the log goes on");
}
