//! The command as people type it: its subcommands, and what it says when a file is wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the command prints on stdout and stderr, and its exit code.
fn geppetto(args: &[&str]) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .args(args)
        .env_remove("GEPPETTO_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("command-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What TypeScript says of a folder, a line for each mistake.
fn checked(folder: &Path) -> Vec<String> {
    let compiler = workspace().join("ts/node_modules/typescript/bin/tsc");
    let output = Command::new("node").arg(compiler).arg("--project").arg(folder).output();
    let output = output.expect("node, and what `npm ci` in ts/ installs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

const AGENT: &str = r#"// @ts-check
const gp = require("geppetto");
const { write } = require("geppetto/terminal");
const session = gp.createSession({ engine: gp.engines.echo(), toolLoop: { toolChoice: "CHOICE" } });
session.start("hi").on("partial", (ev) => write(ev.FIELD));
"#;

#[test]
fn with_the_written_typings_a_mistake_in_plain_javascript_is_told_before_it_runs_and_when_it_runs() {
    let folder = folder("types");
    let out = folder.to_str().unwrap();
    let (printed, _, code) = geppetto(&["types", "--out", out]);
    assert_eq!((printed.lines().count(), code), (2, Some(0)), "{printed}");
    let agent = folder.join("agent.js");
    let fine = AGENT.replace("CHOICE", "auto").replace("FIELD", "delta");
    std::fs::write(&agent, &fine).unwrap();
    assert_eq!(checked(&folder), [""; 0]);
    assert_eq!(geppetto(&["run", agent.to_str().unwrap()]).0, "READY");

    std::fs::write(&agent, AGENT.replace("CHOICE", "auot").replace("FIELD", "delat")).unwrap();
    let mistakes = checked(&folder);
    assert!(mistakes[0].contains("Type '\"auot\"' is not assignable to type 'ToolChoice"), "{mistakes:?}");
    assert!(mistakes[1].contains("'delat' does not exist on type 'PartialEvent'. Did you mean 'delta'?"));
    let (_, errors, code) = geppetto(&["run", agent.to_str().unwrap()]);
    let expected = "TypeError: invalid options.toolLoop.toolChoice \"auot\": expected one of auto, none, required; did you mean \"auto\"?";
    assert!(errors.contains(expected), "{errors}");
    assert_eq!(code, Some(1));

    // Somebody's own settings stay as they are.
    std::fs::write(folder.join("tsconfig.json"), "{}").unwrap();
    assert!(geppetto(&["types", "--out", out, "--compat"]).0.contains("kept"));
    assert_eq!(std::fs::read_to_string(folder.join("tsconfig.json")).unwrap(), "{}");
    assert!(
        std::fs::read_to_string(folder.join("geppetto.d.ts")).unwrap().contains("declare function assert")
    );
}

#[test]
fn a_turn_in_a_file_is_shown_and_translated() {
    let file = workspace().join("fixtures/turns/conversation.yaml");
    let (shown, _, code) = geppetto(&["turns", file.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(shown, @r#"
    system: Answer in one sentence.
    user: How is the weather in Rome? [1 image]
    reasoning: [encrypted]
    > weather({"city":"Rome","days":2})
    < weather: {"celsius":21.5,"sky":["clear","calm"]}
    assistant: It is warm,
      and calm.
    "#);
    let folder = folder("turns");
    let json = folder.join("turn.json");
    std::fs::write(&json, geppetto(&["turns", "--to", "json", file.to_str().unwrap()]).0).unwrap();
    assert_eq!(geppetto(&["turns", json.to_str().unwrap()]).0, shown);
    std::fs::write(&json, "{\"blocks\": [{\"kind\": \"usr\"}]}").unwrap();
    let (_, errors, code) = geppetto(&["turns", json.to_str().unwrap()]);
    assert!(
        errors.contains("turn.json: unknown block kind \"usr\"") && errors.contains("line 1"),
        "{errors}"
    );
    assert_eq!(code, Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_told_and_fails_the_command() {
    let script = folder("full").join("full.js");
    let agent = "const gp = require('geppetto'); gp.createSession({ engine: gp.engines.echo() }).run('hi')";
    std::fs::write(&script, agent).unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .args(["run", "--events", "ndjson"])
        .arg(&script)
        .stdout(full)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.starts_with("geppetto: could not write to stdout:") && errors.lines().count() == 1,
        "{errors}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_a_script_is_told_apart() {
    let folder = folder("scripts");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (_, errors, code) = geppetto(&["run", &path("missing.js")]);
    assert!(errors.contains("there is no file") && code == Some(2), "{errors}");
    let (_, errors, code) = geppetto(&["run", folder.to_str().unwrap()]);
    assert!(errors.contains("is a folder: expected the file of a script") && code == Some(2), "{errors}");
    std::fs::write(path("agent.ts"), "const x: number = 1;").unwrap();
    let (_, errors, code) = geppetto(&["run", &path("agent.ts")]);
    assert!(errors.contains("is TypeScript, which is not supported yet") && code == Some(1), "{errors}");
    std::fs::write(path("large.js"), vec![b' '; 50 * 1024 * 1024]).unwrap();
    let (_, errors, code) = geppetto(&["run", &path("large.js")]);
    assert!(
        errors.contains("is too large: at most 16777216 bytes are allowed") && code == Some(1),
        "{errors}"
    );
    std::fs::remove_file(path("large.js")).unwrap();
}

#[test]
fn stats_tell_what_the_runtime_did_and_the_log_tells_which_run_engine_and_tool_it_was_for() {
    let script = workspace().join("ts/examples/quickstart.js");
    let output = Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .args(["run", "--stats"])
        .arg(script)
        .env("GEPPETTO_LOG", "trace")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let has_line = |parts: &[&str]| told.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(has_line(&["jobs: ", " queued, ", " in the VM"]), "{told}");
    assert!(has_line(&["job ", "count", "p50", "p95", "p99", "waited"]), "{told}");
    assert!(told.lines().any(|line| line.starts_with("tool ")), "{told}");
    assert!(has_line(&["run{session_id=", "inference_id=", "engine{engine=\"scripted\"}"]), "{told}");
    assert!(has_line(&["tool{tool=\"multiply\" call_id=", "attempt=1", "job{op=\"tool\"}"]), "{told}");
}
