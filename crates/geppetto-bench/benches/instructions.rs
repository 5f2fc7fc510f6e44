//! How many instructions rows take, as callgrind counts them: `cargo xtask instructions`. Whole processes are counted,
//! so that the threads of VMs are; each does the work of one sample and little else. On a noisy machine, where times tell
//! nothing, a regression shows here, against the run before.

#![allow(missing_docs, reason = "the macros make items of their own")]

use gungraun::{Command, binary_benchmark, binary_benchmark_group, main};

#[binary_benchmark]
#[bench::trivial_function("1")]
#[bench::small_turn("4")]
#[bench::large_turn("5")]
#[bench::events("6")]
#[bench::new_session("7")]
fn row(number: &str) -> Command {
    Command::new(env!("CARGO_BIN_EXE_geppetto-bench")).arg(number).arg("--once").build()
}

binary_benchmark_group!(name = rows, benchmarks = row);

main!(binary_benchmark_groups = rows);
