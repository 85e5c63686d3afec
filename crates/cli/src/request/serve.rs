//! What `aldis serve` is to do, completely: where to listen, under which address, with whose people, and where things lie.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use center::organisation::Organisation;
use center::seed;
use outside::{Outside, files};
use wire::words::is_loopback_host;

use crate::args::serve::ServeArgs;
use crate::report::{Failure, Kind};

/// A center to be.
#[derive(Debug)]
pub(crate) struct ServeRequest {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The address under which it is reached, without a final slash; none is the listening one.
    pub(crate) url: Option<String>,
    /// The database; none is memory.
    pub(crate) data: Option<PathBuf>,
    /// Where the keys lie; none where there is no home.
    pub(crate) keys: Option<PathBuf>,
    /// Whose center it is.
    pub(crate) organisation: Organisation,
    /// In whose name every sign-in is approved.
    pub(crate) auto_approve: Option<String>,
    /// Whether it is open to other machines though anybody may sign in.
    pub(crate) is_test: bool,
    /// Whether its clock can be moved.
    pub(crate) test_clock: bool,
}

/// Completes the arguments; refuses what is missing, contradicts or would be dangerous.
pub(crate) fn complete(args: &ServeArgs, outside: &Outside) -> Result<ServeRequest, Failure> {
    let listen = listen_address(&args.listen)?;
    let url = args.url.as_deref().map(center_url).transpose()?;
    if listen.ip().is_unspecified() && url.is_none() {
        return Err(Failure::new(
            Kind::Words,
            format!("--listen {listen} needs --url, the address by which people reach it"),
        )
        .hint(format!("name it: aldis serve --listen {listen} --url https://center.example.com")));
    }
    let organisation = match &args.seed {
        Some(path) => read_seed(path)?,
        None => seed::built_in(),
    };
    if let Some(person) = &args.auto_approve
        && !organisation.people.iter().any(|known| known.name == *person)
    {
        let names: Vec<&str> = organisation.people.iter().map(|known| known.name.as_str()).collect();
        let what = format!("--auto-approve: there is no person {person:?} (there is {})", names.join(", "));
        return Err(Failure::new(Kind::Words, what));
    }
    let is_private =
        listen.ip().is_loopback() && url.as_deref().is_none_or(|url| is_loopback_host(host_of(url)));
    let is_open_to_all = args.auto_approve.is_some() || organisation.built_in;
    if is_open_to_all && !is_private && !args.insecure_test_center {
        let what = if args.auto_approve.is_some() { "--auto-approve" } else { "the built-in organisation" };
        return Err(Failure::new(
            Kind::Words,
            format!("{what} lets anybody sign in, so it serves this machine only: --listen and --url must be loopback"),
        )
        .hint("give the center people of its own: aldis serve --seed FILE")
        .hint("or, for a test network only, add --insecure-test-center"));
    }
    if args.test_clock && !(args.memory && is_private) {
        return Err(Failure::new(Kind::Words, "--test-clock needs --memory and a loopback address"));
    }
    let state = outside.env.state_home().map(|folder| folder.join("aldis"));
    let (data, keys) = match (&args.data, args.memory) {
        (Some(file), _) => (Some(file.clone()), Some(beside(file))),
        (None, true) => (None, state.map(|folder| folder.join("center.key"))),
        (None, false) => {
            let folder = state.ok_or_else(|| {
                Failure::new(Kind::Configuration, "there is no home folder to keep the data in")
                    .hint("name a file, or keep nothing: aldis serve --memory")
            })?;
            (Some(folder.join("center.db")), Some(folder.join("center.key")))
        }
    };
    Ok(ServeRequest {
        listen,
        url,
        data,
        keys,
        organisation,
        auto_approve: args.auto_approve.clone(),
        is_test: is_open_to_all && args.insecure_test_center,
        test_clock: args.test_clock,
    })
}

fn listen_address(text: &str) -> Result<SocketAddr, Failure> {
    text.replace("localhost:", "127.0.0.1:").parse().map_err(|_| {
        Failure::new(Kind::Words, format!("--listen {text:?} is not an address and a port"))
            .hint("for example: aldis serve --listen 127.0.0.1:8765")
    })
}

/// An origin: scheme, host and port. A final slash is taken off, since the address is compared byte for byte.
fn center_url(text: &str) -> Result<String, Failure> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let rest = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    let is_origin = rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
            && !host_of(bare).is_empty()
            && port_of(rest)
    });
    if is_origin && bare == bare.to_ascii_lowercase() {
        return Ok(bare.to_owned());
    }
    Err(Failure::new(
        Kind::Words,
        format!("--url {text:?} is not an address of scheme, host and port in lower case"),
    )
    .hint("for example: aldis serve --url https://center.example.com"))
}

fn port_of(authority: &str) -> bool {
    match authority.rsplit_once(':') {
        Some((host, digits)) if !host.contains('[') || host.ends_with(']') => {
            digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
        _ => true,
    }
}

fn host_of(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".key");
    file.with_file_name(name)
}

fn read_seed(path: &Path) -> Result<Organisation, Failure> {
    let text = files::read_text(path).map_err(|error| seed_failure(path, error))?;
    let text = text.ok_or_else(|| seed_failure(path, "there is no such file"))?;
    seed::parse(&text).map_err(|error| seed_failure(path, error))
}

fn seed_failure(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Configuration, format!("the seed {}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_without_a_final_slash() {
        for (text, kept) in [
            ("https://center.example.com/", "https://center.example.com"),
            ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
            ("http://[::1]:8765", "http://[::1]:8765"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(center_url(text).ok().as_deref(), Some(kept), "{text}");
        }
        for text in [
            "center.example.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a?x",
            "https://u@a",
            "https://A",
            "https://a:0",
            "https://a:port",
        ] {
            assert!(center_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_found() {
        assert_eq!(host_of("http://[::1]:1"), "::1");
        assert_eq!(host_of("https://a.example:1"), "a.example");
    }
}
