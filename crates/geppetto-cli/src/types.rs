//! `geppetto types`: what an editor needs to complete and check scripts.

use crate::arguments::{Events, Types};
use crate::compat::Compat;
use crate::output::{self, Stream};
use crate::terminal::Terminal;
use geppetto_js::Runtime;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

/// Checks plain JavaScript as strictly as it can be without annotations.
const TSCONFIG: &str = r#"{
  "compilerOptions": {
    "allowJs": true,
    "checkJs": true,
    "noEmit": true,
    "strict": true,
    "noImplicitAny": false,
    "useUnknownInCatchVariables": false,
    "target": "esnext",
    "lib": ["esnext"],
    "module": "preserve",
    "moduleDetection": "force",
    "types": []
  },
  "include": ["geppetto.d.ts", "**/*.js", "**/*.mjs", "**/*.cjs", "**/*.ts"],
  "exclude": ["node_modules"]
}
"#;

/// Writes the typings; the process ends with the returned code.
pub(crate) fn types(arguments: &Types) -> ExitCode {
    output::finish(write(arguments))
}

fn write(arguments: &Types) -> Result<String, String> {
    let mut builder = Runtime::builder().module(Terminal::new(Stream::of_scripts(Events::Off)));
    if arguments.compat {
        builder = builder.module(Compat::new(&[]));
    }
    let runtime = builder.build().map_err(|error| error.to_string())?;
    let folder = &arguments.out;
    let failed = |path: &Path, error: std::io::Error| format!("could not write {}: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let typings = folder.join("geppetto.d.ts");
    std::fs::write(&typings, runtime.typings()).map_err(|error| failed(&typings, error))?;
    let settings = folder.join("tsconfig.json");
    let written = format!("wrote {}\n", typings.display());
    // Somebody's own settings stay as they are.
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&settings);
    match made.and_then(|mut file| std::io::Write::write_all(&mut file, TSCONFIG.as_bytes())) {
        Ok(()) => Ok(format!("{written}wrote {}\n", settings.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(format!(
            "{written}kept {}: it needs \"checkJs\": true, and geppetto.d.ts among its files\n",
            settings.display()
        )),
        Err(error) => Err(failed(&settings, error)),
    }
}
