//! Turns as YAML: what was written is read again, and files of the Go project load.
#![cfg(feature = "yaml")]

use geppetto_turns::{Block, BlockKind, Turn, yaml};
use proptest::prelude::*;
use serde_json::{Value, json};

fn load(name: &str) -> Turn {
    let path = format!("{}/../../fixtures/turns/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_conversation_of_the_go_project_loads() {
    let turn = load("conversation");
    assert_eq!(turn.id.as_str(), "turn_weather");
    let kinds: Vec<&str> = turn.blocks.iter().map(|block| block.kind.as_str()).collect();
    assert_eq!(kinds, ["system", "user", "reasoning", "tool_call", "tool_use", "llm_text"]);
    assert_eq!(turn.blocks[4].parsed_result(), Some(json!({ "celsius": 21.5, "sky": ["clear", "calm"] })));
    assert_eq!(turn.blocks[3].call_args(), json!({ "city": "Rome", "days": 2 }));
    assert_eq!(turn.blocks[5].role.as_deref(), Some("assistant"));
    assert_eq!(turn.pending_calls(), []);
    assert_eq!(turn.metadata["geppetto.inference_result@v1"]["usage"]["input_tokens"], json!(120));
    assert_eq!(turn.data["geppetto.tool_config@v1"]["execution_timeout"], json!("2s"));
}

#[test]
fn an_older_file_loads_with_its_short_keys_and_loose_kinds() {
    let turn = load("older");
    assert_eq!(turn.metadata["geppetto.session_id@v1"], json!("run_abc"));
    assert_eq!(turn.metadata["geppetto.model@v1"], json!("some-model"));
    assert_eq!(turn.blocks[1].kind, BlockKind::LlmText);
    assert!(!turn.blocks[0].id.is_empty());
}

#[test]
fn what_is_no_turn_is_said_with_its_place() {
    for (text, expected) in [
        ("blocks: [{kind: usr}]", "unknown block kind \"usr\""),
        ("blocks: [{kind: user, txt: hi}]", "unknown field `txt`"),
        ("blocks: [{kind: user, payload: {text: 7}}]", "payload.text must be a string, got a number"),
        ("blocks: [{kind: user, payload: {n: .nan}}]", "line 1 column 36: non-finite"),
        ("data: {a: 1, a: 2}", "line 1 column 14: duplicate"),
        ("metadata: {model: a, geppetto.model@v1: b}", "\"geppetto.model@v1\" stands there twice"),
        ("blocks: [", "cannot be read"),
    ] {
        let error = yaml::from_str(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        text += &format!("a{n}: &a{n} [{list}]\n");
    }
    assert!(yaml::from_str(&text).is_err());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN or infinity", |f| f.is_finite()).prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
        "[ \\t\\n:#'\"|>*&!%@`{}\\[\\],?-]{0,8}[a-z0-9\\n]{0,3}".prop_map(Value::from),
        prop::sample::select(vec![
            "yes",
            "no",
            "null",
            "~",
            "1",
            "0x1f",
            "1e3",
            ".inf",
            "",
            "<<",
            "---",
            "2024-01-01"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z@.: #-]{0,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_turn(text in "\\PC*(\n[a-z ]*){0,3}", value in value()) {
        let mut turn = Turn::new().with(Block::user(text)).with(Block::tool_call("c", "t", json!({ "v": value })));
        turn.data_mut().insert("app.value@v1".to_owned(), value);
        let written = yaml::to_string(&turn).unwrap();
        let read = yaml::from_str(&written).map_err(|error| TestCaseError::fail(format!("{error}\n{written}")))?;
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), serde_json::to_string(&turn).unwrap(), "{}", written);
    }
}
