//! Memory, stack and time.

use crate::{owner, owner_with};
use geppetto_runner::{CallError, Limits, Owner, OwnerOptions};
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
    let breed = "globalThis.count = 0; const f = () => { count++; Promise.resolve().then(f) }; f()";
    owner.call_blocking("breed", move |ctx| ctx.eval::<(), _>(breed).unwrap()).unwrap();
    let bred = owner.call_blocking("next", |ctx| ctx.eval::<i32, _>("count").unwrap());
    assert!(bred.is_ok_and(|count| (900..=1001).contains(&count)), "it was stopped");
    let reports = reports.lock().unwrap();
    assert!(matches!(reports[0].error, CallError::TooManyMicrotasks { limit: 1000 }), "{reports:?}");
}
