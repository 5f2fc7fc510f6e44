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

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_json_value_survives_the_way_into_a_script_and_back(values in prop::collection::vec(any_json(), 1..4)) {
        thread_local! {
            static SCRIPT: (Runtime, geppetto_js::Script) = {
                let runtime = Runtime::builder().build().unwrap();
                let source = Source::text("same.js", "exports.same = (...all) => all;");
                let script = block_on(runtime.load(source)).unwrap();
                (runtime, script)
            };
        }
        let back = SCRIPT.with(|(_, script)| {
            let values = values.clone();
            block_on(script.call("same", values, CallOptions::default())).unwrap()
        });
        prop_assert_eq!(back, Value::Array(values));
    }
}
