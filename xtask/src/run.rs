//! Runs other programs, and knows where the workspace is.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// A command in the workspace's folder. Arguments are separated by white space.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(workspace());
    command
}

/// Says what is run, runs it, and fails when it fails.
pub(crate) fn step(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    let line = format!("{program} {}", arguments.join(" "));
    eprintln!("xtask: {line}");
    let status =
        command.status().with_context(|| format!("could not start `{program}`: is it installed?"))?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}
