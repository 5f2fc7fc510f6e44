//! Ids: shared strings with a type each, so that one kind is never taken for another.

/// Defines an id type: a shared string that is cheap to clone.
///
/// `fresh()` makes one from a version 7 UUID, so that ids sort by the time they were made.
#[macro_export]
macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(::std::sync::Arc<str>);

        impl $name {
            /// A new id that nobody else has.
            #[must_use]
            pub fn fresh() -> Self {
                Self($crate::fresh_id().into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<::std::sync::Arc<str>>> From<T> for $name {
            fn from(id: T) -> Self {
                Self(id.into())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self(<String as $crate::serde::Deserialize>::deserialize(deserializer)?.into()))
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
    BlockId
}

/// The text of a new id: a version 7 UUID.
#[doc(hidden)]
#[must_use]
pub fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
