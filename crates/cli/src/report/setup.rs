//! What to write into `~/.aws/config` so that every AWS tool finds a center.

/// A profile, a session under the AWS-shaped start URL (AWS CLI 2.35.13 and newer take no other) and the three addresses.
/// A `services` section is preferred to exported variables: left-over variables would
/// send the tokens of other sessions to whoever listens on that port later.
pub(crate) fn config(start_url: &str, region: &str, url: &str) -> String {
    format!(
        "[profile aldis]\n\
         sso_session = aldis\n\
         sso_account_id = 111122223333\n\
         sso_role_name = ReadOnly\n\
         region = {region}\n\
         services = aldis-local\n\
         \n\
         [sso-session aldis]\n\
         sso_start_url = {start_url}\n\
         sso_region = {region}\n\
         sso_registration_scopes = sso:account:access\n\
         \n\
         [services aldis-local]\n\
         sso_oidc =\n  endpoint_url = {url}\n\
         sso =\n  endpoint_url = {url}\n\
         sts =\n  endpoint_url = {url}\n"
    )
}
