//! JSON Schemas of arguments, bounded so that checking them always ends soon.
//!
//! A schema comes from a script, arguments from a model: neither may make the process hang or overflow its stack.
//! So a schema's size is bounded, references stay inside it, one that refers to itself must go deeper into the
//! value each time, and patterns are matched in linear time.

use crate::schema_effort::{SAME_VALUE, inner_schemas, is_bounded};
use crate::{SchemaError, SchemaIssue};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;

const MAX_BYTES: usize = 64 * 1024;
const MAX_DEPTH: usize = 64;
/// How many schemas one value may be checked against at once, references expanded.
const MAX_EXPANDED: usize = 2_000;
/// How much of a wrong value an issue shows.
const SHOWN_BYTES: usize = 300;

/// A JSON Schema, compiled.
pub struct ArgumentSchema {
    validator: Validator,
    schema: Value,
}

impl fmt::Debug for ArgumentSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArgumentSchema")
    }
}

impl ArgumentSchema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// When it is not a schema, is too large, refers to something outside itself, or could be checked for ever.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        bound("its JSON text in bytes", schema.to_string().len(), MAX_BYTES)?;
        bound("its depth", depth(schema), MAX_DEPTH)?;
        Expansion { root: schema, known: HashMap::new() }.walk(schema)?;
        let validator = jsonschema::options()
            .with_pattern_options(PatternOptions::regex().size_limit(1 << 20))
            .build(schema)
            .map_err(|error| SchemaError::Invalid { message: shortened(&error.to_string()) })?;
        Ok(Self { validator, schema: schema.clone() })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// All places where it does not fit.
    pub fn check(&self, value: &Value) -> Result<(), Vec<SchemaIssue>> {
        if !is_bounded(&self.schema, value) {
            let message =
                "is too complex for its schema: checking it would take too long; nest it less".to_owned();
            return Err(vec![SchemaIssue { path: String::new(), message }]);
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let issue = |error: jsonschema::ValidationError<'_>| SchemaIssue {
            path: shortened(error.instance_path().as_str()),
            message: match error.kind() {
                ValidationErrorKind::FalseSchema => {
                    shortened(&format!("nothing is allowed here, got {}", error.instance()))
                }
                _ => shortened(&error.to_string()),
            },
        };
        Err(self.validator.iter_errors(value).take(100).map(issue).collect())
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN_BYTES)])
}

fn bound(what: &'static str, found: usize, most: usize) -> Result<(), SchemaError> {
    if found > most { Err(SchemaError::TooLarge { what, found, most }) } else { Ok(()) }
}

fn depth(value: &Value) -> usize {
    // What crosses into Rust is bounded in depth already, so this recursion is, too.
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Counts how many schemas apply to one place of a value when references are expanded.
struct Expansion<'s> {
    root: &'s Value,
    /// By address: how many schemas a schema expands to; `None` while it is being counted.
    known: HashMap<*const Value, Option<usize>>,
}

/// Keywords whose schemas apply to parts of the value, or are only referred to.
const PARTS: [&str; 13] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "contentSchema",
    "$defs",
    "definitions",
];
/// Keywords that move references about in ways that cannot be bounded.
const REFUSED: [&str; 6] =
    ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"];

impl<'s> Expansion<'s> {
    /// Checks a schema and all that is in it.
    fn walk(&mut self, schema: &'s Value) -> Result<(), SchemaError> {
        let Some(map) = schema.as_object() else { return Ok(()) };
        if let Some(refused) = REFUSED.iter().find(|keyword| map.contains_key(**keyword)) {
            return Err(SchemaError::Reference { reference: (*refused).to_owned() });
        }
        self.count(schema, "#")?;
        for keyword in SAME_VALUE.iter().chain(&PARTS) {
            for inner in inner_schemas(keyword, map.get(*keyword)) {
                self.walk(inner)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, schema: &'s Value, reference: &str) -> Result<usize, SchemaError> {
        let Some(map) = schema.as_object() else { return Ok(1) };
        match self.known.get(&std::ptr::from_ref(schema)) {
            Some(Some(count)) => return Ok(*count),
            Some(None) => return Err(SchemaError::Endless { reference: reference.to_owned() }),
            None => {}
        }
        self.known.insert(schema, None);
        let mut count = 1usize;
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            let target = self.target(reference)?;
            count = count.saturating_add(self.count(target, reference)?);
        }
        for keyword in SAME_VALUE {
            for inner in inner_schemas(keyword, map.get(keyword)) {
                count = count.saturating_add(self.count(inner, reference)?);
            }
        }
        bound("the number of schemas that apply to one value", count, MAX_EXPANDED)?;
        self.known.insert(schema, Some(count));
        Ok(count)
    }

    fn target(&self, reference: &str) -> Result<&'s Value, SchemaError> {
        let unsupported = || SchemaError::Reference { reference: format!("$ref {reference:?}") };
        let pointer = reference.strip_prefix('#').ok_or_else(unsupported)?;
        if !(pointer.is_empty() || pointer.starts_with('/')) {
            return Err(unsupported());
        }
        let missing = || SchemaError::Invalid { message: format!("$ref {reference:?} leads nowhere") };
        self.root.pointer(pointer).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(schema: Value) -> String {
        ArgumentSchema::compile(&schema).unwrap_err().to_string()
    }

    #[test]
    fn a_misfit_says_where_and_what() {
        let schema = ArgumentSchema::compile(&json!({
            "type": "object", "properties": { "a": { "type": "number" } }, "required": ["a", "b"],
        }))
        .unwrap();
        let issues = schema.check(&json!({ "a": "x" })).unwrap_err();
        let issues: Vec<_> = issues.iter().map(ToString::to_string).collect();
        assert_eq!(issues, [r#""b" is a required property"#, r#"at /a: "x" is not of type "number""#]);
    }

    #[test]
    fn a_schema_that_explodes_is_refused_at_once() {
        let mut definitions = serde_json::Map::new();
        for n in 0..40 {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            definitions.insert(format!("d{n}"), json!({ "anyOf": [next.clone(), next] }));
        }
        definitions.insert("d40".into(), json!({ "type": "string" }));
        let message = refused(json!({ "$ref": "#/$defs/d0", "$defs": definitions }));
        assert!(message.contains("schemas that apply to one value"), "{message}");
    }

    #[test]
    fn a_schema_that_refers_to_itself_without_going_deeper_is_refused_and_a_tree_is_not() {
        assert!(refused(json!({ "anyOf": [{ "$ref": "#" }] })).contains("never end"));
        let tree = json!({ "type": "object", "properties": { "children": { "type": "array", "items": { "$ref": "#" } } } });
        let tree = ArgumentSchema::compile(&tree).unwrap();
        assert!(tree.check(&json!({ "children": [{ "children": [] }] })).is_ok());
        assert!(tree.check(&json!({ "children": [{ "children": 7 }] })).is_err());
    }

    #[test]
    fn a_value_whose_check_would_explode_is_refused_at_once_and_a_long_one_is_not() {
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        let branches = json!({ "anyOf": [
            { "properties": { "a": { "$ref": "#" } }, "required": ["x"] },
            { "properties": { "a": { "$ref": "#" } }, "required": ["y"] },
        ] });
        let branches = ArgumentSchema::compile(&branches).unwrap();
        let issues = branches.check(&deep(60)).unwrap_err();
        assert!(issues[0].message.contains("too complex"), "{issues:?}");
        assert!(!branches.check(&deep(5)).unwrap_err()[0].message.contains("too complex"));
        let list = ArgumentSchema::compile(&json!({ "items": { "type": "number" } })).unwrap();
        assert!(list.check(&json!(vec![1; 300_000])).is_ok());
    }

    #[test]
    fn references_to_elsewhere_are_refused() {
        assert!(
            refused(json!({ "$ref": "https://example.com/schema.json" })).contains("only references inside")
        );
        assert!(refused(json!({ "$ref": "#/$defs/none" })).contains("leads nowhere"));
        assert!(refused(json!({ "type": "strng" })).contains("not a valid JSON Schema"));
    }

    #[test]
    fn a_catastrophic_pattern_is_matched_in_linear_time_or_refused() {
        let schema = ArgumentSchema::compile(&json!({ "type": "string", "pattern": "^(a+)+$" })).unwrap();
        assert!(schema.check(&json!(format!("{}b", "a".repeat(10_000)))).is_err());
        assert!(ArgumentSchema::compile(&json!({ "pattern": "(a{1000}){1000}" })).is_err());
    }
}
