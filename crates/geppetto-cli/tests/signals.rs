//! Ctrl-C, sent to a real process.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

/// Starts a script and waits until it has printed a line.
fn start(name: &str, script: &str) -> (Child, BufReader<std::process::ChildStdout>, String) {
    start_with(&[], name, script)
}

fn start_with(
    options: &[&str],
    name: &str,
    script: &str,
) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::File::create(&file).unwrap().write_all(script.as_bytes()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .args(["run", "--timeout", "60s"])
        .args(options)
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let line = next_line(&mut output);
    (child, output, line)
}

fn next_line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// What the process prints from here, and the code it ends with.
fn end(mut child: Child, mut output: BufReader<std::process::ChildStdout>) -> (String, Option<i32>) {
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    (rest, child.wait().unwrap().code())
}

#[test]
fn ctrl_c_cancels_the_runs_and_their_ends_are_told() {
    let script = r#"
        const gp = require("geppetto");
        const run = gp.createSession({ engine: gp.engines.echo({ delayMs: 60000 }) }).start("hi");
        run.on("start", () => console.log("started"));
        run.on("run-finished", ({ status, error }) => console.log(status, error));
    "#;
    let (child, output, line) = start("runs.js", script);
    assert_eq!(line, "started\n");
    interrupt(&child);
    let expected = "cancelled the run was cancelled: interrupted by Ctrl-C\n";
    assert_eq!(end(child, output), (expected.to_owned(), Some(130)));
}

#[test]
fn a_run_that_is_begun_after_ctrl_c_is_told_of_its_end_too() {
    let script = r#"
        const session = require("geppetto").createSession({ engine: require("geppetto").engines.echo({ delayMs: 60000 }) });
        (async () => { for (;;) try { await session.runAsync("again"); } catch {} })();
    "#;
    let (child, output, _) = start_with(&["--events", "ndjson"], "again.js", script);
    interrupt(&child);
    let (events, code) = end(child, output);
    let told = |event: &str| events.matches(&format!(r#""type":"{event}""#)).count();
    // The first line was the start of the first.
    assert!(told("run-started") > 0, "{events}");
    assert_eq!((told("run-started") + 1, code), (told("run-finished"), Some(130)), "{events}");
}

#[test]
fn ctrl_c_cancels_a_synchronous_run() {
    let script = r#"
        const gp = require("geppetto");
        const ready = (turn, next) => { console.log("ready"); return next(turn); };
        const session = gp.createSession({ engine: gp.engines.echo({ delayMs: 60000 }), middlewares: [ready] });
        try { session.run("hi"); } catch (error) { console.log(error.code); }
        for (;;) {}
    "#;
    let (child, output, line) = start("sync.js", script);
    assert_eq!(line, "ready\n");
    interrupt(&child);
    assert_eq!(end(child, output), ("cancelled\n".to_owned(), Some(130)));
}

#[test]
fn ctrl_c_without_a_run_ends_at_once() {
    let (child, output, _) = start("idle.js", "console.log('idle'); setInterval(() => {}, 1000)");
    interrupt(&child);
    assert_eq!(end(child, output), (String::new(), Some(130)));
}

#[test]
fn a_script_may_hear_ctrl_c_itself() {
    let script = r#"
        const terminal = require("geppetto/terminal");
        const forever = setInterval(() => {}, 1000);
        terminal.onInterrupt(() => { console.log("heard"); terminal.onInterrupt(null); clearInterval(forever); });
        console.log("ready");
    "#;
    let (child, output, _) = start("hears.js", script);
    interrupt(&child);
    assert_eq!(end(child, output), ("heard\n".to_owned(), Some(0)));
}

#[test]
fn a_script_that_is_too_busy_to_hear_ctrl_c_is_cancelled_or_ended_all_the_same() {
    let script = r#"
        const gp = require("geppetto");
        require("geppetto/terminal").onInterrupt(() => console.log("heard"));
        console.log("ready");
        try { gp.createSession({ engine: gp.engines.echo({ delayMs: 60000 }) }).run("hi"); } catch (error) { console.log(error.code); }
        for (;;);
    "#;
    let (child, mut output, line) = start("busy.js", script);
    assert_eq!(line, "ready\n");
    interrupt(&child);
    assert_eq!(next_line(&mut output), "cancelled\n");
    interrupt(&child);
    assert_eq!(end(child, output), (String::new(), Some(130)));
}

#[test]
fn a_second_ctrl_c_ends_at_once_whatever_listeners_do() {
    let script = r#"
        const gp = require("geppetto");
        const run = gp.createSession({ engine: gp.engines.echo({ delayMs: 60000 }) }).start("hi");
        run.on("start", () => console.log("started"));
        run.on("run-finished", () => { console.log("told"); for (;;); });
    "#;
    let ends_after = || {
        let (child, mut output, line) = start("twice.js", script);
        assert_eq!(line, "started\n");
        interrupt(&child);
        assert_eq!(next_line(&mut output), "told\n");
        let began = std::time::Instant::now();
        interrupt(&child);
        assert_eq!(end(child, output), (String::new(), Some(130)));
        began.elapsed()
    };
    // The first waits two seconds for what a script has to say. A busy machine may make one of them late.
    let waits: Vec<_> = (0..3).map(|_| ends_after()).collect();
    assert!(waits.iter().any(|wait| wait.as_millis() < 1500), "{waits:?}");
}

#[test]
fn a_script_whose_output_nobody_reads_any_more_ends_with_its_runs() {
    let script = r#"
        const gp = require("geppetto");
        const run = gp.createSession({ engine: gp.engines.echo({ delayMs: 60000 }) }).start("hi");
        run.on("run-finished", ({ error }) => console.error(error));
        setInterval(() => console.log("more"), 1);
    "#;
    let (mut child, output, line) = start("unread.js", script);
    assert_eq!(line, "more\n");
    drop(output);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "the run was cancelled: nobody reads its output any more\n");
    assert_eq!(child.wait().unwrap().code(), Some(141));
}

#[test]
fn a_timeout_ends_a_script_whose_stderr_nobody_takes() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("stalled.js");
    std::fs::write(&file, "for (;;) console.error('x'.repeat(1000));").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .args(["run", "--timeout", "500ms"])
        .arg(&file)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Not read while it runs.
    let stalled = child.stderr.take().unwrap();
    let (ended, has_ended) = std::sync::mpsc::channel();
    let pid = child.id();
    std::thread::spawn(move || ended.send(child.wait().unwrap().code()));
    let code = has_ended.recv_timeout(std::time::Duration::from_secs(20)).inspect_err(|_| {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    });
    assert_eq!(code, Ok(Some(3)));
    drop(stalled);
}
