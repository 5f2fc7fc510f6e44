//! Whole answers in each of the five formats, as their providers document them.

use super::{Received, Reply};
use crate::Api;
use serde_json::{Value, json};

/// What a model says.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Its thinking, in the pieces in which it comes.
    pub thinking: Vec<String>,
    /// Its text, in the pieces in which it comes.
    pub text: Vec<String>,
    /// The tools that it calls, with their arguments.
    pub calls: Vec<(String, Value)>,
}

/// The format that a request is in, by its path.
#[must_use]
pub fn format_of(request: &Received) -> Option<Api> {
    let path = request.path.split('?').next().unwrap_or_default();
    match path {
        _ if path.ends_with("/chat/completions") => Some(Api::OpenAi),
        _ if path.ends_with("/responses") => Some(Api::OpenAiResponses),
        _ if path.ends_with("/messages") => Some(Api::Claude),
        _ if path.ends_with(":streamGenerateContent") => Some(Api::Gemini),
        _ if path.ends_with("/api/chat") => Some(Api::Ollama),
        _ => None,
    }
}

/// What was asked last: the text that the request ends with, in whatever format.
#[must_use]
pub fn last_question(request: &Received) -> String {
    fn texts(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(entries) => {
                for key in ["content", "parts", "text", "input_text"] {
                    match entries.get(key) {
                        Some(Value::String(text)) => found.push(text.clone()),
                        Some(inner) => texts(inner, found),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for key in ["messages", "input", "contents"] {
        texts(&request.body[key], &mut found);
    }
    found.pop().unwrap_or_default()
}

impl Answer {
    /// An answer of text, word by word.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self { text: text.split_inclusive(' ').map(str::to_owned).collect(), ..Self::default() }
    }

    /// The answer in this format.
    #[must_use]
    pub fn reply(&self, api: Api) -> Reply {
        let (kind, body) = match api {
            Api::OpenAi => ("text/event-stream", self.openai()),
            Api::OpenAiResponses => ("text/event-stream", self.openai_responses()),
            Api::Claude => ("text/event-stream", self.claude()),
            Api::Gemini => ("text/event-stream", self.gemini()),
            Api::Ollama => ("application/x-ndjson", self.ollama()),
        };
        Reply::stream(kind, body)
    }

    fn tokens(&self) -> usize {
        self.text.len() + self.thinking.len()
    }

    fn called(&self) -> impl Iterator<Item = (usize, String, &str, &Value)> {
        self.calls.iter().enumerate().map(|(at, (name, args))| (at, format!("call_{at}"), &**name, args))
    }

    fn openai(&self) -> String {
        let chunk = |delta: Value, reason: Value| {
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
            event(
                &json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": [choice] }),
            )
        };
        let mut body = chunk(json!({ "role": "assistant", "content": "" }), Value::Null);
        for delta in &self.thinking {
            body += &chunk(json!({ "reasoning_content": delta }), Value::Null);
        }
        for delta in &self.text {
            body += &chunk(json!({ "content": delta }), Value::Null);
        }
        for (at, id, name, args) in self.called() {
            let function = json!({ "name": name, "arguments": args.to_string() });
            let call = json!({ "index": at, "id": id, "type": "function", "function": function });
            body += &chunk(json!({ "tool_calls": [call] }), Value::Null);
        }
        body += &chunk(json!({}), if self.calls.is_empty() { "stop" } else { "tool_calls" }.into());
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": self.tokens(), "total_tokens": 10 + self.tokens() });
        body += &event(
            &json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": [], "usage": usage }),
        );
        body + "data: [DONE]\n\n"
    }

    fn openai_responses(&self) -> String {
        let mut events = Events { number: Some(0), ..Events::default() };
        let mut output = Vec::new();
        events.add("response.created", json!({ "response": { "id": "resp_1", "object": "response", "status": "in_progress", "model": "fake", "output": [] } }));
        let mut item = |events: &mut Events, begun: Value, deltas: Vec<(&str, Value)>, done: Value| {
            let at = output.len();
            events.add("response.output_item.added", json!({ "output_index": at, "item": begun }));
            for (kind, mut fields) in deltas {
                fields["output_index"] = at.into();
                fields["item_id"] = done["id"].clone();
                events.add(kind, fields);
            }
            events.add("response.output_item.done", json!({ "output_index": at, "item": done }));
            output.push(done);
        };
        if !self.thinking.is_empty() {
            let deltas = self.thinking.iter().map(|delta| {
                ("response.reasoning_summary_text.delta", json!({ "summary_index": 0, "delta": delta }))
            });
            let part = json!({ "type": "summary_text", "text": self.thinking.concat() });
            let done = json!({ "id": "rs_1", "type": "reasoning", "summary": [part], "encrypted_content": "ENCRYPTED" });
            item(
                &mut events,
                json!({ "id": "rs_1", "type": "reasoning", "summary": [] }),
                deltas.collect(),
                done,
            );
        }
        if !self.text.is_empty() {
            let deltas = self
                .text
                .iter()
                .map(|delta| ("response.output_text.delta", json!({ "content_index": 0, "delta": delta })));
            let part = json!({ "type": "output_text", "text": self.text.concat(), "annotations": [] });
            let begun = json!({ "id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": [] });
            let done = json!({ "id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part] });
            item(&mut events, begun, deltas.collect(), done);
        }
        for (at, id, name, args) in self.called() {
            let call = |arguments: &str, status: &str| json!({ "id": format!("fc_{at}"), "type": "function_call", "call_id": id, "name": name, "arguments": arguments, "status": status });
            let delta = ("response.function_call_arguments.delta", json!({ "delta": args.to_string() }));
            item(&mut events, call("", "in_progress"), vec![delta], call(&args.to_string(), "completed"));
        }
        let usage =
            json!({ "input_tokens": 10, "output_tokens": self.tokens(), "total_tokens": 10 + self.tokens() });
        events.add("response.completed", json!({ "response": { "id": "resp_1", "object": "response", "status": "completed", "model": "fake", "output": output, "usage": usage } }));
        events.body
    }

    fn claude(&self) -> String {
        let mut events = Events::default();
        let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "fake", "content": [], "stop_reason": null, "usage": { "input_tokens": 10, "output_tokens": 1 } });
        events.add("message_start", json!({ "message": message }));
        let mut at = 0;
        let mut block = |events: &mut Events, begun: Value, deltas: Vec<Value>| {
            events.add("content_block_start", json!({ "index": at, "content_block": begun }));
            for delta in deltas {
                events.add("content_block_delta", json!({ "index": at, "delta": delta }));
            }
            events.add("content_block_stop", json!({ "index": at }));
            at += 1;
        };
        if !self.thinking.is_empty() {
            let deltas =
                self.thinking.iter().map(|delta| json!({ "type": "thinking_delta", "thinking": delta }));
            let deltas = deltas.chain([json!({ "type": "signature_delta", "signature": "SIGNATURE" })]);
            block(
                &mut events,
                json!({ "type": "thinking", "thinking": "", "signature": "" }),
                deltas.collect(),
            );
        }
        if !self.text.is_empty() {
            let deltas = self.text.iter().map(|delta| json!({ "type": "text_delta", "text": delta }));
            block(&mut events, json!({ "type": "text", "text": "" }), deltas.collect());
        }
        for (_, id, name, args) in self.called() {
            let begun = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
            block(
                &mut events,
                begun,
                vec![json!({ "type": "input_json_delta", "partial_json": args.to_string() })],
            );
        }
        let reason = if self.calls.is_empty() { "end_turn" } else { "tool_use" };
        events.add("message_delta", json!({ "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": { "output_tokens": self.tokens() } }));
        events.add("message_stop", json!({}));
        events.body
    }

    fn gemini(&self) -> String {
        let chunk = |parts: Value, reason: Option<&str>| {
            let mut candidate = json!({ "content": { "role": "model", "parts": parts }, "index": 0 });
            if let Some(reason) = reason {
                candidate["finishReason"] = reason.into();
            }
            let usage = json!({ "promptTokenCount": 10, "candidatesTokenCount": self.tokens(), "totalTokenCount": 10 + self.tokens() });
            event(
                &json!({ "candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake", "responseId": "resp_1" }),
            )
        };
        let thinking =
            self.thinking.iter().map(|delta| chunk(json!([{ "text": delta, "thought": true }]), None));
        let text = self.text.iter().map(|delta| chunk(json!([{ "text": delta }]), None));
        let calls = self.called().map(|(_, id, name, args)| {
            chunk(json!([{ "functionCall": { "id": id, "name": name, "args": args }, "thoughtSignature": "U0lH" }]), None)
        });
        thinking.chain(text).chain(calls).chain([chunk(json!([{ "text": "" }]), Some("STOP"))]).collect()
    }

    fn ollama(&self) -> String {
        let line = |message: Value| {
            json!({ "model": "fake", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false }).to_string() + "\n"
        };
        let thinking = self
            .thinking
            .iter()
            .map(|delta| line(json!({ "role": "assistant", "content": "", "thinking": delta })));
        let text = self.text.iter().map(|delta| line(json!({ "role": "assistant", "content": delta })));
        let calls = self.called().map(|(at, id, name, args)| {
            let function = json!({ "index": at, "name": name, "arguments": args });
            line(json!({ "role": "assistant", "content": "", "tool_calls": [{ "id": id, "function": function }] }))
        });
        let end = json!({
            "model": "fake", "created_at": "2026-01-01T00:00:00Z", "message": { "role": "assistant", "content": "" }, "done": true,
            "done_reason": "stop", "prompt_eval_count": 10, "eval_count": self.tokens(),
        });
        thinking.chain(text).chain(calls).chain([end.to_string() + "\n"]).collect()
    }
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Events with a name, each of which its data holds, too.
#[derive(Default)]
struct Events {
    body: String,
    /// The number of the next, where they are numbered.
    number: Option<usize>,
}

impl Events {
    fn add(&mut self, name: &str, mut data: Value) {
        data["type"] = name.into();
        if let Some(number) = &mut self.number {
            data["sequence_number"] = (*number).into();
            *number += 1;
        }
        self.body.push_str(&format!("event: {name}\ndata: {data}\n\n"));
    }
}
