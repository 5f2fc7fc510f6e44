//! What can be said on the command line.

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "Runs LLM agents written in JavaScript.";

const TEACHING: &str = "\
A first agent, in hello.js:

  const gp = require(\"geppetto\");
  const engine = gp.engines.echo({ reply: \"Hello from geppetto!\" });
  const session = gp.createSession({ engine });
  const run = session.start(gp.args[0] ?? \"Hi\");
  run.on(\"partial\", (event) => require(\"geppetto/terminal\").write(event.delta));

Run it:

  geppetto run hello.js \"Hi there\"
  geppetto run --events ndjson hello.js   every event of every run, one JSON object a line
  geppetto run --timeout 30s hello.js     stop after 30 seconds, whatever the script does

Let your editor complete and check it:

  geppetto types";

const RUN_HELP: &str = "\
FILE is CommonJS (require, module.exports) or an ES module (import, export,
top-level await); .mjs is always an ES module, .cjs never. Relative modules are
found beneath FILE's folder. The modules `geppetto` and `geppetto/terminal` are
always there; files, network and environment are not.

The command ends when no timer, run or operation is pending. Exit codes:
  0    the script ran to its end
  1    an uncaught error or rejection; its stack is on stderr
  2    the command line is wrong
  3    a limit was reached, such as --timeout, --job-timeout or --memory-limit
  13   the top level waits for a promise that nothing will settle
  130  Ctrl-C: runs are cancelled and their last events told; a second one ends
       at once
  141  nobody reads stdout any more; runs are cancelled as by Ctrl-C

GEPPETTO_LOG=debug shows the host's log on stderr.";

const TEST_HELP: &str = "\
A test is a folder with main.js (or main.mjs) and a folder named recording, which

  geppetto run --record DIR/recording DIR/main.js

writes. It passes when the script ends well and asks what was recorded, all of it. Beside them
may stand args.txt (an argument a line), stdin.txt, and expected.txt, which the output must equal.";

const FAKE_HELP: &str = "\
It repeats what it is asked, in the format that it is asked in. A script reaches it by

  gp.engines.fromConfig({ model: \"fake\", apiType: \"openai\", baseURL: \"http://127.0.0.1:8091/v1\" })

when the host allows it: geppetto run --allow-net 127.0.0.1 FILE";

const TYPES_HELP: &str = "\
An editor then completes and checks `require(\"geppetto\")` in every .js file
of the folder; so does `npx -p typescript tsc --project DIR`.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "geppetto", version, about = ABOUT, after_help = TEACHING, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a script
    Run(Run),
    /// Write typings for editors: geppetto.d.ts, and a tsconfig.json unless there is one
    Types(Types),
    /// Show a turn that stands in a file, as text, YAML or JSON
    Turns(Turns),
    /// Run recorded agents again, and say which do not do what they did
    Test(Test),
    /// What profiles of models there are, and whether their keys are set
    Profiles(Profiles),
    /// Start a server on this machine that answers in place of a provider, for trying without a key
    FakeProvider(FakeProvider),
}

/// `geppetto types`
#[derive(Debug, Args)]
#[command(max_term_width = 100, after_help = TYPES_HELP)]
pub(crate) struct Types {
    /// The folder of the scripts
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,

    /// With the globals of `geppetto run --compat`
    #[arg(long)]
    pub(crate) compat: bool,
}

/// `geppetto test`
#[derive(Debug, Args)]
#[command(max_term_width = 100, after_help = TEST_HELP)]
pub(crate) struct Test {
    /// Folders with tests in them, or in folders beneath them
    #[arg(required = true, value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
}

/// `geppetto profiles`
#[derive(Debug, Args)]
#[command(max_term_width = 100)]
pub(crate) struct Profiles {
    #[command(subcommand)]
    pub(crate) command: ProfilesCommand,

    /// The file; geppetto/profiles.yaml in the XDG config folder otherwise
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) profiles: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// Name all, the one that counts where none is named with a star
    List,
    /// Show the settings of one, with those that it extends
    Show {
        /// The profile
        name: String,
    },
    /// Look for a key of each; exit 1 when one is missing
    Check,
}

/// `geppetto fake-provider`
#[derive(Debug, Args)]
#[command(max_term_width = 100, after_help = FAKE_HELP)]
pub(crate) struct FakeProvider {
    /// The port; 0 takes any that is free
    #[arg(long, default_value_t = 8091)]
    pub(crate) port: u16,
}

/// `geppetto turns`
#[derive(Debug, Args)]
#[command(max_term_width = 100)]
pub(crate) struct Turns {
    /// The form to write
    #[arg(long, value_enum, default_value_t = TurnFormat::Text, value_name = "FORMAT")]
    pub(crate) to: TurnFormat,

    /// A turn as JSON (*.json) or YAML (anything else), such as files of the Go project
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TurnFormat {
    Text,
    Yaml,
    Json,
}

/// `geppetto run`
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP, max_term_width = 100, override_usage = "geppetto run [OPTIONS] FILE [ARGS]...")]
pub(crate) struct Run {
    /// What to show of the events of all runs: ndjson on stdout (console then goes to stderr), or pretty on stderr
    #[arg(long, value_enum, default_value_t = Events::Off, value_name = "FORMAT")]
    pub(crate) events: Events,

    /// How long the whole script may take, such as 30s or 5m
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(crate) timeout: Option<Duration>,

    /// How long one callback may compute; waiting does not count
    #[arg(long, value_parser = duration, default_value = "30s", value_name = "DURATION")]
    pub(crate) job_timeout: Duration,

    /// How much memory the script may use, such as 64MiB
    #[arg(long, value_parser = size, default_value = "256MiB", value_name = "SIZE")]
    pub(crate) memory_limit: usize,

    /// How much native stack the script may use: how deep it may recurse
    #[arg(long, value_parser = size, default_value = "2MiB", value_name = "SIZE")]
    pub(crate) stack_limit: usize,

    /// How large a source text may be
    #[arg(long, value_parser = size, default_value = "16MiB", value_name = "SIZE")]
    pub(crate) source_limit: usize,

    /// How many microtasks may follow one callback
    #[arg(long, default_value_t = 10_000_000, value_name = "COUNT")]
    pub(crate) microtask_limit: usize,

    /// How deep synchronous runs may be nested
    #[arg(long, default_value_t = 16, value_name = "COUNT")]
    pub(crate) depth_limit: usize,

    /// How many calls from outside may wait for the script
    #[arg(long, value_parser = count, default_value = "1024", value_name = "COUNT")]
    pub(crate) queue_limit: usize,

    /// At the end, print on stderr what the script's runtime did and how long it took
    #[arg(long)]
    pub(crate) stats: bool,

    /// Pause each run after the model has asked for tools, and after they have answered; Enter goes on
    #[arg(long)]
    pub(crate) step: bool,

    /// Write what models are asked and answer to this folder, a file for each call
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,

    /// Answer in the place of models from such a folder, without a network or a key; fails where something else is asked
    #[arg(long, value_name = "DIR")]
    pub(crate) replay: Option<PathBuf>,

    /// The file of profiles; geppetto/profiles.yaml in the XDG config folder otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) profiles: Option<PathBuf>,

    /// Let the script name this server by baseURL: HOST, or HOST:PORT for one port alone; may be repeated
    #[arg(long, value_parser = host, value_name = "HOST")]
    pub(crate) allow_net: Vec<String>,

    /// Offer what scripts of the Go project expect: the globals assert and ENV, the host tools go_double and go_concat
    #[arg(long)]
    pub(crate) compat: bool,

    /// Let the script see this variable of the environment in ENV; may be repeated
    #[arg(long, value_name = "NAME", requires = "compat")]
    pub(crate) env: Vec<String>,

    /// The script, and what it finds in gp.args: everything behind FILE is the script's
    #[arg(trailing_var_arg = true, required = true, num_args = 1.., value_name = "FILE [ARGS]")]
    script: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Events {
    Ndjson,
    Pretty,
    Off,
}

impl Run {
    /// The script's file, and its arguments.
    pub(crate) fn script(&self) -> (PathBuf, Vec<String>) {
        let mut words = self.script.iter().cloned();
        let file = words.next().unwrap_or_default().into();
        (file, words.map(|word| word.to_string_lossy().into_owned()).collect())
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text);
    let duration = duration.map_err(|error| format!("{error}; write it like 500ms, 30s or 5m"))?;
    if duration.is_zero() { Err("it must be more than 0".to_owned()) } else { Ok(duration) }
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        parsed => parsed.map_err(|error: std::num::ParseIntError| error.to_string()),
    }
}

/// `HOST` or `HOST:PORT`, as a URL has it.
fn host(text: &str) -> Result<String, String> {
    let expected = || "expected HOST or HOST:PORT, such as localhost or 127.0.0.1:8091".to_owned();
    let url =
        url::Url::parse(&format!("http://{text}")).map_err(|error| format!("{error}; {}", expected()))?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || text.contains(['/', '@']) {
        return Err(expected());
    }
    Ok(text.to_ascii_lowercase())
}

fn size(text: &str) -> Result<usize, String> {
    const LEAST: usize = 1024 * 1024;
    let size: ByteSize = text.parse().map_err(|error| format!("{error}; write it like 64MiB"))?;
    let bytes = usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
    if bytes < LEAST { Err("it must be at least 1MiB".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_behind_the_file_belong_to_the_script() {
        let arguments =
            Arguments::parse_from(["geppetto", "run", "--timeout", "2s", "a.js", "--timeout", "x"]);
        let Command::Run(run) = arguments.command else { panic!("not a run") };
        assert_eq!(run.timeout, Some(Duration::from_secs(2)));
        assert_eq!(run.script(), ("a.js".into(), vec!["--timeout".to_owned(), "x".to_owned()]));
    }

    #[test]
    fn an_unknown_option_before_the_file_is_an_error_and_not_the_file() {
        assert!(Arguments::try_parse_from(["geppetto", "run", "--evnts", "a.js"]).is_err());
    }

    #[test]
    fn durations_and_sizes_say_how_to_write_them() {
        assert!(duration("soon").unwrap_err().contains("30s"));
        assert!(duration("0s").is_err());
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert!(size("12").is_err());
        assert!(count("0").is_err() && count("x").is_err());
        assert_eq!(count("7"), Ok(7));
    }

    #[test]
    fn a_host_may_have_a_port_and_nothing_else() {
        for right in ["localhost", "127.0.0.1:8091", "[::1]:80"] {
            assert_eq!(host(right).as_deref(), Ok(right));
        }
        for wrong in ["bad host!", "http://localhost", "localhost/v1", "me@localhost", "localhost:x", ""] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }
}
