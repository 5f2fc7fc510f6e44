//! What a provider may do wrong: the right error, the text so far, and never a call that is not whole.

use crate::{CANARY, IDLE, patient, run, server, settings, story, streamed, traffic};
use geppetto_engines::fake::{Received, Reply, Tail};
use geppetto_engines::{Api, Engines};
use geppetto_inference::{Failure, InferenceError, RunError, Session};
use geppetto_time::{Clock, Sleep};
use geppetto_turns::{BlockKind, Turn};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Waits between requests take no time, and are noted; a provider that says nothing is waited for as told.
#[derive(Debug)]
struct Hasty {
    now: Instant,
    waits: Mutex<Vec<Duration>>,
    patience: bool,
}

impl Clock for Hasty {
    fn now(&self) -> Instant {
        self.now
    }

    fn unix_ms(&self) -> u64 {
        0
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        let span = at - self.now;
        // Errors come whole.
        if (span == IDLE && self.patience) || span == Duration::from_secs(5) {
            return Box::pin(std::future::pending());
        }
        if span != IDLE {
            self.waits.lock().unwrap().push(span);
        }
        Box::pin(async {
            // Not before what comes at once has come.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        })
    }
}

struct Asked {
    turn: Result<Turn, RunError>,
    received: Vec<Received>,
    waits: Vec<Duration>,
    story: String,
}

impl Asked {
    fn failure(&self) -> &Failure {
        match &self.turn.as_ref().unwrap_err().error {
            InferenceError::Engine { failure, .. } => failure,
            other => panic!("{other:?}"),
        }
    }

    /// What the error keeps of the answer.
    fn text_so_far(&self) -> Option<&str> {
        self.turn.as_ref().unwrap_err().partial_turn.as_ref()?.last_assistant_text()
    }
}

/// What a test asks by.
struct Asker {
    engines: Engines,
    patience: bool,
}

impl Asker {
    fn new() -> Self {
        Self { engines: patient(), patience: true }
    }

    async fn ask(&self, api: Api, replies: Vec<Reply>) -> Asked {
        let server = server(replies).await;
        let clock = Arc::new(Hasty { now: Instant::now(), waits: Mutex::default(), patience: self.patience });
        let engine = self.engines.make(settings(api, &server)).unwrap();
        let session = Session::builder(engine).clock(clock.clone()).build();
        let (handle, turn) = run(&session, "Hi").await;
        let waits = clock.waits.lock().unwrap().clone();
        Asked { turn, received: server.received(), waits, story: story(&handle) }
    }
}

/// An error as the provider words it.
fn worded(api: Api, status: u16, message: &str) -> Reply {
    match api {
        Api::Ollama => Reply::error(status, &json!({ "error": message })),
        _ => Reply::error(status, &json!({ "error": { "message": message, "code": "some_code" } })),
    }
}

#[tokio::test]
async fn what_passes_is_asked_again_at_most_three_times_with_chance_in_the_waits() {
    let asker = Asker::new();
    for api in Api::ALL {
        for status in [429, 500, 503] {
            let asked = asker.ask(api, vec![worded(api, status, "busy")]).await;
            assert_eq!((asked.received.len(), asked.waits.len()), (3, 2), "{} {status}", api.name());
            let failure = asked.failure();
            assert_eq!((failure.status, failure.retryable), (Some(status), Some(true)));
            assert!(failure.message.contains("busy"), "{}", failure.message);
        }
    }
}

#[tokio::test]
async fn retry_after_is_heeded_and_one_that_nobody_would_wait_for_ends_it() {
    let asker = Asker::new();
    let busy = |after: &str| worded(Api::OpenAi, 429, "busy").header("retry-after", after);
    let good = streamed(Api::OpenAi, traffic(Api::OpenAi, "text"));
    let asked = asker.ask(Api::OpenAi, vec![busy("2"), good.clone()]).await;
    assert!(asked.turn.is_ok());
    assert_eq!(asked.waits, [Duration::from_secs(2)]);
    let asked = asker.ask(Api::OpenAi, vec![busy("86400"), good]).await;
    assert_eq!((asked.received.len(), asked.failure().status), (1, Some(429)));
}

#[tokio::test]
async fn what_stays_wrong_is_asked_once_and_told_in_the_providers_words_without_the_key() {
    let asker = Asker::new();
    for api in Api::ALL {
        for status in [400, 401, 403, 404, 302] {
            let said = format!("no such thing for {CANARY}");
            let asked =
                asker.ask(api, vec![worded(api, status, &said).header("x-request-id", "req_7")]).await;
            assert_eq!(asked.received.len(), 1, "{} {status}", api.name());
            let failure = asked.failure();
            assert_eq!((failure.status, failure.retryable), (Some(status), Some(false)));
            assert!(failure.message.contains("no such thing for [secret]"), "{}", failure.message);
            assert!(!asked.story.contains(CANARY) && !format!("{:?}", asked.turn).contains(CANARY));
        }
    }
}

/// The stream cut at every byte, by an end that looks like one and by a break.
async fn cut_everywhere(api: Api) {
    let asker = Asker::new();
    let body = traffic(api, "full");
    let calls = |turn: &Turn| turn.blocks.iter().filter(|block| block.kind == BlockKind::ToolCall).count();
    for bytes in 0..body.len() {
        // A break is told by the connection, wherever it is: there a sample will do.
        let tails = if bytes % 16 == 0 { &[Tail::End, Tail::Break][..] } else { &[Tail::End] };
        for tail in tails {
            let asked = asker.ask(api, vec![streamed(api, body.clone()).cut(bytes, *tail)]).await;
            let what =
                format!("{} cut at {bytes} of {} with {tail:?}\n{}", api.name(), body.len(), asked.story);
            let has_text = asked.story.contains("\npartial {");
            match &asked.turn {
                // The whole answer had come: what is missing is its end, or what it cost.
                Ok(turn) => assert_eq!(calls(turn), 2, "{what}"),
                Err(error) => {
                    assert_eq!(error.code().as_str(), "engine", "{what}");
                    assert_eq!(asked.failure().retryable, Some(true), "{what}: {}", asked.failure());
                    assert_eq!(asked.text_so_far().is_some(), has_text, "{what}");
                    let has_begun = asked.story.contains("\npartial") || asked.story.contains("\ntool-call");
                    assert_eq!(asked.received.len(), if has_begun { 1 } else { 3 }, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_openai_stream_cut_anywhere_keeps_the_text_so_far_and_makes_no_half_call() {
    cut_everywhere(Api::OpenAi).await;
}

#[tokio::test]
async fn an_openai_responses_stream_cut_anywhere_keeps_the_text_so_far_and_makes_no_half_call() {
    cut_everywhere(Api::OpenAiResponses).await;
}

#[tokio::test]
async fn a_claude_stream_cut_anywhere_keeps_the_text_so_far_and_makes_no_half_call() {
    cut_everywhere(Api::Claude).await;
}

#[tokio::test]
async fn a_gemini_stream_cut_anywhere_keeps_the_text_so_far_and_makes_no_half_call() {
    cut_everywhere(Api::Gemini).await;
}

#[tokio::test]
async fn an_ollama_stream_cut_anywhere_keeps_the_text_so_far_and_makes_no_half_call() {
    cut_everywhere(Api::Ollama).await;
}

#[tokio::test]
async fn arguments_that_end_too_early_are_an_error_and_never_a_call() {
    let asker = Asker::new();
    for api in [Api::OpenAi, Api::OpenAiResponses, Api::Claude] {
        let asked = asker.ask(api, vec![streamed(api, traffic(api, "truncated_args"))]).await;
        assert!(asked.failure().message.contains("arguments"), "{}", asked.failure());
        assert!(!asked.story.contains("\ntool-call {"), "{}", asked.story);
        let partial = asked.turn.as_ref().unwrap_err().partial_turn.as_ref().unwrap();
        assert!(partial.blocks.iter().all(|block| block.kind != BlockKind::ToolCall));
    }
}

#[tokio::test]
async fn an_error_in_the_midst_of_an_answer_is_told_with_the_text_so_far() {
    let asker = Asker::new();
    for api in Api::ALL {
        let asked = asker.ask(api, vec![streamed(api, traffic(api, "error_event"))]).await;
        assert!(!asked.failure().message.is_empty(), "{}", api.name());
        let told = asked.story.contains("\npartial {");
        assert_eq!(asked.text_so_far().is_some(), told, "{}: {}", api.name(), asked.story);
    }
}

#[tokio::test]
async fn a_provider_that_says_nothing_any_more_is_not_waited_for_without_end() {
    let asker = Asker { patience: false, ..Asker::new() };
    for api in Api::ALL {
        let body = traffic(api, "text");
        let half = body.len() / 2;
        let asked = asker.ask(api, vec![streamed(api, body).cut(half, Tail::Stall)]).await;
        assert!(asked.failure().message.contains("sent nothing for"), "{}: {}", api.name(), asked.failure());
    }
}

#[tokio::test]
async fn a_line_without_end_is_not_read_without_end() {
    let asker = Asker::new();
    let mut reply = streamed(Api::OpenAi, b"data: ".to_vec());
    reply.pieces.extend((0..20).map(|_| vec![b'x'; 1024 * 1024]));
    let asked = asker.ask(Api::OpenAi, vec![reply]).await;
    assert!(asked.failure().message.contains("longer than"), "{}", asked.failure());
    // An event of many lines is one, too.
    let mut reply = streamed(Api::OpenAi, Vec::new());
    reply.pieces.extend((0..20).map(|_| b"data: x\n".repeat(128 * 1024)));
    let asked = asker.ask(Api::OpenAi, vec![reply]).await;
    assert!(asked.failure().message.contains("longer than"), "{}", asked.failure());
}

#[tokio::test]
async fn answers_that_are_empty_or_tell_no_usage_are_answers() {
    let asker = Asker::new();
    for api in Api::ALL {
        let asked = asker.ask(api, vec![streamed(api, traffic(api, "empty"))]).await;
        assert!(asked.turn.is_ok(), "{}: {:?}", api.name(), asked.turn);
        let asked = asker.ask(api, vec![streamed(api, traffic(api, "no_usage"))]).await;
        assert!(asked.turn.is_ok(), "{}: {:?}", api.name(), asked.turn);
    }
}

#[tokio::test]
async fn comments_other_line_ends_and_what_nobody_knows_are_tolerated() {
    let asker = Asker::new();
    for api in [Api::OpenAi, Api::OpenAiResponses, Api::Claude, Api::Gemini] {
        let text = String::from_utf8(traffic(api, "text")).unwrap();
        let odd = format!(": a comment\r\n\r\n{}", text.replace('\n', "\r\n"));
        let asked = asker.ask(api, vec![streamed(api, odd.into_bytes())]).await;
        assert!(asked.turn.is_ok(), "{}: {:?}", api.name(), asked.turn);
    }
}
