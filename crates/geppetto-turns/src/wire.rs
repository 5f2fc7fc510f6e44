//! Turns as JSON: `{"id", "blocks", "metadata"?, "data"?}`, blocks as `{"id", "kind", "role"?, "payload"?,
//! "metadata"?}`, with the long keys. Reading what was written gives the same turn, key order included.
//!
//! A block or turn without an id gets a fresh one. Unknown properties and known payload keys of the wrong type are
//! errors: nothing is dropped silently.

use crate::{Block, BlockId, BlockKind, Map, Turn, TurnId};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A block as a script receives it: its id and payload are always there.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(rename = "Block"))]
#[serde(deny_unknown_fields, expecting = "a block")]
struct WireBlock<'a> {
    /// Unique within the conversation.
    #[serde(default, deserialize_with = "null_as_default")]
    #[cfg_attr(feature = "typings", ts(type = "string"))]
    id: Cow<'a, str>,
    /// What the block is. Its payload depends on it.
    #[cfg_attr(feature = "typings", ts(type = "BlockKind"))]
    kind: BlockKind,
    /// Who says it: `user`, `assistant`, `system`; absent for tool calls, results and reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typings", ts(optional, as = "Option<String>"))]
    role: Option<Cow<'a, str>>,
    /// What it says.
    #[serde(default, skip_serializing_if = "is_empty", deserialize_with = "null_as_default")]
    #[cfg_attr(feature = "typings", ts(type = "BlockPayload"))]
    payload: Cow<'a, Map>,
    /// What is known about the block, by key; see `gp.consts.BlockMetadataKeys`.
    #[serde(default, skip_serializing_if = "is_empty", deserialize_with = "null_as_default")]
    #[cfg_attr(feature = "typings", ts(optional, as = "Option<crate::typings::BlockMetadata>"))]
    metadata: Cow<'a, Map>,
}

/// A turn as a script receives it: the conversation so far. It is a plain object: spread it, change it, stringify it.
#[derive(Serialize)]
#[cfg_attr(feature = "typings", derive(ts_rs::TS), ts(rename = "Turn"))]
struct WireTurn<'a> {
    /// Unique within the session.
    #[cfg_attr(feature = "typings", ts(type = "string"))]
    id: &'a TurnId,
    /// What was said, oldest first.
    #[cfg_attr(feature = "typings", ts(type = "Block[]"))]
    blocks: Vec<&'a Block>,
    /// What is known about the turn, by key; see `gp.consts.TurnMetadataKeys`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "typings", ts(optional, as = "Option<crate::typings::TurnMetadata>"))]
    metadata: &'a Map,
    /// Settings for engines and middlewares, by key; see `gp.consts.TurnDataKeys`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "typings", ts(optional, as = "Option<crate::typings::TurnData>"))]
    data: &'a Map,
}

/// The TypeScript shapes of a turn and its blocks.
#[cfg(feature = "typings")]
pub(crate) fn shapes(config: &ts_rs::Config) -> [crate::typings::Shape; 2] {
    [crate::typings::shape::<WireBlock<'_>>(config), crate::typings::shape::<WireTurn<'_>>(config)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a turn")]
struct ReadTurn {
    #[serde(default, deserialize_with = "null_as_default")]
    id: String,
    #[serde(default, deserialize_with = "null_as_default")]
    blocks: Vec<Block>,
    #[serde(default, deserialize_with = "null_as_default")]
    metadata: Map,
    #[serde(default, deserialize_with = "null_as_default")]
    data: Map,
}

#[allow(clippy::ptr_arg, reason = "serde passes the field as it is")]
fn is_empty(map: &Cow<'_, Map>) -> bool {
    map.is_empty()
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// Reads fields by name: a list of them is no turn.
struct Fields<T>(&'static str, PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = WireBlock {
            id: Cow::Borrowed(&self.id),
            kind: self.kind,
            role: self.role.as_deref().map(Cow::Borrowed),
            payload: Cow::Borrowed(&self.payload),
            metadata: Cow::Borrowed(&self.metadata),
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire: WireBlock<'_> = deserializer.deserialize_map(Fields("a block", PhantomData))?;
        let id = if wire.id.is_empty() { BlockId::fresh() } else { BlockId::from(wire.id.as_ref()) };
        let block = Self {
            id,
            kind: wire.kind,
            role: wire.role.map(|role| Cow::Owned(role.into_owned())),
            payload: wire.payload.into_owned(),
            metadata: wire.metadata.into_owned(),
        };
        block.check().map_err(D::Error::custom)?;
        Ok(block)
    }
}

impl Serialize for Turn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = WireTurn {
            id: &self.id,
            blocks: self.blocks.iter().map(|block| &**block).collect(),
            metadata: &self.metadata,
            data: &self.data,
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Turn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read: ReadTurn = deserializer.deserialize_map(Fields("a turn", PhantomData))?;
        Ok(Self {
            id: if read.id.is_empty() { TurnId::fresh() } else { TurnId::from(read.id) },
            blocks: read.blocks.into_iter().map(Arc::new).collect(),
            metadata: Arc::new(read.metadata),
            data: Arc::new(read.data),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no NaN or infinity", |f| f.is_finite()).prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    fn map() -> impl Strategy<Value = Map> {
        // Keys of the payload that have a type of their own are left to the tests that name them.
        prop::collection::vec(("k[a-zé]{0,3}", value()), 0..4).prop_map(|pairs| pairs.into_iter().collect())
    }

    fn block() -> impl Strategy<Value = Block> {
        let kind = prop::sample::select(BlockKind::ALL);
        ("[a-z0-9]{1,8}", kind, prop::option::of(".*"), map(), map()).prop_map(
            |(id, kind, role, payload, metadata)| Block {
                id: BlockId::from(id),
                kind,
                role: role.map(Cow::Owned),
                payload,
                metadata,
            },
        )
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_the_same_turn(
            blocks in prop::collection::vec(block(), 0..6), metadata in map(), data in map(),
        ) {
            let mut turn: Turn = blocks.into_iter().collect();
            *turn.metadata_mut() = metadata;
            *turn.data_mut() = data;
            let text = serde_json::to_string(&turn).unwrap();
            let read: Turn = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &turn);
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }

        #[test]
        fn appending_to_a_clone_copies_no_block(length in 1usize..3000) {
            let turn: Turn = (0..length).map(|n| Block::user(n.to_string())).collect();
            let longer = turn.clone().with(Block::user("more"));
            prop_assert!(turn.blocks.iter().zip(&longer.blocks).all(|(a, b)| Arc::ptr_eq(a, b)));
            prop_assert!(Arc::ptr_eq(&turn.metadata, &longer.metadata));
        }
    }

    fn error_of(value: Value) -> String {
        serde_json::from_value::<Turn>(value).unwrap_err().to_string()
    }

    #[test]
    fn unknown_properties_and_wrong_payloads_are_errors() {
        assert_eq!(
            error_of(json!({ "blocks": [{ "kind": "user", "txt": "hi" }] })),
            "unknown field `txt`, expected one of `id`, `kind`, `role`, `payload`, `metadata`"
        );
        assert_eq!(
            error_of(json!({ "blocks": [{ "kind": "user", "payload": { "text": 7 } }] })),
            "payload.text must be a string, got a number"
        );
    }

    #[test]
    fn a_list_is_no_turn() {
        assert!(error_of(json!([])).contains("expected a turn"));
        assert!(error_of(json!({ "blocks": [["id", "user"]] })).contains("expected a block"));
    }

    #[test]
    fn a_block_without_an_id_gets_one() {
        let turn: Turn = serde_json::from_value(json!({ "blocks": [{ "kind": "user" }] })).unwrap();
        assert!(!turn.blocks[0].id.is_empty());
        assert!(!turn.id.is_empty());
    }
}
