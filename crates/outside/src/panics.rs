//! A panic as a value: a call that panics has a result like one that fails, so that no thread waits for it for ever and no raw
//! panic message reaches a terminal. It does not carry the message of the panic, since that may quote a token.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, PanicHookInfo, catch_unwind};
use std::sync::Once;

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("internal error at {place}")]
pub struct Panicked {
    /// The file and the line of the panic.
    pub place: String,
}

thread_local! {
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work` and returns its panic, if it panics, as an error. The default panic message is not printed.
///
/// # Errors
/// If `work` panics.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !record(panic) {
                before(panic);
            }
        }));
    });
    CATCHING.with(|depth| depth.set(depth.get() + 1));
    // State that `work` has changed is not used again, or is behind locks that are read through their poison.
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.with(|depth| depth.set(depth.get() - 1));
    result.map_err(|_| {
        let place = PLACE.with_borrow_mut(Option::take);
        Panicked { place: place.unwrap_or_else(|| "an unknown place".to_owned()) }
    })
}

/// Keeps the place of a panic that [`catch`] is about to return; false if no `catch` runs on this thread.
fn record(panic: &PanicHookInfo<'_>) -> bool {
    if CATCHING.with(Cell::get) == 0 {
        return false;
    }
    PLACE.with_borrow_mut(|place| *place = panic.location().map(short_place));
    true
}

/// The last three parts of the path, and the line: the folders before them are those of the machine that built the program.
fn short_place(location: &Location<'_>) -> String {
    let parts: Vec<&str> = location.file().split('/').collect();
    let last = parts[parts.len().saturating_sub(3)..].join("/");
    format!("{last}:{}", location.line())
}

/// Panics if the variable `ALDIS_TEST_PANIC` names `operation`; only in builds with the feature `test-doors`.
pub fn test_door(operation: &str) {
    #[cfg(feature = "test-doors")]
    {
        let is_named = std::env::var("ALDIS_TEST_PANIC").is_ok_and(|named| named == operation);
        assert!(!is_named, "a test asked for this panic");
    }
    let _ = operation;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_names_its_place_and_not_its_message() {
        let caught = catch(|| -> u8 { panic!("token aoa-secret") }).unwrap_err();
        assert!(caught.place.starts_with("outside/src/panics.rs:"), "{caught}");
        assert!(!caught.to_string().contains("secret"), "{caught}");
        assert_eq!(catch(|| 7), Ok(7));
        let inner = catch(|| catch(|| -> u8 { panic!("inner") })).unwrap();
        assert!(inner.is_err(), "a catch within a catch");
    }
}
