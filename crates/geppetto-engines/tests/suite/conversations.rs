//! Whole conversations with each of the five formats: what is asked, what is told, what comes of it.

use crate::{engine, pretty, run, server, settings, shown, story, streamed, traffic};
use futures_util::StreamExt;
use geppetto_engines::Api;
use geppetto_engines::fake::{Answer, Tail};
use geppetto_events::{EventBody, EventType};
use geppetto_inference::{RunOptions, Session};
use geppetto_toolloop::{FunctionTool, LoopConfig, SessionTools, ToolDefinition, ToolError, ToolRegistry};
use geppetto_turns::{Block, BlockKind, Turn};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

fn weather() -> ToolRegistry {
    let tools = ToolRegistry::new();
    let definition = ToolDefinition::new("get_weather").description("Weather of a city").parameters(json!({
        "type": "object",
        "properties": { "city": { "type": "string" }, "days": { "type": "integer", "minimum": 1 } },
        "required": ["city"],
    }));
    let weather = FunctionTool::new(definition, |args, _| match args["city"].as_str() {
        Some("Oslo") => Ok(json!({ "celsius": 3 })),
        _ => Err(ToolError::failed("no such city")),
    });
    tools.register(Arc::new(weather)).unwrap();
    tools
}

/// Thinking, text and two parallel calls; their results; and a second answer. All that goes back and forth.
async fn conversation(api: Api) {
    let server = server(vec![streamed(api, traffic(api, "full")), streamed(api, traffic(api, "text"))]).await;
    let session = Session::builder(engine(settings(api, &server)));
    let session =
        session.tools(weather(), LoopConfig { max_parallel_tools: 2, ..LoopConfig::default() }).build();
    let image = if api == Api::Ollama {
        json!({ "content": "iVBORw0KGgo=", "mediaType": "image/png" })
    } else {
        json!({ "url": "https://example.com/a.png", "mediaType": "image/png" })
    };
    let images = vec![image, json!({ "url": "data:image/jpeg;base64,/9j/4AA=" })];
    let seed =
        Turn::new().with(Block::system("You are terse.")).with(Block::user_with_images("And these?", images));
    let (handle, turn) = run(&session, seed).await;
    let turn = turn.unwrap_or_else(|error| panic!("{error:?}"));
    let requests = server.received();
    assert_eq!(requests.len(), 2);
    let asked: Vec<String> = requests.iter().map(|request| pretty(&request.body)).collect();
    let told = format!(
        "POST {}\n\n{}\n---- and then\n{}\n---- told\n{}\n---- turn\n{}",
        requests[0].path,
        asked[0],
        asked[1],
        story(&handle),
        shown(&turn)
    );
    insta::assert_snapshot!(format!("conversation-{}", api.name()), told);
}

#[tokio::test]
async fn openai_thinks_speaks_calls_two_tools_and_takes_it_all_again() {
    conversation(Api::OpenAi).await;
}

#[tokio::test]
async fn openai_responses_thinks_speaks_calls_two_tools_and_takes_it_all_again() {
    conversation(Api::OpenAiResponses).await;
}

#[tokio::test]
async fn claude_thinks_speaks_calls_two_tools_and_takes_it_all_again() {
    conversation(Api::Claude).await;
}

#[tokio::test]
async fn gemini_thinks_speaks_calls_two_tools_and_takes_it_all_again() {
    conversation(Api::Gemini).await;
}

#[tokio::test]
async fn ollama_thinks_speaks_calls_two_tools_and_takes_it_all_again() {
    conversation(Api::Ollama).await;
}

#[tokio::test]
async fn an_answer_in_pieces_of_one_byte_is_the_same_answer() {
    for api in Api::ALL {
        let whole = streamed(api, traffic(api, "full"));
        let mut told = Vec::new();
        for reply in [whole.clone(), whole.in_pieces(1)] {
            let server = server(vec![reply]).await;
            let session = Session::builder(engine(settings(api, &server))).build();
            let (_, turn) = run(&session, "Hi").await;
            told.push(shown(&turn.unwrap()));
        }
        assert_eq!(told[0], told[1], "{}", api.name());
    }
}

#[tokio::test]
async fn text_in_many_pieces_stands_where_it_was_said_and_is_whole_in_the_next_request() {
    // Whatever a piece of the network holds of it.
    for (api, size) in Api::ALL.into_iter().flat_map(|api| [7, 100, 1000, 100_000].map(|size| (api, size))) {
        let pieces: Vec<String> = (0..300).map(|n| format!("é{n} ")).collect();
        let whole = pieces.concat();
        let answer = Answer {
            thinking: vec!["Hm. ".to_owned(), "So.".to_owned()],
            text: pieces,
            calls: vec![("get_weather".to_owned(), json!({ "city": "Oslo" }))],
        };
        let first = answer.reply(api).in_pieces(size);
        let server = server(vec![first, Answer::text("Done.").reply(api)]).await;
        let session = Session::builder(engine(settings(api, &server)));
        let session = session.tools(weather(), LoopConfig::default()).build();
        let (handle, turn) = run(&session, "Hi").await;
        let story = story(&handle);
        let order: Vec<&str> = story.lines().filter_map(|line| line.split(' ').next()).collect();
        let place = |kind: &str| order.iter().position(|found| *found == kind).unwrap();
        let texts = order.iter().filter(|kind| **kind == "partial").count();
        assert_eq!(texts, 301, "{}", api.name());
        assert!(place("partial-thinking") < place("partial") && place("partial") < place("tool-call"));
        let last_text = place("partial") + 299;
        assert_eq!((order[last_text], last_text < place("tool-call")), ("partial", true), "{}", api.name());
        let turn = turn.unwrap();
        let text = turn.blocks.iter().find(|block| block.kind == BlockKind::LlmText).unwrap();
        assert_eq!(text.text(), Some(&*whole), "{}", api.name());
        let body = server.received().pop().unwrap().body.to_string();
        assert_eq!(body.matches("é299 ").count(), 1, "{}: {body}", api.name());
        assert!(body.contains(&json!(whole).to_string()), "{}", api.name());
    }
}

/// The text that was told, and that of the turn's first block of text.
async fn told_and_kept(api: Api, body: String, size: usize) -> (String, String) {
    let server = server(vec![streamed(api, body.into_bytes()).in_pieces(size)]).await;
    let session = Session::builder(engine(settings(api, &server))).build();
    let (handle, turn) = run(&session, "Hi").await;
    let turn = turn.unwrap();
    let mut events = handle.events(0);
    let events = std::iter::from_fn(|| events.try_next());
    let told = events.filter_map(|event| match &event.body {
        EventBody::Partial { delta, .. } => Some(delta.to_string()),
        _ => None,
    });
    let texts = turn.blocks.iter().filter(|block| block.kind == BlockKind::LlmText);
    (told.collect(), texts.filter_map(|block| block.text()).collect::<Vec<_>>().join("|"))
}

fn chat(index: u32, text: &str) -> Value {
    json!({ "id": "c", "model": "m", "choices": [{ "index": index, "delta": { "content": text } }] })
}

#[tokio::test]
async fn of_several_answers_the_first_is_told_whatever_comes_between() {
    let end = json!({ "id": "c", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let frames = [
        chat(0, "A "),
        chat(0, "B "),
        chat(1, "x "),
        chat(1, "y "),
        chat(1, "z "),
        chat(0, "C"),
        chat(0, "D"),
        end,
    ];
    let body: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    for size in [7, 100_000] {
        let (told, kept) = told_and_kept(Api::OpenAi, body.clone(), size).await;
        assert_eq!((told.as_str(), kept.as_str()), ("A B CD", "A B CD"));
    }
}

#[tokio::test]
async fn text_keeps_its_order_whatever_ends_its_lines() {
    let end = json!({ "id": "c", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let frames = [chat(0, "A "), chat(0, "B "), chat(0, "C "), chat(0, "D"), end];
    for ends in ["\n\n", "\r\n\r\n", "\r\r", "\r\n\r\r\n", "\n\r\n", "\n\n\n"] {
        let body: String = frames.iter().map(|frame| format!("data: {frame}{ends}")).collect();
        for size in [1, 7, 100, 100_000] {
            let (told, kept) = told_and_kept(Api::OpenAi, body.clone(), size).await;
            assert_eq!((told.as_str(), kept.as_str()), ("A B C D", "A B C D"), "{ends:?} {size}");
        }
    }
}

/// A stream of Claude's with these events between its first and its last ones.
fn claude_answer(events: &[Value]) -> String {
    let message = json!({ "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": { "input_tokens": 1, "output_tokens": 1 } });
    let start = [json!({ "type": "message_start", "message": message })];
    let end = [
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 2 } }),
        json!({ "type": "message_stop" }),
    ];
    let events = start.iter().chain(events).chain(&end);
    events.map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn parts_of_text_that_alternate_are_kept_whole_each() {
    let delta = |index: u32, text: &str| json!({ "type": "content_block_delta", "index": index, "delta": { "type": "text_delta", "text": text } });
    let start = |index: u32| json!({ "type": "content_block_start", "index": index, "content_block": { "type": "text", "text": "" } });
    let stop = |index: u32| json!({ "type": "content_block_stop", "index": index });
    let frames = [
        start(0),
        delta(0, "A"),
        delta(0, "B"),
        start(1),
        delta(1, "C"),
        delta(1, "D"),
        delta(0, "E"),
        delta(0, "F"),
        stop(0),
        stop(1),
    ];
    let (told, kept) = told_and_kept(Api::Claude, claude_answer(&frames), 100_000).await;
    assert_eq!((told.as_str(), kept.as_str()), ("ABCDEF", "ABEF|CD"));
}

#[tokio::test]
async fn what_a_text_cites_goes_out_with_it_again() {
    let delta = |delta: Value| json!({ "type": "content_block_delta", "index": 0, "delta": delta });
    let text = |text: &str| delta(json!({ "type": "text_delta", "text": text }));
    let citation = json!({ "type": "char_location", "cited_text": "as written", "document_index": 0, "start_char_index": 0, "end_char_index": 10 });
    let frames = [
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "", "citations": [] } }),
        text("A "),
        text("B "),
        delta(json!({ "type": "citations_delta", "citation": citation })),
        text("C "),
        text("D"),
        json!({ "type": "content_block_stop", "index": 0 }),
    ];
    let first = streamed(Api::Claude, claude_answer(&frames).into_bytes());
    let server = server(vec![first, Answer::text("Done.").reply(Api::Claude)]).await;
    let session = Session::builder(engine(settings(Api::Claude, &server))).build();
    for text in ["Hi", "And?"] {
        run(&session, text).await.1.unwrap();
    }
    let body = server.received().pop().unwrap().body;
    let answered = &body["messages"][1]["content"][0];
    assert_eq!((&answered["text"], &answered["citations"]), (&json!("A B C D"), &json!([citation])));
}

#[tokio::test]
async fn a_cancelled_run_closes_its_connection_at_once() {
    let mut waits = Vec::new();
    for api in Api::ALL {
        let body = traffic(api, "text");
        // Behind the first of two pieces of text.
        let middle = String::from_utf8_lossy(&body).find("checking.").unwrap();
        let mut server = server(vec![streamed(api, body).cut(middle, Tail::Stall)]).await;
        let session = Session::builder(engine(settings(api, &server))).build();
        let run = session.begin("Hi", RunOptions::default()).unwrap();
        let handle = run.handle();
        let mut events = handle.events(0);
        let driven = tokio::spawn(run.drive());
        while events.next().await.unwrap().event_type() != EventType::Partial {}
        let began = Instant::now();
        handle.cancel(None);
        assert_eq!(server.closed().await, Some(0));
        waits.push(began.elapsed());
        let error = driven.await.unwrap().unwrap_err();
        assert_eq!(error.code().as_str(), "cancelled");
        assert!(error.partial_turn.unwrap().last_assistant_text().is_some(), "{}", api.name());
    }
    // The machine may be busy with something else for some of them. An idle connection would stay open for a minute.
    waits.sort();
    assert!(waits[0].as_millis() < 100 && waits[4].as_secs() < 20, "{waits:?}");
}

#[tokio::test]
async fn rounds_of_calls_stay_rounds_and_an_id_may_be_used_again_once_it_was_answered() {
    let server = server(vec![streamed(Api::OpenAi, traffic(Api::OpenAi, "text"))]).await;
    let call = |n: u32| Block::tool_call("call_0", "get_weather", json!({ "days": n }));
    let result = |n: u32| Block::tool_result("call_0", &json!(n));
    let turn = Turn::new()
        .with(Block::user("Go"))
        .with(call(1))
        .with(call(9))
        .with(result(1))
        .with(call(2))
        .with(result(2));
    let session = Session::builder(engine(settings(Api::OpenAi, &server)))
        .tools(weather(), LoopConfig::default())
        .build();
    run(&session, turn).await.1.unwrap();
    let body = server.received().pop().unwrap().body;
    let said = body["messages"].as_array().unwrap().iter().skip(1);
    let said: Vec<_> = said
        .map(|message| {
            (
                message["role"].as_str().unwrap(),
                message["content"].as_str().unwrap_or_default(),
                message["tool_calls"][0]["function"]["arguments"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        ("assistant", "", "{\"days\":1}"),
        ("tool", "1", ""),
        ("assistant", "", "{\"days\":2}"),
        ("tool", "2", ""),
    ];
    assert_eq!(said, expected, "{body}");
}
