//! Cancellation with a reason.

use crate::InferenceError;
use futures_util::future::{select, select_all};
use geppetto_time::Clock;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Why something was told to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelReason {
    /// Somebody asked for it, perhaps saying why.
    Cancelled(Option<Arc<str>>),
    /// A deadline passed.
    Timeout,
    /// The runtime is shutting down, or the session was closed.
    Shutdown(Arc<str>),
}

impl From<CancelReason> for InferenceError {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::Cancelled(reason) => Self::Cancelled { reason },
            CancelReason::Timeout => Self::Timeout { after: None },
            CancelReason::Shutdown(what) => Self::Shutdown { what },
        }
    }
}

/// Tells work to end, and why. Clones are the same token; children are cancelled by their parents as well.
///
/// The first reason wins. Any thread may cancel, ask or wait.
#[derive(Debug, Clone)]
pub struct RunToken {
    /// Its own leaf first, then those of all its ancestors.
    leaves: Arc<[Arc<Leaf>]>,
}

/// The place of the next that is cancelled.
fn next_place() -> u64 {
    static CANCELLED: AtomicU64 = AtomicU64::new(0);
    CANCELLED.fetch_add(1, Ordering::Relaxed)
}

/// About as many bytes as a token takes beside the leaves that it shares with its ancestors.
const TOKEN_SIZE: usize = 256;

#[derive(Debug, Default)]
struct Leaf {
    token: CancellationToken,
    reason: OnceLock<CancelReason>,
    /// The thread that cancelled it.
    by: OnceLock<ThreadId>,
    /// Its place among all that were cancelled.
    order: OnceLock<u64>,
    /// When it is cancelled by itself, and the clock that tells.
    deadline: Option<(Arc<dyn Clock>, Instant)>,
}

impl Leaf {
    fn is_late(&self) -> bool {
        self.deadline.as_ref().is_some_and(|(clock, at)| clock.now() >= *at)
    }

    fn is_cancelled(&self) -> bool {
        self.token.is_cancelled() || self.is_late()
    }

    async fn cancelled(&self) {
        match &self.deadline {
            None => self.token.cancelled().await,
            Some((clock, at)) => drop(select(pin!(self.token.cancelled()), clock.sleep_until(*at)).await),
        }
    }
}

impl RunToken {
    /// A token of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::child_of([])
    }

    /// A token that any of `parents` cancels too.
    #[must_use]
    pub fn child_of<'a>(parents: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut leaves = vec![Arc::default()];
        // Of parents that have ancestors in common, each is taken once: it would double with each generation.
        let mut seen: Option<HashSet<*const Leaf>> = None;
        for parent in parents {
            if leaves.len() == 1 {
                leaves.extend(parent.leaves.iter().cloned());
                continue;
            }
            let seen = seen.get_or_insert_with(|| leaves.iter().map(Arc::as_ptr).collect());
            leaves.extend(parent.leaves.iter().filter(|leaf| seen.insert(Arc::as_ptr(leaf))).cloned());
        }
        Self { leaves: leaves.into() }
    }

    /// About as many bytes as it takes, with its ancestors.
    #[must_use]
    pub fn size(&self) -> usize {
        TOKEN_SIZE + self.leaves.len() * size_of::<Arc<Leaf>>()
    }

    /// A token that `token` cancels too, with this reason: for owners that have a cancellation of their own.
    #[must_use]
    pub fn following(token: CancellationToken, reason: CancelReason) -> Self {
        let followed = Leaf { token, reason: OnceLock::from(reason), ..Leaf::default() };
        Self { leaves: [Arc::default(), Arc::new(followed)].into() }
    }

    /// A token that is cancelled by itself when its time is over, whoever looks and whatever waits.
    #[must_use]
    pub fn after(clock: Arc<dyn Clock>, span: Duration) -> Self {
        let at = clock.after(span);
        Self::at(clock, at)
    }

    /// A token that is cancelled by itself at this instant of the clock.
    #[must_use]
    pub fn at(clock: Arc<dyn Clock>, at: Instant) -> Self {
        let leaf = Leaf { deadline: Some((clock, at)), ..Leaf::default() };
        Self { leaves: [Arc::new(leaf)].into() }
    }

    /// A token that this one cancels too.
    #[must_use]
    pub fn child(&self) -> Self {
        Self::child_of([self])
    }

    /// Whether both are the same token.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.leaves, &other.leaves)
    }

    /// Whether one is under the other, or both are under a third.
    #[must_use]
    pub fn is_related(&self, other: &Self) -> bool {
        self.leaves.iter().any(|leaf| other.leaves.iter().any(|known| Arc::ptr_eq(leaf, known)))
    }

    /// When it is cancelled by itself, if it is to be: an instant of the clock it was made with.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.leaves.iter().filter_map(|leaf| leaf.deadline.as_ref()).map(|(_, at)| *at).min()
    }

    /// How long until it is cancelled by itself, if it is to be.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let deadlines = self.leaves.iter().filter_map(|leaf| leaf.deadline.as_ref());
        deadlines.map(|(clock, at)| at.saturating_duration_since(clock.now())).min()
    }

    /// Tells the work to end. Later calls change nothing.
    pub fn cancel(&self, reason: CancelReason) {
        if let Some(own) = self.leaves.first() {
            // The reason first: whoever wakes up reads it.
            let _ = own.reason.set(reason);
            let _ = own.by.set(std::thread::current().id());
            own.order.get_or_init(next_place);
            own.token.cancel();
        }
    }

    /// Why the work was told to end, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        let cancelled = self.first()?;
        let otherwise =
            || if cancelled.is_late() { CancelReason::Timeout } else { CancelReason::Cancelled(None) };
        Some(cancelled.reason.get().cloned().unwrap_or_else(otherwise))
    }

    /// The leaf that was cancelled first.
    fn first(&self) -> Option<&Arc<Leaf>> {
        let cancelled = self.leaves.iter().filter(|leaf| leaf.is_cancelled());
        // One whose time is over, or that follows another, was cancelled when that is first seen.
        cancelled.min_by_key(|leaf| *leaf.order.get_or_init(next_place))
    }

    /// Whether what cancelled this token first is what cancels `other`, too.
    #[must_use]
    pub fn is_cancelled_with(&self, other: &Self) -> bool {
        self.first().is_some_and(|leaf| other.leaves.iter().any(|known| Arc::ptr_eq(leaf, known)))
    }

    /// Whether the work was told to end by somebody on another thread than this one. A VM is asked about its own: what
    /// its script cancels itself, the script knows of.
    #[must_use]
    pub fn is_cancelled_by_other_than(&self, thread: ThreadId) -> bool {
        let told = |leaf: &Leaf| leaf.token.is_cancelled() && leaf.by.get() != Some(&thread);
        self.leaves.iter().any(|leaf| leaf.is_late() || told(leaf))
    }

    /// Whether the work was told to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.leaves.iter().any(|leaf| leaf.is_cancelled())
    }

    /// Waits until the work is told to end. Dropping the future leaves nothing behind.
    pub async fn cancelled(&self) -> CancelReason {
        loop {
            if let Some(reason) = self.reason() {
                return reason;
            }
            select_all(self.leaves.iter().map(|leaf| Box::pin(leaf.cancelled()))).await;
        }
    }
}

impl Default for RunToken {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once};
    use geppetto_time::ManualClock;

    #[test]
    fn a_child_of_several_parents_is_cancelled_by_any_with_that_parents_reason() {
        let (a, b) = (RunToken::new(), RunToken::new());
        let child = RunToken::child_of([&a, &b]);
        let grandchild = child.child();
        assert!(block_on(poll_once(grandchild.cancelled())).is_none());
        assert_eq!(RunToken::child_of([&a, &a, &b, &a]).leaves.len(), 3, "itself, a and b, each once");
        assert!(grandchild.is_related(&a) && a.is_related(&child) && !a.is_related(&b));
        b.cancel(CancelReason::Timeout);
        assert_eq!(block_on(grandchild.cancelled()), CancelReason::Timeout);
        assert!(!a.is_cancelled());
        a.cancel(CancelReason::Cancelled(None));
        assert_eq!(grandchild.reason(), Some(CancelReason::Timeout), "what came first");
        assert!(grandchild.is_cancelled_with(&b) && !grandchild.is_cancelled_with(&a));
    }

    #[test]
    fn a_token_with_a_deadline_is_cancelled_by_itself_and_cancels_its_children() {
        let clock = ManualClock::default();
        let token = RunToken::after(Arc::new(clock.clone()), Duration::from_secs(1));
        let child = token.child();
        assert_eq!((child.reason(), child.time_left()), (None, Some(Duration::from_secs(1))));
        assert_eq!(child.deadline(), token.deadline());
        assert!(block_on(poll_once(child.cancelled())).is_none());
        clock.advance(Duration::from_secs(1));
        assert_eq!(child.reason(), Some(CancelReason::Timeout));
        assert_eq!(block_on(child.cancelled()), CancelReason::Timeout);
    }

    #[test]
    fn the_first_reason_wins_and_parents_are_not_cancelled_by_children() {
        let parent = RunToken::new();
        let child = parent.child();
        child.cancel(CancelReason::Cancelled(Some("first".into())));
        child.cancel(CancelReason::Timeout);
        assert_eq!(child.reason(), Some(CancelReason::Cancelled(Some("first".into()))));
        assert!(!parent.is_cancelled());
    }
}
