//! What a process and a VM cost before they do anything.

use super::bridge;
use crate::measure::{Row, SAMPLES, Target, per};
use geppetto_js::{Runtime, Source};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use wait4::Wait4;

/// The command, built in release beside this program.
fn command() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.with_file_name("geppetto")
}

/// 11. From the start of the process to its end, which a first `console.log` with the module loaded is right before.
pub(crate) fn start() -> Vec<Row> {
    const N: usize = 20;
    let script = std::env::temp_dir().join(format!("geppetto-bench-{}.js", std::process::id()));
    std::fs::write(&script, "const gp = require(\"geppetto\"); console.log(typeof gp.createSession);")
        .expect("a script");
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..=SAMPLES {
        let began = Instant::now();
        let mut peak = 0;
        for _ in 0..N {
            let child = Command::new(command())
                .arg("run")
                .arg(&script)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .expect("the command: cargo build --release -p geppetto-cli");
            let used = child.wait4().expect("an end");
            assert!(used.status.success());
            peak = peak.max(used.rusage.maxrss);
        }
        times.push(per(began.elapsed(), N) / 1000.0);
        #[allow(clippy::cast_precision_loss, reason = "bytes of one process")]
        memory.push(peak as f64 / 1e6);
    }
    let _ = std::fs::remove_file(script);
    vec![
        Row::new(
            "process start to end, with a console.log",
            "ms",
            Target::AtMost(3.0),
            N,
            times.split_off(1),
        ),
        Row::new("  its peak memory", "MB", Target::AtMost(12.0), N, memory.split_off(1)),
    ]
}

/// 12. A thousand VMs with the module and a small script.
pub(crate) fn many() -> Vec<Row> {
    const N: usize = 1_000;
    let text = "const gp = require(\"geppetto\"); exports.engine = gp.engines.echo();";
    let mut creation = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..3 {
        let before = resident();
        let began = Instant::now();
        let all: Vec<Runtime> = (0..N)
            .map(|_| {
                let runtime = bridge::runtime();
                runtime.run_blocking(Source::text("small.js", text)).expect("a script");
                runtime
            })
            .collect();
        creation.push(per(began.elapsed(), N));
        memory.push((resident() - before) / 1000.0);
        drop(all);
    }
    vec![
        Row::new(
            "1,000 VMs with the module and a script: creation of each",
            "µs",
            Target::AtMost(400.0),
            N,
            creation,
        ),
        Row::new("  memory of each (the first time)", "kB", Target::AtMost(230.0), N, vec![memory.remove(0)]),
    ]
}

/// Resident memory of this process in kB, as Linux tells it.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(f64::NAN)
}
