//! A proxy (HTTP CONNECT) behind which a center plays Amazon, for tools that can be sent nowhere else: it ends TLS for the
//! names of SSO OIDC, the access portal and STS with an authority of its own, and hands the plain HTTP to the center.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::{Center, PATIENCE};

/// The longest head of a request that is read.
const LONGEST_HEAD: usize = 64 * 1024;

/// A proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    folder: TempDir,
    log: Arc<Log>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What was asked of it, as `host:port`.
#[derive(Debug, Default)]
struct Log {
    joined: Mutex<Vec<String>>,
    refused: Mutex<Vec<String>>,
}

/// What every connection needs.
#[derive(Debug)]
struct Way {
    /// Host and port of the center.
    center: String,
    /// The names that the center plays.
    names: Vec<String>,
    tls: Arc<ServerConfig>,
    log: Arc<Log>,
}

impl Proxy {
    /// A proxy behind which `center` plays its region of Amazon. The center must have been told `--trusted-proxy 127.0.0.1`:
    /// signatures hold for the names that clients used.
    pub fn start(center: &Center) -> Self {
        let folder = tempfile::Builder::new().prefix("aldis-proxy-").tempdir().expect("a temporary folder");
        let region = center.ready["region"].as_str().expect("a region");
        let names = vec![
            format!("oidc.{region}.amazonaws.com"),
            format!("portal.sso.{region}.amazonaws.com"),
            format!("oidc.{region}.api.aws"),
            format!("portal.sso.{region}.api.aws"),
            format!("sts.{region}.amazonaws.com"),
            "sts.amazonaws.com".to_owned(),
        ];
        let tls = Arc::new(tls(&names, &folder.path().join("authority.pem")));
        let log = Arc::new(Log::default());
        let center = center.url().trim_start_matches("http://").to_owned();
        let way = Arc::new(Way { center, names, tls, log: log.clone() });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let is_over = is_over.clone();
            move || accept(&listener, &way, &is_over)
        });
        Self { address, folder, log, is_over, thread: Some(thread) }
    }

    /// What belongs into `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The file with its authority, which belongs into `AWS_CA_BUNDLE`.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Where clients went through it, as `host:port`, in order.
    pub fn joined(&self) -> Vec<String> {
        self.log.joined.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where they wanted to go and were refused.
    pub fn refused(&self) -> Vec<String> {
        self.log.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the one who waits for connections.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A certificate for the names, by an authority that is written to `path` and whose key is forgotten.
fn tls(names: &[String], path: &Path) -> ServerConfig {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "An authority for one test");
    let key = KeyPair::generate().expect("a key");
    let root = authority.self_signed(&key).expect("an authority");
    std::fs::write(path, root.pem()).expect("the authority's file");
    let issuer = Issuer::new(authority, key);

    let mut server = CertificateParams::new(names).expect("names");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key");
    let certificate = server.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate that fits its key")
}

fn accept(listener: &TcpListener, way: &Arc<Way>, is_over: &AtomicBool) {
    for stream in listener.incoming() {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let way = way.clone();
        // A client that breaks off is its own business; what it asked for is in the log.
        thread::spawn(move || serve(stream, &way));
    }
}

/// One CONNECT, and one request inside.
fn serve(mut stream: TcpStream, way: &Way) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (head, _) = read_head(&mut stream)?;
    let mut words = head.split(' ');
    let (method, place) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
    let name = place.strip_suffix(":443").unwrap_or_default();
    if method != "CONNECT" || !way.names.iter().any(|known| known == name) {
        way.log.refused.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        return stream.write_all(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }
    way.log.joined.lock().unwrap_or_else(PoisonError::into_inner).push(place.clone());
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let connection = ServerConnection::new(way.tls.clone()).map_err(io::Error::other)?;
    let mut inside = StreamOwned::new(connection, stream);
    let (head, begun) = read_head(&mut inside)?;
    let answer = forward(&head, begun, &mut inside, way)?;
    inside.write_all(&answer)?;
    inside.conn.send_close_notify();
    inside.flush()?;
    inside.sock.shutdown(Shutdown::Write)
}

/// Sends a request on to the center and hands over the whole answer.
fn forward(head: &str, mut body: Vec<u8>, rest: &mut impl Read, way: &Way) -> io::Result<Vec<u8>> {
    let (line, headers) = head.split_once("\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let mut sent =
        format!("{line}\r\nHost: {}\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.7\r\n", way.center);
    let mut length = 0;
    for header in headers.split("\r\n").filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        match name.to_ascii_lowercase().as_str() {
            "host" => sent.push_str(&format!("X-Forwarded-Host:{value}\r\n")),
            "connection" => {}
            "transfer-encoding" => return Err(io::ErrorKind::Unsupported.into()),
            "content-length" => {
                length = value.trim().parse().map_err(io::Error::other)?;
                sent.push_str(&format!("{header}\r\n"));
            }
            _ => sent.push_str(&format!("{header}\r\n")),
        }
    }
    let begun = body.len();
    body.resize(begun.max(length), 0);
    rest.read_exact(&mut body[begun..])?;
    let mut center = TcpStream::connect(&way.center)?;
    center.set_read_timeout(Some(PATIENCE))?;
    center.write_all(&[sent.as_bytes(), b"\r\n", &body].concat())?;
    let mut answer = Vec::new();
    center.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The head of a request without its empty line, and what of the body came along.
fn read_head(stream: &mut impl Read) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            bytes.truncate(end);
            return Ok((String::from_utf8(bytes).map_err(io::Error::other)?, body));
        }
        let length = stream.read(&mut part)?;
        if length == 0 || bytes.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..length]);
    }
}
