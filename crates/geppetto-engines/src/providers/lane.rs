//! A lane for text: a frame that holds a piece of text and nothing else is told as it comes. rig, which reads each frame
//! as JSON several times, gets the first of a part and all that are anything else.

use crate::Api;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Reads a frame's data: the place of the part that the text belongs to, and the text.
type Read = fn(&[u8]) -> Option<(u32, String)>;

/// The lane of one answer, between who reads its frames and who tells its text.
#[derive(Debug)]
pub(crate) struct TextLane {
    /// None for a format that has no lane.
    read: Option<Read>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The place of the text in the frame that rig got last.
    place: Option<u32>,
    /// Whether rig has told of that text, and of nothing else since.
    is_open: bool,
    /// What nobody has told yet.
    texts: Vec<String>,
}

impl TextLane {
    /// The lane of a format. OpenAI's Responses tell a text once more when it is whole, which rig compares with what it
    /// has seen; Ollama's frames are records, and read fast enough.
    pub(crate) fn of(api: Api) -> Self {
        let read: Option<Read> = match api {
            Api::OpenAi => Some(openai),
            Api::Claude => Some(claude),
            Api::Gemini => Some(gemini),
            Api::OpenAiResponses | Api::Ollama => None,
        };
        Self { read, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_used(&self) -> bool {
        self.read.is_some()
    }

    /// Whether a frame of an event stream is text of the part that is open: then it is to be told, and not for rig.
    pub(crate) fn takes(&self, frame: &[u8]) -> bool {
        let read = self.read.and_then(|read| read(data(frame)?)).filter(|(_, text)| !text.is_empty());
        let mut state = self.state();
        match read {
            Some((place, text)) if state.is_open && state.place == Some(place) => {
                state.texts.push(text);
                true
            }
            other => {
                // Until rig has told of text in it.
                state.is_open = false;
                state.place = other.map(|(place, _)| place);
                false
            }
        }
    }

    /// Opens the lane when rig has told of text, and closes it when it has told of anything else.
    pub(super) fn open(&self, is_open: bool) {
        self.state().is_open = is_open;
    }

    /// What came by the lane.
    pub(super) fn texts(&self) -> Vec<String> {
        std::mem::take(&mut self.state().texts)
    }
}

/// The one line of data of a frame that has nothing beside it but its event's name.
fn data(frame: &[u8]) -> Option<&[u8]> {
    let mut data = None;
    for line in frame.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        match line.strip_prefix(b"data:") {
            Some(found) if data.is_none() => data = Some(found),
            None if line.starts_with(b"event:") => {}
            _ => return None,
        }
    }
    data
}

/// What must not be there, or be `null`.
#[derive(Deserialize)]
enum Never {}

/// A piece of text of OpenAI's chat completions.
fn openai(data: &[u8]) -> Option<(u32, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Chunk<'a> {
        id: Option<IgnoredAny>,
        object: Option<IgnoredAny>,
        created: Option<IgnoredAny>,
        model: Option<IgnoredAny>,
        service_tier: Option<IgnoredAny>,
        system_fingerprint: Option<IgnoredAny>,
        obfuscation: Option<IgnoredAny>,
        #[serde(borrow)]
        choices: [Choice<'a>; 1],
        usage: Option<Never>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Choice<'a> {
        index: u32,
        #[serde(borrow)]
        delta: Delta<'a>,
        logprobs: Option<Never>,
        finish_reason: Option<Never>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Delta<'a> {
        role: Option<IgnoredAny>,
        #[serde(borrow)]
        content: Cow<'a, str>,
        refusal: Option<Never>,
    }
    let Chunk { choices: [choice], .. } = serde_json::from_slice(data).ok()?;
    // Of several answers the first is told.
    (choice.index == 0).then(|| (0, choice.delta.content.into_owned()))
}

/// A piece of text of Anthropic's Messages.
fn claude(data: &[u8]) -> Option<(u32, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Event<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        index: u32,
        #[serde(borrow)]
        delta: Delta<'a>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Delta<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
    }
    let event: Event<'_> = serde_json::from_slice(data).ok()?;
    let is_text = event.kind == "content_block_delta" && event.delta.kind == "text_delta";
    is_text.then(|| (event.index, event.delta.text.into_owned()))
}

/// A piece of text of Gemini. Each frame tells the usage so far, and the last one all of it.
fn gemini(data: &[u8]) -> Option<(u32, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Chunk<'a> {
        #[serde(borrow)]
        candidates: [Candidate<'a>; 1],
        usage_metadata: Option<IgnoredAny>,
        model_version: Option<IgnoredAny>,
        response_id: Option<IgnoredAny>,
        create_time: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Candidate<'a> {
        #[serde(borrow)]
        content: Content<'a>,
        index: Option<u32>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Content<'a> {
        #[serde(borrow)]
        parts: [Part<'a>; 1],
        role: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
    }
    let Chunk { candidates: [candidate], .. } = serde_json::from_slice(data).ok()?;
    let [part] = candidate.content.parts;
    (candidate.index.unwrap_or_default() == 0).then(|| (0, part.text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_frame_that_is_text_and_nothing_else_is_text() {
        let text = Some((0, "é\n".to_owned()));
        let chunk = r#"{"id":"c","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"é\n"},"logprobs":null,"finish_reason":null}],"usage":null}"#;
        assert_eq!(openai(chunk.as_bytes()), text);
        for (from, to) in [
            ("\"usage\":null", "\"usage\":{\"total_tokens\":1}"),
            ("\"finish_reason\":null", "\"finish_reason\":\"stop\""),
            ("{\"content\"", "{\"tool_calls\":[],\"content\""),
            ("{\"content\"", "{\"reasoning_content\":\"hm\",\"content\""),
            ("\"logprobs\":null", "\"logprobs\":{}"),
            ("\"choices\":[{", "\"choices\":[{},{"),
            ("\"index\":0", "\"index\":1"),
            ("\"id\"", "\"error\":{},\"id\""),
        ] {
            assert!(chunk.contains(from), "{from}");
            assert_eq!(openai(chunk.replace(from, to).as_bytes()), None, "{to}");
        }

        let event = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"é\n"}}"#;
        assert_eq!(claude(event.as_bytes()), text);
        for (from, to) in [
            ("text_delta", "thinking_delta"),
            ("content_block_delta", "content_block_start"),
            ("\"text\":", "\"citation\":1,\"text\":"),
        ] {
            assert_eq!(claude(event.replace(from, to).as_bytes()), None, "{to}");
        }

        let chunk = r#"{"candidates":[{"content":{"parts":[{"text":"é\n"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":1}}"#;
        assert_eq!(gemini(chunk.as_bytes()), text);
        for (from, to) in [
            ("{\"text\"", "{\"thought\":true,\"text\""),
            ("{\"text\"", "{\"thoughtSignature\":\"s\",\"text\""),
            ("{\"text\"", "{\"functionCall\":{}},{\"text\""),
            ("\"role\":\"model\"}", "\"role\":\"model\"},\"finishReason\":\"STOP\""),
            ("\"role\":\"model\"}", "\"role\":\"model\"},\"groundingMetadata\":{}"),
        ] {
            assert!(chunk.contains(from), "{from}");
            assert_eq!(gemini(chunk.replace(from, to).as_bytes()), None, "{to}");
        }
    }

    #[test]
    fn a_frame_of_more_than_data_and_a_name_is_left_to_rig() {
        assert_eq!(data(b"\nevent: e\r\ndata: {}\r\n\r\n"), Some(&b" {}"[..]));
        for frame in [&b"data: {\ndata: }\n\n"[..], b"id: 7\ndata: {}\n\n", b": hello\n\n", b"retry: 1\n\n"] {
            assert_eq!(data(frame), None);
        }
    }
}
