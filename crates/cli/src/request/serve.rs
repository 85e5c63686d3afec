//! What `aldis serve` is to do, completely: where to listen, under which address, with whose people, and where things lie.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use center::instance::Lifetimes;
use center::organisation::Organisation;
use center::seed;
use center_web::Network;
use jiff::SignedDuration;
use outside::{Outside, files};
use wire::words::is_loopback_host;

use crate::args::serve::ServeArgs;
use crate::report::{Failure, Kind};

/// No organisation needs a longer text, and a device that never ends must not be read to its end.
const LARGEST_SEED: u64 = 16 * 1024 * 1024;

/// A center to be.
#[derive(Debug)]
pub(crate) struct ServeRequest {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The address under which it is reached, without a final slash; none is the listening one.
    pub(crate) url: Option<String>,
    /// Whose word on where a request came from counts.
    pub(crate) trusted_proxies: Vec<Network>,
    /// The database; none is memory.
    pub(crate) data: Option<PathBuf>,
    /// Where the keys lie; none where there is no home.
    pub(crate) keys: Option<PathBuf>,
    /// Whose center it is.
    pub(crate) organisation: Organisation,
    /// How long codes live.
    pub(crate) lifetimes: Lifetimes,
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
    let trusted_proxies = args.trusted_proxy.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
    if listen.ip().to_canonical().is_unspecified() && url.is_none() {
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
    let is_private = listen.ip().to_canonical().is_loopback()
        && url.as_deref().is_none_or(|url| is_loopback_host(host_of(url)));
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
    let is_plain_elsewhere =
        url.as_deref().is_some_and(|url| url.starts_with("http://") && !is_loopback_host(host_of(url)));
    if is_plain_elsewhere && !args.insecure_test_center {
        return Err(Failure::new(
            Kind::Words,
            "plain http shows every token to whoever is on the way, so --url must be https",
        )
        .hint("let a proxy end TLS: aldis serve --seed FILE --url https://center.example.com")
        .hint("or, for a test network only, add --insecure-test-center"));
    }
    if args.test_clock && !(args.memory && is_private) {
        return Err(Failure::new(Kind::Words, "--test-clock needs --memory and a loopback address"));
    }
    #[allow(clippy::disallowed_methods, reason = "a center has checks of its own for its data and its keys")]
    let state = outside.env.state_home().map(|folder| folder.join("aldis"));
    let (data, keys) = match (&args.data, args.memory) {
        (Some(file), _) => (Some(file.clone()), Some(beside(file))),
        (None, true) => {
            if let Some(folder) = &state {
                // Where it cannot be had, the key lives in memory.
                let _ = files::keep_private_folder(folder);
            }
            (None, state.map(|folder| folder.join("center.key")))
        }
        (None, false) => {
            let folder = state.ok_or_else(|| {
                Failure::new(Kind::Configuration, "there is no home folder to keep the data in")
                    .hint("name a file, or keep nothing: aldis serve --memory")
            })?;
            // A data file for each organisation: one's audit log is not another's.
            let name = match organisation.built_in {
                true => "center.db".to_owned(),
                false => format!("center-{}.db", organisation.name),
            };
            files::keep_private_folder(&folder).map_err(|error| {
                let what = format!("the data cannot be kept in {}: {error}", folder.display());
                Failure::new(Kind::Other, what)
                    .hint("keep the data elsewhere, or nowhere: aldis serve --memory")
            })?;
            (Some(folder.join(name)), Some(folder.join("center.key")))
        }
    };
    Ok(ServeRequest {
        listen,
        url,
        trusted_proxies,
        data,
        keys,
        organisation,
        lifetimes: Lifetimes {
            device_code: SignedDuration::from_mins(args.device_code_minutes),
            authorization_code: SignedDuration::from_mins(args.authorization_code_minutes),
            ..Lifetimes::default()
        },
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

fn network(text: &str) -> Result<Network, Failure> {
    text.parse().map_err(|_| {
        Failure::new(Kind::Words, format!("--trusted-proxy {text:?} is not an address or a network"))
            .hint("for example: aldis serve --trusted-proxy 10.0.0.7, or --trusted-proxy 10.0.0.0/8")
    })
}

/// An origin: scheme, host and port. A final slash is taken off, since the address is compared byte for byte.
fn center_url(text: &str) -> Result<String, Failure> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let rest = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://"));
    let is_origin = rest.is_some_and(is_authority);
    if is_origin && bare == bare.to_ascii_lowercase() {
        return Ok(without_usual_port(bare).to_owned());
    }
    Err(Failure::new(
        Kind::Words,
        format!("--url {text:?} is not an address of scheme, host and port in lower case"),
    )
    .hint("for example: aldis serve --url https://center.example.com"))
}

/// An origin as clients write it: they leave the usual port out, and the issuer is compared byte for byte.
pub(crate) fn without_usual_port(url: &str) -> &str {
    let port = if url.starts_with("https://") { ":443" } else { ":80" };
    url.strip_suffix(port).unwrap_or(url)
}

/// A host (a name, or an address, of version 6 in brackets) and perhaps a port.
fn is_authority(text: &str) -> bool {
    let is_port = |digits: &str| digits.parse::<u16>().is_ok_and(|port| port > 0);
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok()
            && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
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
    let bytes = files::read_at_most(path, LARGEST_SEED).map_err(|error| seed_failure(path, error))?;
    let bytes = bytes.ok_or_else(|| seed_failure(path, "there is no such file"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        seed_failure(path, format!("line {line}: the text is not UTF-8"))
    })?;
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
            ("http://[::1]:80", "http://[::1]"),
            ("https://center.example:443", "https://center.example"),
            ("https://center.example:80", "https://center.example:80"),
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
    fn what_is_no_authority() {
        for text in [
            "http://[::1",
            "https://..",
            "https://[c.example]:1",
            "http://a:b:80",
            "https://-a",
            "https://a..b",
            "https://[::1]x",
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
