//! `cargo xtask check`: everything but the tests.

use crate::run::{command, step, workspace};
use crate::{arrows, codegen, tidy};

/// Runs every check and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    step(&mut command("cargo fmt --all --check"))?;
    eprintln!("xtask: codegen --check");
    codegen::run(true)?;
    eprintln!("xtask: tidy");
    tidy::run()?;
    eprintln!("xtask: dependency arrows");
    arrows::run()?;
    step(&mut command("cargo clippy --workspace --all-targets --locked -- -D warnings"))?;
    // The fuzz targets are no part of the workspace: this keeps them building.
    let fuzz = "cargo check --quiet --locked --manifest-path fuzz/Cargo.toml --no-default-features";
    step(command(fuzz).args(["--target-dir", "target"]))?;
    typings()
}

/// The typings must compile, and so must the examples that use them.
fn typings() -> anyhow::Result<()> {
    let ts = workspace().join("ts");
    if !ts.join("node_modules/typescript").exists() {
        step(command("npm ci --silent --no-audit --no-fund").current_dir(&ts))?;
    }
    step(command("npm run --silent check").current_dir(&ts))
}
