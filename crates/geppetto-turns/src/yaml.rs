//! Turns as YAML: the same shape as their JSON, and files of the Go project load.
//!
//! A file of the Go project may leave a turn's `id` out, name kinds in any case, hold a tool's `result` as a mapping
//! rather than as JSON text, and use short names of keys. Older ones have `version: 1`, a turn's `run_id` (its session)
//! and a block's `turn_id` and `order`, which say again where the block stands.
//!
//! ```
//! let turn = geppetto_turns::yaml::from_str("
//! blocks:
//!   - kind: user
//!     payload: { text: Hi }
//! ").unwrap();
//! assert_eq!(turn.blocks[0].text(), Some("Hi"));
//! let text = geppetto_turns::yaml::to_string(&turn).unwrap();
//! assert_eq!(geppetto_turns::yaml::from_str(&text).unwrap(), turn);
//! ```

use crate::{Map, Turn, long_key, turn_metadata};
use serde_json::Value;

/// Why a turn could not be read from YAML, or written as such.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// The text is no YAML, or holds what a turn cannot: a number that is none, a key that is no text.
    #[error("the YAML cannot be read: {0}")]
    Syntax(#[source] serde_saphyr::Error),
    /// It is YAML, but no turn.
    #[error("the YAML is no turn: {0}")]
    Turn(#[source] serde_json::Error),
    /// A key stands there in its short and its long form.
    #[error("{key:?} stands there twice, in its short and its long form")]
    Twice {
        /// The long form.
        key: String,
    },
    /// The turn cannot be written.
    #[error("the turn cannot be written as YAML: {0}")]
    Write(#[source] serde_saphyr::ser::Error),
}

/// Reads a turn. Key order is kept.
///
/// # Errors
/// When the text is no YAML, or no turn.
pub fn from_str(text: &str) -> Result<Turn, YamlError> {
    // Duplicate keys, NaN and infinities are errors of the reader; aliases are bounded.
    let options = serde_saphyr::options! {
        // A long conversation is no attack; what multiplies is bounded by the other limits.
        budget: serde_saphyr::budget! { max_nodes: 50_000_000, max_events: 200_000_000 },
    };
    let mut turn: Value = serde_saphyr::from_str_with_options(text, options).map_err(YamlError::Syntax)?;
    if let Value::Object(turn) = &mut turn {
        modernise(turn)?;
    }
    serde_json::from_value(turn).map_err(YamlError::Turn)
}

/// Writes a turn, with the long names of its keys.
///
/// # Errors
/// When a value has no YAML form.
pub fn to_string(turn: &Turn) -> Result<String, YamlError> {
    serde_saphyr::to_string(turn).map_err(YamlError::Write)
}

/// What the Go project writes otherwise.
fn modernise(turn: &mut Map) -> Result<(), YamlError> {
    turn.shift_remove("version");
    let run_id = turn.shift_remove("run_id");
    for keys in ["metadata", "data"] {
        lengthen(turn.get_mut(keys))?;
    }
    if let Some(run_id) = run_id.filter(Value::is_string) {
        let metadata = turn.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(metadata) = metadata {
            metadata.entry(turn_metadata::SESSION_ID.as_str()).or_insert(run_id);
        }
    }
    let blocks = turn.get_mut("blocks").and_then(Value::as_array_mut);
    for block in blocks.into_iter().flatten().filter_map(Value::as_object_mut) {
        modernise_block(block)?;
    }
    Ok(())
}

fn modernise_block(block: &mut Map) -> Result<(), YamlError> {
    block.shift_remove("turn_id");
    block.shift_remove("order");
    lengthen(block.get_mut("metadata"))?;
    if let Some(Value::String(kind)) = block.get_mut("kind") {
        *kind = kind.trim().to_lowercase();
        if kind == "llm_text" {
            block.entry("role").or_insert_with(|| "assistant".into());
        }
    }
    let payload = block.get_mut("payload").and_then(Value::as_object_mut);
    if let Some(result) = payload.and_then(|payload| payload.get_mut("result"))
        && !result.is_string()
        && !result.is_null()
    {
        *result = Value::String(result.to_string());
    }
    Ok(())
}

/// Short names of keys as long ones.
fn lengthen(keys: Option<&mut Value>) -> Result<(), YamlError> {
    let Some(Value::Object(keys)) = keys else { return Ok(()) };
    for (key, value) in std::mem::take(keys) {
        let long = long_key(&key).into_owned();
        if keys.contains_key(&long) {
            return Err(YamlError::Twice { key: long });
        }
        keys.insert(long, value);
    }
    Ok(())
}
