//! CreateToken with an authorization code: steps 4 and 5 of the code grant (see `things/code_grant.rs`).

use serde_json::json;
use wire::oidc::{CreateTokenRequest, GRANT_AUTHORIZATION_CODE, OidcError};

use crate::audit::{Entry, Event};
use crate::changes::Change;
use crate::device_decide::is_near;
use crate::instance::Call;
use crate::things::code_grant::{CodeGrant, challenge_of, is_verifier};
use crate::things::handle::ClientHash;
use crate::things::registered;
use crate::tokens::{self, Issued, Opening};
use crate::verdict::{OidcRefusal, Verdict};

/// Gives the tokens of a session, once. `grant` is what a store knows of the code.
pub fn decide(
    call: &Call<'_>,
    request: &CreateTokenRequest,
    grant: Option<&CodeGrant>,
) -> Verdict<Issued, OidcRefusal> {
    let mut entry = Entry::new(call, Event::CreateToken)
        .request(json!({ "clientId": request.client_id, "grantType": GRANT_AUTHORIZATION_CODE }));
    if let Some(grant) = grant {
        entry = entry.workflow(&grant.workflow).person(call, &grant.person);
    }
    match judge(call, request, grant) {
        Ok(grant) => redeem(call, grant, entry),
        Err(No { refusal, ends_session }) => {
            let mut entry = entry.refused(refusal.error.exception(), &refusal.description);
            let mut changes = Vec::new();
            if let Some(id) = ends_session {
                entry = entry.additional("SessionEnded", json!("authorization code presented again"));
                changes.push(Change::EndSession { id, at: call.now });
            }
            Verdict::refuse(refusal, changes, vec![entry])
        }
    }
}

struct No {
    refusal: OidcRefusal,
    ends_session: Option<String>,
}

impl From<OidcRefusal> for No {
    fn from(refusal: OidcRefusal) -> Self {
        Self { refusal, ends_session: None }
    }
}

fn judge<'a>(
    call: &Call<'_>,
    request: &CreateTokenRequest,
    grant: Option<&'a CodeGrant>,
) -> Result<&'a CodeGrant, No> {
    let registration = registered::registration(call, &request.client_id, &request.client_secret)?;
    if !registration.grants.authorization_code {
        let what = "The client is not registered for the authorization_code grant";
        return Err(OidcRefusal::new(OidcError::UnauthorizedClient, what).into());
    }
    let missing = |name: &str| OidcRefusal::new(OidcError::InvalidRequest, format!("{name} is missing"));
    request.code.as_ref().ok_or_else(|| missing("code"))?;
    let redirect_uri = request.redirect_uri.as_ref().ok_or_else(|| missing("redirectUri"))?;
    let verifier = request.code_verifier.as_ref().ok_or_else(|| missing("codeVerifier"))?;
    if !is_verifier(verifier) {
        let what = "codeVerifier must be 43 to 128 unreserved characters";
        return Err(OidcRefusal::new(OidcError::InvalidRequest, what).into());
    }
    let invalid = |why: &str| OidcRefusal::new(OidcError::InvalidGrant, why);
    let unknown = || invalid("Invalid grant provided");
    let grant = grant.ok_or_else(unknown)?;
    // Before anything else that is told of the code: to whom it does not belong, it is as unknown as any other, and a code
    // that was read somewhere on its way ends nobody's session.
    if grant.client != ClientHash::of(&request.client_id)
        || grant.redirect_uri != *redirect_uri
        || grant.challenge != challenge_of(verifier)
    {
        return Err(unknown().into());
    }
    if grant.session.is_some() {
        return Err(No { refusal: unknown(), ends_session: grant.session.clone() });
    }
    if call.now >= grant.expires_at {
        return Err(invalid("The authorization code has expired").into());
    }
    // The account's state is looked at again, as with a device (S12).
    if call.instance.person(&grant.person).is_none() {
        return Err(invalid("The person who approved may not sign in any more").into());
    }
    Ok(grant)
}

fn redeem(call: &Call<'_>, grant: &CodeGrant, entry: Entry) -> Verdict<Issued, OidcRefusal> {
    let opening = Opening {
        person: grant.person.clone(),
        client: grant.client.clone(),
        scopes: grant.scopes,
        workflow: grant.workflow.clone(),
    };
    let opened = tokens::open_session(call, opening);
    let mut changes = vec![Change::RedeemCodeGrant { handle: grant.handle.clone(), session: opened.session }];
    changes.extend(opened.changes);
    let mut entries = vec![entry];
    entries.extend(elsewhere(call, grant));
    Verdict::accept(opened.issued, changes, entries)
}

/// A code that comes from another address than the browser's was carried there, by its owner or by somebody who talked them out
/// of it (S50). Nothing tells the two apart, so it is only logged.
fn elsewhere(call: &Call<'_>, grant: &CodeGrant) -> Option<Entry> {
    let approved_from = grant.approved_from.as_ref()?;
    (!is_near(approved_from, &call.caller.address)).then(|| {
        Entry::new(call, Event::RedeemedElsewhere)
            .workflow(&grant.workflow)
            .person(call, &grant.person)
            .additional("ApprovedFrom", json!(approved_from))
    })
}
