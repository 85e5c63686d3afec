//! As meant: what was typed + environment + configuration → one complete request. Whatever is missing is refused here,
//! with a hint; nothing is asked later.

pub(crate) mod account;
pub(crate) mod config;
pub(crate) mod configure_sso;
pub(crate) mod exec;
pub(crate) mod handover;
pub(crate) mod identity;
pub(crate) mod login;
pub(crate) mod login_session;
pub(crate) mod profile;
pub(crate) mod profiles;
pub(crate) mod region;
pub(crate) mod role;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod whoami;
