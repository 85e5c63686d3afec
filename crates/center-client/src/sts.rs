//! STS: who signed a request.

use outside::http::Request;
use wire::sigv4::{self, Keys, Scope};
use wire::sts::{CallerIdentity, FORM, GET_CALLER_IDENTITY};
use wire::words::printable;

use crate::calls::{Call, CallError, Calls};
use crate::endpoint::Endpoint;
use crate::refusal::Face;

const SHOWN: usize = 2048;

/// Asks STS whose keys these are; the request is signed with them for `region`.
///
/// # Errors
/// When STS does not say.
pub fn caller_identity(
    calls: &Calls,
    endpoint: &Endpoint,
    keys: &Keys<'_>,
    region: &str,
) -> Result<CallerIdentity, CallError> {
    let now = calls.now();
    let path = format!("{}/", endpoint.address.path());
    let mut headers =
        vec![("host".to_owned(), endpoint.address.authority()), ("content-type".to_owned(), FORM.to_owned())];
    let body = GET_CALLER_IDENTITY.as_bytes();
    let request = sigv4::Request { method: "POST", path: &path, query: "", headers: &headers, body };
    let signature = sigv4::sign(request, keys, &Scope::new(now, region, "sts"), now);
    headers.extend(signature);
    let url = format!("{}{path}", endpoint.address.origin());
    let call = Call {
        face: Face::Sts,
        operation: "GetCallerIdentity",
        request: Request { method: "POST", url, headers, body: body.to_vec() },
    };
    // A question that changes nothing, so it may be asked again; the signature holds for some minutes.
    let response = calls.patiently(&call)?;
    let identity = CallerIdentity::from_xml(&response.text())
        .ok_or_else(|| call.unreadable("it names no identity".to_owned()))?;
    Ok(CallerIdentity {
        user_id: printable(&identity.user_id, SHOWN),
        account: printable(&identity.account, SHOWN),
        arn: printable(&identity.arn, SHOWN),
    })
}
