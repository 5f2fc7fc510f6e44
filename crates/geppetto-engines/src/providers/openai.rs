//! OpenAI's chat completions, and every server that speaks them.

use super::lane::{Never, Place, told};
use super::{Model, Parameters, texts};
use crate::http::Guarded;
use crate::{Api, Secret, Settings};
use rig_core::providers::openai::OpenAIConfig;
use rig_core::providers::openai::wire::{Auth, Dialect, Quirks};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// A server that is not OpenAI's: nothing is concluded from the names of its models, and some want no key.
static COMPATIBLE: Dialect = compatible();

const fn compatible() -> Dialect {
    let mut dialect = Dialect::gateway("openai-compatible", "http://localhost/v1", "OPENAI_API_KEY")
        .with_quirks(Quirks::openai().done_without_finish_reason());
    dialect.request_id_header = Some("x-request-id");
    dialect.quirks.auth = Auth::OptionalBearer;
    dialect
}

fn is_openai(base_url: &str) -> bool {
    base_url == Api::OpenAi.base_url()
}

pub(super) fn provider(base_url: &str) -> &'static str {
    if is_openai(base_url) { "openai" } else { COMPATIBLE.name }
}

pub(super) fn connect(model: &str, key: &Secret, base_url: &str, http: Guarded) -> Model {
    let config = match is_openai(base_url) {
        true => OpenAIConfig::new(key.expose()),
        false => OpenAIConfig::with_key(&COMPATIBLE, key.expose()),
    };
    config.with_base_url(base_url).connect(http).chat(model).erase()
}

pub(super) fn parameters(settings: &Settings, parameters: &mut Parameters) {
    parameters.set("top_p", settings.top_p);
    parameters.set("stop", texts(&settings.stop));
    parameters.set("seed", settings.seed);
    parameters.set("reasoning_effort", settings.reasoning_effort.clone());
}

/// Where a frame has its text.
pub(super) const TEXT: &str = "/choices/0/delta/content";

/// Reads a frame that is a piece of text, and nothing else that anybody knows.
pub(super) fn text(data: &[u8]) -> Option<(Place, String)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Chunk<'a> {
        id: Option<IgnoredAny>,
        object: Option<IgnoredAny>,
        created: Option<IgnoredAny>,
        model: Option<IgnoredAny>,
        service_tier: Option<IgnoredAny>,
        system_fingerprint: Option<IgnoredAny>,
        obfuscation: Option<IgnoredAny>,
        #[serde(borrow)]
        choices: [Choice<'a>; 1],
        usage: Option<Never>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Choice<'a> {
        index: u32,
        #[serde(borrow)]
        delta: Delta<'a>,
        logprobs: Option<Never>,
        finish_reason: Option<Never>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is named may be there")]
    struct Delta<'a> {
        role: Option<IgnoredAny>,
        #[serde(borrow)]
        content: Cow<'a, str>,
        refusal: Option<Never>,
    }
    let chunk: Chunk<'_> = serde_json::from_slice(data).ok()?;
    let told =
        told([&chunk.id, &chunk.created, &chunk.model, &chunk.service_tier, &chunk.system_fingerprint]);
    let [choice] = chunk.choices;
    // Of several answers the first is told.
    (choice.index == 0).then(|| ((0, 0, told), choice.delta.content.into_owned()))
}
