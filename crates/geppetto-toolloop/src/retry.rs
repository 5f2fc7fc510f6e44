//! When to try a failed call again.

use crate::{LoopConfig, ToolErrorHandling};
use std::time::Duration;

/// No backoff grows beyond this.
const LONGEST: Duration = Duration::from_secs(3600);

/// Whether the settings retry after attempt number `attempt`, counted from 1.
pub(crate) fn retries(config: &LoopConfig, attempt: u32) -> bool {
    config.tool_error_handling == ToolErrorHandling::Retry && attempt <= config.retry_max_retries
}

/// How long to wait after attempt number `attempt`, counted from 1: exponential.
pub(crate) fn backoff(config: &LoopConfig, attempt: u32) -> Duration {
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let seconds = config.retry_backoff.as_secs_f64() * config.retry_backoff_factor.max(0.0).powi(exponent);
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_exponentially_and_is_bounded() {
        let config = LoopConfig { tool_error_handling: ToolErrorHandling::Retry, ..LoopConfig::default() };
        assert!(retries(&config, 2));
        assert!(!retries(&config, 3));
        let waits: Vec<_> = (1..4).map(|attempt| backoff(&config, attempt).as_millis()).collect();
        assert_eq!(waits, [1000, 2000, 4000]);
        assert_eq!(backoff(&config, u32::MAX), LONGEST);
    }
}
