//! The certificates of a PEM file (RFC 7468). A certificate that cannot be used is an error with its line: a bundle that is read
//! in part would fail later, at a server whose authority is the one that was left out.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use ureq::tls::Certificate;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A file of certificates that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CA bundle {path} cannot be used: {what}")]
pub struct BadBundle {
    /// The file.
    pub path: PathBuf,
    /// The line of the broken certificate, if one is broken.
    pub line: Option<usize>,
    /// The fault, with its line.
    pub what: String,
}

/// Reads every certificate of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Certificate<'static>>, BadBundle> {
    let broken = |line: Option<usize>, what: String| {
        let what = line.map_or_else(|| what.clone(), |line| format!("line {line}: {what}"));
        BadBundle { path: path.to_owned(), line, what }
    };
    let pem = std::fs::read(path).map_err(|error| broken(None, error.to_string()))?;
    let found = certificates(&pem).map_err(|(line, what)| broken(Some(line), what))?;
    if found.is_empty() {
        return Err(broken(None, "it holds no certificate".to_owned()));
    }
    Ok(found)
}

/// The certificates of a text; text around them is skipped. An error holds the line on which the broken certificate begins.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, (usize, String)> {
    let mut found = Vec::new();
    let mut begun: Option<(usize, String)> = None;
    let unfinished = |line| Err((line, "this certificate has no end".to_owned()));
    for (index, line) in pem.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        match &mut begun {
            Some((first, _)) if line == BEGIN => return unfinished(*first),
            None if line == BEGIN => begun = Some((index + 1, format!("{BEGIN}\n"))),
            None => {}
            Some((first, text)) => {
                text.push_str(line);
                text.push('\n');
                if line == END {
                    found.push(certificate(text).map_err(|what| (*first, what))?);
                    begun = None;
                }
            }
        }
    }
    match begun {
        Some((first, _)) => unfinished(first),
        None => Ok(found),
    }
}

fn certificate(pem: &str) -> Result<Certificate<'static>, String> {
    let certificate = Certificate::from_pem(pem.as_bytes())
        .map_err(|_| "this certificate is not base64 (PEM)".to_owned())?;
    let der = CertificateDer::from(certificate.der().to_vec());
    RootCertStore::empty().add(der).map_err(|error| format!("this is no certificate ({error})"))?;
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A self-signed authority; made for this test by rcgen, good until 2126.
    const GOOD: &str = include_str!("ca_bundle/good.pem");

    fn fault(text: &str) -> (usize, String) {
        certificates(text.as_bytes()).map(|found| found.len()).unwrap_err()
    }

    #[test]
    fn a_broken_certificate_is_told_with_its_line() {
        assert_eq!(certificates(GOOD.as_bytes()).map(|found| found.len()), Ok(1));
        let with_text = format!("# Corp\r\n{}\n# end\n{GOOD}", GOOD.replace('\n', "\r\n"));
        assert_eq!(certificates(with_text.as_bytes()).map(|found| found.len()), Ok(2));
        let lines = GOOD.lines().count();
        let (line, what) = fault(&format!("{GOOD}{BEGIN}\nMIIB!!!\n{END}\n"));
        assert_eq!(line, lines + 1);
        assert!(what.contains("base64"), "{what}");
        let (line, what) = fault(&format!("{GOOD}\n\n{BEGIN}\nTUlJQg==\n{END}\n"));
        assert_eq!(line, lines + 3);
        assert!(what.contains("no certificate"), "{what}");
        assert_eq!(fault(&format!("\n{BEGIN}\nMIIB\n{GOOD}")).0, 2, "no end before the next one");
        assert_eq!(fault(&format!("{GOOD}{BEGIN}\nMIIB\n")).0, lines + 1, "no end at all");
        assert_eq!(certificates(b"").map(|found| found.len()), Ok(0));
    }
}
