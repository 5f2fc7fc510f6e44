//! `--step`: a person looks at each pause of a run and lets it go on.

use crate::output::Stream;
use geppetto_toolloop::StepController;
use std::io::stdin;
use std::time::Duration;

/// How long a pause waits for somebody.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Pauses every run of the script, and reads a line of the input for each pause.
pub(crate) fn controller() -> StepController {
    let steps = StepController::with_timeout(TIMEOUT);
    steps.enable_all();
    let paused = steps.clone();
    if let Some(io) = geppetto_runner::io_handle() {
        // A read cannot be called off: it has a thread of its own, which ends with the process.
        std::thread::spawn(move || {
            loop {
                let pause = io.block_on(paused.paused());
                Stream::Stderr.write(&format!("paused: {}; press Enter to go on\n", pause.summary));
                // At the end of the input nobody is there to say anything: the pauses end at their deadlines.
                if !matches!(stdin().read_line(&mut String::new()), Ok(1..)) {
                    return;
                }
                // It may have gone on by itself, or have been cancelled.
                let _ = paused.resume(&pause.id);
            }
        });
    }
    steps
}
