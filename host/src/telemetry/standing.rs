//! Whether a part of the host works at the moment, told by the part itself: what `/readyz` looks at.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Clones tell of the same part. A part is sound until it says otherwise, and again once it says so.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_broken: AtomicBool,
    reason: Mutex<Option<String>>,
}

impl Standing {
    /// The part cannot do its work, for this reason; for logs, not for strangers.
    pub fn broken(&self, reason: impl Into<String>) {
        *self.reason() = Some(reason.into());
        self.0.is_broken.store(true, Ordering::Release);
    }

    /// The part works. Costs one read of memory where it has worked before.
    pub fn sound(&self) {
        if self.0.is_broken.load(Ordering::Acquire) {
            *self.reason() = None;
            self.0.is_broken.store(false, Ordering::Release);
        }
    }

    /// Why the part does not work; `None` if it does.
    pub fn trouble(&self) -> Option<String> {
        self.0.is_broken.load(Ordering::Acquire).then(|| self.reason().clone()).flatten()
    }

    fn reason(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_works_again_has_no_trouble_left() {
        let (part, seen) = (Standing::default(), Standing::default());
        assert_eq!(part.trouble(), None);
        let watched = part.clone();
        part.broken("no space");
        part.broken("read-only");
        assert_eq!(watched.trouble().as_deref(), Some("read-only"));
        part.sound();
        assert_eq!((watched.trouble(), seen.trouble()), (None, None));
    }
}
