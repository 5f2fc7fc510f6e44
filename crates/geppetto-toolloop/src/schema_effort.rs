//! How much work it is to check a value against a schema, counted without doing it.
//!
//! A schema that is small can still be exponential in the depth of a value: two branches that both refer to the same
//! schema double the work with each level. So the steps are counted first, and a value that takes too many is refused.

use serde_json::Value;

/// Each value may take this many steps, and its share of [`STEPS_PER_NODE`].
const STEPS: usize = 100_000;
/// More steps for a larger value, so that long lists are no trouble.
const STEPS_PER_NODE: usize = 50;

/// Keywords whose schemas apply to the very value their schema applies to.
pub(crate) const SAME_VALUE: [&str; 9] =
    ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];

/// The schemas under a keyword: itself, the items of a list, or the values of a map of schemas.
pub(crate) fn inner_schemas<'s>(keyword: &str, value: Option<&'s Value>) -> Vec<&'s Value> {
    let maps =
        ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies"];
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(map)) if maps.contains(&keyword) => map.values().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}

/// Whether checking `value` ends soon.
pub(crate) fn is_bounded(schema: &Value, value: &Value) -> bool {
    let budget = STEPS.saturating_add(STEPS_PER_NODE.saturating_mul(nodes(value)));
    Effort { root: schema, left: budget }.spend(schema, value).is_some()
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
}

impl<'s> Effort<'s> {
    /// Counts the steps of a schema on a value; `None` when there are none left. Ends because a schema that refers to
    /// itself goes deeper into the value each time.
    fn spend(&mut self, schema: &'s Value, value: &Value) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let Some(keywords) = schema.as_object() else { return Some(()) };
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str)
            && let Some(target) = self.root.pointer(reference.trim_start_matches('#'))
        {
            self.spend(target, value)?;
        }
        for keyword in SAME_VALUE {
            for inner in inner_schemas(keyword, keywords.get(keyword)) {
                self.spend(inner, value)?;
            }
        }
        match value {
            Value::Object(map) => {
                let named = keywords.get("properties").and_then(Value::as_object);
                let any = ["patternProperties", "additionalProperties", "unevaluatedProperties"];
                let any: Vec<_> =
                    any.iter().flat_map(|keyword| inner_schemas(keyword, keywords.get(*keyword))).collect();
                for (key, part) in map {
                    for inner in named.and_then(|named| named.get(key)).into_iter().chain(any.iter().copied())
                    {
                        self.spend(inner, part)?;
                    }
                }
            }
            Value::Array(parts) => {
                let any = ["items", "prefixItems", "additionalItems", "unevaluatedItems", "contains"];
                let any: Vec<_> =
                    any.iter().flat_map(|keyword| inner_schemas(keyword, keywords.get(*keyword))).collect();
                for part in parts {
                    for inner in &any {
                        self.spend(inner, part)?;
                    }
                }
            }
            _ => {}
        }
        Some(())
    }
}
