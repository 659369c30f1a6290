//! The box as it is delivered: takes away what an install made in a cluster without controllers.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, NamespaceSpec, Secret};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};

use super::objects::resource;

/// Namespaces that setup makes.
const NAMESPACES: [&str; 4] = [
    "msp",
    "alga-system",
    "appliance-system",
    "alga-appliance-control-plane",
];

pub(super) async fn everything(client: &Client) -> Result<()> {
    for kind in ["OCIRepository", "Kustomization"] {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "flux-system", &resource(kind)?);
        api.delete_collection(&DeleteParams::default(), &ListParams::default())
            .await?;
    }
    // Storage has something to put right.
    let storage = Api::<ConfigMap>::namespaced(client.clone(), "local-path-storage");
    storage
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await?;
    // The API server takes a tenth of a second for each.
    try_join_all(NAMESPACES.map(|name| remove_namespace(client, name))).await?;
    Ok(())
}

/// The namespace controller's part: empties a namespace and lets it go.
async fn remove_namespace(client: &Client, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_opt(name).await?.is_none() {
        return Ok(());
    }
    let (one, all) = (DeleteParams::default(), ListParams::default());
    let secrets = Api::<Secret>::namespaced(client.clone(), name);
    secrets.delete_collection(&one, &all).await?;
    let config_maps = Api::<ConfigMap>::namespaced(client.clone(), name);
    config_maps.delete_collection(&one, &all).await?;
    namespaces.delete(name, &one).await?;
    let mut last = namespaces.get(name).await?;
    last.spec = Some(NamespaceSpec::default());
    namespaces
        .replace_subresource("finalize", name, &PostParams::default(), &last)
        .await?;
    ensure!(namespaces.get_opt(name).await?.is_none(), "{name} does not go");
    Ok(())
}
