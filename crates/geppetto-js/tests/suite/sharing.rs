//! A turn that a callback returns shares what the callback left alone with the turn that was handed out.

use crate::run;
use async_trait::async_trait;
use geppetto_inference::{InferenceError, Middleware, Next, RunContext};
use geppetto_js::Runtime;
use geppetto_turns::{Block, Turn};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// Notes the texts of the blocks that came back as the very blocks that went in.
struct Watch(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Middleware for Watch {
    fn name(&self) -> Arc<str> {
        "watch".into()
    }

    async fn handle(&self, turn: Turn, next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        let before = turn.clone();
        let after = next.call(turn).await?;
        let kept =
            after.blocks.iter().filter(|block| before.blocks.iter().any(|old| Arc::ptr_eq(old, block)));
        let kept: Vec<_> = kept.filter_map(|block| block.text()).collect();
        let data = if Arc::ptr_eq(&before.data, &after.data) { ", data" } else { "" };
        self.0.lock().unwrap().push(format!("{} of {}{data}", kept.join(" "), after.blocks.len()));
        Ok(after)
    }
}

#[test]
fn blocks_that_a_callback_left_alone_stay_the_very_blocks_they_were() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = seen.clone();
    let runtime = Runtime::builder()
        .middleware("watch", Arc::new(move |_| Ok(Arc::new(Watch(watched.clone())))))
        .build()
        .unwrap();
    run(
        &runtime,
        r#"
        const gp = require("geppetto");
        const seed = { data: { agent_mode: "calm" }, blocks: ["a", "b", "c"].map((text) => ({ kind: "user", text })) };
        const answer = (change) => gp.runInference(
            gp.engines.fromFunction((turn) => change(turn) ?? turn), seed, { middlewares: [gp.middlewares.host("watch")] });
        answer((turn) => { turn.blocks.push(gp.turns.newAssistantBlock("d")); });
        answer((turn) => JSON.parse(JSON.stringify(turn)));
        answer((turn) => ({ ...turn, blocks: turn.blocks.toReversed() }));
        answer((turn) => ({ ...turn, blocks: turn.blocks.map(({ id, ...rest }) => ({ ...rest, id })) }));
        answer((turn) => { turn.blocks[1].payload.text = "B"; });
        answer((turn) => { turn.data = { agent_mode: "wild" }; turn.blocks.shift(); });
    "#,
    );
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "a b c of 4, data",
            "a b c of 3, data",
            "c b a of 3, data",
            "a b c of 3, data",
            "a c of 3, data",
            "b c of 2"
        ]
    );
}

/// Puts integers into the turn that no JS number can hold, and notes what has become of them.
struct Exact(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Middleware for Exact {
    fn name(&self) -> Arc<str> {
        "exact".into()
    }

    async fn handle(&self, mut turn: Turn, next: Next, _ctx: &RunContext) -> Result<Turn, InferenceError> {
        let large = json!({ "ids": [1, 9_007_199_254_740_993_u64], "name": "n" });
        turn.data_mut().insert("app.large@v1".into(), large.clone());
        let mut block = Block::user("with a number");
        block.payload.insert("large".into(), large);
        turn.push(block);
        let after = next.call(turn).await?;
        let payload = after.blocks.last().unwrap().payload["large"].to_string();
        self.0.lock().unwrap().push(format!("{} {payload}", after.data["app.large@v1"]));
        Ok(after)
    }
}

#[test]
fn integers_that_no_js_number_holds_stay_exact_beside_what_a_callback_changes() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = seen.clone();
    let runtime = Runtime::builder()
        .middleware("exact", Arc::new(move |_| Ok(Arc::new(Exact(watched.clone())))))
        .build()
        .unwrap();
    run(
        &runtime,
        r#"
        const gp = require("geppetto");
        const answer = (change) => gp.runInference(
            gp.engines.fromFunction((turn) => change(turn.data["app.large@v1"], turn.blocks.at(-1).payload.large, turn)),
            "go", { middlewares: [gp.middlewares.host("exact")] });
        answer(() => {});
        answer((data, payload) => { data.name = payload.name = "m"; });
        answer((data, payload) => { data.ids[0] = 2; payload.ids.push(3); });
        answer((data, payload) => { data.ids[1] = 5; payload.ids.shift(); });
        answer((data, payload, turn) => {
            turn.data = { more: 1, ...turn.data };
            turn.blocks = turn.blocks.map(({ id, ...rest }) => ({ ...rest, id }));
        });
    "#,
    );
    assert_eq!(
        *seen.lock().unwrap(),
        [
            r#"{"ids":[1,9007199254740993],"name":"n"} {"ids":[1,9007199254740993],"name":"n"}"#,
            r#"{"ids":[1,9007199254740993],"name":"m"} {"ids":[1,9007199254740993],"name":"m"}"#,
            r#"{"ids":[2,9007199254740993],"name":"n"} {"ids":[1,9007199254740993,3],"name":"n"}"#,
            r#"{"ids":[1,5],"name":"n"} {"ids":[9007199254740992],"name":"n"}"#,
            r#"{"ids":[1,9007199254740993],"name":"n"} {"ids":[1,9007199254740993],"name":"n"}"#,
        ]
    );
}
