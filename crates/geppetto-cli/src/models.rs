//! Real models for scripts: `engines.fromConfig` and `engines.fromProfile`.

use geppetto_engines::{Engines, Key, Policy, Settings};
use geppetto_inference::{Engine, Failure};
use geppetto_js::{EngineFactory, EngineRequest};
use std::sync::{Arc, Mutex, PoisonError};

/// The variables that name a model where a script names none.
const VARIABLES: [&str; 2] = ["GEPPETTO_PROFILE", "PINOCCHIO_PROFILE"];

/// Makes engines with the keys of the environment. Nothing of it is there before a script asks for a model.
pub(crate) struct Models {
    allowed_hosts: Vec<String>,
    engines: Mutex<Option<Engines>>,
}

impl Models {
    pub(crate) fn new(allowed_hosts: Vec<String>) -> Self {
        Self { allowed_hosts, engines: Mutex::default() }
    }

    fn engines(&self) -> Result<Engines, Failure> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engines) = &*engines {
            return Ok(engines.clone());
        }
        let io =
            geppetto_runner::io_handle().ok_or_else(|| Failure::new("could not start a thread for I/O"))?;
        let policy = Policy {
            keys: Key::from_environment(),
            allowed_hosts: self.allowed_hosts.clone(),
            ..Policy::default()
        };
        Ok(engines.insert(Engines::new(io.clone(), policy)?).clone())
    }
}

impl EngineFactory for Models {
    fn create(&self, request: EngineRequest) -> Result<Arc<dyn Engine>, Failure> {
        let mut settings = Settings::from_options(&request.options)?;
        if settings.model.is_empty() {
            // A name that stands for nothing else is a model's.
            let of_environment = || VARIABLES.iter().find_map(|name| std::env::var(name).ok());
            settings.model = request.profile.or_else(of_environment).unwrap_or_default();
        }
        self.engines()?.make_for_script(settings)
    }
}
