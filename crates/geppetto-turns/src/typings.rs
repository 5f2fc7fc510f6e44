//! TypeScript shapes of turns, taken from the types that write them. For the generation of the typings.

use crate::{Usage, wire};
use ts_rs::{Config, TS};

/// A shape: its declaration, such as `type Usage = { … };`, and its documentation.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The declaration, without `export`.
    pub declaration: String,
    /// The documentation, as a comment; empty without one.
    pub documentation: String,
}

/// The shape of a type.
#[must_use]
pub fn shape<T: TS + ?Sized>(config: &Config) -> Shape {
    Shape { declaration: T::decl(config), documentation: T::docs().unwrap_or_default() }
}

/// The metadata of a turn.
#[derive(TS)]
pub(crate) struct TurnMetadata;

/// The data of a turn.
#[derive(TS)]
pub(crate) struct TurnData;

/// The metadata of a block.
#[derive(TS)]
pub(crate) struct BlockMetadata;

/// Any object of JSON values.
#[derive(TS)]
#[ts(rename = "JsonObject")]
pub struct Keys;

/// The shapes of this crate.
#[must_use]
pub fn shapes(config: &Config) -> Vec<Shape> {
    let mut shapes = vec![shape::<Usage>(config)];
    shapes.extend(wire::shapes(config));
    shapes
}
