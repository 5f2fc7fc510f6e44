//! `--compat`: what scripts of the Go project find with their runner there: `assert`, `ENV`, and two host tools.

use geppetto_js::NativeModule;
use geppetto_js::native::{Members, function, optional_text};
use geppetto_toolloop::{Tool, TypedTool};
use rquickjs::object::Property;
use rquickjs::{Coerced, Ctx, Exception, Object, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The globals `assert(condition, message?)` and `ENV`.
pub(crate) struct Compat {
    /// The variables of the environment that the script may see, with their values.
    env: Vec<(String, String)>,
}

impl Compat {
    /// Lets scripts see these variables; one that is not set is left out.
    pub(crate) fn new(names: &[String]) -> Self {
        let env = names.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
        Self { env }
    }
}

impl NativeModule for Compat {
    fn name(&self) -> &str {
        "geppetto/compat"
    }

    fn docs(&self) -> &str {
        "The globals that scripts of the Go project expect."
    }

    fn globals(&self) -> Option<&str> {
        Some(include_str!("compat.d.ts"))
    }

    fn install<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
        let assert = function(ctx, "assert", 2, |call| {
            let condition = call.arg(0).map(|condition| condition.get::<Coerced<bool>>()).transpose()?;
            if condition.is_some_and(|Coerced(holds)| holds) {
                return Ok(call.undefined());
            }
            let message = optional_text(call, 1, "assert: message")?;
            let message = message.unwrap_or_else(|| "assertion failed".to_owned());
            Err(Exception::throw_message(call.ctx(), &message).into())
        })?;
        let env = Object::new(ctx.clone())?;
        for (name, value) in &self.env {
            env.prop(name.as_str(), Property::from(value.as_str()).enumerable())?;
        }
        let module = Members::new(ctx)?.into_object();
        for object in [&ctx.globals(), &module] {
            object.prop("assert", Property::from(assert.clone()).writable().configurable())?;
            object.prop("ENV", Property::from(env.clone()).writable().configurable())?;
        }
        Ok(module)
    }
}

#[derive(Deserialize, JsonSchema)]
struct Double {
    /// An integer.
    n: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Concat {
    /// The beginning.
    a: String,
    /// The end.
    b: String,
}

#[derive(Serialize)]
struct Answer<T> {
    value: T,
}

/// The host tools `go_double {n} → {value}` and `go_concat {a, b} → {value}`.
pub(crate) fn tools() -> [Arc<dyn Tool>; 2] {
    let double =
        TypedTool::new("go_double", "Doubles an integer.", |Double { n }: Double, _ctx| async move {
            Ok(Answer { value: n.saturating_mul(2) })
        });
    let concat =
        TypedTool::new("go_concat", "Joins two texts.", |Concat { a, b }: Concat, _ctx| async move {
            Ok(Answer { value: a + &b })
        });
    [Arc::new(double), Arc::new(concat)]
}
