//! A conversation as data.
//!
//! A [`Turn`] is the conversation so far: a list of [`Block`]s (what the person said, what the model said, tool
//! calls and their results), plus metadata about it and data for it. Turns are values: cloning one and appending
//! to it costs the same however long the conversation is, because blocks are shared.
//!
//! ```
//! use geppetto_turns::{Block, Turn, turn_metadata};
//!
//! let mut turn = Turn::new().with(Block::system("Answer briefly.")).with(Block::user("What is 17 * 23?"));
//! turn_metadata::MODEL.set(&mut turn, &"gpt-5".to_owned());
//! assert_eq!(turn_metadata::MODEL.get(&turn).unwrap().as_deref(), Some("gpt-5"));
//!
//! let text = serde_json::to_string(&turn).unwrap();
//! assert_eq!(serde_json::from_str::<Turn>(&text).unwrap(), turn);
//! ```
//!
//! The crate knows nothing of engines, tools or scripts.

mod block;
mod blocks;
mod calls;
#[rustfmt::skip]
mod generated;
mod id;
mod keys;
mod names;
mod payload;
mod pretty;
mod turn;
#[cfg(feature = "typings")]
pub mod typings;
mod usage;
mod wire;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use block::Block;
pub use blocks::{Blocks, Iter};
pub use calls::{PendingCall, added_blocks};
pub use generated::{BlockKind, PAYLOAD_KEYS, block_metadata, run_metadata, turn_data, turn_metadata};
pub use id::IdText;
pub use id::{BlockId, TurnId, fresh_id};
pub use keys::{BlockMetaKey, KeyError, RunMetaKey, TurnDataKey, TurnMetaKey, long_key, short_key};
pub use names::{UnknownName, did_you_mean, nearest};
pub use payload::{PayloadError, PayloadKey, PayloadType};
pub use pretty::Pretty;
pub use turn::Turn;
pub use usage::Usage;

/// For the macros of this crate.
#[doc(hidden)]
pub use serde;

/// A JSON object whose keys keep their order.
pub type Map = serde_json::Map<String, serde_json::Value>;
