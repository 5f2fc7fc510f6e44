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
use std::io::{BufRead, Read};
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
pub(crate) type Lines = Arc<AsyncMutex<Option<mpsc::Receiver<Line>>>>;

/// A line without its end, or that it is longer than any line may be.
type Line = std::result::Result<String, TooLong>;

/// A line of more than [`LONGEST_LINE`] bytes, which is passed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooLong;

/// As many bytes may a line of stdin have.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

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
        call.blocking(|| output.write(&prompt));
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
            Either::Left((line, _)) => line.transpose().map_err(|TooLong| {
                Fault::Plain(format!(
                    "readLine: the line is longer than {LONGEST_LINE} bytes and is passed over"
                ))
            }),
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
pub(crate) async fn next_line(lines: Lines) -> Option<Line> {
    let mut lines = lines.lock().await;
    lines.get_or_insert_with(read_stdin).recv().await
}

fn read_stdin() -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(16);
    // A read of stdin cannot be interrupted: the thread is left to the end of the process.
    let reading = std::thread::Builder::new().name("geppetto-stdin".to_owned()).spawn(move || {
        let mut stdin = std::io::stdin().lock();
        while let Some(line) = read_line_of(&mut stdin) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    // Without a thread the sender is gone, and every question is answered with the end of the input.
    drop(reading);
    lines
}

fn read_line_of(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let most = LONGEST_LINE as u64 + 1;
        let read = input.by_ref().take(most).read_until(b'\n', &mut line).ok()?;
        if read == 0 && line.is_empty() && !is_too_long {
            return None;
        }
        if line.ends_with(b"\n") || read == 0 || line.len() <= LONGEST_LINE {
            break;
        }
        is_too_long = true;
        line.clear();
    }
    if is_too_long {
        return Some(Err(TooLong));
    }
    // What is no UTF-8 is shown as such and not lost.
    let text = String::from_utf8_lossy(&line);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Some(Ok(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_passed_over_and_told() {
        let mut input = b"one\r\ntwo\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', 3 * LONGEST_LINE));
        input.extend(b"\nthree");
        let mut input = &input[..];
        let lines: Vec<_> = std::iter::from_fn(|| read_line_of(&mut input)).map(|line| line.ok()).collect();
        assert_eq!(lines, [Some("one".to_owned()), Some("two".to_owned()), None, Some("three".to_owned())]);
    }
}
