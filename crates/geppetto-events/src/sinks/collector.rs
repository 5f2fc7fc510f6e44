//! Events into a list, for tests.

use crate::{Event, EventSink, EventType, SinkError};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps every event, so that a test can look at them. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct CollectorSink {
    events: Arc<Mutex<Vec<Arc<Event>>>>,
}

impl CollectorSink {
    /// What was collected so far.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The types of what was collected so far.
    #[must_use]
    pub fn types(&self) -> Vec<EventType> {
        self.events().iter().map(|event| event.event_type()).collect()
    }
}

#[async_trait]
impl EventSink for CollectorSink {
    async fn publish(&self, event: Arc<Event>) -> Result<(), SinkError> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        Ok(())
    }
}
