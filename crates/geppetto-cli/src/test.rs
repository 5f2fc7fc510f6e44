//! `geppetto test`: agents that were recorded are run again, each in a process of its own, and have to do what they did.

use crate::arguments::Test;
use crate::output::Stream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// A folder with a script and its recording.
struct Case {
    folder: PathBuf,
    script: PathBuf,
}

pub(crate) fn test(arguments: &Test) -> ExitCode {
    let mut cases = Vec::new();
    for folder in &arguments.folders {
        let before = cases.len();
        find(folder, &mut cases);
        if cases.len() == before {
            Stream::Stderr.write(&format!(
                "geppetto: {} holds no test: expected main.js (or main.mjs) beside a folder named recording\n",
                folder.display()
            ));
            return ExitCode::from(2);
        }
    }
    cases.sort_by(|a, b| a.folder.cmp(&b.folder));
    let mut failures = Vec::new();
    for case in &cases {
        let began = Instant::now();
        let wrong = run(case).err();
        let verdict = if wrong.is_some() { "FAILED" } else { "ok" };
        Stream::Stdout.write(&format!(
            "{verdict:<6} {} ({} ms)\n",
            case.folder.display(),
            began.elapsed().as_millis()
        ));
        failures.extend(wrong.map(|wrong| (case, wrong)));
    }
    for (case, wrong) in &failures {
        Stream::Stdout.write(&format!("\n{}:\n{wrong}\n", case.folder.display()));
    }
    Stream::Stdout.write(&format!("\n{} passed, {} failed\n", cases.len() - failures.len(), failures.len()));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The tests in a folder, and in those beneath it.
fn find(folder: &Path, cases: &mut Vec<Case>) {
    let script =
        ["main.js", "main.mjs"].map(|name| folder.join(name)).into_iter().find(|script| script.is_file());
    if let Some(script) = script.filter(|_| folder.join("recording").is_dir()) {
        return cases.push(Case { folder: folder.to_owned(), script });
    }
    // Links are not followed: they could lead in circles.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.for_each(|entry| find(&entry.path(), cases));
}

fn run(case: &Case) -> Result<(), String> {
    let beside = |name: &str| std::fs::read_to_string(case.folder.join(name)).ok();
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let input = std::fs::File::open(case.folder.join("stdin.txt"));
    let output = Command::new(program)
        .args(["run", "--timeout", "60s", "--replay"])
        .arg(case.folder.join("recording"))
        .arg(&case.script)
        .args(beside("args.txt").unwrap_or_default().lines())
        .stdin(input.map_or_else(|_| Stdio::null(), Stdio::from))
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, log) = (text(&output.stdout), text(&output.stderr));
    match (output.status.code(), beside("expected.txt")) {
        (Some(0), Some(expected)) if expected != printed => {
            let diff = similar::TextDiff::from_lines(&expected, &printed);
            Err(diff.unified_diff().header("expected.txt", "printed").to_string())
        }
        (Some(0), _) if log.contains(LEFT) => Err(log),
        (Some(0), _) => Ok(()),
        (code, _) => {
            let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            Err(format!("it ended with {code}\n{printed}{log}"))
        }
    }
}

/// What `geppetto run --replay` says when there is more in a recording than was asked for.
pub(crate) const LEFT: &str = "recorded calls were not asked for";
