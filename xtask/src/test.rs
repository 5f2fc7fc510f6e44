//! `cargo xtask test`: all tests, or one script case.

use crate::run::{command, step};

/// Runs `check` and all tests; with `case` only the script case of this name.
pub(crate) fn run(case: Option<&str>) -> anyhow::Result<()> {
    if let Some(case) = case {
        let mut one = command("cargo test --locked -p geppetto-cli --test fixtures -- --nocapture");
        return step(one.env("GEPPETTO_CASE", case));
    }
    crate::check::run()?;
    step(&mut command("cargo test --workspace --locked"))
}

/// Runs the hostile scripts of `fixtures/adversarial`, in debug and in release.
pub(crate) fn corpus() -> anyhow::Result<()> {
    step(&mut command("cargo test --locked -p geppetto-cli --test corpus"))?;
    step(&mut command("cargo test --locked --release -p geppetto-cli --test corpus"))
}

/// Measures, with the command built in release.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    step(&mut command("cargo build --locked --release -p geppetto-cli -p geppetto-bench"))?;
    step(command("target/release/geppetto-bench").args(arguments))
}

/// Explores schedules of the queue, the event log, cancellation and shutdown, in a target folder of its own: every crate is built for it.
pub(crate) fn shuttle() -> anyhow::Result<()> {
    let line = "cargo test --locked --release --target-dir target/shuttle -p geppetto-runner -p geppetto-events -p geppetto-inference --lib schedules";
    step(command(line).env("RUSTFLAGS", "--cfg shuttle"))
}

/// Counts the instructions of rows. Needs valgrind and `cargo install gungraun-runner`, of the version in the lock file.
pub(crate) fn instructions() -> anyhow::Result<()> {
    step(&mut command("cargo bench --locked -p geppetto-bench --bench instructions"))
}

/// The hostile scripts under valgrind, which finds what is read or written where it must not be.
pub(crate) fn valgrind() -> anyhow::Result<()> {
    let under = "valgrind -q --error-exitcode=99 --leak-check=no";
    let line = "cargo test --locked --release -p geppetto-cli --test corpus";
    step(command(line).env("GEPPETTO_CORPUS_UNDER", under))
}

/// Fuzzes each target for so many seconds. Needs `cargo install cargo-fuzz` and a C++ compiler.
pub(crate) fn fuzz(seconds: u32) -> anyhow::Result<()> {
    for target in ["turns", "codec"] {
        // Without a sanitizer, which only nightly has; its coverage is asked of the stable compiler.
        let line = format!("cargo fuzz run -s none {target} -- -max_total_time={seconds} -timeout=20");
        step(command(&line).env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(())
}
