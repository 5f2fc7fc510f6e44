//! OpenAI's Responses.

use super::{Model, Parameters};
use crate::http::Guarded;
use crate::{Secret, Settings};
use geppetto_inference::Failure;
use rig_core::providers::openai::OpenAIConfig;

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
