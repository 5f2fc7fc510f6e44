//! Providers from the outside, against a server that speaks for them. One program, so that it is linked once.

mod conversations;
mod failures;
mod keys;
mod live;
mod overrides;
mod recordings;

use geppetto_engines::fake::{FakeProvider, Received, Reply};
use geppetto_engines::{Api, Engines, Policy, Secret, Settings};
use geppetto_inference::{Engine, RunError, RunHandle, RunOptions, Seed, Session};
use geppetto_turns::Turn;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long a provider may say nothing.
pub(crate) const IDLE: Duration = Duration::from_secs(77);

pub(crate) const CANARY: &str = "sk-CANARY-0123456789";

/// An exchange in the format of the provider's documentation.
pub(crate) fn traffic(api: Api, name: &str) -> Vec<u8> {
    let ending = if api == Api::Ollama { "ndjson" } else { "sse" };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/traffic");
    let path = format!("{folder}/{}/{name}.{ending}", api.name());
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A whole answer with it.
pub(crate) fn streamed(api: Api, body: Vec<u8>) -> Reply {
    let kind = if api == Api::Ollama { "application/x-ndjson" } else { "text/event-stream" };
    Reply::stream(kind, body)
}

/// A server that gives these answers, one each, and the last one again.
pub(crate) async fn server(replies: Vec<Reply>) -> FakeProvider {
    let script = move |number: usize, _: &Received| replies[number.min(replies.len() - 1)].clone();
    FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(script)).await.unwrap()
}

pub(crate) fn model(api: Api) -> &'static str {
    match api {
        Api::OpenAi => "gpt-4.1",
        Api::OpenAiResponses => "gpt-5.2",
        Api::Claude => "claude-sonnet-4-6",
        Api::Gemini => "gemini-3-flash-preview",
        Api::Ollama => "qwen3:4b",
    }
}

pub(crate) fn settings(api: Api, server: &FakeProvider) -> Settings {
    let version = if matches!(api, Api::OpenAi | Api::OpenAiResponses) { "/v1" } else { "" };
    Settings {
        model: model(api).to_owned(),
        api: Some(api),
        base_url: Some(format!("http://{}{version}", server.address())),
        api_key: Some(Secret::new(CANARY)),
        ..Settings::default()
    }
}

pub(crate) fn engines(policy: Policy) -> Engines {
    Engines::new(tokio::runtime::Handle::current(), policy).unwrap()
}

/// Engines whose client is made once a test: reading the system's certificates takes its time.
pub(crate) fn patient() -> Engines {
    engines(Policy { idle: IDLE, ..Policy::default() })
}

pub(crate) fn engine(settings: Settings) -> Arc<dyn Engine> {
    patient().make(settings).unwrap()
}

/// Runs a session to its end.
pub(crate) async fn run(session: &Session, seed: impl Into<Seed>) -> (RunHandle, Result<Turn, RunError>) {
    let run = session.begin(seed, RunOptions::default()).unwrap();
    let handle = run.handle();
    (handle, run.drive().await)
}

/// What a run told, a line each, without what differs from run to run.
pub(crate) fn story(handle: &RunHandle) -> String {
    let mut cursor = handle.events(0);
    let events = std::iter::from_fn(move || cursor.try_next());
    let line = |event: Arc<geppetto_events::Event>| {
        let mut json = serde_json::to_value(&*event).unwrap();
        let fields = json.as_object_mut().unwrap();
        let kind = fields.remove("type").unwrap();
        for name in ["seq", "timestampMs", "sessionId", "inferenceId", "turnId", "durationMs", "completion"] {
            fields.remove(name);
        }
        format!("{} {}\n", kind.as_str().unwrap(), stable(&json.to_string()))
    };
    events.map(line).collect()
}

/// The blocks of a turn, and what is known of it.
pub(crate) fn shown(turn: &Turn) -> String {
    let mut json = serde_json::to_value(turn).unwrap();
    json.as_object_mut().unwrap().remove("id");
    json["data"].take();
    for block in json["blocks"].as_array_mut().unwrap() {
        block.as_object_mut().unwrap().remove("id");
    }
    stable(&serde_json::to_string_pretty(&json).unwrap())
}

pub(crate) fn pretty(json: &Value) -> String {
    stable(&serde_json::to_string_pretty(json).unwrap())
}

/// Ids of our own making are none of the story.
fn stable(text: &str) -> String {
    let mut stable = String::new();
    let mut rest = text;
    let is_id = |text: &str| {
        let shape = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        text.len() >= 36 && text.as_bytes()[..36].iter().copied().enumerate().all(shape)
    };
    while let Some(letter) = rest.chars().next() {
        if is_id(rest) {
            stable.push_str("[id]");
            rest = &rest[36..];
        } else {
            stable.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    stable
}
