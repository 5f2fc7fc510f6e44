//! The rows, by what they measure.

pub(crate) mod bare;
mod bridge;
mod isolation;
mod owner;
mod process;
mod providers;
mod rust;
mod sessions;

use crate::measure::Row;

/// A row's number, and what measures it.
pub(crate) type Bench = (u32, fn() -> Vec<Row>);

/// All rows, in their order. 15 is the isolation of VMs, which no peer has; 16 what comes over HTTP.
pub(crate) const ALL: &[Bench] = &[
    (1, owner::trivial_function),
    (2, owner::round_trip),
    (3, owner::eight_callers),
    (4, bridge::small_turn),
    (5, bridge::large_turn),
    (6, bridge::events),
    (7, bridge::new_session),
    (8, bridge::growing_session),
    (9, bridge::tool_loop),
    (10, bridge::tool_loop_async),
    (11, process::start),
    (12, process::many),
    (13, sessions::stream),
    (14, sessions::long_history),
    (15, isolation::nine_beside_one),
    (16, providers::deltas),
];
