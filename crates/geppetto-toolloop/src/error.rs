//! What can go wrong with tools.

use geppetto_inference::Failure;
use geppetto_turns::did_you_mean;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// Why a tool call has no result. Its text goes to the model, worded so that the model can correct itself.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields say themselves in the messages")]
pub enum ToolError {
    /// No tool of this name is registered.
    #[error("tool not found: {name}")]
    NotFound { name: String },
    /// The loop's settings leave this tool out.
    #[error("tool not allowed: {name}")]
    NotAllowed { name: String },
    /// The arguments do not fit the tool's schema; the handler was not called.
    #[error("invalid arguments for {tool}: {}", listed(issues))]
    InvalidArguments { tool: String, issues: Vec<SchemaIssue> },
    /// The handler failed.
    #[error("{0}")]
    Failed(Failure),
    /// The attempt took longer than it may.
    #[error("timed out after {} ms", after.as_millis())]
    TimedOut { after: Duration },
    /// A hook refused the call or its result.
    #[error("{message}")]
    Refused { message: String },
    /// A hook failed.
    #[error("{hook} hook: {failure}")]
    Hook { hook: &'static str, failure: Failure },
    /// The handler panicked: a bug in host code.
    #[error("the tool panicked: {message}")]
    Panicked { message: String },
}

impl ToolError {
    /// The handler failed with this message.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(message))
    }

    /// The arguments were text that is no JSON; `why` says where it stops being so.
    pub(crate) fn malformed(tool: &str, why: &str) -> Self {
        let issue = SchemaIssue { path: String::new(), message: format!("they are not valid JSON: {why}") };
        Self::InvalidArguments { tool: tool.to_owned(), issues: vec![issue] }
    }

    /// The failure that a run ends with because of this error.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Hook { hook, failure } => Failure { message: format!("{hook} hook: {failure}"), ..failure },
            other => Failure::new(other.to_string()),
        }
    }
}

/// A place where a value does not fit its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaIssue {
    /// A JSON pointer to the place; empty for the whole value.
    pub path: String,
    /// What was expected and what came.
    pub message: String,
}

impl SchemaIssue {
    /// What the validator says of a value.
    pub(crate) fn of(error: &ValidationError<'_>) -> Self {
        Self { path: shortened(error.instance_path().as_str()), message: shortened(&error.to_string()) }
    }

    /// What it says of a schema: of a `type` that does not exist only that it is neither a type nor a list of them.
    pub(crate) fn of_schema(error: &ValidationError<'_>) -> Self {
        const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        let mut issue = Self::of(error);
        if let (ValidationErrorKind::AnyOf { .. }, Value::String(found)) = (error.kind(), &**error.instance())
            && error.instance_path().as_str().ends_with("/type")
        {
            let guess = did_you_mean(found, TYPES);
            issue.message = format!("{:?} is not one of {}{guess}", shortened(found), TYPES.join(", "));
        }
        issue
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN_BYTES)])
}

/// How much of a wrong value an issue shows.
const SHOWN_BYTES: usize = 300;

impl fmt::Display for SchemaIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "at {path}: {}", self.message),
        }
    }
}

/// The first issues, so that an answer to a model stays short.
fn listed(issues: &[SchemaIssue]) -> String {
    const SHOWN: usize = 5;
    let mut listed = issues.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if issues.len() > SHOWN {
        listed.push_str(&format!("; and {} more", issues.len() - SHOWN));
    }
    listed
}

/// Why a JSON Schema is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields say themselves in the messages")]
pub enum SchemaError {
    /// It is not a valid JSON Schema.
    #[error("not a valid JSON Schema: {message}")]
    Invalid { message: String },
    /// It is larger than a tool's schema needs to be.
    #[error("the schema is too large: {what} is {found}, at most {most}")]
    TooLarge { what: &'static str, found: usize, most: usize },
    /// It refers to something outside itself, or in a way that cannot be bounded.
    #[error("{reference} is not supported: only references inside the schema (`#/…`) are")]
    Reference { reference: String },
    /// Checking against it would never end.
    #[error("{reference} refers to itself without going deeper into the value; checking it would never end")]
    Endless { reference: String },
}

/// Why a tool cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields say themselves in the messages")]
pub enum RegisterError {
    /// The name is taken.
    #[error("a tool named {name:?} is already registered")]
    Duplicate { name: String },
    /// The name is empty or too long for any provider.
    #[error("{name:?} is not a tool name: expected 1 to 128 characters")]
    Name { name: String },
    /// The parameters are not a schema that can be used.
    #[error("tool {name:?}: parameters: {source}")]
    Schema {
        name: String,
        #[source]
        source: SchemaError,
    },
}
