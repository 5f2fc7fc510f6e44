//! What a provider's failure means: whether to try again, when, and what to say.

use crate::http::Fault;
use crate::retry::retry_after;
use geppetto_inference::Failure;
use rig_core::{ProviderError, http_client};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The most of a provider's own words that is looked at: more than an error repeats, so that a key in it is seen whole
/// where it is taken out.
const LONGEST_MESSAGE: usize = 10_000;

/// A request that failed.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) failure: Failure,
    /// How long the provider asks to wait before another.
    pub(crate) wait: Option<Duration>,
    /// Whether to ask again: not one that said nothing for so long.
    pub(crate) again: bool,
}

/// What to make of an error.
pub(crate) fn problem(error: &ProviderError) -> Problem {
    let fault = match error {
        ProviderError::Http(error) => match &**error {
            http_client::Error::Instance(fault) => fault.downcast_ref::<Fault>(),
            _ => None,
        },
        _ => None,
    };
    if let Some(fault) = fault {
        let retryable = matches!(fault, Fault::Idle(_) | Fault::Transport(_));
        let failure = Failure { retryable: Some(retryable), ..Failure::new(fault.to_string()) };
        return Problem { failure, wait: None, again: matches!(fault, Fault::Transport(_)) };
    }
    let body = error.provider_response_json().ok().flatten();
    let body = body.as_ref();
    let status = error.provider_response_status().map(|status| status.as_u16());
    let code = body.and_then(code_of);
    let retryable = match status {
        Some(status) => matches!(status, 408 | 409 | 425 | 429) || (500..600).contains(&status),
        // An error in the midst of an answer has no status: its code tells.
        None if body.is_some() => code.as_deref().is_some_and(is_passing),
        None => error.is_retryable(),
    };
    let headers = error.provider_response_headers();
    let wait = headers
        .and_then(|headers| retry_after(headers, SystemTime::now()))
        .or_else(|| body.and_then(delay_of));
    let mut message = match (error, body.and_then(message_of)) {
        (ProviderError::Truncated, _) => "the answer ended before it was complete".to_owned(),
        (_, Some(said)) => bounded(said),
        (_, None) => match (error.provider_response_body(), status) {
            (Some(body), Some(status)) if body.trim().is_empty() => format!("HTTP status {status}"),
            (Some(body), _) => bounded(body),
            (None, _) => bounded(&error.to_string()),
        },
    };
    if let Some(status) = status.filter(|status| !message.ends_with(&format!("status {status}"))) {
        message = format!("{message} (status {status})");
    }
    if let Some(id) = error.provider_request_id() {
        message = format!("{message} (request {id})");
    }
    Problem {
        failure: Failure { retryable: Some(retryable), status, ..Failure::new(message) },
        wait,
        again: retryable,
    }
}

fn bounded(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What the provider says, where each format says it.
fn message_of(body: &Value) -> Option<&str> {
    let places = ["/error/message", "/response/error/message", "/message", "/error"];
    places.iter().find_map(|place| body.pointer(place)?.as_str())
}

fn code_of(body: &Value) -> Option<String> {
    let places = ["/error/code", "/error/type", "/error/status", "/response/error/code", "/code"];
    places.iter().find_map(|place| body.pointer(place)?.as_str()).map(str::to_owned)
}

/// Whether a code stands for something that passes.
fn is_passing(code: &str) -> bool {
    [
        "overloaded",
        "rate_limit",
        "server_error",
        "api_error",
        "timeout",
        "UNAVAILABLE",
        "RESOURCE_EXHAUSTED",
        "INTERNAL",
    ]
    .iter()
    .any(|passing| code.contains(passing))
}

/// Gemini tells its delay in the body: `"retryDelay": "3s"`.
fn delay_of(body: &Value) -> Option<Duration> {
    let details = body.pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
