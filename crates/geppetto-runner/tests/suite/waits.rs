//! Synchronous waits: in place, nested, served from other threads, and ended from outside.

use crate::{owner, owner_with};
use futures_lite::future::block_on;
use futures_lite::future::{pending, yield_now};
use geppetto_runner::{Frame, Limits, Local, WaitError};
use geppetto_time::{Clock, ManualClock, SystemClock};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn local() -> Local {
    Local::current().unwrap()
}

#[test]
fn a_wait_inside_a_job_polls_its_future_in_place_at_any_depth() {
    fn nested(depth: u64) -> u64 {
        if depth == 0 {
            return 0;
        }
        let waited = local().block_on(depth, async move {
            yield_now().await;
            local().enter("inner", |_| nested(depth - 1)).unwrap()
        });
        1 + waited.unwrap()
    }
    let owner = owner();
    for _ in 0..1000 {
        assert_eq!(owner.call_blocking("outer", |_| nested(3)), Ok(3));
    }
}

#[test]
fn a_wait_that_is_nested_too_deeply_is_a_typed_error() {
    fn nested() -> Result<u32, WaitError> {
        local().block_on(1, async { nested() })?.map(|depth| depth + 1)
    }
    let result = owner().call_blocking("outer", |_| nested());
    assert_eq!(result, Ok(Err(WaitError::TooDeep { limit: 16 })));
}

#[test]
fn calls_of_the_scope_are_served_during_a_wait_and_others_wait_for_its_end() {
    let owner = owner();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (handle, noted) = (owner.weak(), order.clone());
    owner
        .call_blocking("wait", move |_| {
            let (done, is_done) = tokio::sync::oneshot::channel();
            let inside = noted.clone();
            std::thread::spawn(move || {
                let (stranger, guest) = (noted.clone(), noted);
                handle.post("stranger", move |_| stranger.lock().unwrap().push("stranger")).unwrap();
                let call = handle.call_in(Some(7), "guest", move |_| guest.lock().unwrap().push("guest"));
                block_on(call).unwrap();
                done.send(()).unwrap();
            });
            local().block_on(7, is_done).unwrap().unwrap();
            inside.lock().unwrap().push("end of wait");
        })
        .unwrap();
    owner.call_blocking("after", |_| ()).unwrap();
    assert_eq!(*order.lock().unwrap(), ["guest", "end of wait", "stranger"]);
}

#[test]
fn microtasks_and_tasks_do_not_run_during_a_wait() {
    let owner = owner();
    let order = owner.call_blocking("wait", |ctx| {
        ctx.eval::<(), _>("globalThis.order = []; Promise.resolve().then(() => order.push('microtask'))")
            .unwrap();
        local()
            .block_on(1, async {
                for _ in 0..10 {
                    yield_now().await;
                }
            })
            .unwrap();
        ctx.eval::<(), _>("order.push('after the wait')").unwrap();
    });
    order.unwrap();
    let order = owner.call_blocking("look", |ctx| ctx.eval::<String, _>("order.join()").unwrap());
    assert_eq!(order.unwrap(), "after the wait,microtask");
}

#[test]
fn a_frames_deadline_and_stop_end_a_wait_inside_it() {
    let clock = ManualClock::default();
    let (owner, _) = owner_with(Limits::default(), Some(Arc::new(clock.clone())));
    let until = clock.now() + Duration::from_secs(60);
    let mover = {
        let clock = clock;
        std::thread::spawn(move || {
            clock.wait_for_sleepers(1);
            clock.advance(Duration::from_secs(60));
        })
    };
    let late = owner.call_blocking("deadline", move |_| {
        let frame = Frame { deadline: Some(until), stop: None };
        local().enter_framed("framed", frame, |_| local().block_on(1, pending::<()>()))
    });
    assert_eq!(late, Ok(Ok(Err(WaitError::Stopped))));
    mover.join().unwrap();

    let token = CancellationToken::new();
    let (stop, (began, has_begun)) = (token.clone(), mpsc::channel());
    let canceller = std::thread::spawn(move || {
        has_begun.recv().unwrap();
        token.cancel();
    });
    let stopped = owner.call_blocking("stop", move |_| {
        let frame = Frame { deadline: None, stop: Some(Arc::new(stop)) };
        began.send(()).unwrap();
        local().enter_framed("framed", frame, |_| local().block_on(1, pending::<()>()))
    });
    assert_eq!(stopped, Ok(Ok(Err(WaitError::Stopped))));
    canceller.join().unwrap();
}

#[test]
fn parked_time_is_not_job_time() {
    let clock = ManualClock::default();
    let limits = Limits { job_time: Some(Duration::from_secs(1)), ..Limits::default() };
    let (owner, _) = owner_with(limits, Some(Arc::new(clock.clone())));
    let (slow, is_slow) = tokio::sync::oneshot::channel();
    let far = clock.now() + Duration::from_secs(3600);
    let mover = std::thread::spawn(move || {
        // The wait has a deadline far away: when it sleeps for that, it is parked.
        clock.wait_for_sleepers(1);
        clock.advance(Duration::from_secs(600));
        slow.send(()).unwrap();
    });
    let sum = owner.call_blocking("wait", move |_| {
        local().enter_framed("framed", Frame { deadline: Some(far), stop: None }, |ctx| {
            local().block_on(1, is_slow).unwrap().unwrap();
            ctx.eval::<i32, _>("let s = 0; for (let i = 0; i < 1e6; i++) s += 1; s").unwrap()
        })
    });
    mover.join().unwrap();
    assert_eq!(sum, Ok(Ok(1_000_000)));
}

#[test]
fn a_shutdown_ends_a_wait() {
    let owner = owner();
    let (began, has_begun) = mpsc::channel();
    let handle = owner.weak();
    let waiting = std::thread::spawn(move || {
        handle.call_blocking("wait", move |_| {
            began.send(()).unwrap();
            local().block_on(1, pending::<()>())
        })
    });
    has_begun.recv().unwrap();
    drop(owner);
    assert_eq!(waiting.join().unwrap(), Ok(Err(WaitError::Shutdown)));
}

#[test]
fn calls_of_its_scope_do_not_keep_a_wait_from_its_deadline() {
    let (owner, _) = owner_with(Limits { job_time: None, ..Limits::default() }, None);
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (owner, stop) = (owner.weak(), stop.clone());
            std::thread::spawn(move || {
                let busy =
                    |ctx: rquickjs::Ctx<'_>| ctx.eval::<(), _>("for (let i = 0; i < 20000; i++);").is_ok();
                while !stop.load(Ordering::Relaxed) {
                    let _ = block_on(owner.call_in(Some(7), "scoped", busy));
                }
            })
        })
        .collect();
    let waited = owner.call_blocking("wait", |_| {
        let local = Local::current().unwrap();
        let deadline = Some(SystemClock.after(Duration::from_millis(100)));
        let wait = |_: rquickjs::Ctx<'_>| Local::current().unwrap().block_on(7, pending::<()>());
        local.enter_framed("framed", Frame { deadline, stop: None }, wait)
    });
    stop.store(true, Ordering::Relaxed);
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    assert_eq!(waited, Ok(Ok(Err(WaitError::Stopped))));
    assert_eq!(owner.condemned(), None);
}
