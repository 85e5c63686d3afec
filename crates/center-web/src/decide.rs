//! Gather, decide, commit; and once more where somebody was faster. The only loop that repeats a decision.

use center::{Call, Caller, Verdict};
use center_store::{CommitError, Store, StoreError};

use crate::shared::Shared;

/// How often at most. After one conflict the facts say who was faster, so a second is rare and a third does not happen by
/// chance.
const TRIES: usize = 5;

/// The center cannot answer. Whoever runs it has been told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// Turns one request into its answer: a reply or a refusal that goes out only after all that it changes is stored.
pub(crate) async fn turn<S: Store, Facts, Gathering, Reply, Refusal>(
    shared: &Shared<S>,
    caller: &Caller,
    gather: impl Fn() -> Gathering,
    decide: impl Fn(&Call<'_>, &Facts) -> Verdict<Reply, Refusal>,
) -> Result<Result<Reply, Refusal>, Unavailable>
where
    Gathering: Future<Output = Result<Facts, StoreError>>,
{
    let failed = |error: StoreError| {
        shared.report(&error);
        Unavailable
    };
    for _ in 0..TRIES {
        let facts = gather().await.map_err(failed)?;
        let verdict = shared.call(caller, |call| decide(call, &facts));
        if verdict.writes_nothing() {
            return Ok(verdict.reply);
        }
        match shared.store.commit(verdict.changes, verdict.entries).await {
            Ok(committed) => {
                shared.live.committed(committed.last_audit_position);
                return Ok(verdict.reply);
            }
            Err(CommitError::Conflict) => {}
            Err(CommitError::Failed(error)) => return Err(failed(error)),
        }
    }
    shared.report(&"a request found somebody faster every time it tried");
    Err(Unavailable)
}

/// The gathering of a use case that needs no facts.
pub(crate) async fn nothing() -> Result<(), StoreError> {
    Ok(())
}
