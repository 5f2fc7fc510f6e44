//! Prints the TypeScript shapes of what geppetto writes as JSON: first those of turns, behind a line of dashes those of
//! events. `cargo xtask codegen` puts them into the typings. With an argument, writes the bytecode of our own scripts
//! of that name.

use geppetto_turns::typings::Shape;
use std::io::Write as _;
use ts_rs::Config;

fn main() -> std::io::Result<()> {
    let config = Config::new().with_large_int("number");
    let mut out = std::io::stdout().lock();
    if let Some(name) = std::env::args().nth(1) {
        return out.write_all(&geppetto_js::compiled_script(&name).map_err(std::io::Error::other)?);
    }
    for shape in geppetto_turns::typings::shapes(&config) {
        write!(out, "{}", laid_out(&shape))?;
    }
    writeln!(out, "----")?;
    for shape in geppetto_events::typings::shapes(&config) {
        write!(out, "{}", laid_out(&shape))?;
    }
    Ok(())
}

/// A shape as a person would have written it: a field a line for an object, a line for each variant of a union.
fn laid_out(shape: &Shape) -> String {
    let documentation = comment(&shape.documentation, "");
    let declaration = shape.declaration.trim_end_matches(';').trim_start_matches("type ");
    let (name, body) = declaration.split_once(" = ").unwrap_or((declaration, ""));
    if body.contains(" | {") {
        let variants: Vec<String> =
            body.split(" | {").map(|variant| variant.trim_start_matches('{').to_owned()).collect();
        let variants = variants.iter().map(|variant| {
            format!(
                "  | {{ {}",
                variant.trim().replace(", }", " }").replace(", ", "; ").replace("\"type\":", "type:")
            )
        });
        let variants: Vec<String> = variants.collect();
        return format!("{documentation}export type {name} =\n{};\n\n", variants.join("\n"));
    }
    let body = body.trim_start_matches('{').trim_end_matches('}').trim();
    let mut fields = String::new();
    let mut documented = String::new();
    for line in body.lines().map(str::trim) {
        if line.starts_with("/*") || line.starts_with('*') {
            documented.push_str(line);
            documented.push('\n');
        } else if !line.is_empty() {
            fields.push_str(&comment(&std::mem::take(&mut documented), "  "));
            fields.push_str(&format!("  {};\n", line.trim_end_matches(',')));
        }
    }
    format!("{documentation}export type {name} = {{\n{fields}}};\n\n")
}

/// A documentation comment, on one line where it has one.
fn comment(documentation: &str, indent: &str) -> String {
    let marks: &[char] = &['/', '*', ' '];
    let lines = documentation.lines().map(|line| line.trim_matches(marks).trim());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => String::new(),
        lines => format!("{indent}/** {} */\n", lines.join(" ")),
    }
}
