//! Scripts that speak to a provider: a server on this machine stands for one.

use geppetto_engines::Api;
use geppetto_engines::fake::{Answer, FakeProvider, Received, Tail, format_of, last_question};
use serde_json::json;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

const CANARY: &str = "sk-CANARY-0123456789";

const SCRIPT: &str = r#"
const gp = require("geppetto");
const [apiType, baseURL] = gp.args;
const tools = gp.tools.createRegistry().register({ name: "add", parameters: { type: "object" }, handler: ({ a }) => a + 1 });
const engine = gp.engines.fromConfig({ model: "fake", apiType, baseURL, maxTokens: 100 });
const session = gp.createSession({ engine, tools });
const run = session.start("What is 1 + 1?");
run.on("partial", (event) => console.log("partial", event.delta));
run.on("tool-call", (event) => console.log("call", event.toolCall.name, event.toolCall.input));
run.promise.then((turn) => console.log(gp.turns.text(turn), JSON.stringify(engine), JSON.stringify(turn.metadata.usage)));
"#;

/// Calls a tool at first, and then says what came of it.
fn provider(_: usize, request: &Received) -> geppetto_engines::fake::Reply {
    let api = format_of(request).unwrap();
    let body = request.body.to_string();
    let has_result = body.contains("call_0") || body.contains("functionResponse");
    let call = Answer { calls: vec![("add".to_owned(), json!({ "a": 1 }))], ..Answer::default() };
    if has_result { Answer::text("It is two.") } else { call }.reply(api)
}

fn run(test: &str, options: &[&str], api: Api, server: &FakeProvider) -> (String, String, Option<i32>) {
    let version = if matches!(api, Api::OpenAi | Api::OpenAiResponses) { "/v1" } else { "" };
    let script = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("providers-{test}.js"));
    std::fs::write(&script, SCRIPT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_geppetto"));
    for name in Api::ALL.iter().flat_map(|api| api.key_variables()) {
        command.env(name, CANARY);
    }
    let output = command
        .env("GEPPETTO_LOG", "trace")
        .arg("run")
        .args(options)
        .arg(script)
        .args([api.name(), &format!("http://{}{version}", server.address())])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn a_script_runs_tools_and_streams_with_every_format_and_no_key_is_seen() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for api in Api::ALL {
        let server =
            io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(provider))).unwrap();
        let (out, log, code) = run("formats", &["--allow-net", "127.0.0.1"], api, &server);
        assert_eq!(code, Some(0), "{}: {out}{log}", api.name());
        let told =
            "call add {\"a\":1}\npartial It \npartial is \npartial two.\nIt is two. {\"name\":\"config\"} ";
        assert!(out.starts_with(told) && out.contains("\"inputTokens\":20"), "{}: {out}", api.name());
        // The server is not the provider's own: it gets no key of the host, and nobody else sees one.
        assert!(!format!("{out}{log}{:?}", server.received()).contains(CANARY), "{}", api.name());
    }
}

#[test]
fn a_server_that_is_not_allowed_is_not_asked() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(provider))).unwrap();
    let (_, log, code) = run("not-allowed", &[], Api::OpenAi, &server);
    assert_eq!(code, Some(1));
    assert!(log.contains("`geppetto run --allow-net 127.0.0.1` does"), "{log}");
    assert!(server.received().is_empty());
}

#[test]
fn profiles_are_listed_shown_and_checked_without_their_keys_and_name_the_models_of_scripts() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(provider))).unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles");
    std::fs::create_dir_all(&folder).unwrap();
    let (file, script) = (folder.join("profiles.yaml"), folder.join("asks.js"));
    let text = format!(
        "default: work\nprofiles:\n  base: {{ maxTokens: 50 }}\n  work: {{ extends: base, model: claude-x, baseURL: \"http://{}\", apiKeyEnv: WORK_KEY }}\n",
        server.address()
    );
    std::fs::write(&file, text).unwrap();
    let asks = "const gp = require('geppetto'); const engine = gp.engines.fromProfile();\
        console.log(engine.name, gp.turns.text(gp.createSession({ engine, tools: gp.tools.createRegistry().register({ name: 'add', handler: () => 2 }) }).run('Hi')));";
    std::fs::write(&script, asks).unwrap();
    let geppetto = |key: &str, words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_geppetto"))
            .args(words)
            .env_remove("GEPPETTO_PROFILE")
            .env_remove("PINOCCHIO_PROFILE")
            .env("WORK_KEY", key)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!told.contains(CANARY), "{told}");
        (told, output.status.code())
    };
    let (file, script) = (file.to_str().unwrap(), script.to_str().unwrap());
    let (listed, _) = geppetto(CANARY, &["profiles", "list", "--profiles", file]);
    assert!(listed.contains("* work") && listed.contains("key in $WORK_KEY (set)"), "{listed}");
    let (shown, _) = geppetto(CANARY, &["profiles", "show", "work", "--profiles", file]);
    assert!(
        shown.contains("maxTokens        50\n") && shown.contains("apiType          claude\n"),
        "{shown}"
    );
    let (checked, code) = geppetto("", &["profiles", "check", "--profiles", file]);
    assert!(code == Some(1) && checked.contains("work: key in $WORK_KEY (missing)"), "{checked}");
    let (ran, code) = geppetto(CANARY, &["run", "--profiles", file, script]);
    assert_eq!((ran.as_str(), code), ("profile:work It is two.\n", Some(0)));
    assert_eq!(server.received().pop().unwrap().header("x-api-key"), Some(CANARY));
    let (missing, code) = geppetto("", &["run", "--profiles", file, script]);
    assert!(code == Some(1) && missing.contains("the environment variable WORK_KEY is not set"), "{missing}");
    let (wrong, code) = geppetto("", &["profiles", "show", "wrok", "--profiles", file]);
    assert!(code == Some(1) && wrong.contains("did you mean \"work\""), "{wrong}");
    // A name that no profile has is a model's, but not beside a model.
    std::fs::write(script, "require('geppetto').engines.fromProfile('wrok', { model: 'claude-y' });")
        .unwrap();
    let (wrong, code) = geppetto("", &["run", "--profiles", file, script]);
    assert!(code == Some(1) && wrong.contains("no profile \"wrok\"; did you mean \"work\""), "{wrong}");
}

/// The example, with a server that stands for the model.
fn chat(api: Api, server: &FakeProvider, options: &[&str]) -> Child {
    let version = if matches!(api, Api::OpenAi | Api::OpenAiResponses) { "/v1" } else { "" };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ts/examples/chat.js");
    Command::new(env!("CARGO_BIN_EXE_geppetto"))
        .args(["run", "--allow-net", "127.0.0.1"])
        .args(options)
        .args([script, api.name(), &format!("http://{}{version}", server.address())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_chat_keeps_its_conversation_with_every_format() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for api in Api::ALL {
        let echo = |_: usize, request: &Received| {
            Answer::text(&format!("You said {}.", last_question(request))).reply(format_of(request).unwrap())
        };
        let server = io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(echo))).unwrap();
        let mut chat = chat(api, &server, &[]);
        chat.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
        let output = chat.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            told,
            "> You said one.\n> You said two.\n> ",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let asked = server.received().pop().unwrap().body.to_string();
        assert!(
            asked.contains("You are brief.") && asked.contains("You said one."),
            "{}: {asked}",
            api.name()
        );
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_an_answer_of_the_chat_and_keeps_the_conversation() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stalls = |number: usize, request: &Received| {
        let api = format_of(request).unwrap();
        match number {
            0 => {
                let reply = Answer::text("I begin and go on").reply(api);
                let middle = String::from_utf8_lossy(&reply.pieces[0]).find("go ").unwrap();
                reply.cut(middle, Tail::Stall)
            }
            _ => Answer::text("As I was saying.").reply(api),
        }
    };
    let server = io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(stalls))).unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("recording-interrupted");
    let _ = std::fs::remove_dir_all(&folder);
    let mut chat = chat(Api::Claude, &server, &["--record", folder.to_str().unwrap()]);
    let (mut input, mut output) = (chat.stdin.take().unwrap(), chat.stdout.take().unwrap());
    let mut told = String::new();
    let mut until = |wanted: &str| {
        let mut byte = [0; 1];
        while !told.ends_with(wanted) {
            assert_eq!(output.read(&mut byte).unwrap(), 1, "{told}");
            told.push(char::from(byte[0]));
        }
        told.clone()
    };
    input.write_all(b"go\n").unwrap();
    until("begin and ");
    assert!(Command::new("kill").args(["-INT", &chat.id().to_string()]).status().unwrap().success());
    until(" (stopped)\n> ");
    input.write_all(b"and?\n").unwrap();
    drop(input);
    assert_eq!(until("As I was saying.\n> "), "> I begin and  (stopped)\n> As I was saying.\n> ");
    assert!(chat.wait().unwrap().success());
    // The call that was stopped is recorded as far as it came, and the next one behind it.
    let recorded = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let first = recorded("0001.json");
    assert!(first.contains("\"interrupted\"") && first.contains("begin "), "{first}");
    assert!(recorded("0002.json").contains("\"answer\""));
    // What was said until then is part of the conversation.
    assert!(server.received().pop().unwrap().body.to_string().contains("I begin and"));
}

/// What a chat prints and exits with, as events, without times and the ids of runs.
fn events(mut chat: Child, lines: &str) -> (Vec<String>, String, Option<i32>) {
    chat.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = chat.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let mut event: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for name in ["timestampMs", "durationMs", "sessionId", "inferenceId", "turnId"] {
            event.as_object_mut().unwrap().shift_remove(name);
        }
        event.to_string()
    };
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    (told.lines().map(line).collect(), log, output.status.code())
}

#[test]
fn a_recorded_chat_is_replayed_without_a_network_and_tells_when_something_else_is_asked() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for api in Api::ALL {
        // It thinks, calls the tool, and answers.
        let script = |_: usize, request: &Received| {
            let body = request.body.to_string();
            let has_result = body.contains("call_0") || body.contains("functionResponse");
            let thinking = vec!["I look ".to_owned(), "at the clock.".to_owned()];
            let call = Answer {
                thinking,
                calls: vec![("shout".to_owned(), json!({ "text": "a" }))],
                ..Answer::default()
            };
            if has_result { Answer::text("It was loud.") } else { call }.reply(format_of(request).unwrap())
        };
        let server = io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(script))).unwrap();
        let folder =
            std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recording-{}", api.name()));
        let _ = std::fs::remove_dir_all(&folder);
        let folder = folder.to_str().unwrap();
        let recorded = events(chat(api, &server, &["--events", "ndjson", "--record", folder]), "one\ntwo\n");
        assert_eq!(recorded.2, Some(0), "{}", recorded.1);
        assert!(recorded.0.len() > 20 && recorded.0.iter().any(|event| event.contains("partial-thinking")));
        let asked = server.received().len();
        let replayed = events(chat(api, &server, &["--events", "ndjson", "--replay", folder]), "one\ntwo\n");
        assert_eq!((&replayed.0, replayed.2), (&recorded.0, Some(0)), "{}: {}", api.name(), replayed.1);
        assert_eq!(server.received().len(), asked, "nobody was asked");
        let other = events(chat(api, &server, &["--events", "ndjson", "--replay", folder]), "one\nthree\n");
        let told = other.0.join("\n");
        assert!(
            told.contains("not the one recorded in") && told.contains(r#"-        \"text\": \"two\""#),
            "{told}"
        );
        assert!(told.contains(r#"+        \"text\": \"three\""#), "{told}");
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains(CANARY), "{text}");
        }
        let again = events(chat(api, &server, &["--record", folder]), "");
        assert!(again.2 == Some(2) && again.1.contains("holds a recording already"), "{}", again.1);
    }
}

#[test]
fn a_recorded_agent_is_a_test_that_fails_when_it_asks_something_else_or_less() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let echo = |_: usize, request: &Received| Answer::text("Yes.").reply(format_of(request).unwrap());
    let server = io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(echo))).unwrap();
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded");
    let _ = std::fs::remove_dir_all(&root);
    let case = |name: &str, recorded: &str, now: &str| {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let script = |body: &str| {
            format!(
                "const gp = require('geppetto');\nconst engine = gp.engines.fromConfig({{ model: 'm', apiType: 'ollama', baseURL: 'http://{}' }});\n\
             const session = gp.createSession({{ engine }});\n{body}\nconsole.log('done');\n",
                server.address()
            )
        };
        let main = folder.join("main.js");
        std::fs::write(&main, script(recorded)).unwrap();
        let recording = folder.join("recording");
        let run = Command::new(env!("CARGO_BIN_EXE_geppetto"))
            .args(["run", "--allow-net", "127.0.0.1", "--record"])
            .args([&recording, &main])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        std::fs::write(&main, script(now)).unwrap();
    };
    case("same", "session.run('a');", "session.run('a');");
    case("other", "session.run('a');", "session.run('b');");
    case("less", "session.run('a'); session.run('b');", "session.run('a');");
    case("printed", "session.run('a');", "session.run('a');");
    std::fs::write(root.join("printed/expected.txt"), "finished\n").unwrap();
    let test = |folder: &std::path::Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_geppetto")).arg("test").arg(folder).output().unwrap();
        (
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
            output.status.code(),
        )
    };
    drop(server);
    let (told, code) = test(&root);
    assert_eq!(code, Some(1), "{told}");
    for line in [
        "1 passed, 3 failed",
        "ok     ",
        "1 recorded calls were not asked for",
        "not the one recorded",
        "-finished\n+done\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert_eq!(test(&root.join("same")).1, Some(0));
    let (empty, code) = test(&root.join("same/recording"));
    assert!(code == Some(2) && empty.contains("holds no test"), "{empty}");
}
