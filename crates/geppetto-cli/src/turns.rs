//! `geppetto turns`: reads a turn from a file and shows it, or writes it in another form.

use crate::arguments::{TurnFormat, Turns};
use crate::output;
use geppetto_turns::{Turn, yaml};
use std::process::ExitCode;

/// Shows the turn of a file; the process ends with the returned code.
pub(crate) fn turns(arguments: &Turns) -> ExitCode {
    let result = shown(arguments);
    output::finish(result.map_err(|error| format!("{}: {error}", arguments.file.display())))
}

fn shown(arguments: &Turns) -> Result<String, String> {
    let text = std::fs::read_to_string(&arguments.file).map_err(|error| error.to_string())?;
    let text = text.trim_start_matches('\u{feff}');
    let is_json = arguments.file.extension().is_some_and(|ending| ending == "json");
    let turn: Turn = if is_json {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        yaml::from_str(text).map_err(|error| error.to_string())?
    };
    match arguments.to {
        TurnFormat::Text => Ok(turn.pretty().to_string()),
        TurnFormat::Yaml => yaml::to_string(&turn).map_err(|error| error.to_string()),
        TurnFormat::Json => {
            let json = serde_json::to_string_pretty(&turn).map_err(|error| error.to_string())?;
            Ok(json + "\n")
        }
    }
}
