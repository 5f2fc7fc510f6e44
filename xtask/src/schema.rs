//! Reads `schema.yaml`. A duplicate or malformed entry is an error with its line.

use anyhow::{Context, anyhow, bail};
use marked_yaml::types::{MarkedMappingNode, Node};
use marked_yaml::{LoaderOptions, parse_yaml_with_options};
use std::collections::HashSet;
use std::path::Path;

/// A name with its documentation; `role` and `ty` where the section has them.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) role: Option<String>,
    pub(crate) ty: Option<String>,
}

/// An enumeration that Rust and, unless `js` is false, scripts share.
#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) home: String,
    pub(crate) what: String,
    pub(crate) doc: String,
    pub(crate) js: bool,
    pub(crate) values: Vec<Entry>,
}

/// The whole file.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) block_kinds: Vec<Entry>,
    pub(crate) payload_keys: Vec<Entry>,
    pub(crate) key_families: Vec<(String, Vec<Entry>)>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) event_types: Vec<Entry>,
    pub(crate) error_codes: Vec<Entry>,
}

const SECTIONS: [&str; 6] =
    ["block_kinds", "payload_keys", "key_families", "enums", "event_types", "error_codes"];
const FAMILIES: [&str; 4] = ["turn_data", "turn_metadata", "block_metadata", "run_metadata"];

impl Schema {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a valid schema", path.display()))
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let options = LoaderOptions::default().error_on_duplicate_keys(true);
        let root = parse_yaml_with_options(0, text, options).map_err(|error| anyhow!("{error}"))?;
        let root = mapping(&root)?;
        only(root, &SECTIONS)?;
        let families = mapping(node(root, "key_families")?)?;
        only(families, &FAMILIES)?;
        Ok(Self {
            block_kinds: entries(node(root, "block_kinds")?, &["role"])?,
            payload_keys: entries(node(root, "payload_keys")?, &["type=string|array|any"])?,
            key_families: FAMILIES
                .iter()
                .map(|family| {
                    let entries = entries(node(families, family)?, &["type=json|string|usage"])?;
                    Ok(((*family).to_owned(), entries))
                })
                .collect::<anyhow::Result<_>>()?,
            enums: enums(node(root, "enums")?)?,
            event_types: entries(node(root, "event_types")?, &[])?,
            error_codes: entries(node(root, "error_codes")?, &[])?,
        })
    }

    /// The entries of a key family. The reader has made sure that it is there.
    pub(crate) fn family(&self, name: &str) -> &[Entry] {
        self.key_families.iter().find(|(family, _)| family == name).map_or(&[], |(_, entries)| entries)
    }
}

fn line(node: &Node) -> String {
    node.span().start().map_or("line ?".to_owned(), |mark| format!("line {}", mark.line()))
}

fn mapping(node: &Node) -> anyhow::Result<&MarkedMappingNode> {
    node.as_mapping().ok_or_else(|| anyhow!("{}: expected a mapping", line(node)))
}

fn node<'n>(map: &'n MarkedMappingNode, key: &str) -> anyhow::Result<&'n Node> {
    let at = map.span().start().map_or(0, |mark| mark.line());
    map.get_node(key).ok_or_else(|| anyhow!("line {at}: `{key}` is missing"))
}

fn only(map: &MarkedMappingNode, known: &[&str]) -> anyhow::Result<()> {
    for key in map.keys() {
        if !known.contains(&key.as_str()) {
            let at = key.span().start().map_or(0, |mark| mark.line());
            bail!("line {at}: unknown name `{}`, expected one of {}", key.as_str(), known.join(", "));
        }
    }
    Ok(())
}

fn text(map: &MarkedMappingNode, key: &str) -> anyhow::Result<String> {
    let value = node(map, key)?;
    let scalar = value.as_scalar().ok_or_else(|| anyhow!("{}: `{key}` must be text", line(value)))?;
    if scalar.as_str().trim().is_empty() {
        bail!("{}: `{key}` is empty", line(value));
    }
    Ok(scalar.as_str().to_owned())
}

/// Reads a list of entries. `extra` names further keys: `role` is optional, `type=a|b` is required and one of these.
fn entries(list: &Node, extra: &[&str]) -> anyhow::Result<Vec<Entry>> {
    let items = list.as_sequence().ok_or_else(|| anyhow!("{}: expected a list", line(list)))?;
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for item in items.iter() {
        let map = mapping(item)?;
        let mut known = vec!["name", "doc"];
        known.extend(extra.iter().map(|key| key.split('=').next().unwrap_or(key)));
        only(map, &known)?;
        let name = text(map, "name")?;
        if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c)) {
            bail!("{}: name `{name}` may hold only a-z, 0-9, `_`, `-` and `.`", line(item));
        }
        if !seen.insert(name.clone()) {
            bail!("{}: duplicate entry `{name}`", line(item));
        }
        let ty = match extra.iter().find_map(|key| key.strip_prefix("type=")) {
            None => None,
            Some(types) => {
                let ty = text(map, "type")?;
                if !types.split('|').any(|known| known == ty) {
                    let expected = types.replace('|', ", ");
                    bail!("{}: unknown type `{ty}`, expected one of {expected}", line(item));
                }
                Some(ty)
            }
        };
        let role = map.get_scalar("role").map(|role| role.as_str().to_owned());
        entries.push(Entry { name, doc: text(map, "doc")?, role, ty });
    }
    Ok(entries)
}

fn enums(list: &Node) -> anyhow::Result<Vec<Enum>> {
    let items = list.as_sequence().ok_or_else(|| anyhow!("{}: expected a list", line(list)))?;
    let mut seen = HashSet::new();
    let mut enums = Vec::new();
    for item in items.iter() {
        let map = mapping(item)?;
        only(map, &["name", "crate", "what", "doc", "js", "values"])?;
        let name = text(map, "name")?;
        if !seen.insert(name.clone()) {
            bail!("{}: duplicate enum `{name}`", line(item));
        }
        let home = text(map, "crate")?;
        if !["toolloop", "events"].contains(&home.as_str()) {
            bail!("{}: unknown crate `{home}`, expected one of toolloop, events", line(item));
        }
        let js = map.get_scalar("js").is_none_or(|js| js.as_str() == "true");
        let values = entries(node(map, "values")?, &[])?;
        enums.push(Enum { name, home, what: text(map, "what")?, doc: text(map, "doc")?, js, values });
    }
    Ok(enums)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "\
block_kinds:
  - { name: user, doc: d }
payload_keys:
  - { name: text, type: string, doc: d }
key_families: { turn_data: [], turn_metadata: [], block_metadata: [], run_metadata: [] }
enums: []
event_types: []
error_codes:
  - { name: busy, doc: d }
";

    fn error_of(text: &str) -> String {
        Schema::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_committed_schema_is_valid() {
        Schema::read(&crate::run::workspace().join("xtask/schema.yaml")).unwrap();
    }

    #[test]
    fn a_duplicate_entry_is_an_error_with_its_line() {
        let text = format!("{MINIMAL}  - {{ name: busy, doc: again }}\n");
        assert_eq!(error_of(&text), "line 10: duplicate entry `busy`");
    }

    #[test]
    fn a_malformed_entry_is_an_error_with_its_line() {
        assert_eq!(
            error_of(&MINIMAL.replace("type: string", "type: strng")),
            "line 4: unknown type `strng`, expected one of string, array, any"
        );
        assert_eq!(
            error_of(&MINIMAL.replace("{ name: user, doc: d }", "{ name: user }")),
            "line 2: `doc` is missing"
        );
        assert_eq!(
            error_of(&MINIMAL.replace("{ name: user, doc: d }", "{ nme: user, doc: d }")),
            "line 2: unknown name `nme`, expected one of name, doc, role"
        );
    }

    #[test]
    fn a_missing_section_is_an_error() {
        assert_eq!(error_of(&MINIMAL.replace("event_types: []\n", "")), "line 1: `event_types` is missing");
    }
}
