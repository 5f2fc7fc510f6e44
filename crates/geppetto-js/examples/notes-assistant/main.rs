//! An assistant that keeps notes in SQLite: a native module beside geppetto in one runtime, a script with tools, and a
//! host that drives the script's session.
//!
//! ```sh
//! cargo run -p geppetto-js --example notes-assistant -- "Remember that the key is under the mat." "Where is the key?"
//! ```
//!
//! `--db FILE` keeps the notes in a file; `--types` prints the typings of the script's modules. Without anything to say
//! it reads lines.
#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

mod app;
mod database;

use app::Assistant;
use database::Database;
use std::error::Error;
use std::io::stdin;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut file = None;
    if words.first().is_some_and(|word| word == "--db") {
        file = Some(words.drain(..2.min(words.len())).nth(1).ok_or("--db needs a file")?.into());
    }
    let assistant = Assistant::start(Database { file }).await?;
    if words.first().is_some_and(|word| word == "--types") {
        println!("{}", assistant.typings());
        return Ok(());
    }
    let lines: Box<dyn Iterator<Item = String>> = if words.is_empty() {
        Box::new(stdin().lines().map_while(Result::ok))
    } else {
        Box::new(words.into_iter())
    };
    for line in lines.filter(|line| !line.trim().is_empty()) {
        println!("> {line}\n{}", assistant.ask(&line).await?);
    }
    Ok(())
}
