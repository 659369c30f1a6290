//! How long an answer asks to be left alone.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

/// `Retry-After`, in seconds or as a date, which counts from the answer's own `Date`.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::parse(text).ok();
    let sent = headers.get(DATE).map(HeaderValue::to_str)?.ok()?;
    let seconds = date(text)?.timestamp().as_second() - date(sent)?.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers = |retry: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
            headers.insert(RETRY_AFTER, retry.parse().unwrap());
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(headers("7"), Some(7));
        assert_eq!(headers("Wed, 21 Oct 2015 07:28:05 GMT"), Some(5));
        assert_eq!(headers("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0));
        assert_eq!(headers("soon"), None);
        assert_eq!(headers("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
