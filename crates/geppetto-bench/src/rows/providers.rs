//! What comes from a provider: HTTP, the format, the engine, events, and a listener of the script.

use crate::measure::{Row, Target, per, rates, samples};
use futures_lite::future::block_on;
use geppetto_engines::fake::{Answer, FakeProvider, Received, Reply, format_of, last_question};
use geppetto_engines::{Api, Engines, Policy, Settings};
use geppetto_inference::{Engine, Failure};
use geppetto_js::{CallOptions, EngineFactory, EngineRequest, Runtime, Source};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const SCRIPT: &str = r#"
const gp = require("geppetto");
exports.stream = async (apiType, n) => {
  const engine = gp.engines.fromConfig({ model: "fake", apiType });
  let heard = 0;
  const run = gp.createSession({ engine }).start(String(n));
  run.on("partial", () => { heard++; });
  await run.promise;
  return heard;
};
"#;

/// Engines that speak to the server beside them.
struct Beside(Engines, String);

impl EngineFactory for Beside {
    fn create(&self, request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        let settings = Settings::from_options(&request.options)?;
        let version = if matches!(settings.api(), Api::OpenAi | Api::OpenAiResponses) { "/v1" } else { "" };
        self.0.make(Settings { base_url: Some(format!("{}{version}", self.1)), ..settings })
    }
}

/// 16. So many deltas over HTTP, from a server in this process, in each format.
pub(crate) fn deltas() -> Vec<Row> {
    let io =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    // Answers are made once: what is measured is what becomes of them.
    let made: Mutex<HashMap<(Api, usize), Reply>> = Mutex::default();
    let script = move |_: usize, request: &Received| {
        let (api, n) = (format_of(request).expect("a format"), last_question(request).parse().unwrap_or(0));
        let mut made = made.lock().expect("nobody panics");
        let make = || {
            Answer { text: vec!["delta ".to_owned(); n], ..Answer::default() }.reply(api).in_pieces(16 * 1024)
        };
        made.entry((api, n)).or_insert_with(make).clone()
    };
    let server =
        io.block_on(FakeProvider::start(([127, 0, 0, 1], 0).into(), Arc::new(script))).expect("a server");
    let engines = Engines::new(io.handle().clone(), Policy::default()).expect("engines");
    let factory = Beside(engines, format!("http://{}", server.address()));
    let runtime = Runtime::builder().engine_factory(Arc::new(factory)).build().expect("a runtime");
    let script = block_on(runtime.load(Source::text("bench.js", SCRIPT))).expect("a script");
    let mut rows = Vec::new();
    for api in Api::ALL {
        let once = |n: usize| {
            let began = Instant::now();
            let called = script.call("stream", vec![api.name().into(), n.into()], CallOptions::default());
            assert_eq!(block_on(called).expect("an answer"), n);
            per(began.elapsed(), n)
        };
        let shorter = samples(|| once(10_000));
        let longer = samples(|| once(100_000));
        let name = format!("10,000 deltas over HTTP to a JS listener, {}", api.name());
        let row = Row::new(name, "/s", Target::AtLeast(150_000.0), 10_000, rates(&shorter));
        let name = "  time for each of 100,000, by that";
        let growth = row.median() / Row::new(name, "/s", Target::None, 100_000, rates(&longer)).median();
        rows.push(row);
        rows.push(Row::new(name, "ratio", Target::AtMost(1.2), 100_000, vec![growth]));
    }
    rows.push(Row::new(
        "  peak memory of the process, server included",
        "MB",
        Target::None,
        1,
        vec![super::process::peak()],
    ));
    rows
}
