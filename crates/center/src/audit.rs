//! Who, what, from where, with which outcome: one entry a decision, in the shape of CloudTrail, so that rules written for
//! Amazon's records find what they look for. Never a secret.

use jiff::Timestamp;
use serde_json::{Value, json};
use wire::words::printable;

use crate::instance::Call;

/// The longest text of a client's choice in an entry, in characters (S55), and the longest list.
const LONGEST: usize = 64;
const MOST_ITEMS: usize = 16;

/// An audit entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// The sign-in that it belongs to; none where there is none yet.
    pub workflow: Option<String>,
    /// The record in CloudTrail's shape.
    pub record: Value,
}

/// What is logged: the name of the event and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// RegisterClient.
    RegisterClient,
    /// StartDeviceAuthorization.
    StartDeviceAuthorization,
    /// A person, or an administrator on their behalf, decided on a device sign-in.
    DecideDeviceAuthorization,
    /// A client asked for an authorization code, and it was given or refused.
    Authorize,
    /// A name and a password were given on a page.
    CredentialVerification,
    /// A person signed in on a page.
    UserAuthentication,
    /// A person signed out on a page.
    SignOut,
    /// A signed-in person gave a user code that is none.
    LookUpUserCode,
    /// So many wrong user codes come that somebody seems to try them all.
    UserCodesGuessed,
    /// CreateToken, any grant.
    CreateToken,
    /// An authorization code was exchanged from another address than the one from which it was approved.
    RedeemedElsewhere,
    /// ListAccounts.
    ListAccounts,
    /// ListAccountRoles.
    ListAccountRoles,
    /// GetRoleCredentials.
    GetRoleCredentials,
    /// WhoAmI.
    WhoAmI,
    /// Logout.
    Logout,
    /// A client revoked a token.
    RevokeToken,
    /// Many registrations came from one address, or at all; told once a minute.
    RegistrationBurst,
    /// The same for device sign-ins.
    DeviceAuthorizationBurst,
    /// GetCallerIdentity.
    GetCallerIdentity,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::RegisterClient => "RegisterClient",
            Self::StartDeviceAuthorization => "StartDeviceAuthorization",
            Self::DecideDeviceAuthorization => "DecideDeviceAuthorization",
            Self::Authorize => "Authorize",
            Self::CredentialVerification => "CredentialVerification",
            Self::UserAuthentication => "UserAuthentication",
            Self::SignOut => "SignOut",
            Self::LookUpUserCode => "LookUpUserCode",
            Self::UserCodesGuessed => "UserCodesGuessed",
            Self::CreateToken => "CreateToken",
            Self::RedeemedElsewhere => "RedeemedElsewhere",
            Self::ListAccounts => "ListAccounts",
            Self::ListAccountRoles => "ListAccountRoles",
            Self::GetRoleCredentials => "GetRoleCredentials",
            Self::WhoAmI => "WhoAmI",
            Self::Logout => "Logout",
            Self::RevokeToken => "RevokeToken",
            Self::RegistrationBurst => "RegistrationBurst",
            Self::DeviceAuthorizationBurst => "DeviceAuthorizationBurst",
            Self::GetCallerIdentity => "GetCallerIdentity",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::GetCallerIdentity => "sts.amazonaws.com",
            Self::DecideDeviceAuthorization
            | Self::Authorize
            | Self::CredentialVerification
            | Self::UserAuthentication
            | Self::SignOut
            | Self::LookUpUserCode
            | Self::UserCodesGuessed
            | Self::RedeemedElsewhere => "signin.amazonaws.com",
            _ => "sso.amazonaws.com",
        }
    }

    fn is_read_only(self) -> bool {
        matches!(
            self,
            Self::ListAccounts
                | Self::ListAccountRoles
                | Self::GetRoleCredentials
                | Self::WhoAmI
                | Self::GetCallerIdentity
        )
    }

    fn kind(self) -> &'static str {
        match self {
            Self::GetCallerIdentity => "AwsApiCall",
            _ => "AwsServiceEvent",
        }
    }
}

impl Entry {
    /// An entry of a success by nobody known yet; the other methods add what is known.
    pub fn new(call: &Call<'_>, event: Event) -> Self {
        let account = call.instance.organisation.management_account();
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": { "type": "Unknown", "accountId": account },
            "eventTime": call.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": event.source(),
            "eventName": event.name(),
            "awsRegion": call.instance.organisation.region,
            "sourceIPAddress": printable(&call.caller.address, LONGEST),
            "userAgent": printable(&call.caller.user_agent, LONGEST),
            "requestParameters": null,
            "responseElements": null,
            "additionalEventData": {},
            "requestID": call.caller.request_id,
            "eventID": call.uuid(),
            "readOnly": event.is_read_only(),
            "eventType": event.kind(),
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management",
        });
        Self { at: call.now, workflow: None, record }
    }

    /// By, or on behalf of, that person.
    #[must_use]
    pub fn person(mut self, call: &Call<'_>, name: &str) -> Self {
        let organisation = &call.instance.organisation;
        let store = format!(
            "arn:aws:identitystore::{}:identitystore/{}",
            organisation.management_account(),
            organisation.identity_store_id()
        );
        if self.record["userIdentity"]["type"] == "Unknown" {
            self.insert("userIdentity", "type", json!("IdentityCenterUser"));
        }
        let on_behalf_of = json!({ "userId": organisation.user_id(name), "identityStoreArn": store });
        self.insert("userIdentity", "onBehalfOf", on_behalf_of);
        self.additional("UserName", json!(printable(name, LONGEST)))
    }

    /// Done by an administrator of the machine, known by the number of their user.
    #[must_use]
    pub fn administrator(mut self, uid: u32) -> Self {
        self.insert("userIdentity", "type", json!("Administrator"));
        self.insert("userIdentity", "uid", json!(uid));
        self
    }

    /// Part of that sign-in.
    #[must_use]
    pub fn workflow(mut self, workflow: &str) -> Self {
        self.workflow = Some(workflow.to_owned());
        self.additional("AuthWorkflowID", json!(workflow))
    }

    /// What was asked; secrets are left out by the caller.
    #[must_use]
    pub fn request(mut self, parameters: Value) -> Self {
        self.set("requestParameters", clean(parameters));
        self
    }

    /// One more fact.
    #[must_use]
    pub fn additional(mut self, name: &str, value: Value) -> Self {
        self.insert("additionalEventData", name, clean(value));
        self
    }

    /// How a sign-in event ended, in the words of CloudTrail: the event's own name with Success or Failure.
    #[must_use]
    pub fn outcome(mut self, event: Event, is_success: bool) -> Self {
        let word = if is_success { "Success" } else { "Failure" };
        self.set("serviceEventDetails", json!({ event.name(): word }));
        self
    }

    /// Account and role, where the event is about them.
    #[must_use]
    pub fn role(mut self, account: &str, role: &str) -> Self {
        self.set("serviceEventDetails", clean(json!({ "account_id": account, "role_name": role })));
        self
    }

    /// The account, where the event is about one.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.set("serviceEventDetails", clean(json!({ "account_id": account })));
        self
    }

    /// It was refused.
    #[must_use]
    pub fn refused(mut self, code: &str, message: &str) -> Self {
        self.set("errorCode", json!(code));
        self.set("errorMessage", json!(printable(message, LONGEST)));
        self
    }

    fn set(&mut self, name: &str, value: Value) {
        self.record[name] = value;
    }

    fn insert(&mut self, object: &str, name: &str, value: Value) {
        self.record[object][name] = value;
    }
}

/// Makes every text in a value printable and short.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(printable(&text, LONGEST)),
        Value::Array(items) => {
            let more = items.len().saturating_sub(MOST_ITEMS);
            let mut items: Vec<Value> = items.into_iter().take(MOST_ITEMS).map(clean).collect();
            if more > 0 {
                items.push(json!(format!("… and {more} more")));
            }
            Value::Array(items)
        }
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(name, value)| (name, clean(value))).collect())
        }
        other => other,
    }
}
