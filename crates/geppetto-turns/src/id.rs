//! Ids: shared strings with a type each, so that one kind is never taken for another.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Defines an id type: a shared string that is cheap to clone.
///
/// `fresh()` makes one from a version 7 UUID, so that ids sort by the time they were made.
#[macro_export]
macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $crate::define_id! { $(#[$doc])* $name($crate::IdText) }
    };
    ($(#[$doc:meta])* $name:ident($text:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($text);

        impl $name {
            /// A new id that nobody else has.
            #[must_use]
            pub fn fresh() -> Self {
                Self(<$text>::fresh())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl ::std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl<T: Into<::std::sync::Arc<str>>> From<T> for $name {
            fn from(id: T) -> Self {
                Self(<$text>::given(id.into()))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(<String as $crate::serde::Deserialize>::deserialize(deserializer)?.into())
            }
        }
    };
}

define_id! {
    /// A turn's id. A run fixes the id of the turn it produces.
    TurnId
}

define_id! {
    /// A block's id.
    BlockId(OriginText)
}

impl BlockId {
    /// Whether nobody else can have this id: it was made here and never handed on.
    pub(crate) fn is_unique(&self) -> bool {
        self.0.made_here && Arc::strong_count(&self.0.text) == 1
    }
}

/// What an id is made of.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdText(Arc<str>);

impl IdText {
    /// A new one.
    #[must_use]
    pub fn fresh() -> Self {
        Self(fresh_text())
    }

    /// One that somebody gave.
    #[must_use]
    pub fn given(text: Arc<str>) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The same, and whether it is a fresh one.
#[derive(Debug, Clone)]
struct OriginText {
    text: Arc<str>,
    made_here: bool,
}

impl OriginText {
    fn fresh() -> Self {
        Self { text: fresh_text(), made_here: true }
    }

    fn given(text: Arc<str>) -> Self {
        Self { text, made_here: false }
    }

    fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for OriginText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for OriginText {}

impl Hash for OriginText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for OriginText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OriginText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// The text of a new id: a version 7 UUID.
#[doc(hidden)]
#[must_use]
pub fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The same, to be shared.
fn fresh_text() -> Arc<str> {
    let mut text = uuid::Uuid::encode_buffer();
    Arc::from(&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut text))
}
