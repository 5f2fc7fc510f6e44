//! The five formats in which providers are spoken to.

use geppetto_turns::did_you_mean;
use std::fmt;
use std::str::FromStr;

/// The format of a provider's requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// OpenAI's chat completions, which many servers speak.
    OpenAi,
    /// OpenAI's Responses.
    OpenAiResponses,
    /// Anthropic's Messages.
    Claude,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own.
    Ollama,
}

/// There is no such format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownApi(String);

impl fmt::Display for UnknownApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Api::ALL.map(Api::name);
        let (name, accepted, guess) = (&self.0, names.join(", "), did_you_mean(&self.0, names));
        write!(
            f,
            "unknown provider {name:?}: expected one of {accepted}, or any compatible server by baseURL{guess}"
        )
    }
}

impl std::error::Error for UnknownApi {}

impl Api {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OpenAi, Self::OpenAiResponses, Self::Claude, Self::Gemini, Self::Ollama];

    /// What options and profiles call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiResponses => "openai-responses",
            Self::Claude => "claude",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// The format that a model's name implies where none is given.
    #[must_use]
    pub fn of_model(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let begins = |starts: &[&str]| starts.iter().any(|start| model.starts_with(start));
        match () {
            () if model.contains("gemini") => Self::Gemini,
            () if model.contains("claude") => Self::Claude,
            () if begins(&["o1", "o3", "o4", "gpt-5"]) => Self::OpenAiResponses,
            () => Self::OpenAi,
        }
    }

    /// Where the provider itself answers.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::OpenAi | Self::OpenAiResponses => "https://api.openai.com/v1",
            Self::Claude => "https://api.anthropic.com",
            Self::Gemini => "https://generativelanguage.googleapis.com",
            Self::Ollama => "http://localhost:11434",
        }
    }

    /// The environment variables that may hold its key, the first that is set counts.
    #[must_use]
    pub const fn key_variables(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi | Self::OpenAiResponses => &["OPENAI_API_KEY"],
            Self::Claude => &["ANTHROPIC_API_KEY"],
            Self::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::Ollama => &["OLLAMA_API_KEY"],
        }
    }

    /// Whether it answers nobody without a key.
    #[must_use]
    pub const fn needs_key(self) -> bool {
        !matches!(self, Self::Ollama)
    }
}

impl FromStr for Api {
    type Err = UnknownApi;

    fn from_str(name: &str) -> Result<Self, UnknownApi> {
        let name = if name == "anthropic" { "claude" } else { name };
        Self::ALL.into_iter().find(|api| api.name() == name).ok_or_else(|| UnknownApi(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_decides_where_nothing_else_does() {
        for (model, api) in [
            ("gemini-3-flash", Api::Gemini),
            ("vertex/claude-sonnet", Api::Claude),
            ("o3-mini", Api::OpenAiResponses),
            ("gpt-5.2", Api::OpenAiResponses),
            ("gpt-4.1", Api::OpenAi),
            ("qwen3", Api::OpenAi),
        ] {
            assert_eq!(Api::of_model(model), api, "{model}");
        }
    }

    #[test]
    fn an_unknown_provider_is_told_with_what_may_be_meant() {
        assert_eq!("anthropic".parse(), Ok(Api::Claude));
        let told = "openal".parse::<Api>().unwrap_err().to_string();
        assert!(told.contains("openai, openai-responses, claude") && told.contains("did you mean"), "{told}");
    }
}
