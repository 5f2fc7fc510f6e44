//! Google's Gemini.

use super::lane::{Place, told};
use super::{Model, Parameters, texts};
use crate::http::Guarded;
use crate::{Secret, Settings};
use rig_core::providers::gemini::GeminiConfig;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

pub(super) fn connect(model: &str, key: &Secret, base_url: &str, http: Guarded) -> Model {
    GeminiConfig::new(key.expose()).with_base_url(base_url).connect(http).completion(model).erase()
}

pub(super) fn parameters(settings: &Settings, parameters: &mut Parameters) {
    parameters.set("generationConfig.topP", settings.top_p);
    parameters.set("generationConfig.stopSequences", texts(&settings.stop));
    parameters.set("generationConfig.seed", settings.seed);
    if let Some(effort) = settings.reasoning_effort.clone() {
        parameters.set("generationConfig.thinkingConfig.thinkingLevel", Some(effort));
        parameters.set("generationConfig.thinkingConfig.includeThoughts", Some(true));
    }
}

/// Where a frame has its text.
pub(super) const TEXT: &str = "/candidates/0/content/parts/0/text";

/// Reads a frame that is a piece of text, and nothing else that anybody knows. Each frame tells the usage so far, and the last one all of it.
pub(super) fn text(data: &[u8]) -> Option<(Place, String)> {
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
    let chunk: Chunk<'_> = serde_json::from_slice(data).ok()?;
    let told = told([&chunk.usage_metadata, &chunk.model_version, &chunk.response_id, &chunk.create_time]);
    let [candidate] = chunk.candidates;
    let [part] = candidate.content.parts;
    (candidate.index.unwrap_or_default() == 0).then(|| ((0, 0, told), part.text.into_owned()))
}
