//! A center that is ready: one line, for people or for programs, and words on what to do with it.

use center::instance::Instance;
use serde_json::{Value, json};

use super::words::Style;
use crate::commands::serve::Ready;

/// The ready line.
pub(crate) fn ready(instance: &Instance, ready: &Ready, style: Style) -> String {
    if style.json {
        return format!("{}\n", object(instance, ready));
    }
    let test = if ready.is_test { "TEST CENTER, ANYBODY MAY SIGN IN: " } else { "" };
    format!("{test}Center ready at {} (start URL {})\n", instance.url, instance.start_url())
}

fn object(instance: &Instance, ready: &Ready) -> Value {
    let url = &instance.url;
    let mut object = json!({
        "url": url,
        "start_url": instance.start_url(),
        "aws_start_url": instance.organisation.aws_start_url(),
        "region": instance.organisation.region,
        "environment": {
            "AWS_ENDPOINT_URL_SSO_OIDC": url,
            "AWS_ENDPOINT_URL_SSO": url,
            "AWS_ENDPOINT_URL_STS": url,
        },
    });
    if let Some(password) = &ready.password {
        let people: Vec<Value> = instance
            .organisation
            .people
            .iter()
            .map(|person| json!({ "name": person.name, "password": password }))
            .collect();
        object["people"] = json!(people);
    }
    if ready.is_test {
        object["test"] = json!("TEST CENTER, ANYBODY MAY SIGN IN");
    }
    object
}

/// What people should know.
pub(crate) fn words(instance: &Instance, ready: &Ready) -> Vec<String> {
    let mut words = vec![format!("serves {}; its credentials open nothing at Amazon", instance.organisation)];
    if ready.is_test {
        words.push("TEST CENTER: whoever reaches it can sign in".to_owned());
    }
    if ready.test_clock {
        words.push("TEST CLOCK: aldis center clock moves the time of this center".to_owned());
    }
    match &instance.auto_approve {
        Some(person) => words.push(format!("every sign-in is approved at once, in the name of {person}")),
        None => words.push(match &ready.password {
            Some(password) => {
                let names: Vec<&str> =
                    instance.organisation.people.iter().map(|person| person.name.as_str()).collect();
                format!("sign in on its pages as {}, password {}", names.join(", "), password.expose())
            }
            None => "people sign in on its pages with name and password; or approve for them: \
                     aldis center device approve CODE --person NAME"
                .to_owned(),
        }),
    }
    if ready.in_memory {
        words.push("the data is in memory and ends with this center".to_owned());
    }
    words
}
