//! `gp.schema`: JSON Schemas outside of tools.

use crate::call::Call;
use crate::codec::json;
use crate::fault::{Fallible, Fault};
use crate::function::{Members, define};
use geppetto_toolloop::{ArgumentSchema, SchemaIssue};
use rquickjs::{Object, Result, Value};
use serde_json::{Value as Json, json};

pub(super) fn namespace(members: &Members<'_>) -> Result<()> {
    members.function("check", 2, |call| {
        let schema = plain(call, 0, "schema")?;
        let value = plain(call, 1, "value")?;
        let schema = ArgumentSchema::compile(&schema);
        let schema = schema.map_err(|error| Fault::type_error(format!("schema.check: schema: {error}")))?;
        let outcome = Object::new(call.ctx().clone())?;
        match schema.check(&value) {
            Ok(()) => {
                define(&outcome, "ok", true)?;
                define(&outcome, "value", json::encode(call.ctx(), &value)?)?;
            }
            Err(issues) => {
                define(&outcome, "ok", false)?;
                let errors: Vec<Json> = issues.iter().map(issue).collect();
                define(&outcome, "errors", json::encode(call.ctx(), &Json::from(errors))?)?;
            }
        }
        Ok(outcome.into_value())
    })?;
    Ok(())
}

fn issue(issue: &SchemaIssue) -> Json {
    json!({ "path": issue.path, "message": issue.message })
}

fn plain(call: &Call<'_, '_>, index: usize, name: &str) -> Fallible<Json> {
    let value = call.raw(index).unwrap_or_else(|| Value::new_undefined(call.ctx().clone()));
    json::decode(call.ctx(), &value).map_err(|error| error.fault(&format!("schema.check: {name}")))
}
