//! Where the services of AWS are: region + partition + FIPS + dual-stack → base addresses, and what overrides them.
//! Nothing is looked up or asked, so that a new region works on its first day.

use wire::words::shown_address;

use crate::address::Address;

/// A service that Aldis calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// SSO OIDC: registrations, device authorization, tokens.
    SsoOidc,
    /// The access portal: accounts, roles, credentials.
    Sso,
    /// Who signed.
    Sts,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::SsoOidc, Self::Sso, Self::Sts];

    /// The environment variable that overrides its address.
    pub fn variable(self) -> &'static str {
        match self {
            Self::SsoOidc => "AWS_ENDPOINT_URL_SSO_OIDC",
            Self::Sso => "AWS_ENDPOINT_URL_SSO",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
        }
    }

    /// Its name in a `services` section.
    pub fn section_key(self) -> &'static str {
        match self {
            Self::SsoOidc => "sso_oidc",
            Self::Sso => "sso",
            Self::Sts => "sts",
        }
    }

    /// The first label or labels of its host.
    fn label(self, fips: bool) -> &'static str {
        match (self, fips) {
            (Self::SsoOidc, false) => "oidc",
            (Self::SsoOidc, true) => "oidc-fips",
            (Self::Sso, false) => "portal.sso",
            (Self::Sso, true) => "portal.sso-fips",
            (Self::Sts, false) => "sts",
            (Self::Sts, true) => "sts-fips",
        }
    }
}

/// One value for each service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerService<T> {
    /// For SSO OIDC.
    pub sso_oidc: T,
    /// For the access portal.
    pub sso: T,
    /// For STS.
    pub sts: T,
}

impl<T> PerService<T> {
    /// Asks `value` for each service.
    pub fn from_fn(mut value: impl FnMut(Service) -> T) -> Self {
        Self { sso_oidc: value(Service::SsoOidc), sso: value(Service::Sso), sts: value(Service::Sts) }
    }

    /// The value of one service.
    pub fn get(&self, service: Service) -> &T {
        match service {
            Service::SsoOidc => &self.sso_oidc,
            Service::Sso => &self.sso,
            Service::Sts => &self.sts,
        }
    }
}

/// The kind of addresses that somebody wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flavour {
    /// Endpoints with FIPS 140 cryptography.
    pub fips: bool,
    /// Endpoints that speak IPv6, too.
    pub dual_stack: bool,
}

/// Addresses that replace the computed ones, each where the AWS CLI reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` or its key in the profile: all below is switched off.
    pub ignored: bool,
    /// `AWS_ENDPOINT_URL_<SERVICE>`.
    pub variables: PerService<Option<String>>,
    /// `AWS_ENDPOINT_URL`.
    pub variable_for_all: Option<String>,
    /// The `services` section that the profile names.
    pub section: PerService<Option<String>>,
    /// `endpoint_url` in the profile.
    pub profile: Option<String>,
}

/// Where an address comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Computed from the region.
    Computed,
    /// An environment variable of that name.
    Variable(&'static str),
    /// The profile's `services` section.
    ServicesSection,
    /// `endpoint_url` in the profile.
    ProfileKey,
    /// The center with this issuer said so itself.
    Metadata {
        /// Its origin.
        issuer: String,
    },
}

impl std::fmt::Display for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Computed => out.write_str("computed from the region"),
            Self::Variable(name) => out.write_str(name),
            Self::ServicesSection => out.write_str("the services section of the profile"),
            Self::ProfileKey => out.write_str("endpoint_url in the profile"),
            Self::Metadata { issuer } => write!(out, "the metadata of {issuer}"),
        }
    }
}

/// The base address of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Without a slash at its end.
    pub address: Address,
    /// Who says so.
    pub source: Source,
}

impl Endpoint {
    /// The address of `path_and_query` (which begins with a slash) below this endpoint.
    pub fn at(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.address)
    }
}

/// An override or a region that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    /// The override is no address.
    #[error("{value:?} from {by} is not an http or https address without a user name")]
    BadOverride {
        /// What it says.
        value: String,
        /// Who says so.
        by: Source,
    },
    /// The region would make an address of somebody else.
    #[error("{0:?} is not the name of a region")]
    BadRegion(String),
}

impl Overrides {
    /// What overrides the address of `service`, by the AWS CLI's order: the service's variable, the variable for all,
    /// the `services` section, the profile.
    ///
    /// # Errors
    /// When the first one found is no address.
    pub fn of(&self, service: Service) -> Result<Option<Endpoint>, EndpointError> {
        if self.ignored {
            return Ok(None);
        }
        let candidates = [
            (self.variables.get(service), Source::Variable(service.variable())),
            (&self.variable_for_all, Source::Variable("AWS_ENDPOINT_URL")),
            (self.section.get(service), Source::ServicesSection),
            (&self.profile, Source::ProfileKey),
        ];
        for (value, source) in candidates {
            if let Some(value) = value.as_deref().map(str::trim).filter(|value| !value.is_empty()) {
                return match Address::parse(value) {
                    Some(address) => Ok(Some(Endpoint { address: address.trimmed(), source })),
                    None => Err(EndpointError::BadOverride { value: shown_address(value), by: source }),
                };
            }
        }
        Ok(None)
    }

    /// Every origin that an override names and that is plain http.
    pub fn plain_http_origins(&self) -> Vec<String> {
        let mut origins: Vec<String> = Service::ALL
            .into_iter()
            .filter_map(|service| self.of(service).ok().flatten())
            .filter(|endpoint| !endpoint.address.is_https() && !endpoint.address.is_loopback())
            .map(|endpoint| endpoint.address.origin())
            .collect();
        origins.sort();
        origins.dedup();
        origins
    }
}

/// The address of a service in a region.
///
/// # Errors
/// When the region is no name of a region: then it could lead the request to another host.
pub fn computed(service: Service, region: &str, flavour: Flavour) -> Result<Endpoint, EndpointError> {
    if !is_region_name(region) {
        return Err(EndpointError::BadRegion(region.to_owned()));
    }
    let partition = partition_of(region);
    let suffix = if flavour.dual_stack { partition.dual_stack_suffix } else { partition.suffix };
    // In GovCloud every endpoint is a FIPS one and has no name of its own, save for the dual-stack ones.
    let fips = flavour.fips && (partition.name != "aws-us-gov" || flavour.dual_stack);
    let text = format!("https://{}.{region}.{suffix}", service.label(fips));
    let address = Address::parse(&text).ok_or_else(|| EndpointError::BadRegion(region.to_owned()))?;
    Ok(Endpoint { address, source: Source::Computed })
}

/// Whether a text can be a region: letters, digits and dashes, so that it stays one label of a host.
pub fn is_region_name(region: &str) -> bool {
    !region.is_empty()
        && region.len() <= 63
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A part of AWS with names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// `aws`, `aws-cn`, …
    pub name: &'static str,
    region_prefix: &'static str,
    suffix: &'static str,
    dual_stack_suffix: &'static str,
}

/// The partition of a region, by its prefix; `aws` for all others.
pub fn partition_of(region: &str) -> Partition {
    PARTITIONS.into_iter().find(|partition| region.starts_with(partition.region_prefix)).unwrap_or(COMMERCIAL)
}

const COMMERCIAL: Partition =
    Partition { name: "aws", region_prefix: "", suffix: "amazonaws.com", dual_stack_suffix: "api.aws" };

const PARTITIONS: [Partition; 7] = [
    Partition {
        name: "aws-cn",
        region_prefix: "cn-",
        suffix: "amazonaws.com.cn",
        dual_stack_suffix: "api.amazonwebservices.com.cn",
    },
    Partition {
        name: "aws-us-gov",
        region_prefix: "us-gov-",
        suffix: "amazonaws.com",
        dual_stack_suffix: "api.aws",
    },
    Partition {
        name: "aws-eusc",
        region_prefix: "eusc-",
        suffix: "amazonaws.eu",
        dual_stack_suffix: "api.amazonwebservices.eu",
    },
    Partition {
        name: "aws-iso",
        region_prefix: "us-iso-",
        suffix: "c2s.ic.gov",
        dual_stack_suffix: "api.aws.ic.gov",
    },
    Partition {
        name: "aws-iso-b",
        region_prefix: "us-isob-",
        suffix: "sc2s.sgov.gov",
        dual_stack_suffix: "api.aws.scloud",
    },
    Partition {
        name: "aws-iso-e",
        region_prefix: "eu-isoe-",
        suffix: "cloud.adc-e.uk",
        dual_stack_suffix: "api.cloud-aws.adc-e.uk",
    },
    Partition {
        name: "aws-iso-f",
        region_prefix: "us-isof-",
        suffix: "csp.hci.ic.gov",
        dual_stack_suffix: "api.aws.hci.ic.gov",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Flavour = Flavour { fips: false, dual_stack: false };
    const FIPS: Flavour = Flavour { fips: true, dual_stack: false };
    const DUAL: Flavour = Flavour { fips: false, dual_stack: true };
    const BOTH: Flavour = Flavour { fips: true, dual_stack: true };

    /// The answers of botocore's own endpoint rules, one line a region and kind.
    #[test]
    fn addresses_are_those_of_the_endpoint_rules() {
        use Service::{Sso, SsoOidc, Sts};
        let table = [
            (SsoOidc, "us-east-1", PLAIN, "oidc.us-east-1.amazonaws.com"),
            (SsoOidc, "us-east-1", FIPS, "oidc-fips.us-east-1.amazonaws.com"),
            (SsoOidc, "us-east-1", DUAL, "oidc.us-east-1.api.aws"),
            (SsoOidc, "us-east-1", BOTH, "oidc-fips.us-east-1.api.aws"),
            (Sso, "eu-central-1", PLAIN, "portal.sso.eu-central-1.amazonaws.com"),
            (Sso, "eu-central-1", FIPS, "portal.sso-fips.eu-central-1.amazonaws.com"),
            (Sso, "eu-central-1", DUAL, "portal.sso.eu-central-1.api.aws"),
            (Sso, "eu-central-1", BOTH, "portal.sso-fips.eu-central-1.api.aws"),
            (Sts, "us-east-1", PLAIN, "sts.us-east-1.amazonaws.com"),
            (Sts, "us-east-1", FIPS, "sts-fips.us-east-1.amazonaws.com"),
            (Sts, "us-east-1", DUAL, "sts.us-east-1.api.aws"),
            (SsoOidc, "cn-north-1", PLAIN, "oidc.cn-north-1.amazonaws.com.cn"),
            (SsoOidc, "cn-north-1", FIPS, "oidc-fips.cn-north-1.amazonaws.com.cn"),
            (Sso, "cn-northwest-1", DUAL, "portal.sso.cn-northwest-1.api.amazonwebservices.com.cn"),
            (Sts, "cn-north-1", PLAIN, "sts.cn-north-1.amazonaws.com.cn"),
            (SsoOidc, "us-gov-west-1", PLAIN, "oidc.us-gov-west-1.amazonaws.com"),
            (SsoOidc, "us-gov-west-1", FIPS, "oidc.us-gov-west-1.amazonaws.com"),
            (SsoOidc, "us-gov-west-1", DUAL, "oidc.us-gov-west-1.api.aws"),
            (SsoOidc, "us-gov-west-1", BOTH, "oidc-fips.us-gov-west-1.api.aws"),
            (Sso, "us-gov-east-1", FIPS, "portal.sso.us-gov-east-1.amazonaws.com"),
            (Sts, "us-gov-east-1", FIPS, "sts.us-gov-east-1.amazonaws.com"),
            (SsoOidc, "eusc-de-east-1", PLAIN, "oidc.eusc-de-east-1.amazonaws.eu"),
            (Sso, "eusc-de-east-1", DUAL, "portal.sso.eusc-de-east-1.api.amazonwebservices.eu"),
            (SsoOidc, "us-iso-east-1", PLAIN, "oidc.us-iso-east-1.c2s.ic.gov"),
            (SsoOidc, "us-iso-east-1", DUAL, "oidc.us-iso-east-1.api.aws.ic.gov"),
            (Sso, "us-isob-east-1", PLAIN, "portal.sso.us-isob-east-1.sc2s.sgov.gov"),
            (Sso, "us-isob-east-1", BOTH, "portal.sso-fips.us-isob-east-1.api.aws.scloud"),
            (Sts, "eu-isoe-west-1", PLAIN, "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            (Sts, "eu-isoe-west-1", DUAL, "sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk"),
            (SsoOidc, "us-isof-south-1", FIPS, "oidc-fips.us-isof-south-1.csp.hci.ic.gov"),
            (SsoOidc, "us-isof-south-1", DUAL, "oidc.us-isof-south-1.api.aws.hci.ic.gov"),
            (SsoOidc, "xx-new-1", PLAIN, "oidc.xx-new-1.amazonaws.com"),
        ];
        for (service, region, flavour, host) in table {
            let endpoint = computed(service, region, flavour).unwrap();
            assert_eq!(endpoint.address.to_string(), format!("https://{host}"), "{service:?} {flavour:?}");
            assert_eq!(endpoint.source, Source::Computed);
        }
    }

    #[test]
    fn every_partition_has_its_name() {
        let table = [
            ("us-east-1", "aws"),
            ("mx-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-west-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-east-1", "aws-iso-f"),
        ];
        for (region, name) in table {
            assert_eq!(partition_of(region).name, name, "{region}");
        }
    }

    #[test]
    fn a_region_cannot_lead_elsewhere() {
        for region in ["", "evil.example/", "us-east-1.evil", "US-EAST-1", "us east", "a@b"] {
            assert!(computed(Service::Sts, region, PLAIN).is_err(), "{region}");
        }
    }

    #[test]
    fn overrides_go_by_the_order_of_the_aws_cli() {
        let mut overrides = Overrides {
            profile: Some("http://profile:1".into()),
            section: PerService { sso: Some("http://section:2/".into()), ..PerService::default() },
            ..Overrides::default()
        };
        let of = |overrides: &Overrides, service| {
            let endpoint = overrides.of(service).unwrap().unwrap();
            (endpoint.address.to_string(), endpoint.source)
        };
        assert_eq!(of(&overrides, Service::Sts), ("http://profile:1".into(), Source::ProfileKey));
        assert_eq!(of(&overrides, Service::Sso), ("http://section:2".into(), Source::ServicesSection));
        overrides.variable_for_all = Some("http://all:3".into());
        assert_eq!(
            of(&overrides, Service::Sso),
            ("http://all:3".into(), Source::Variable("AWS_ENDPOINT_URL"))
        );
        overrides.variables.sso = Some("http://one:4/prefix/".into());
        assert_eq!(
            of(&overrides, Service::Sso),
            ("http://one:4/prefix".into(), Source::Variable("AWS_ENDPOINT_URL_SSO"))
        );
        assert_eq!(overrides.plain_http_origins(), ["http://all:3", "http://one:4"]);
        overrides.ignored = true;
        assert_eq!(overrides.of(Service::Sso), Ok(None));
        assert!(overrides.plain_http_origins().is_empty());
    }

    #[test]
    fn an_override_that_is_no_address_is_named() {
        let overrides = Overrides { variable_for_all: Some("127.0.0.1:8765".into()), ..Overrides::default() };
        assert_eq!(
            overrides.of(Service::Sts).unwrap_err().to_string(),
            "\"127.0.0.1:8765\" from AWS_ENDPOINT_URL is not an http or https address without a user name"
        );
        let secret = "https://ann:hidden@h.example/?token=hidden".to_owned();
        let overrides = Overrides { variable_for_all: Some(secret), ..Overrides::default() };
        assert_eq!(
            overrides.of(Service::Sts).unwrap_err().to_string(),
            "\"https://h.example/\" from AWS_ENDPOINT_URL is not an http or https address without a user name"
        );
    }
}
