//! Memory, stack and time.

use crate::{owner, owner_with};
use futures_lite::future::block_on;
use geppetto_runner::{CallError, Limits, Local, Owner, OwnerOptions};
use geppetto_time::ManualClock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn short() -> Limits {
    Limits { job_time: Some(Duration::from_millis(30)), ..Limits::default() }
}

#[test]
fn an_endless_loop_is_interrupted_and_the_owner_lives_on() {
    let (owner, _) = owner_with(short(), None);
    let source = "for (;;) { try { for (;;) {} } catch {} finally { for (;;) {} } }";
    let result = owner.call_blocking("loop", move |ctx| ctx.eval::<(), _>(source).is_ok());
    assert!(matches!(result, Err(CallError::Interrupted { .. })), "{result:?}");
    assert_eq!(owner.call_blocking("next", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()), Ok(2));
}

#[test]
fn the_time_of_a_job_does_not_bound_the_set_up() {
    let options = OwnerOptions { limits: short(), ..OwnerOptions::default() };
    let owner = Owner::spawn(options, |_, local| {
        let busy = "const end = Date.now() + 60; while (Date.now() < end);";
        local.enter("setup", |ctx| ctx.eval::<(), _>(busy).unwrap()).map_err(|error| error.to_string())
    });
    assert!(owner.is_ok(), "{owner:?}");
}

#[test]
fn microtasks_that_breed_microtasks_are_stopped_and_reported() {
    let (owner, reports) = owner_with(short(), None);
    owner
        .call_blocking("breed", |ctx| {
            ctx.eval::<(), _>(
                "const f = () => { for (let i = 0; i < 1000; i++); Promise.resolve().then(f) }; f()",
            )
            .unwrap();
        })
        .unwrap();
    let reports = reports.lock().unwrap();
    assert_eq!(reports.first().map(|report| report.op), Some("microtasks"));
}

/// Queues these microtasks and one more, and waits for that: no other job comes. How much was reported meanwhile.
fn runs_what_stands_behind(limits: Limits, microtasks: &'static str) -> usize {
    let (owner, reports) = owner_with(limits, None);
    let (ran, has_run) = mpsc::channel();
    owner
        .call_blocking("leave", move |ctx| {
            let tell = rquickjs::Function::new(ctx.clone(), move || ran.send(()).unwrap());
            ctx.globals().set("tell", tell).unwrap();
            ctx.eval::<i32, _>(format!("{microtasks}; Promise.resolve().then(tell); 0")).unwrap();
        })
        .unwrap();
    assert_eq!(has_run.recv_timeout(Duration::from_secs(10)), Ok(()));
    reports.lock().unwrap().len()
}

#[test]
fn what_an_interrupted_microtask_leaves_behind_waits_for_no_other_job() {
    assert_eq!(runs_what_stands_behind(short(), "Promise.resolve().then(() => { for (;;); })"), 1);
}

#[test]
fn what_too_many_microtasks_leave_behind_waits_for_no_other_job() {
    let limits = Limits { microtasks: 10, ..Limits::default() };
    let many = "for (let i = 0; i < 15; i++) Promise.resolve().then(() => {})";
    assert_eq!(runs_what_stands_behind(limits, many), 1);
}

#[test]
fn an_interruption_that_a_promise_makes_a_rejection_of_lets_no_script_go_on() {
    for swallow in [
        "new Promise(() => { for (;;); })",
        "Promise.resolve({ get then() { for (;;); } })",
        "Promise.try(() => { for (;;); })",
        "Promise.all({ [Symbol.iterator]() { for (;;); } })",
    ] {
        let (owner, reports) = owner_with(short(), None);
        let went_on = Arc::new(AtomicBool::new(false));
        let told = went_on.clone();
        let result = owner.call_blocking("swallow", move |ctx| {
            let tell = rquickjs::Function::new(ctx.clone(), move |ctx: rquickjs::Ctx<'_>| {
                Local::current().unwrap().check(&ctx)?;
                told.store(true, Ordering::Relaxed);
                rquickjs::Result::Ok(())
            });
            ctx.globals().set("tell", tell).unwrap();
            ctx.eval::<(), _>(format!("{swallow}.catch(tell); {swallow}; tell()")).is_ok()
        });
        assert!(matches!(result, Err(CallError::Interrupted { .. })), "{swallow}: {result:?}");
        block_on(owner.shutdown(Duration::from_secs(60)));
        assert!(!went_on.load(Ordering::Relaxed), "{swallow}");
        let reports = reports.lock().unwrap();
        // What nobody handles is the interruption itself, which the caller has heard of.
        assert!(reports.iter().all(|report| report.op != "promise"), "{swallow}: {reports:?}");
    }
}

#[test]
fn a_getter_of_what_nobody_caught_is_interrupted_on_its_own_account() {
    let (owner, reports) = owner_with(short(), None);
    let reject = "Promise.reject({ message: 'plain' });
        Promise.reject(Object.defineProperty(new Error(), 'message', { get() { for (;;); } })); 0";
    owner.call_blocking("reject", move |ctx| ctx.eval::<i32, _>(reject).unwrap()).unwrap();
    assert_eq!(owner.call_blocking("next", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()), Ok(2));
    let reports = reports.lock().unwrap();
    let told: Vec<_> = reports.iter().map(|report| (report.op, &report.error)).collect();
    assert!(
        matches!(
            told[..],
            [
                ("promise", CallError::Script(_)),
                ("promise", CallError::Interrupted { .. }),
                ("promise", CallError::Script(_))
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn callbacks_that_use_up_a_jobs_time_now_and_then_are_not_the_jobs_fault() {
    let clock = ManualClock::default();
    let limits = Limits { job_time: Some(Duration::from_secs(1)), ..Limits::default() };
    let (owner, _) = owner_with(limits, Some(Arc::new(clock.clone())));
    let waited = |seconds: u64| {
        let clock = clock.clone();
        owner.call_blocking("outer", move |ctx| {
            let local = Local::current().unwrap();
            for _ in 0..3 {
                let spun = local.enter("spin", |ctx| {
                    clock.advance(Duration::from_secs(2));
                    ctx.eval::<(), _>("for (;;);").is_ok()
                });
                assert!(matches!(spun, Err(CallError::Interrupted { .. })), "{spun:?}");
                local.blocking(|| clock.advance(Duration::from_secs(seconds)));
            }
            ctx.eval::<i32, _>("for (let i = 0; i < 1e6; i++); 2").unwrap_or_default()
        })
    };
    assert_eq!(waited(30), Ok(2));
    assert!(matches!(waited(1), Err(CallError::Interrupted { .. })));
}

#[test]
fn deep_recursion_is_a_range_error_and_the_vm_stays_usable() {
    let owner = owner();
    let source = "function f(n) { return f(n + 1) + 1 } try { f(0) } catch (e) { e.name }";
    assert_eq!(
        owner.call_blocking("recurse", move |ctx| ctx.eval::<String, _>(source).unwrap()),
        Ok("RangeError".into())
    );
    assert_eq!(owner.call_blocking("next", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()), Ok(2));
}

#[test]
fn a_stack_limit_that_would_abort_the_process_is_made_safe() {
    for stack in [0, usize::MAX] {
        let (owner, _) = owner_with(Limits { stack, ..Limits::default() }, None);
        let source = "function f() { f() } try { f() } catch (e) { e.name }";
        let name = owner.call_blocking("recurse", move |ctx| ctx.eval::<String, _>(source).unwrap());
        assert_eq!(name, Ok("RangeError".into()), "stack {stack}");
    }
}

#[test]
fn too_many_microtasks_after_a_job_are_told_and_let_others_have_their_turn() {
    let (owner, reports) = owner_with(Limits { microtasks: 1000, ..Limits::default() }, None);
    let follow = |most: u32| {
        let breed = format!(
            "globalThis.count = 0; (function f() {{ if (count++ < {most}) Promise.resolve().then(f); }})()"
        );
        owner.call_blocking("breed", move |ctx| ctx.eval::<(), _>(breed).unwrap()).unwrap();
        owner.call_blocking("next", |ctx| ctx.eval::<u32, _>("count - 1").unwrap()).unwrap()
    };
    assert_eq!(follow(1000), 1000);
    assert_eq!(*reports.lock().unwrap(), []);
    // Those that breed go on once, before the next job or behind it.
    assert!(matches!(follow(u32::MAX), 1001 | 2002));
    let reports = reports.lock().unwrap();
    assert!(matches!(reports[0].error, CallError::TooManyMicrotasks { limit: 1000 }), "{reports:?}");
}

#[test]
fn an_interruption_that_ends_in_a_panic_is_blamed_on_nobody_else() {
    let (owner, reports) = owner_with(short(), None);
    let answer = owner.call_blocking("outer", |ctx| {
        let local = Local::current().unwrap();
        let inner = local.enter("inner", |ctx| ctx.eval::<i32, _>("for (;;);").unwrap());
        (inner, ctx.eval::<i32, _>("1 + 1").unwrap())
    });
    let (inner, outer) = answer.unwrap();
    assert!(matches!(inner, Err(CallError::Panicked { op: "inner", .. })), "{inner:?}");
    assert_eq!(outer, 2);
    let alone = owner.call_blocking("alone", |ctx| ctx.eval::<i32, _>("for (;;);").unwrap());
    assert!(matches!(alone, Err(CallError::Panicked { op: "alone", .. })), "{alone:?}");
    assert_eq!(*reports.lock().unwrap(), []);
}
