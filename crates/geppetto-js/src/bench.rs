//! What benchmarks measure and nobody else needs.

use crate::codec::turn;
use geppetto_turns::Turn;
use rquickjs::{Ctx, Function, Value};

/// A turn into the VM, through `function`, which may change it, and back.
///
/// # Errors
/// When the function throws, or makes something else of the turn.
pub fn turn_round_trip<'js>(ctx: &Ctx<'js>, function: &Function<'js>, given: &Turn) -> Result<Turn, String> {
    let value = turn::encode(ctx, given).map_err(|error| error.to_string())?.into_value();
    function.call::<_, Value<'js>>((value.clone(),)).map_err(|error| error.to_string())?;
    turn::decode(ctx, &value, Some(given), "the turn").map_err(|_| "the turn is none".to_owned())
}
