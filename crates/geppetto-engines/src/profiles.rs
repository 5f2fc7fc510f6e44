//! Named settings in a file, with keys by the names of variables or of files.
//!
//! ```yaml
//! default: work
//! profiles:
//!   base: { maxTokens: 4096, timeoutMs: 60000 }
//!   work: { extends: base, model: claude-sonnet-4-5, apiKeyEnv: WORK_ANTHROPIC_KEY }
//!   home: { extends: base, model: qwen3, apiType: ollama, baseURL: "http://box:11434" }
//! ```

use crate::{Api, Secret, Settings};
use geppetto_inference::Failure;
use geppetto_turns::did_you_mean;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The profiles of a file.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    file: PathBuf,
    default: Option<String>,
    entries: BTreeMap<String, Spanned<Entry>>,
}

/// What is wrong with a file of profiles, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, where one is known.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}", self.file.display(), self.message)
    }
}

impl std::error::Error for ProfileError {}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        Self::new(error.to_string())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Option<Spanned<String>>,
    #[serde(default)]
    profiles: BTreeMap<String, Spanned<Entry>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Entry {
    extends: Option<Spanned<String>>,
    model: Option<String>,
    #[serde(alias = "provider")]
    api_type: Option<Spanned<String>>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u64>,
    stop: Option<Vec<String>>,
    seed: Option<u64>,
    reasoning_effort: Option<String>,
    timeout_ms: Option<u64>,
    #[serde(rename = "baseURL")]
    base_url: Option<String>,
    headers: Option<BTreeMap<String, Secret>>,
    api_key_env: Option<String>,
    api_key_file: Option<PathBuf>,
    api_key: Option<Spanned<Secret>>,
}

/// A profile with all that it extends.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its settings. No key is among them.
    pub settings: Settings,
    /// Where its key is.
    pub key: KeySource,
}

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

impl Profiles {
    /// Reads a file, and checks all of it.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn read(file: &Path) -> Result<Self, ProfileError> {
        let error = |line, message| ProfileError { file: file.to_owned(), line, message };
        let text =
            std::fs::read_to_string(file).map_err(|cause| error(None, format!("cannot be read: {cause}")))?;
        Self::parse(file, &text)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ProfileError> {
        let read: File = serde_saphyr::from_str(text).map_err(|cause| {
            let line = cause.location().map(|location| location.line());
            // The first line says what is wrong; what follows shows the text, in which a key may stand.
            let said = cause.without_snippet().to_string();
            ProfileError {
                file: file.to_owned(),
                line,
                message: said.lines().next().unwrap_or_default().to_owned(),
            }
        })?;
        let default = read.default.as_ref().map(|name| name.value.clone());
        let profiles = Self { file: file.to_owned(), default, entries: read.profiles };
        if let Some(default) = &read.default
            && !profiles.entries.contains_key(&default.value)
        {
            return Err(profiles.unknown(&default.value, default.referenced.line()));
        }
        for name in profiles.entries.keys() {
            profiles.resolve(name)?;
        }
        for (name, entry) in &profiles.entries {
            if let Some(key) = &entry.value.api_key {
                let line = key.referenced.line();
                tracing::warn!(
                    profile = name,
                    line,
                    "a key stands in the file of profiles; name a variable with apiKeyEnv, or a file with apiKeyFile"
                );
            }
        }
        Ok(profiles)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The profile to use where none is named.
    #[must_use]
    pub fn default_name(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// The profile of this name; `None` when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Profile> {
        if !self.entries.contains_key(name) {
            return None;
        }
        // What was read has been checked.
        self.resolve(name).ok()
    }

    fn unknown(&self, name: &str, line: u64) -> ProfileError {
        let guess = did_you_mean(name, self.names());
        ProfileError {
            file: self.file.clone(),
            line: Some(line),
            message: format!("there is no profile {name:?}{guess}"),
        }
    }

    fn resolve(&self, name: &str) -> Result<Profile, ProfileError> {
        // The profile itself first, then what it extends.
        let mut chain: Vec<&Entry> = Vec::new();
        let mut seen = vec![name];
        let mut at = self.entries.get(name);
        while let Some(entry) = at {
            chain.push(&entry.value);
            at = match &entry.value.extends {
                None => None,
                Some(parent) => {
                    let line = parent.referenced.line();
                    if seen.contains(&&*parent.value) {
                        let circle =
                            seen.iter().copied().chain([&*parent.value]).collect::<Vec<_>>().join(" -> ");
                        let message = format!("profiles extend each other in a circle: {circle}");
                        return Err(ProfileError { file: self.file.clone(), line: Some(line), message });
                    }
                    seen.push(&parent.value);
                    Some(self.entries.get(&parent.value).ok_or_else(|| self.unknown(&parent.value, line))?)
                }
            };
        }
        let mut settings = Settings::default();
        let mut key = KeySource::Host;
        for entry in chain.into_iter().rev() {
            if let Some(api) = &entry.api_type {
                let parsed = api.value.parse::<Api>();
                settings.api = Some(parsed.map_err(|unknown| ProfileError {
                    file: self.file.clone(),
                    line: Some(api.referenced.line()),
                    message: unknown.to_string(),
                })?);
            }
            let given = Settings {
                model: entry.model.clone().unwrap_or_default(),
                api: None,
                temperature: entry.temperature,
                top_p: entry.top_p,
                max_tokens: entry.max_tokens,
                stop: entry.stop.clone().unwrap_or_default(),
                seed: entry.seed,
                reasoning_effort: entry.reasoning_effort.clone(),
                timeout: entry.timeout_ms.map(Duration::from_millis),
                api_key: None,
                base_url: entry.base_url.clone(),
                headers: entry
                    .headers
                    .iter()
                    .flatten()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            };
            settings = settings.overridden_by(given);
            key = match entry {
                Entry { api_key: Some(literal), .. } => KeySource::Literal(literal.value.clone()),
                Entry { api_key_env: Some(name), .. } => KeySource::Variable(name.clone()),
                Entry { api_key_file: Some(path), .. } => KeySource::File(at_home(path)),
                _ => key,
            };
        }
        Ok(Profile { name: name.to_owned(), settings, key })
    }
}

/// `~/` is the home folder.
fn at_home(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Profiles, String> {
        Profiles::parse(Path::new("profiles.yaml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_profile_has_what_it_extends_and_its_own_counts_more() {
        let profiles = parse(
            "default: work\nprofiles:\n  base: { maxTokens: 100, temperature: 0.5, apiKeyEnv: BASE }\n  work:\n    extends: base\n    \
             model: m\n    apiType: anthropic\n    temperature: 0\n    headers: { x-team: a }\n",
        )
        .unwrap();
        let work = profiles.get("work").unwrap();
        assert_eq!((work.settings.model.as_str(), work.settings.api), ("m", Some(Api::Claude)));
        assert_eq!((work.settings.max_tokens, work.settings.temperature), (Some(100), Some(0.0)));
        assert_eq!((work.key, profiles.default_name()), (KeySource::Variable("BASE".into()), Some("work")));
        assert!(profiles.get("other").is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_keys() {
        let told = |text: &str| parse(text).unwrap_err();
        let circle = told("profiles:\n  a: { extends: b }\n  b:\n    extends: a\n");
        assert_eq!(circle, "profiles.yaml:4: profiles extend each other in a circle: a -> b -> a");
        let unknown = told("profiles:\n  base: {}\n  a:\n    extends: bace\n");
        assert!(
            unknown.starts_with("profiles.yaml:4: there is no profile \"bace\"") && unknown.contains("base"),
            "{unknown}"
        );
        assert!(told("default: x\nprofiles: {}\n").starts_with("profiles.yaml:1: there is no profile \"x\""));
        let field = told("profiles:\n  a:\n    apiKey: sk-CANARY\n    modle: m\n");
        assert!(
            field.starts_with("profiles.yaml:") && field.contains("modle") && !field.contains("CANARY"),
            "{field}"
        );
        let api = told("profiles:\n  a:\n    model: m\n    apiType: openal\n");
        assert!(api.starts_with("profiles.yaml:4: unknown provider \"openal\""), "{api}");
        let number = told("profiles:\n  a: { maxTokens: many, apiKey: sk-CANARY }\n");
        assert!(number.starts_with("profiles.yaml:2:") && !number.contains("CANARY"), "{number}");
    }
}
