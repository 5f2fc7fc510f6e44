//! How much work it is to check a value against a schema, counted without doing it.
//!
//! The validator remembers what it found for each schema and value, so whether a value fits costs at most their product;
//! listing why it does not goes through every alternative anew, which a small schema can make exponential in the depth
//! of the value. Both recurse. So the steps and the depth are counted first, and what would be too much is not done.

use serde_json::Value;
use std::collections::HashSet;

/// Finding out whether a value fits may take this many steps, and its share of [`STEPS_PER_NODE`].
const STEPS: usize = 1_000_000;
/// More steps for a larger value, so that lists of a hundred thousand small items are no trouble.
const STEPS_PER_NODE: usize = 100;
/// But never more than this: nobody can interrupt it.
const MOST_STEPS: usize = 3_000_000;
/// Listing why it does not fit may take this many: each may be an error to keep.
const LISTED_STEPS: usize = 50_000;
/// How deep schemas and values may be nested in each other: a stack of 2 MiB has to do.
const MAX_DEPTH: usize = 800;

/// Keywords whose schemas apply to the very value their schema applies to.
pub(crate) const SAME_VALUE: [&str; 9] =
    ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];

/// Keywords that hold schemas by name.
pub(crate) const MAPS: [&str; 6] =
    ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies"];

/// The schemas under a keyword: itself, the items of a list, or the values of a map of schemas.
pub(crate) fn inner_schemas<'s>(keyword: &str, value: Option<&'s Value>) -> Vec<&'s Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(map)) if MAPS.contains(&keyword) => map.values().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

/// The schema that a reference inside `root` leads to: `#`, or a pointer behind it.
pub(crate) fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = percent_encoding::percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    root.pointer(&pointer)
}

/// Whether finding out if the value fits ends soon.
pub(crate) fn is_bounded(schema: &Value, value: &Value) -> bool {
    let budget = STEPS.saturating_add(STEPS_PER_NODE.saturating_mul(nodes(value))).min(MOST_STEPS);
    Effort { root: schema, left: budget, seen: Some(HashSet::new()) }.spend(schema, value, 0).is_some()
}

/// Whether listing why the value does not fit ends soon, and keeps little.
pub(crate) fn can_be_listed(schema: &Value, value: &Value) -> bool {
    Effort { root: schema, left: LISTED_STEPS, seen: None }.spend(schema, value, 0).is_some()
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}

struct Effort<'s> {
    root: &'s Value,
    left: usize,
    /// The schemas and values, by address, that were counted already; `None` to count them anew each time.
    seen: Option<HashSet<(*const Value, *const Value)>>,
}

impl<'s> Effort<'s> {
    /// Counts the steps of a schema on a value; `None` when there are none left. Ends because a schema that refers to
    /// itself goes deeper into the value each time.
    fn spend(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let is_container = value.is_object() || value.is_array();
        if is_container && self.seen.as_mut().is_some_and(|seen| !seen.insert((schema, value))) {
            return Some(());
        }
        let Some(keywords) = schema.as_object() else { return self.pay(1) };
        self.pay(1 + keywords.len() + lists(keywords))?;
        if let Some(target) =
            keywords.get("$ref").and_then(Value::as_str).and_then(|to| target(self.root, to))
        {
            self.spend(target, value, depth + 1)?;
        }
        // Those that are there are fewer than those that may be.
        let schemas = |names: &[&str]| {
            let named = keywords.iter().filter(|(keyword, _)| names.contains(&keyword.as_str()));
            named.flat_map(|(keyword, inner)| inner_schemas(keyword, Some(inner))).collect::<Vec<_>>()
        };
        for inner in schemas(&SAME_VALUE) {
            self.spend(inner, value, depth + 1)?;
        }
        match value {
            Value::Object(map) => {
                let named = keywords.get("properties").and_then(Value::as_object);
                let any = schemas(&["patternProperties", "additionalProperties", "unevaluatedProperties"]);
                let names = schemas(&["propertyNames"]).len();
                for (key, part) in map {
                    self.pay(names + any.len() * (1 + key.len() / 256))?;
                    for inner in named.and_then(|named| named.get(key)).into_iter().chain(any.iter().copied())
                    {
                        self.spend(inner, part, depth + 1)?;
                    }
                }
            }
            Value::Array(parts) => {
                let placed: Vec<&Value> = match keywords.get("items") {
                    Some(Value::Array(placed)) => placed.iter().collect(),
                    _ => schemas(&["prefixItems"]),
                };
                let mut any = schemas(&["additionalItems", "unevaluatedItems", "contains"]);
                any.extend(keywords.get("items").filter(|items| !items.is_array()));
                self.pay(if keywords.contains_key("uniqueItems") { nodes(value) } else { 0 })?;
                for (index, part) in parts.iter().enumerate() {
                    for inner in placed.get(index).into_iter().chain(&any) {
                        self.spend(inner, part, depth + 1)?;
                    }
                }
            }
            Value::String(text) if keywords.contains_key("pattern") => self.pay(text.len() / 64)?,
            _ => {}
        }
        Some(())
    }

    fn pay(&mut self, steps: usize) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }
}

/// How long the lists are that a value is compared with.
fn lists(keywords: &serde_json::Map<String, Value>) -> usize {
    let length = |keyword| keywords.get(keyword).and_then(Value::as_array).map_or(0, Vec::len);
    length("enum") + length("required") + keywords.get("const").map_or(0, nodes)
}
