//! One file a command: the conductor. It asks the request, calls the library and hands the result to the report.

pub(crate) mod accounts;
pub(crate) mod center;
pub(crate) mod configure;
pub(crate) mod configure_list;
pub(crate) mod configure_sso;
pub(crate) mod creds;
pub(crate) mod demo;
mod demo_robot;
pub(crate) mod exec;
mod keys;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod profiles;
pub(crate) mod roles;
pub(crate) mod serve;
mod serve_keys;
pub(crate) mod status;
pub(crate) mod sts;
pub(crate) mod whoami;
