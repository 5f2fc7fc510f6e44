//! `console`: formatted by `console.js`, written by the host.

use crate::codec;
use crate::function::Members;
use crate::vm::Vm;
use geppetto_runner::{CallError, JsError};
use rquickjs::Result;

/// What our scripts need of the host to print.
pub(crate) fn natives(members: &Members<'_>) -> Result<()> {
    members.method("print", 2, |call| {
        let (level, text) = (call.raw(0), call.raw(1));
        if let (Some(level), Some(text)) = (level, text) {
            let console = Vm::of(call.ctx()).host.config.console.clone();
            let (level, text) = (codec::text(call.ctx(), &level)?, codec::text(call.ctx(), &text)?);
            // Whoever reads may be slow.
            call.blocking(|| console(&level, &text));
        }
        Ok(call.undefined())
    })?;
    members.method("json", 1, |call| {
        let text = call.ctx().json_stringify(call.at(0))?;
        Ok(text.map_or_else(|| call.undefined(), rquickjs::String::into_value))
    })?;
    Ok(())
}

/// What they need to report.
pub(crate) fn reports(members: &Members<'_>) -> Result<()> {
    members.method("uncaught", 2, |call| {
        if let Some(error) = call.raw(1) {
            let error = JsError::from_value(&error);
            Vm::of(call.ctx()).host.report("listener", CallError::Script(error));
        }
        Ok(call.undefined())
    })?;
    Ok(())
}
