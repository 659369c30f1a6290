//! Reads: absent is an answer, everything else that is not the object is an error.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, LogParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::{Attempt, Cluster, ClusterError};

impl Cluster {
    /// One object; `None` when there is none of that name.
    ///
    /// # Errors
    /// See [`ClusterError`]; a missing object is none.
    pub async fn get<K>(&self, namespace: Option<&str>, name: &str) -> Result<Option<K>, ClusterError>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        match self.get_dynamic(&resource, namespace, name).await? {
            Some(object) => typed(&attempt("reading", &resource, namespace, name), object).map(Some),
            None => Ok(None),
        }
    }

    /// One object of a kind known at run time; `None` when there is none of that name.
    ///
    /// # Errors
    /// See [`ClusterError`]; a missing object is none.
    pub async fn get_dynamic(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        let api = self.api(resource, namespace);
        self.call(&attempt("reading", resource, namespace, name), || {
            api.get_opt(name)
        })
        .await
    }

    /// All objects of a kind with these labels (`app=x`; empty for all), in one namespace or everywhere.
    ///
    /// # Errors
    /// See [`ClusterError`]; a kind the server does not know is [`ClusterError::Missing`].
    pub async fn list<K>(&self, namespace: Option<&str>, labels: &str) -> Result<Vec<K>, ClusterError>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let attempt = attempt("listing", &resource, namespace, "");
        let found = self.list_dynamic(&resource, namespace, labels).await?;
        found.into_iter().map(|object| typed(&attempt, object)).collect()
    }

    /// [`Cluster::list`] for a kind known at run time.
    ///
    /// # Errors
    /// See [`ClusterError`]; a kind the server does not know is [`ClusterError::Missing`].
    pub async fn list_dynamic(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<DynamicObject>, ClusterError> {
        let attempt = attempt("listing", resource, namespace, "");
        let api = self.api(resource, namespace);
        let params = ListParams::default().labels(labels);
        Ok(self.call(&attempt, || api.list(&params)).await?.items)
    }

    /// What the cluster's controllers have said of one object.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn events_about(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
    ) -> Result<Vec<Event>, ClusterError> {
        let resource = ApiResource::erase::<Event>(&());
        let attempt = attempt("listing", &resource, Some(namespace), "");
        let api = self.api(&resource, Some(namespace));
        let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
        let params = ListParams::default().fields(&fields);
        let found = self.call(&attempt, || api.list(&params)).await?.items;
        found.into_iter().map(|object| typed(&attempt, object)).collect()
    }

    /// Names of all objects of a kind, without the objects.
    ///
    /// # Errors
    /// See [`ClusterError`]; a kind the server does not know is [`ClusterError::Missing`].
    pub async fn names_of(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> Result<Vec<String>, ClusterError> {
        let attempt = attempt("listing", resource, namespace, "");
        let api = self.api(resource, namespace);
        let params = ListParams::default();
        let found = self.call(&attempt, || api.list_metadata(&params)).await?;
        Ok(found.items.iter().map(ResourceExt::name_any).collect())
    }

    /// The objects of a kind that a field selector names (`metadata.name=x`), in every namespace.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn list_selected(
        &self,
        resource: &ApiResource,
        fields: &str,
    ) -> Result<Vec<DynamicObject>, ClusterError> {
        let api = self.api(resource, None);
        let params = ListParams::default().fields(fields);
        let attempt = attempt("listing", resource, None, "");
        Ok(self.call(&attempt, || api.list(&params)).await?.items)
    }

    /// The end of a pod's log, of at most `lines` lines and `bytes` bytes.
    ///
    /// # Errors
    /// See [`ClusterError`]; also when the pod has not started.
    pub async fn log_tail(
        &self,
        namespace: &str,
        pod: &str,
        lines: i64,
        bytes: i64,
    ) -> Result<String, ClusterError> {
        let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let params = LogParams {
            tail_lines: Some(lines),
            limit_bytes: Some(bytes),
            ..LogParams::default()
        };
        let resource = ApiResource::erase::<Pod>(&());
        let attempt = attempt("reading the log of", &resource, Some(namespace), pod);
        self.call(&attempt, || api.logs(pod, &params)).await
    }

    /// The kinds that the server serves under a group and version (`helm.toolkit.fluxcd.io/v2`);
    /// none when it does not know them.
    ///
    /// # Errors
    /// See [`ClusterError`]; an unknown group is none.
    pub async fn kinds_of(&self, group_version: &str) -> Result<Vec<String>, ClusterError> {
        let attempt = Attempt {
            verb: "listing the kinds of",
            kind: group_version.to_owned(),
            namespace: None,
            name: String::new(),
        };
        match self
            .call(&attempt, || self.client.list_api_group_resources(group_version))
            .await
        {
            Ok(found) => Ok(found
                .resources
                .into_iter()
                .map(|resource| resource.kind)
                .collect()),
            Err(ClusterError::Missing { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// An object as its own type.
pub(super) fn typed<K>(attempt: &Attempt, object: DynamicObject) -> Result<K, ClusterError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    object.try_parse().map_err(|source| ClusterError::Unintelligible {
        attempt: attempt.clone(),
        source: Box::new(source),
    })
}

pub(super) fn attempt(
    verb: &'static str,
    resource: &ApiResource,
    namespace: Option<&str>,
    name: &str,
) -> Attempt {
    Attempt {
        verb,
        kind: resource.kind.clone(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}
