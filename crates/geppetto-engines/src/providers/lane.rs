//! A lane for text: the pieces that came together go to rig, which reads each frame as JSON up to four times, in one
//! frame. They are told one by one all the same.

use super::{claude, gemini, ollama, openai, openai_responses};
use crate::Api;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a text belongs: its item in the answer, its part of that, and what its frame tells beside it, a bit for each
/// field that is there. Frames of one place differ in nothing but their text and what of the rest the last of them tells.
pub(super) type Place = (u32, u32, u8);

/// The fields that are there.
pub(super) fn told<const N: usize>(fields: [&Option<IgnoredAny>; N]) -> u8 {
    fields.iter().fold(0, |told, field| told << 1 | u8::from(field.is_some()))
}

/// Reads a frame's data: the place of a piece of text, and the text.
type Read = fn(&[u8]) -> Option<(Place, String)>;

/// The lane of one answer, between who reads its frames and who tells its text.
#[derive(Debug)]
pub(crate) struct TextLane {
    read: Read,
    /// Where the text is in a frame's data.
    pointer: &'static str,
    /// What the text in the frame that rig got last was put together from.
    pieces: Mutex<Vec<String>>,
}

impl TextLane {
    pub(crate) fn of(api: Api) -> Self {
        let (read, pointer): (Read, _) = match api {
            Api::OpenAi => (openai::text, openai::TEXT),
            Api::OpenAiResponses => (openai_responses::text, openai_responses::TEXT),
            Api::Claude => (claude::text, claude::TEXT),
            Api::Gemini => (gemini::text, gemini::TEXT),
            Api::Ollama => (ollama::text, ollama::TEXT),
        };
        Self { read, pointer, pieces: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Vec<String>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What rig gets next of the frames that have come: how many bytes of them, and where those are several pieces of one
    /// text the frame to give it in their place.
    pub(crate) fn take<'a>(
        &self,
        are_records: bool,
        mut frames: impl Iterator<Item = &'a [u8]>,
    ) -> (usize, Option<Bytes>) {
        let Some(first) = frames.next() else { return (0, None) };
        let Some((place, text)) = self.text(first, are_records) else {
            self.held().clear();
            return (first.len(), None);
        };
        let (mut length, mut last, mut pieces) = (first.len(), first, vec![text]);
        for frame in frames {
            let read = self.text(frame, are_records).filter(|(at, _)| *at == place);
            let Some((_, text)) = read else { break };
            pieces.push(text);
            length += frame.len();
            last = frame;
        }
        // Where none can be made of them, rig gets all of them.
        let is_alone = pieces.len() == 1;
        let made = if is_alone { None } else { self.with_text(last, are_records, pieces.concat()) };
        *self.held() = pieces;
        (length, made)
    }

    /// The text of a frame that has some, and nothing else.
    fn text(&self, frame: &[u8], are_records: bool) -> Option<(Place, String)> {
        (self.read)(&frame[data(frame, are_records)?]).filter(|(_, text)| !text.is_empty())
    }

    /// A frame with another text.
    fn with_text(&self, frame: &[u8], are_records: bool, text: String) -> Option<Bytes> {
        let Range { start, end } = data(frame, are_records)?;
        let mut value: Value = serde_json::from_slice(&frame[start..end]).ok()?;
        *value.pointer_mut(self.pointer)? = text.into();
        Some([&frame[..start], value.to_string().as_bytes(), &frame[end..]].concat().into())
    }

    /// The pieces of a text that rig tells of.
    pub(super) fn pieces(&self, text: String) -> Vec<String> {
        let pieces = std::mem::take(&mut *self.held());
        // rig may have held some of it back, or made something else of it.
        if pieces.concat() == text { pieces } else { vec![text] }
    }
}

/// Where the data of a frame is: a record, or the one line of data of an event with nothing beside it but its name.
fn data(frame: &[u8], are_records: bool) -> Option<Range<usize>> {
    if are_records {
        return Some(0..frame.trim_ascii_end().len());
    }
    let (mut data, mut start) = (None, 0);
    for line in frame.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let end = start + line.len();
        match line {
            [] => {}
            _ if data.is_none() && line.starts_with(b"data:") => data = Some(start + b"data:".len()..end),
            _ if line.starts_with(b"event:") => {}
            _ => return None,
        }
        start = end + 1;
    }
    data
}

/// What must not be there, or be `null`.
#[derive(Deserialize)]
pub(super) enum Never {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_frame_that_is_text_and_nothing_else_is_text() {
        let text = Some("é\n".to_owned());
        let read = |read: Read, data: &str| read(data.as_bytes()).map(|(_, text)| text);
        let chunk = r#"{"id":"c","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"é\n"},"logprobs":null,"finish_reason":null}],"usage":null}"#;
        assert_eq!(read(openai::text, chunk), text);
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
            assert_eq!(read(openai::text, &chunk.replace(from, to)), None, "{to}");
        }

        let event = r#"{"type":"response.output_text.delta","sequence_number":1,"item_id":"i","output_index":0,"content_index":0,"delta":"é\n","logprobs":[],"obfuscation":"x"}"#;
        assert_eq!(read(openai_responses::text, event), text);
        for (from, to) in [
            ("output_text.delta", "refusal.delta"),
            ("\"logprobs\":[]", "\"logprobs\":[{}]"),
            ("\"item_id\"", "\"item\":{},\"item_id\""),
        ] {
            assert!(event.contains(from), "{from}");
            assert_eq!(read(openai_responses::text, &event.replace(from, to)), None, "{to}");
        }

        let record =
            r#"{"model":"m","created_at":"t","message":{"role":"assistant","content":"é\n"},"done":false}"#;
        assert_eq!(read(ollama::text, record), text);
        for (from, to) in [
            ("\"done\":false", "\"done\":true"),
            ("{\"role\"", "{\"thinking\":\"hm\",\"role\""),
            ("{\"role\"", "{\"tool_calls\":[],\"role\""),
        ] {
            assert!(record.contains(from), "{from}");
            assert_eq!(read(ollama::text, &record.replace(from, to)), None, "{to}");
        }

        let event = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"é\n"}}"#;
        assert_eq!(read(claude::text, event), text);
        for (from, to) in [
            ("text_delta", "thinking_delta"),
            ("content_block_delta", "content_block_start"),
            ("\"text\":", "\"citation\":1,\"text\":"),
        ] {
            assert_eq!(read(claude::text, &event.replace(from, to)), None, "{to}");
        }

        let chunk = r#"{"candidates":[{"content":{"parts":[{"text":"é\n"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":1}}"#;
        assert_eq!(read(gemini::text, chunk), text);
        for (from, to) in [
            ("{\"text\"", "{\"thought\":true,\"text\""),
            ("{\"text\"", "{\"thoughtSignature\":\"s\",\"text\""),
            ("{\"text\"", "{\"functionCall\":{}},{\"text\""),
            ("\"role\":\"model\"}", "\"role\":\"model\"},\"finishReason\":\"STOP\""),
            ("\"role\":\"model\"}", "\"role\":\"model\"},\"groundingMetadata\":{}"),
        ] {
            assert!(chunk.contains(from), "{from}");
            assert_eq!(read(gemini::text, &chunk.replace(from, to)), None, "{to}");
        }
    }

    #[test]
    fn pieces_that_came_together_are_one_frame_and_told_one_by_one() {
        let piece = |text, extra| format!(r#"{{"message":{{"content":"{text}"}}{extra},"done":false}}"#);
        let records = [
            piece("a", r#","created_at":"1","model":"m""#),
            piece("b\\n", r#","created_at":"2","model":"m""#),
            // What only one of them tells is not lost with the others.
            piece("c", r#","model":"n""#),
        ];
        let lane = TextLane::of(Api::Ollama);
        let (length, frame) = lane.take(true, records.iter().map(String::as_bytes));
        assert_eq!(length, records[0].len() + records[1].len());
        let frame: Value = serde_json::from_slice(&frame.unwrap()).unwrap();
        assert_eq!(
            frame,
            json!({ "message": { "content": "ab\n" }, "created_at": "2", "model": "m", "done": false })
        );
        assert_eq!(lane.pieces("ab\n".to_owned()), ["a", "b\n"]);

        // Frames that cannot be read as values stay as they are, and are read once.
        let odd = [piece("a", r#","created_at":1e999"#), piece("b", r#","created_at":1e999"#)];
        let both = odd[0].len() + odd[1].len();
        assert_eq!(lane.take(true, odd.iter().map(String::as_bytes)), (both, None));
        assert_eq!(lane.pieces("a".to_owned()), ["a"]);

        // One that comes alone stays as it is, and so does what rig makes of it.
        for alone in [&records[0], &records[2]] {
            assert_eq!(lane.take(true, [alone.as_bytes()].into_iter()), (alone.len(), None));
        }
        lane.take(true, records.iter().map(String::as_bytes));
        assert_eq!(lane.pieces("something else".to_owned()), ["something else"]);
        assert_eq!(lane.pieces("ab\n".to_owned()), ["ab\n"]);
    }

    #[test]
    fn a_frame_of_more_than_data_and_a_name_is_left_to_rig() {
        let frame = b"\nevent: e\r\ndata: {}\r\n\r\n";
        assert_eq!(data(frame, false).map(|data| &frame[data]), Some(&b" {}"[..]));
        for frame in [&b"data: {\ndata: }\n\n"[..], b"id: 7\ndata: {}\n\n", b": hello\n\n", b"retry: 1\n\n"] {
            assert_eq!(data(frame, false), None);
        }
    }
}
