//! Google's Gemini.

use super::{Model, Parameters, texts};
use crate::http::Guarded;
use crate::{Secret, Settings};
use rig_core::providers::gemini::GeminiConfig;

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
