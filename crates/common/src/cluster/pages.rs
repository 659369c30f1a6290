//! Long lists, page by page: no answer of the server is larger than a page, and of an object only that is
//! kept which the caller makes of it. One object that will not decode is left out, and said to be.

use kube::Resource;
use kube::api::{ApiResource, ListParams};
use kube::core::{ListMeta, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::read::attempt;
use super::{Cluster, ClusterError};

/// Objects of one answer.
const PAGE: u32 = 500;
/// How often a list is begun anew because the server no longer knows where it was.
const MAX_RESTARTS: u32 = 3;
/// HTTP status of a list whose `continue` has expired.
const GONE: u16 = 410;

/// What was made of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// Of the objects that were understood.
    pub made: T,
    /// Those that were not.
    pub unclear: Vec<Unclear>,
}

/// An object that will not decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// Its namespace, where its kind has one.
    pub namespace: Option<String>,
    /// Its name; empty where not even that can be read.
    pub name: String,
    /// What was expected of it; never what it holds, which may be a secret.
    pub why: String,
}

/// A page, its objects not read yet.
#[derive(Deserialize)]
struct RawPage {
    metadata: ListMeta,
    // The server writes null for none.
    items: Option<Vec<Box<RawValue>>>,
}

impl Cluster {
    /// Makes one thing of all objects of a kind, in one namespace or everywhere: `start` begins it, `add`
    /// adds an object. A list that takes so long that the server forgets where it was is begun anew. An
    /// object that will not decode stops nothing: it is named beside what was made of the others.
    ///
    /// # Errors
    /// See [`ClusterError`]; a kind the server does not know is [`ClusterError::Missing`].
    pub async fn fold<K, T>(
        &self,
        namespace: Option<&str>,
        start: impl Fn() -> T,
        add: impl Fn(&mut T, K),
    ) -> Result<Listed<T>, ClusterError>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let begin = || Listed {
            made: start(),
            unclear: Vec::new(),
        };
        let (mut listed, mut place, mut restarts) = (begin(), None, 0);
        loop {
            let Some(page) = self
                .page::<K>(namespace, place.as_deref(), restarts < MAX_RESTARTS)
                .await?
            else {
                (listed, place) = (begin(), None);
                restarts += 1;
                continue;
            };
            for raw in page.items.unwrap_or_default() {
                match serde_json::from_str(raw.get()) {
                    Ok(object) => add(&mut listed.made, object),
                    Err(error) => listed.unclear.push(unclear::<K>(&raw, &error)),
                }
            }
            place = page.metadata.continue_.filter(|place| !place.is_empty());
            if place.is_none() {
                return Ok(listed);
            }
        }
    }

    /// One page; `None` when the server has forgotten the place and that `may_restart`.
    async fn page<K>(
        &self,
        namespace: Option<&str>,
        place: Option<&str>,
        may_restart: bool,
    ) -> Result<Option<RawPage>, ClusterError>
    where
        K: Resource<DynamicType = ()>,
    {
        let attempt = attempt("listing", &ApiResource::erase::<K>(&()), namespace, "");
        let mut params = ListParams::default().limit(PAGE);
        if let Some(place) = place {
            params = params.continue_token(place);
        }
        let url = K::url_path(&(), namespace);
        self.call(&attempt, || async {
            let request = Request::new(&url)
                .list(&params)
                .map_err(kube::Error::BuildRequest)?;
            match self.client.request::<RawPage>(request).await {
                Ok(page) => Ok(Some(page)),
                Err(kube::Error::Api(status)) if status.code == GONE && place.is_some() && may_restart => {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }
}

/// Which object it is, as far as that can be read.
fn unclear<K: Resource<DynamicType = ()>>(raw: &RawValue, error: &serde_json::Error) -> Unclear {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Identity {
        metadata: Meta,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Meta {
        name: String,
        namespace: Option<String>,
    }
    let Identity { metadata } = serde_json::from_str(raw.get()).unwrap_or_default();
    let unclear = Unclear {
        namespace: metadata.namespace,
        name: metadata.name,
        why: expected(&error.to_string()),
    };
    let Unclear { namespace, name, why } = &unclear;
    tracing::warn!(kind = %K::kind(&()), namespace, name, why, "an object cannot be understood");
    unclear
}

/// What a decoder expected. It also says what it found, and that may be the value of a variable.
fn expected(error: &str) -> String {
    let names_a_field = ["missing field `", "duplicate field `"];
    if names_a_field.iter().any(|words| error.starts_with(words)) {
        return error.to_owned();
    }
    error.rsplit_once(", expected ").map_or_else(
        || "it is not of the form that its kind has".to_owned(),
        |(_, wanted)| format!("expected {wanted}"),
    )
}

#[cfg(test)]
mod tests {
    use super::expected;

    #[test]
    fn of_an_object_that_will_not_decode_only_what_was_expected_is_told() {
        for (error, told) in [
            (
                r#"invalid type: string "s3cret, expected by none", expected i32 at line 1 column 9"#,
                "expected i32 at line 1 column 9",
            ),
            (
                "missing field `name` at line 1 column 2",
                "missing field `name` at line 1 column 2",
            ),
            (
                "cannot parse \"s3cret\" as a time",
                "it is not of the form that its kind has",
            ),
        ] {
            assert_eq!(expected(error), told);
        }
    }
}
