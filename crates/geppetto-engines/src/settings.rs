//! What a model is asked with, and where.

use crate::{Api, Secret};
use geppetto_inference::Failure;
use geppetto_turns::Map;
use serde_json::Value;
use std::time::Duration;

/// Settings of an engine. What is absent is left to the provider.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The model's name, as the provider knows it.
    pub model: String,
    /// The format; by the model's name otherwise.
    pub api: Option<Api>,
    /// How much chance there is in the answer.
    pub temperature: Option<f64>,
    /// The share of likely tokens to choose among.
    pub top_p: Option<f64>,
    /// The most tokens of the answer.
    pub max_tokens: Option<u64>,
    /// Texts at which the answer stops.
    pub stop: Vec<String>,
    /// For answers that can be repeated.
    pub seed: Option<u64>,
    /// How much the model may think: `minimal`, `low`, `medium`, `high`, or what the provider knows.
    pub reasoning_effort: Option<String>,
    /// How long one inference may take.
    pub timeout: Option<Duration>,
    /// A key that was given with the settings; the host's own otherwise.
    pub api_key: Option<Secret>,
    /// Another server than the provider's own.
    pub base_url: Option<String>,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
}

impl Settings {
    /// Reads the options of a script, whose names and types have been checked.
    ///
    /// # Errors
    /// For a provider that there is none of.
    pub fn from_options(options: &Map) -> Result<Self, Failure> {
        let text = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| options.get(name).and_then(Value::as_f64);
        let count = |name: &str| options.get(name).and_then(Value::as_u64);
        let texts = options.get("stop").and_then(Value::as_array).into_iter().flatten();
        let headers = options.get("headers").and_then(Value::as_object).into_iter().flatten();
        let api = text("apiType").map(|name| name.parse::<Api>()).transpose();
        Ok(Self {
            model: text("model").unwrap_or_default(),
            api: api.map_err(|unknown| Failure::misuse(format!("invalid options.apiType: {unknown}")))?,
            temperature: number("temperature"),
            top_p: number("topP"),
            max_tokens: count("maxTokens"),
            stop: texts.filter_map(Value::as_str).map(str::to_owned).collect(),
            seed: count("seed"),
            reasoning_effort: text("reasoningEffort"),
            timeout: number("timeoutMs")
                .filter(|ms| *ms > 0.0)
                .map(|ms| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX)),
            api_key: text("apiKey").map(Secret::new),
            base_url: text("baseURL"),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), Secret::new(value.as_str()?))))
                .collect(),
        })
    }

    /// These settings, but what others say counts more. Headers of both are sent, of one name those of the others.
    #[must_use]
    pub fn overridden_by(self, other: Self) -> Self {
        let is_kept = |name: &str| !other.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut headers: Vec<_> = self.headers.into_iter().filter(|(name, _)| is_kept(name)).collect();
        headers.extend(other.headers);
        Self {
            model: if other.model.is_empty() { self.model } else { other.model },
            api: other.api.or(self.api),
            temperature: other.temperature.or(self.temperature),
            top_p: other.top_p.or(self.top_p),
            max_tokens: other.max_tokens.or(self.max_tokens),
            stop: if other.stop.is_empty() { self.stop } else { other.stop },
            seed: other.seed.or(self.seed),
            reasoning_effort: other.reasoning_effort.or(self.reasoning_effort),
            timeout: other.timeout.or(self.timeout),
            api_key: other.api_key.or(self.api_key),
            base_url: other.base_url.or(self.base_url),
            headers,
        }
    }

    /// Whether anything in them says to which server they lead.
    pub(crate) fn say_where(&self) -> bool {
        self.base_url.is_some() || self.api.is_some() || !self.model.is_empty()
    }

    /// The format in which the model is spoken to.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api.unwrap_or_else(|| Api::of_model(&self.model))
    }
}
