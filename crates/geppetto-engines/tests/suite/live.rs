//! The same four questions to real models: those whose key is in the environment, as `geppetto run` finds it. The network
//! is asked only where there is a key. `GEPPETTO_LIVE_MODELS` names other models, or one of an Ollama on this machine:
//! `openai=gpt-4.1,ollama=qwen3:4b`.

use crate::{engines, run};
use geppetto_engines::fake::{Answer, FakeProvider, Received, format_of, last_question};
use geppetto_engines::{Api, Key, Policy, Settings};
use geppetto_inference::Session;
use geppetto_toolloop::{FunctionTool, LoopConfig, SessionTools, ToolDefinition, ToolRegistry};
use geppetto_turns::{Block, Turn, turn_metadata};
use serde_json::json;
use std::sync::Arc;

/// A square of red.
const RED: &str = "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/tF7hIASyp6lTCQQCgUAgEAgEgi/BAjLD/C5w/SM9AAAAAElFTkSuQmCC";

/// Asks for text, for a tool's result, what is in an image, and what needs thought, with a question about the answer.
async fn interview(settings: Settings) {
    let api = settings.api();
    let engines = engines(Policy { keys: Key::from_environment(), ..Policy::default() });
    let session = |settings: Settings| Session::builder(engines.make(settings).unwrap());
    let said = |turn: &Turn| turn.last_assistant_text().unwrap_or_default().to_lowercase();

    let (_, turn) = run(&session(settings.clone()).build(), "What is the capital of France?").await;
    let turn = turn.unwrap();
    assert!(said(&turn).contains("paris"), "{}: {turn:?}", api.name());
    let usage = turn_metadata::USAGE.get(&turn).unwrap().unwrap();
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0, "{}: {usage:?}", api.name());
    assert_eq!(turn_metadata::STOP_REASON.get(&turn).unwrap().as_deref(), Some("stop"));

    let definition = ToolDefinition::new("get_temperature").description("The temperature in a city, in °C");
    let definition = definition.parameters(json!({
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
    }));
    let tools = ToolRegistry::new();
    tools.register(Arc::new(FunctionTool::new(definition, |_, _| Ok(json!({ "celsius": 37 }))))).unwrap();
    let with_tool = session(settings.clone()).tools(tools, LoopConfig::default()).build();
    let turn = run(&with_tool, "How warm is it in Oslo now? Ask the tool.").await.1.unwrap();
    assert!(said(&turn).contains("37"), "{}: {turn:?}", api.name());

    let image = vec![json!({ "content": RED, "mediaType": "image/png" })];
    let asks: Turn = [Block::user_with_images("What colour is this image?", image)].into_iter().collect();
    let turn = run(&session(settings.clone()).build(), asks).await.1.unwrap();
    assert!(said(&turn).contains("red"), "{}: {turn:?}", api.name());

    let thinks = Settings { reasoning_effort: Some("low".to_owned()), ..settings };
    let conversation = session(thinks).build();
    let turn = run(&conversation, "Which is larger, 9.11 or 9.9? Only the number.").await.1.unwrap();
    assert!(said(&turn).contains("9.9"), "{}: {turn:?}", api.name());
    let turn = run(&conversation, "And ten times that one?").await.1.unwrap();
    assert!(said(&turn).contains("99"), "{}: {turn:?}", api.name());
}

/// Answers the four questions.
fn knows(_: usize, request: &Received) -> geppetto_engines::fake::Reply {
    let question = last_question(request);
    let body = request.body.to_string();
    let answer = match () {
        () if body.contains("37") => Answer::text("It is 37 degrees."),
        () if body.contains("get_temperature") => Answer {
            calls: vec![("get_temperature".to_owned(), json!({ "city": "Oslo" }))],
            ..Answer::default()
        },
        () if question.contains("France") => Answer::text("Paris"),
        () if body.contains(RED) => Answer::text("Red"),
        () if question.contains("ten times") => Answer::text("99"),
        () => Answer { thinking: vec!["Hm.".to_owned()], ..Answer::text("9.9") },
    };
    answer.reply(format_of(request).unwrap())
}

#[tokio::test]
async fn the_interview_itself_works_with_each_format() {
    for api in Api::ALL {
        let server = FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(knows)).await.unwrap();
        interview(crate::settings(api, &server)).await;
    }
}

#[allow(clippy::print_stderr, reason = "what was not tested is told")]
async fn live(api: Api) {
    let chosen = std::env::var("GEPPETTO_LIVE_MODELS").unwrap_or_default();
    let chosen =
        chosen.split(',').find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == api.name()));
    let has_key = api.key_variables().iter().any(|name| std::env::var(name).is_ok_and(|key| !key.is_empty()));
    let usual = match api {
        Api::OpenAi | Api::OpenAiResponses => Some("gpt-5.2"),
        Api::Claude => Some("claude-sonnet-4-6"),
        Api::Gemini => Some("gemini-3-flash-preview"),
        Api::Ollama => None,
    };
    let Some(model) = chosen.map(|(_, model)| model).or(usual.filter(|_| has_key)) else {
        eprintln!("not asked: {} has no key in the environment, or no model", api.name());
        return;
    };
    interview(Settings { model: model.to_owned(), api: Some(api), ..Settings::default() }).await;
}

#[tokio::test]
async fn openai_answers_where_there_is_a_key() {
    live(Api::OpenAi).await;
}

#[tokio::test]
async fn openai_responses_answers_where_there_is_a_key() {
    live(Api::OpenAiResponses).await;
}

#[tokio::test]
async fn claude_answers_where_there_is_a_key() {
    live(Api::Claude).await;
}

#[tokio::test]
async fn gemini_answers_where_there_is_a_key() {
    live(Api::Gemini).await;
}

#[tokio::test]
async fn ollama_answers_where_a_model_is_named() {
    live(Api::Ollama).await;
}
