//! The application: a runtime with a database in it, and a session of a script that it drives.

use crate::database::Database;
use geppetto_inference::{RunOptions, Session};
use geppetto_js::{Runtime, Source};
use std::error::Error;

/// An assistant that keeps notes.
pub(crate) struct Assistant {
    runtime: Runtime,
    session: Session,
}

impl Assistant {
    /// Starts the runtime, loads the script and takes its session.
    pub(crate) async fn start(database: Database) -> Result<Self, Box<dyn Error>> {
        let runtime = Runtime::builder().module(database).build()?;
        let script = runtime.load(Source::text("assistant.mjs", include_str!("assistant.mjs"))).await?;
        let session = script.session("session").await?;
        Ok(Self { runtime, session })
    }

    /// What the assistant says to this. The run is polled here; the script's functions are called on its VM's thread.
    pub(crate) async fn ask(&self, text: &str) -> Result<String, Box<dyn Error>> {
        let turn = self.session.begin(text, RunOptions::default())?.drive().await?;
        Ok(turn.last_assistant_text().unwrap_or_default().to_owned())
    }

    /// What an editor needs to complete the script.
    pub(crate) fn typings(&self) -> &str {
        self.runtime.typings()
    }
}
