//! Shutdown: from outside and inside, twice, during jobs, with tasks and values left.

use crate::{keep_busy, owner, owner_with};
use futures_lite::future::{block_on, pending};
use geppetto_runner::{CallError, JsRef, Limits, Local, Owner, OwnerOptions, SpawnError};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn shutdown_ends_queued_jobs_and_later_ones_and_may_be_called_twice() {
    let owner = owner();
    let go = keep_busy(&owner);
    let handle = owner.weak();
    let queued = std::thread::spawn(move || handle.call_blocking("queued", |_| ()));
    while owner.stats().queue_depth == 0 {
        std::thread::yield_now();
    }
    let ending = {
        let owner = owner.clone();
        std::thread::spawn(move || block_on(owner.shutdown(Duration::from_secs(60))))
    };
    assert_eq!(queued.join().unwrap(), Err(CallError::Closed));
    go.send(()).unwrap();
    ending.join().unwrap();
    block_on(owner.shutdown(Duration::ZERO));
    assert_eq!(owner.call_blocking("late", |_| ()), Err(CallError::Closed));
    assert_eq!(owner.post("late", |_| ()), Err(CallError::Closed));
}

#[test]
fn shutdown_interrupts_a_job_that_does_not_end_in_its_grace() {
    let owner = owner();
    let handle = owner.weak();
    let (began, has_begun) = mpsc::channel();
    let looping = std::thread::spawn(move || {
        handle.call_blocking("loop", move |ctx| {
            began.send(()).unwrap();
            ctx.eval::<(), _>("for (;;) {}").is_ok()
        })
    });
    has_begun.recv().unwrap();
    block_on(owner.shutdown(Duration::from_millis(20)));
    assert!(matches!(looping.join().unwrap(), Err(CallError::Interrupted { .. })));
}

#[test]
fn the_last_owner_may_be_dropped_inside_a_job() {
    let owner = owner();
    let stopping = owner.stopping().clone();
    let shared = Arc::new(Mutex::new(None));
    let inner = shared.clone();
    let handle = owner.weak();
    *shared.lock().unwrap() = Some(owner);
    handle.post("drop", move |_| drop(inner.lock().unwrap().take())).unwrap();
    block_on(stopping.cancelled());
    assert!(handle.is_closed());
}

#[test]
fn tasks_values_and_handles_that_outlive_the_vm_are_harmless() {
    struct Told(mpsc::Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let owner = owner();
    let (told, dropped) = mpsc::channel();
    let kept = owner.call_blocking("keep", move |ctx| {
        let local = Local::current().unwrap();
        let value = JsRef::new(&local, ctx.eval("({})").unwrap());
        let (inside, told) = (value.clone(), Told(told));
        local.spawn(async move {
            let _both = (inside, told);
            pending::<()>().await;
        });
        value
    });
    let kept = kept.unwrap();
    drop(owner);
    dropped.recv().unwrap();
    drop(kept);
}

#[test]
fn a_failing_or_panicking_setup_leaves_nothing() {
    let failed = Owner::spawn(OwnerOptions::default(), |_, _| Err("no module".to_owned()));
    assert!(matches!(failed, Err(SpawnError::Setup { message }) if message == "no module"));
    let panicked = Owner::spawn(OwnerOptions::default(), |_, _| panic!("boom"));
    assert!(matches!(panicked, Err(SpawnError::Setup { message }) if message == "panic in setup: boom"));
}

#[test]
fn many_callers_and_a_shutdown_in_the_middle_lose_no_reply() {
    for _ in 0..20 {
        let (owner, _) = owner_with(Limits::default(), None);
        let callers: Vec<_> = (0..8)
            .map(|n| {
                let handle = owner.weak();
                std::thread::spawn(move || {
                    (0..50)
                        .map(|_| {
                            handle.call_blocking("add", move |ctx| {
                                ctx.eval::<i32, _>(format!("{n} + 1")).unwrap()
                            })
                        })
                        .map(|result| match result {
                            Ok(sum) => assert_eq!(sum, n + 1),
                            Err(error) => assert_eq!(error, CallError::Closed),
                        })
                        .count()
                })
            })
            .collect();
        block_on(owner.shutdown(Duration::from_secs(60)));
        assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 50));
    }
}
