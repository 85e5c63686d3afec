//! Fifty SIGKILLs under load: clients start, redeem and refresh while the center dies again and again under them. What it
//! acknowledged must be there, and nothing may have been given twice.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex};
use std::thread;

use serde_json::{Value, json};
use testkit::{Answer, Ask, Center, Machine, PATIENCE};

use crate::machine;

const KILLS: u64 = 50;
const CLIENTS: u64 = 4;
/// At most so many answers between two kills: none are for a center that dies while it starts to serve.
const MOST_ANSWERS: u64 = 60;
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REDIRECT_URI: &str = "http://127.0.0.1:7777/oauth/callback";
// The published example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Marsaglia's xorshift: the same choices for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What the clients and whoever kills share.
struct World {
    port: u16,
    start_url: String,
    /// As Amazon registers clients: for one grant each.
    device_client: Value,
    code_client: Value,
    /// How often the center was started.
    life: Mutex<u64>,
    new_life: Condvar,
    is_over: AtomicBool,
    journal: Mutex<Vec<Record>>,
}

/// All that became of one code or refresh token.
struct Record {
    kind: Kind,
    /// The request that presents it once more.
    request: Value,
    /// What each presenter got, none where the center died first.
    outcomes: Vec<Option<Answer>>,
    /// Whether its session may have been ended by rule: an authorization code was presented more than once.
    may_be_ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Device,
    /// An authorization code: whoever presents it after its use ends what it gave.
    Code,
    Refresh,
}

impl Record {
    /// The token sets that it gave.
    fn given(&self) -> Vec<Value> {
        let answers = self.outcomes.iter().flatten().filter(|answer| answer.status == 200);
        answers.map(Answer::json).collect()
    }

    fn was_lost(&self) -> bool {
        self.outcomes.iter().any(Option::is_none)
    }
}

impl World {
    fn ask(&self, path: &str, body: &Value) -> Option<Answer> {
        Ask::new(self.port, &format!("POST {path}")).json(body).try_send().ok()
    }

    /// Asks until there is an answer; whoever finds the center dead waits for its next life.
    fn insist(&self, ask: impl Fn() -> Option<Answer>) -> Option<Answer> {
        while !self.is_over.load(Ordering::SeqCst) {
            let life = *self.life.lock().unwrap();
            if let Some(answer) = ask() {
                return Some(answer);
            }
            let guard = self.life.lock().unwrap();
            let is_waiting = |now: &mut u64| *now == life && !self.is_over.load(Ordering::SeqCst);
            let (_guard, time_out) = self.new_life.wait_timeout_while(guard, PATIENCE, is_waiting).unwrap();
            assert!(!time_out.timed_out(), "the center did not come back");
        }
        None
    }

    /// Presents a code or token from several places at once.
    fn present(&self, kind: Kind, request: Value, presenters: u64) -> Record {
        let outcomes = thread::scope(|scope| {
            let ask = || scope.spawn(|| self.ask("/token", &request));
            let asked: Vec<_> = (0..presenters).map(|_| ask()).collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let may_be_ended = kind == Kind::Code && presenters > 1;
        Record { kind, request, outcomes, may_be_ended }
    }
}

/// A request for tokens, as that client sends it.
fn token_request(client: &Value, grant: &str, members: Value) -> Value {
    let mut request = json!({
        "clientId": client["clientId"], "clientSecret": client["clientSecret"], "grantType": grant,
    });
    request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    request
}

/// One client, until it is over.
fn client(world: &World, mut dice: Dice, answered: &Sender<()>) {
    while !world.is_over.load(Ordering::SeqCst) {
        let record = match dice.below(4) {
            0 => device(world, 0),
            1 => device(world, 1 + dice.below(3)),
            _ => code(world, 1 + dice.below(2) * 2),
        };
        let Some(record) = record else { return };
        let _ = answered.send(());
        let times = dice.below(3);
        refresh(world, &record, times, answered);
        world.journal.lock().unwrap().push(record);
    }
}

/// Starts a device, whose sign-in this center approves at once, and polls for it.
fn device(world: &World, pollers: u64) -> Option<Record> {
    let client = &world.device_client;
    let request = json!({
        "clientId": client["clientId"], "clientSecret": client["clientSecret"], "startUrl": world.start_url,
    });
    let started = world.insist(|| world.ask("/device_authorization", &request))?;
    assert_eq!(started.status, 200, "{started:?}");
    let request = token_request(client, DEVICE_CODE, json!({ "deviceCode": started.json()["deviceCode"] }));
    Some(world.present(Kind::Device, request, pollers))
}

/// Gets an authorization code, and presents it.
fn code(world: &World, presenters: u64) -> Option<Record> {
    let line = format!(
        "GET /authorize?response_type=code&client_id={}&redirect_uri={}&state=s&code_challenge_method=S256\
         &scopes=sso%3Aaccount%3Aaccess&code_challenge={CHALLENGE}",
        world.code_client["clientId"].as_str().unwrap(),
        REDIRECT_URI.replace(':', "%3A").replace('/', "%2F"),
    );
    let sent_back = world.insist(|| Ask::new(world.port, &line).try_send().ok())?;
    let location = sent_back.header("location").expect("a redirect");
    let code = location.split_once("?code=").unwrap().1.split('&').next().unwrap();
    let members = json!({ "code": code, "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER });
    Some(world.present(
        Kind::Code,
        token_request(&world.code_client, "authorization_code", members),
        presenters,
    ))
}

/// Refreshes what a code gave so many times, each time from two places; a token whose answers were all lost is presented again.
fn refresh(world: &World, of: &Record, times: u64, answered: &Sender<()>) {
    let mut tokens = of.given().pop();
    for _ in 0..times {
        let Some(refresh_token) = tokens.map(|tokens| tokens["refreshToken"].clone()) else { return };
        let request = token_request(&of.request, "refresh_token", json!({ "refreshToken": refresh_token }));
        let presented = world.present(Kind::Refresh, request.clone(), 2);
        let mut record = Record { may_be_ended: of.may_be_ended, ..presented };
        let _ = answered.send(());
        if record.outcomes.iter().all(Option::is_none) {
            record.outcomes.push(world.insist(|| world.ask("/token", &request)));
        }
        tokens = record.given().pop();
        world.journal.lock().unwrap().push(record);
    }
}

fn serve(machine: &Machine, listen: &str) -> Center {
    let data = machine.home().join("center.db").display().to_string();
    let words = ["--data", &data, "--listen", listen, "--auto-approve", "demo", "--output", "json"];
    machine.center_with(&words)
}

#[test]
fn fifty_kills_under_load_lose_nothing_acknowledged_and_give_nothing_twice() {
    let seed = RandomState::new().hash_one("kills") | 1;
    println!("seed {seed}");
    let machine = machine();
    let center = serve(&machine, "127.0.0.1:0");
    let port = center.port();
    let register = |grants: &[&str]| {
        let request = json!({
            "clientName": "kills", "clientType": "public", "redirectUris": ["http://127.0.0.1/oauth/callback"],
            "grantTypes": grants, "issuerUrl": center.start_url(), "scopes": ["sso:account:access"],
        });
        let answer = Ask::new(port, "POST /client/register").json(&request).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let world = World {
        port,
        start_url: center.start_url().to_owned(),
        device_client: register(&[DEVICE_CODE, "refresh_token"]),
        code_client: register(&["authorization_code", "refresh_token"]),
        life: Mutex::new(0),
        new_life: Condvar::new(),
        is_over: AtomicBool::new(false),
        journal: Mutex::default(),
    };
    let mut dice = Dice(seed);
    let center = thread::scope(|scope| {
        let (answered, answers) = channel();
        let mut center = center;
        for _ in 0..CLIENTS {
            let (world, dice, answered) = (&world, Dice(dice.below(u64::MAX) | 1), answered.clone());
            scope.spawn(move || client(world, dice, &answered));
        }
        // A failed client must not leave whoever kills waiting.
        drop(answered);
        for _ in 0..KILLS {
            for _ in 0..dice.below(MOST_ANSWERS) {
                if answers.recv_timeout(PATIENCE).is_err() {
                    break;
                }
            }
            center.kill();
            center = serve(&machine, &format!("127.0.0.1:{port}"));
            *world.life.lock().unwrap() += 1;
            world.new_life.notify_all();
        }
        world.is_over.store(true, Ordering::SeqCst);
        world.new_life.notify_all();
        center
    });
    // Once more without load: what memory knew is gone.
    center.kill();
    let _center = serve(&machine, &format!("127.0.0.1:{port}"));
    let journal = world.journal.lock().unwrap();
    let counted = |kind| journal.iter().filter(|record| record.kind == kind).count();
    for kind in [Kind::Device, Kind::Code, Kind::Refresh] {
        assert!(counted(kind) > 50, "too little load: {} of {kind:?}, seed {seed}", counted(kind));
    }
    assert!(journal.iter().any(Record::was_lost), "no kill met a request, seed {seed}");
    for record in journal.iter() {
        judge(&world, record, seed);
    }
}

/// Whether all that was acknowledged holds.
fn judge(world: &World, record: &Record, seed: u64) {
    let Record { kind, outcomes, may_be_ended, .. } = record;
    let shown = || format!("seed {seed}, {kind:?}, may be ended: {may_be_ended}: {outcomes:#?}");
    let given = record.given();
    for answer in outcomes.iter().flatten() {
        assert!(matches!(answer.status, 200 | 400), "{}", shown());
        // Neither a second presenter nor a lost answer locks anybody out.
        assert!(*kind != Kind::Refresh || *may_be_ended || answer.status == 200, "refused: {}", shown());
    }
    if *kind == Kind::Refresh {
        let pairs: BTreeSet<_> = given
            .iter()
            .map(|one| (one["accessToken"].to_string(), one["refreshToken"].to_string()))
            .collect();
        assert!(pairs.len() <= 1, "two answers to one refresh token: {}", shown());
    } else {
        assert!(given.len() <= 1, "redeemed twice: {}", shown());
        let is_answered = !outcomes.is_empty() && !record.was_lost();
        assert!(!is_answered || given.len() == 1, "redeemed for nobody: {}", shown());
    }
    if outcomes.is_empty() {
        let answer = world.ask("/token", &record.request).expect("a center that runs");
        assert_eq!(answer.status, 200, "a start was lost: {answer:?}, {}", shown());
    }
    if !may_be_ended {
        given.iter().for_each(|tokens| opens_the_portal(world, tokens, &shown()));
    }
}

fn opens_the_portal(world: &World, tokens: &Value, shown: &str) {
    let token = tokens["accessToken"].as_str().expect("a token");
    let ask = Ask::new(world.port, "GET /assignment/accounts").header("x-amz-sso_bearer_token", token);
    let answer = ask.send();
    assert_eq!(answer.status, 200, "{answer:?} for {shown}");
}
