//! Measures what geppetto costs: `cargo xtask bench`. Each row is measured at least seven times and shown with its
//! median, beside the target; `--json` prints one object a row instead,
//! `--once` takes one sample, for instructions to be counted. Names of rows as arguments choose among them.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod measure;
mod pace;
mod rows;

use measure::Row;
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let alone = match &*arguments {
        [only] if only == "--bare-process" => Some(rows::bare::process as fn()),
        [only] if only == "--bare-vms" => Some(rows::bare::vms as fn()),
        _ => None,
    };
    if let Some(alone) = alone {
        alone();
        return ExitCode::SUCCESS;
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    measure::ONCE.store(arguments.iter().any(|argument| argument == "--once"), Ordering::Relaxed);
    let (mut failed, mut fastest) = (false, f64::INFINITY);
    if !json && !arguments.iter().any(|argument| argument == "--no-head") {
        println!("{}", Row::HEAD);
    }
    for (number, bench) in rows::ALL {
        let name = number.to_string();
        if wanted.is_empty() {
            fastest = fastest.min(pace::fastest());
            // Each row in a process of its own: none inherits the memory and the threads of another.
            let measured = std::env::current_exe().and_then(|this| {
                let mut row = Command::new(this);
                row.env(pace::FASTEST, fastest.to_string())
                    .arg(&name)
                    .arg("--no-head")
                    .args(&arguments)
                    .status()
            });
            if !measured.is_ok_and(|status| status.success()) {
                println!("row {name} could not be measured");
                failed = true;
            }
        } else if wanted.contains(&&name) {
            for row in bench() {
                println!("{}", if json { row.json(*number) } else { row.line(*number) });
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
