//! A start URL → where its center is and how it wants to be named.
//!
//! 1. A start URL on a host of AWS is used as it is, with the configured region.
//! 2. Where overrides name the services and the region is configured, the start URL is but a name: nobody is asked.
//! 3. Any other one is asked once with HEAD (GET where HEAD is not known). A redirect to a host of AWS leads to rule 1.
//! 4. Otherwise the metadata at its origin (RFC 8414) must name exactly this origin as issuer, and all addresses in it
//!    must lie there: no document may send tokens elsewhere.

use outside::http::{Request, Response};
use wire::metadata::{self, Metadata};
use wire::words::{plain_host, printable, shown_address};

use crate::address::Address;
use crate::calls::{Call, CallError, Calls};
use crate::endpoint::{
    Endpoint, EndpointError, Flavour, Overrides, Service, Source, computed, is_region_name,
};
use crate::refusal::Face;

/// What is known of a center before anybody is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The start URL as configured.
    pub start_url: String,
    /// The configured region.
    pub region: Option<String>,
    /// FIPS and dual-stack wishes.
    pub flavour: Flavour,
    /// Addresses that replace others.
    pub overrides: Overrides,
}

/// A center that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Center {
    /// The start URL to send. Files are named after the configured one, not after this.
    pub start_url: String,
    /// The region in which the center lives, or that it plays.
    pub region: String,
    /// SSO OIDC.
    pub sso_oidc: Endpoint,
    /// The access portal.
    pub sso: Endpoint,
    /// How the center names itself in each answer that a browser brings (RFC 9207), where it says that it does.
    pub issuer: Option<String>,
    /// Where tokens are revoked (RFC 7009), where the center says so.
    pub revocation: Option<Endpoint>,
    sts: Option<Endpoint>,
    flavour: Flavour,
}

impl Center {
    /// STS as seen from `region`: the one that goes with this center, or Amazon's in that region.
    ///
    /// # Errors
    /// When `region` is no region.
    pub fn sts(&self, region: &str) -> Result<Endpoint, EndpointError> {
        match &self.sts {
            Some(endpoint) => Ok(endpoint.clone()),
            None => computed(Service::Sts, region, self.flavour),
        }
    }

    /// The STS that the center told itself or that is configured; `None` for Amazon's.
    pub fn configured_sts(&self) -> Option<&Endpoint> {
        self.sts.as_ref()
    }

    /// The addresses by their keys in a `services` section, where the center told all of them itself.
    pub fn told_by_itself(&self) -> Option<Vec<(&'static str, String)>> {
        let faces = [
            (Service::SsoOidc, Some(&self.sso_oidc)),
            (Service::Sso, Some(&self.sso)),
            (Service::Sts, self.sts.as_ref()),
        ];
        let told = |(service, endpoint): (Service, Option<&Endpoint>)| {
            let endpoint = endpoint.filter(|endpoint| matches!(endpoint.source, Source::Metadata { .. }))?;
            Some((service.section_key(), endpoint.address.to_string()))
        };
        faces.into_iter().map(told).collect()
    }
}

/// Why a start URL leads to no center.
#[derive(Debug, thiserror::Error)]
pub enum StartUrlError {
    /// No address.
    #[error("the start URL {0:?} is not an http or https address without a user name")]
    NotAnAddress(String),
    /// A host of AWS over plain http.
    #[error("the start URL {0} must begin with https://")]
    NotHttps(String),
    /// Nobody says in which region it is.
    #[error("the start URL {0} does not say its region")]
    NoRegion(String),
    /// An override or region that cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The start URL's host gave no answer.
    #[error("the start URL {start_url} cannot be looked up")]
    Unanswered {
        /// As configured.
        start_url: String,
        /// Why not.
        source: CallError,
    },
    /// Neither a redirect to AWS nor metadata.
    #[error(
        "{origin} is not an Identity Center: it neither leads to AWS nor describes itself at {} ({what})",
        metadata::PATH
    )]
    NoCenter {
        /// Scheme, host and port of the start URL.
        origin: String,
        /// What it answered instead.
        what: String,
    },
    /// RFC 8414 section 3.3: not to be used.
    #[error("{origin} calls itself {issuer}, so it is not trusted")]
    OtherIssuer {
        /// Who was asked.
        origin: String,
        /// Who answered.
        issuer: String,
    },
    /// An address in the metadata leads elsewhere.
    #[error("{origin} says that its {member} is {address}, which is not its own, so it is not trusted")]
    LeadsElsewhere {
        /// Who was asked.
        origin: String,
        /// Which member.
        member: &'static str,
        /// What it says.
        address: String,
    },
}

/// Finds the center behind a start URL.
///
/// # Errors
/// When there is none, or none that is trusted.
pub fn find(calls: &Calls, wanted: &Wanted) -> Result<Center, StartUrlError> {
    let address = match plan(wanted)? {
        Plan::Known(center) => return Ok(*center),
        Plan::Ask(address) => address,
    };
    let unanswered = |source| StartUrlError::Unanswered { start_url: shown(&wanted.start_url), source };
    let mut answer = look("HEAD", &address, calls).map_err(unanswered)?;
    if matches!(answer.status, 405 | 501) {
        answer = look("GET", &address, calls).map_err(unanswered)?;
    }
    if let Some(target) = redirect_to_aws(&address, &answer) {
        return aws_center(&target, wanted);
    }
    let document = Call::get(Face::Web, "metadata", format!("{}{}", address.origin(), metadata::PATH));
    let answer = calls.patiently(&document).map_err(unanswered)?;
    described_center(&address.origin(), &answer, wanted)
}

/// Whether a host belongs to AWS, by the list of the AWS CLI.
pub fn is_aws_host(host: &str) -> bool {
    let host = plain_host(host);
    EXACT_HOSTS.contains(&host.as_str())
        || SUFFIXES.iter().any(|suffix| {
            host == *suffix || host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
        })
}

/// Whether a host is one of Amazon's, a portal or an API, in any partition.
pub fn is_amazons_domain(host: &str) -> bool {
    const DOMAINS: [&str; 7] = [
        "amazonaws.com",
        "amazonaws.com.cn",
        "amazonaws.eu",
        "aws",
        "amazonwebservices.com.cn",
        "amazonwebservices.eu",
        "ic.gov",
    ];
    let host = plain_host(host);
    is_aws_host(&host)
        || DOMAINS.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// Whether two start URLs mean the same center: query, fragment, slash at the end and the case of the host aside.
pub fn is_same(one: &str, other: &str) -> bool {
    match (Address::parse(one), Address::parse(other)) {
        (Some(one), Some(other)) => one.trimmed() == other.trimmed(),
        _ => one == other,
    }
}

/// The region that the host of a portal names.
pub fn region_of_host(host: &str) -> Option<String> {
    let host = plain_host(host);
    let (_, rest) = host.split_once('.')?;
    let after = PORTAL_THEN_REGION
        .iter()
        .find_map(|suffix| rest.strip_prefix("portal.")?.strip_suffix(suffix)?.strip_suffix('.'));
    let before = REGION_THEN_PORTAL.iter().find_map(|suffix| rest.strip_suffix(suffix)?.strip_suffix('.'));
    after.or(before).filter(|region| is_region_name(region)).map(str::to_owned)
}

/// Whether a host is the portal of a dual-stack instance: `ID.portal.REGION.app.aws`, and the same of other partitions.
fn is_dual_stack_portal(host: &str) -> bool {
    let host = plain_host(host);
    let rest = host.split_once('.').and_then(|(_, rest)| rest.strip_prefix("portal."));
    rest.is_some_and(|rest| {
        let region =
            PORTAL_THEN_REGION.iter().find_map(|suffix| rest.strip_suffix(suffix)?.strip_suffix('.'));
        region.is_some_and(is_region_name)
    })
}

const EXACT_HOSTS: [&str; 4] = [
    "identitycenter.amazonaws.com",
    "identitycenter.amazonaws.com.cn",
    "identitycenter.amazonaws.eu",
    "identitycenter.us-gov.amazonaws.com",
];
const SUFFIXES: [&str; 8] = [
    "app.aws",
    "portal.amazonaws.com",
    "portal.amazonaws.com.cn",
    "app.amazonwebservices.com.cn",
    "portal.amazonaws.eu",
    "api.amazonwebservices.eu",
    "awsapps.com",
    "awsapps.cn",
];
const PORTAL_THEN_REGION: [&str; 3] = ["app.aws", "app.amazonwebservices.com.cn", "api.amazonwebservices.eu"];
const REGION_THEN_PORTAL: [&str; 3] =
    ["portal.amazonaws.com", "portal.amazonaws.com.cn", "portal.amazonaws.eu"];
const SHOWN: usize = 300;

/// What to do about a start URL.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// Nobody needs to be asked.
    Known(Box<Center>),
    /// Its host must be asked.
    Ask(Address),
}

fn plan(wanted: &Wanted) -> Result<Plan, StartUrlError> {
    let start_url = || shown(&wanted.start_url);
    let address =
        Address::parse(&wanted.start_url).ok_or_else(|| StartUrlError::NotAnAddress(start_url()))?;
    if is_aws_host(address.host()) {
        if !address.is_https() {
            return Err(StartUrlError::NotHttps(start_url()));
        }
        return aws_center(&address, wanted).map(|center| Plan::Known(Box::new(center)));
    }
    let named = wanted.overrides.of(Service::SsoOidc)?.zip(wanted.overrides.of(Service::Sso)?);
    if let (Some((sso_oidc, sso)), Some(region)) = (named, &wanted.region) {
        return Ok(Plan::Known(Box::new(Center {
            start_url: address.trimmed().to_string(),
            region: region.clone(),
            sso_oidc,
            sso,
            issuer: None,
            revocation: None,
            sts: wanted.overrides.of(Service::Sts)?,
            flavour: wanted.flavour,
        })));
    }
    Ok(Plan::Ask(address))
}

/// A center of AWS: its region is configured, or part of its host.
fn aws_center(address: &Address, wanted: &Wanted) -> Result<Center, StartUrlError> {
    let from_host = region_of_host(address.host());
    // The AWS CLI trusts the host over the configuration only behind a redirect.
    let redirected =
        Address::parse(&wanted.start_url).is_none_or(|configured| configured.host() != address.host());
    let region =
        if redirected { from_host.or(wanted.region.clone()) } else { wanted.region.clone().or(from_host) };
    let region = region.ok_or_else(|| StartUrlError::NoRegion(address.to_string()))?;
    // A dual-stack instance is known at the dual-stack endpoints only (aws-cli issue 10507); the AWS CLI needs
    // AWS_USE_DUALSTACK_ENDPOINT for it. STS knows no instances.
    let dual_stack = wanted.flavour.dual_stack || is_dual_stack_portal(address.host());
    let endpoint = |service| match wanted.overrides.of(service)? {
        Some(endpoint) => Ok(endpoint),
        None => computed(service, &region, Flavour { dual_stack, ..wanted.flavour }),
    };
    Ok(Center {
        sso_oidc: endpoint(Service::SsoOidc)?,
        sso: endpoint(Service::Sso)?,
        issuer: None,
        revocation: None,
        sts: wanted.overrides.of(Service::Sts)?,
        start_url: address.clone().trimmed().to_string(),
        region,
        flavour: wanted.flavour,
    })
}

fn shown(address: &str) -> String {
    printable(&shown_address(address), SHOWN)
}

fn look(method: &'static str, address: &Address, calls: &Calls) -> Result<Response, CallError> {
    let path = if address.path().is_empty() { "/" } else { address.path() };
    let url = format!("{}{path}", address.origin());
    let request = Request { method, url, headers: Vec::new(), body: Vec::new() };
    calls.once(&Call { face: Face::Web, operation: "start URL", request })
}

fn redirect_to_aws(from: &Address, answer: &Response) -> Option<Address> {
    matches!(answer.status, 301 | 302 | 303 | 307 | 308).then_some(())?;
    from.follow(answer.header("location")?).filter(|to| to.is_https() && is_aws_host(to.host()))
}

fn described_center(origin: &str, answer: &Response, wanted: &Wanted) -> Result<Center, StartUrlError> {
    let no_center = |what: &str| StartUrlError::NoCenter { origin: origin.to_owned(), what: what.to_owned() };
    if answer.status != 200 {
        return Err(no_center(&format!("status {}", answer.status)));
    }
    let document: Metadata = serde_json::from_slice(&answer.body)
        .map_err(|_| no_center("the document there is no authorization server metadata"))?;
    if document.issuer != origin {
        let issuer = shown(&document.issuer);
        return Err(StartUrlError::OtherIssuer { origin: origin.to_owned(), issuer });
    }
    let faces =
        document.aldis.ok_or_else(|| no_center("it is an authorization server without an access portal"))?;
    if !is_region_name(&faces.region) {
        return Err(no_center("it names no region"));
    }
    let own = |member: &'static str, text: &str| {
        Address::parse(text).filter(|address| address.origin() == origin).ok_or_else(|| {
            let address = shown(text);
            StartUrlError::LeadsElsewhere { origin: origin.to_owned(), member, address }
        })
    };
    let endpoint = |service, member, text: &str| match wanted.overrides.of(service)? {
        Some(endpoint) => Ok::<_, StartUrlError>(endpoint),
        None => {
            let source = Source::Metadata { issuer: origin.to_owned() };
            Ok(Endpoint { address: own(member, text)?.trimmed(), source })
        }
    };
    own("start_url", &faces.start_url)?;
    let sso_oidc = endpoint(Service::SsoOidc, "sso_oidc", &faces.sso_oidc)?;
    // Behind an override somebody else may answer than whoever described itself here.
    let is_described = matches!(sso_oidc.source, Source::Metadata { .. });
    let revocation = document.revocation_endpoint.as_deref().filter(|_| is_described);
    let revocation = revocation.map(|text| own("revocation_endpoint", text)).transpose()?;
    let names_itself = is_described && document.authorization_response_iss_parameter_supported;
    Ok(Center {
        issuer: names_itself.then(|| origin.to_owned()),
        revocation: revocation.map(|address| Endpoint {
            address: address.trimmed(),
            source: Source::Metadata { issuer: origin.to_owned() },
        }),
        sso_oidc,
        sso: endpoint(Service::Sso, "sso", &faces.sso)?,
        sts: Some(endpoint(Service::Sts, "sts", &faces.sts)?),
        start_url: faces.start_url,
        region: faces.region,
        flavour: wanted.flavour,
    })
}

#[cfg(test)]
mod tests;
