//! The five formats, by way of rig: nothing of it leaves this folder and `http.rs`.
//!
//! rig shapes a conversation anew where it does not know it: each message therefore goes out as one that this very
//! target has said, with the provider's own items, and what it would drop or make up is refused before
//! ([`request`](self::request)).

mod claude;
mod errors;
mod gemini;
pub(crate) mod lane;
mod ollama;
mod openai;
mod openai_responses;
pub(crate) mod request;
pub(crate) mod stream;

pub(crate) use errors::{Problem, problem};

use crate::http::Guarded;
use crate::{Api, Secret, Settings};
use geppetto_inference::Failure;
use lane::TextLane;
use rig_core::DynModel;
use rig_core::operation::Completion;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A model that can be asked, and the lane its text may take.
pub(crate) struct Asked {
    model: DynModel<Completion>,
    lane: Arc<TextLane>,
}

type Model = DynModel<Completion>;

/// A model, by the client that asks it.
pub(crate) fn connect(api: Api, model: &str, key: &Secret, base_url: &str, http: Guarded) -> Asked {
    let lane = http.lane.clone();
    let model = match api {
        Api::OpenAi => openai::connect(model, key, base_url, http),
        Api::OpenAiResponses => openai_responses::connect(model, key, base_url, http),
        Api::Claude => claude::connect(model, key, base_url, http),
        Api::Gemini => gemini::connect(model, key, base_url, http),
        Api::Ollama => ollama::connect(model, key, base_url, http),
    };
    Asked { model, lane }
}

/// The names by which rig tells whose answer a message was: of the format, and of the provider.
pub(crate) fn identity(api: Api, base_url: &str) -> (&'static str, &'static str) {
    match api {
        Api::OpenAi => ("openai.chat", openai::provider(base_url)),
        Api::OpenAiResponses => ("openai.responses", "openai"),
        Api::Claude => ("anthropic.messages", "anthropic"),
        Api::Gemini => ("gemini.generate_content", "gcp.gemini"),
        Api::Ollama => ("ollama.chat", "ollama"),
    }
}

/// The settings that a format has no field of its own for, under the names its provider gives them.
///
/// # Errors
/// For a setting that the format does not know.
pub(crate) fn parameters(api: Api, settings: &Settings) -> Result<Value, Failure> {
    let mut parameters = Parameters { api, object: Map::new() };
    match api {
        Api::OpenAi => openai::parameters(settings, &mut parameters),
        Api::OpenAiResponses => openai_responses::parameters(settings, &mut parameters)?,
        Api::Claude => claude::parameters(settings, &mut parameters)?,
        Api::Gemini => gemini::parameters(settings, &mut parameters),
        Api::Ollama => ollama::parameters(settings, &mut parameters),
    }
    Ok(Value::Object(parameters.object))
}

/// The body's own fields, as they are collected.
struct Parameters {
    api: Api,
    object: Map<String, Value>,
}

impl Parameters {
    fn set<T: Into<Value>>(&mut self, path: &str, value: Option<T>) {
        if let Some(value) = value {
            put(&mut self.object, path, value.into());
        }
    }

    fn refuse(&self, option: &str, is_set: bool) -> Result<(), Failure> {
        if !is_set {
            return Ok(());
        }
        Err(Failure::misuse(format!("{} knows no `{option}`: leave it out for this model", self.api.name())))
    }
}

/// Puts a value into an object, or into those in it: `a.b` is `b` of `a`.
pub(crate) fn put(mut object: &mut Map<String, Value>, path: &str, value: Value) {
    let (outer, last) = path.rsplit_once('.').unwrap_or(("", path));
    for name in outer.split('.').filter(|name| !name.is_empty()) {
        let inner = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else { return };
        object = inner;
    }
    object.insert(last.to_owned(), value);
}

/// Texts, if there are any.
fn texts(texts: &[String]) -> Option<Value> {
    (!texts.is_empty()).then(|| texts.into())
}
