//! Where keys are: by the names of variables and files, read when they are needed.

use crate::Secret;
use geppetto_inference::Failure;
use std::path::{Path, PathBuf};

/// Where a profile's key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In an environment variable.
    Variable(String),
    /// In a file, whose first line it is.
    File(PathBuf),
    /// In the file of profiles itself, which is no good place for one.
    Literal(Secret),
    /// Nowhere: the host's own key for the provider counts.
    Host,
}

impl KeySource {
    /// The key, if there is one.
    ///
    /// # Errors
    /// When a key that was named is not there.
    pub fn read(&self) -> Result<Option<Secret>, Failure> {
        match self {
            Self::Host => Ok(None),
            Self::Literal(key) => Ok(Some(key.clone())),
            Self::Variable(name) => match std::env::var(name) {
                Ok(key) if !key.trim().is_empty() => Ok(Some(Secret::new(key.trim()))),
                _ => Err(Failure::new(format!("the environment variable {name} is not set"))),
            },
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) if !text.trim().is_empty() => {
                    Ok(Some(Secret::new(text.lines().next().unwrap_or_default().trim())))
                }
                Ok(_) => Err(Failure::new(format!("the file {} is empty", path.display()))),
                Err(error) => {
                    Err(Failure::new(format!("the file {} cannot be read: {error}", path.display())))
                }
            },
        }
    }
}

/// `~/` is the home folder.
pub(crate) fn at_home(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}
