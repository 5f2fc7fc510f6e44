//! The project's own commands: `cargo xtask --help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod arrows;
mod check;
mod codegen;
mod coverage;
mod run;
mod schema;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// Code generation, checks and tests of geppetto.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the files that are generated from xtask/schema.yaml.
    Codegen {
        /// Write nothing; fail when a committed file is stale, and name it.
        #[arg(long)]
        check: bool,
    },
    /// Everything but the tests: fmt, clippy, generated files, tidiness, dependency arrows, typings.
    Check,
    /// All tests, after `check`.
    Test {
        /// Run only the script case of this name (a folder of fixtures/js).
        #[arg(long)]
        case: Option<String>,
    },
    /// The hostile scripts of fixtures/adversarial, in debug and in release.
    Corpus,
    /// Fuzz the reader of turns and the crossing of values. Needs `cargo install cargo-fuzz` and a C++ compiler.
    Fuzz {
        /// For how long each.
        #[arg(long, default_value_t = 300)]
        seconds: u32,
    },
    /// Count the instructions of rows 1 and 4 to 7. Needs valgrind and `cargo install gungraun-runner`.
    Instructions,
    /// The hostile scripts under valgrind, which has to be installed. Takes several minutes.
    Valgrind,
    /// Explores 50,000 schedules of each concurrent structure; prints the seed of one that fails.
    Shuttle,
    /// What geppetto costs, row by row, beside the targets.
    Bench {
        /// One JSON object a row, and the numbers of the rows to measure.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().command {
        Command::Codegen { check } => codegen::run(check),
        Command::Check => check::run(),
        Command::Test { case } => test::run(case.as_deref()),
        Command::Corpus => test::corpus(),
        Command::Fuzz { seconds } => test::fuzz(seconds),
        Command::Instructions => test::instructions(),
        Command::Valgrind => test::valgrind(),
        Command::Shuttle => test::shuttle(),
        Command::Bench { arguments } => test::bench(&arguments),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace: what failed is said in words.
            let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
            eprintln!("xtask: {}", chain.join(": "));
            std::process::ExitCode::FAILURE
        }
    }
}
