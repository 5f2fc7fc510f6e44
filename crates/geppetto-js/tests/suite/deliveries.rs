//! What runs tell while they go on, and what is left of them behind their end.

use crate::{read, run};
use async_trait::async_trait;
use geppetto_inference::{Engine, Failure, InferenceError, RunContext};
use geppetto_js::{EngineFactory, EngineRequest, Runtime};
use geppetto_turns::{Block, Turn};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::Duration;
use tokio::sync::oneshot;

/// Gives scripts this engine whatever they ask for.
struct Only(Arc<dyn Engine>);

impl EngineFactory for Only {
    fn create(&self, _request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        Ok(self.0.clone())
    }
}

/// Streams from a thread of its own, each delta only after the one before was heard.
struct Stepwise {
    deltas: usize,
    heard: Arc<Mutex<mpsc::Receiver<String>>>,
}

#[async_trait]
impl Engine for Stepwise {
    fn name(&self) -> Arc<str> {
        "stepwise".into()
    }

    async fn infer(&self, turn: Turn, ctx: &RunContext) -> Result<Turn, InferenceError> {
        let (done, is_done) = oneshot::channel();
        let (deltas, heard, ctx) = (self.deltas, self.heard.clone(), ctx.clone());
        std::thread::spawn(move || {
            let heard = heard.lock().unwrap();
            let streamed = (0..deltas).try_for_each(|n| {
                ctx.partial(&n.to_string()).map_err(|ended| ended.to_string())?;
                let delta = heard.recv_timeout(Duration::from_secs(30));
                assert_eq!(
                    delta.map_err(|error| format!("delta {n} was not heard: {error}"))?,
                    n.to_string()
                );
                Ok(())
            });
            let _ = done.send(streamed);
        });
        let streamed: Result<(), String> = is_done.await.expect("the thread ends");
        streamed.map_err(|message| InferenceError::Internal { failure: Failure::new(message) })?;
        Ok(turn.with(Block::assistant("done")))
    }
}

/// However the log's thread and the waiting one meet: a delta that wakes nobody would never be heard.
#[test]
fn a_listener_hears_each_delta_of_another_thread_while_a_plain_next_waits_beside_many_other_runs() {
    let (hear, heard) = mpsc::channel();
    let engine = Stepwise { deltas: 3_000, heard: Arc::new(Mutex::new(heard)) };
    let runtime = Runtime::builder()
        .engine_factory(Arc::new(Only(Arc::new(engine))))
        .console(Arc::new(move |_: &str, text: &str| hear.send(text.to_owned()).unwrap()))
        .build()
        .unwrap();
    run(
        &runtime,
        "const gp = require('geppetto');
         const never = gp.engines.fromFunction(() => new Promise(() => {}));
         const others = Array.from({ length: 50 }, () => {
             const other = gp.createSession({ engine: never }).start('wait');
             other.on('*', () => { globalThis.others = (globalThis.others ?? 0) + 1; });
             other.promise.catch(() => {});
             return other;
         });
         const middlewares = [(turn, next) => next(turn)];
         const run = gp.createSession({ engine: gp.engines.fromConfig({}), middlewares }).start('go');
         run.on('partial', (event) => console.log(event.delta));
         run.promise.then((turn) => { globalThis.outcome = gp.turns.text(turn); }, (error) => { globalThis.outcome = error.message; })
             .finally(() => others.forEach((other) => other.cancel()));",
    );
    assert_eq!(read(&runtime, "outcome"), "done");
    assert_eq!(read(&runtime, "others % 50"), "0", "each of the others has heard as much");
}

/// Keeps an eye on what it was asked.
struct Watching(Arc<Mutex<Vec<Weak<Block>>>>);

#[async_trait]
impl Engine for Watching {
    fn name(&self) -> Arc<str> {
        "watching".into()
    }

    async fn infer(&self, turn: Turn, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        self.0.lock().unwrap().push(Arc::downgrade(&turn.blocks[0]));
        Ok(turn)
    }
}

#[test]
fn nothing_of_a_run_is_kept_when_it_has_ended_and_nobody_holds_it() {
    let asked = Arc::default();
    let engine = Arc::new(Watching(Arc::clone(&asked)));
    let runtime = Runtime::builder().engine_factory(Arc::new(Only(engine))).build().unwrap();
    run(
        &runtime,
        "const gp = require('geppetto');
         gp.runInference(gp.engines.fromConfig({}), 'in place');
         gp.runInferenceAsync(gp.engines.fromConfig({}), 'between jobs');",
    );
    let asked = asked.lock().unwrap();
    let kept: Vec<_> = asked.iter().filter_map(Weak::upgrade).collect();
    assert_eq!((asked.len(), kept), (2, vec![]));
    assert_eq!(runtime.health().active_runs, 0);
}
