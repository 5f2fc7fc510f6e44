//! Calls from inside and outside, in order, with their failures.

use crate::{keep_busy, owner, owner_with};
use futures_lite::future::{block_on, poll_once};
use geppetto_runner::{CallError, JsError, JsRef, Limits, Local};
use std::sync::{Arc, Mutex};

#[test]
fn a_call_from_another_thread_is_queued_and_one_from_inside_runs_at_once() {
    let owner = owner();
    let handle = owner.weak();
    let sum = owner.call_blocking("outer", move |_| {
        // On the owner's thread a future that calls the owner is ready at its first poll.
        let mut inner = std::pin::pin!(handle.call("inner", |ctx| ctx.eval::<i32, _>("20 + 22").unwrap()));
        block_on(poll_once(inner.as_mut()))
    });
    assert_eq!(sum.unwrap(), Some(Ok(42)));
    let stats = owner.stats();
    assert_eq!((stats.run, stats.inline), (1, 1));
}

#[test]
fn queued_jobs_run_in_the_order_of_their_calls() {
    let owner = owner();
    let order = Arc::new(Mutex::new(Vec::new()));
    for n in 0..200 {
        let order = order.clone();
        owner.post("note", move |_| order.lock().unwrap().push(n)).unwrap();
    }
    owner.call_blocking("last", |_| ()).unwrap();
    assert_eq!(*order.lock().unwrap(), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_panic_is_reported_with_its_op_and_the_owner_lives_on() {
    let (owner, reports) = owner_with(Limits::default(), None);
    let result = owner.call_blocking("explode", |_| -> () { panic!("boom") });
    let expected = CallError::Panicked { op: "explode", message: "boom".to_owned() };
    assert_eq!(result, Err(expected));
    owner.post("explode later", |_| panic!("boom again")).unwrap();
    assert_eq!(owner.call_blocking("still", |_| 1), Ok(1));
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(
        (reports[0].op, reports[0].error.to_string()),
        ("explode later", "panic in explode later: boom again".into())
    );
}

#[test]
fn a_queued_call_whose_caller_is_gone_is_not_run() {
    let owner = owner();
    let go = keep_busy(&owner);
    {
        let mut call = std::pin::pin!(owner.call("dropped", |_| panic!("must not run")));
        assert!(block_on(poll_once(call.as_mut())).is_none());
    }
    go.send(()).unwrap();
    owner.call_blocking("after", |_| ()).unwrap();
    let stats = owner.stats();
    assert_eq!((stats.cancelled, stats.panicked), (1, 0));
}

#[test]
fn a_full_queue_refuses_calls_and_posts() {
    let (owner, _) = owner_with(Limits { queue: 1, ..Limits::default() }, None);
    let go = keep_busy(&owner);
    owner.post("waits", |_| ()).unwrap();
    assert_eq!(owner.post("refused", |_| ()), Err(CallError::QueueFull { capacity: 1 }));
    assert_eq!(owner.call_blocking("refused", |_| ()), Err(CallError::QueueFull { capacity: 1 }));
    go.send(()).unwrap();
}

#[test]
fn what_a_script_throws_comes_out_with_name_message_stack_and_cause() {
    let owner = owner();
    let error = owner.call_blocking("throw", |ctx| {
        let source = "function f() { throw new TypeError('bad', { cause: new Error('worse') }) }\nf()";
        let error = ctx.eval::<(), _>(source).unwrap_err();
        JsError::from_error(&ctx, &error)
    });
    let error = error.unwrap();
    assert_eq!(error.to_string(), "TypeError: bad");
    assert!(error.stack.contains("at f (eval_script:1"), "{}", error.stack);
    assert_eq!(error.cause.unwrap().message, "worse");
    let null = owner.call_blocking("throw", |ctx| {
        let error = ctx.eval::<(), _>("throw null").unwrap_err();
        JsError::from_error(&ctx, &error).to_string()
    });
    assert_eq!(null.unwrap(), "null");
}

#[test]
fn only_rejections_that_nobody_handles_are_reported() {
    let (owner, reports) = owner_with(Limits::default(), None);
    let source = "
        (async () => { try { await Promise.reject(new Error('handled')) } catch {} })();
        Promise.reject(new Error('lost')); 0";
    owner.call_blocking("reject", move |ctx| ctx.eval::<i32, _>(source).unwrap()).unwrap();
    let reports = reports.lock().unwrap();
    let told: Vec<_> = reports.iter().map(|report| format!("{}: {}", report.op, report.error)).collect();
    assert_eq!(told, ["promise: Error: lost"]);
}

#[test]
fn a_kept_value_travels_as_a_handle_and_is_released_when_the_last_one_is_dropped() {
    let owner = owner();
    let kept = owner.call_blocking("keep", |ctx| {
        JsRef::new(&Local::current().unwrap(), ctx.eval("({ answer: 42 })").unwrap())
    });
    let kept = kept.unwrap();
    let (copy, count) = (kept.clone(), || Local::current().unwrap().kept_values());
    let answer = owner.call_blocking("use", move |ctx| {
        copy.get(&ctx).unwrap().as_object().unwrap().get::<_, i32>("answer").unwrap()
    });
    assert_eq!(answer, Ok(42));
    assert_eq!(owner.call_blocking("count", move |_| count()), Ok(1));
    drop(kept);
    owner.call_blocking("release", |_| ()).unwrap();
    assert_eq!(owner.call_blocking("count", move |_| count()), Ok(0));
}

#[test]
fn stats_tell_how_often_each_job_ran_and_how_long_it_waited_and_took() {
    let owner = owner();
    for _ in 0..100 {
        owner.call_blocking("quick", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()).unwrap();
    }
    owner
        .call_blocking("slow", |ctx| ctx.eval::<(), _>("for (let i = 0; i < 100000; i++);").unwrap())
        .unwrap();
    let stats = owner.stats();
    let of = |name| stats.ops.iter().find(|op| op.op == name).unwrap();
    assert_eq!((of("quick").run.count, of("quick").wait.count, of("slow").run.count), (100, 100, 1));
    let (quick, slow) = (of("quick").run, of("slow").run);
    assert!(quick.p50 <= quick.p95 && quick.p95 <= quick.p99 && quick.p99 <= quick.max, "{quick:?}");
    assert!(slow.p50 > quick.p50, "{slow:?} {quick:?}");
    assert!(stats.heap_bytes > 10_000, "{stats:?}");
}
