//! Calls into a VM, from its thread and from others.

use crate::measure::{Row, Target, microseconds, rates};
use geppetto_runner::{JsRef, Limits, Local, Owner, OwnerOptions};
use rquickjs::{Ctx, Function};
use std::sync::mpsc;

fn owner() -> Owner {
    let options = OwnerOptions {
        limits: Limits { job_time: None, queue: 1 << 20, ..Limits::default() },
        ..OwnerOptions::default()
    };
    Owner::spawn(options, |_, _| Ok(())).expect("an owner")
}

fn trivial(ctx: &Ctx<'_>) -> JsRef {
    let function = ctx.eval("(x) => x + 1").expect("a function");
    JsRef::new(&Local::current().expect("the owner's thread"), function)
}

/// 1. A trivial function, called on the owner's thread: through `enter`, and by the engine alone.
pub(crate) fn trivial_function() -> Vec<Row> {
    const N: usize = 200_000;
    let owner = owner();
    let function = owner.call_blocking("find", |ctx| trivial(&ctx)).expect("a function");
    let measured = owner.call_blocking("measure", move |ctx| {
        let local = Local::current().expect("the owner's thread");
        let through = microseconds(N, || {
            for n in 0..N {
                let called = local.enter("call", |ctx| {
                    let function = function.function(&ctx).expect("a function");
                    function.call::<_, i32>((n as i32,)).expect("a number")
                });
                assert_eq!(called, Ok(n as i32 + 1));
            }
        });
        let bare: Function<'_> = function.function(&ctx).expect("a function");
        let alone = microseconds(N, || {
            for n in 0..N {
                assert_eq!(bare.call::<_, i32>((n as i32,)).ok(), Some(n as i32 + 1));
            }
        });
        (through, alone)
    });
    let (through, alone) = measured.expect("measured");
    vec![
        Row::new("Rust calls a trivial JS function, on the owner", "µs", Target::AtMost(0.3), N, through),
        Row::new("  the engine alone", "µs", Target::None, N, alone),
    ]
}

/// 2. A round trip from another thread, and one through a bare pair of channels.
pub(crate) fn round_trip() -> Vec<Row> {
    const N: usize = 20_000;
    let (ask, asked) = mpsc::channel::<mpsc::SyncSender<i32>>();
    std::thread::spawn(move || {
        for reply in asked {
            reply.send(1).expect("an asker");
        }
    });
    let bare = microseconds(N, || {
        for _ in 0..N {
            let (reply, answer) = mpsc::sync_channel(1);
            ask.send(reply).expect("a thread");
            answer.recv().expect("an answer");
        }
    });
    let owner = owner();
    let ours = microseconds(N, || {
        for _ in 0..N {
            owner.call_blocking("call", |_| 1).expect("an answer");
        }
    });
    let bare = Row::new("  a bare channel round trip", "µs", Target::None, N, bare);
    let target = Target::AtMost(bare.median() + 2.0);
    vec![Row::new("owner call round trip from another thread, one caller", "µs", target, N, ours), bare]
}

/// 3. The same with eight callers at once.
pub(crate) fn eight_callers() -> Vec<Row> {
    const N: usize = 20_000;
    const CALLERS: usize = 8;
    let owner = owner();
    let all = microseconds(N * CALLERS, || {
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    // Each has a window of calls on their way, as tasks of an executor have.
                    futures_lite::future::block_on(async {
                        for _ in 0..N / WINDOW {
                            let calls: Vec<_> =
                                (0..WINDOW).map(|_| Box::pin(owner.call("call", |_| 1))).collect();
                            all_of(calls).await;
                        }
                    });
                });
            }
        });
    });
    let target = Target::AtLeast(400_000.0);
    vec![Row::new("the same, eight callers", "/s", target, N * CALLERS, rates(&all))]
}

const WINDOW: usize = 16;

/// Polls all, so that all are queued, and then awaits each.
async fn all_of<T, E: std::fmt::Debug>(
    mut futures: Vec<std::pin::Pin<Box<impl Future<Output = Result<T, E>>>>>,
) {
    let mut open = Vec::new();
    for mut future in futures.drain(..) {
        match futures_lite::future::poll_once(&mut future).await {
            Some(answer) => drop(answer.expect("an answer")),
            None => open.push(future),
        }
    }
    for future in open {
        future.await.expect("an answer");
    }
}
