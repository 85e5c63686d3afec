//! A running center, and the steps that most tests need.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::JoinHandle;

use center::Instance;
use center::instance::Lifetimes;
use center::organisation::{Organisation, Person};
use center::password::{self, Cost};
use center::seal::{KeyRing, Seals};
use center_store::{Sqlite, Store};
use center_web::{Network, ServeError, Serving, Stopper};
use outside::sockets::{PrivateListener, PrivateStream, connect_private};
use outside::{Clock, Dice, Terminal};
use serde_json::{Value, json};
use wire::admin::{AdminAnswer, AdminRequest, Decision, socket_name};

use crate::http::{self, Answer};

pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a test may want otherwise than usual.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) auto_approve: bool,
    pub(crate) is_test_center: bool,
    pub(crate) real_clock: bool,
    pub(crate) url: Option<String>,
    pub(crate) trusted_proxies: Vec<Network>,
}

/// A center that ends with this value.
pub(crate) struct Center {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    pub(crate) stopper: Stopper,
    folder: tempfile::TempDir,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Center {
    pub(crate) fn start() -> Self {
        Self::with(Wishes::default())
    }

    pub(crate) fn with(wishes: Wishes) -> Self {
        Self::on(Sqlite::in_memory().unwrap(), wishes)
    }

    pub(crate) fn on<S: Store>(store: S, wishes: Wishes) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = center_web::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address();
        let url = wishes.url.unwrap_or_else(|| format!("http://{address}"));
        let organisation = organisation();
        let admin =
            PrivateListener::bind(&folder.path().join("aldis"), &socket_name(address.port())).unwrap();
        let stopper = Stopper::new();
        let serving = Serving {
            instance: Instance {
                seals: Seals::derive(&KeyRing::with_new_key([7; 32]), &organisation.hash()),
                organisation,
                url: url.clone(),
                lifetimes: Lifetimes::default(),
                auto_approve: wishes.auto_approve.then(|| "demo".to_owned()),
            },
            store,
            clock: if wishes.real_clock { Clock::system() } else { Clock::movable() },
            dice: Dice::real(),
            terminal: Terminal {
                input: false,
                output: false,
                error: false,
                lively: false,
                colors: false,
                ascii: false,
            },
            listener,
            admin: Some(admin),
            trusted_proxies: wishes.trusted_proxies,
            is_test_center: wishes.is_test_center,
            stopper: stopper.clone(),
        };
        let thread = Some(std::thread::spawn(move || center_web::run(serving)));
        Self { address, url, stopper, folder, thread }
    }

    /// Stops it and waits for its end.
    pub(crate) fn stop(mut self) -> Result<(), ServeError> {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap()
    }

    pub(crate) fn socket_folder(&self) -> PathBuf {
        self.folder.path().join("aldis")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http::send(self.address, &format!("GET {path}"), &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Answer {
        let headers = [("Content-Type", "application/json")];
        http::send(self.address, &format!("POST {path}"), &headers, body.as_bytes())
    }

    pub(crate) fn post_form(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
        let headers: Vec<_> = form_type.iter().chain(headers).copied().collect();
        http::send(self.address, &format!("POST {path}"), &headers, form.as_bytes())
    }

    pub(crate) fn portal(&self, path: &str, token: &str) -> Answer {
        http::send(self.address, &format!("GET {path}"), &[("x-amz-sso_bearer_token", token)], b"")
    }

    pub(crate) fn logout(&self, token: &str) -> Answer {
        http::send(self.address, "POST /logout", &[("x-amz-sso_bearer_token", token)], b"")
    }

    /// A client registered as the AWS CLI does for the device grant.
    pub(crate) fn client(&self) -> Client<'_> {
        self.client_with(json!({ "scopes": ["sso:account:access"] }))
    }

    pub(crate) fn client_with(&self, more: Value) -> Client<'_> {
        let mut request = json!({ "clientName": "botocore-client-dev", "clientType": "public" });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        let answer = self.post("/client/register", &request).is(200);
        Client { center: self, id: answer.text("clientId"), secret: answer.text("clientSecret") }
    }

    pub(crate) fn admin(&self) -> Conversation {
        let stream = connect_private(&self.socket_folder(), &socket_name(self.address.port())).unwrap();
        Conversation(stream)
    }

    pub(crate) fn decide(&self, user_code: &str, decision: Decision) -> AdminAnswer {
        let (user_code, person) = (user_code.to_owned(), "demo".to_owned());
        self.admin().ask(&AdminRequest::DecideDevice { user_code, person, decision })
    }

    #[track_caller]
    pub(crate) fn approve(&self, user_code: &str) {
        let answer = self.decide(user_code, Decision::Approve);
        assert!(matches!(answer, AdminAnswer::Done { .. }), "{answer:?}");
    }

    #[track_caller]
    pub(crate) fn move_clock(&self, seconds: i64) {
        let answer = self.admin().ask(&AdminRequest::MoveClock { seconds });
        assert!(matches!(answer, AdminAnswer::Done { .. }), "{answer:?}");
    }

    /// All that was logged until now.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let mut admin = self.admin();
        admin.send(&AdminRequest::Audit { after: 0, follow: false });
        let mut events = Vec::new();
        loop {
            match admin.hear().unwrap() {
                AdminAnswer::Event { event, .. } => events.push(event),
                AdminAnswer::Done { .. } => return events,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Signs in and gives the answer of CreateToken.
    pub(crate) fn sign_in(&self) -> (Client<'_>, Answer) {
        let client = self.client();
        let started = client.start().is(200);
        self.approve(&started.text("userCode"));
        let token = client.poll(&started.text("deviceCode")).is(200);
        (client, token)
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The built-in organisation with two people more: one who can sign in on a page like the first, and one without a password.
fn organisation() -> Organisation {
    let mut organisation = center::seed::built_in();
    let hash = password::hash(&PASSWORD.into(), &[7; password::SALT_LENGTH], Cost::RANDOM);
    organisation.people = [("demo", hash.clone()), ("eve", hash), ("guest", None)]
        .map(|(name, password_hash)| Person { name: name.to_owned(), password_hash })
        .into();
    organisation
}

/// A registered client.
#[derive(Clone)]
pub(crate) struct Client<'a> {
    center: &'a Center,
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Client<'_> {
    pub(crate) fn start(&self) -> Answer {
        let start_url = "https://d-1234567890.awsapps.com/start";
        let request = json!({ "clientId": self.id, "clientSecret": self.secret, "startUrl": start_url });
        self.center.post("/device_authorization", &request)
    }

    pub(crate) fn poll(&self, device_code: &str) -> Answer {
        self.token(json!({ "grantType": DEVICE, "deviceCode": device_code }))
    }

    pub(crate) fn refresh(&self, refresh_token: &str) -> Answer {
        self.token(json!({ "grantType": "refresh_token", "refreshToken": refresh_token }))
    }

    pub(crate) fn token(&self, mut request: Value) -> Answer {
        request["clientId"] = json!(self.id);
        request["clientSecret"] = json!(self.secret);
        self.center.post("/token", &request)
    }
}

/// The administration socket, from outside.
pub(crate) struct Conversation(PrivateStream);

impl Conversation {
    pub(crate) fn send(&mut self, request: &AdminRequest) {
        self.send_line(&serde_json::to_string(request).unwrap());
    }

    pub(crate) fn send_line(&mut self, line: &str) {
        self.0.send_line(line).unwrap();
    }

    /// The next answer; nothing when the center ended the conversation.
    pub(crate) fn hear(&mut self) -> Option<AdminAnswer> {
        match self.0.next_line() {
            Ok(line) => line.map(|line| serde_json::from_str(&line).unwrap()),
            // The end, with something of ours unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn ask(&mut self, request: &AdminRequest) -> AdminAnswer {
        self.send(request);
        self.hear().unwrap()
    }
}
