use super::*;

fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method("POST").uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn code(target: &str, headers: &[(&str, &str)], allowed: &[&str]) -> Option<&'static str> {
    let allowed: Vec<_> = allowed.iter().map(|&name| name.to_owned()).collect();
    check(&parts(target, headers), &allowed)
        .err()
        .map(|error| error.code())
}

#[test]
fn hostile_targets_are_bad_requests() {
    let host = [("host", "box")];
    for target in [
        "//",
        "//evil/x",
        "/%zz",
        "/a%",
        "/a%4",
        "/?q=%g0",
        "http://box/x",
        "box:80",
        "*",
    ] {
        assert_eq!(code(target, &host, &[]), Some("bad_request"), "{target}");
    }
    for target in ["/", "/a//b", "/..%2f..%2fetc/passwd", "/a%00b", "/?token=%20"] {
        assert_eq!(code(target, &host, &[]), None, "{target}");
    }
    let long = format!("/{}", "a".repeat(MAX_TARGET));
    assert_eq!(code(&long, &host, &[]), Some("target_too_long"));
}

#[test]
fn a_host_is_one_name_or_address_with_an_optional_port() {
    for good in [
        "box",
        "box.lan.",
        "10.0.0.5:8080",
        "[::1]",
        "[fe80::1]:8080",
        "a_b.example:65535",
    ] {
        assert_eq!(code("/", &[("host", good)], &[]), None, "{good}");
    }
    for bad in [
        "",
        "a b:::",
        "box:",
        "box:99999",
        "box:+80",
        "box:8a",
        "::1",
        "[::1",
        "[x]",
        "a/b",
        "u@box",
        "a..b",
        "<b>",
    ] {
        assert_eq!(code("/", &[("host", bad)], &[]), Some("bad_request"), "{bad}");
    }
    assert_eq!(code("/", &[], &[]), Some("bad_request"));
    assert_eq!(
        code("/", &[("host", "a"), ("host", "a")], &[]),
        Some("bad_request")
    );
}

#[test]
fn an_allow_list_lets_addresses_localhost_and_the_probe_pass() {
    let allowed = ["box.lan"];
    for host in [
        "box.lan",
        "BOX.lan:8080",
        "box.lan.",
        "192.0.2.1",
        "[::1]:8080",
        "localhost",
    ] {
        assert_eq!(
            code("/api/auth/state", &[("host", host)], &allowed),
            None,
            "{host}"
        );
    }
    let stranger = [("host", "attacker.example")];
    assert_eq!(
        code("/api/auth/state", &stranger, &allowed),
        Some("host_not_allowed")
    );
    assert_eq!(code("/healthz", &stranger, &allowed), None);
    assert_eq!(code("/api/auth/state", &stranger, &[]), None);
}

#[test]
fn an_unsafe_request_comes_from_our_own_page_or_from_no_browser() {
    let host = ("host", "192.0.2.10:8080");
    for accepted in [
        vec![host],
        vec![host, ("origin", "http://192.0.2.10:8080")],
        vec![
            host,
            ("origin", "https://192.0.2.10:8080"),
            ("sec-fetch-site", "same-origin"),
        ],
    ] {
        assert_eq!(code("/api/auth/login", &accepted, &[]), None, "{accepted:?}");
    }
    for rejected in [
        vec![host, ("origin", "http://evil")],
        vec![host, ("origin", "null")],
        vec![host, ("origin", "http://192.0.2.10:3000")],
        vec![host, ("origin", "http://192.0.2.10")],
        vec![host, ("origin", "ftp://192.0.2.10:8080")],
        vec![host, ("origin", "192.0.2.10:8080")],
        vec![host, ("sec-fetch-site", "same-site")],
        vec![
            host,
            ("origin", "http://192.0.2.10:8080"),
            ("origin", "http://evil"),
        ],
    ] {
        assert_eq!(
            code("/api/auth/login", &rejected, &[]),
            Some("origin_rejected"),
            "{rejected:?}"
        );
        assert_eq!(code("/other", &rejected, &[]), None);
    }
}

#[test]
fn a_body_is_refused_by_what_it_declares() {
    let declare = |path: &str, length: &str| code(path, &[("host", "box"), ("content-length", length)], &[]);
    assert_eq!(declare("/api/auth/login", "16384"), None);
    assert_eq!(declare("/api/auth/login", "16385"), Some("request_too_large"));
    assert_eq!(declare("/api/setup", "65536"), None);
    assert_eq!(declare("/api/setup", "65537"), Some("request_too_large"));
    assert_eq!(declare("/api/auth/login", "734003200"), Some("request_too_large"));
}
