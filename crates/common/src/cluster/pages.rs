//! Long lists, page by page: no answer of the server is larger than a page, and of an object only that is
//! kept which the caller makes of it.

use kube::Resource;
use kube::api::{ApiResource, ListParams};
use kube::core::{ObjectList, Request};
use serde::de::DeserializeOwned;

use super::read::attempt;
use super::{Cluster, ClusterError};

/// Objects of one answer.
const PAGE: u32 = 500;
/// How often a list is begun anew because the server no longer knows where it was.
const MAX_RESTARTS: u32 = 3;
/// HTTP status of a list whose `continue` has expired.
const GONE: u16 = 410;

impl Cluster {
    /// Makes one thing of all objects of a kind, in one namespace or everywhere: `start` begins it, `add`
    /// adds an object. A list that takes so long that the server forgets where it was is begun anew.
    ///
    /// # Errors
    /// See [`ClusterError`]; a kind the server does not know is [`ClusterError::Missing`].
    pub async fn fold<K, T>(
        &self,
        namespace: Option<&str>,
        start: impl Fn() -> T,
        add: impl Fn(&mut T, K),
    ) -> Result<T, ClusterError>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned,
    {
        let (mut made, mut place, mut restarts) = (start(), None, 0);
        loop {
            let Some(page) = self
                .page::<K>(namespace, place.as_deref(), restarts < MAX_RESTARTS)
                .await?
            else {
                (made, place) = (start(), None);
                restarts += 1;
                continue;
            };
            page.items.into_iter().for_each(|object| add(&mut made, object));
            place = page.metadata.continue_.filter(|place| !place.is_empty());
            if place.is_none() {
                return Ok(made);
            }
        }
    }

    /// One page; `None` when the server has forgotten the place and that `may_restart`.
    async fn page<K>(
        &self,
        namespace: Option<&str>,
        place: Option<&str>,
        may_restart: bool,
    ) -> Result<Option<ObjectList<K>>, ClusterError>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned,
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
            match self.client.request::<ObjectList<K>>(request).await {
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
