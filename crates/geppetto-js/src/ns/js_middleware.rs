//! Middlewares of scripts: `fromJS`, whose `next` waits in place, and `fromAsync`, whose `next` is a promise.

use crate::callback::{Arguments, Callback};
use crate::callback_context;
use crate::callback_error::CallbackError;
use crate::codec::turn;
use crate::fault::{Fallible, Fault};
use crate::function::{Call, function};
use crate::ns::engines::engine_of;
use crate::options::Options;
use crate::vm::Vm;
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use geppetto_inference::{InferenceError, Middleware, Next, RunContext, RunError};
use geppetto_runner::{CallError, JsError, JsRef, Local, OwnerRef};
use geppetto_turns::Turn;
use rquickjs::{Ctx, Value};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::sync::mpsc;

/// The middleware of a script's function.
pub(super) fn js_middleware<'js>(
    ctx: &Ctx<'js>,
    function: Value<'js>,
    name: Option<String>,
    asynchronous: bool,
) -> Fallible<Arc<dyn Middleware>> {
    let own: Option<String> = function.as_object().and_then(|function| function.get("name").ok());
    let name = name.or(own).filter(|name| !name.is_empty()).unwrap_or_else(|| "jsMiddleware".to_owned());
    let callback = Callback::new(ctx, function)?;
    Ok(Arc::new(JsMiddleware { callback, name: name.into(), asynchronous }))
}

/// A script's middleware.
struct JsMiddleware {
    callback: Callback,
    name: Arc<str>,
    asynchronous: bool,
}

/// What the last call of `next` gave.
type Last = Arc<Mutex<Option<Turn>>>;

/// A call of an asynchronous `next`: its turn, and the promise that waits for it.
struct Request {
    next: Next,
    turn: Turn,
    promise: Waiting,
}

/// A promise of `next`. It settles in any case: one that is dropped is rejected.
struct Waiting {
    functions: Option<(JsRef, JsRef)>,
    owner: OwnerRef,
    run: RunContext,
}

impl Waiting {
    /// Settles the promise, soon.
    fn settle(&mut self, result: Result<Turn, InferenceError>) {
        let Some((resolve, reject)) = self.functions.take() else { return };
        let result = result.map_err(|error| run_error(error, &self.run));
        let settle = move |js: Ctx<'_>| {
            let shown = match result {
                Ok(turn) => turn::encode(&js, &turn).map(|turn| (&resolve, turn.into_value())),
                Err(error) => crate::run_error::to_js(&js, &error).map(|error| (&reject, error)),
            };
            // What cannot be shown is told as the error of showing it.
            let shown = shown.or_else(|error| Ok((&reject, Fault::Js(error).into_value(&js)?)));
            let settled = shown.and_then(|(function, value)| {
                let function = function.get(&js).and_then(Value::into_function);
                function.map_or(Ok(()), |function| function.call::<_, ()>((value,)))
            });
            if let Err(error) = settled {
                let error = JsError::from_error(&js, &error);
                Vm::of(&js).host.report("next", CallError::Script(error));
            }
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
        if self.functions.is_some() && !self.owner.is_closed() {
            let revoked = || InferenceError::middleware("next", revoked());
            self.settle(Err(self.run.check().err().unwrap_or_else(revoked)));
        }
    }
}

/// What a middleware's function gave.
enum Outcome {
    Turn(Turn),
    /// Nothing: the given turn, as it was left.
    Nothing(Turn),
}

#[async_trait]
impl Middleware for JsMiddleware {
    fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    async fn handle(&self, turn: Turn, next: Next, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let last = Last::default();
        let (requests, mut requested) = mpsc::unbounded_channel();
        let requests = self.asynchronous.then_some(requests);
        let called = self.call(turn, next.clone(), ctx, (last.clone(), requests));
        let mut called = pin!(called);
        let mut running = FuturesUnordered::new();
        // Calls of an asynchronous `next` run here, inside the middleware's own future.
        let outcome = poll_fn(|cx| {
            loop {
                if let Poll::Ready(outcome) = called.as_mut().poll(cx) {
                    return Poll::Ready(outcome);
                }
                if let Poll::Ready(Some(request)) = requested.poll_recv(cx) {
                    running.push(self.answer(request, &last));
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
        drop(running);
        let outcome = outcome.map_err(|error| {
            let hint = match self.asynchronous {
                true => "use session.runAsync() or session.start()",
                false => "use gp.middlewares.fromAsync() with session.runAsync() or session.start()",
            };
            error.in_run(ctx, hint, |failure| InferenceError::middleware(self.name.clone(), failure))
        })?;
        match outcome {
            Outcome::Turn(turn) => Ok(turn),
            Outcome::Nothing(turn) => {
                let last = last.lock().unwrap_or_else(PoisonError::into_inner).take();
                match last {
                    Some(last) => Ok(last),
                    None => next.call(turn).await,
                }
            }
        }
    }
}

impl JsMiddleware {
    async fn call(
        &self,
        turn: Turn,
        next: Next,
        ctx: &RunContext,
        (last, requests): (Last, Option<mpsc::UnboundedSender<Request>>),
    ) -> Result<Outcome, CallbackError> {
        let (given, run, seen) = (turn.clone(), ctx.clone(), last.clone());
        self.callback
            .call(
                "middleware",
                Some(ctx.clone()),
                move |js| {
                    let given_js = turn::encode(js, &given)?.into_value();
                    let native = function(js, "next", 2, move |call| {
                        let (turn, next) = next_arguments(call, &given, &next)?;
                        match &requests {
                            Some(requests) => next_async(call, requests, next, turn),
                            None => next_sync(call, &next, turn, &last),
                        }
                    })?;
                    let next: Value<'_> = Vm::of(js).make_next.clone().call((native, given_js.clone()))?;
                    let context = callback_context::for_middleware(js, &run)?.into_value();
                    Ok(Arguments { values: vec![given_js.clone(), next, context], fallback: given_js })
                },
                move |js, returned| {
                    if returned.value.is_undefined() || returned.value.is_null() {
                        let given =
                            turn::decode(js, &returned.fallback, Some(&turn), "the middleware's turn")?;
                        return Ok(Outcome::Nothing(given));
                    }
                    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let original = seen.as_ref().unwrap_or(&turn);
                    turn::decode(js, &returned.value, Some(original), "the middleware's turn")
                        .map(Outcome::Turn)
                },
            )
            .await
    }

    /// Runs an asynchronous `next` and settles its promise.
    async fn answer(&self, request: Request, last: &Last) {
        let Request { next, turn, mut promise } = request;
        let result = next.call(turn).await;
        if let Ok(turn) = &result {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn.clone());
        }
        promise.settle(result);
    }
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
    let result = match host.wait(ctx.scope(), next.call(turn)) {
        Ok(result) => result,
        // What enclosed the wait has ended it; it says why.
        Err(error) => Err(ctx.check().err().ok_or_else(|| Fault::wait(error))?),
    };
    let turn = result.map_err(|error| run_error(error, ctx))?;
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn.clone());
    Ok(turn::encode(call.ctx(), &turn)?.into_value())
}

/// An asynchronous `next`: a promise that the middleware's own future settles.
fn next_async<'js>(
    call: &Call<'_, 'js>,
    requests: &mpsc::UnboundedSender<Request>,
    next: Next,
    turn: Turn,
) -> Fallible<Value<'js>> {
    let (promise, resolve, reject) = call.ctx().promise()?;
    let Some(local) = Local::current() else { return Ok(call.undefined()) };
    let functions = (JsRef::new(&local, resolve.into_value()), JsRef::new(&local, reject.into_value()));
    let (owner, run) = (Vm::of(call.ctx()).host.owner.clone(), next.context().clone());
    // One that is not awaited is no unhandled rejection: what became of it is told by events.
    Vm::of(call.ctx()).quiet.call::<_, ()>((promise.clone(),))?;
    let promise_of_next = Waiting { functions: Some(functions), owner, run };
    // A request that cannot be sent is dropped, and its promise rejected.
    let _ = requests.send(Request { next, turn, promise: promise_of_next });
    Ok(promise.into_value())
}

fn revoked() -> geppetto_inference::Failure {
    geppetto_inference::Failure::new("next was called after the middleware had ended")
}
