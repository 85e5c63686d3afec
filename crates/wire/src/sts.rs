//! STS, query protocol of 2011-06-15: GetCallerIdentity as form and XML.

use crate::words::{bare_error_name, escaped_markup};

/// The API version that requests name.
pub const VERSION: &str = "2011-06-15";
/// The XML namespace of every answer.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// The media type of a request.
pub const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The body of GetCallerIdentity.
pub const GET_CALLER_IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// Who signed a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// `AROA…:session name`.
    pub user_id: String,
    /// Twelve digits.
    pub account: String,
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
}

impl CallerIdentity {
    /// The answer of GetCallerIdentity.
    pub fn to_xml(&self, request_id: &str) -> String {
        format!(
            "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\n  <GetCallerIdentityResult>\n    <Arn>{}</Arn>\n    \
             <UserId>{}</UserId>\n    <Account>{}</Account>\n  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    \
             <RequestId>{}</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n",
            escape(&self.arn),
            escape(&self.user_id),
            escape(&self.account),
            escape(request_id),
        )
    }

    /// Reads the answer of GetCallerIdentity; nothing where one of the three members is missing.
    pub fn from_xml(text: &str) -> Option<Self> {
        Some(Self {
            user_id: element(text, "UserId")?,
            account: element(text, "Account")?,
            arn: element(text, "Arn")?,
        })
    }
}

/// How STS refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StsError {
    /// The key or the session token is unknown.
    InvalidClientTokenId,
    /// Signed with another secret, another body or at another time.
    SignatureDoesNotMatch,
    /// The credentials' time is over.
    ExpiredToken,
    /// Not signed at all.
    MissingAuthenticationToken,
    /// The `Authorization` header cannot be read.
    IncompleteSignature,
    /// No such action or version.
    InvalidAction,
    /// The action is missing.
    MissingAction,
    /// The server failed.
    InternalFailure,
}

impl StsError {
    /// Every refusal.
    pub const ALL: [Self; 8] = [
        Self::InvalidClientTokenId,
        Self::SignatureDoesNotMatch,
        Self::ExpiredToken,
        Self::MissingAuthenticationToken,
        Self::IncompleteSignature,
        Self::InvalidAction,
        Self::MissingAction,
        Self::InternalFailure,
    ];

    /// The `Code` of the error.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            Self::ExpiredToken => "ExpiredToken",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature => "IncompleteSignature",
            Self::InvalidAction => "InvalidAction",
            Self::MissingAction => "MissingAction",
            Self::InternalFailure => "InternalFailure",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::IncompleteSignature | Self::InvalidAction | Self::MissingAction => 400,
            Self::InternalFailure => 500,
            _ => 403,
        }
    }

    /// Finds a refusal by its code.
    pub fn from_code(code: &str) -> Option<Self> {
        let code = bare_error_name(code);
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// The body of a refusal.
    pub fn to_xml(self, message: &str, request_id: &str) -> String {
        let blame = if self.status() >= 500 { "Receiver" } else { "Sender" };
        format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>{blame}</Type>\n    <Code>{}</Code>\n    \
             <Message>{}</Message>\n  </Error>\n  <RequestId>{}</RequestId>\n</ErrorResponse>\n",
            self.code(),
            escape(message),
            escape(request_id),
        )
    }
}

/// Reads code and message of a refusal.
pub fn error_from_xml(text: &str) -> Option<(String, String)> {
    Some((element(text, "Code")?, element(text, "Message").unwrap_or_default()))
}

/// The text of the first element of that name without attributes.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(unescape(inner.trim()))
}

fn escape(text: &str) -> String {
    // XML 1.0 has no place for control characters, not even escaped ones.
    escaped_markup(&text.replace(char::is_control, "\u{fffd}"))
}

fn unescape(text: &str) -> String {
    // `&amp;` last, or `&amp;lt;` would be undone twice.
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_survives_xml_whatever_its_name() {
        let identity = CallerIdentity {
            user_id: "AROA1:a<b&amp;\"c\"'d'".into(),
            account: "111122223333".into(),
            arn: "arn:aws:sts::111122223333:assumed-role/R/a<b&amp;\"c\"".into(),
        };
        assert_eq!(CallerIdentity::from_xml(&identity.to_xml("id")), Some(identity));
    }

    #[test]
    fn refusals_name_code_and_message() {
        let xml = StsError::ExpiredToken.to_xml("over & out", "id");
        assert_eq!(error_from_xml(&xml), Some(("ExpiredToken".into(), "over & out".into())));
        assert_eq!(error_from_xml("<html>"), None);
    }
}
