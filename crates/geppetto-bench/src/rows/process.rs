//! What a process and a VM cost before they do anything.

use super::{bare, bridge};
use crate::measure::{Row, Target, per, samples};
use geppetto_js::{Runtime, Source};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use wait4::Wait4;

/// A program, as it is once it is installed: a copy. What a linker has just written lies in memory page by page, and starts
/// slower than a file that was written or read as a whole.
struct Installed(PathBuf);

impl Installed {
    fn copy(program: &Path) -> Self {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = program.with_file_name(format!("{name}-installed-{}", std::process::id()));
        std::fs::copy(program, &copy).expect("the program: cargo build --release -p geppetto-cli");
        Self(copy)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// 11. From the start of the process to its end, which a first `console.log` with the module loaded is right before.
pub(crate) fn start() -> Vec<Row> {
    let script = std::env::temp_dir().join(format!("geppetto-bench-{}.js", std::process::id()));
    std::fs::write(&script, "const gp = require(\"geppetto\"); console.log(typeof gp.createSession);")
        .expect("a script");
    let this = std::env::current_exe().expect("this program");
    let (ours, bare) = (Installed::copy(&this.with_file_name("geppetto")), Installed::copy(&this));
    let (times, memory) = processes(Command::new(&ours.0).arg("run").arg(&script));
    let (bare_times, _) = processes(Command::new(&bare.0).arg("--bare-process"));
    let _ = std::fs::remove_file(script);
    vec![
        Row::new("process start to end, with a console.log", "ms", Target::AtMost(3.0), PROCESSES, times),
        Row::new("  its peak memory", "MB", Target::AtMost(12.0), PROCESSES, memory),
        Row::new("  a process with the engine alone", "ms", Target::None, PROCESSES, bare_times),
    ]
}

/// How many processes a sample stands for.
const PROCESSES: usize = 20;

/// Milliseconds for each process, and the megabytes of the largest.
fn processes(command: &mut Command) -> (Vec<f64>, Vec<f64>) {
    let mut memory = Vec::new();
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let times = samples(|| {
        let began = Instant::now();
        let mut peak = 0;
        for _ in 0..PROCESSES {
            let child = command.spawn().expect("a process");
            let used = child.wait4().expect("an end");
            assert!(used.status.success());
            peak = peak.max(used.rusage.maxrss);
        }
        #[allow(clippy::cast_precision_loss, reason = "bytes of one process")]
        memory.push(peak as f64 / 1e6);
        per(began.elapsed(), PROCESSES) / 1000.0
    });
    (times, memory)
}

/// How many VMs row 12 makes.
pub(super) const VMS: usize = 1_000;

/// 12. A thousand VMs with the module and a small script.
pub(crate) fn many() -> Vec<Row> {
    let text = "const gp = require(\"geppetto\"); exports.engine = gp.engines.echo();";
    let mut memory = Vec::new();
    let creation = samples(|| {
        let before = resident();
        let began = Instant::now();
        let all: Vec<Runtime> = (0..VMS)
            .map(|_| {
                let runtime = bridge::runtime();
                runtime.run_blocking(Source::text("small.js", text)).expect("a script");
                runtime
            })
            .collect();
        let creation = per(began.elapsed(), VMS);
        memory.push((resident() - before) / 1000.0);
        drop(all);
        creation
    });
    let name = "1,000 VMs with the module and a script: creation of each";
    let mut rows = vec![
        Row::new(name, "µs", Target::AtMost(400.0), VMS, creation),
        Row::new(
            "  memory of each (the first time)",
            "kB",
            Target::AtMost(230.0),
            VMS,
            vec![memory.remove(0)],
        ),
    ];
    rows.extend(bare::many());
    rows
}

/// The most memory that this process had, in MB.
pub(super) fn peak() -> f64 {
    of_status("VmHWM:") / 1000.0
}

/// Resident memory of this process in kB.
pub(super) fn resident() -> f64 {
    of_status("VmRSS:")
}

/// A figure in kB, as Linux tells it.
fn of_status(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(f64::NAN)
}
