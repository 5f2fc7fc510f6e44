//! What crosses comes back as it was.

use futures_lite::future::block_on;
use geppetto_js::{CallOptions, Runtime, Source};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON value whose numbers a script can hold.
fn any_json() -> impl Strategy<Value = Value> {
    let whole = -9_007_199_254_740_991_i64..=9_007_199_254_740_991;
    let number = prop_oneof![
        whole.prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has no infinities", |number| {
            // `-0` becomes `0`, and a whole float an integer: that is the table's rule, not a loss.
            let is_plain = number.is_finite() && number.fract() != 0.0;
            is_plain.then(|| json!(number))
        }),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number,
        any::<String>().prop_map(Value::String),
        // Names that mean something to JavaScript.
        prop::sample::select(vec!["__proto__", "constructor", "toJSON", "then", "length"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let key = prop_oneof![
            4 => any::<String>(),
            1 => prop::sample::select(vec!["__proto__", "constructor", "toJSON", "then", "length", "0"])
                .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The value with one thing changed somewhere in it: where, and how, the numbers tell.
fn changed(value: &Value, mut way: impl Iterator<Item = usize>, other: &Value) -> Value {
    let at = way.next().unwrap_or_default();
    match value {
        Value::Array(items) => {
            let mut items = items.clone();
            match at.checked_rem(items.len() + 2) {
                Some(at) if at < items.len() => items[at] = changed(&items[at], way, other),
                Some(at) if at == items.len() => items.push(other.clone()),
                _ => drop(items.pop()),
            }
            Value::Array(items)
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.clone().into_iter().collect();
            match at % (entries.len() + 3) {
                at if at < entries.len() => entries[at].1 = changed(&entries[at].1, way, other),
                at if at == entries.len() => entries.push(("more".to_owned(), other.clone())),
                at if at == entries.len() + 1 => entries.reverse(),
                _ => drop(entries.pop()),
            }
            Value::Object(entries.into_iter().collect())
        }
        _ => other.clone(),
    }
}

/// Gives a middleware a turn that holds `before` and returns what the engine has of it when `after` was put there.
const EDIT: &str = r#"
const gp = require("geppetto");
let edited;
const edits = gp.middlewares.fromJS((turn, next) => {
  turn.data["app.v@v1"] = edited;
  turn.blocks[0].metadata["app.v@v1"] = edited;
  turn.blocks[0].payload.v = edited;
  return next(turn);
});
exports.edit = (before, after) => {
  edited = after;
  const block = { kind: "other", metadata: { "app.v@v1": before }, payload: { v: before } };
  const { data, blocks } = gp
    .createSession({ engine: gp.engines.echo({ reply: "ok" }), middlewares: [edits] })
    .run({ data: { "app.v@v1": before, "app.w@v1": before }, blocks: [block] });
  return [data["app.v@v1"], data["app.w@v1"], blocks[0].metadata["app.v@v1"], blocks[0].payload.v];
};
"#;

thread_local! {
    static SCRIPT: (Runtime, geppetto_js::Script) = {
        let runtime = Runtime::builder().build().unwrap();
        let source = Source::text("same.js", format!("{EDIT}\nexports.same = (...all) => all;"));
        let script = block_on(runtime.load(source)).unwrap();
        (runtime, script)
    };
}

fn call(export: &str, values: Vec<Value>) -> Value {
    SCRIPT.with(|(_, script)| block_on(script.call(export, values, CallOptions::default())).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_json_value_survives_the_way_into_a_script_and_back(values in prop::collection::vec(any_json(), 1..4)) {
        prop_assert_eq!(call("same", values.clone()), Value::Array(values));
    }

    #[test]
    fn what_a_script_changes_is_changed_and_all_else_is_as_it_was(
        before in any_json(),
        way in prop::collection::vec(any::<usize>(), 0..6),
        other in any_json(),
    ) {
        let after = changed(&before, way.into_iter(), &other);
        let expected = json!([after, before, after, after]);
        prop_assert_eq!(call("edit", vec![before, after]), expected);
    }
}

#[test]
fn a_list_survives_however_long_it_is() {
    for length in [0, 1, 1023, 1024, 1025, 5000] {
        let list = Value::Array((0..length).map(Value::from).collect());
        assert_eq!(call("same", vec![list.clone()]), json!([list]), "{length} items");
    }
}
