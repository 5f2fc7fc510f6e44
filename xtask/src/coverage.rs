//! `fixtures/COVERAGE.md`: every case and test that it names exists, and every case stands in it.

use crate::run::{command, workspace};
use anyhow::Context;
use std::collections::BTreeSet;

/// What is wrong with the table.
pub(crate) fn problems() -> anyhow::Result<Vec<String>> {
    let root = workspace();
    let table = root.join("fixtures/COVERAGE.md");
    let table =
        std::fs::read_to_string(&table).with_context(|| format!("could not read {}", table.display()))?;
    let mut cases = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("fixtures/js"))? {
        cases.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let sources = command("git ls-files -co --exclude-standard *.rs").output()?;
    let mut tests = BTreeSet::new();
    for path in String::from_utf8(sources.stdout)?.lines() {
        let text = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        tests.extend(functions(&text));
    }
    let exists = |name: &str| match name.rsplit_once("::") {
        Some((_, test)) => tests.contains(test),
        None => cases.contains(name) || (name.contains('/') && root.join(name).is_file()),
    };
    let named = named(&table);
    let unknown = named.iter().filter(|(_, name)| !exists(name));
    let unknown = unknown.map(|(line, name)| format!("fixtures/COVERAGE.md:{line}: there is no {name}"));
    let unproven = (unproven(&table).into_iter())
        .map(|line| format!("fixtures/COVERAGE.md:{line}: the promise has no case or test"));
    let missing = cases.iter().filter(|case| !named.iter().any(|(_, name)| name == *case));
    let missing = missing.map(|case| format!("fixtures/COVERAGE.md: the case {case} stands in no line"));
    Ok(unknown.chain(unproven).chain(missing).collect())
}

/// The names of functions in a source text.
fn functions(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("fn ")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
}

/// The last column of each line of a table, with the line's number; without heads.
fn proofs(table: &str) -> impl Iterator<Item = (usize, &str)> {
    let rows = table.lines().enumerate().filter(|(_, line)| line.starts_with("| "));
    rows.filter_map(|(index, line)| Some((index + 1, line.trim_end_matches(" |").rsplit_once(" | ")?.1)))
        .filter(|(_, proof)| *proof != "proven by")
}

/// What stands between backticks in the last column.
fn named(table: &str) -> Vec<(usize, String)> {
    let names = proofs(table)
        .flat_map(|(line, proof)| proof.split('`').skip(1).step_by(2).map(move |name| (line, name)));
    names.map(|(line, name)| (line, name.to_owned())).collect()
}

/// The lines whose last column names nothing.
fn unproven(table: &str) -> Vec<usize> {
    proofs(table).filter(|(_, proof)| !proof.contains('`')).map(|(line, _)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "| promise | proven by |\n|---|---|\n| a `b` | `case-a`, `x::y::test_b` (so) |\n| c | nothing |\n";

    #[test]
    fn names_of_the_last_column_are_found_with_their_lines() {
        let found = [(3, "case-a".to_owned()), (3, "x::y::test_b".to_owned())];
        assert_eq!(named(TABLE), found);
        assert_eq!(unproven(TABLE), [4]);
    }

    #[test]
    fn functions_are_found_by_their_names() {
        assert_eq!(functions("fn a_b() {}\nasync fn c2<T>(x: T) {}").collect::<Vec<_>>(), ["a_b", "c2"]);
    }

    #[test]
    fn the_committed_table_names_what_exists_and_every_case() {
        assert_eq!(problems().unwrap(), Vec::<String>::new());
    }
}
