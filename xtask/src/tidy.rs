//! Tidiness that no compiler checks: every module opens with its docs, a file is one thought, and the table of coverage
//! names what exists.

use crate::run::command;
use anyhow::bail;

const LONGEST_FILE: usize = 350;

/// Fails and lists what is untidy.
pub(crate) fn run() -> anyhow::Result<()> {
    // With `-co` a file counts from the moment it is written, not only once git tracks it.
    let output = command("git ls-files -co --exclude-standard *.rs").output()?;
    let mut untidy = Vec::new();
    for path in String::from_utf8(output.stdout)?.lines() {
        let Ok(text) = std::fs::read_to_string(crate::run::workspace().join(path)) else { continue };
        untidy.extend(problems(path, &text));
    }
    untidy.extend(crate::coverage::problems()?);
    if !untidy.is_empty() {
        bail!("untidy:\n  {}", untidy.join("\n  "));
    }
    Ok(())
}

fn problems(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.trim_start().starts_with("//!") {
        problems.push(format!("{path}: the file must open with `//!` and say what it is for"));
    }
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        problems.push(format!("{path}: {lines} lines, at most {LONGEST_FILE}: is it one thought?"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_docs_or_of_too_many_lines_is_untidy() {
        assert!(problems("a.rs", "//! Fine.\n").is_empty());
        assert_eq!(problems("a.rs", "fn main() {}\n").len(), 1);
        assert_eq!(problems("a.rs", &format!("//! Long.\n{}", "\n".repeat(350))).len(), 1);
    }
}
