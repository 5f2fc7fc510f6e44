//! Typed keys of metadata and data: `namespace.value@vN` outside, a Rust type inside.

use crate::{Block, Map, Turn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::marker::PhantomData;

/// A key is there but holds something else than its type.
#[derive(Debug, thiserror::Error)]
#[error("`{key}` does not hold a {expected}")]
pub struct KeyError {
    /// The key in its long form.
    pub key: &'static str,
    /// The Rust type it should hold.
    pub expected: &'static str,
    /// What serde found.
    #[source]
    pub source: serde_json::Error,
}

const PREFIX: &str = "geppetto.";
const SUFFIX: &str = "@v1";

/// The long form of a key: a short name stands for namespace `geppetto`, version 1; a key that contains `@v` is
/// long already.
#[must_use]
pub fn long_key(key: &str) -> Cow<'_, str> {
    if key.contains("@v") { Cow::Borrowed(key) } else { Cow::Owned(format!("{PREFIX}{key}{SUFFIX}")) }
}

/// The short form of a key of namespace `geppetto`, version 1; any other key as it is.
#[must_use]
pub fn short_key(key: &str) -> &str {
    let short = key.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    short.filter(|short| !short.contains("@v")).unwrap_or(key)
}

fn get<T: DeserializeOwned>(map: &Map, key: &'static str) -> Result<Option<T>, KeyError> {
    let Some(value) = map.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    T::deserialize(value).map(Some).map_err(|source| KeyError {
        key,
        expected: std::any::type_name::<T>(),
        source,
    })
}

macro_rules! typed_key {
    ($(#[$doc:meta])* $name:ident of $owner:ty, $read:expr, $write:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name<T> {
            key: &'static str,
            value: PhantomData<fn() -> T>,
        }

        impl<T: Serialize + DeserializeOwned> $name<T> {
            /// A key in its long form, `namespace.value@vN`.
            #[must_use]
            pub const fn new(key: &'static str) -> Self {
                Self { key, value: PhantomData }
            }

            /// The long form of the key.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                self.key
            }

            /// What the key holds; `None` when it is absent or `null`.
            ///
            /// # Errors
            /// When it holds something that is not a `T`.
            pub fn get(&self, owner: &$owner) -> Result<Option<T>, KeyError> {
                let read: fn(&$owner) -> &Map = $read;
                get(read(owner), self.key)
            }

            /// Stores a value under the key. A value that JSON cannot hold is stored as `null`.
            pub fn set(&self, owner: &mut $owner, value: &T) {
                let value = serde_json::to_value(value).unwrap_or_default();
                let write: fn(&mut $owner) -> &mut Map = $write;
                write(owner).insert(self.key.to_owned(), value);
            }
        }
    };
}

typed_key! {
    /// A key of a turn's `metadata`.
    TurnMetaKey of Turn, |turn| &turn.metadata, |turn| turn.metadata_mut()
}
typed_key! {
    /// A key of a turn's `data`.
    TurnDataKey of Turn, |turn| &turn.data, |turn| turn.data_mut()
}
typed_key! {
    /// A key of a block's `metadata`.
    BlockMetaKey of Block, |block| &block.metadata, |block| &mut block.metadata
}
typed_key! {
    /// A key of a run's metadata.
    RunMetaKey of Map, |map| map, |map| map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Usage, turn_metadata};

    #[test]
    fn a_key_is_absent_or_its_value_or_a_typed_error() {
        let mut turn = Turn::new();
        assert_eq!(turn_metadata::USAGE.get(&turn).unwrap(), None);
        let usage = Usage { input_tokens: 3, ..Usage::default() };
        turn_metadata::USAGE.set(&mut turn, &usage);
        assert_eq!(turn_metadata::USAGE.get(&turn).unwrap(), Some(usage));
        turn.metadata_mut().insert("geppetto.usage@v1".into(), "many".into());
        let error = turn_metadata::USAGE.get(&turn).unwrap_err();
        assert_eq!(error.to_string(), "`geppetto.usage@v1` does not hold a geppetto_turns::usage::Usage");
    }

    #[test]
    fn short_and_long_forms_translate_both_ways() {
        assert_eq!(long_key("model"), "geppetto.model@v1");
        assert_eq!(long_key("app.note@v2"), "app.note@v2");
        assert_eq!(short_key("geppetto.model@v1"), "model");
        assert_eq!(short_key("geppetto.model@v2"), "geppetto.model@v2");
        assert_eq!(short_key("app.note@v1"), "app.note@v1");
    }
}
