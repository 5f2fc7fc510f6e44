//! Engines by their settings: with which key, to which server.

use crate::engine::ProviderEngine;
use crate::{Api, KeySource, Profile, Secret, Settings};
use geppetto_inference::{Engine, Failure};
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A key of the host, for a provider's own server and no other.
#[derive(Debug, Clone)]
pub struct Key {
    /// Whose key it is.
    pub api: Api,
    /// The key.
    pub secret: Secret,
}

impl Key {
    /// The keys in the environment, under the names that the providers' own tools read.
    #[must_use]
    pub fn from_environment() -> Vec<Self> {
        let set = |name: &&str| std::env::var(name).ok().filter(|key| !key.trim().is_empty());
        let of = |api: Api| {
            let secret = Secret::new(api.key_variables().iter().find_map(set)?.trim());
            Some(Self { api, secret })
        };
        Api::ALL.into_iter().filter_map(of).collect()
    }
}

/// What engines may use.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Keys for the providers' own servers.
    pub keys: Vec<Key>,
    /// Servers that a script may name by `baseURL`: `host`, or `host:port` for one port alone.
    pub allowed_hosts: Vec<String>,
    /// How long a provider may send nothing.
    pub idle: Duration,
    /// Says whether an answer matches the schema that a turn asked for; an answer only has to be JSON otherwise.
    pub check_answer: Option<AnswerCheck>,
}

/// Compares a JSON Schema and an answer: why it does not match, if it does not.
pub type AnswerCheck = fn(schema: &Value, answer: &Value) -> Result<(), String>;

impl Default for Policy {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            allowed_hosts: Vec::new(),
            idle: Duration::from_secs(120),
            check_answer: None,
        }
    }
}

/// Makes engines. Cheap to clone: connections are shared.
#[derive(Debug, Clone)]
pub struct Engines {
    client: reqwest::Client,
    io: tokio::runtime::Handle,
    policy: Arc<Policy>,
}

impl Engines {
    /// Engines whose connections live on this tokio runtime, which needs its I/O driver.
    ///
    /// # Errors
    /// When the system offers no certificates.
    pub fn new(io: tokio::runtime::Handle, policy: Policy) -> Result<Self, Failure> {
        // A host may have chosen another; without any the client would panic.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("geppetto/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::new(format!("no HTTP client: {}", error.without_url())))?;
        Ok(Self { client, io, policy: Arc::new(policy) })
    }

    /// An engine by settings that the host itself vouches for.
    ///
    /// # Errors
    /// When a setting is missing or wrong, or there is no key.
    pub fn make(&self, settings: Settings) -> Result<Arc<dyn Engine>, Failure> {
        self.engine("config", settings, &KeySource::Host, false)
    }

    /// An engine by a profile of the host's, if one was named, and settings that a script gave: only to servers that the
    /// host allows, and with the profile's key and headers only to the server that they belong to.
    ///
    /// # Errors
    /// As of [`make`](Self::make), and for a server that is not allowed.
    pub fn make_for_script(
        &self,
        profile: Option<Profile>,
        script: Settings,
    ) -> Result<Arc<dyn Engine>, Failure> {
        let name =
            profile.as_ref().map_or("config".to_owned(), |profile| format!("profile:{}", profile.name));
        let has_credentials =
            script.headers.iter().any(|(name, _)| is_credential(&name.to_ascii_lowercase()));
        let names_server = script.base_url.is_some();
        let Some(Profile { settings: own, key, .. }) = profile else {
            let url = url_of(&script)?;
            self.check_server(names_server, &url, &read_url(script.api().base_url())?)?;
            return self.engine(&name, script, &KeySource::Host, has_credentials);
        };
        if !own.say_where() && (key != KeySource::Host || !own.headers.is_empty()) {
            let message = "has a key or headers, but no model, apiType or baseURL that says whose they are";
            return Err(Failure::new(format!("{name} {message}")));
        }
        let own_url = url_of(&own)?;
        let own_headers = own.headers.clone();
        let mut settings = own.overridden_by(script);
        let url = url_of(&settings)?;
        if url.origin() == own_url.origin() && (!names_server || is_beneath(&url, &own_url)) {
            return self.engine(&name, settings, &key, has_credentials);
        }
        self.check_server(names_server, &url, &read_url(settings.api().base_url())?)?;
        settings.headers.retain(|header| !own_headers.contains(header));
        self.engine(&name, settings, &KeySource::Host, has_credentials)
    }

    /// A script may name the provider's own server, and those that the host allows.
    fn check_server(&self, names_server: bool, url: &Url, own: &Url) -> Result<(), Failure> {
        if !names_server || url.origin() == own.origin() || self.is_allowed(url) {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        Err(Failure::new(format!(
            "options.baseURL: the host does not allow requests to {host}; `geppetto run --allow-net {host}` does"
        )))
    }

    fn is_allowed(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        self.policy.allowed_hosts.iter().any(|allowed| *allowed == host || *allowed == with_port)
    }

    fn engine(
        &self,
        name: &str,
        settings: Settings,
        key: &KeySource,
        has_credentials: bool,
    ) -> Result<Arc<dyn Engine>, Failure> {
        if settings.model.trim().is_empty() {
            return Err(Failure::misuse("options.model is missing: expected a model's name"));
        }
        let api = settings.api();
        let url = url_of(&settings)?;
        let base_url = settings.base_url.clone().unwrap_or_else(|| api.base_url().to_owned());
        let headers = read_headers(&settings)?;
        crate::providers::parameters(api, &settings)?;
        let key = match &settings.api_key {
            Some(key) => key.clone(),
            None if has_credentials => Secret::new(""),
            None => self.host_key(api, &url, key)?,
        };
        Ok(Arc::new(ProviderEngine {
            name: name.into(),
            api,
            origin: url.origin().ascii_serialization(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            settings,
            key,
            headers: headers.into(),
            client: self.client.clone(),
            idle: self.policy.idle,
            check_answer: self.policy.check_answer,
            io: self.io.clone(),
        }))
    }

    /// The profile's key, or the host's own for this provider, which goes to the provider's own server alone.
    fn host_key(&self, api: Api, url: &Url, source: &KeySource) -> Result<Secret, Failure> {
        if let Some(key) = source.read()? {
            return Ok(key);
        }
        if read_url(api.base_url())?.origin() != url.origin() {
            return Ok(Secret::new(""));
        }
        let own = self.policy.keys.iter().find(|key| shares_key(key.api, api));
        match own {
            Some(key) => Ok(key.secret.clone()),
            None if !api.needs_key() => Ok(Secret::new("")),
            None => {
                let (name, variables) = (api.name(), api.key_variables().join(" or "));
                Err(Failure::new(format!(
                    "there is no key for {name}: set {variables} in the environment, or pass apiKey"
                )))
            }
        }
    }
}

/// Whether a path is that of another URL, or continues it: a gateway may keep its tenants apart by their paths.
fn is_beneath(url: &Url, other: &Url) -> bool {
    let rest = url.path().strip_prefix(other.path().trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The server that settings lead to.
pub(crate) fn url_of(settings: &Settings) -> Result<Url, Failure> {
    read_url(settings.base_url.as_deref().unwrap_or(settings.api().base_url()))
}

fn shares_key(a: Api, b: Api) -> bool {
    a.base_url() == b.base_url()
}

pub(crate) fn is_credential(name: &str) -> bool {
    ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "proxy-authorization"]
        .contains(&name)
}

pub(crate) fn read_url(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::misuse(format!("invalid options.baseURL: {why}; expected http(s)://host[:port][/path]"))
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match () {
        () if !matches!(url.scheme(), "http" | "https") => Err(wrong("its scheme is not http or https")),
        // What stands before the @ would be a secret in a place where nobody looks for one.
        () if !url.username().is_empty() || url.password().is_some() => {
            Err(wrong("it holds a user name or password"))
        }
        () if url.query().is_some() || url.fragment().is_some() => Err(wrong("it has a query or fragment")),
        () => Ok(url),
    }
}

fn read_headers(settings: &Settings) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let read = |(name, value): &(String, Secret)| {
        let wrong = |what: &str| Failure::misuse(format!("invalid options.headers: {name:?} {what}"));
        let key = name.parse::<HeaderName>().map_err(|_| wrong("is no header's name"))?;
        let mut value = value
            .expose()
            .parse::<HeaderValue>()
            .map_err(|_| wrong("has a value that no header can hold"))?;
        if matches!(
            key.as_str(),
            "host" | "content-length" | "content-type" | "transfer-encoding" | "connection"
        ) {
            return Err(wrong("is not for callers to set"));
        }
        value.set_sensitive(true);
        Ok((key, value))
    };
    settings.headers.iter().map(read).collect()
}
