//! JSON Schemas of arguments, bounded so that checking them always ends soon.
//!
//! A schema comes from a script, arguments from a model: neither may make the process hang or overflow its stack.
//! So a schema's size is bounded, references stay inside it, one that refers to itself must go deeper into the
//! value each time, and patterns are matched in linear time.

use crate::schema_effort::{MAPS, SAME_VALUE, can_be_listed, inner_schemas, is_bounded, target};
use crate::{SchemaError, SchemaIssue};
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt;

const MAX_BYTES: usize = 64 * 1024;
const MAX_DEPTH: usize = 64;
/// How many schemas one value may be checked against at once, references expanded.
const MAX_EXPANDED: usize = 2_000;

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
        let schema = &explicit(schema);
        Expansion { root: schema, known: HashMap::new(), walked: HashSet::new() }.walk(schema)?;
        let validator = jsonschema::options()
            .with_pattern_options(PatternOptions::regex().size_limit(1 << 20))
            .build(schema)
            .map_err(|error| SchemaError::Invalid { message: SchemaIssue::of_schema(&error).to_string() })?;
        Ok(Self { validator, schema: schema.clone() })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// All places where it does not fit.
    pub fn check(&self, value: &Value) -> Result<(), Vec<SchemaIssue>> {
        if !is_bounded(&self.schema, value) {
            return Err(vec![issue("is too large or too deep to be checked against its schema")]);
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        if !can_be_listed(&self.schema, value) {
            return Err(vec![issue("does not fit its schema, in more ways than can be listed")]);
        }
        Err(self.validator.iter_errors(value).take(100).map(|error| SchemaIssue::of(&error)).collect())
    }
}

fn issue(message: &str) -> SchemaIssue {
    SchemaIssue { path: String::new(), message: message.to_owned() }
}

/// The schema without its own address, which nothing refers to; and where no other properties are allowed, with its own
/// spelt out, so that the validator names the one that is too much.
fn explicit(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(root) = &mut schema {
        root.shift_remove("$id");
    }
    name_properties(&mut schema);
    schema
}

fn name_properties(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    if map.get("additionalProperties") == Some(&Value::Bool(false)) && !map.contains_key("patternProperties")
    {
        map.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    for keyword in SAME_VALUE.iter().chain(&PARTS) {
        match map.get_mut(*keyword) {
            Some(Value::Array(items)) => items.iter_mut().for_each(name_properties),
            Some(Value::Object(inner)) if MAPS.contains(keyword) => {
                inner.values_mut().for_each(name_properties);
            }
            Some(inner) => name_properties(inner),
            None => {}
        }
    }
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
    /// By address: the schemas that were checked, or are being checked.
    walked: HashSet<*const Value>,
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
        if !self.walked.insert(schema) {
            return Ok(());
        }
        if let Some(refused) = REFUSED.iter().find(|keyword| map.contains_key(**keyword)) {
            return Err(SchemaError::Reference { reference: (*refused).to_owned() });
        }
        self.count(schema, "#")?;
        // What is referred to is a schema as well, wherever it stands.
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            self.walk(self.target(reference)?)?;
        }
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
        if !(reference == "#" || reference.starts_with("#/")) {
            return Err(unsupported());
        }
        let missing = || SchemaError::Invalid { message: format!("$ref {reference:?} leads nowhere") };
        target(self.root, reference).ok_or_else(missing)
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
    fn a_type_that_does_not_exist_is_told_with_those_that_do() {
        assert_eq!(
            refused(json!({ "properties": { "a": { "type": "strng" } } })),
            "not a valid JSON Schema: at /properties/a/type: \"strng\" is not one of array, boolean, integer, null, \
             number, object, string; did you mean \"string\"?"
        );
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

    fn nested(levels: usize, inner: Value) -> Value {
        (0..levels).fold(inner, |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn a_value_whose_errors_would_explode_is_refused_at_once_and_a_long_list_is_not() {
        let branches = json!({ "anyOf": [
            { "properties": { "a": { "$ref": "#" } }, "required": ["x"] },
            { "properties": { "a": { "$ref": "#" } }, "required": ["y"] },
        ] });
        let branches = ArgumentSchema::compile(&branches).unwrap();
        let issues = branches.check(&nested(60, json!(1))).unwrap_err();
        assert!(issues[0].message.contains("more ways than can be listed"), "{issues:?}");
        assert!(branches.check(&nested(3, json!({}))).unwrap_err()[0].message.contains("anyOf"));
        let list = ArgumentSchema::compile(&json!({ "items": { "type": "number" } })).unwrap();
        assert!(list.check(&json!(vec![1; 300_000])).is_ok());
        let names: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
        let required = ArgumentSchema::compile(&json!({ "items": { "required": names } })).unwrap();
        assert_eq!(required.check(&json!(vec![json!({}); 10_000])).unwrap_err().len(), 1);
    }

    #[test]
    fn the_tree_of_an_expression_with_many_kinds_is_checked() {
        let binary = |op: usize| {
            json!({
                "type": "object",
                "properties": { "op": { "const": op }, "left": { "$ref": "#" }, "right": { "$ref": "#" } },
                "required": ["op", "left", "right"], "additionalProperties": false,
            })
        };
        let mut kinds: Vec<Value> = (0..10).map(binary).collect();
        kinds.push(json!({ "type": "number" }));
        let schema = ArgumentSchema::compile(&json!({ "anyOf": kinds })).unwrap();
        let tree = (0..9).fold(json!(1), |inner, op| json!({ "left": inner, "op": op % 10, "right": inner }));
        assert!(schema.check(&tree).is_ok());
        let wrong = (0..9).fold(json!("x"), |inner, op| json!({ "left": inner, "op": op % 10, "right": 1 }));
        assert!(schema.check(&wrong).is_err());
    }

    #[test]
    fn a_long_chain_of_references_on_a_deep_value_does_not_overflow_the_stack() {
        let mut definitions = serde_json::Map::new();
        for n in 0..100 {
            definitions
                .insert(format!("d{n}"), json!({ "allOf": [{ "$ref": format!("#/$defs/d{}", n + 1) }] }));
        }
        definitions.insert("d100".into(), json!({ "properties": { "a": { "$ref": "#/$defs/d0" } } }));
        let schema = json!({ "$ref": "#/$defs/d0", "$defs": definitions });
        let schema = ArgumentSchema::compile(&schema).unwrap();
        assert!(schema.check(&nested(2, json!(1))).is_ok());
        let issues = schema.check(&nested(90, json!(1))).unwrap_err();
        assert!(issues[0].message.contains("too deep"), "{issues:?}");
    }

    #[test]
    fn what_a_reference_leads_to_is_checked_wherever_it_stands() {
        let hidden = json!({ "$ref": "#/x", "x": { "properties": { "a": { "$ref": "#/x/properties/a" } } } });
        assert!(refused(hidden).contains("never end"));
        let escaped = json!({ "$ref": "#/$defs/a%20b", "$defs": { "a b": { "type": "string" } }, "$id": "https://example.com/x" });
        assert!(ArgumentSchema::compile(&escaped).unwrap().check(&json!(1)).is_err());
    }

    #[test]
    fn a_property_that_is_too_much_is_named() {
        let none =
            ArgumentSchema::compile(&json!({ "type": "object", "additionalProperties": false })).unwrap();
        let issues = none.check(&json!({ "extra": 1 })).unwrap_err();
        assert_eq!(issues[0].message, "Additional properties are not allowed ('extra' was unexpected)");
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
