//! VMs that are given up: those that do not heed their interruption, and those that want too much memory.

use crate::owner_with;
use futures_lite::future::block_on;
use geppetto_runner::{CallError, Limits, Owner, OwnerOptions, left_behind};
use geppetto_time::{Clock, ManualClock};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// The engine never asks whether to go on in this, and it takes minutes.
const UNINTERRUPTIBLE: &str = "const a = []; a[4294967294] = 1; a.sort()";

fn short() -> Limits {
    Limits { job_time: Some(Duration::from_millis(50)), ..Limits::default() }
}

#[test]
fn a_vm_that_cannot_be_interrupted_is_condemned_and_whoever_waits_for_it_is_told() {
    let (report, reports) = mpsc::channel();
    let options = OwnerOptions {
        limits: short(),
        on_error: Arc::new(move |told| report.send(told.op).unwrap()),
        ..OwnerOptions::default()
    };
    let owner = Owner::spawn(options, |_, _| Ok(())).unwrap();
    let waiting = {
        let owner = owner.weak();
        std::thread::spawn(move || {
            let running = owner.call("sort", |ctx| ctx.eval::<(), _>(UNINTERRUPTIBLE).is_ok());
            let queued = owner.call("queued", |_| ());
            block_on(async { futures_lite::future::zip(running, queued).await })
        })
    };
    let began = Instant::now();
    let (running, queued) = waiting.join().unwrap();
    assert!(matches!(running, Err(CallError::Condemned { .. })), "{running:?}");
    assert!(matches!(queued, Err(CallError::Condemned { .. })), "{queued:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(matches!(owner.call_blocking("later", |_| ()), Err(CallError::Condemned { .. })));
    assert!(matches!(owner.post("later", |_| ()), Err(CallError::Condemned { .. })));
    block_on(owner.shutdown(Duration::ZERO));
    assert!(owner.is_stopped() && owner.condemned().is_some());
    // It comes at last, behind what the callers are told, and once.
    assert_eq!(reports.recv_timeout(Duration::from_secs(10)), Ok("condemned"));
    assert!(reports.try_recv().is_err());
    let dropping = Instant::now();
    drop(owner);
    assert!(dropping.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_shutdown_does_not_wait_for_a_vm_that_cannot_be_interrupted() {
    let (owner, _) = owner_with(Limits { job_time: None, ..Limits::default() }, None);
    let (began, has_begun) = mpsc::channel();
    owner
        .post("sort", move |ctx| {
            began.send(()).unwrap();
            let _ = ctx.eval::<(), _>(UNINTERRUPTIBLE);
        })
        .unwrap();
    has_begun.recv().unwrap();
    block_on(owner.shutdown(Duration::from_millis(10)));
    assert!(owner.condemned().is_some());
}

#[test]
fn a_job_that_heeds_its_interruption_condemns_nobody_however_often_it_happens() {
    let limits = Limits { job_time: Some(Duration::from_millis(5)), ..Limits::default() };
    let (owner, _) = owner_with(limits, None);
    for _ in 0..100 {
        let looped = owner.call_blocking("loop", |ctx| ctx.eval::<(), _>("for (;;);").is_ok());
        assert!(matches!(looped, Err(CallError::Interrupted { .. })), "{looped:?}");
    }
    assert_eq!(owner.condemned(), None);
}

#[test]
fn a_host_function_that_a_script_calls_for_ever_is_stopped_where_it_crosses() {
    let (owner, _) = owner_with(short(), None);
    let result = owner.call_blocking("cross", |ctx| {
        let slow = rquickjs::Function::new(ctx.clone(), |ctx: rquickjs::Ctx<'_>| {
            // Ten thousand of these between two questions of the engine would take minutes.
            let until = Instant::now() + Duration::from_millis(10);
            while Instant::now() < until {}
            geppetto_runner::Local::current().unwrap().check(&ctx)
        });
        ctx.globals().set("slow", slow).unwrap();
        ctx.eval::<(), _>("for (;;) { try { for (;;) slow() } catch {} finally { for (;;) slow() } }").is_ok()
    });
    assert!(matches!(result, Err(CallError::Interrupted { .. })), "{result:?}");
    assert_eq!(owner.call_blocking("next", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()), Ok(2));
}

#[test]
fn a_host_function_that_panics_while_it_blocks_leaves_its_vm_watched() {
    let (owner, _) = owner_with(short(), None);
    let result = owner.call_blocking("panic", |ctx| {
        let local = geppetto_runner::Local::current().unwrap();
        let blocked = std::panic::AssertUnwindSafe(|| local.blocking(|| panic!("while it blocks")));
        assert!(std::panic::catch_unwind(blocked).is_err());
        ctx.eval::<(), _>(UNINTERRUPTIBLE).is_ok()
    });
    assert!(matches!(result, Err(CallError::Condemned { .. })), "{result:?}");
}

#[test]
fn a_parked_wait_is_never_condemned_however_long_it_takes() {
    let clock = ManualClock::default();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let (owner, _) = owner_with(short(), Some(shared.clone()));
    let (parked, is_parked) = mpsc::channel();
    let waiting = {
        let owner = owner.weak();
        std::thread::spawn(move || {
            owner.call_blocking("park", move |_| {
                let local = geppetto_runner::Local::current().unwrap();
                let minutes = shared.sleep(Duration::from_secs(300));
                parked.send(()).unwrap();
                local.block_on(1, minutes)
            })
        })
    };
    is_parked.recv().unwrap();
    // With the job time long over, as many looks of the watchdog as it takes to condemn another.
    clock.advance(Duration::from_secs(200));
    let (stuck, _) = owner_with(short(), None);
    let condemned = stuck.call_blocking("sort", |ctx| ctx.eval::<(), _>(UNINTERRUPTIBLE).is_ok());
    assert!(matches!(condemned, Err(CallError::Condemned { .. })), "{condemned:?}");
    assert_eq!(owner.condemned(), None);
    clock.advance(Duration::from_secs(100));
    assert_eq!(waiting.join().unwrap(), Ok(Ok(())));
}

#[test]
fn a_script_that_wants_too_much_memory_ends_its_vm_even_if_it_catches_the_error() {
    let memory = Some(8 * 1024 * 1024);
    let ended = Arc::new(Mutex::new(None));
    let seen = ended.clone();
    let options = OwnerOptions {
        limits: Limits { memory, ..Limits::default() },
        on_condemned: Some(Arc::new(move |why| *seen.lock().unwrap() = Some(why))),
        ..OwnerOptions::default()
    };
    let owner = Owner::spawn(options, |_, _| Ok(())).unwrap();
    let result = owner.call_blocking("grow", |ctx| {
        let greedy = "const all = []; for (;;) try { for (;;) all.push(new Array(100000).fill(1)) } catch {}";
        ctx.eval::<(), _>(greedy).is_ok()
    });
    assert_eq!(result, Err(CallError::OutOfMemory));
    block_on(owner.shutdown(Duration::ZERO));
    assert_eq!(owner.call_blocking("later", |_| ()), Err(CallError::OutOfMemory));
    assert!(ended.lock().unwrap().is_some());
    let left = left_behind();
    assert!(left.threads > 0 && left.bytes > 4 * 1024 * 1024, "{left:?}");
}

#[test]
fn a_script_that_creeps_beyond_its_memory_is_interrupted_and_its_vm_freed() {
    let (owner, _) = owner_with(Limits { memory: Some(8 * 1024 * 1024), ..Limits::default() }, None);
    let result = owner.call_blocking("creep", |ctx| {
        ctx.eval::<(), _>("const all = []; for (;;) try { for (;;) all.push({}) } catch {}").is_ok()
    });
    assert_eq!(result, Err(CallError::OutOfMemory));
    block_on(owner.shutdown(Duration::ZERO));
    assert_eq!(owner.stats().heap_bytes, 0);
}

#[test]
fn a_set_up_that_needs_too_much_memory_is_an_error() {
    let options = OwnerOptions {
        limits: Limits { memory: Some(1024 * 1024), ..Limits::default() },
        ..OwnerOptions::default()
    };
    let owner = Owner::spawn(options, |_, local| {
        let greedy = "globalThis.all = new Array(1e6).fill(1)";
        let done = local.enter("greedy", |ctx| ctx.eval::<(), _>(greedy).is_ok());
        done.map(drop).map_err(|error| error.to_string())
    });
    let error = owner.unwrap_err().to_string();
    assert!(error.contains("memory"), "{error}");
}

#[test]
fn what_rust_keeps_for_a_vm_counts_against_its_limit() {
    let (owner, _) = owner_with(Limits { memory: Some(8 * 1024 * 1024), ..Limits::default() }, None);
    let memory = owner.memory();
    for _ in 0..10 {
        memory.add(4 * 1024 * 1024);
        memory.remove(4 * 1024 * 1024);
    }
    assert_eq!(owner.call_blocking("fine", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()), Ok(2));
    memory.add(9 * 1024 * 1024);
    let result = owner.call_blocking("too much", |ctx| ctx.eval::<i32, _>("1 + 1").is_ok());
    assert_eq!(result, Err(CallError::OutOfMemory));
}

#[test]
fn nine_vms_do_not_feel_a_tenth_that_is_condemned() {
    let (stuck, _) = owner_with(short(), None);
    stuck.post("sort", |ctx| drop(ctx.eval::<(), _>(UNINTERRUPTIBLE))).unwrap();
    let others: Vec<_> = (0..9).map(|_| owner_with(Limits::default(), None).0).collect();
    let until = Instant::now() + Duration::from_secs(10);
    while stuck.condemned().is_none() && Instant::now() < until {
        for other in &others {
            assert_eq!(other.call_blocking("add", |ctx| ctx.eval::<i32, _>("1 + 1").unwrap()), Ok(2));
        }
    }
    assert!(stuck.condemned().is_some());
}

#[test]
fn a_handler_that_drops_the_owner_holds_up_no_caller() {
    let slot: Arc<Mutex<Option<Owner>>> = Arc::default();
    let replaced = slot.clone();
    let (dropped, is_dropped) = mpsc::channel();
    let options = OwnerOptions {
        limits: short(),
        on_error: Arc::new(move |report| {
            if report.op == "condemned" {
                drop(replaced.lock().unwrap().take());
                dropped.send(()).unwrap();
            }
        }),
        ..OwnerOptions::default()
    };
    let owner = Owner::spawn(options, |_, _| Ok(())).unwrap();
    let weak = owner.weak();
    *slot.lock().unwrap() = Some(owner);
    let began = Instant::now();
    let answer = weak.call_blocking("sort", |ctx| ctx.eval::<(), _>(UNINTERRUPTIBLE).is_ok());
    assert!(matches!(answer, Err(CallError::Condemned { .. })), "{answer:?}");
    is_dropped.recv().unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
