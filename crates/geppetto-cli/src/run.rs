//! `geppetto run`: one script, from its first line to the exit code.

use crate::arguments::Run;
use crate::compat::{self, Compat};
use crate::interrupts::Interrupts;
use crate::models::Models;
use crate::output::{self, Stream};
use crate::terminal::{OnInterrupt, Terminal};
use crate::uncaught::{Failed, Uncaught};
use crate::{stats, step};
use futures_util::future::{Either, select};
use geppetto_inference::CancelReason;
use geppetto_js::{Limits, Runtime, RuntimeBuilder, ScriptError, Source, Status};
use std::future::pending;
use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const ERROR: u8 = 1;
const USAGE: u8 = 2;
const LIMIT: u8 = 3;
const NEVER_SETTLES: u8 = 13;
const INTERRUPTED: u8 = 130;
/// What a shell tells of a program that wrote to a pipe which nobody reads any more.
const NOBODY_READS: u8 = 141;

/// How long the runs of a script may take to tell of their end once it is over.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs the script; the process ends with the returned code.
pub(crate) fn run(arguments: Run) -> ExitCode {
    let Some(io) = geppetto_runner::io_handle() else {
        Stream::Stderr.write("geppetto: could not start a thread for I/O\n");
        return ExitCode::from(ERROR);
    };
    let code = io.block_on(run_script(arguments));
    // Whatever still reads stdin or sleeps is left to the end of the process.
    std::process::exit(i32::from(code))
}

/// Why the path cannot be that of a script, if it cannot.
fn no_script(file: &Path) -> Option<String> {
    let path = file.display();
    match file.metadata() {
        Ok(found) if found.is_file() => None,
        Ok(found) if found.is_dir() => Some(format!("{path} is a folder: expected the file of a script")),
        Ok(_) => Some(format!("{path} is no regular file: write the script into one")),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(format!("there is no file {path}")),
        Err(error) => Some(format!("could not look for {path}: {error}")),
    }
}

async fn run_script(arguments: Run) -> u8 {
    let (file, args) = arguments.script();
    if let Some(why) = no_script(&file) {
        Stream::Stderr.write(&format!("geppetto: {why}\n"));
        return USAGE;
    }
    let mut interrupts = Interrupts::listen();
    let uncaught = Uncaught::new(arguments.job_timeout, arguments.memory_limit);
    let scripts = Stream::of_scripts(arguments.events);
    let terminal = Terminal::new(scripts);
    let (on_interrupt, lines) = (terminal.on_interrupt(), terminal.lines());
    let reports = uncaught.clone();
    let limits = Limits {
        memory: Some(arguments.memory_limit),
        job_time: Some(arguments.job_timeout),
        stack: arguments.stack_limit,
        source: arguments.source_limit,
        microtasks: arguments.microtask_limit,
        depth: arguments.depth_limit,
        queue: arguments.queue_limit,
    };
    let models = match Models::new(&arguments) {
        Ok(models) => std::sync::Arc::new(models),
        Err(failure) => {
            Stream::Stderr.write(&format!("geppetto: {failure}\n"));
            return USAGE;
        }
    };
    let mut builder = Runtime::builder()
        .module(terminal)
        .limits(limits)
        .args(args)
        .console(output::console(scripts))
        .engine_factory(models.clone())
        .on_uncaught(std::sync::Arc::new(move |report| reports.report(report)));
    if let Some(sink) = output::event_sink(arguments.events) {
        builder = builder.sink(sink);
    }
    if arguments.compat {
        builder = builder.module(Compat::new(&arguments.env));
        builder = compat::tools().into_iter().fold(builder, RuntimeBuilder::tool);
    }
    if arguments.step {
        builder = builder.steps(step::controller(lines));
    }
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            Stream::Stderr.write(&format!("geppetto: {error}\n"));
            return ERROR;
        }
    };
    let was_interrupted = AtomicBool::new(false);
    let code = {
        let script = script(&runtime, Source::File(file), &uncaught);
        let mut interrupted =
            pin!(interrupted(&runtime, &mut interrupts, &on_interrupt, &was_interrupted, &uncaught));
        let over = async {
            let over = pin!(over(&runtime, arguments.timeout, &uncaught));
            select(over, pin!(nobody_reads(&runtime))).await.factor_first().0
        };
        match select(pin!(script), select(interrupted.as_mut(), pin!(over))).await {
            // The runs of an interrupted script tell of their ends, unless somebody cannot wait for that.
            Either::Left(_) if was_interrupted.load(Ordering::Relaxed) => interrupted.await,
            Either::Left((code, _)) => code,
            Either::Right((Either::Left((code, _)) | Either::Right((code, _)), _)) => code,
        }
    };
    uncaught.over();
    // Where stderr takes nothing this would wait for ever.
    let _ = timeout(LAST_WORDS, uncaught.said()).await;
    // What listeners threw counts at the end; a limit counts more than an error.
    let code = match uncaught.failed() {
        Some(Failed::Limit) => LIMIT,
        Some(Failed::Error) if code == 0 => ERROR,
        _ => code,
    };
    // A script whose runs were cancelled by Ctrl-C may have come to its own end since.
    let code = if was_interrupted.into_inner() { INTERRUPTED } else { code };
    let not_replayed = models.not_replayed();
    if not_replayed > 0 {
        Stream::Stderr.write(&format!("geppetto: warning: {not_replayed} {}\n", crate::test::LEFT));
    }
    if arguments.stats {
        Stream::Stderr.write(&stats::table(&runtime.owner().stats()));
    }
    // With nothing going on there is nothing to end, and the process takes its memory with it. Tests free the VM
    // nevertheless: what cannot be freed shows there. Of one that was given up the ends of its runs may just be told.
    let health = runtime.health();
    let is_idle = health.active_runs == 0 && health.status != Status::Condemned && !cfg!(debug_assertions);
    if code != INTERRUPTED && !is_idle {
        let _ = timeout(LAST_WORDS, runtime.shutdown(Duration::ZERO)).await;
    }
    std::mem::forget(runtime);
    if code == 0 && output::has_failed() { ERROR } else { code }
}

/// The script's own way to its end.
async fn script(runtime: &Runtime, source: Source, uncaught: &Uncaught) -> u8 {
    match select(pin!(runtime.run(source)), pin!(uncaught.fatal())).await {
        Either::Left((Ok(()), _)) => 0,
        Either::Left((Err(error), _)) => {
            uncaught.script(&error);
            if matches!(error, ScriptError::NeverSettles) { NEVER_SETTLES } else { ERROR }
        }
        Either::Right(_) => ERROR,
    }
}

/// Ends the script when its time is over.
async fn over(runtime: &Runtime, limit: Option<Duration>, uncaught: &Uncaught) -> u8 {
    let Some(limit) = limit else { return pending().await };
    sleep(limit).await;
    // Said first: a script that ends with the error of a run that was stopped has reached the limit, too.
    let limit = humantime::format_duration(limit);
    let (uncaught, (said, is_said)) = (uncaught.clone(), oneshot::channel());
    // Where stderr takes nothing this would wait for ever.
    std::thread::spawn(move || {
        uncaught.limit(&format!("the script ran longer than --timeout, which is {limit}"));
        let _ = said.send(());
    });
    let _ = timeout(PATIENCE, is_said).await;
    runtime.cancel_runs(&CancelReason::Timeout);
    runs_told(runtime).await;
    LIMIT
}

/// Ends the script when nobody reads what it is run for.
async fn nobody_reads(runtime: &Runtime) -> u8 {
    output::reader_gone().await;
    if runtime.cancel_runs(&CancelReason::Cancelled(Some("nobody reads its output any more".into()))) > 0 {
        runs_told(runtime).await;
    }
    NOBODY_READS
}

/// How long the script's own handler of Ctrl-C may be kept waiting, and the last words of the command.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ctrl-C: the script's own handler if it has one that hears of it; else the runs are cancelled and tell of their ends; with no run,
/// or at the second time, the end.
async fn interrupted(
    runtime: &Runtime,
    interrupts: &mut Interrupts,
    on_interrupt: &OnInterrupt,
    was_interrupted: &AtomicBool,
    uncaught: &Uncaught,
) -> u8 {
    loop {
        interrupts.next().await;
        let callback = on_interrupt.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(callback) = callback {
            callback.post();
            // A script that is busy does not hear it: then it is as if it did not listen.
            let owner = runtime.owner();
            let heard = pin!(owner.call("interrupt", |_| ()));
            match select(heard, select(pin!(sleep(PATIENCE)), pin!(interrupts.next()))).await {
                Either::Left(_) => continue,
                Either::Right((Either::Left(_), _)) => {}
                Either::Right((Either::Right(_), _)) => return INTERRUPTED,
            }
        }
        was_interrupted.store(true, Ordering::Relaxed);
        let reason = CancelReason::Cancelled(Some("interrupted by Ctrl-C".into()));
        if runtime.cancel_runs(&reason) > 0 {
            let told = async {
                runs_told(runtime).await;
                // What a script has begun since, such as another try, is told of its end, too.
                uncaught.over();
                let _ = timeout(LAST_WORDS, runtime.shutdown(Duration::ZERO)).await;
            };
            select(pin!(told), pin!(interrupts.next())).await;
        }
        return INTERRUPTED;
    }
}

/// Waits until the runs have ended and their listeners have heard of it, for a bounded time.
async fn runs_told(runtime: &Runtime) {
    let told = async {
        runtime.runs_finished().await;
        let _ = runtime.owner().call("interrupt", |_| ()).await;
    };
    let _ = timeout(LAST_WORDS, told).await;
}
