//! What `login` needs: which session, and in which ways to offer a sign-in here.

use std::net::IpAddr;

use std::net::Ipv4Addr;

use aws_formats::config::settings::{File, Value};
use outside::{Outside, Terminal};
use signin::choose::{self, Plan, Policy, Refusal, Way};
use signin::sign_in::{Mode, Wish};
use signin::surroundings::{Ssh, Surroundings, starts_local_browser};

use super::config::Config;
use super::profile::{self, NamedProfile, path_of};
use super::role;
use super::session::{self, Meant};
use crate::args::OutputFormat;
use crate::args::login::{FlowArgs, FlowChoice, LoginArgs};
use crate::report::hints::quoted;
use crate::report::words::{Style, warn};
use crate::report::{Failure, Kind};

/// A sign-in, completely.
#[derive(Debug)]
pub(crate) struct LoginRequest {
    /// The session.
    pub(crate) meant: Meant,
    /// How to sign in.
    pub(crate) how: How,
    /// Whether a sign-in that is still good will do.
    pub(crate) if_needed: bool,
    /// Warnings about the config: keys without effect, and access keys that stand under the names of profiles of the session.
    pub(crate) warnings: Vec<String>,
}

/// How to sign in, and why so.
#[derive(Debug)]
pub(crate) struct How {
    /// How somebody came here over SSH, if so.
    pub(crate) ssh: Option<Ssh>,
    /// Whether this is a container with a loopback of its own.
    pub(crate) is_container: bool,
    /// Whether the flow was asked for by name, so that the user knows why.
    pub(crate) is_asked_for: bool,
    /// Whether no browser is started because of `--no-browser`.
    pub(crate) no_browser: bool,
    /// The address of `--callback-listen` where no browser is waited for at all.
    pub(crate) listens_in_vain: Option<IpAddr>,
    /// Whether the browser runs on this computer, as far as is known.
    pub(crate) browser_is_here: bool,
    /// The options that named a flow, with a blank before each.
    pub(crate) flow_words: &'static str,
    /// What was chosen.
    pub(crate) plan: Plan,
    /// What it means for the sign-in.
    pub(crate) wish: Wish,
}

impl How {
    /// Says what the person should know before anything happens.
    pub(crate) fn tell(&self, outside: &Outside, style: Style) {
        if let Some(address) = self.listens_in_vain {
            let text = format!("--callback-listen {address} has no effect: no browser is waited for here");
            warn(outside, style, &text);
        }
    }
}

/// Completes it.
pub(crate) fn complete(args: &LoginArgs, outside: &Outside) -> Result<LoginRequest, Failure> {
    let config = Config::read(outside)?;
    let meant = session::complete_in(&args.session, &outside.env, &config)?;
    let profile = NamedProfile::find(args.session.profile.as_deref(), &outside.env)?
        .filter(|_| args.session.sso_session.is_none())
        .map_or("default", |named| named.name);
    let mut warnings = ineffective_keys(&meant, profile, &config);
    warnings.extend(role::keys_beside_session(&meant, &config));
    warnings.extend(profile::second_default(profile, &config));
    let is_for_a_program = args.global.output == OutputFormat::Json;
    let mode = match (args.no_wait, args.resume) {
        (true, _) => Mode::LeavePending,
        (_, true) => Mode::Resume,
        (false, false) => Mode::Usual,
    };
    let how = how(&args.how, mode, is_for_a_program, &meant, outside)?;
    Ok(LoginRequest { meant, how, if_needed: args.if_needed, warnings })
}

/// Warnings about keys that look as if they said how to sign in, and do not.
fn ineffective_keys(meant: &Meant, profile: &str, config: &Config) -> Vec<String> {
    const KEYS: [&str; 2] = ["sso_use_device_code", "sso_redirect_port"];
    let place = |value: &Value| format!("{}, line {}", path_of(value, config).display(), value.line);
    let mut warnings: Vec<String> = Vec::new();
    if let Some(value) = &meant.sso.use_device_code
        && !["true", "false"].iter().any(|word| value.text.trim().eq_ignore_ascii_case(word))
    {
        let shown = wire::words::printable(&value.text, 60);
        let key = KEYS[0];
        warnings.push(format!("{key} = {shown} has no effect, only true has one ({})", place(value)));
    }
    let section = config.settings.profile(profile);
    for (key, value) in KEYS.iter().filter_map(|key| Some((key, section?.value(key)?))) {
        warnings.push(match &meant.sso.session {
            Some(name) => {
                let place = place(value);
                format!("{key} has no effect in a profile; write it below [sso-session {name}] ({place})")
            }
            None => format!("{key} has no effect in a profile without sso_session ({})", place(value)),
        });
    }
    warnings
}

/// What the files say of how to sign in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Configured {
    /// Whether `sso_use_device_code` is true.
    use_device_code: bool,
    /// Whether the profile is of the kind without `sso_session`.
    is_legacy: bool,
}

impl Configured {
    /// Reads it.
    pub(crate) fn of(meant: &Meant) -> Self {
        // As the AWS CLI plans it: all other words than `true` count as if the key was not there (aws/aws-cli pull request 10635).
        let is_true = |value: &Value| value.text.trim().eq_ignore_ascii_case("true");
        let use_device_code = meant.sso.use_device_code.as_ref().is_some_and(is_true);
        Self { use_device_code, is_legacy: meant.sso.session.is_none() }
    }
}

/// What is known of the place, and what is chosen there.
pub(crate) fn chosen(
    args: &FlowArgs,
    mode: Mode,
    is_for_a_program: bool,
    configured: Configured,
    outside: &Outside,
) -> Result<(Surroundings, choose::Wish, Result<Plan, Refusal>), Failure> {
    let place = Surroundings::observe(outside);
    let flow = match args.flow {
        _ if args.use_device_code => Some(Way::Code),
        None | Some(FlowChoice::Auto) => None,
        Some(FlowChoice::Browser) => Some(Way::Open),
        Some(FlowChoice::Paste) => Some(Way::Paste),
        Some(FlowChoice::Device) => Some(Way::Code),
    };
    // Whoever types `--flow auto` wants just that.
    let is_undone = args.flow == Some(FlowChoice::Auto);
    let use_device_code = (configured.use_device_code && !is_undone).then_some(true);
    let wish = choose::Wish {
        flow,
        use_device_code,
        is_legacy: configured.is_legacy,
        no_browser: args.no_browser || mode != Mode::Usual,
        has_person: match mode {
            // Somebody was shown a sign-in, in whichever way; all ways are open that a policy allows.
            Mode::Resume => Some(true),
            // Nobody waits for a key.
            Mode::LeavePending => Some(false),
            // A program presses no keys.
            Mode::Usual => is_for_a_program.then_some(false),
        },
    };
    let wish = if mode == Mode::Resume { choose::Wish { use_device_code: None, ..wish } } else { wish };
    let policy = Policy::read().map_err(|error| {
        Failure::new(Kind::Configuration, error).hint(format!(
            "whoever administers this machine can mend it: ls -ld {} {}",
            Policy::FOLDER,
            Policy::FILE
        ))
    })?;
    let plan = choose::choose(&place, &wish, policy.as_ref());
    Ok((place, wish, plan))
}

/// How to sign in to what is meant.
pub(crate) fn how(
    args: &FlowArgs,
    mode: Mode,
    is_for_a_program: bool,
    meant: &Meant,
    outside: &Outside,
) -> Result<How, Failure> {
    let (place, asked, plan) = chosen(args, mode, is_for_a_program, Configured::of(meant), outside)?;
    let mut plan = plan.map_err(|refusal| refused(refusal, &meant.login))?;
    if mode == Mode::LeavePending {
        leave_pending(&mut plan).map_err(|error| refused_to_leave(error, &meant.login))?;
    }
    let ways = plan.ways();
    let terminal = &outside.terminal;
    if ways == [Way::Paste] && mode == Mode::Usual {
        somebody_reads(is_for_a_program, meant, terminal)?;
    }
    let waits_for_a_browser = ways.contains(&Way::Open);
    let (ssh, is_container) = (place.ssh().cloned(), place.is_container_apart());
    let browser_is_here = plan.comes_back || !place.is_away_from_the_person();
    let reads = Reads::new(&plan, mode, terminal, is_for_a_program);
    let wish = Wish {
        open_browser: plan.starts_browser,
        port: port(args, meant)?,
        browser_is_here,
        opens_short: starts_local_browser(&place, outside.env.get("BROWSER")),
        may_use_code: plan.may_use_code,
        mode,
        reads_keys: reads.keys,
        reads_lines: reads.lines,
        may_paste: plan.may_paste,
        told_keys: vec![COPY_KEY, QR_KEY, FORWARD_KEY],
        // 127.0.0.1 is where a browser is waited for anyway.
        callback_listen: args
            .callback_listen
            .filter(|address| waits_for_a_browser && *address != Ipv4Addr::LOCALHOST),
        has_terminal: terminal.input && terminal.error,
        at_once: args.now,
        ways,
    };
    let listens_in_vain = args.callback_listen.filter(|_| !waits_for_a_browser);
    let flow_words = match args.flow {
        _ if args.use_device_code => " --use-device-code",
        None => "",
        Some(FlowChoice::Auto) => " --flow auto",
        Some(FlowChoice::Browser) => " --flow browser",
        Some(FlowChoice::Paste) => " --flow paste",
        Some(FlowChoice::Device) => " --flow device",
    };
    Ok(How {
        ssh,
        is_container,
        is_asked_for: asked.flow.is_some(),
        no_browser: args.no_browser,
        listens_in_vain,
        browser_is_here,
        flow_words,
        plan,
        wish,
    })
}

/// The kinds of input that are read while a sign-in waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reads {
    /// Keys of a person at the terminal.
    keys: bool,
    /// Answers as lines of standard input.
    lines: bool,
}

impl Reads {
    /// Lines are nothing but pasted answers, so a policy that forbids pasting forbids them.
    fn new(plan: &Plan, mode: Mode, terminal: &Terminal, is_for_a_program: bool) -> Self {
        let waits = mode != Mode::LeavePending;
        let takes_lines = is_for_a_program || plan.ways() == [Way::Paste] || mode == Mode::Resume;
        Self {
            keys: terminal.input && terminal.error && !is_for_a_program && waits,
            lines: plan.may_paste && !terminal.input && takes_lines && waits,
        }
    }
}

/// A command that does not wait offers one way, which another command can finish: a code, else a link whose answer is pasted.
///
/// # Errors
/// If the policy allows neither.
fn leave_pending(plan: &mut Plan) -> Result<(), NothingToLeave> {
    for offer in &mut plan.offers {
        if offer.way == Way::Open {
            offer.way = Way::Paste;
        }
    }
    plan.offers.retain(|offer| offer.way != Way::Paste || plan.may_paste);
    plan.offers.truncate(1);
    plan.starts_browser = false;
    if plan.offers.is_empty() { Err(NothingToLeave) } else { Ok(()) }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{} allows only a browser that comes back to a command that waits for it, so --no-wait cannot be used",
    Policy::FILE
)]
struct NothingToLeave;

fn refused_to_leave(error: NothingToLeave, login: &str) -> Failure {
    Failure::new(Kind::Configuration, error)
        .hint(format!("see what is allowed: cat {}", Policy::FILE))
        .hint(format!("sign in and wait for the browser: {login}"))
}

/// Whether a pasted address would be read, where nothing else can finish the sign-in.
fn somebody_reads(is_for_a_program: bool, meant: &Meant, terminal: &Terminal) -> Result<(), Failure> {
    match (terminal.input, is_for_a_program, terminal.error) {
        // A line that a terminal reads is shown on it and cut off at 4,096 bytes, and keys that are read raw are a person's.
        (true, true, _) => Err(Failure::new(
            Kind::Words,
            "--output json takes a pasted address from a pipe, not from a terminal",
        )
        .hint(format!("leave it out: {} --flow paste", meant.login))),
        (true, false, false) => Err(Failure::new(
            Kind::Words,
            "--flow paste asks at the terminal, and standard error, where it asks, is none",
        )
        .hint(format!("leave standard error on the terminal: {} --flow paste", meant.login))
        .hint("or give the address as a line of standard input, from a pipe")),
        _ => Ok(()),
    }
}

/// Copies what was shown to the clipboard.
pub(crate) const COPY_KEY: char = 'y';
/// Shows a QR code of the device link.
pub(crate) const QR_KEY: char = 'q';
/// Shows how the browser's port is forwarded to this machine.
pub(crate) const FORWARD_KEY: char = 'f';

/// What keeps anybody from signing in here.
fn refused(refusal: Refusal, login: &str) -> Failure {
    match &refusal {
        Refusal::NobodyInCi { ci, .. } => {
            let settings = ci.settings;
            let failure = Failure::new(Kind::NotSignedIn, refusal);
            let failure = settings.iter().fold(failure, |failure, step| {
                failure.hint(format!("let the job have a role of its own: {step}"))
            });
            failure.hint(format!("somebody is there all the same? name a flow: {login} --flow device"))
        }
        Refusal::ForbiddenByPolicy { file, .. } => {
            let file = quoted(&file.to_string_lossy());
            Failure::new(Kind::Configuration, refusal).hint(format!("see what is allowed: cat {file}"))
        }
    }
}

/// The port of the options, else that of the files, else 0: a free one.
fn port(args: &FlowArgs, meant: &Meant) -> Result<u16, Failure> {
    match (args.redirect_port, &meant.sso.redirect_port) {
        (Some(port), _) => Ok(port),
        (None, Some(value)) => {
            let port = value.text.trim().parse().ok().filter(|port| *port > 0);
            port.ok_or_else(|| bad_value("sso_redirect_port", value, "a port from 1 to 65535", meant))
        }
        (None, None) => Ok(0),
    }
}

fn bad_value(key: &str, value: &Value, must_be: &str, meant: &Meant) -> Failure {
    let shown = wire::words::printable(&value.text, 60);
    let line = match value.file {
        File::Config => format!(" (line {} of the config file)", value.line),
        File::Credentials => format!(" (line {} of the credentials file)", value.line),
    };
    Failure::new(Kind::Configuration, format!("{key} must be {must_be}, not {shown:?}{line}"))
        .hint(format!("correct it: {}", meant.edit_file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use signin::surroundings::Readings;

    const MODES: [Mode; 3] = [Mode::Usual, Mode::LeavePending, Mode::Resume];

    /// Policy, options, mode, place and kind of standard input, each with each.
    #[test]
    fn an_answer_is_read_from_outside_the_listener_only_if_the_policy_allows_paste() {
        let names = ["browser", "paste", "device"];
        let subset = |set: u32| {
            let listed = names.iter().enumerate().filter(|(place, _)| set & 1 << place != 0);
            let listed: Vec<String> = listed.map(|(_, name)| format!("{name:?}")).collect();
            Policy::parse(&format!("allowed_flows = [{}]", listed.join(", "))).unwrap()
        };
        let policies: Vec<Option<Policy>> = (0..8).map(|set| Some(subset(set))).chain([None]).collect();
        let connection = [("SSH_CONNECTION".to_owned(), "192.0.2.7 1 192.0.2.8 22".to_owned())];
        let outside = Outside::real();
        let (mut reading, mut forbidden) = (0, 0);
        for case in 0..64_u32 {
            let is = |bit: u32| case & 1 << bit != 0;
            let (input, error, is_for_a_program) = (is(0), is(1), is(2));
            let variables = if is(3) { connection.clone().into() } else { Default::default() };
            let terminals = [input, true, error];
            let place = Surroundings::of(&Readings { variables, terminals, ..Readings::default() });
            let terminal = Terminal { input, error, ..outside.terminal.clone() };
            for flow in [None, Some(Way::Open), Some(Way::Paste), Some(Way::Code)] {
                let asked = choose::Wish {
                    flow,
                    use_device_code: is(4).then_some(true),
                    is_legacy: is(5),
                    no_browser: is(4),
                    has_person: is_for_a_program.then_some(false),
                };
                for (policy, mode) in policies.iter().flat_map(|policy| MODES.map(|mode| (policy, mode))) {
                    let Ok(mut plan) = choose::choose(&place, &asked, policy.as_ref()) else { continue };
                    if mode == Mode::LeavePending && leave_pending(&mut plan).is_err() {
                        continue;
                    }
                    let reads = Reads::new(&plan, mode, &terminal, is_for_a_program);
                    let wish = Wish {
                        ways: plan.ways(),
                        port: 0,
                        open_browser: plan.starts_browser,
                        browser_is_here: true,
                        opens_short: false,
                        may_use_code: plan.may_use_code,
                        mode,
                        reads_keys: reads.keys,
                        reads_lines: reads.lines,
                        may_paste: plan.may_paste,
                        told_keys: Vec::new(),
                        has_terminal: input && error,
                        at_once: false,
                        callback_listen: None,
                    };
                    let may = policy.as_ref().is_none_or(|policy| policy.allows(Way::Paste));
                    let is_read = wish.takes_answers() || reads.lines;
                    let is_offered = plan.ways().contains(&Way::Paste);
                    assert!(may || !(is_read || is_offered), "{policy:?} {asked:?} {terminals:?} {wish:?}");
                    (reading, forbidden) = (reading + u32::from(is_read), forbidden + u32::from(!may));
                    // Nothing is taken from a user who may paste: a program, and a person over SSH.
                    let is_meant = match mode {
                        Mode::Usual => is_for_a_program || plan.ways() == [Way::Paste],
                        Mode::Resume => true,
                        Mode::LeavePending => false,
                    };
                    assert_eq!(reads.lines, may && !input && is_meant);
                }
            }
        }
        assert!(reading > 100 && forbidden > 100, "{reading} {forbidden}");
    }
}
