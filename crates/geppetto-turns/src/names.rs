//! Closed sets of names: enumerations that read and write as strings, and the nearest name for a wrong one.

use std::fmt;

/// A name that is not in its set. Says what was expected and, where one is near, what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What the name should have been, e.g. `block kind`.
    pub what: &'static str,
    /// What it was.
    pub found: String,
    /// The names of the set.
    pub expected: &'static [&'static str],
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guess = did_you_mean(&self.found, self.expected.iter().copied());
        let Self { what, found, expected } = self;
        write!(f, "unknown {what} {found:?}: expected one of {}{guess}", expected.join(", "))
    }
}

impl std::error::Error for UnknownName {}

/// The candidate that is nearest to `name`, unless all are too far away to be a slip of the keyboard.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing is quadratic in the length; nobody mistypes a name into a novel.
    let name: String = name.chars().take(64).collect();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "auto"?` for the end of an error, or nothing when no candidate is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

/// Defines an enumeration whose values are strings everywhere outside Rust.
///
/// The enum gets `ALL`, `NAMES`, `as_str`, `Display`, `FromStr` (an [`UnknownName`] otherwise) and serde's traits.
#[macro_export]
macro_rules! string_enum {
    ($(#[$doc:meta])* pub enum $name:ident: $what:literal {
        $($(#[$value_doc:meta])* $variant:ident = $value:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$value_doc])* $variant,)+
        }

        impl $name {
            /// All values, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The names of all values, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($value,)+];

            /// The value's name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($value => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownName {
                        what: $what,
                        found: name.to_owned(),
                        expected: Self::NAMES,
                    }),
                }
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <String as $crate::serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err($crate::serde::de::Error::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BlockKind;

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest_right_one() {
        let error = "tool_cal".parse::<BlockKind>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown block kind \"tool_cal\": expected one of user, llm_text, system, tool_call, tool_use, \
             reasoning, other; did you mean \"tool_call\"?"
        );
    }

    #[test]
    fn a_name_far_from_all_is_answered_without_a_guess() {
        assert_eq!(nearest("zebra", ["auto", "none"]), None);
        assert_eq!(nearest("auot", ["auto", "none"]), Some("auto"));
    }
}
