//! When a request is sent again, and how long after: the one place that retries.

use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// How often a request is sent at most.
pub(crate) const ATTEMPTS: u32 = 3;
/// The wait before the second request; the third waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A provider that asks for a longer wait is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long to wait after this attempt, the first being 1; `None` when there is no other.
///
/// What the provider asks for in `Retry-After` (seconds or a date, RFC 9110 §10.2.3) counts, unless it is longer than
/// anybody would wait; then the failure stands.
pub(crate) fn wait_after(attempt: u32, asked: Option<Duration>) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    match asked {
        Some(asked) => (asked <= LONGEST_WAIT).then_some(asked),
        None => {
            let wait = FIRST_WAIT * 2_u32.pow(attempt - 1);
            // Half of it by chance, so that many who failed at once do not come back at once.
            Some(wait.mul_f64(0.5 + fastrand::f64() * 0.5))
        }
    }
}

/// What `Retry-After` asks for.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let milliseconds = headers.get("retry-after-ms").and_then(|ms| ms.to_str().ok()?.trim().parse().ok());
    if let Some(ms) = milliseconds {
        return Some(Duration::from_millis(ms));
    }
    let asked = headers.get("retry-after")?.to_str().ok()?.trim();
    match asked.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(asked).ok()?.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_chance_in_them_and_end_after_three_attempts() {
        let waits: Vec<_> = (0..100).map(|_| wait_after(1, None).unwrap()).collect();
        assert!(waits.iter().all(|wait| (250..=500).contains(&wait.as_millis())));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "there is chance in it");
        assert!((500..=1000).contains(&wait_after(2, None).unwrap().as_millis()));
        assert_eq!(wait_after(3, None), None);
    }

    #[test]
    fn what_a_provider_asks_for_counts_up_to_a_cap() {
        let asks = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers, SystemTime::UNIX_EPOCH)
        };
        assert_eq!(asks("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(asks("retry-after-ms", "150"), Some(Duration::from_millis(150)));
        assert_eq!(asks("retry-after", "Thu, 01 Jan 1970 00:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(asks("retry-after", "soon"), None);
        assert_eq!(wait_after(1, Some(Duration::from_secs(2))), Some(Duration::from_secs(2)));
        assert_eq!(wait_after(1, Some(Duration::from_secs(86_400))), None);
    }
}
