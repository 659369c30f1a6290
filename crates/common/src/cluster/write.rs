//! Writes. Whole objects by server-side apply, one field manager for each owner; what another party
//! also writes is created if absent and then left alone.

use kube::Resource;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::read::{attempt, typed};
use super::{Attempt, Cluster, ClusterError};

/// On whose behalf an object is written; the field manager of server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The setup workflow.
    Setup,
    /// Storage reconciliation.
    Storage,
    /// What operators change on a running appliance.
    Manage,
    /// What the host puts into the cluster at boot.
    Bootstrap,
}

impl Owner {
    /// The field manager's name in the cluster.
    #[must_use]
    pub fn field_manager(self) -> &'static str {
        match self {
            Self::Setup => "alga-appliance-setup",
            Self::Storage => "alga-appliance-storage",
            Self::Manage => "alga-appliance-manage",
            Self::Bootstrap => "alga-appliance-bootstrap",
        }
    }
}

/// What became of a [`Cluster::create`].
#[derive(Debug, Clone)]
pub enum Created<K> {
    /// It was absent and is now as asked.
    Made(K),
    /// Somebody made it first; this is theirs, untouched.
    Existed(K),
}

impl<K> Created<K> {
    /// The object that is there now.
    pub fn into_live(self) -> K {
        match self {
            Self::Made(live) | Self::Existed(live) => live,
        }
    }
}

impl Cluster {
    /// Makes the object be so, whatever it was. For objects that are wholly ours.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn apply<K>(&self, owner: Owner, object: &K) -> Result<K, ClusterError>
    where
        K: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let live = self
            .apply_dynamic(owner, &resource, &dynamic(&resource, object)?)
            .await?;
        typed(&target("applying", &resource, object), live)
    }

    /// [`Cluster::apply`] for a kind known at run time.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn apply_dynamic(
        &self,
        owner: Owner,
        resource: &ApiResource,
        object: &DynamicObject,
    ) -> Result<DynamicObject, ClusterError> {
        let params = PatchParams::apply(owner.field_manager()).force();
        self.patch(
            target("applying", resource, object),
            resource,
            &params,
            &Patch::Apply(object),
        )
        .await
    }

    /// Asks the server whether it would take the object, without storing it.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn try_out<K>(&self, owner: Owner, object: &K) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        let resource = ApiResource::erase::<K>(&());
        let object = dynamic(&resource, object)?;
        let params = PatchParams::apply(owner.field_manager()).force().dry_run();
        self.patch(
            target("trying out", &resource, &object),
            &resource,
            &params,
            &Patch::Apply(&object),
        )
        .await
        .map(drop)
    }

    /// Merges `change` (RFC 7386; `null` removes a key) into one object.
    ///
    /// # Errors
    /// See [`ClusterError`]; an absent object is [`ClusterError::Missing`].
    pub async fn merge<K>(
        &self,
        namespace: Option<&str>,
        name: &str,
        change: &serde_json::Value,
    ) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = ()>,
    {
        let resource = ApiResource::erase::<K>(&());
        let attempt = attempt("changing", &resource, namespace, name);
        self.patch(attempt, &resource, &PatchParams::default(), &Patch::Merge(change))
            .await
            .map(drop)
    }

    /// [`Cluster::merge`] for a kind known at run time.
    ///
    /// # Errors
    /// See [`ClusterError`]; an absent object is [`ClusterError::Missing`].
    pub async fn merge_dynamic(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
        change: &serde_json::Value,
    ) -> Result<DynamicObject, ClusterError> {
        let attempt = attempt("changing", resource, namespace, name);
        self.patch(attempt, resource, &PatchParams::default(), &Patch::Merge(change))
            .await
    }

    /// Creates the object if there is none of its name, and else leaves what is there alone.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn create<K>(&self, owner: Owner, object: &K) -> Result<Created<K>, ClusterError>
    where
        K: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
    {
        let resource = ApiResource::erase::<K>(&());
        let (namespace, name) = (object.meta().namespace.as_deref(), object.meta().name.as_deref());
        let attempt = target("creating", &resource, object);
        let wanted = dynamic(&resource, object)?;
        let api = self.api(&resource, namespace);
        let params = PostParams {
            field_manager: Some(owner.field_manager().to_owned()),
            ..PostParams::default()
        };
        let made = self
            .call(&attempt, || async {
                match api.create(&params, &wanted).await {
                    Ok(live) => Ok(Some(live)),
                    Err(kube::Error::Api(status)) if already_exists(&status) => Ok(None),
                    Err(error) => Err(error),
                }
            })
            .await?;
        if let Some(live) = made {
            return typed(&attempt, live).map(Created::Made);
        }
        let live = self.call(&attempt, || api.get(name.unwrap_or_default())).await?;
        typed(&attempt, live).map(Created::Existed)
    }

    /// Deletes one object; one that is not there is fine.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn delete<K>(&self, namespace: Option<&str>, name: &str) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = ()>,
    {
        self.delete_dynamic(&ApiResource::erase::<K>(&()), namespace, name)
            .await
    }

    /// [`Cluster::delete`] for a kind known at run time; a kind the server does not know has no objects.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub async fn delete_dynamic(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<(), ClusterError> {
        let attempt = attempt("deleting", resource, namespace, name);
        let api = self.api(resource, namespace);
        let params = DeleteParams::background();
        match self.call(&attempt, || api.delete(name, &params)).await {
            Ok(_) | Err(ClusterError::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes one object if it still is the one, in the version, that was looked at.
    ///
    /// # Errors
    /// See [`ClusterError`]; [`ClusterError::Refused`] when somebody changed or replaced it since.
    pub async fn delete_seen<K>(&self, seen: &K) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = ()>,
    {
        let resource = ApiResource::erase::<K>(&());
        let meta = seen.meta();
        let attempt = target("deleting", &resource, seen);
        let api = self.api(&resource, meta.namespace.as_deref());
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
            }),
            ..DeleteParams::background()
        };
        match self.call(&attempt, || api.delete(&attempt.name, &params)).await {
            Ok(_) | Err(ClusterError::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Changes one object of the whole cluster by a JSON patch (RFC 6902), whose `test` operations make
    /// the server refuse it when the object is not what was looked at.
    ///
    /// # Errors
    /// See [`ClusterError`]; a failed test is [`ClusterError::Refused`].
    pub async fn patch_exactly<K>(
        &self,
        name: &str,
        operations: &serde_json::Value,
    ) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = ()>,
    {
        let resource = ApiResource::erase::<K>(&());
        let attempt = attempt("changing", &resource, None, name);
        let path = format!("{}/{name}", K::url_path(&(), None));
        self.call(&attempt, || async {
            // kube's own JSON patch needs a further crate for a body that is plain JSON.
            let request = http::Request::patch(&path)
                .header(http::header::CONTENT_TYPE, "application/json-patch+json")
                .body(operations.to_string().into_bytes())
                .map_err(kube::Error::HttpError)?;
            self.client.request::<serde_json::Value>(request).await
        })
        .await
        .map(drop)
    }

    /// Deletes exactly the object with this uid: a newer one of the same name stays.
    ///
    /// # Errors
    /// See [`ClusterError`]; one that is gone, or was replaced, is fine.
    pub async fn delete_exactly<K>(&self, namespace: &str, name: &str, uid: &str) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = ()>,
    {
        let resource = ApiResource::erase::<K>(&());
        let attempt = attempt("deleting", &resource, Some(namespace), name);
        let api = self.api(&resource, Some(namespace));
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        });
        let deletion = || async {
            match api.delete(name, &params).await {
                Ok(_) => Ok(()),
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
                Err(error) => Err(error),
            }
        };
        match self.call(&attempt, deletion).await {
            Ok(()) | Err(ClusterError::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that writes")]
    async fn patch<P: Serialize + std::fmt::Debug>(
        &self,
        attempt: Attempt,
        resource: &ApiResource,
        params: &PatchParams,
        patch: &Patch<P>,
    ) -> Result<DynamicObject, ClusterError> {
        let api = self.api(resource, attempt.namespace.as_deref());
        self.call(&attempt, || api.patch(&attempt.name, params, patch))
            .await
    }
}

fn already_exists(status: &Status) -> bool {
    status.code == 409 && status.reason == "AlreadyExists"
}

fn target<K: Resource>(verb: &'static str, resource: &ApiResource, object: &K) -> Attempt {
    let meta = object.meta();
    attempt(
        verb,
        resource,
        meta.namespace.as_deref(),
        meta.name.as_deref().unwrap_or_default(),
    )
}

/// A typed object as the server takes it: with `apiVersion` and `kind`.
fn dynamic<K>(resource: &ApiResource, object: &K) -> Result<DynamicObject, ClusterError>
where
    K: Resource<DynamicType = ()> + Serialize,
{
    let unintelligible = |source: serde_json::Error| ClusterError::Unintelligible {
        attempt: target("preparing", resource, object),
        source: Box::new(source),
    };
    let mut value = serde_json::to_value(object).map_err(unintelligible)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("apiVersion".to_owned(), resource.api_version.clone().into());
        fields.insert("kind".to_owned(), resource.kind.clone().into());
    }
    serde_json::from_value(value).map_err(unintelligible)
}
