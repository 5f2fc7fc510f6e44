//! Real models for scripts: `engines.fromConfig` and `engines.fromProfile`.

use crate::arguments::Run;
use geppetto_engines::{Engines, Key, Policy, Profiles, Recorder, Replay, Settings};
use geppetto_inference::{Engine, Failure};
use geppetto_js::{EngineFactory, EngineRequest};
use geppetto_toolloop::ArgumentSchema;
use geppetto_turns::did_you_mean;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The variables that name a profile where a script names none.
const VARIABLES: [&str; 2] = ["GEPPETTO_PROFILE", "PINOCCHIO_PROFILE"];

/// Makes engines with the keys of the environment and of profiles. Nothing of it is read before a script asks for a model.
pub(crate) struct Models {
    allowed_hosts: Vec<String>,
    profiles: Option<PathBuf>,
    recorder: Option<Arc<Recorder>>,
    replay: Option<Arc<Replay>>,
    /// Those that the script opened itself.
    opened: Mutex<Vec<Arc<Replay>>>,
    made: Mutex<Option<(Engines, Profiles)>>,
}

impl Models {
    /// # Errors
    /// When a recording cannot be written, or read, or there is no such file of profiles.
    pub(crate) fn new(arguments: &Run) -> Result<Self, Failure> {
        if let Some(file) = arguments.profiles.as_deref().filter(|file| !file.is_file()) {
            return Err(Failure::new(format!("--profiles: there is no file {}", file.display())));
        }
        Ok(Self {
            allowed_hosts: arguments.allow_net.clone(),
            profiles: arguments.profiles.clone(),
            recorder: arguments.record.as_deref().map(Recorder::new).transpose()?,
            replay: arguments.replay.as_deref().map(Replay::open).transpose()?,
            opened: Mutex::default(),
            made: Mutex::default(),
        })
    }

    /// How many calls of recordings nobody has asked for.
    pub(crate) fn not_replayed(&self) -> usize {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().chain(&self.replay).map(|replay| replay.remaining()).sum()
    }

    fn made(&self) -> Result<(Engines, Profiles), Failure> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(made.clone());
        }
        let io =
            geppetto_runner::io_handle().ok_or_else(|| Failure::new("could not start a thread for I/O"))?;
        let profiles = read(self.profiles.as_deref()).map_err(Failure::new)?;
        let policy = Policy {
            keys: Key::from_environment(),
            allowed_hosts: self.allowed_hosts.clone(),
            check_answer: Some(check_answer),
            ..Policy::default()
        };
        Ok(made.insert((Engines::new(io.clone(), policy)?, profiles)).clone())
    }
}

impl EngineFactory for Models {
    fn create(&self, request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        let mut settings = Settings::from_options(&request.options)?;
        if let Some(replay) = &self.replay {
            return Ok(replay.engine(request.profile.as_deref(), request.from_profile));
        }
        let (engines, profiles) = self.made()?;
        let named = request.profile.or_else(|| request.from_profile.then(|| implied(&profiles)).flatten());
        if request.from_profile && named.is_none() && settings.model.is_empty() {
            let message = "no profile is named: pass its name, set GEPPETTO_PROFILE, or give the file of profiles a default";
            return Err(Failure::new(message));
        }
        let profile = named.as_deref().and_then(|name| profiles.get(name));
        let mut taken_for_model = None;
        if let (None, Some(name)) = (&profile, named) {
            let guess = did_you_mean(&name, profiles.names());
            let unknown = format!("there is no profile {name:?}{guess}");
            // A name that no profile has is a model's, unless a model is named already.
            if !settings.model.is_empty() {
                return Err(Failure::misuse(unknown));
            }
            taken_for_model = Some(unknown);
            settings.model = name;
        }
        let engine =
            engines.make_for_script(profile, settings).map_err(|failure| match &taken_for_model {
                Some(unknown) => Failure { message: format!("{}; {unknown}", failure.message), ..failure },
                None => failure,
            })?;
        Ok(match &self.recorder {
            Some(recorder) => recorder.wrap(engine),
            None => engine,
        })
    }

    fn replay(&self, folder: &Path) -> Result<Arc<dyn Engine>, Failure> {
        let replay = Replay::open(folder)?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(replay.clone());
        Ok(replay.first_engine())
    }
}

fn check_answer(schema: &Value, answer: &Value) -> Result<(), String> {
    let schema = ArgumentSchema::compile(schema).map_err(|error| error.to_string())?;
    schema
        .check(answer)
        .map_err(|issues| issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// The profile that counts where none is named.
pub(crate) fn implied(profiles: &Profiles) -> Option<String> {
    let set = |name: &&str| std::env::var(name).ok().filter(|profile| !profile.is_empty());
    VARIABLES.iter().find_map(set).or_else(|| profiles.default_name().map(str::to_owned))
}

/// Where profiles are looked for when no file is given: in the folder of the XDG Base Directory specification.
pub(crate) fn usual_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("geppetto/profiles.yaml"))
}

/// The profiles of a file that was given, or of the usual one, if it is there.
pub(crate) fn read(given: Option<&Path>) -> Result<Profiles, String> {
    let usual = usual_file().filter(|file| file.exists());
    match given.or(usual.as_deref()) {
        Some(file) => Profiles::read(file).map_err(|error| error.to_string()),
        None => Ok(Profiles::default()),
    }
}
