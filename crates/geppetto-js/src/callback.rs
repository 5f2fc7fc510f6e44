//! Callbacks: the only place where a script's function is called by Rust.
//!
//! One path for all: the call goes through the owner, which runs it at once on its own thread and queues it
//! otherwise. Arguments are encoded there, a returned promise is awaited without keeping the VM busy, and the result
//! is decoded there; only owned data leaves.

use crate::around::Around;
use crate::callback_error::{ASYNCHRONOUSLY, CallbackError, caught, thrown};
use crate::codec::json::is_plain;
use crate::codec::properties;
use crate::fault::{Fallible, Fault};
use crate::promise::{keep, when_settled};
use crate::vm::Vm;
use futures_util::future::{BoxFuture, Either, select};
use geppetto_inference::RunToken;
use geppetto_runner::{CallError, HeldFrame, JsError, JsRef, Local, OwnerRef};
use rquickjs::atom::PredefinedAtom;
use rquickjs::function::Args;
use rquickjs::{Ctx, Function, Value};
use std::future::{pending, ready};
use std::pin::pin;
use tokio::sync::oneshot;

/// A script's function, callable from any thread.
#[derive(Debug, Clone)]
pub struct Callback {
    function: JsRef,
    owner: OwnerRef,
}

/// What a callback is called with.
pub(crate) struct Arguments<'js> {
    pub(crate) values: Vec<Value<'js>>,
    /// What a result of `undefined` stands for: an argument that the callback may have changed.
    pub(crate) fallback: Value<'js>,
}

/// What a callback returned.
pub(crate) struct Returned<'js> {
    pub(crate) value: Value<'js>,
    pub(crate) fallback: Value<'js>,
}

impl Callback {
    /// Keeps a function. It is released when the last clone is dropped.
    ///
    /// # Errors
    /// On a thread that is no owner's.
    pub fn new<'js>(ctx: &Ctx<'js>, function: Value<'js>) -> Fallible<Self> {
        let owner = Vm::of(ctx).host.owner.clone();
        Ok(Self { function: keep(function)?, owner })
    }

    /// Calls the function, without arguments, soon. What it throws is told as uncaught.
    pub fn post(&self) {
        let (function, owner) = (self.function.clone(), self.owner.clone());
        let posted = self.owner.post("callback", move |ctx| {
            let function = function.function(&ctx);
            let called = function.map(|function| function.call::<_, Value<'_>>(()).map(drop));
            if let Some(Err(error)) = called {
                owner.report("callback", CallError::Script(JsError::from_error(&ctx, &error)));
            }
        });
        if let Err(error) = posted {
            self.owner.report("callback", error);
        }
    }

    /// Tells the host what only a model or whoever catches it would hear of: a promise that nothing can wait for.
    pub(crate) fn warn_of_promise(&self, callback: &str, error: &CallbackError) {
        if let CallbackError::Promise = error {
            let message = format!(
                "{callback} returned a Promise, which a synchronous call cannot wait for: {ASYNCHRONOUSLY}"
            );
            let error = JsError { name: "Error".to_owned(), message, ..JsError::default() };
            self.owner.report("synchronous callback", CallError::Script(error));
        }
    }

    /// Calls the function, on the owner's thread at once, and waits for what it returns. Everything that is `around` holds for
    /// what happens in it.
    pub(crate) fn call<R, E, D>(
        &self,
        op: &'static str,
        around: impl Into<Around>,
        encode: E,
        decode: D,
    ) -> impl Future<Output = Result<R, CallbackError>> + Send
    where
        R: Send + 'static,
        E: for<'js> FnOnce(&Ctx<'js>) -> Fallible<Arguments<'js>> + Send + 'static,
        D: for<'js> FnOnce(&Ctx<'js>, Returned<'js>) -> Fallible<R> + Send + 'static,
    {
        // From before the call: what follows it may be interrupted within it.
        let (killed, interrupted) = (self.owner.microtasks_killed(), self.owner.interrupted_continuations());
        let held = around.into();
        let started = match self.started(op, held.clone(), encode, decode) {
            // Most are done, and need no room for the rest.
            Either::Left((Ok(Started::Done(result)), _)) => return Either::Left(ready(result)),
            started => started,
        };
        Either::Right(Box::pin(async move {
            let (started, _held) = match started {
                Either::Left(started) => started,
                Either::Right(queued) => queued.await,
            };
            if let Err(error @ CallError::Interrupted { .. }) = &started
                && !held.is_over()
                && !held.is_heard_by_host()
            {
                // The job's own time was over. The run or call fails with it, and a script may catch that: the host hears of it.
                self.owner.report("run callback", error.clone());
            }
            match started.map_err(CallbackError::Call)? {
                Started::Done(result) => result,
                // Whoever waits is waiting for that end, too.
                Started::Over => pending().await,
                Started::Pending(settled) => self.settled(settled, held, (killed, interrupted)).await,
            }
        }))
    }

    /// Calls the function here, or queues that for the owner's thread. What it is called with is used up here, or in a box:
    /// whoever waits needs no room for it.
    fn started<R, E, D>(
        &self,
        op: &'static str,
        around: Around,
        encode: E,
        decode: D,
    ) -> Either<Begun<R>, BoxFuture<'_, Begun<R>>>
    where
        R: Send + 'static,
        E: for<'js> FnOnce(&Ctx<'js>) -> Fallible<Arguments<'js>> + Send + 'static,
        D: for<'js> FnOnce(&Ctx<'js>, Returned<'js>) -> Fallible<R> + Send + 'static,
    {
        let function = self.function.clone();
        let (scope, frame, continuations) = (around.scope(), around.frame(), around.frame());
        let token = around.token();
        let start = move |ctx: Ctx<'_>| start(&ctx, &function, around, encode, decode);
        let here = move || match Local::current() {
            Some(local) => {
                // Listeners first, on their own account: what they do is not the callback's fault.
                tell(&local, &token);
                local.enter_framed(op, frame, start)
            }
            None => Err(CallError::Closed),
        };
        if self.owner.local().is_some() {
            return Either::Left((here(), None));
        }
        // What follows the job belongs to the callback, too.
        let owner = self.owner.clone();
        let queued = move |_: Ctx<'_>| {
            let held = owner.hold_frame(continuations);
            (here(), Some(held))
        };
        let called = self.owner.call_in(scope, op, queued);
        Either::Right(Box::pin(async { called.await.unwrap_or_else(|error| (Err(error), None)) }))
    }

    /// Waits for a promise that a callback has returned.
    async fn settled<R>(
        &self,
        settled: oneshot::Receiver<Result<R, CallbackError>>,
        held: Around,
        (killed, interrupted): (impl Future<Output = ()>, u64),
    ) -> Result<R, CallbackError> {
        let bounded = held.has_deadline();
        let _held = self.owner.hold_frame(held.frame());
        // Microtasks that were interrupted may have been this callback's. One with a deadline waits for that; any other
        // would wait for ever.
        let settled = async {
            let ended = pin!(self.owner.ended());
            match select(settled, ended).await {
                Either::Left((Ok(settled), _)) => settled,
                Either::Left((Err(_), _)) if self.owner.is_closed() => {
                    Err(CallbackError::Call(self.owner.gone()))
                }
                // Nobody can settle the promise any more, perhaps because what would have was interrupted.
                Either::Left((Err(_), _)) if self.owner.interrupted_continuations() > interrupted => {
                    Err(CallbackError::Call(CallError::Stranded))
                }
                // It is pending for ever, as it would be without us.
                Either::Left((Err(_), ended)) => Err(CallbackError::Call(ended.await)),
                Either::Right((gone, _)) => Err(CallbackError::Call(gone)),
            }
        };
        let killed = async {
            match bounded {
                true => pending().await,
                false => killed.await,
            }
        };
        match select(pin!(settled), pin!(killed)).await {
            Either::Left((settled, _)) => settled,
            Either::Right(_) => Err(CallbackError::Call(CallError::Stranded)),
        }
    }
}

/// What became of a call at first, and what holds for what follows it meanwhile.
type Begun<R> = (Result<Started<R>, CallError>, Option<HeldFrame>);

/// Tells listeners what has happened, before a callback is called: in a synchronous wait, of what the callback is in.
fn tell(local: &Local, within: &RunToken) {
    let within = local.is_waiting().then_some(within);
    if let Err(error) = local.enter("listeners", |ctx| Vm::of(&ctx).host.clone().tell(&ctx, within)) {
        local.owner().report("listener", error);
    }
}

enum Started<R> {
    /// What it belongs to has to end: listeners have ended it, or its time is over. The function was not called.
    Over,
    Done(Result<R, CallbackError>),
    Pending(oneshot::Receiver<Result<R, CallbackError>>),
}

fn start<R, E, D>(ctx: &Ctx<'_>, function: &JsRef, around: Around, encode: E, decode: D) -> Started<R>
where
    R: Send + 'static,
    E: for<'js> FnOnce(&Ctx<'js>) -> Fallible<Arguments<'js>>,
    D: for<'js> FnOnce(&Ctx<'js>, Returned<'js>) -> Fallible<R> + 'static,
{
    if around.is_over() {
        return Started::Over;
    }
    match try_start(ctx, function, around, encode, decode) {
        Ok(started) => started,
        Err(fault) => Started::Done(Err(caught(ctx, fault))),
    }
}

fn try_start<'js, R, E, D>(
    ctx: &Ctx<'js>,
    function: &JsRef,
    around: Around,
    encode: E,
    decode: D,
) -> Fallible<Started<R>>
where
    R: Send + 'static,
    E: for<'any> FnOnce(&Ctx<'any>) -> Fallible<Arguments<'any>>,
    D: for<'any> FnOnce(&Ctx<'any>, Returned<'any>) -> Fallible<R> + 'static,
{
    let host = Vm::of(ctx).host.clone();
    let Arguments { values, fallback } = encode(ctx)?;
    let function = function.function(ctx);
    let function = function.ok_or_else(|| Fault::Plain("the callback's runtime is gone".to_owned()))?;
    let mut args = Args::new(ctx.clone(), values.len());
    args.push_args(values)?;
    let value: Value<'js> = host.inside(around, || function.call_arg(args))?;
    if !is_thenable(&value) {
        return Ok(Started::Done(Ok(decode(ctx, Returned { value, fallback })?)));
    }
    if Local::current().is_some_and(|local| local.is_waiting()) {
        // Nothing will ever hear of what becomes of it.
        if value.is_promise() {
            Vm::of(ctx).prelude(ctx)?.quiet.call::<_, ()>((value,))?;
        }
        return Ok(Started::Done(Err(CallbackError::Promise)));
    }
    settle(ctx, value, fallback, decode).map(Started::Pending)
}

fn is_thenable(value: &Value<'_>) -> bool {
    if value.is_promise() || !value.is_object() || value.is_proxy() {
        return value.is_promise();
    }
    let ctx = value.ctx();
    // Most are plain objects, and nothing is read of those without a `then`.
    let vm = Vm::of(ctx);
    if is_plain(&vm, value)
        && properties::object(value)
            .is_some_and(|object| matches!(object.contains_key(PredefinedAtom::Then), Ok(false)))
    {
        return false;
    }
    let thenable = vm.prelude(ctx).and_then(|prelude| prelude.is_thenable.call((value.clone(),)));
    thenable.inspect_err(|_| drop(ctx.catch())).unwrap_or(false)
}

/// Awaits a promise in the VM; what becomes of it comes through the channel.
fn settle<'js, R, D>(
    ctx: &Ctx<'js>,
    promise: Value<'js>,
    fallback: Value<'js>,
    decode: D,
) -> Fallible<oneshot::Receiver<Result<R, CallbackError>>>
where
    R: Send + 'static,
    D: for<'any> FnOnce(&Ctx<'any>, Returned<'any>) -> Fallible<R> + 'static,
{
    let (sender, settled) = oneshot::channel();
    // The run may be over when it is.
    when_settled(ctx, promise, fallback, move |ctx, outcome| {
        let decoded = match outcome {
            Ok((value, fallback)) => decode(ctx, Returned { value, fallback }),
            Err(error) => {
                let _ = sender.send(Err(thrown(ctx, error)));
                return Ok(());
            }
        };
        match decoded {
            // Whoever waits is told of the interruption, not of what the engine made of it.
            Err(fault) if Local::current().is_some_and(|local| local.is_interrupted()) => Err(fault),
            decoded => {
                let _ = sender.send(decoded.map_err(|fault| caught(ctx, fault)));
                Ok(())
            }
        }
    })?;
    Ok(settled)
}

/// A function argument, or why it is none.
pub(crate) fn function_arg<'js>(value: Option<Value<'js>>, place: &str) -> Fallible<Function<'js>> {
    let found = value.as_ref().map_or_else(|| "nothing".to_owned(), crate::handle::describe);
    let wrong = || Fault::type_error(format!("{place}: expected a function, got {found}"));
    value.and_then(Value::into_function).ok_or_else(wrong)
}
