//! The module `geppetto/terminal`: what a script in a terminal needs of it.

use crate::output::Stream;
use futures_util::future::{Either, select};
use geppetto_inference::CancelReason;
use geppetto_js::NativeModule;
use geppetto_js::native::{
    Call, Callback, Fallible, Fault, Members, optional_text, promise, signal_option, text,
};
use rquickjs::object::Property;
use rquickjs::{Ctx, IntoJs, Object, Result, Value};
use std::future::pending;
use std::io::BufRead;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

/// The module `geppetto/terminal`.
#[derive(Clone)]
pub(crate) struct Terminal {
    output: Stream,
    lines: Lines,
    on_interrupt: OnInterrupt,
}

/// What a script wants to be called at Ctrl-C.
pub(crate) type OnInterrupt = Arc<Mutex<Option<Callback>>>;

/// The lines of stdin. The thread that reads them starts with the first question.
pub(crate) type Lines = Arc<AsyncMutex<Option<mpsc::Receiver<String>>>>;

impl Terminal {
    pub(crate) fn new(output: Stream) -> Self {
        Self { output, lines: Lines::default(), on_interrupt: OnInterrupt::default() }
    }

    pub(crate) fn lines(&self) -> Lines {
        self.lines.clone()
    }

    pub(crate) fn on_interrupt(&self) -> OnInterrupt {
        self.on_interrupt.clone()
    }
}

impl NativeModule for Terminal {
    fn name(&self) -> &str {
        "geppetto/terminal"
    }

    fn docs(&self) -> &str {
        "Writes to the terminal, reads lines from it, and hears of Ctrl-C."
    }

    fn typings(&self) -> Option<&str> {
        Some(include_str!("terminal.d.ts"))
    }

    fn install<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
        let module = Members::new(ctx)?;
        let output = self.output;
        module.function("write", 1, move |call| {
            let text = text(call, 0, "write: text")?;
            call.blocking(|| output.write(&text));
            Ok(call.undefined())
        })?;
        let lines = self.lines.clone();
        module.function("readLine", 2, move |call| read_line(call, output, lines.clone()))?;
        let on_interrupt = self.on_interrupt.clone();
        module.function("onInterrupt", 1, move |call| {
            let callback = match call.arg(0) {
                None => None,
                Some(callback) if callback.is_function() => Some(Callback::new(call.ctx(), callback)?),
                Some(_) => return Err(Fault::type_error("onInterrupt: expected a function or null")),
            };
            let replaced = {
                let mut slot = on_interrupt.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::replace(&mut *slot, callback)
            };
            drop(replaced);
            Ok(call.undefined())
        })?;
        let module = module.into_object();
        module.prop("default", Property::from(module.clone()))?;
        Ok(module)
    }
}

/// `readLine(prompt?, { signal? })`: a line without its end, `null` at the end of the input.
fn read_line<'js>(call: &Call<'_, 'js>, output: Stream, lines: Lines) -> Fallible<Value<'js>> {
    let prompt = optional_text(call, 0, "readLine: prompt")?;
    let signal = signal_option(call, 1, "readLine: options")?;
    if let Some(prompt) = prompt {
        output.write(&prompt);
    }
    let read = async move {
        let aborted = pin!(async {
            match &signal {
                Some(signal) => signal.cancelled().await,
                None => pending().await,
            }
        });
        // A question that was given up leaves its line to the next one.
        match select(pin!(next_line(lines)), aborted).await {
            Either::Left((line, _)) => Ok(line),
            Either::Right((reason, _)) => Err(Fault::Plain(aborted_text(&reason))),
        }
    };
    promise(call, read, |ctx, line| match line {
        Some(line) => line.into_js(ctx),
        None => Ok(Value::new_null(ctx.clone())),
    })
}

fn aborted_text(reason: &CancelReason) -> String {
    match reason {
        CancelReason::Cancelled(Some(why)) => format!("readLine was aborted: {why}"),
        CancelReason::Timeout => "readLine was aborted: it took too long".to_owned(),
        _ => "readLine was aborted".to_owned(),
    }
}

/// The next line of stdin; `None` at its end.
pub(crate) async fn next_line(lines: Lines) -> Option<String> {
    let mut lines = lines.lock().await;
    lines.get_or_insert_with(read_stdin).recv().await
}

fn read_stdin() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    // A read of stdin cannot be interrupted: the thread is left to the end of the process.
    let reading = std::thread::Builder::new().name("geppetto-stdin".to_owned()).spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut line = Vec::new();
        while stdin.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            // What is no UTF-8 is shown as such and not lost.
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if sender.blocking_send(text.to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    // Without a thread the sender is gone, and every question is answered with the end of the input.
    drop(reading);
    lines
}
