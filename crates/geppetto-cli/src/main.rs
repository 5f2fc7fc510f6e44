//! The `geppetto` command: the composition root. Each subcommand has its file.

mod arguments;
mod interrupts;
mod output;
mod run;
mod terminal;
mod uncaught;

use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    log_to_stderr();
    match arguments.command {
        arguments::Command::Run(run) => run::run(run),
    }
}

/// The host's log, off unless `GEPPETTO_LOG` says what to show, as in `GEPPETTO_LOG=debug`.
fn log_to_stderr() {
    if let Ok(filter) = std::env::var("GEPPETTO_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let colours = std::io::stderr().is_terminal();
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(colours)
            .with_writer(std::io::stderr)
            .init();
    }
}
