//! Events into a channel.

use crate::{Event, EventSink, SinkError};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Sends events into a bounded channel. When it is full the run waits, within the bound that holds for all sinks.
#[derive(Debug, Clone)]
pub struct ChannelSink {
    sender: mpsc::Sender<Arc<Event>>,
}

impl ChannelSink {
    /// A sink and the end where its events come out. A capacity of 0 counts as 1.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Arc<Event>>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (Self { sender }, receiver)
    }
}

#[async_trait]
impl EventSink for ChannelSink {
    async fn publish(&self, event: Arc<Event>) -> Result<(), SinkError> {
        self.sender.send(event).await.map_err(|_| SinkError::Closed)
    }
}
