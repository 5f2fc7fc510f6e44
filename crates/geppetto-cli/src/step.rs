//! `--step`: a person looks at each pause of a run and lets it go on.

use crate::output::Stream;
use crate::terminal::{Lines, next_line};
use futures_util::future::{Either, select};
use geppetto_toolloop::StepController;
use std::pin::pin;
use std::time::Duration;

/// How long a pause waits for somebody.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Pauses every run of the script, and takes a line of the input for each pause. A question of the script that waits for
/// a line gets its own first.
pub(crate) fn controller(lines: Lines) -> StepController {
    let steps = StepController::with_timeout(TIMEOUT);
    steps.enable_all();
    let paused = steps.clone();
    if let Some(io) = geppetto_runner::io_handle() {
        io.spawn(async move {
            let mut is_at_end = false;
            loop {
                let pause = paused.paused().await;
                Stream::Stderr.write(&format!("paused: {}; press Enter to go on\n", pause.summary));
                if !is_at_end {
                    let over = paused.ended(&pause.id);
                    match select(pin!(next_line(lines.clone())), pin!(over)).await {
                        Either::Left((line, _)) => is_at_end = line.is_none(),
                        Either::Right(_) => continue,
                    }
                }
                if is_at_end {
                    Stream::Stderr.write("the input has ended: the run goes on\n");
                }
                // It may have gone on by itself, or have been cancelled.
                let _ = paused.resume(&pause.id);
            }
        });
    }
    steps
}
