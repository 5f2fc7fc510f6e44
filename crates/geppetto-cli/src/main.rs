//! The `geppetto` command: the composition root. Each subcommand has its file.

mod arguments;
mod compat;
mod fake_provider;
mod interrupts;
mod models;
mod output;
mod profiles;
mod run;
mod stats;
mod step;
mod terminal;
mod test;
mod turns;
mod types;
mod uncaught;

use clap::Parser;
use std::process::ExitCode;
use tracing_subscriber::fmt::format::FmtSpan;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    log_to_stderr();
    match arguments.command {
        arguments::Command::Run(run) => run::run(run),
        arguments::Command::Types(types) => types::types(&types),
        arguments::Command::Turns(turns) => turns::turns(&turns),
        arguments::Command::Test(arguments) => test::test(&arguments),
        arguments::Command::Profiles(arguments) => profiles::profiles(&arguments),
        arguments::Command::FakeProvider(arguments) => fake_provider::serve(&arguments),
    }
}

/// The host's log, off unless `GEPPETTO_LOG` says what to show, as in `GEPPETTO_LOG=debug`. What scripts and models
/// say in it cannot command the terminal.
fn log_to_stderr() {
    if let Ok(filter) = std::env::var("GEPPETTO_LOG") {
        let mut filter = tracing_subscriber::EnvFilter::new(filter);
        // These log what is sent and received, whole.
        for quiet in
            ["rig=off", "rig_core=off", "hyper=off", "hyper_util=off", "h2=off", "reqwest=off", "rustls=off"]
        {
            filter = quiet.parse().map_or(filter.clone(), |directive| filter.add_directive(directive));
        }
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(|| output::Log)
            .init();
    }
}
