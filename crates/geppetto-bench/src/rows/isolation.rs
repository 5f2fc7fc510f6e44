//! Whether a VM that cannot be interrupted is felt by others.

use crate::measure::{Row, Target};
use geppetto_runner::{Limits, Owner, OwnerOptions};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn owner(job_time: Option<Duration>) -> Owner {
    let options = OwnerOptions {
        limits: Limits { job_time, ..Limits::default() },
        on_error: std::sync::Arc::new(|_| {}),
        ..OwnerOptions::default()
    };
    Owner::spawn(options, |_, _| Ok(())).expect("an owner")
}

/// Jobs that nine busy VMs do in two seconds.
fn throughput() -> f64 {
    let owners: Vec<Owner> = (0..9).map(|_| owner(None)).collect();
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for owner in &owners {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let busy = "let s = 0; for (let i = 0; i < 100000; i++) s += i; s";
                    owner.call_blocking("busy", move |ctx| ctx.eval::<f64, _>(busy).is_ok()).expect("a job");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(2);
        std::thread::sleep(until - Instant::now());
        stop.store(true, Ordering::Relaxed);
    });
    #[allow(clippy::cast_precision_loss, reason = "a count of two seconds")]
    let done = done.load(Ordering::Relaxed) as f64;
    done
}

/// 15. Nine busy VMs beside one in an endless loop that is never asked whether to go on.
pub(crate) fn nine_beside_one() -> Vec<Row> {
    let mut before: Vec<f64> = (0..3).map(|_| throughput()).collect();
    before.sort_by(f64::total_cmp);
    let before = before[1];
    let stuck = owner(Some(Duration::from_millis(100)));
    stuck
        .post("sort", |ctx| drop(ctx.eval::<(), _>("const a = []; a[4294967294] = 1; a.sort()")))
        .expect("posted");
    while stuck.condemned().is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let shares: Vec<f64> = (0..3).map(|_| throughput() / before).collect();
    #[allow(clippy::cast_precision_loss, reason = "few cores")]
    let cores = std::thread::available_parallelism().map_or(2.0, |cores| cores.get() as f64);
    // The stuck one may have a core for itself; it has the lowest priority and gets less.
    let of_rest = shares.iter().map(|share| share * cores / (cores - 1.0).max(1.0)).collect();
    vec![
        Row::new(
            "nine VMs beside a stuck one, share of the other cores",
            "",
            Target::AtLeast(0.9),
            9,
            of_rest,
        ),
        Row::new("  share of all cores", "", Target::None, 9, shares),
    ]
}
