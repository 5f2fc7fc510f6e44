//! The dependency arrows: who must not know whom, as a list of absences over `cargo metadata`.

use crate::run::command;
use anyhow::{Context, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What must be absent: a crate, and the dependencies it must not have, directly or through others. A name that
/// ends in `*` stands for all that begin so.
const ABSENT: &[(&str, &[&str])] = &[
    ("geppetto-time", &["geppetto-*", "rquickjs*"]),
    ("geppetto-turns", &["geppetto-*", "rquickjs*", "tokio"]),
    (
        "geppetto-events",
        &[
            "geppetto-time",
            "geppetto-inference",
            "geppetto-toolloop",
            "geppetto-runner",
            "geppetto-js",
            "rquickjs*",
        ],
    ),
    ("geppetto-inference", &["geppetto-toolloop", "geppetto-runner", "geppetto-js", "rquickjs*"]),
    ("geppetto-toolloop", &["geppetto-runner", "geppetto-js", "rquickjs*"]),
    (
        "geppetto-runner",
        &["geppetto-turns", "geppetto-events", "geppetto-inference", "geppetto-toolloop", "geppetto-js"],
    ),
    ("geppetto-js", &["geppetto-cli", "geppetto-engines"]),
    (
        "geppetto-engines",
        &[
            "geppetto-toolloop",
            "geppetto-runner",
            "geppetto-js",
            "rquickjs*",
            "aws-lc-*",
            "cmake",
            "openssl-sys",
        ],
    ),
    ("xtask", &["geppetto-*"]),
    // Providers, HTTP and TLS belong into geppetto-engines alone; the default build needs gcc and nothing else.
    ("geppetto-cli", &["aws-lc-sys", "cmake"]),
    ("geppetto-js", &["reqwest*", "rig-*", "hyper*"]),
    ("geppetto-toolloop", &["reqwest*", "rig-*", "hyper*"]),
];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Fails when a crate has a dependency it must not have, and says by which way.
pub(crate) fn run() -> anyhow::Result<()> {
    let output = command("cargo metadata --format-version 1 --locked").output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let broken = broken_arrows(&graph(&serde_json::from_slice(&output.stdout)?)?, ABSENT);
    if !broken.is_empty() {
        bail!("forbidden dependencies:\n  {}", broken.join("\n  "));
    }
    Ok(())
}

/// Normal and build dependencies by name; dependencies of tests do not count.
fn graph(metadata: &Value) -> anyhow::Result<Graph> {
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let mut graph = Graph::new();
    for node in metadata["resolve"]["nodes"].as_array().context("cargo metadata resolves nothing")? {
        let name = names.get(node["id"].as_str().unwrap_or_default()).copied().unwrap_or_default();
        let needs = graph.entry(name.to_owned()).or_default();
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if kinds.is_some_and(|kinds| kinds.iter().all(|kind| kind["kind"] == "dev")) {
                continue;
            }
            if let Some(name) = dependency["pkg"].as_str().and_then(|id| names.get(id)) {
                needs.insert((*name).to_owned());
            }
        }
    }
    Ok(graph)
}

fn broken_arrows(graph: &Graph, absent: &[(&str, &[&str])]) -> Vec<String> {
    let mut broken = Vec::new();
    for (from, forbidden) in absent {
        for (reached, way) in reachable(graph, from) {
            if forbidden.iter().any(|pattern| matches(pattern, &reached)) {
                broken.push(format!("{from} must not depend on {reached}, but does: {}", way.join(" -> ")));
            }
        }
    }
    broken
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

/// Everything that `from` depends on, with a way to it.
fn reachable(graph: &Graph, from: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![vec![from.to_owned()]];
    while let Some(way) = open.pop() {
        for next in way.last().and_then(|last| graph.get(last)).into_iter().flatten() {
            if next != from && !found.contains_key(next) {
                let way: Vec<_> = way.iter().chain([next]).cloned().collect();
                found.insert(next.clone(), way.clone());
                open.push(way);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_dependency_is_found_through_others_and_its_way_is_shown() {
        let edges = [("a", "b"), ("b", "rquickjs-sys"), ("c", "d")];
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        let broken = broken_arrows(&graph, &[("a", &["rquickjs*"]), ("c", &["rquickjs*"])]);
        assert_eq!(broken, ["a must not depend on rquickjs-sys, but does: a -> b -> rquickjs-sys"]);
    }
}
