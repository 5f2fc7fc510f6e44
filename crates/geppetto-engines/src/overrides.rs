//! What a turn says about its own inference: its data counts more than the engine's settings, and those more than a
//! profile's.

use crate::providers::put;
use crate::{Api, Settings};
use geppetto_inference::Failure;
use geppetto_turns::{Map, Turn, TurnDataKey, did_you_mean, turn_data};
use serde_json::{Value, json};

/// The engine's settings, with what the turn says; and the fields of the provider's own that it adds.
pub(crate) struct ForTurn {
    pub(crate) settings: Settings,
    pub(crate) fields: Value,
    /// The JSON Schema that the answer has to match.
    pub(crate) schema: Option<Value>,
}

/// What is said about the conversation itself is said by its blocks alone.
const OF_THE_TURN: [&str; 11] = [
    "messages",
    "input",
    "contents",
    "system",
    "systemInstruction",
    "instructions",
    "model",
    "stream",
    "tools",
    "tool_choice",
    "toolConfig",
];

/// Reads a turn's data.
///
/// # Errors
/// For a key that means nothing, or holds something else than it has to.
pub(crate) fn for_turn(settings: &Settings, api: Api, turn: &Turn) -> Result<ForTurn, Failure> {
    let mut settings = settings.clone();
    if let Some(config) = object(turn, &turn_data::INFERENCE_CONFIG)? {
        settings = settings.overridden_by(read(&config)?);
    }
    let own = match api {
        Api::Claude => Some(&turn_data::CLAUDE_INFERENCE_CONFIG),
        Api::OpenAi | Api::OpenAiResponses => Some(&turn_data::OPENAI_INFERENCE_CONFIG),
        Api::Gemini | Api::Ollama => None,
    };
    let mut fields = own.map(|key| object(turn, key)).transpose()?.flatten().unwrap_or_default();
    if let Some(name) = fields.keys().find(|name| OF_THE_TURN.contains(&name.as_str())) {
        return Err(Failure::new(format!(
            "turn.data: {name:?} cannot be set there: the turn itself says it"
        )));
    }
    let schema = match object(turn, &turn_data::STRUCTURED_OUTPUT_CONFIG)? {
        None => None,
        Some(config) => Some(structured(api, &config, &mut fields)?),
    };
    Ok(ForTurn { settings, fields: Value::Object(fields), schema })
}

fn object(turn: &Turn, key: &TurnDataKey<Value>) -> Result<Option<Map>, Failure> {
    match key.get(turn).ok().flatten() {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => {
            Err(Failure::new(format!("turn.data: {} has to be an object, got {other}", key.as_str())))
        }
    }
}

/// The names of settings, and those that the Go project gives them.
const NAMES: [(&str, &str); 11] = [
    ("temperature", "temperature"),
    ("topP", "topP"),
    ("top_p", "topP"),
    ("maxTokens", "maxTokens"),
    ("max_tokens", "maxTokens"),
    ("max_response_tokens", "maxTokens"),
    ("stop", "stop"),
    ("seed", "seed"),
    ("reasoningEffort", "reasoningEffort"),
    ("reasoning_effort", "reasoningEffort"),
    ("timeoutMs", "timeoutMs"),
];

fn read(config: &Map) -> Result<Settings, Failure> {
    let mut options = Map::new();
    for (name, value) in config.iter().filter(|(_, value)| !value.is_null()) {
        let known = NAMES.iter().find(|(known, _)| known == name).ok_or_else(|| {
            let guess = did_you_mean(name, NAMES.map(|(known, _)| known));
            Failure::new(format!("turn.data.inference_config: {name:?} is no setting{guess}"))
        })?;
        let fits = match known.1 {
            "stop" => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            "reasoningEffort" => value.is_string(),
            "maxTokens" | "seed" => value.is_u64(),
            _ => value.as_f64().is_some_and(|number| number >= 0.0),
        };
        if !fits {
            return Err(Failure::new(format!("turn.data.inference_config: {name} cannot be {value}")));
        }
        options.insert(known.1.to_owned(), value.clone());
    }
    Settings::from_options(&options)
}

/// Asks for an answer that matches a schema, as the format has it. Returns the schema.
fn structured(api: Api, config: &Map, fields: &mut Map) -> Result<Value, Failure> {
    let schema = config.get("schema").filter(|schema| schema.is_object()).cloned();
    let schema = schema.ok_or_else(|| {
        Failure::new("turn.data.structured_output_config: expected a JSON Schema as schema")
    })?;
    let name = config.get("name").and_then(Value::as_str).unwrap_or("answer");
    let strict = config.get("strict").and_then(Value::as_bool).unwrap_or(false);
    let mut put = |path: &str, value: Value| put(fields, path, value);
    match api {
        Api::OpenAi => {
            let format = json!({ "name": name, "strict": strict, "schema": schema });
            put("response_format", json!({ "type": "json_schema", "json_schema": format }));
        }
        Api::OpenAiResponses => {
            let format = json!({ "type": "json_schema", "name": name, "strict": strict, "schema": schema });
            put("text.format", format);
        }
        Api::Claude => put("output_config.format", json!({ "type": "json_schema", "schema": schema })),
        Api::Gemini => {
            put("generationConfig.responseMimeType", "application/json".into());
            put("generationConfig.responseJsonSchema", schema.clone());
        }
        Api::Ollama => put("format", schema.clone()),
    }
    Ok(schema)
}
