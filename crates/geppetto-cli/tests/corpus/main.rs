//! Hostile and careless scripts, each in a process of its own: how it ends, how long it takes, and how much memory.
//!
//! What a host may do wrong is in `hosts`. A script in `fixtures/adversarial` says in its first lines what is right: a title with the number of its fault,
//! the command's options, and how it has to end. Prints a table; fails when one line of it is wrong. A name, or a part
//! of one, as argument runs only the cases that have it. With `GEPPETTO_CORPUS_UNDER="valgrind …"` each runs under that,
//! and only what it finds counts: everything takes longer there, and the cases of more than 20 s are left out.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod hosts;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4;

struct Case {
    name: String,
    /// The program and its arguments.
    command: Vec<String>,
    exit: i32,
    within: Duration,
    /// Peak memory of the process in MB, as the operating system counts it.
    memory: u64,
    says: String,
}

struct Outcome {
    exit: Option<i32>,
    took: Duration,
    memory: u64,
    printed: String,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--host") {
        hosts::be(&arguments.next().unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut failures = 0;
    println!("{:<42} {:>6} {:>9} {:>9}", "case", "exit", "wall", "peak");
    // What takes long by its size alone would take hours there.
    let is_short = |case: &Case| under().is_empty() || case.within <= Duration::from_secs(20);
    let is_wanted = |case: &&Case| wanted.iter().all(|part| case.name.contains(part)) && is_short(case);
    for case in cases().iter().filter(is_wanted) {
        let mut outcome = run(case);
        if under().is_empty() && outcome.took > case.within {
            // The machine may have been busy with something else.
            outcome = run(case);
        }
        let wrong = judge(case, &outcome);
        let exit = outcome.exit.map_or_else(|| "signal".to_owned(), |exit| exit.to_string());
        let (wall, peak) = (format!("{} ms", outcome.took.as_millis()), format!("{} MB", outcome.memory));
        println!("{:<42} {exit:>6} {wall:>9} {peak:>9}  {}", case.name, wrong.join(", "));
        if !wrong.is_empty() {
            failures += 1;
            println!("{}", outcome.printed.chars().take(2000).collect::<String>());
        }
    }
    if failures > 0 {
        println!("{failures} cases are wrong");
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/adversarial");
    let scripts = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<_> = scripts.filter(|path| path.is_file()).collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "there are cases");
    scripts.iter().map(|script| case(script)).chain(hosts::ALL.iter().map(host)).collect()
}

/// A host is this program itself.
fn host(host: &hosts::Host) -> Case {
    let program = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    Case {
        name: host.name.to_owned(),
        command: [&program, "--host", host.name].map(str::to_owned).into(),
        exit: 0,
        within: Duration::from_secs(5),
        memory: 60,
        says: host.says.to_owned(),
    }
}

/// Reads `// options: …` and `// exit 3, within 2 s and 60 MB, says: …`.
fn case(script: &Path) -> Case {
    let text = fs::read_to_string(script).unwrap();
    let name = script.file_stem().unwrap().to_string_lossy().into_owned();
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let options = line("// options: ").unwrap_or_default().split_whitespace();
    let path = script.to_string_lossy();
    let command = [env!("CARGO_BIN_EXE_geppetto"), "run"].into_iter().chain(options).chain([&*path]);
    let command = command.map(str::to_owned).collect();
    let right = line("// exit ").unwrap_or_else(|| panic!("{name} does not say how it ends"));
    let read = || {
        let (exit, rest) = right.split_once(", within ")?;
        let (seconds, rest) = rest.split_once(" s and ")?;
        let (memory, says) = rest.split_once(" MB, says: ")?;
        let (exit, within) = (exit.parse().ok()?, Duration::from_secs(seconds.parse().ok()?));
        Some((exit, within, memory.parse().ok()?, says.to_owned()))
    };
    let (exit, within, memory, says) = read().unwrap_or_else(|| panic!("{name} says {right:?}"));
    Case { name, command, exit, within, memory, says }
}

fn run(case: &Case) -> Outcome {
    let under = under();
    let mut words = under.iter().chain(&case.command);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env("RUST_BACKTRACE", "0");
    let began = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (out, err) = (std::thread::spawn(|| tail(stdout)), std::thread::spawn(|| tail(stderr)));
    // One that hangs is ended from outside, long after it should have ended.
    let (ended, has_ended) = std::sync::mpsc::channel::<()>();
    let (pid, patience) =
        (child.id(), case.within * if under.is_empty() { 3 } else { 60 } + Duration::from_secs(10));
    let killer = std::thread::spawn(move || {
        if has_ended.recv_timeout(patience) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    });
    let used = child.wait4().unwrap();
    let took = began.elapsed();
    drop(ended);
    killer.join().unwrap();
    let printed = format!("{}{}", out.join().unwrap(), err.join().unwrap());
    Outcome { exit: used.status.code(), took, memory: used.rusage.maxrss / 1_000_000, printed }
}

/// The last of what is printed, as much as is needed to judge it.
fn tail(mut stream: impl Read) -> String {
    const KEPT: usize = 64 * 1024;
    let (mut kept, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..read]);
        let more = kept.len().saturating_sub(KEPT);
        kept.drain(..more);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The exit code that `cargo xtask valgrind` asks for when something was found.
const FOUND: i32 = 99;

fn under() -> Vec<String> {
    let under = std::env::var("GEPPETTO_CORPUS_UNDER").unwrap_or_default();
    under.split_whitespace().map(str::to_owned).collect()
}

fn judge(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    if !under().is_empty() {
        if outcome.exit.is_none_or(|exit| exit == FOUND) {
            wrong.push("expected nothing to be found".to_owned());
        }
        return wrong;
    }
    if outcome.exit != Some(case.exit) {
        wrong.push(format!("expected exit {}", case.exit));
    }
    if outcome.took > case.within {
        wrong.push(format!("expected at most {} s", case.within.as_secs()));
    }
    if outcome.memory > case.memory {
        wrong.push(format!("expected at most {} MB", case.memory));
    }
    if !outcome.printed.contains(&case.says) {
        wrong.push(format!("expected to read {:?}", case.says));
    }
    wrong
}
