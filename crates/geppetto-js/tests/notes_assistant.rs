//! The example application, run: a script keeps notes in a database through tools, and a host drives its session.

#[path = "../examples/notes-assistant/app.rs"]
mod app;
#[path = "../examples/notes-assistant/database.rs"]
mod database;

use app::Assistant;
use database::Database;
use geppetto_js::{Runtime, Source};
use std::path::PathBuf;

#[tokio::test]
async fn notes_are_kept_through_a_tool_and_found_again() {
    let assistant = Assistant::start(Database { file: None }).await.unwrap();
    for (said, answered) in [
        ("Where is the key?", "I know nothing about that."),
        ("Remember that the key is under the mat.", "I keep that as note 1."),
        ("remember: Ada's birthday is in December", "I keep that as note 2."),
        ("Where is the key?", "Note 1: the key is under the mat."),
        ("When is Ada's birthday?", "Note 2: Ada's birthday is in December"),
    ] {
        assert_eq!(assistant.ask(said).await.unwrap(), answered);
    }
    assert!(assistant.typings().contains("declare module \"database\" {\n"));
}

#[tokio::test]
async fn notes_in_a_file_outlive_the_runtime() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("notes-{}.db", std::process::id()));
    let first = Assistant::start(Database { file: Some(file.clone()) }).await.unwrap();
    first.ask("Remember that tea is at five").await.unwrap();
    drop(first);
    let second = Assistant::start(Database { file: Some(file.clone()) }).await.unwrap();
    assert_eq!(second.ask("When is tea?").await.unwrap(), "Note 1: tea is at five");
    drop(second);
    std::fs::remove_file(file).unwrap();
}

/// What a script that uses the module badly is told.
fn told(expression: &str) -> String {
    let runtime = Runtime::builder().module(Database { file: None }).build().unwrap();
    let script =
        format!("const {{ exec, query }} = require('database'); exec('CREATE TABLE t (a, b)'); {expression}");
    let told = runtime.run_blocking(Source::text("bad.js", script)).unwrap_err().to_string();
    let (what, place) = told.split_once(" (at <anonymous> (bad.js:1:").expect("the place in the script");
    assert!(place.ends_with("))"), "{told}");
    what.to_owned()
}

#[test]
fn what_is_wrong_with_a_statement_is_said() {
    assert_eq!(
        told("query('SELECT ? + ?', [1])"),
        "TypeError: query: parameters: the statement has 2, got 1"
    );
    assert_eq!(
        told("query('SELECT :a', { b: 1 })"),
        "TypeError: query: parameters.b: the statement has no :b"
    );
    assert_eq!(told("exec('DROP TABLE missing')"), "Error: exec: no such table: missing");
    assert_eq!(told("query(7)"), "TypeError: query: sql: expected a string, got a number");
    assert_eq!(
        told("exec('INSERT INTO t VALUES (?, 1)', [10n])"),
        "TypeError: exec: parameters[0]: a BigInt has no JSON form; pass a number or a string"
    );
}

#[test]
fn a_database_that_cannot_be_opened_fails_the_building_of_the_runtime() {
    let missing = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no such folder").join("notes.db");
    let error = Runtime::builder().module(Database { file: Some(missing) }).build().unwrap_err();
    assert!(error.to_string().contains("database: Error: unable to open database file"), "{error}");
}
