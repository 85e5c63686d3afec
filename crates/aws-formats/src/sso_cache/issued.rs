//! A token file as far as signing out needs it: the token, and who issued it.

use wire::Secret;

use super::{CacheError, object, optional_text};

/// A token and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The start URL that it was given for, where the file says so.
    pub start_url: Option<String>,
    /// The region of that Identity Center, where the file says so.
    pub region: Option<String>,
    /// The token.
    pub access_token: Secret,
}

impl Issued {
    /// Reads a file of the SSO cache that any tool may have written; nothing where it holds no access token, as a
    /// registration does not. Unlike a token that is to be used it need not say when it ends.
    ///
    /// # Errors
    /// When nobody can tell what it holds.
    pub fn parse(file: &str) -> Result<Option<Self>, CacheError> {
        let map = object(file)?;
        let filled = |key: &str| optional_text(&map, key).filter(|text| !text.is_empty());
        Ok(filled("accessToken").map(|access_token| Self {
            start_url: filled("startUrl"),
            region: filled("region"),
            access_token: Secret::new(access_token),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_registrations_and_torn_files() {
        let file = r#"{"startUrl": "https://d-1.awsapps.com/start", "region": "us-east-1", "accessToken": "aoa", "expiresAt": "never"}"#;
        let issued = Issued::parse(file).unwrap().unwrap();
        assert_eq!(issued.start_url.as_deref(), Some("https://d-1.awsapps.com/start"));
        assert_eq!((issued.region.as_deref(), issued.access_token.expose()), (Some("us-east-1"), "aoa"));
        assert_eq!(Issued::parse(r#"{"clientId": "c", "clientSecret": "s"}"#), Ok(None));
        assert_eq!(Issued::parse(r#"{"accessToken": ""}"#), Ok(None));
        for torn in ["", &file[..40], "[]"] {
            assert_eq!(Issued::parse(torn), Err(CacheError::NotJson), "{torn}");
        }
    }
}
