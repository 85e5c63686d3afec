//! What a center does by itself as time passes.

use std::time::Duration;

use center::changes::Change;
use center::housekeeping;
use center_store::{CommitError, Store};

use crate::shared::Shared;

/// How often it looks for replies to wipe, and for what may be forgotten.
const WIPE_EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: u32 = 60;

/// Keeps house for as long as the center runs.
pub(crate) async fn keep<S: Store>(shared: &Shared<S>) {
    let mut round = 0;
    loop {
        if round == 0 {
            forget(shared).await;
        }
        wipe(shared).await;
        tokio::time::sleep(WIPE_EVERY).await;
        round = (round + 1) % FORGET_EVERY;
    }
}

/// Does at once all that is due.
pub(crate) async fn catch_up<S: Store>(shared: &Shared<S>) {
    wipe(shared).await;
    forget(shared).await;
}

async fn wipe<S: Store>(shared: &Shared<S>) {
    match shared.store.gather_housekeeping(shared.clock.now()).await {
        Ok(facts) => commit(shared, housekeeping::wipe(&facts)).await,
        Err(error) => shared.report(&error),
    }
}

async fn forget<S: Store>(shared: &Shared<S>) {
    commit(shared, housekeeping::forget(shared.clock.now(), &shared.instance.lifetimes)).await;
}

async fn commit<S: Store>(shared: &Shared<S>, changes: Vec<Change>) {
    if changes.is_empty() {
        return;
    }
    // None of these changes expects anything, so there is no conflict to decide on again.
    if let Err(CommitError::Failed(error)) = shared.store.commit(changes, Vec::new()).await {
        shared.report(&error);
    }
}
