use std::os::unix::fs::symlink;

use appliance_common::state_file::replace;
use http::StatusCode;
use http_body_util::BodyExt;

use super::*;

fn ui(files: &[(&str, &str)]) -> (tempfile::TempDir, Ui) {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        replace(&path, content.as_bytes(), 0o644).unwrap();
    }
    let index = directory::index(dir.path()).unwrap();
    (dir, Ui(Arc::new(index)))
}

fn asked(headers: &[(header::HeaderName, &'static str)]) -> HeaderMap {
    let pairs = headers.iter().cloned();
    pairs
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_path_is_a_file_a_page_or_nothing() {
    let (_dir, ui) = ui(&[
        ("index.html", "shell"),
        ("setup/index.html", "wizard"),
        ("assets/a.js", "code"),
    ]);
    for (path, found) in [
        ("/", Some("shell")),
        ("/index.html", Some("shell")),
        ("/assets/a.js", Some("code")),
        ("/setup", Some("wizard")),
        ("/setup/", Some("wizard")),
        ("/manage", Some("shell")),
        ("/manage/", Some("shell")),
        ("/v1.2/x", Some("shell")),
        ("/../../etc/passwd", Some("shell")),
        ("/assets/b.js", None),
        ("/favicon.ico", None),
        ("/.env", None),
        ("/..", None),
    ] {
        let answer = ui
            .find(path)
            .map(|file| file.answer(&Method::GET, &HeaderMap::new()));
        let answer = match answer {
            Some(answer) => Some(text(answer).await),
            None => None,
        };
        assert_eq!(answer.as_deref(), found, "{path}");
    }
}

#[tokio::test]
async fn links_and_hidden_files_of_a_directory_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str| replace(&dir.path().join(name), b"x", 0o644).unwrap();
    std::fs::create_dir(dir.path().join(".git")).unwrap();
    for name in ["index.html", ".env", ".git/config"] {
        write(name);
    }
    symlink("/etc/passwd", dir.path().join("passwd.txt")).unwrap();
    symlink("/etc", dir.path().join("etc")).unwrap();
    let index = directory::index(dir.path()).unwrap();
    assert_eq!(index.keys().collect::<Vec<_>>(), ["/index.html"]);
}

#[test]
fn a_directory_without_pages_is_refused_and_those_built_in_are_shown() {
    let empty = tempfile::tempdir().unwrap();
    for dir in [empty.path(), Path::new("/nowhere")] {
        assert!(directory::index(dir).is_err(), "{}", dir.display());
        assert!(Ui::open(Some(dir)).find("/").is_some());
    }
}

#[tokio::test]
async fn the_compressed_form_goes_to_those_who_take_it() {
    let (_dir, ui) = ui(&[("index.html", "plain"), ("index.html.gz", "compressed")]);
    let shell = ui.find("/").unwrap();
    for (accepts, content) in [
        ("gzip, deflate, br", "compressed"),
        ("br;q=1.0, GZIP;q=0.5", "compressed"),
        ("*", "compressed"),
        ("gzip;q=0", "plain"),
        ("gzip;q=0, *", "plain"),
        ("br", "plain"),
        ("", "plain"),
    ] {
        let answer = shell.answer(&Method::GET, &asked(&[(header::ACCEPT_ENCODING, accepts)]));
        assert_eq!(answer.headers()[header::VARY], "accept-encoding");
        let encoding = answer.headers().get(header::CONTENT_ENCODING).cloned();
        assert_eq!(encoding.is_some(), content == "compressed", "{accepts}");
        assert_eq!(text(answer).await, content, "{accepts}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let (_dir, ui) = ui(&[("index.html", "plain"), ("index.html.gz", "compressed")]);
    let shell = ui.find("/").unwrap();
    let first = shell.answer(&Method::GET, &HeaderMap::new());
    let tag = first.headers()[header::ETAG].clone();
    let gzip = shell.answer(&Method::GET, &asked(&[(header::ACCEPT_ENCODING, "gzip")]));
    assert_ne!(gzip.headers()[header::ETAG], tag, "each form has its own tag");
    for (known, status) in [
        (tag.to_str().unwrap().to_owned(), StatusCode::NOT_MODIFIED),
        (
            format!("\"other\", W/{}", tag.to_str().unwrap()),
            StatusCode::NOT_MODIFIED,
        ),
        ("*".to_owned(), StatusCode::NOT_MODIFIED),
        ("\"other\"".to_owned(), StatusCode::OK),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        let answer = shell.answer(&Method::GET, &headers);
        assert_eq!(answer.status(), status, "{known}");
        assert_eq!(answer.headers()[header::ETAG], tag);
        assert_eq!(text(answer).await.is_empty(), status == StatusCode::NOT_MODIFIED);
    }
}

#[test]
fn only_names_with_a_digest_are_kept_for_ever() {
    let (_dir, ui) = ui(&[
        ("index.html", ""),
        ("theme.js", ""),
        ("assets/a.js", ""),
        ("_next/static/b.css", ""),
    ]);
    for (path, cache, media_type) in [
        ("/", "no-cache", "text/html; charset=utf-8"),
        ("/theme.js", "no-cache", "text/javascript; charset=utf-8"),
        (
            "/assets/a.js",
            "public, max-age=31536000, immutable",
            "text/javascript; charset=utf-8",
        ),
        (
            "/_next/static/b.css",
            "public, max-age=31536000, immutable",
            "text/css; charset=utf-8",
        ),
    ] {
        let answer = ui.find(path).unwrap().answer(&Method::GET, &HeaderMap::new());
        assert_eq!(answer.headers()[header::CACHE_CONTROL], cache, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], media_type, "{path}");
    }
}

#[test]
fn escapes_are_undone_once() {
    for (path, text) in [
        ("/a", Some("/a")),
        ("/%61pi/x", Some("/api/x")),
        ("/%2561", Some("/%61")),
        ("/%2e%2e%2fetc", Some("/../etc")),
        ("/%ff", None),
    ] {
        assert_eq!(decoded(path).as_deref(), text, "{path}");
    }
}

#[tokio::test]
async fn the_pages_built_in_need_no_inline_script_and_no_other_host() {
    let ui = Ui::open(None);
    let page = text(ui.find("/").unwrap().answer(&Method::GET, &HeaderMap::new())).await;
    let sources: Vec<_> = page
        .split("<script")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap())
        .collect();
    assert!(!sources.is_empty());
    for source in sources {
        assert!(source.contains("src=\"/"), "{source}");
    }
    assert!(!page.contains("://"), "{page}");
    for (path, file) in &*ui.0 {
        assert!(!path.ends_with(".woff2"), "{path}: fonts are the viewer's own");
        let answer = file.answer(&Method::HEAD, &asked(&[(header::ACCEPT_ENCODING, "gzip")]));
        assert_ne!(answer.headers()[header::CONTENT_LENGTH], "0", "{path}");
    }
}
