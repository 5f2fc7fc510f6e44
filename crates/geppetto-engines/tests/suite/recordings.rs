//! What is recorded of a call, whoever notices its end first.

use async_trait::async_trait;
use geppetto_engines::Recorder;
use geppetto_inference::{Engine, InferenceError, RunContext, RunOptions, Session};
use geppetto_turns::Turn;
use std::sync::Arc;
use tokio::sync::Notify;

/// Notices the end of its run itself, and says so, before whoever drives the run drops it.
struct Heedful(Arc<Notify>);

#[async_trait]
impl Engine for Heedful {
    fn name(&self) -> Arc<str> {
        "heedful".into()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let _ = ctx.partial("begin ");
        self.0.notify_one();
        std::future::poll_fn(|cx| {
            if ctx.check().is_err() {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        ctx.check()?;
        Ok(turn)
    }
}

#[tokio::test]
async fn a_call_that_notices_its_end_itself_is_recorded_as_interrupted() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("recording-heedful");
    let _ = std::fs::remove_dir_all(&folder);
    let has_begun = Arc::new(Notify::new());
    let engine = Recorder::new(&folder).unwrap().wrap(Arc::new(Heedful(has_begun.clone())));
    let run = Session::builder(engine).build().begin("Hi", RunOptions::default()).unwrap();
    let handle = run.handle();
    let cancel = async {
        has_begun.notified().await;
        handle.cancel(None);
    };
    let (ended, ()) = tokio::join!(run.drive(), cancel);
    assert_eq!(ended.unwrap_err().code().as_str(), "cancelled");
    let recorded = std::fs::read_to_string(folder.join("0001.json")).unwrap();
    assert!(recorded.contains("\"interrupted\"") && recorded.contains("begin "), "{recorded}");
}
