//! Tools from Rust functions: the JSON Schema comes from the type of their arguments.

use crate::{Tool, ToolContext, ToolDefinition, ToolError};
use async_trait::async_trait;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::marker::PhantomData;

/// A tool from an asynchronous function whose arguments and result have types.
///
/// The schema that the model is told comes from the type of the arguments, their documentation included; what does not
/// fit it never reaches the function.
///
/// ```
/// use geppetto_toolloop::{ToolError, ToolRegistry, TypedTool};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use std::sync::Arc;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Place {
///     /// A city, without its country.
///     city: String,
/// }
///
/// #[derive(Serialize)]
/// struct Weather {
///     celsius: f64,
/// }
///
/// let weather = TypedTool::new("weather", "The weather in a city.", |place: Place, _ctx| async move {
///     if place.city.is_empty() {
///         return Err(ToolError::failed("which city?"));
///     }
///     Ok(Weather { celsius: 21.5 })
/// });
/// let tools = ToolRegistry::new();
/// tools.register(Arc::new(weather)).unwrap();
/// assert_eq!(tools.definitions()[0].parameters.as_ref().unwrap()["required"][0], "city");
/// ```
pub struct TypedTool<A, F> {
    definition: ToolDefinition,
    function: F,
    arguments: PhantomData<fn(A)>,
}

impl<A, F, R, O> TypedTool<A, F>
where
    A: DeserializeOwned + JsonSchema + Send,
    F: Fn(A, ToolContext) -> R + Send + Sync,
    R: Future<Output = Result<O, ToolError>> + Send,
    O: Serialize,
{
    /// The tool of this name that does what `function` does.
    pub fn new(name: impl Into<String>, description: impl Into<String>, function: F) -> Self {
        let definition = ToolDefinition::new(name).description(description).parameters(parameters::<A>());
        Self { definition, function, arguments: PhantomData }
    }
}

/// The schema of a type, as models want it: an object, without the schema's own title and dialect.
fn parameters<A: JsonSchema>() -> Value {
    let generator: SchemaGenerator =
        SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None).into();
    let mut schema = generator.into_root_schema_for::<A>().to_value();
    if let Value::Object(schema) = &mut schema {
        schema.shift_remove("title");
    }
    schema
}

#[async_trait]
impl<A, F, R, O> Tool for TypedTool<A, F>
where
    A: DeserializeOwned + JsonSchema + Send,
    F: Fn(A, ToolContext) -> R + Send + Sync,
    R: Future<Output = Result<O, ToolError>> + Send,
    O: Serialize,
{
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    async fn call(&self, args: Value, ctx: &ToolContext) -> Result<Value, ToolError> {
        // A schema cannot say everything that a type demands.
        let args = serde_json::from_value(args)
            .map_err(|error| ToolError::failed(format!("invalid arguments: {error}")))?;
        let result = (self.function)(args, ctx.clone()).await?;
        serde_json::to_value(result)
            .map_err(|error| ToolError::failed(format!("the result has no JSON form: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolRegistry;
    use serde::Deserialize;
    use serde_json::json;
    use std::sync::Arc;

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Query {
        /// What to look for.
        text: String,
        max_results: Option<u8>,
    }

    #[test]
    fn the_schema_of_the_arguments_is_checked_and_the_result_encoded() {
        let search = TypedTool::new("search", "Searches.", |query: Query, ctx: ToolContext| async move {
            Ok(json!({ "found": query.text, "most": query.max_results, "call": *ctx.call_id }))
        });
        let definition = search.definition();
        assert_eq!(
            definition.parameters,
            Some(json!({
                "type": "object",
                "properties": {
                    "text": { "description": "What to look for.", "type": "string" },
                    "maxResults": { "type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255 },
                },
                "required": ["text"],
            }))
        );
        let tools = ToolRegistry::new();
        tools.register(Arc::new(search)).unwrap();
        let ctx = ToolContext {
            run: None,
            token: geppetto_inference::RunToken::new(),
            tool_name: "search".into(),
            call_id: "c".into(),
            call_name: "search".into(),
            attempt: 1,
        };
        let tool = tools.get("search").unwrap();
        let call = |args| futures_lite::future::block_on(tool.call(args, &ctx));
        assert_eq!(call(json!({ "text": "x" })).unwrap(), json!({ "found": "x", "most": null, "call": "c" }));
        let error = call(json!({ "text": "x", "maxResults": 300 })).unwrap_err().to_string();
        assert_eq!(error, "invalid arguments: invalid value: integer `300`, expected u8");
    }
}
