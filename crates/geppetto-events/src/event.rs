//! An event: what happened, when, and in which run.

use crate::{EventBody, EventType, InferenceId, SessionId};
use geppetto_turns::TurnId;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// The ids that all events of a run share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIds {
    /// The session the run belongs to.
    pub session_id: SessionId,
    /// The run.
    pub inference_id: InferenceId,
    /// The turn the run produces.
    pub turn_id: TurnId,
}

/// Something that happened in a run.
///
/// In JSON: `{"type", "seq", "timestampMs", "sessionId", "inferenceId", "turnId", …}` and the fields of its body.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the run's log: 0, 1, 2, … without gaps.
    pub seq: u64,
    /// When it happened, in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// The run it belongs to.
    pub run: Arc<RunIds>,
    /// What happened.
    pub body: EventBody,
}

impl Event {
    /// What the event tells.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.body.event_type()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            #[serde(rename = "type")]
            event_type: EventType,
            seq: u64,
            timestamp_ms: u64,
            session_id: &'a SessionId,
            inference_id: &'a InferenceId,
            turn_id: &'a TurnId,
            #[serde(flatten)]
            body: &'a EventBody,
        }
        let wire = Wire {
            event_type: self.event_type(),
            seq: self.seq,
            timestamp_ms: self.timestamp_ms,
            session_id: &self.run.session_id,
            inference_id: &self.run.inference_id,
            turn_id: &self.run.turn_id,
            body: &self.body,
        };
        wire.serialize(serializer)
    }
}
