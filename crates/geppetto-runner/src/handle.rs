//! The owner from the outside: calls from any thread.

use crate::job::{Job, Work};
use crate::queue::Refused;
use crate::running::{Refuse, Reply, ReplySlot, reply};
use crate::shared::Shared;
use crate::stats::{Counters, Stats};
use crate::{CallError, Frame, Local, MemoryAccount, block_on};
use rquickjs::Ctx;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;

/// A weak handle: it reaches the owner while it lives, and does not keep it alive. Whatever the VM itself holds has
/// this kind; an [`Owner`](crate::Owner) is the strong one.
#[derive(Clone)]
pub struct OwnerRef {
    shared: Arc<Shared>,
}

impl OwnerRef {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The owner from the inside, when called on its thread.
    #[must_use]
    pub fn local(&self) -> Option<Local> {
        if !self.shared.is_owner_thread() {
            return None;
        }
        Local::current()
    }

    /// Whether the owner takes no more jobs.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.stopping.is_cancelled()
    }

    /// Whether the VM is gone.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.is_cancelled()
    }

    /// Why the VM was given up, if it was.
    #[must_use]
    pub fn condemned(&self) -> Option<&'static str> {
        self.shared.condemned()
    }

    /// Waits until the VM is gone, and says why.
    pub async fn ended(&self) -> CallError {
        self.shared.stopped.cancelled().await;
        self.gone()
    }

    /// Why it takes no more jobs.
    #[must_use]
    pub fn gone(&self) -> CallError {
        self.shared.gone()
    }

    /// What Rust keeps for this VM is counted here.
    #[must_use]
    pub fn memory(&self) -> MemoryAccount {
        MemoryAccount(self.shared.budget.memory.clone())
    }

    /// Cancelled when the owner begins to shut down.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.shared.stopping
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats(self.shared.queue.len(), &self.shared.budget.memory)
    }

    /// Whether both reach the same owner.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Runs a job in the VM and waits for its result: at once when called on the owner's thread, queued otherwise.
    /// Dropping the future of a queued call that has not begun cancels it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<R, F>(&self, op: &'static str, job: F) -> Result<R, CallError>
    where
        F: for<'js> FnOnce(Ctx<'js>) -> R + Send + 'static,
        R: Send + 'static,
    {
        self.call_in(None, op, job).await
    }

    /// The same for a call that belongs to a scope: it is served while the owner waits for that scope.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_in<R, F>(&self, scope: Option<u64>, op: &'static str, job: F) -> Result<R, CallError>
    where
        F: for<'js> FnOnce(Ctx<'js>) -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.try_inline(op, job) {
            Ok(result) => result,
            Err(job) => self.queued(scope, op, job)?.await.unwrap_or_else(|_| Err(self.gone())),
        }
    }

    /// Runs a job in the VM and blocks the calling thread until it has its result.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call_blocking<R, F>(&self, op: &'static str, job: F) -> Result<R, CallError>
    where
        F: for<'js> FnOnce(Ctx<'js>) -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.try_inline(op, job) {
            Ok(result) => result,
            Err(job) => block_on(self.queued(None, op, job)?).unwrap_or_else(|_| Err(self.gone())),
        }
    }

    /// Queues a job whose result nobody waits for. What goes wrong in it reaches the error handler.
    ///
    /// # Errors
    /// When the owner is closed or its queue full: the job is not run.
    pub fn post<F>(&self, op: &'static str, job: F) -> Result<(), CallError>
    where
        F: for<'js> FnOnce(Ctx<'js>) + Send + 'static,
    {
        let work = Box::new(Post { op, job, shared: self.shared.clone(), is_missed: true });
        self.push(self.job(op, None, work))
    }

    /// Tells the error handler of something that went wrong where nobody waits for a result.
    pub fn report(&self, op: &'static str, error: CallError) {
        self.shared.report(op, error);
    }

    /// Queues a job that settles something a script waits for: a full queue does not refuse it. Once the owner is
    /// closed nobody waits any more, and it is dropped.
    pub fn settle<F>(&self, op: &'static str, job: F)
    where
        F: for<'js> FnOnce(Ctx<'js>) + Send + 'static,
    {
        let work = Box::new(Post { op, job, shared: self.shared.clone(), is_missed: false });
        let _ = self.shared.queue.push_always(self.job(op, None, work));
    }

    /// Makes a frame hold for what runs between jobs, until the guard is dropped: for a callback whose promise is
    /// pending, and whose continuations nothing else bounds.
    #[must_use]
    pub fn hold_frame(&self, frame: Frame) -> HeldFrame {
        HeldFrame { id: self.shared.budget.pending_frames.add(frame), shared: self.shared.clone() }
    }

    /// Waits for the next time that microtasks are interrupted: promises they should have settled may then stay
    /// pending for ever.
    pub fn microtasks_killed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.shared.microtasks_killed.notified()
    }

    /// How many continuations were interrupted so far because something they may belong to had to end: what they would have
    /// settled stays pending for ever.
    #[must_use]
    pub fn interrupted_continuations(&self) -> u64 {
        self.shared.continuations_interrupted.load(Ordering::Relaxed)
    }

    fn try_inline<R, F>(&self, op: &'static str, job: F) -> Result<Result<R, CallError>, F>
    where
        F: for<'js> FnOnce(Ctx<'js>) -> R,
    {
        match self.local() {
            None => Err(job),
            Some(local) => {
                Counters::count(&self.shared.counters.inline);
                Ok(local.enter(op, job))
            }
        }
    }

    fn queued<R, F>(&self, scope: Option<u64>, op: &'static str, job: F) -> Result<Reply<R>, CallError>
    where
        F: for<'js> FnOnce(Ctx<'js>) -> R + Send + 'static,
        R: Send + 'static,
    {
        let (reply, result) = reply();
        self.push(self.job(op, scope, Box::new(Call { op, job, reply })))?;
        Ok(result)
    }

    fn job(&self, op: &'static str, scope: Option<u64>, work: Box<dyn Work>) -> Job {
        Job { op, scope, since: self.shared.clock.now(), work }
    }

    fn push(&self, job: Job) -> Result<(), CallError> {
        self.shared.queue.push(job).map_err(|refused| match refused {
            Refused::Full(_) => CallError::QueueFull { capacity: self.shared.queue.capacity() },
            Refused::Closed(_) => self.gone(),
        })
    }
}

impl fmt::Debug for OwnerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerRef")
            .field("name", &self.shared.name)
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// A frame that holds for what runs between jobs.
pub struct HeldFrame {
    id: u64,
    shared: Arc<Shared>,
}

impl Drop for HeldFrame {
    fn drop(&mut self) {
        self.shared.budget.pending_frames.remove(self.id);
    }
}

/// A queued call.
struct Call<F, R> {
    op: &'static str,
    job: F,
    reply: Arc<ReplySlot<R>>,
}

impl<F, R> Work for Call<F, R>
where
    F: for<'js> FnOnce(Ctx<'js>) -> R + Send,
    R: Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(self: Box<Self>, local: &Local) {
        let Self { op, job, reply } = *self;
        local.shared().running.answer(&reply, || local.enter(op, job));
    }

    fn refuse(self: Box<Self>, error: CallError) {
        self.reply.refuse(error);
    }
}

/// A posted job.
struct Post<F> {
    op: &'static str,
    job: F,
    shared: Arc<Shared>,
    /// Whether somebody misses it when the owner closes first.
    is_missed: bool,
}

impl<F> Work for Post<F>
where
    F: for<'js> FnOnce(Ctx<'js>) + Send,
{
    fn is_abandoned(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, local: &Local) {
        if let Err(error) = local.enter(self.op, self.job) {
            self.shared.report(self.op, error);
        }
    }

    fn refuse(self: Box<Self>, error: CallError) {
        if self.is_missed {
            self.shared.report(self.op, error);
        }
    }
}
