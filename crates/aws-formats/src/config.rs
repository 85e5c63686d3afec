//! `~/.aws/config` and `~/.aws/credentials`, read by the specification that the SDKs share (it forgives more than the AWS
//! CLI does).

pub mod document;
pub mod edit;
pub mod lookup;
pub mod portable_name;
pub mod settings;
pub mod sso;

pub use document::{Document, Fault};
pub use settings::Settings;
pub use sso::{SsoError, SsoSettings};
