//! What hyper answers by itself to bytes that are not a request, said in our words with our headers.

use bytes::Bytes;
use http::StatusCode;

use super::guard;

/// Our answer in place of hyper's `answer`, if it is one that hyper made by itself. hyper tells a
/// long request line and long headers apart only beyond 64 KiB; `line_too_long` is what we saw.
pub(super) fn replacement(answer: &[u8], line_too_long: bool) -> Option<Bytes> {
    // The minor version and a space: hyper speaks the version of the request before.
    let status = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let is_ours = answer
        .windows(MARKER.len())
        .any(|window| window.eq_ignore_ascii_case(MARKER));
    if is_ours {
        return None;
    }
    let (status, code, sentence) = match (StatusCode::from_bytes(status).ok()?, line_too_long) {
        (StatusCode::URI_TOO_LONG, _) | (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, true) => (
            StatusCode::URI_TOO_LONG,
            "target_too_long",
            "The address of the request is too long.",
        ),
        (status @ StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, false) => (
            status,
            "headers_too_large",
            "The headers of the request are too large.",
        ),
        (status @ StatusCode::BAD_REQUEST, _) => (status, "bad_request", "That is not an HTTP request."),
        _ => return None,
    };
    Some(render(status, code, sentence))
}

const MARKER: &[u8] = b"x-content-type-options";

fn render(status: StatusCode, code: &str, sentence: &str) -> Bytes {
    let body = format!(r#"{{"error":"{sentence}","code":"{code}"}}"#);
    let mut text = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in guard::HEADERS {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    let rest = format!(
        "cache-control: no-store\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    text.extend_from_slice(rest.as_bytes());
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_without_our_headers_are_replaced() {
        let hypers = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let text = String::from_utf8(replacement(hypers, false).unwrap().to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
        assert!(text.contains("x-frame-options: DENY\r\n"), "{text}");
        assert!(text.ends_with(r#""code":"headers_too_large"}"#), "{text}");
        assert!(replacement(hypers, true).unwrap().starts_with(b"HTTP/1.1 414 "));
        assert_eq!(replacement(&replacement(hypers, false).unwrap(), false), None);
        assert!(replacement(b"HTTP/1.0 400 Bad Request\r\n\r\n", false).is_some());
        assert_eq!(replacement(b"HTTP/1.1 200 OK\r\n\r\n", false), None);
        assert_eq!(replacement(b"{}", false), None);
    }
}
