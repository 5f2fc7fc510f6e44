//! Named settings in a file, with keys by the names of variables or of files.
//!
//! ```yaml
//! default: work
//! profiles:
//!   base: { maxTokens: 4096, timeoutMs: 60000 }
//!   work: { extends: base, model: claude-sonnet-4-5, apiKeyEnv: WORK_ANTHROPIC_KEY }
//!   home: { extends: base, model: qwen3, apiType: ollama, baseURL: "http://box:11434" }
//! ```

use crate::engines::{read_url, url_of};
use crate::key_source::at_home;
use crate::{Api, KeySource, Secret, Settings};
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
            let said = without_values(&cause.without_snippet().to_string());
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
        // The server that the key was given for, where its profile says which.
        let mut key_origin = None;
        let line = self.entries.get(name).map(|entry| entry.referenced.line());
        let error = |message: String| ProfileError { file: self.file.clone(), line, message };
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
                timeout: entry.timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis),
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
                Entry { api_key_env: Some(variable), .. } => {
                    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                    if variable.is_empty() || !variable.bytes().all(is_name) {
                        // It is not repeated: it may be the key itself.
                        return Err(error(
                            "apiKeyEnv: expected the name of an environment variable".to_owned(),
                        ));
                    }
                    KeySource::Variable(variable.clone())
                }
                Entry { api_key_file: Some(path), .. } => KeySource::File(at_home(path)),
                _ => key,
            };
            let has_key =
                entry.api_key.is_some() || entry.api_key_env.is_some() || entry.api_key_file.is_some();
            if let Some(url) = &entry.base_url {
                read_url(url).map_err(|failure| error(failure.message.replace("options.", "")))?;
            }
            if has_key {
                key_origin = if settings.say_where() { origin(&settings) } else { None };
            }
        }
        if key_origin.is_some() && key_origin != origin(&settings) {
            return Err(error(format!(
                "{name} extends a profile whose key is for another server: give it a key of its own"
            )));
        }
        Ok(Profile { name: name.to_owned(), settings, key })
    }
}

fn origin(settings: &Settings) -> Option<String> {
    Some(url_of(settings).ok()?.origin().ascii_serialization())
}

/// A message of the reader without the texts that it shows: one of them may be a key.
fn without_values(message: &str) -> String {
    match message.split_once("string \"") {
        Some((before, rest)) => {
            let behind = rest.rfind('"').map_or("", |end| &rest[end + 1..]);
            format!("{before}a string{behind}")
        }
        None => message.to_owned(),
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
        let variable = told("profiles:\n  a: { model: m, apiKeyEnv: sk-CANARY }\n");
        assert_eq!(variable, "profiles.yaml:2: apiKeyEnv: expected the name of an environment variable");
        let url = told("profiles:\n  a: { model: m, baseURL: \"https://u:CANARY@host\" }\n");
        assert!(url.starts_with("profiles.yaml:2: invalid baseURL") && !url.contains("CANARY"), "{url}");
        let shape = told("profiles:\n  a: { model: m, headers: \"Bearer CANARY\" }\n");
        assert!(shape.starts_with("profiles.yaml:2:") && !shape.contains("CANARY"), "{shape}");
        let other =
            told("profiles:\n  a: { model: claude-x, apiKeyEnv: A }\n  b: { extends: a, model: gpt-4.1 }\n");
        assert!(
            other.starts_with("profiles.yaml:3: b extends a profile whose key is for another server"),
            "{other}"
        );
        let number = told("profiles:\n  a: { maxTokens: many, apiKey: sk-CANARY }\n");
        assert!(number.starts_with("profiles.yaml:2:") && !number.contains("CANARY"), "{number}");
    }
}
