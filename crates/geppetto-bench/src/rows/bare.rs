//! The same work on the engine alone: what no bridge can be faster than. The codec is naive and unchecked, there is no
//! session, no event, no limit; what crosses, and how often, is what crosses in the row above it.

use super::process::{VMS, resident};
use crate::measure::{Row, Target, microseconds, once, per, samples};
use rquickjs::function::{Func, This};
use rquickjs::{Array, CatchResultExt, Context, Ctx, Function, Object, Result, Runtime, Value};
use serde_json::{Value as Json, json};
use std::process::Command;
use std::sync::mpsc;
use std::time::Instant;

/// As much of a turn as the rows use.
#[derive(Clone, Default)]
struct Turn {
    id: String,
    blocks: Vec<Block>,
    metadata: Vec<(String, String)>,
    /// What the tool loop tells engines of its tools.
    data: Json,
}

#[derive(Clone)]
struct Block {
    id: String,
    kind: String,
    role: Option<String>,
    payload: Vec<(String, String)>,
}

fn encode<'js>(ctx: &Ctx<'js>, turn: &Turn) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set("id", turn.id.as_str())?;
    let blocks = Array::new(ctx.clone())?;
    for (at, block) in turn.blocks.iter().enumerate() {
        let item = Object::new(ctx.clone())?;
        item.set("id", block.id.as_str())?;
        item.set("kind", block.kind.as_str())?;
        if let Some(role) = &block.role {
            item.set("role", role.as_str())?;
        }
        item.set("payload", entries(ctx, &block.payload)?)?;
        blocks.set(at, item)?;
    }
    object.set("blocks", blocks)?;
    if !turn.metadata.is_empty() {
        object.set("metadata", entries(ctx, &turn.metadata)?)?;
    }
    if !turn.data.is_null() {
        object.set("data", encode_json(ctx, &turn.data)?)?;
    }
    Ok(object)
}

fn entries<'js>(ctx: &Ctx<'js>, entries: &[(String, String)]) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    for (key, value) in entries {
        object.set(key.as_str(), value.as_str())?;
    }
    Ok(object)
}

fn decode(object: &Object<'_>) -> Result<Turn> {
    let mut turn = Turn { id: object.get::<_, Option<String>>("id")?.unwrap_or_default(), ..Turn::default() };
    for block in object.get::<_, Array<'_>>("blocks")?.iter::<Object<'_>>() {
        turn.blocks.push(decode_block(&block?)?);
    }
    if let Some(metadata) = object.get::<_, Option<Object<'_>>>("metadata")? {
        turn.metadata = strings(&metadata)?;
    }
    if let Some(data) = object.get::<_, Option<Value<'_>>>("data")? {
        turn.data = decode_json(&data)?;
    }
    Ok(turn)
}

fn encode_json<'js>(ctx: &Ctx<'js>, json: &Json) -> Result<Value<'js>> {
    Ok(match json {
        Json::Null => Value::new_null(ctx.clone()),
        Json::Bool(value) => Value::new_bool(ctx.clone(), *value),
        Json::Number(number) => Value::new_number(ctx.clone(), number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => rquickjs::String::from_str(ctx.clone(), text)?.into_value(),
        Json::Array(items) => {
            let array = Array::new(ctx.clone())?;
            for (at, item) in items.iter().enumerate() {
                array.set(at, encode_json(ctx, item)?)?;
            }
            array.into_value()
        }
        Json::Object(entries) => {
            let object = Object::new(ctx.clone())?;
            for (key, value) in entries {
                object.set(key.as_str(), encode_json(ctx, value)?)?;
            }
            object.into_value()
        }
    })
}

fn decode_json(value: &Value<'_>) -> Result<Json> {
    if let Some(text) = value.as_string() {
        return Ok(text.to_string()?.into());
    }
    if let Some(array) = value.as_array() {
        return array
            .iter::<Value<'_>>()
            .map(|item| decode_json(&item?))
            .collect::<Result<Vec<_>>>()
            .map(Json::Array);
    }
    if let Some(object) = value.as_object() {
        let entries = object.props::<String, Value<'_>>();
        let entries = entries.map(|entry| entry.and_then(|(key, value)| Ok((key, decode_json(&value)?))));
        return entries.collect::<Result<_>>().map(Json::Object);
    }
    Ok(value.as_number().map_or(Json::Bool(value.as_bool().unwrap_or_default()), Json::from))
}

fn decode_block(block: &Object<'_>) -> Result<Block> {
    let payload: Object<'_> = block.get("payload")?;
    Ok(Block {
        id: block.get::<_, Option<String>>("id")?.unwrap_or_default(),
        kind: block.get("kind")?,
        role: block.get("role")?,
        payload: strings(&payload)?,
    })
}

fn strings(object: &Object<'_>) -> Result<Vec<(String, String)>> {
    let text = |value: Value<'_>| match value.as_string() {
        Some(text) => text.to_string(),
        None => Ok(String::new()),
    };
    object
        .props::<String, Value<'_>>()
        .map(|entry| entry.and_then(|(key, value)| Ok((key, text(value)?))))
        .collect()
}

fn block(id: &str, kind: &str, role: Option<&str>, payload: &[(&str, &str)]) -> Block {
    let payload = payload.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Block { id: id.to_owned(), kind: kind.to_owned(), role: role.map(str::to_owned), payload }
}

/// A run's turn, stamped with the ids of its session and its run.
fn stamped(mut turn: Turn) -> Turn {
    let id = "0199a7b0-0000-7000-8000-000000000000".to_owned();
    turn.metadata = vec![("session_id".to_owned(), id.clone()), ("inference_id".to_owned(), id)];
    turn
}

/// What `turn` became in the hands of a callback: the result it returned, or its argument as mutated.
fn called<'js>(function: &Function<'js>, ctx: &Ctx<'js>, turn: &Turn, more: Object<'js>) -> Result<Turn> {
    let argument = encode(ctx, turn)?;
    let result: Value<'js> = function.call((argument.clone(), more))?;
    decode(result.as_object().unwrap_or(&argument))
}

fn tools() -> Json {
    let parameters =
        json!({ "type": "object", "properties": { "a": { "type": "number" } }, "required": ["a"] });
    json!({
        "tool_config": { "enabled": true, "tool_choice": "auto", "max_iterations": 3, "max_parallel_tools": 1 },
        "tool_definitions": [{ "name": "add", "parameters": parameters }],
    })
}

const SCRIPT: &str = r#"(gp) => {
  const middleware = (turn, next) => next(turn);
  const add = ({ a }) => ({ sum: a + 1 });
  const asks = (turn) => {
    const answered = turn.blocks.length > 1;
    turn.blocks.push(answered
      ? { kind: "llm_text", role: "assistant", payload: { text: "done" } }
      : { kind: "tool_call", payload: { id: "c", name: "add", args: { a: 1 } } });
  };
  return {
    fresh(n) { for (let i = 0; i < n; i++) gp.run(middleware, gp.newTurn({ blocks: [gp.newUserBlock("hi")] })); },
    loop(n) { for (let i = 0; i < n; i++) if (gp.loop(asks, add, "go").blocks.length !== 4) throw new Error("blocks"); },
  };
}"#;

fn natives<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let gp = Object::new(ctx.clone())?;
    gp.set(
        "newUserBlock",
        Func::from(|ctx: Ctx<'js>, text: String| {
            let turn = Turn {
                blocks: vec![block("b1", "user", Some("user"), &[("text", &text)])],
                ..Turn::default()
            };
            encode(&ctx, &turn)?.get::<_, Array<'js>>("blocks")?.get::<Value<'js>>(0)
        }),
    )?;
    gp.set("newTurn", Func::from(|ctx: Ctx<'js>, turn: Object<'js>| encode(&ctx, &decode(&turn)?)))?;
    // `append` reads the turn; the middleware gets it, its `next` reads what it passes and gives the answer, its result
    // is read, and what `run` returns is written: as in a session.
    gp.set(
        "run",
        Func::from(|ctx: Ctx<'js>, middleware: Function<'js>, turn: Object<'js>| {
            let turn = decode(&turn)?;
            let next = Function::new(ctx.clone(), |ctx: Ctx<'js>, turn: Object<'js>| {
                let mut turn = decode(&turn)?;
                turn.blocks.push(block("b2", "llm_text", Some("assistant"), &[("text", "ok")]));
                encode(&ctx, &turn)
            })?;
            let result = called(&middleware, &ctx, &turn, next.into_inner())?;
            encode(&ctx, &stamped(result))
        }),
    )?;
    gp.set(
        "loop",
        Func::from(|ctx: Ctx<'js>, asks: Function<'js>, add: Function<'js>, text: String| {
            let mut turn = Turn { id: "t".to_owned(), data: tools(), ..Turn::default() };
            turn.blocks.push(block("b1", "user", Some("user"), &[("text", &text)]));
            let context = || Object::new(ctx.clone());
            turn = called(&asks, &ctx, &turn, context()?)?;
            let arguments = Object::new(ctx.clone())?;
            arguments.set("a", 1)?;
            let sum: Object<'js> =
                add.call((This(Value::new_undefined(ctx.clone())), arguments, context()?))?;
            let result = format!("{{\"sum\":{}}}", sum.get::<_, f64>("sum")?);
            turn.blocks.push(block("b3", "tool_use", None, &[("id", "c"), ("result", &result)]));
            turn = called(&asks, &ctx, &turn, context()?)?;
            encode(&ctx, &stamped(turn))
        }),
    )?;
    Ok(gp)
}

/// A row of the script's function that does its work `n` times.
pub(super) fn run(function: &str, n: usize) -> Option<Row> {
    if once() {
        return None;
    }
    let runtime = Runtime::new().expect("an engine");
    let samples = Context::full(&runtime).expect("a context").with(|ctx| {
        let measured = || {
            let script: Function<'_> = ctx.eval(SCRIPT)?;
            let work: Object<'_> = script.call((natives(&ctx)?,))?;
            let work: Function<'_> = work.get(function)?;
            Ok(microseconds(n, || work.call::<_, ()>((n,)).catch(&ctx).expect("the work")))
        };
        measured().catch(&ctx).expect("measured")
    });
    let name = "  its crossings on the engine alone, naive and unchecked";
    Some(Row::new(name, "µs", Target::None, n, samples))
}

/// A VM on a thread of its own that waits until `end` is dropped.
fn vm(text: &'static str) -> mpsc::Sender<()> {
    let (end, ended) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    let body = move || {
        let runtime = Runtime::new().expect("an engine");
        let context = Context::full(&runtime).expect("a context");
        context.with(|ctx| ctx.eval::<(), _>(text)).expect("a script");
        ready.send(()).expect("somebody waits");
        let _ = ended.recv();
    };
    thread.spawn(body).expect("a thread");
    is_ready.recv().expect("a VM");
    end
}

/// What the program does when it makes as many VMs as row 12: microseconds and kilobytes of each.
pub(crate) fn vms() {
    let before = resident();
    let began = Instant::now();
    let all: Vec<_> = (0..VMS).map(|_| vm("globalThis.engine = {};")).collect();
    let creation = per(began.elapsed(), VMS);
    #[allow(clippy::cast_precision_loss, reason = "a thousand")]
    let memory = (resident() - before) / VMS as f64;
    drop(all);
    println!("{creation} {memory}");
}

/// Rows of as many VMs as row 12 makes, in processes of their own.
pub(super) fn many() -> Vec<Row> {
    let mut memory = Vec::new();
    let creation = samples(|| {
        let this = std::env::current_exe().expect("this program");
        let told = Command::new(this).arg("--bare-vms").output().expect("its output");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let mut figures = told.split_whitespace().map(|figure| figure.parse().unwrap_or(f64::NAN));
        let creation = figures.next().unwrap_or(f64::NAN);
        memory.extend(figures.next());
        creation
    });
    vec![
        Row::new("  of the engine alone with a thread, one by one", "µs", Target::None, VMS, creation),
        Row::new("  memory of each of those", "kB", Target::None, VMS, memory),
    ]
}

/// What the program does when it stands for the least a command can do: a VM on a thread, a script, a line.
pub(crate) fn process() {
    drop(vm("globalThis.engine = {};"));
    println!("function");
}
