//! From a turn to a request.
//!
//! A provider's rules about order are met here: results stand right behind the calls they answer, and what one model
//! said in one go is one message. What cannot be sent is an error that names the block.

use super::identity;
use crate::{Api, Settings};
use geppetto_inference::Failure;
use geppetto_turns::{Block, BlockKind, Turn, block_metadata, turn_data};
use rig_core::completion::{CompletionRequest, ToolDefinition};
use rig_core::message::{
    AssistantContent, AssistantMessage, CallId, ImageDetail, ImageMediaType, Message, MimeType, Origin,
    ToolCall, ToolChoice, ToolFunction, ToolName, ToolResult, ToolResultContent, UserContent,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// What a provider needs to take a block again, under `native` in the block's metadata.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Native {
    /// The answer it was part of.
    pub(crate) origin: Origin,
    /// The provider's own item.
    pub(crate) content: AssistantContent,
}

/// Who is asked.
pub(crate) struct Target<'a> {
    pub(crate) api: Api,
    pub(crate) model: &'a str,
    pub(crate) base_url: &'a str,
}

impl Target<'_> {
    fn origin(&self) -> Origin {
        let (api, provider) = identity(self.api, self.base_url);
        Origin::new(rig_core::message::Api::from_static(api), provider, self.model)
    }
}

/// The request for a turn, with fields of the provider's own.
///
/// # Errors
/// What the provider cannot take.
pub(crate) fn request(
    turn: &Turn,
    settings: &Settings,
    fields: Value,
    target: &Target<'_>,
) -> Result<CompletionRequest, Failure> {
    let mut request = CompletionRequest::from(messages(turn, target)?);
    request.tools = tools(turn)?;
    if !request.tools.is_empty() {
        request.tool_choice = Some(tool_choice(turn, target)?);
    }
    request.temperature = settings.temperature;
    request.max_tokens = settings.max_tokens;
    if target.api == Api::Claude {
        request.max_tokens = Some(settings.max_tokens.unwrap_or(super::claude::MAX_TOKENS));
    }
    let mut parameters = super::parameters(target.api, settings)?;
    merge(&mut parameters, fields);
    request.additional_params =
        parameters.as_object().is_some_and(|object| !object.is_empty()).then_some(parameters);
    request.accept_unknown_finish_reasons = true;
    Ok(request)
}

/// Puts fields into an object, and into those in it; a field that is there counts less.
fn merge(object: &mut Value, fields: Value) {
    match (object, fields) {
        (Value::Object(object), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(object.entry(name).or_insert(Value::Null), value);
            }
        }
        (object, value) => *object = value,
    }
}

/// Blocks that a model said in one go, each with its place in the turn.
type Said<'a> = Vec<(usize, &'a Arc<Block>)>;

fn messages(turn: &Turn, target: &Target<'_>) -> Result<Vec<Message>, Failure> {
    let results = results(turn)?;
    let mut messages = Vec::new();
    let mut said: Said<'_> = Vec::new();
    let mut is_answered = false;
    for (at, block) in turn.blocks.iter().enumerate() {
        let place = |what: &str| Failure::new(format!("blocks[{at}]: {what}"));
        match block.kind {
            BlockKind::LlmText | BlockKind::Reasoning | BlockKind::ToolCall => {
                if block.kind == BlockKind::ToolCall && !results.contains_key(&at) {
                    continue;
                }
                // What comes behind results was said when they were there.
                if std::mem::take(&mut is_answered) {
                    flush(&mut said, &results, &mut messages, target)?;
                }
                said.push((at, block));
            }
            // Sent behind the call it answers.
            BlockKind::ToolUse => is_answered = true,
            BlockKind::System => {
                flush(&mut said, &results, &mut messages, target)?;
                let content = block.text().unwrap_or_default();
                if !content.trim().is_empty() {
                    messages.push(Message::System { content: content.to_owned() });
                }
            }
            BlockKind::User => {
                flush(&mut said, &results, &mut messages, target)?;
                messages.push(Message::User { content: user(block, target).map_err(|what| place(&what))? });
            }
            BlockKind::Other => tracing::debug!(at, "a block of kind other is not sent to providers"),
        }
    }
    flush(&mut said, &results, &mut messages, target)?;
    if !messages.iter().any(|message| !matches!(message, Message::System { .. })) {
        return Err(Failure::new("the turn says nothing: a provider needs a block of kind user"));
    }
    Ok(messages)
}

/// The result of each call, by the call's place: an id may be used again once it was answered, and one that is repeated
/// before is no call of its own. Each result stands behind its call, and none without one.
fn results(turn: &Turn) -> Result<HashMap<usize, &Arc<Block>>, Failure> {
    let mut open: HashMap<&str, usize> = HashMap::new();
    let mut results = HashMap::new();
    for (at, block) in turn.blocks.iter().enumerate() {
        let id = block.text_at("id").unwrap_or_default();
        match block.kind {
            // An id that stands there twice before its result is one call.
            BlockKind::ToolCall => {
                open.entry(id).or_insert(at);
            }
            BlockKind::ToolUse => {
                let call = open.remove(id).ok_or_else(|| {
                    Failure::new(format!(
                        "blocks[{at}]: a tool_use for {id:?}, which no tool_call before it has as its id"
                    ))
                })?;
                results.insert(call, block);
            }
            _ => {}
        }
    }
    match open.into_iter().min_by_key(|(_, at)| *at) {
        None => Ok(results),
        Some((id, at)) => Err(Failure::new(format!(
            "blocks[{at}]: the tool_call {id:?} has no result; append a tool_use for it, or run it with a tool loop"
        ))),
    }
}

/// What the model said in one go, as one message, and behind it the results of its calls.
fn flush(
    said: &mut Said<'_>,
    results: &HashMap<usize, &Arc<Block>>,
    messages: &mut Vec<Message>,
    target: &Target<'_>,
) -> Result<(), Failure> {
    let (mut content, mut answers, mut origin) = (Vec::new(), Vec::new(), None);
    for (at, block) in said.drain(..) {
        let native = native(block, target);
        if let Some(native) = &native {
            origin.get_or_insert_with(|| native.origin.clone());
        }
        content.extend(assistant(block, native)?);
        if let Some(result) = results.get(&at) {
            answers.push(answer(block, result, target)?);
        }
    }
    if !content.is_empty() {
        let origin = origin.unwrap_or_else(|| target.origin());
        messages.push(Message::Assistant(AssistantMessage::new(content).with_origin(origin)));
    }
    if !answers.is_empty() {
        messages.push(Message::User { content: answers });
    }
    Ok(())
}

/// The provider's own item, if the block is an answer of this very target and has not been changed since.
fn native(block: &Block, target: &Target<'_>) -> Option<Native> {
    let kept = block_metadata::NATIVE.get(block).ok().flatten()?;
    let native: Native = serde_json::from_value(kept).ok()?;
    let (own, ours) = (&native.origin, target.origin());
    let is_ours = own.api == ours.api && own.provider == ours.provider && own.model == ours.model;
    let is_same = match &native.content {
        AssistantContent::Text(text) => Some(&*text.text) == block.text(),
        AssistantContent::Reasoning(reasoning) => reasoning.text == block.text().unwrap_or_default(),
        AssistantContent::ToolCall(call) => {
            Some(call.function.name.as_str()) == block.text_at("name")
                && Value::Object(call.function.arguments.clone()) == block.call_args()
        }
        _ => true,
    };
    (is_ours && is_same).then_some(native)
}

fn assistant(block: &Block, native: Option<Native>) -> Result<Option<AssistantContent>, Failure> {
    if let (Some(native), BlockKind::LlmText | BlockKind::Reasoning) = (&native, block.kind) {
        return Ok(Some(native.content.clone()));
    }
    match block.kind {
        BlockKind::LlmText => {
            let text = block.text().filter(|text| !text.trim().is_empty());
            Ok(text.map(AssistantContent::text))
        }
        BlockKind::ToolCall => {
            let (id, name) = (block.text_at("id").unwrap_or_default(), tool_name(block)?);
            let args = block.call_args();
            if !args.is_object() {
                return Err(Failure::new(format!(
                    "the tool_call {id:?} has arguments that are no object: {args}"
                )));
            }
            let mut call = ToolCall::from_wire(id, ToolFunction::new(name, args));
            if let Some(Native { content: AssistantContent::ToolCall(own), .. }) = native {
                // Its own item, under the id it has in the turn.
                call = ToolCall { id: call.id, ..own };
            }
            Ok(Some(AssistantContent::ToolCall(call)))
        }
        // Another model's reasoning is nothing that this one can take as its own.
        _ => Ok(None),
    }
}

fn tool_name(block: &Block) -> Result<ToolName, Failure> {
    let name = block.text_at("name").unwrap_or_default();
    ToolName::new(name).map_err(|_| Failure::new("a tool_call has no name"))
}

fn answer(call: &Block, result: &Block, target: &Target<'_>) -> Result<UserContent, Failure> {
    let error = result.text_at("error").filter(|error| !error.is_empty());
    // Formats that have no mark for a failed call are told in words.
    let has_mark = matches!(target.api, Api::Claude | Api::Gemini);
    let text = match error {
        Some(error) if has_mark => error.to_owned(),
        Some(error) => format!("Error: {error}"),
        None => result.text_at("result").unwrap_or("null").to_owned(),
    };
    Ok(UserContent::ToolResult(ToolResult {
        call: CallId::from_wire(call.text_at("id").unwrap_or_default()),
        name: tool_name(call)?,
        content: vec![ToolResultContent::text(text)],
        is_error: error.is_some(),
    }))
}

fn user(block: &Block, target: &Target<'_>) -> Result<Vec<UserContent>, String> {
    let mut content = Vec::new();
    if let Some(text) = block.text().filter(|text| !text.trim().is_empty()) {
        content.push(UserContent::text(text));
    }
    let images = block.payload.get("images").and_then(Value::as_array);
    for (at, given) in images.into_iter().flatten().enumerate() {
        content.push(image(given, target).map_err(|what| format!("payload.images[{at}]: {what}"))?);
    }
    match content.is_empty() {
        true => Err("a block of kind user has neither text nor images".to_owned()),
        false => Ok(content),
    }
}

/// What kind of image a URL leads to, by the end of its name.
fn by_ending(url: &str) -> Option<ImageMediaType> {
    let url = url::Url::parse(url).ok()?;
    let (_, ending) = url.path().rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    ImageMediaType::from_mime_type(&format!("image/{}", if ending == "jpg" { "jpeg" } else { &ending }))
}

/// An image is `{ url, mediaType? }`, or `{ content, mediaType }` with base64; a `data:` URL is the latter.
fn image(given: &Value, target: &Target<'_>) -> Result<UserContent, String> {
    let text = |names: &[&str]| names.iter().find_map(|name| given.get(*name)?.as_str());
    let mut content = text(&["content", "data"]);
    let mut url = text(&["url"]);
    let mut media_type = text(&["mediaType", "media_type"]);
    if let Some((kind, data)) = url.and_then(|url| url.strip_prefix("data:")?.split_once(";base64,")) {
        (content, media_type, url) = (Some(data), Some(kind), None);
    }
    let known = media_type.map(|name| ImageMediaType::from_mime_type(name).ok_or(name)).transpose();
    let known = known.map_err(|name| {
        format!("unknown media type {name:?}: expected image/jpeg, image/png, image/gif or image/webp")
    })?;
    let detail = None::<ImageDetail>;
    match (content, url) {
        (Some(data), _) if known.is_some() => Ok(UserContent::image_base64(data, known, detail)),
        (Some(_), _) => Err("an image given by its content needs a mediaType, such as image/png".to_owned()),
        (None, Some(_)) if target.api == Api::Ollama => {
            Err("ollama takes images by their content, not by URL: pass { content, mediaType }".to_owned())
        }
        (None, Some(url)) => match known.or_else(|| by_ending(url)) {
            None if target.api == Api::Gemini => {
                Err(format!("gemini needs a mediaType beside the URL, such as image/png, got {given}"))
            }
            known => Ok(UserContent::image_url(url, known, detail)),
        },
        (None, None) => Err(format!("expected {{ url }} or {{ content, mediaType }}, got {given}")),
    }
}

fn tools(turn: &Turn) -> Result<Vec<ToolDefinition>, Failure> {
    let Some(definitions) = turn_data::TOOL_DEFINITIONS.get(turn).ok().flatten() else {
        return Ok(Vec::new());
    };
    let definitions = definitions.as_array().cloned().unwrap_or_default();
    let one = |definition: &Value| {
        let name = definition.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = ToolName::new(name).map_err(|_| Failure::new("a tool has no name"))?;
        let description = definition.get("description").and_then(Value::as_str).unwrap_or_default();
        let parameters = definition.get("parameters").cloned();
        let parameters = parameters.unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
        Ok(ToolDefinition::new(name, description, parameters))
    };
    definitions.iter().map(one).collect()
}

fn tool_choice(turn: &Turn, target: &Target<'_>) -> Result<ToolChoice, Failure> {
    let config = turn_data::TOOL_CONFIG.get(turn).ok().flatten().unwrap_or_default();
    match config.get("tool_choice").and_then(Value::as_str).unwrap_or("auto") {
        "none" => Ok(ToolChoice::None),
        "required" if target.api == Api::Ollama => {
            Err(Failure::new("ollama cannot be made to use a tool: toolChoice may be auto or none"))
        }
        "required" => Ok(ToolChoice::Required),
        _ => Ok(ToolChoice::Auto),
    }
}
