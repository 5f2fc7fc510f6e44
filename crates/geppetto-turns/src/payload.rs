//! What a block's payload may hold: it is open, but the keys that geppetto knows have a type.

use crate::{Map, PAYLOAD_KEYS};
use serde_json::Value;

/// What a known payload key must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadType {
    /// A string.
    String,
    /// An array.
    Array,
    /// Any JSON value.
    Any,
}

/// A payload key that geppetto knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadKey {
    /// The key's name.
    pub name: &'static str,
    /// What it must hold.
    pub ty: PayloadType,
}

/// A known payload key holds something else than it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload.{key} must be {expected}, got {found}")]
pub struct PayloadError {
    /// The key.
    pub key: &'static str,
    /// What it must hold, with its article.
    pub expected: &'static str,
    /// What it holds, with its article.
    pub found: &'static str,
}

/// Checks the known keys of a payload. `null` counts as absent.
///
/// # Errors
/// The first known key that holds the wrong type.
pub(crate) fn check(payload: &Map) -> Result<(), PayloadError> {
    for key in PAYLOAD_KEYS {
        let Some(value) = payload.get(key.name).filter(|value| !value.is_null()) else { continue };
        let expected = match key.ty {
            PayloadType::String if !value.is_string() => "a string",
            PayloadType::Array if !value.is_array() => "an array",
            _ => continue,
        };
        return Err(PayloadError { key: key.name, expected, found: type_name(value) });
    }
    Ok(())
}

/// What a value is, with its article.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
