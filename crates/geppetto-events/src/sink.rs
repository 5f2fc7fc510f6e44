//! Where events are pushed to.

use crate::Event;
use async_trait::async_trait;
use std::sync::Arc;

/// Why a sink could not take an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Nobody reads the other end any more.
    #[error("the receiver of the event channel is gone")]
    Closed,
    /// The event could not be written.
    #[error("could not write an event")]
    Write(#[source] std::io::Error),
    /// The event could not be encoded.
    #[error("could not encode an event")]
    Encode(#[source] serde_json::Error),
    /// The sink failed for a reason of its own.
    #[error("{0}")]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// Takes the events of runs, one after the other.
///
/// A sink may be slow: the run waits for it between its steps, but not for ever. After a first error a sink gets no
/// further events of that run; the run goes on. Events of one run arrive in order; those of several runs of one
/// session never mix, those of several sessions may. Dropping the future of `publish` abandons that event.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes one event.
    ///
    /// # Errors
    /// When the event could not be taken; the run reports it once.
    async fn publish(&self, event: Arc<Event>) -> Result<(), SinkError>;
}
