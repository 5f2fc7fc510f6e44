//! `AbortController` and `AbortSignal`: classes of the prelude around tokens of Rust.

use crate::call::Call;
use crate::codec;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::handle::{self, HandleState};
use crate::promise::keep;
use crate::vm::Vm;
use crate::watches::Watches;
use geppetto_events::Kept;
use geppetto_inference::{CancelReason, RunCore, RunToken};
use geppetto_runner::{JsRef, Local};
use rquickjs::{Ctx, IntoJs, Result, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The token behind a signal.
struct Token {
    token: RunToken,
    /// The run the token belongs to: once it has ended nobody needs to be told any more.
    run: Option<RunCore>,
    kept: RefCell<Kept>,
}

impl Token {
    fn new(ctx: &Ctx<'_>, token: RunToken, run: Option<RunCore>) -> Self {
        let kept = RefCell::new(Vm::of(ctx).host.keep(token.size()));
        Self { token, run, kept }
    }
}

impl HandleState for Token {
    const NAME: &'static str = "Token";
}

/// A signal for a token of Rust.
pub(crate) fn signal<'js>(ctx: &Ctx<'js>, token: RunToken, run: Option<RunCore>) -> Result<Value<'js>> {
    let token = handle::create(ctx, Token::new(ctx, token, run))?;
    Vm::of(ctx).prelude(ctx)?.make_signal.call((token,))
}

/// The token behind a value that has to be an `AbortSignal`.
pub(crate) fn token_of<'js>(ctx: &Ctx<'js>, value: &Value<'js>, place: &str) -> Fallible<RunToken> {
    let token: Value<'js> = Vm::of(ctx).prelude(ctx)?.token_of.call((value.clone(),))?;
    let state = handle::try_state::<Token>(&token);
    let state = state.ok_or_else(|| handle::wrong(value, place, "AbortSignal"))?;
    Ok(state.token.clone())
}

/// What the prelude needs of the host for its classes.
pub(crate) fn natives(members: &Members<'_>) -> Result<()> {
    members.method("newToken", 0, |call| new_token(call, RunToken::new()))?;
    members.method("childToken", 1, |call| {
        let tokens = call.required(0, "AbortSignal.any", "an array")?;
        let mut parents = Vec::new();
        if let Some(array) = tokens.as_object() {
            for index in 0..codec::length(array)? {
                #[allow(clippy::cast_possible_truncation, reason = "as many as were passed")]
                let token: Value<'_> = array.get(index as u32)?;
                parents.push(handle::state::<Token>(&token, "AbortSignal.any")?.token.clone());
            }
        }
        new_token(call, RunToken::child_of(&parents))
    })?;
    members.method("timeoutToken", 1, |call| {
        let ms = call.arg(0).and_then(|ms| ms.as_number()).filter(|ms| *ms >= 0.0 && ms.is_finite());
        let ms =
            ms.ok_or_else(|| Fault::type_error("AbortSignal.timeout: expected milliseconds of at least 0"))?;
        let after = Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX);
        let token = RunToken::after(Vm::of(call.ctx()).host.config.clock.clone(), after);
        new_token(call, token)
    })?;
    members.method("cancelToken", 2, |call| {
        let reason = call.arg(1).map(|reason| codec::text(call.ctx(), &reason)).transpose()?;
        let this = this_token(call)?;
        this.kept.borrow_mut().add(|| reason.as_ref().map_or(0, String::len));
        this.token.cancel(CancelReason::Cancelled(reason.map(Into::into)));
        Ok(call.undefined())
    })?;
    members.method("isCancelledWith", 2, |call| {
        let other = handle::state::<Token>(&call.at(1), "token")?;
        Ok(this_token(call)?.token.is_cancelled_with(&other.token).into_js(call.ctx())?)
    })?;
    members.method("tokenReason", 1, |call| match this_token(call)?.token.reason() {
        None => Ok(call.undefined()),
        Some(CancelReason::Timeout) => Ok("timeout".into_js(call.ctx())?),
        Some(CancelReason::Cancelled(reason)) => Ok(reason.as_deref().unwrap_or("").into_js(call.ctx())?),
        Some(CancelReason::Shutdown(what)) => Ok((&*what).into_js(call.ctx())?),
    })?;
    members.method("watchToken", 2, |call| {
        let state = this_token(call)?;
        watch(call.ctx(), &state, keep(call.at(1))?);
        Ok(call.undefined())
    })?;
    Ok(())
}

fn new_token<'js>(call: &Call<'_, 'js>, token: RunToken) -> Fallible<Value<'js>> {
    Ok(handle::create(call.ctx(), Token::new(call.ctx(), token, None))?.into_value())
}

fn this_token(call: &Call<'_, '_>) -> Fallible<Rc<Token>> {
    handle::state(&call.required(0, "token", "a token")?, "token")
}

/// Tells the signal when its token is cancelled: before the next callback, or by a task of its own. Nobody is told
/// once the run the token belongs to has ended.
fn watch(ctx: &Ctx<'_>, state: &Token, signal: JsRef) {
    let Some(local) = Local::current() else { return };
    Watches::add(&Vm::of(ctx).host, local, state.token.clone(), state.run.clone(), signal);
}
