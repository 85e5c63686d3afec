//! Endpoint addresses that go with credentials into an environment: those of the profile that gave the credentials, so that keys
//! of one center are not sent to another one, nor to Amazon.
//!
//! SDKs read `AWS_ENDPOINT_URL_<SERVICE>`, then `AWS_ENDPOINT_URL`, then the `services` section and `endpoint_url` of the profile in
//! use; a variable thus wins over every profile. Variables that Aldis set are listed in [`MARKER`], so that the next `creds` or
//! `exec` removes them. A variable that the user set is neither changed nor removed.
//!
//! The addresses of SSO and SSO OIDC are not handed over: they get the token of a sign-in and never role credentials, and as a
//! variable they would get the token of every other profile that is used in the same shell.

use std::borrow::Cow;

use aws_formats::config::Settings;
use outside::Env;
use wire::words::sha256_base64;

/// The variable that lists what Aldis set: `NAME:FINGERPRINT`, separated by commas. The fingerprint of the value tells whether the
/// user has set the variable to something else since.
pub(crate) const MARKER: &str = "ALDIS_ENDPOINTS";
const FOR_ALL: &str = "AWS_ENDPOINT_URL";
const PER_SERVICE: &str = "AWS_ENDPOINT_URL_";
const STS: &str = "AWS_ENDPOINT_URL_STS";
const IGNORED: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
/// The keys of a `services` section for the services that get the token of a sign-in.
const OF_SIGN_INS: [&str; 2] = ["sso", "sso_oidc"];

/// The endpoint addresses that a profile configures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProfileEndpoints {
    /// `ignore_configured_endpoint_urls`: variables and the values below have no effect.
    is_ignored: bool,
    /// By variable name, such as `AWS_ENDPOINT_URL_S3`.
    services: Vec<(String, String)>,
    /// `endpoint_url`.
    for_all: Option<String>,
}

impl ProfileEndpoints {
    /// Reads a profile and its `services` section; empty if there is no such profile.
    pub(crate) fn from_profile(settings: &Settings, profile: &str) -> Self {
        let Some(section) = settings.profile(profile) else { return Self::default() };
        let filled = |value: &str| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        let services = section.get("services").and_then(|name| settings.services(name));
        let address = |key: &str| services?.nested(key, "endpoint_url").and_then(filled);
        let is_name = |key: &str| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let keys = services.into_iter().flat_map(|section| section.iter().map(|(key, _)| key));
        let services = keys
            .filter(|key| is_name(key) && !OF_SIGN_INS.contains(key))
            .filter_map(|key| Some((format!("{PER_SERVICE}{}", key.to_ascii_uppercase()), address(key)?)))
            .collect();
        Self {
            is_ignored: is_true(section.get("ignore_configured_endpoint_urls")),
            services,
            for_all: section.get("endpoint_url").and_then(filled),
        }
    }

    /// The addresses that an earlier `creds` or `exec` set in this environment.
    pub(crate) fn from_environment(env: &Env) -> Self {
        let owned = |name: &str| (name.to_owned(), env.get(name).unwrap_or_default().to_owned());
        let (services, others): (Vec<_>, Vec<_>) =
            ours(env).into_iter().partition(|name| name.starts_with(PER_SERVICE));
        Self {
            is_ignored: others.contains(&IGNORED),
            services: services.into_iter().map(owned).collect(),
            for_all: others.into_iter().find(|name| *name == FOR_ALL).map(|name| owned(name).1),
        }
    }

    /// The same with the address of STS that the center told itself, unless the profile says which STS is meant.
    #[must_use]
    pub(crate) fn with_sts(mut self, address: Option<String>) -> Self {
        let is_configured = self.for_all.is_some() || self.services.iter().any(|(name, _)| name == STS);
        if let Some(address) = address.filter(|_| !is_configured && !self.is_ignored) {
            self.services.push((STS.to_owned(), address));
        }
        self
    }
}

/// Changes of an environment that go with credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Handover {
    /// Variables with values, [`MARKER`] among them.
    pub(crate) set: Vec<(String, String)>,
    /// Variables to remove.
    pub(crate) unset: Vec<String>,
    /// Addresses of the profile in use that still count for the credentials although they belong to another profile, by the
    /// variables that would replace them.
    pub(crate) exposed_to: Vec<String>,
}

/// Decides what an environment needs for credentials of a profile with the addresses `own`, if programs then read the addresses
/// `later` from the profile in use.
pub(crate) fn hand_over(env: &Env, own: &ProfileEndpoints, later: &ProfileEndpoints) -> Handover {
    let by_user = without_ours(env);
    let is_set = |name: &str| by_user.get(name).is_some();
    let mut set: Vec<(String, String)> = Vec::new();
    let mut exposed_to = Vec::new();
    if is_set(IGNORED) && is_true(by_user.get(IGNORED)) || is_set(FOR_ALL) {
        // Nothing of a profile counts.
    } else if own.is_ignored && !is_set(IGNORED) {
        set.push((IGNORED.to_owned(), "true".to_owned()));
    } else {
        set.extend(own.services.iter().filter(|(name, _)| !is_set(name)).cloned());
        set.extend(own.for_all.iter().map(|address| (FOR_ALL.to_owned(), address.clone())));
        if own.for_all.is_none() && !later.is_ignored {
            let is_covered = |name: &str| is_set(name) || set.iter().any(|(other, _)| other == name);
            let others = later.services.iter().map(|(name, _)| name.as_str());
            let others = others.chain(later.for_all.iter().map(|_| FOR_ALL));
            exposed_to = others.filter(|name| !is_covered(name)).map(str::to_owned).collect();
        }
        let may_ignore = set.is_empty() && !by_user.iter().any(|(name, _)| is_ours_to_set(name));
        if !exposed_to.is_empty() && may_ignore {
            exposed_to.clear();
            set.push((IGNORED.to_owned(), "true".to_owned()));
        }
    }
    let is_kept = |name: &str| set.iter().any(|(other, _)| other == name);
    let mut unset: Vec<String> =
        ours(env).into_iter().filter(|name| !is_kept(name)).map(str::to_owned).collect();
    if !set.is_empty() {
        let listed: Vec<String> =
            set.iter().map(|(name, value)| format!("{name}:{}", fingerprint(value))).collect();
        set.push((MARKER.to_owned(), listed.join(",")));
    } else if env.get(MARKER).is_some() {
        unset.push(MARKER.to_owned());
    }
    Handover { set, unset, exposed_to }
}

/// The environment without the variables that Aldis set for other credentials.
pub(crate) fn without_ours(env: &Env) -> Cow<'_, Env> {
    let ours = ours(env);
    if ours.is_empty() {
        return Cow::Borrowed(env);
    }
    Cow::Owned(env.clone().without(|name| ours.contains(&name)))
}

/// The variables that [`MARKER`] lists and that still have the value that Aldis gave them.
fn ours(env: &Env) -> Vec<&str> {
    let Some(listed) = env.get(MARKER) else { return Vec::new() };
    let entries = listed.split(',').filter_map(|entry| entry.split_once(':'));
    entries
        .filter(|(name, print)| {
            is_ours_to_set(name) && env.get(name).is_some_and(|value| fingerprint(value) == *print)
        })
        .map(|(name, _)| name)
        .collect()
}

/// Whether a name is one that [`hand_over`] sets. The list comes from the environment, and a shell runs what is made of it.
fn is_ours_to_set(name: &str) -> bool {
    let is_service = |rest: &str| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    name == FOR_ALL || name == IGNORED || name.strip_prefix(PER_SERVICE).is_some_and(is_service)
}

fn fingerprint(value: &str) -> String {
    sha256_base64(value).chars().take(12).collect()
}

fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests;
