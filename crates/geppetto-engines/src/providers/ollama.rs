//! Ollama's own format.

use super::{Model, Parameters, texts};
use crate::http::Guarded;
use crate::{Secret, Settings};
use rig_core::providers::ollama::OllamaConfig;
use serde_json::Value;

pub(super) fn connect(model: &str, key: &Secret, base_url: &str, http: Guarded) -> Model {
    let config = OllamaConfig::new().with_base_url(base_url).with_api_key(key.expose());
    config.connect(http).native_completion(model).erase()
}

pub(super) fn parameters(settings: &Settings, parameters: &mut Parameters) {
    parameters.set("top_p", settings.top_p);
    parameters.set("stop", texts(&settings.stop));
    parameters.set("seed", settings.seed);
    let think = settings.reasoning_effort.as_deref().map(|effort| match effort {
        "none" => Value::Bool(false),
        effort => effort.into(),
    });
    parameters.set("think", think);
}
