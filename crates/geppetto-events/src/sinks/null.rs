//! Events into nothing.

use crate::{Event, EventSink, SinkError};
use async_trait::async_trait;
use std::sync::Arc;

/// Takes every event and does nothing with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullSink;

#[async_trait]
impl EventSink for NullSink {
    async fn publish(&self, _event: Arc<Event>) -> Result<(), SinkError> {
        Ok(())
    }
}
