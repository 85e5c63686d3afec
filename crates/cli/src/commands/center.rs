//! `aldis center …`: speaks with a running center over its private socket.

use std::path::{Path, PathBuf};

use center::password::{self, Cost};
use outside::hidden;
use outside::sockets::{self, PrivateStream, SocketError};
use outside::{Env, Outside};
use serde_json::json;
use wire::admin::{AdminAnswer, AdminRequest, Decision, socket_name};

use crate::args::center::{
    AuditArgs, AuthorizeArgs, CenterArgs, CenterCommand, ClockArgs, DecideArgs, DeviceDecision,
};
use crate::report::words::Style;
use crate::report::{Exit, Failure, Kind, audit};

/// Runs it.
pub(crate) fn run(outside: &Outside, args: CenterArgs) -> Result<Exit, Failure> {
    let style = Style::new(&args.global, outside);
    match args.command {
        CenterCommand::Device(device) => match device.decision {
            DeviceDecision::Approve(args) => decide(outside, style, args, Decision::Approve),
            DeviceDecision::Deny(args) => decide(outside, style, args, Decision::Deny),
        },
        CenterCommand::Authorize(args) => authorize(outside, style, args),
        CenterCommand::HashPassword => hash_password(outside, style),
        CenterCommand::Audit(args) => show_audit(outside, style, &args),
        CenterCommand::Clock(args) => move_clock(outside, style, &args),
    }
}

fn decide(outside: &Outside, style: Style, args: DecideArgs, decision: Decision) -> Result<Exit, Failure> {
    let request = AdminRequest::DecideDevice { user_code: args.user_code, person: args.person, decision };
    done(outside, style, &args.center, &request)
}

fn authorize(outside: &Outside, style: Style, args: AuthorizeArgs) -> Result<Exit, Failure> {
    let request = AdminRequest::Authorize { url: args.url, person: args.person };
    done(outside, style, &args.center, &request)
}

/// Turns a password into what a seed may hold of it: asked for twice at a terminal, else the first line of standard input.
fn hash_password(outside: &Outside, style: Style) -> Result<Exit, Failure> {
    let other =
        |error: std::io::Error| Failure::new(Kind::Other, format!("the password cannot be read: {error}"));
    let password = if outside.terminal.input {
        let mut typed = hidden::ask(&["Password: ", "The same again: "]).map_err(other)?;
        let again = typed.pop();
        typed.pop().filter(|password| Some(password) == again.as_ref()).ok_or_else(|| {
            Failure::new(Kind::Words, "the two are not the same")
                .hint("try again: aldis center hash-password")
        })?
    } else {
        hidden::line().map_err(other)?
    };
    let salt = outside.dice.bytes().map_err(|error| Failure::new(Kind::Other, error))?;
    let hash = password::hash(&password, &salt, Cost::CHOSEN).ok_or_else(|| {
        Failure::new(Kind::Words, format!("a password has 1 to {} bytes", password::LONGEST))
            .hint("type it when asked, or give it as the first line of standard input")
    })?;
    let text = if style.json { json!({ "password_hash": hash }).to_string() } else { hash };
    crate::report::words::print(outside, &format!("{text}\n"))
}

fn move_clock(outside: &Outside, style: Style, args: &ClockArgs) -> Result<Exit, Failure> {
    let seconds = seconds(&args.step).ok_or_else(|| {
        Failure::new(Kind::Words, format!("{:?} is not a step of time, forward", args.step))
            .hint("for example: aldis center clock +10m")
    })?;
    done(outside, style, &args.center, &AdminRequest::MoveClock { seconds })
}

/// A request that is answered by one word or one address.
fn done(
    outside: &Outside,
    style: Style,
    center: &Option<String>,
    request: &AdminRequest,
) -> Result<Exit, Failure> {
    let mut conversation = Conversation::begin(outside, center.as_deref(), request)?;
    match conversation.next()? {
        Some(AdminAnswer::Done { message }) if style.json => {
            crate::report::words::print(outside, &format!("{}\n", json!({ "done": message })))
        }
        Some(AdminAnswer::Done { message }) => {
            outside.terminal.words(format!("{message}\n"));
            Ok(Exit::Done)
        }
        Some(AdminAnswer::Redirect { location }) => {
            let text = if style.json {
                json!({ "redirect": location }).to_string()
            } else {
                location.expose().to_owned()
            };
            crate::report::words::print(outside, &format!("{text}\n"))
        }
        Some(AdminAnswer::Refused { code, message }) => Err(refused(&code, &message)),
        _ => Err(Failure::new(Kind::Other, "the center ended the conversation without an answer")),
    }
}

fn refused(code: &str, message: &str) -> Failure {
    let failure = Failure::new(Kind::Refused, wire::words::printable(message, 400));
    match code {
        "bad_address" => failure.hint("copy the whole address from the browser, and put it in quotes"),
        "no_test_clock" => failure.hint("start it so: aldis serve --memory --test-clock"),
        _ => failure,
    }
}

fn show_audit(outside: &Outside, style: Style, args: &AuditArgs) -> Result<Exit, Failure> {
    let request = AdminRequest::Audit { after: 0, follow: args.follow };
    let mut conversation = Conversation::begin(outside, args.center.as_deref(), &request)?;
    loop {
        match conversation.next()? {
            Some(AdminAnswer::Event { event, .. }) => {
                crate::report::words::print_painted(outside, &audit::event(&event, style))?;
            }
            Some(AdminAnswer::Refused { code, message }) => return Err(refused(&code, &message)),
            Some(AdminAnswer::Done { .. }) => return Ok(Exit::Done),
            None | Some(AdminAnswer::Redirect { .. }) => {
                return Err(Failure::new(
                    Kind::Other,
                    "the center is gone: it ended the conversation half way",
                ));
            }
        }
    }
}

/// One request and its answers.
struct Conversation {
    stream: PrivateStream,
}

impl Conversation {
    fn begin(outside: &Outside, center: Option<&str>, request: &AdminRequest) -> Result<Self, Failure> {
        let mut stream = connect(outside, center)?;
        let line = serde_json::to_string(request).map_err(|error| Failure::new(Kind::Other, error))?;
        stream.send_line(&line).map_err(|error| Failure::new(Kind::Other, error))?;
        Ok(Self { stream })
    }

    fn next(&mut self) -> Result<Option<AdminAnswer>, Failure> {
        let line = self.stream.next_line().map_err(|error| Failure::new(Kind::Other, error))?;
        line.map(|line| serde_json::from_str(&line).map_err(|error| Failure::new(Kind::Other, error)))
            .transpose()
    }
}

/// Connects to the center that is meant: the one of that address, or the only one that runs here, or else elsewhere for the same
/// user.
fn connect(outside: &Outside, center: Option<&str>) -> Result<PrivateStream, Failure> {
    let folders = folders(&outside.env);
    if let Some(url) = center {
        let name = socket_name(port(url)?);
        if let Some(stream) = first(&folders, &name) {
            return stream.map_err(|error| Failure::new(Kind::Other, error));
        }
        // Behind a proxy the address has another port than the socket, so each center is asked for its address.
        for (_, mut stream) in running(&folders)? {
            if says_url(&mut stream).as_deref() == Some(url.trim_end_matches('/')) {
                return Ok(stream);
            }
        }
        return Err(none_running(Some(url)));
    }
    // One in the folder that this environment names is the one that was started here.
    let (here, elsewhere) = folders.split_at(1);
    let mut running = match running(here)? {
        none if none.is_empty() => running_elsewhere(elsewhere),
        found => found,
    };
    match running.len() {
        0 => Err(none_running(None)),
        1 => running.pop().map(|(_, stream)| stream).ok_or_else(|| none_running(None)),
        _ => {
            let ports: Vec<String> = running
                .iter()
                .map(|(name, _)| name.trim_start_matches("center-").trim_end_matches(".sock").to_owned())
                .collect();
            Err(Failure::new(
                Kind::Words,
                format!("several centers are running, on the ports {}", ports.join(", ")),
            )
            .hint(format!("say which: --center http://127.0.0.1:{}", ports[0])))
        }
    }
}

/// Where a center of this user may have put its socket: with or without a runtime folder in its environment.
fn folders(env: &Env) -> Vec<PathBuf> {
    let uid = outside::env::own_uid();
    let mut folders = vec![sockets::private_folder(env)];
    for folder in
        [PathBuf::from(format!("/run/user/{uid}/aldis")), PathBuf::from(format!("/tmp/aldis-{uid}"))]
    {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The centers that answer, by the names of their sockets. The folder that this environment names must be in order; the
/// others are looked into only where they are.
fn running(folders: &[PathBuf]) -> Result<Vec<(String, PrivateStream)>, Failure> {
    let (own, elsewhere) = folders.split_at(1);
    let mut running = Vec::new();
    for folder in own {
        running.extend(running_in(folder).map_err(|error| Failure::new(Kind::Other, error))?);
    }
    running.extend(running_elsewhere(elsewhere));
    Ok(running)
}

fn running_elsewhere(folders: &[PathBuf]) -> Vec<(String, PrivateStream)> {
    folders.iter().filter_map(|folder| running_in(folder).ok()).flatten().collect()
}

fn running_in(folder: &Path) -> Result<Vec<(String, PrivateStream)>, SocketError> {
    // One that nobody answers on was left by a center that was killed.
    let answers = |name: String| Some((name.clone(), sockets::connect_private(folder, &name).ok()?));
    Ok(sockets::private_sockets(folder)?.into_iter().filter_map(answers).collect())
}

/// The address that a center says is its own.
fn says_url(stream: &mut PrivateStream) -> Option<String> {
    stream.send_line(&serde_json::to_string(&AdminRequest::SayUrl).ok()?).ok()?;
    match serde_json::from_str(&stream.next_line().ok()??).ok()? {
        AdminAnswer::Done { message } => Some(message),
        _ => None,
    }
}

/// The first folder with that socket: its connection, or why there is none.
fn first(folders: &[PathBuf], name: &str) -> Option<Result<PrivateStream, SocketError>> {
    folders
        .iter()
        .filter(|folder| outside::files::exists(&folder.join(name)))
        .map(|folder| sockets::connect_private(folder, name))
        .next()
}

fn none_running(url: Option<&str>) -> Failure {
    let what = match url {
        Some(url) => format!("no center of yours is running at {url} on this machine"),
        None => "no center of yours is running on this machine".to_owned(),
    };
    Failure::new(Kind::Other, what).hint("start one: aldis serve")
}

fn port(url: &str) -> Result<u16, Failure> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let port = match authority.rsplit_once(':') {
        Some((_, digits)) => digits.parse().ok(),
        None if url.starts_with("https://") => Some(443),
        None => Some(80),
    };
    port.ok_or_else(|| {
        Failure::new(Kind::Words, format!("--center {url:?} names no port"))
            .hint("for example: --center http://127.0.0.1:8765")
    })
}

/// `+10m` and its like in seconds.
fn seconds(step: &str) -> Option<i64> {
    let step = step.strip_prefix('+').unwrap_or(step);
    let unit = step.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u32 = step.strip_suffix(unit)?.parse().ok()?;
    Some(i64::from(number) * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_time() {
        for (step, expected) in
            [("+10m", Some(600)), ("8h", Some(28_800)), ("7s", Some(7)), ("1d", Some(86_400))]
        {
            assert_eq!(seconds(step), expected, "{step}");
        }
        for step in ["", "m", "10", "-5m", "+-5m", "1.5h", "10 m", "ä"] {
            assert_eq!(seconds(step), None, "{step}");
        }
    }

    #[test]
    fn ports_of_addresses() {
        assert_eq!(port("http://127.0.0.1:8765/").ok(), Some(8765));
        assert_eq!(port("http://[::1]:1").ok(), Some(1));
        assert_eq!(port("https://center.example").ok(), Some(443));
        assert!(port("http://127.0.0.1:x").is_err());
    }
}
