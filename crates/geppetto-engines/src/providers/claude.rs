//! Anthropic's Messages.

use super::lane::Place;
use super::{Model, Parameters, texts};
use crate::http::Guarded;
use crate::{Secret, Settings};
use geppetto_inference::Failure;
use rig_core::providers::anthropic::wire::AnthropicConfig;
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;

/// The format wants a bound of the answer; this one every model takes.
pub(super) const MAX_TOKENS: u64 = 8192;

pub(super) fn connect(model: &str, key: &Secret, base_url: &str, http: Guarded) -> Model {
    AnthropicConfig::new(key.expose()).with_base_url(base_url).connect(http).completion(model).erase()
}

pub(super) fn parameters(settings: &Settings, parameters: &mut Parameters) -> Result<(), Failure> {
    parameters.refuse("seed", settings.seed.is_some())?;
    parameters.set("top_p", settings.top_p);
    parameters.set("stop_sequences", texts(&settings.stop));
    let Some(effort) = &settings.reasoning_effort else { return Ok(()) };
    let most = settings.max_tokens.unwrap_or(MAX_TOKENS);
    // Tokens for thinking, as a share of the answer's: at least 1,024, and fewer than there are.
    let share = match effort.as_str() {
        "minimal" | "none" => return Ok(()),
        "low" => 4,
        "medium" => 2,
        "high" => 1,
        other => {
            let accepted = "none, minimal, low, medium, high";
            return Err(Failure::new(format!(
                "invalid reasoningEffort {other:?} for claude: expected one of {accepted}"
            )));
        }
    };
    if most <= 1024 {
        return Err(Failure::new(format!(
            "reasoningEffort needs maxTokens over 1024 with claude, which thinks within them; it is {most}"
        )));
    }
    let budget = (most / share).clamp(1024, most - 1);
    parameters.set("thinking", Some(json!({ "type": "enabled", "budget_tokens": budget })));
    Ok(())
}

/// Where a frame has its text.
pub(super) const TEXT: &str = "/delta/text";

/// Reads a frame that is a piece of text, and nothing else that anybody knows.
pub(super) fn text(data: &[u8]) -> Option<(Place, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Event<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        index: u32,
        #[serde(borrow)]
        delta: Delta<'a>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Delta<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
    }
    let event: Event<'_> = serde_json::from_slice(data).ok()?;
    let is_text = event.kind == "content_block_delta" && event.delta.kind == "text_delta";
    is_text.then(|| ((event.index, 0, 0), event.delta.text.into_owned()))
}
