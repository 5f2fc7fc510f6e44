//! `geppetto fake-provider`: a server on this machine that speaks all five formats, for trying without a key.

use crate::arguments::FakeProvider as Arguments;
use crate::output::Stream;
use geppetto_engines::fake::{Answer, FakeProvider, Received, Reply, format_of, last_question};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn serve(arguments: &Arguments) -> ExitCode {
    let Some(io) = geppetto_runner::io_handle() else {
        Stream::Stderr.write("geppetto: could not start a thread for I/O\n");
        return ExitCode::FAILURE;
    };
    let address = ([127, 0, 0, 1], arguments.port).into();
    let server = match io.block_on(FakeProvider::start(address, Arc::new(|_, request| answer(request)))) {
        Ok(server) => server,
        Err(error) => {
            Stream::Stderr.write(&format!("geppetto: port {}: {error}\n", arguments.port));
            return ExitCode::FAILURE;
        }
    };
    let base = format!("http://{}", server.address());
    Stream::Stdout.write(&format!(
        "openai, openai-responses: {base}/v1\nclaude, gemini, ollama:   {base}\nCtrl-C ends it.\n"
    ));
    io.block_on(async { drop(tokio::signal::ctrl_c().await) });
    ExitCode::SUCCESS
}

/// Repeats what it was asked: enough to see a script at work.
fn answer(request: &Received) -> Reply {
    match format_of(request) {
        Some(api) => Answer::text(&format!("You said: {}", last_question(request))).reply(api),
        None => Reply::error(
            404,
            &json!({ "error": { "message": format!("no format answers at {}", request.path) } }),
        ),
    }
}
