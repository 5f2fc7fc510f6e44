//! Runs every script case of `fixtures/js`, every example and the README's agent, and compares what they print with what is expected.
//!
//! A case is a folder with `main.js` (or `main.mjs`) and `expected.txt`: stdout, then what is on stderr, then the
//! exit code where it is not 0. `args.txt` holds arguments, a line each; `options.txt` options of `geppetto run`;
//! `stdin.txt` the input; `env.txt` variables of the environment, `NAME=value` a line. `GEPPETTO_CASE=name` runs one; `GEPPETTO_BLESS=1` writes what was printed as expected, for
//! a person to read before it is committed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A script to run and the file that says what it prints.
struct Case {
    name: String,
    script: PathBuf,
    expected: PathBuf,
}

fn cases() -> Vec<Case> {
    let root = workspace();
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(root.join("fixtures/js")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let script = ["main.js", "main.mjs"].iter().map(|main| folder.join(main)).find(|main| main.is_file());
        let script = script.unwrap_or_else(|| panic!("{name} has neither main.js nor main.mjs"));
        cases.push(Case { name, script, expected: folder.join("expected.txt") });
    }
    for entry in std::fs::read_dir(root.join("ts/examples")).unwrap() {
        let script = entry.unwrap().path();
        // The chat needs a server to talk to: `tests/providers.rs` has one.
        let is_chat = script.file_stem().is_some_and(|stem| stem == "chat");
        if script.extension().is_some_and(|ending| ending == "js") && !is_chat {
            let name = format!("example-{}", script.file_stem().unwrap().to_string_lossy());
            let expected = root.join("fixtures/examples").join(format!("{name}.txt"));
            cases.push(Case { name, script, expected });
        }
    }
    cases.push(Case {
        name: "example-readme".to_owned(),
        script: readme_example(&root),
        expected: root.join("fixtures/examples/example-readme.txt"),
    });
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// The agent in the README, in a file of its own.
fn readme_example(root: &Path) -> PathBuf {
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let script = readme.split("```js\n").nth(1).and_then(|rest| rest.split("```").next());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.js");
    std::fs::write(&file, script.expect("the README shows an agent")).unwrap();
    file
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn run(case: &Case) -> String {
    let folder = case.script.parent().unwrap();
    let beside =
        |name: &str| if case.name.starts_with("example-") { PathBuf::new() } else { folder.join(name) };
    let options = lines(&beside("options.txt"));
    let bounded = options.iter().any(|option| option == "--timeout");
    let mut child = Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .arg("run")
        .args(if bounded { &[][..] } else { &["--timeout", "60s"] })
        .args(options)
        .arg(&case.script)
        .args(lines(&beside("args.txt")))
        .env_remove("GEPPETTO_LOG")
        .env_remove("OPENAI_API_KEY")
        .envs(lines(&beside("env.txt")).iter().filter_map(|line| line.split_once('=')))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = std::fs::read(beside("stdin.txt")).unwrap_or_default();
    // A script that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(&stdin);
    let output = child.wait_with_output().unwrap();
    let mut shown = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.stderr.is_empty() {
        let _ = write!(shown, "--- stderr\n{}", String::from_utf8_lossy(&output.stderr));
    }
    if output.status.code() != Some(0) {
        let _ = writeln!(shown, "--- exit {:?}", output.status.code());
    }
    filtered(&shown, folder)
}

/// Without what differs from run to run: ids, times, folders.
fn filtered(text: &str, folder: &Path) -> String {
    let mut text = text.replace(&*folder.to_string_lossy(), "<dir>");
    let is_id = |word: &str| {
        word.len() == 36
            && word.bytes().enumerate().all(|(at, b)| match at {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            })
    };
    let mut at = 0;
    while at + 36 <= text.len() {
        if text.is_char_boundary(at) && text.is_char_boundary(at + 36) && is_id(&text[at..at + 36]) {
            text.replace_range(at..at + 36, "<id>");
        }
        at += 1;
    }
    text = text.split('\n').map(without_time).collect::<Vec<_>>().join("\n");
    for key in ["\"timestampMs\":", "\"durationMs\":", "duration_ms="] {
        let mut from = 0;
        while let Some(found) = text[from..].find(key) {
            let start = from + found + key.len();
            let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                text.replace_range(start..start + digits, "0");
            }
            from = start;
        }
    }
    text
}

/// A line of the host's log without its time, such as `2026-01-31T12:00:00.000000Z`.
fn without_time(line: &str) -> String {
    let is_time =
        |word: &str| word.len() == 27 && word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T');
    match line.split_once(' ') {
        Some((time, rest)) if is_time(time) => format!("<time> {}", rest.trim_start()),
        _ => line.to_owned(),
    }
}

fn check(case: &Case) -> Result<(), String> {
    let printed = run(case);
    if std::env::var_os("GEPPETTO_BLESS").is_some() && std::env::var_os("CI").is_none() {
        std::fs::create_dir_all(case.expected.parent().unwrap()).unwrap();
        std::fs::write(&case.expected, &printed).unwrap();
        return Ok(());
    }
    let expected = std::fs::read_to_string(&case.expected).unwrap_or_default();
    if printed == expected {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&expected, &printed);
    let diff = diff.unified_diff().header("expected", "printed").to_string();
    Err(format!("{}:\n{diff}", case.name))
}

#[test]
fn every_case_and_example_prints_what_is_expected() {
    let only = std::env::var("GEPPETTO_CASE").ok();
    let mut cases = cases();
    cases.retain(|case| only.as_ref().is_none_or(|only| case.name == *only));
    assert!(!cases.is_empty(), "there is no case {only:?}");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        // More than there are cores: most cases wait rather than compute.
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = check(case) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} cases failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
