//! `geppetto profiles`: what profiles there are, without a look at their keys.

use crate::arguments::{Profiles as Arguments, ProfilesCommand};
use crate::models;
use crate::output;
use geppetto_engines::{KeySource, Profile, Profiles};
use geppetto_turns::did_you_mean;
use std::fmt::Write as _;
use std::process::ExitCode;

pub(crate) fn profiles(arguments: &Arguments) -> ExitCode {
    output::finish(models::read(arguments.profiles.as_deref()).and_then(
        |profiles| match &arguments.command {
            ProfilesCommand::List => list(&profiles),
            ProfilesCommand::Show { name } => show(&profiles, name),
            ProfilesCommand::Check => check(&profiles),
        },
    ))
}

fn all(profiles: &Profiles) -> Result<Vec<Profile>, String> {
    let all: Vec<_> = profiles.names().filter_map(|name| profiles.get(name)).collect();
    if all.is_empty() {
        let usual = models::usual_file().map(|file| file.display().to_string()).unwrap_or_default();
        return Err(format!("there are no profiles: write {usual}, or pass --profiles FILE"));
    }
    Ok(all)
}

fn list(profiles: &Profiles) -> Result<String, String> {
    let implied = models::implied(profiles);
    let mut text = String::new();
    for profile in all(profiles)? {
        let mark = if implied.as_deref() == Some(&*profile.name) { "*" } else { " " };
        let (api, model) = (profile.settings.api().name(), &profile.settings.model);
        let model = if model.is_empty() { "(no model)" } else { model };
        let _ = writeln!(text, "{mark} {:<20} {api:<18} {model:<30} {}", profile.name, key(&profile).0);
    }
    Ok(text)
}

fn show(profiles: &Profiles, name: &str) -> Result<String, String> {
    let profile = profiles.get(name).ok_or_else(|| {
        format!(
            "there is no profile {name:?}{}; it would be taken as a model's name",
            did_you_mean(name, profiles.names())
        )
    })?;
    let settings = &profile.settings;
    let mut text = String::new();
    let mut line = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{label:<16} {value}");
        }
    };
    line("model", Some(settings.model.clone()).filter(|model| !model.is_empty()));
    line("apiType", Some(settings.api().name().to_owned()));
    line("baseURL", Some(settings.base_url.clone().unwrap_or_else(|| settings.api().base_url().to_owned())));
    line("temperature", settings.temperature.map(|value| value.to_string()));
    line("topP", settings.top_p.map(|value| value.to_string()));
    line("maxTokens", settings.max_tokens.map(|value| value.to_string()));
    line("stop", (!settings.stop.is_empty()).then(|| format!("{:?}", settings.stop)));
    line("seed", settings.seed.map(|value| value.to_string()));
    line("reasoningEffort", settings.reasoning_effort.clone());
    line("timeoutMs", settings.timeout.map(|value| value.as_millis().to_string()));
    for (name, value) in &settings.headers {
        line("header", Some(format!("{name}: {value:?}")));
    }
    line("key", Some(key(&profile).0));
    Ok(text)
}

fn check(profiles: &Profiles) -> Result<String, String> {
    let mut missing = String::new();
    let all = all(profiles)?;
    for profile in &all {
        let (told, is_there) = key(profile);
        // One without a model is for others to extend: nobody asks by it.
        if !is_there && !profile.settings.model.is_empty() {
            let _ = writeln!(missing, "{}: {told}", profile.name);
        }
    }
    if missing.is_empty() {
        Ok(format!("{} profiles, every key is set\n", all.len()))
    } else {
        Err(missing.trim_end().to_owned())
    }
}

/// Where a profile's key is, and whether it is there.
fn key(profile: &Profile) -> (String, bool) {
    let api = profile.settings.api();
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|key| !key.is_empty());
    match &profile.key {
        KeySource::Literal(_) => ("key in the file of profiles (set)".to_owned(), true),
        KeySource::Variable(name) => {
            let is_there = profile.key.read().is_ok();
            (format!("key in ${name} ({})", if is_there { "set" } else { "missing" }), is_there)
        }
        KeySource::File(path) => match profile.key.read() {
            Ok(_) => (format!("key in {} (set)", path.display()), true),
            Err(failure) => (format!("key missing: {failure}"), false),
        },
        KeySource::Host if profile.settings.base_url.is_some() => ("no key".to_owned(), true),
        KeySource::Host => match api.key_variables().iter().find(is_set) {
            Some(name) => (format!("key in ${name} (set)"), true),
            None if !api.needs_key() => ("no key".to_owned(), true),
            None => (format!("key in ${} (missing)", api.key_variables().join(" or $")), false),
        },
    }
}
