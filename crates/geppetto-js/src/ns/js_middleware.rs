//! Middlewares of scripts: `fromJS`, whose `next` waits in place, and `fromAsync`, whose `next` is a promise.

use crate::call::{Call, hidden};
use crate::callback::{Arguments, Callback, Returned};
use crate::callback_context;
use crate::callback_error::{ASYNCHRONOUSLY, CallbackError};
use crate::codec::{properties, turn};
use crate::fault::{Fallible, Fault};
use crate::ns::engines::engine_of;
use crate::options::Options;
use crate::promise::Deferred;
use crate::vm::Vm;
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use geppetto_events::Kept;
use geppetto_inference::{Failure, InferenceError, Middleware, Next, RunContext, RunError};
use geppetto_runner::{OwnerRef, WaitError};
use geppetto_turns::Turn;
use rquickjs::{Array, Ctx, Object, Value};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::sync::mpsc;

/// About as many bytes as a middleware takes beside its name.
const MIDDLEWARE_SIZE: usize = 224;

/// The middleware of a script's function.
pub(super) fn js_middleware<'js>(
    ctx: &Ctx<'js>,
    function: Value<'js>,
    name: Option<String>,
    asynchronous: bool,
) -> Fallible<Arc<dyn Middleware>> {
    let own = |function: &Object<'js>| function.get("name").inspect_err(|_| drop(ctx.catch())).ok();
    let own: Option<String> = function.as_object().and_then(own);
    let name = name.or(own).filter(|name| !name.is_empty()).unwrap_or_else(|| "js-middleware".to_owned());
    let callback = Callback::new(ctx, function)?;
    let kept = Vm::of(ctx).host.keep(MIDDLEWARE_SIZE + name.len());
    Ok(Arc::new(JsMiddleware { callback, name: name.into(), asynchronous, _kept: kept }))
}

/// A script's middleware.
struct JsMiddleware {
    callback: Callback,
    name: Arc<str>,
    asynchronous: bool,
    _kept: Kept,
}

/// What the last call of `next` gave, once there is one that has ended.
type Last = Arc<Mutex<Option<Result<Turn, InferenceError>>>>;

fn remember(last: &Last, result: &Result<Turn, InferenceError>) {
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.clone());
}

/// A call of an asynchronous `next`: its turn, and the promise that waits for it.
struct Request {
    next: Next,
    turn: Turn,
    promise: Waiting,
}

/// Boxes, because a channel makes room for 32 items at once and most middleware sends one.
type Requests = mpsc::UnboundedSender<Box<Request>>;

/// A promise of `next`. It settles in any case: one that is dropped is rejected.
struct Waiting {
    deferred: Option<Deferred>,
    owner: OwnerRef,
    run: RunContext,
    middleware: Arc<str>,
}

impl Waiting {
    /// There will be no result: the run has ended, or for this reason.
    fn refuse(&mut self, why: &str) {
        let refused = || InferenceError::middleware(self.middleware.clone(), Failure::new(why));
        self.settle(Err(self.run.check().err().unwrap_or_else(refused)));
    }

    /// Settles the promise, soon.
    fn settle(&mut self, result: Result<Turn, InferenceError>) {
        let Some(deferred) = self.deferred.take() else { return };
        let result = result.map_err(|error| run_error(error, &self.run));
        let settle = move |js: Ctx<'_>| {
            let shown =
                result.map_err(Fault::from).and_then(|turn| Ok(turn::encode(&js, &turn)?.into_value()));
            deferred.settle(&js, shown);
        };
        match self.owner.local() {
            Some(local) => {
                if let Err(error) = local.enter("next", settle) {
                    self.owner.report("next", error);
                }
            }
            None => self.owner.settle("next", settle),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.deferred.is_some() && !self.owner.is_closed() {
            self.refuse("the middleware ended before its next did: await it");
        }
    }
}

/// What a middleware's function gave.
enum Outcome {
    Turn(Turn),
    /// Nothing, and `next` has given nothing either: the given turn, as it was left.
    Nothing(Turn),
}

#[async_trait]
impl Middleware for JsMiddleware {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    // Without a future of its own around the one of its kind: chains of middlewares nest natively.
    fn handle<'a, 'b, 'async_trait>(
        &'a self,
        turn: Turn,
        next: Next,
        ctx: &'b RunContext,
    ) -> Pin<Box<dyn Future<Output = Result<Turn, InferenceError>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        'b: 'async_trait,
        Self: 'async_trait,
    {
        match self.asynchronous {
            true => Box::pin(self.handle_async(turn, next, ctx)),
            false => Box::pin(self.handle_sync(turn, next, ctx)),
        }
    }
}

/// What `next` gave last.
fn taken(last: &Last) -> Option<Result<Turn, InferenceError>> {
    last.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl JsMiddleware {
    async fn handle_sync(&self, turn: Turn, next: Next, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let last = Last::default();
        let outcome = self.call(turn, next.clone(), ctx, (last.clone(), None)).await;
        match self.outcome(outcome, ctx)? {
            Outcome::Turn(turn) => Ok(turn),
            Outcome::Nothing(turn) => match taken(&last) {
                Some(last) => last,
                None => next.call(turn).await,
            },
        }
    }

    async fn handle_async(&self, turn: Turn, next: Next, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let last = Last::default();
        let (requests, mut requested) = mpsc::unbounded_channel();
        let called = self.call(turn, next.clone(), ctx, (last.clone(), Some(requests)));
        let mut called = pin!(called);
        let mut running = FuturesUnordered::new();
        // Calls of an asynchronous `next` run here, inside the middleware's own future.
        let outcome = poll_fn(|cx| {
            loop {
                if let Poll::Ready(outcome) = called.as_mut().poll(cx) {
                    return Poll::Ready(outcome);
                }
                if let Poll::Ready(Some(request)) = requested.poll_recv(cx) {
                    running.push(self.answer(*request, &last));
                    continue;
                }
                match running.poll_next_unpin(cx) {
                    // A middleware that retries at once must not keep others from their turn.
                    Poll::Ready(Some(())) => {
                        cx.waker().wake_by_ref();
                        return called.as_mut().poll(cx);
                    }
                    _ => return Poll::Pending,
                }
            }
        })
        .await;
        match self.outcome(outcome, ctx)? {
            Outcome::Turn(turn) => Ok(turn),
            Outcome::Nothing(turn) => {
                // A `next` that was called and not awaited is under way, or still asked for.
                while let Ok(request) = requested.try_recv() {
                    running.push(self.answer(*request, &last));
                }
                while running.next().await.is_some() {}
                match taken(&last) {
                    Some(last) => last,
                    None => next.call(turn).await,
                }
            }
        }
    }

    fn outcome(
        &self,
        outcome: Result<Outcome, CallbackError>,
        ctx: &RunContext,
    ) -> Result<Outcome, InferenceError> {
        outcome.map_err(|error| {
            let hint = match self.asynchronous {
                true => ASYNCHRONOUSLY,
                false => "use gp.middlewares.fromAsync() with session.runAsync() or session.start()",
            };
            error.in_run(ctx, hint, |failure| InferenceError::middleware(self.name.clone(), failure))
        })
    }

    // No future around the callback's: it would have room for all of this once more.
    fn call(
        &self,
        turn: Turn,
        next: Next,
        ctx: &RunContext,
        (last, requests): (Last, Option<Requests>),
    ) -> impl Future<Output = Result<Outcome, CallbackError>> + Send {
        let asynchronous = self.asynchronous;
        let (given, run, seen, name) = (turn.clone(), ctx.clone(), last.clone(), self.name.clone());
        self.callback.call(
            "middleware",
            Some(ctx.clone()),
            move |js| {
                let given_js = turn::encode(js, &given)?.into_value();
                // Nobody sees it but the function around it.
                let native = hidden(js, move |call| {
                    let (turn, next) = next_arguments(call, &given, &next)?;
                    match &requests {
                        Some(requests) => next_async(call, (requests, &name), next, turn),
                        None => next_sync(call, &next, turn, &last),
                    }
                })?;
                let make_next = Vm::of(js).prelude(js)?.make_next.clone();
                let made: Array<'_> = make_next.call((native, given_js.clone(), asynchronous))?;
                let context = callback_context::for_middleware(js, &run)?.into_value();
                Ok(Arguments { values: vec![given_js, made.get(0)?, context], fallback: made.get(1)? })
            },
            move |js, returned| {
                let last = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
                outcome(js, returned, &turn, last.and_then(Result::ok).as_ref())
            },
        )
    }

    /// Runs an asynchronous `next` and settles its promise.
    async fn answer(&self, request: Request, last: &Last) {
        let Request { next, turn, mut promise } = request;
        let result = next.call(turn).await;
        remember(last, &result);
        promise.settle(result);
    }
}

/// What a middleware's function returned. Nothing stands for the last result of `next`, else for the given turn; each
/// with its mutations.
fn outcome<'js>(
    js: &Ctx<'js>,
    returned: Returned<'js>,
    given: &Turn,
    last: Option<&Turn>,
) -> Fallible<Outcome> {
    let read =
        |value: &Value<'js>| turn::decode(js, value, Some(last.unwrap_or(given)), "the middleware's turn");
    if !returned.value.is_undefined() && !returned.value.is_null() {
        return read(&returned.value).map(Outcome::Turn);
    }
    let seen = returned.fallback.into_object();
    let seen = seen.ok_or_else(|| Fault::Plain("the middleware's turn is gone".to_owned()))?;
    let result = properties::item(&seen, 1)?;
    if last.is_some() && result.is_object() {
        return read(&result).map(Outcome::Turn);
    }
    read(&properties::item(&seen, 0)?).map(Outcome::Nothing)
}

/// `next(turn?, { engine? })`.
fn next_arguments(call: &Call<'_, '_>, given: &Turn, next: &Next) -> Fallible<(Turn, Next)> {
    let turn = match call.arg(0) {
        None => given.clone(),
        Some(turn) => turn::decode(call.ctx(), &turn, Some(given), "next: turn")?,
    };
    let options = Options::read(call.ctx(), call.arg(1), "next: options")?;
    let engine =
        options.value("engine")?.map(|engine| engine_of(&engine, "next: options.engine")).transpose()?;
    options.finish()?;
    Ok((turn, engine.map_or_else(|| next.clone(), |engine| next.with_engine(engine))))
}

fn run_error(error: InferenceError, ctx: &RunContext) -> RunError {
    let ids = ctx.ids();
    let (session_id, inference_id) = (ids.session_id.clone(), Some(ids.inference_id.clone()));
    RunError { error, session_id, inference_id, partial_turn: None }
}

/// A plain `next`: waits in place.
fn next_sync<'js>(call: &Call<'_, 'js>, next: &Next, turn: Turn, last: &Last) -> Fallible<Value<'js>> {
    let ctx = next.context();
    let host = Vm::of(call.ctx()).host.clone();
    let result = match host.wait((ctx.scope(), ctx.token()), next.call(turn)) {
        Ok(result) => result,
        // What enclosed the wait has ended it; it says why.
        Err(error) => Err(match (ctx.check(), &error) {
            (Err(ended), _) => ended,
            (_, WaitError::TooDeep { .. }) => {
                InferenceError::Limit { failure: Failure::new(error.to_string()) }
            }
            _ => return Err(Fault::wait(error)),
        }),
    };
    remember(last, &result);
    let turn = result.map_err(|error| run_error(error, ctx))?;
    Ok(turn::encode(call.ctx(), &turn)?.into_value())
}

/// An asynchronous `next`: a promise that the middleware's own future settles.
fn next_async<'js>(
    call: &Call<'_, 'js>,
    (requests, middleware): (&Requests, &Arc<str>),
    next: Next,
    turn: Turn,
) -> Fallible<Value<'js>> {
    let (promise, deferred) = Deferred::new(call.ctx())?;
    let (owner, run) = (Vm::of(call.ctx()).host.owner.clone(), next.context().clone());
    // One that is not awaited is no unhandled rejection: what became of it is told by events.
    Vm::of(call.ctx()).prelude(call.ctx())?.quiet.call::<_, ()>((promise.clone(),))?;
    let promise_of_next = Waiting { deferred: Some(deferred), owner, run, middleware: middleware.clone() };
    let request = Box::new(Request { next, turn, promise: promise_of_next });
    if let Err(mpsc::error::SendError(mut request)) = requests.send(request) {
        request.promise.refuse("next was called after the middleware had ended");
    }
    Ok(promise)
}
