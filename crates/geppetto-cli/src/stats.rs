//! `--stats`: what a script's runtime did, as a table.

use bytesize::ByteSize;
use geppetto_runner::{Spread, Stats};
use std::fmt::Write;
use std::time::Duration;

/// The table, one line for each kind of job, the one that took most first.
pub(crate) fn table(stats: &Stats) -> String {
    let mut text = format!(
        "jobs: {} queued, {} inline, {} cancelled, {} failed, {} panicked; memory: {} in the VM, {} kept for it\n",
        stats.run,
        stats.inline,
        stats.cancelled,
        stats.failed,
        stats.panicked,
        ByteSize(stats.heap_bytes as u64),
        ByteSize(stats.kept_bytes as u64),
    );
    let heads = ["p50", "p95", "p99", "max"];
    let _ = write!(text, "{:<16} {:>8}", "job", "count");
    for head in heads {
        let _ = write!(text, " {head:>8}");
    }
    let _ = writeln!(text, "   waited p50      p95      p99");
    for op in &stats.ops {
        let Spread { count, p50, p95, p99, max, .. } = op.run;
        let _ = write!(text, "{:<16} {count:>8}", op.op);
        for duration in [p50, p95, p99, max] {
            let _ = write!(text, " {:>8}", short(duration));
        }
        if op.wait.count > 0 {
            let waits = [op.wait.p50, op.wait.p95, op.wait.p99].map(short);
            let _ = write!(text, "     {:>8} {:>8} {:>8}", waits[0], waits[1], waits[2]);
        }
        text.push('\n');
    }
    text
}

/// A duration in two or three digits.
fn short(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    match nanoseconds {
        0..1_000 => format!("{nanoseconds}ns"),
        1_000..10_000_000 => format!("{}µs", nanoseconds / 1_000),
        10_000_000..10_000_000_000 => format!("{}ms", nanoseconds / 1_000_000),
        _ => format!("{}s", nanoseconds / 1_000_000_000),
    }
}
