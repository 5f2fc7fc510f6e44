//! The tokens an engine used.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// The tokens an engine used. In JSON: `{"inputTokens":12,"outputTokens":5,"cachedInputTokens":8,"reasoningTokens":2}`,
/// the last two absent when 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(rename_all = "camelCase"))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
    /// How many of the input tokens came from the provider's cache.
    #[serde(skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "typings", ts(optional, as = "Option<u64>"))]
    pub cached_input_tokens: u64,
    /// How many of the output tokens were reasoning.
    #[serde(skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "typings", ts(optional, as = "Option<u64>"))]
    pub reasoning_tokens: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_input_tokens += other.cached_input_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
    }
}
