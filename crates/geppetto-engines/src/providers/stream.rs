//! From a provider's stream to what an engine tells and answers.

use super::lane::TextLane;
use super::request::Native;
use super::{Asked, Problem, problem};
use futures_util::StreamExt;
use geppetto_inference::Failure;
use geppetto_turns::{Block, Usage, block_metadata};
use rig_core::ProviderError;
use rig_core::completion::{CompletionRequest, CompletionResponse, FinishReason};
use rig_core::message::{AssistantContent, ToolCall};
use rig_core::streaming::{CompletionStream, Item, StreamEvent};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// What is told while an answer comes.
#[derive(Debug)]
pub(crate) enum Told {
    Text(String),
    Thinking(String),
    /// A piece of the arguments of a call of this tool; its id is known at its end.
    Call {
        name: String,
        delta: String,
    },
    /// A call whose arguments are whole.
    Called {
        id: String,
        name: String,
        input: String,
    },
    Ended(Box<Result<Answer, Failure>>),
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) blocks: Vec<Block>,
    pub(crate) usage: Option<Usage>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) model: Option<String>,
}

/// An answer that did not come whole.
pub(crate) struct Broken {
    pub(crate) problem: Problem,
    /// Whether something of it was told: then nobody asks again.
    pub(crate) has_begun: bool,
}

impl Broken {
    fn new(failure: Failure, has_begun: bool) -> Self {
        Self { problem: Problem { failure, wait: None, again: false }, has_begun }
    }
}

/// The most pieces that are told at once: those that came together.
const TOGETHER: usize = 64;

/// Asks once, and tells what comes. Dropping the future closes the connection.
pub(crate) async fn ask(
    Asked { model, lane }: &Asked,
    request: CompletionRequest,
    tells: &mpsc::Sender<Vec<Told>>,
) -> Result<Answer, Broken> {
    let mut stream =
        model.stream(request).map_err(|error| Broken { problem: problem(&error), has_begun: false })?;
    let mut parts = Parts::default();
    let mut has_begun = false;
    loop {
        let mut told = Vec::new();
        let next = poll_fn(|cx| together(&mut stream, lane, &mut parts, &mut told, cx)).await;
        has_begun |= !told.is_empty();
        // Where nobody listens any more the engine is about to drop this.
        let _ = tells.send(told).await;
        match next {
            Next::More => {}
            Next::End => break,
            Next::Failed(error) => return Err(Broken { problem: problem(&error), has_begun }),
        }
    }
    match stream.finish().await {
        Ok(response) => answer(parts.ended, &response).map_err(|failure| Broken::new(failure, has_begun)),
        Err(error) => Err(Broken { problem: problem(&error), has_begun }),
    }
}

/// What follows what was told.
enum Next {
    More,
    End,
    Failed(Box<ProviderError>),
}

/// Tells what is there, text in the pieces in which it came.
fn together(
    stream: &mut CompletionStream,
    lane: &TextLane,
    parts: &mut Parts,
    told: &mut Vec<Told>,
    cx: &mut Context<'_>,
) -> Poll<Next> {
    while told.len() < TOGETHER {
        match stream.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(Item::Event(event)))) => parts.tell(event, lane, told),
            // rig notes what it does not know; so does a reader of its log.
            Poll::Ready(Some(Ok(Item::Unknown(_)))) => {}
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Next::Failed(Box::new(error))),
            Poll::Ready(None) => return Poll::Ready(Next::End),
            Poll::Pending if told.is_empty() => return Poll::Pending,
            Poll::Pending => break,
        }
    }
    Poll::Ready(Next::More)
}

/// The parts of an answer, by their places in it.
#[derive(Default)]
struct Parts {
    /// Of calls whose arguments are still coming.
    names: BTreeMap<usize, String>,
    ended: BTreeMap<usize, (Block, AssistantContent)>,
}

impl Parts {
    fn tell(&mut self, event: StreamEvent, lane: &TextLane, told: &mut Vec<Told>) {
        match event {
            StreamEvent::Start { part, name, .. } => {
                self.names.extend(name.map(|name| (part.index(), name.to_string())));
            }
            StreamEvent::Text { text, .. } => told.extend(lane.pieces(text).into_iter().map(Told::Text)),
            StreamEvent::Reasoning { text, .. } => told.push(Told::Thinking(text)),
            StreamEvent::Arguments { part, json } => {
                let name = self.names.get(&part.index()).cloned().unwrap_or_default();
                told.push(Told::Call { name, delta: json });
            }
            StreamEvent::End { part, content } => {
                let block = block(&content);
                told.extend(called(&content, &block));
                self.ended.insert(part.index(), (block, content));
            }
        }
    }
}

fn called(content: &AssistantContent, block: &Block) -> Option<Told> {
    let AssistantContent::ToolCall(ToolCall { function, .. }) = content else { return None };
    if function.invalid_arguments.is_some() {
        return None;
    }
    let id = block.text_at("id").unwrap_or_default().to_owned();
    Some(Told::Called {
        id,
        name: function.name.to_string(),
        input: Value::Object(function.arguments.clone()).to_string(),
    })
}

fn block(content: &AssistantContent) -> Block {
    match content {
        AssistantContent::Text(text) => Block::assistant(&*text.text),
        AssistantContent::Reasoning(reasoning) => {
            let mut block = Block::reasoning(&*reasoning.text);
            let native = reasoning.native.as_ref().map(|native| &native.item);
            for (key, of_item) in [("item_id", "id"), ("encrypted_content", "encrypted_content")] {
                if let Some(value) =
                    native.and_then(|item| item.get(of_item)).filter(|value| value.is_string())
                {
                    block.payload.insert(key.to_owned(), value.clone());
                }
            }
            block
        }
        AssistantContent::ToolCall(call) => {
            // A provider that gives no ids gets ours.
            let id =
                if call.id.is_local() { geppetto_turns::fresh_id() } else { call.id.wire().into_owned() };
            Block::tool_call(
                id,
                call.function.name.to_string(),
                Value::Object(call.function.arguments.clone()),
            )
        }
        other => {
            let payload = json!({ "item": serde_json::to_value(other).unwrap_or_default() });
            Block::new(geppetto_turns::BlockKind::Other, payload.as_object().cloned().unwrap_or_default())
        }
    }
}

fn answer(
    ended: BTreeMap<usize, (Block, AssistantContent)>,
    response: &CompletionResponse,
) -> Result<Answer, Failure> {
    let reason = response.finish_reason();
    let mut blocks = Vec::new();
    for (mut block, content) in ended.into_values() {
        if let AssistantContent::ToolCall(ToolCall { function, .. }) = &content
            && function.invalid_arguments.is_some()
        {
            let hint = if reason == Some(FinishReason::Length) { "; raise maxTokens" } else { "" };
            let message =
                format!("the answer ended within the arguments of the call of {}{hint}", function.name);
            return Err(Failure { retryable: Some(false), ..Failure::new(message) });
        }
        if block.kind == geppetto_turns::BlockKind::LlmText && block.text().is_none_or(str::is_empty) {
            continue;
        }
        let native =
            serde_json::to_value(Native { origin: response.origin.clone(), content }).unwrap_or_default();
        block_metadata::NATIVE.set(&mut block, &native);
        blocks.push(block);
    }
    if let Some(refused) = response.error.as_ref().filter(|_| blocks.is_empty()) {
        return Err(Failure {
            retryable: Some(false),
            ..Failure::new(format!("the model gave no answer: {refused}"))
        });
    }
    Ok(Answer {
        blocks,
        usage: usage(response),
        stop_reason: reason.map(|reason| match reason {
            FinishReason::Stop => "stop".to_owned(),
            FinishReason::Length => "length".to_owned(),
            FinishReason::ToolCalls => "tool_calls".to_owned(),
            FinishReason::ContentFilter => "content_filter".to_owned(),
            FinishReason::Other(other) => other,
            _ => "other".to_owned(),
        }),
        model: response.model().map(str::to_owned),
    })
}

/// The tokens; `None` when the provider told of none.
fn usage(response: &CompletionResponse) -> Option<Usage> {
    let told = &response.usage;
    let any = told.input_tokens.or(told.output_tokens);
    any.map(|_| Usage {
        input_tokens: told.input_tokens.unwrap_or_default(),
        output_tokens: told.output_tokens.unwrap_or_default(),
        cached_input_tokens: told.cached_input_tokens.unwrap_or_default(),
        reasoning_tokens: told.reasoning_tokens.unwrap_or_default(),
    })
}
