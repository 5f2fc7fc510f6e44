//! Ollama's own format.

use super::lane::{Place, told};
use super::{Model, Parameters, texts};
use crate::http::Guarded;
use crate::{Secret, Settings};
use rig_core::providers::ollama::OllamaConfig;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;

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

/// Where a frame has its text.
pub(super) const TEXT: &str = "/message/content";

/// Reads a frame that is a piece of text, and nothing else that anybody knows.
pub(super) fn text(data: &[u8]) -> Option<(Place, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Record<'a> {
        model: Option<IgnoredAny>,
        created_at: Option<IgnoredAny>,
        #[serde(borrow)]
        message: Message<'a>,
        done: bool,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Message<'a> {
        role: Option<IgnoredAny>,
        #[serde(borrow)]
        content: Cow<'a, str>,
    }
    let record: Record<'_> = serde_json::from_slice(data).ok()?;
    let told = told([&record.model, &record.created_at]);
    (!record.done).then(|| ((0, 0, told), record.message.content.into_owned()))
}
