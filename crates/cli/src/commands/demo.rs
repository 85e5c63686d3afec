//! `aldis demo`: the main job, with a center in memory and a temporary home.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_formats::credentials_out;
use aws_formats::sso_cache::RoleCredentials;
use center::instance::Lifetimes;
use center::seed::{self, BUILT_IN_PERSON};
use center_store::Sqlite;
use center_web::serve::Stopper;
use outside::files::TemporaryFolder;
use outside::painted::{Color, Painted};
use outside::signals::{Ending, Watch};
use outside::{Clock, Env, Outside, shelf};
use serde_json::json;
use signin::progress::{Offer, Progress, Watcher};
use signin::sign_in::{Human, Wish};
use wire::Secret;

use super::demo_robot::Robot;
use super::serve::{self, Parts};
use super::serve_keys;
use crate::args::demo::{DemoArgs, DemoFlow};
use crate::args::login::{FlowArgs, FlowChoice, LoginArgs};
use crate::args::{GlobalArgs, SessionArgs};
use crate::report::login::{LoginReport, Stage};
use crate::report::news::News;
use crate::report::words::{Style, print};
use crate::report::{Exit, Failure, Kind, hints, listing, reach, setup, when};
use crate::request;
use crate::request::serve::ServeRequest;

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "ReadOnly";

/// Runs it.
pub(crate) fn run(outside: &Outside, args: DemoArgs) -> Result<Exit, Failure> {
    // From here on a signal ends the demonstration at its next step, after it has cleaned up.
    let ended = Arc::new(AtomicU8::new(0));
    let heard = Arc::clone(&ended);
    let _watch = Watch::start(move |ending| heard.store(ending.exit_code(), Ordering::SeqCst));
    let style = Style::new(&args.global, outside);
    let center = DemoCenter::start(outside)?;
    let home = Home::make(outside, &center)?;
    let stage =
        Demonstration { outside: &home.outside, real: outside, style, center: &center, ended, args: &args };
    let result = stage.play();
    drop(home);
    center.stop();
    outside.terminal.words(result?);
    Ok(Exit::Done)
}

/// A center in memory, on a thread of this process: it cannot outlive the demonstration.
struct DemoCenter {
    url: String,
    start_url: String,
    aws_start_url: String,
    region: String,
    password: Secret,
    stopper: Stopper,
    thread: JoinHandle<()>,
}

impl DemoCenter {
    fn start(outside: &Outside) -> Result<Self, Failure> {
        let mut organisation = seed::built_in();
        let password = serve::give_password(outside, &mut organisation)?
            .ok_or_else(|| Failure::new(Kind::Other, "the built-in organisation has no password"))?;
        let request = ServeRequest {
            trusted_proxies: Vec::new(),
            listen: ([127, 0, 0, 1], 0).into(),
            url: None,
            data: None,
            keys: None,
            organisation,
            lifetimes: Lifetimes::default(),
            auto_approve: None,
            is_test: false,
            test_clock: false,
        };
        let keys = serve_keys::in_memory(outside, "a demonstration".to_owned())?;
        let store = Sqlite::in_memory().map_err(|error| Failure::new(Kind::Other, error))?;
        let parts = Parts { listener: serve::listen(&request)?, store, clock: Clock::system() };
        let serving = serve::prepare(outside, request, keys, parts)?;
        let (url, start_url) = (serving.instance.url.clone(), serving.instance.start_url());
        let region = serving.instance.organisation.region.clone();
        let aws_start_url = serving.instance.organisation.aws_start_url();
        let stopper = serving.stopper.clone();
        let terminal = outside.terminal.clone();
        let thread = std::thread::spawn(move || {
            if let Err(error) = center_web::serve::run(serving) {
                terminal.words(format!("the center of the demonstration failed: {error}\n"));
            }
        });
        Ok(Self { url, start_url, aws_start_url, region, password, stopper, thread })
    }

    fn stop(self) {
        self.stopper.stop();
        let _ = self.thread.join();
    }
}

/// A home that goes at the end, and the world in which it is the home.
struct Home {
    outside: Outside,
    _folder: TemporaryFolder,
}

impl Home {
    fn make(outside: &Outside, center: &DemoCenter) -> Result<Self, Failure> {
        let other = |error| {
            Failure::new(
                Kind::Other,
                format!("the demonstration has no place for its temporary home: {error}"),
            )
            .hint("name a folder with room: export TMPDIR=/path/to/folder")
        };
        let random: [u8; 8] = outside.dice.bytes().map_err(|error| Failure::new(Kind::Other, error))?;
        let folder = TemporaryFolder::new("aldis-demo", u64::from_le_bytes(random)).map_err(other)?;
        let config = format!(
            "[profile demo]\nsso_session = demo\nsso_account_id = {ACCOUNT}\nsso_role_name = {ROLE}\n\n\
             [sso-session demo]\nsso_start_url = {}\n",
            center.start_url
        );
        shelf::keep(&folder.path().join(".aws/config"), config.as_bytes()).map_err(other)?;
        Ok(Self { outside: outside.with_env(Self::env(&outside.env, &folder)), _folder: folder })
    }

    /// Nothing of the person's own settings, or the demonstration would show something else.
    fn env(env: &Env, folder: &TemporaryFolder) -> Env {
        let home = folder.path().display().to_string();
        env.clone().without(|name| name.starts_with("AWS_") || name.starts_with("XDG_")).with("HOME", &home)
    }
}

struct Demonstration<'a> {
    /// The world with the temporary home.
    outside: &'a Outside,
    /// The person's own world.
    real: &'a Outside,
    style: Style,
    center: &'a DemoCenter,
    ended: Arc<AtomicU8>,
    args: &'a DemoArgs,
}

impl Demonstration<'_> {
    /// Goes through the main job; hands over what is to be said when the center is gone.
    fn play(&self) -> Result<String, Failure> {
        self.say(format!(
            "A center is running at {}, in memory, for this demonstration only.\n",
            self.center.url
        ));
        let session = SessionArgs { profile: Some("demo".to_owned()), sso_session: None };
        self.login(&session, &self.args.global)?;
        let meant = request::session::complete(&session, self.outside)?;
        let opened = meant.open(self.outside);
        let mut news = News::new(self.outside, self.style);

        self.step("aldis accounts")?;
        let accounts = opened
            .with_portal(&mut news, |portal| portal.accounts())
            .map_err(|error| hints::portal(error, &meant))?;
        self.show(&listing::accounts(&accounts, self.style))?;

        self.step(&format!("aldis roles {ACCOUNT}"))?;
        let roles = opened
            .with_portal(&mut news, |portal| portal.roles(ACCOUNT))
            .map_err(|error| hints::portal(error, &meant))?;
        self.show(&listing::roles(&roles, &accounts, self.style))?;

        self.step("aldis creds --profile demo --format env-no-export     (secrets cut here)")?;
        let role = request::role::of_profile("demo", self.outside)?;
        let credentials = opened
            .role_credentials(&role.account_id, &role.role_name, &mut news)
            .map_err(|error| hints::portal(error, &meant))?;
        self.show(&cut(&credentials))?;

        self.step("aldis whoami --profile demo")?;
        let keys = wire::sigv4::Keys {
            access_key_id: &credentials.access_key_id,
            secret_access_key: &credentials.secret_access_key,
            session_token: Some(&credentials.session_token),
        };
        let identity = opened.caller_identity(&keys, None).map_err(|error| hints::portal(error, &meant))?;
        self.show(&listing::identity(&identity, self.style))?;

        if self.style.json {
            let object = json!({
                "event": "done",
                "identity": { "UserId": identity.user_id, "Account": identity.account, "Arn": identity.arn },
                "accounts": accounts,
                "roles": roles,
            });
            print(self.outside, &format!("{object}\n"))?;
            return Ok(String::new());
        }
        Ok(self.farewell(&identity.arn, accounts.len()))
    }

    fn login(&self, session: &SessionArgs, global: &GlobalArgs) -> Result<(), Failure> {
        let (flow, named) = match self.args.flow {
            DemoFlow::Browser => (FlowChoice::Browser, ""),
            DemoFlow::Device => (FlowChoice::Device, " --use-device-code"),
        };
        self.step(&format!("aldis login --profile demo{named}"))?;
        let args = LoginArgs {
            session: session.clone(),
            how: FlowArgs {
                flow: Some(flow),
                no_browser: self.args.no_browser || self.args.approve,
                ..FlowArgs::default()
            },
            global: global.clone(),
            ..LoginArgs::default()
        };
        let request = request::login::complete(&args, self.outside)?;
        let opened = request.meant.open(self.outside);
        let report = LoginReport::new(self.outside, self.style, Stage::Words, &request.meant)
            .with_code_by(request.how.plan.may_use_code.then_some("aldis demo --flow device"));
        let mut prompter = Prompter { report, demonstration: self };
        // It has no prompt, and its own ear for Ctrl-C.
        let wish = Wish { reads_keys: false, ..request.how.wish };
        let signed_in =
            opened.sign_in(Human::asked_for_a_sign_in(), wish, &mut prompter).map_err(|error| {
                again(hints::sign_in(error, &request.meant, &hints::Again::of(&request.meant)))
            })?;
        prompter.report.done(&signed_in, &self.center.start_url, || None)?;
        Ok(())
    }

    /// Shows the next command, unless a signal has ended the demonstration.
    fn step(&self, command: &str) -> Result<(), Failure> {
        match self.ended.load(Ordering::SeqCst) {
            0 => {}
            129 => return Err(Failure::new(Kind::Cancelled(Ending::HangUp), "ended")),
            131 => return Err(Failure::new(Kind::Cancelled(Ending::Quit), "ended")),
            143 => return Err(Failure::new(Kind::Cancelled(Ending::Terminate), "ended")),
            _ => return Err(Failure::new(Kind::Cancelled(Ending::Interrupt), "ended")),
        }
        self.say(Painted::from("\n").then(self.style.paint(Color::Cyan, &format!("$ {command}"))).then("\n"));
        Ok(())
    }

    fn say(&self, text: impl Into<Painted>) {
        if !self.style.json {
            self.outside.terminal.words(text);
        }
    }

    fn show(&self, text: &str) -> Result<(), Failure> {
        if !self.style.json {
            print(self.outside, text)?;
        }
        Ok(())
    }

    fn farewell(&self, arn: &str, accounts: usize) -> String {
        let url = "http://127.0.0.1:8765";
        format!(
            "\nYou are {arn}, with {accounts} accounts to choose from.\n\
             The center is gone now, with its key and the temporary home. Its credentials open nothing at Amazon.\n\
             \n\
             To try real tools against a center, run `{} serve` and add this to ~/.aws/config:\n\
             \n{}\n\
             then: {} login --profile aldis; aws sts get-caller-identity --profile aldis\n",
            program(&self.real.env),
            setup::config(&self.center.aws_start_url, &self.center.region, url),
            program(&self.real.env),
        )
    }
}

/// Shows a sign-in, and what the person types on the center's pages; or lets the robot walk them.
struct Prompter<'a> {
    report: LoginReport<'a>,
    demonstration: &'a Demonstration<'a>,
}

impl Prompter<'_> {
    fn tell_how(&self, offer: &Offer) {
        let demonstration = self.demonstration;
        if demonstration.args.approve {
            return demonstration.send_robot(offer);
        }
        let password = demonstration.center.password.expose();
        if demonstration.style.json {
            let line = json!({ "event": "sign_in_as", "username": BUILT_IN_PERSON, "password": password });
            // A reader that went away is noticed when the result is printed.
            let _ = demonstration.outside.terminal.data(&format!("{line}\n"));
            return;
        }
        if let Some(apart) = reach::apart(&demonstration.real.env) {
            demonstration.say(apart.words(&demonstration.ports(offer)));
        }
        let [name, password] =
            [BUILT_IN_PERSON, password].map(|text| demonstration.style.paint(Color::Cyan, text));
        demonstration.say(
            Painted::from(
                "On that page, sign in with this name and password, made for this demonstration:\n\n",
            )
            .then(name.then("\n").then(password))
            .then("\n\nthen say Approve.\n\n"),
        );
    }
}

impl Demonstration<'_> {
    /// Lets the robot walk the pages, beside the sign-in that waits for it.
    fn send_robot(&self, offer: &Offer) {
        self.say(
            "(--approve: a robot walks the center's pages over HTTP, signs in as demo and approves)\n\n",
        );
        let address = match offer {
            Offer::Link(link) => link.address.clone(),
            Offer::Codes(codes) => {
                codes.verification_uri_complete.clone().unwrap_or_else(|| codes.verification_uri.clone())
            }
        };
        let robot = Robot {
            center: self.center.url.clone(),
            name: BUILT_IN_PERSON.to_owned(),
            password: self.center.password.clone(),
        };
        let terminal = self.outside.terminal.clone();
        std::thread::spawn(move || {
            if let Err(lost) = robot.walk(&address) {
                terminal.words(format!("the robot is lost: {lost}; Ctrl-C ends the demonstration\n"));
            }
        });
    }

    /// The ports that a browser has to reach: the center's, and the one where it comes back.
    fn ports(&self, offer: &Offer) -> Vec<u16> {
        let port = |address: &str| {
            let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
            rest.split('/').next()?.rsplit_once(':')?.1.parse().ok()
        };
        let back = match offer {
            Offer::Link(link) => port(&link.redirect_uri),
            Offer::Codes(_) => None,
        };
        port(&self.center.url).into_iter().chain(back).collect()
    }
}

impl Watcher for Prompter<'_> {
    fn told(&mut self, progress: Progress) {
        if let Progress::ActionRequired(offer) = &progress {
            let offer = offer.clone();
            self.report.told(progress);
            self.tell_how(&offer);
        } else {
            self.report.told(progress);
        }
    }

    fn beat(&self) -> Option<Duration> {
        self.report.beat()
    }
}

/// A sign-in that failed is tried again by another demonstration, not by `aldis login`.
fn again(mut failure: Failure) -> Failure {
    failure.hints = vec!["try again: aldis demo".to_owned()];
    failure
}

/// Credentials line by line, with enough of each secret to see that it is there.
fn cut(credentials: &RoleCredentials) -> String {
    let begin = |secret: &wire::Secret| secret.expose().chars().take(4).collect::<String>() + "…";
    let [id, key, token, end] = credentials_out::NAMES;
    format!(
        "{id}={}\n{key}={}\n{token}={}\n{end}={}\n",
        credentials.access_key_id,
        begin(&credentials.secret_access_key),
        begin(&credentials.session_token),
        when::utc(credentials.expiration),
    )
}

/// How this program is called: by its name where a shell finds it so, else by its path.
fn program(env: &Env) -> String {
    let Some(own) = outside::env::own_program() else { return "aldis".to_owned() };
    let found = outside::files::find_program("aldis", env.get("PATH").unwrap_or_default());
    if found.is_some_and(|found| outside::files::is_same(&found, &own)) {
        return "aldis".to_owned();
    }
    hints::quoted(&own.display().to_string())
}
