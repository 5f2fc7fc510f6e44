//! Sessions as scripts hold them: their history, and the three ways to run them.

use crate::call::Call;
use crate::codec::turn;
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use crate::globals::abort::token_of;
use crate::handle::{self, HandleState};
use crate::host::Active;
use crate::ns::builder::Parts;
use crate::ns::run_handle;
use crate::options::Options;
use crate::promise::{promise_of, rejected};
use crate::run_error::caller_stack;
use crate::vm::Vm;
use geppetto_inference::{CancelReason, Failure, InferenceError, Run, RunOptions, RunToken, Seed, Session};
use geppetto_runner::Local;
use geppetto_turns::Turn;
use rquickjs::{IntoJs, Result, Value};
use std::time::Duration;

/// A synchronous run that nothing else bounds may take this long.
const SYNC_TIMEOUT: Duration = Duration::from_secs(600);

/// A session as scripts hold it.
pub(crate) struct SessionHandle(pub(crate) Session);

impl HandleState for SessionHandle {
    const NAME: &'static str = "Session";
    const PUBLIC: &'static [&'static str] = &["id"];

    fn members(members: &Members<'_>) -> Result<()> {
        history(members)?;
        members.getter("id", |call| Ok(call.this::<Self>()?.0.id().as_str().into_js(call.ctx())?))?;
        members
            .method("isRunning", 0, |call| Ok(call.this::<Self>()?.0.is_running().into_js(call.ctx())?))?;
        members.method("cancelActive", 0, |call| {
            call.this::<Self>()?.0.cancel_active(None)?;
            Ok(call.undefined())
        })?;
        members.method("close", 0, |call| {
            call.this::<Self>()?.0.close();
            Ok(call.undefined())
        })?;
        members.method("run", 2, |call| {
            let session = call.this::<Self>()?.0.clone();
            run_sync(call, begin(call, &session, Kind::Synchronous)?)
        })?;
        members.method("runAsync", 2, |call| {
            let run = call.this::<Self>().and_then(|this| begin(call, &this.0, Kind::Asynchronous));
            run_async(call, run)
        })?;
        members.method("start", 2, |call| {
            let session = call.this::<Self>()?.0.clone();
            run_handle::start(call, begin(call, &session, Kind::Asynchronous)?)
        })?;
        Ok(())
    }
}

fn history(members: &Members<'_>) -> Result<()> {
    members.method("append", 1, |call| {
        let session = call.this::<SessionHandle>()?.0.clone();
        let turn = turn::decode(call.ctx(), &call.required(0, "turn", "a turn")?, None, "turn")?;
        session.append(turn.clone()).map_err(|error| Fault::refused(error.into(), &session))?;
        Ok(turn::encode(call.ctx(), &turn)?.into_value())
    })?;
    members.method("latest", 0, |call| turn_or_null(call, call.this::<SessionHandle>()?.0.latest()))?;
    members.method("turnCount", 0, |call| {
        Ok(call.this::<SessionHandle>()?.0.turn_count().into_js(call.ctx())?)
    })?;
    members.method("turns", 0, |call| turns(call, call.this::<SessionHandle>()?.0.turns()))?;
    members.method("getTurn", 1, |call| {
        let session = &call.this::<SessionHandle>()?.0;
        let index = index_arg(call, 0, "index")?.unwrap_or(0.0);
        turn_or_null(call, as_index(index).and_then(|index| session.turn(index)))
    })?;
    members.method("turnsRange", 2, |call| {
        let all = call.this::<SessionHandle>()?.0.turns();
        let bound = |value: Option<f64>, default: usize| -> usize {
            let value = value.map(|value| if value < 0.0 { value + as_float(all.len()) } else { value });
            value.map_or(default, |value| as_index(value.max(0.0)).unwrap_or(0).min(all.len()))
        };
        let start = bound(index_arg(call, 0, "start")?, 0);
        let end = bound(index_arg(call, 1, "end")?, all.len()).max(start);
        turns(call, all[start..end].to_vec())
    })?;
    Ok(())
}

fn index_arg(call: &Call<'_, '_>, index: usize, name: &str) -> Fallible<Option<f64>> {
    let Some(value) = call.arg(index) else { return Ok(None) };
    let number = value.as_number().filter(|number| number.fract() == 0.0);
    let wrong =
        || Fault::type_error(format!("{name}: expected an integer, got {}", handle::describe(&value)));
    number.map(Some).ok_or_else(wrong)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked: an integer of at least 0"
)]
fn as_index(number: f64) -> Option<usize> {
    (number >= 0.0).then_some(number as usize)
}

#[allow(clippy::cast_precision_loss, reason = "no history has 2^53 turns")]
fn as_float(count: usize) -> f64 {
    count as f64
}

fn turn_or_null<'js>(call: &Call<'_, 'js>, turn: Option<Turn>) -> Fallible<Value<'js>> {
    match turn {
        Some(turn) => Ok(turn::encode(call.ctx(), &turn)?.into_value()),
        None => Ok(Value::new_null(call.ctx().clone())),
    }
}

fn turns<'js>(call: &Call<'_, 'js>, turns: Vec<Turn>) -> Fallible<Value<'js>> {
    let turns = turns.iter().map(|turn| Ok(turn::encode(call.ctx(), turn)?.into_value()));
    Ok(crate::codec::array(call.ctx(), turns)?)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Synchronous,
    Asynchronous,
}

/// Reads seed and options of a call, and begins the run.
fn begin(call: &Call<'_, '_>, session: &Session, kind: Kind) -> Fallible<(Run, Active)> {
    let seed = read_seed(call, call.arg(0))?;
    let options = Options::read(call.ctx(), call.arg(1), "options")?;
    let run_options = read_run_options(&options, kind)?;
    options.finish()?;
    begun(call, session, seed, (run_options, kind))
}

/// Begins the run, unless it would have to wait where it may not or cannot.
fn begun(
    call: &Call<'_, '_>,
    session: &Session,
    seed: Seed,
    (options, kind): (RunOptions, Kind),
) -> Fallible<(Run, Active)> {
    let host = Vm::of(call.ctx()).host.clone();
    let refused = |error| Fault::refused(error, session);
    if kind == Kind::Synchronous {
        if host.config.forbid_sync_runs {
            let instead = "use runAsync(), start() or runInferenceAsync()";
            return Err(Fault::Plain(format!("this host forbids synchronous runs; {instead}")));
        }
        if let Some(Err(error)) = Local::current().map(|local| local.check_depth()) {
            return Err(refused(InferenceError::Limit { failure: Failure::new(error.to_string()) }));
        }
    }
    let run = session.begin(seed, options).map_err(|error| refused(error.into()))?;
    let active = host.runs.add(run.context().clone());
    Ok((run, active))
}

/// A seed: a turn, a string, a block or blocks.
fn read_seed<'js>(call: &Call<'_, 'js>, seed: Option<Value<'js>>) -> Fallible<Seed> {
    let ctx = call.ctx();
    let Some(seed) = seed else { return Ok(Seed::Latest) };
    if seed.is_string() {
        return Ok(Seed::from(crate::codec::text(ctx, &seed)?));
    }
    if seed.is_array() {
        return Ok(Seed::Blocks(turn::decode_blocks(ctx, &seed, "seed")?));
    }
    match seed.as_object() {
        Some(object) if !turn::looks_like_turn(object)? => {
            Ok(Seed::Blocks(turn::decode_blocks(ctx, &seed, "seed")?))
        }
        Some(_) => Ok(Seed::Turn(turn::decode(ctx, &seed, None, "seed")?)),
        None => {
            let found = handle::describe(&seed);
            Err(Fault::type_error(format!(
                "seed: expected a turn, a string, a block or an array of blocks, got {found}"
            )))
        }
    }
}

fn read_run_options(options: &Options<'_>, kind: Kind) -> Fallible<RunOptions> {
    let host = Vm::of(options.ctx()).host.clone();
    let mut timeout = options.milliseconds("timeoutMs")?.filter(|timeout| !timeout.is_zero());
    let (parent, mut signals) = host.enclosing();
    signals.push(shutdown_token(&host));
    let bounded = timeout.is_some() || parent.as_ref().is_some_and(|parent| parent.deadline().is_some());
    if kind == Kind::Synchronous && !bounded {
        timeout = Some(SYNC_TIMEOUT);
    }
    for name in ["signal", "abortSignal"] {
        if let Some(signal) = options.value(name)? {
            signals.push(token_of(options.ctx(), &signal, &options.path_of(name))?);
        }
    }
    Ok(RunOptions {
        timeout,
        tags: options.map("tags")?,
        signal: Some(RunToken::child_of(&signals)),
        trace_id: options.string("traceId")?,
        keep_partial: options.boolean("keepPartial")?.unwrap_or(false),
        parent,
        sinks: Vec::new(),
    })
}

/// Ends with the VM. Each run has its own: runs that share an ancestor belong together.
fn shutdown_token(host: &crate::host::Host) -> RunToken {
    let reason = CancelReason::Shutdown("the runtime was shut down".into());
    RunToken::following(host.owner.stopping().clone(), reason)
}

/// Runs in place: the script waits, and nothing else happens in the VM but what belongs to the run.
fn run_sync<'js>(call: &Call<'_, 'js>, (run, _active): (Run, Active)) -> Fallible<Value<'js>> {
    let host = Vm::of(call.ctx()).host.clone();
    let handle = run.handle();
    let (scope, token) = (run.context().scope(), run.context().token().clone());
    let result = match host.wait((scope, &token), run.drive()) {
        Ok(result) => result,
        // The wait was ended from outside and dropped the run, which finished with the reason.
        Err(error) => handle.outcome().ok_or_else(|| Fault::wait(error))?,
    };
    Ok(turn::encode(call.ctx(), &result?)?.into_value())
}

/// Runs between jobs; the promise settles after the run's end was told.
fn run_async<'js>(call: &Call<'_, 'js>, run: Fallible<(Run, Active)>) -> Fallible<Value<'js>> {
    match run {
        Ok((run, active)) => {
            let stack = caller_stack(call.ctx())?;
            let driven = async move {
                let _active = active;
                run.drive().await.map_err(|error| Fault::StartedRun(Box::new(error), stack))
            };
            promise_of(call, driven, |ctx, turn| Ok(turn::encode(ctx, &turn)?.into_value()))
        }
        Err(fault) => rejected(call, fault),
    }
}

pub(super) fn functions(members: &Members<'_>) -> Result<()> {
    members.function("runInference", 3, |call| run_sync(call, begin_once(call, Kind::Synchronous)?))?;
    members.function("runInferenceAsync", 3, |call| {
        let run = begin_once(call, Kind::Asynchronous);
        run_async(call, run)
    })?;
    Ok(())
}

/// One run without keeping a session: `(engine, turn, options?)` with the options of sessions and runs.
fn begin_once(call: &Call<'_, '_>, kind: Kind) -> Fallible<(Run, Active)> {
    let engine = crate::ns::engines::engine_of(&call.required(0, "engine", "an Engine")?, "engine")?;
    let seed = read_seed(call, call.arg(1))?;
    let options = Options::read(call.ctx(), call.arg(2), "options")?;
    let parts = Parts::read(&options, Some(engine))?;
    let run_options = read_run_options(&options, kind)?;
    options.finish()?;
    let session = parts.build(call.ctx())?;
    begun(call, &session, seed, (run_options, kind))
}
