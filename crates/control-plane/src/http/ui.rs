//! The web pages: every file by its path, from the program itself or from a directory, and the redemption
//! of the printed setup address. The pages hold no data and need no session (30 §13).
//!
//! The index is made once at start; a request is a look-up in it, so no path of a request is ever joined
//! to a directory.

mod directory;
mod embedded;
mod file;
mod media;
mod setup_page;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use appliance_common::process::chain;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Uri};

use super::error::{method_not_allowed, not_found};
use super::guard;
use super::router::Routes;
use crate::app::App;
use file::File;

/// The page that shows itself according to the address.
const SHELL: &str = "/index.html";

/// Files by the paths they answer to.
type Index = HashMap<Cow<'static, str>, File>;

/// Every file of the web pages; cheap to clone.
#[derive(Debug, Clone)]
pub struct Ui(Arc<Index>);

impl Ui {
    /// Those in `dir`, as it is now; without one, or when it cannot be used, those built in.
    #[must_use]
    pub fn open(dir: Option<&Path>) -> Self {
        let index = match dir.map(directory::index) {
            None => embedded::index(),
            Some(Ok(index)) => index,
            Some(Err(error)) => {
                tracing::error!(
                    error = chain(&error),
                    "ALGA_APPLIANCE_STATUS_UI_DIR cannot be used: the pages built in are shown"
                );
                embedded::index()
            }
        };
        Self(Arc::new(index))
    }

    /// The file that answers a decoded path. A path whose last part has no dot names a page, which the
    /// shell shows; with a dot it names a file, which is there or not.
    fn find(&self, path: &str) -> Option<&File> {
        let trimmed = path.trim_end_matches('/');
        let exact = self.0.get(path);
        let of_directory = || self.0.get(format!("{trimmed}{SHELL}").as_str());
        let names_page = !trimmed.rsplit('/').next().unwrap_or_default().contains('.');
        let shell = || names_page.then(|| self.0.get(SHELL)).flatten();
        exact.or_else(of_directory).or_else(shell)
    }

    /// The shell, for routes that decided to show it.
    fn shell(&self, method: &Method, headers: &HeaderMap) -> Response {
        match self.find("/") {
            Some(shell) => shell.answer(method, headers),
            None => not_found().into_response(),
        }
    }
}

/// `/setup`, which does more than show a page; all else is [`serve`].
pub(super) fn routes() -> Routes {
    vec![
        ("/setup", get(setup_page::setup)),
        ("/setup/", get(setup_page::setup)),
    ]
}

/// Whatever no route answers: a file, a page, or nothing.
pub(super) async fn serve(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let Some(path) = decoded(uri.path()).filter(|path| !guard::is_api(path)) else {
        return not_found().into_response();
    };
    match app.ui.find(&path) {
        None => not_found().into_response(),
        Some(file) if method == Method::GET || method == Method::HEAD => file.answer(&method, &headers),
        Some(_) => {
            // As axum writes it; `space_allow` gives all of them their space.
            let allow = HeaderValue::from_static("GET,HEAD");
            method_not_allowed().header(header::ALLOW, allow).into_response()
        }
    }
}

/// The text that a path of a request stands for, if it is text.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    percent_encoding(path.as_bytes()).map_or(Some(Cow::Borrowed(path)), |bytes| {
        String::from_utf8(bytes).ok().map(Cow::Owned)
    })
}

/// The bytes behind the escapes; `None` when there are none. The guard has let only whole ones through.
fn percent_encoding(path: &[u8]) -> Option<Vec<u8>> {
    if !path.contains(&b'%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = escaped
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    Some(bytes)
}
