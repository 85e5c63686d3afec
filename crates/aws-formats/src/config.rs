//! `~/.aws/config` and `~/.aws/credentials`, read by the specification that the SDKs share (it forgives more than the AWS
//! CLI does), except if the AWS CLI takes another value for the same text: a key ends at the first `=` or `:`, and of `[default]`
//! and `[profile default]` the later one counts.

pub mod account_id;
pub mod document;
pub mod edit;
pub mod encoding;
pub mod lookup;
pub mod portable_name;
pub mod profile_kind;
pub mod settings;
pub mod sso;

pub use document::{Document, Fault};
pub use profile_kind::{ProfileKind, RoleSource};
pub use settings::Settings;
pub use sso::{SsoError, SsoSettings};
