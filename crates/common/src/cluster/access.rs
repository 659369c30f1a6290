//! What the API server would allow us.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};

use super::{Attempt, Cluster, ClusterError};

/// Something one may or may not do.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// `get`, `create`, …
    pub verb: &'a str,
    /// Plural name of the kind, in the core group.
    pub resource: &'a str,
    /// Part of it, `exec` for one.
    pub subresource: &'a str,
}

impl Cluster {
    /// Whether we may do this, in every namespace.
    ///
    /// # Errors
    /// See [`ClusterError`]; a no is not an error.
    pub async fn may(&self, access: Access<'_>) -> Result<bool, ClusterError> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(access.verb.to_owned()),
                    resource: Some(access.resource.to_owned()),
                    subresource: Some(access.subresource.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let attempt = Attempt {
            verb: "asking for leave to",
            kind: format!("{} {}/{}", access.verb, access.resource, access.subresource),
            namespace: None,
            name: String::new(),
        };
        let api = Api::<SelfSubjectAccessReview>::all(self.client.clone());
        let params = PostParams::default();
        let answer = self.call(&attempt, || api.create(&params, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
