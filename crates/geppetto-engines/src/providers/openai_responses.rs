//! OpenAI's Responses.

use super::lane::{Never, Place, told};
use super::{Model, Parameters};
use crate::http::Guarded;
use crate::{Secret, Settings};
use geppetto_inference::Failure;
use rig_core::providers::openai::OpenAIConfig;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

pub(super) fn connect(model: &str, key: &Secret, base_url: &str, http: Guarded) -> Model {
    OpenAIConfig::new(key.expose()).with_base_url(base_url).connect(http).responses(model).erase()
}

pub(super) fn parameters(settings: &Settings, parameters: &mut Parameters) -> Result<(), Failure> {
    parameters.refuse("stop", !settings.stop.is_empty())?;
    parameters.refuse("seed", settings.seed.is_some())?;
    parameters.set("top_p", settings.top_p);
    // The turn is the conversation: the provider keeps none, and gives its reasoning away encrypted.
    parameters.set("store", Some(false));
    if let Some(effort) = settings.reasoning_effort.clone() {
        parameters.set("reasoning.effort", Some(effort));
        parameters.set("reasoning.summary", Some("auto"));
    }
    Ok(())
}

/// Where a frame has its text.
pub(super) const TEXT: &str = "/delta";

/// Reads a frame that is a piece of text, and nothing else that anybody knows.
pub(super) fn text(data: &[u8]) -> Option<(Place, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Event<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        sequence_number: Option<IgnoredAny>,
        item_id: Option<IgnoredAny>,
        output_index: u32,
        content_index: u32,
        #[serde(borrow)]
        delta: Cow<'a, str>,
        logprobs: Option<[Never; 0]>,
        obfuscation: Option<IgnoredAny>,
    }
    let event: Event<'_> = serde_json::from_slice(data).ok()?;
    let is_text = event.kind == "response.output_text.delta";
    let told = told([&event.item_id]);
    is_text.then(|| ((event.output_index, event.content_index, told), event.delta.into_owned()))
}
