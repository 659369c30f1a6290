//! Which objects in a cluster the appliance wrote, by their field managers.

use anyhow::{Context, Result};
use appliance_common::cluster::Owner;
use appliance_tests::cluster::client_of;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use kube::{Client, ResourceExt};

/// On whose behalf a setup run writes.
const OWNERS: [Owner; 2] = [Owner::Setup, Owner::Storage];

/// How many objects have a field that the setup workflow owns.
pub(crate) async fn applied(kubeconfig: &std::path::Path) -> Result<usize> {
    let client = client_of(kubeconfig).await?;
    let kinds = Discovery::new(client.clone()).run().await;
    let kinds = kinds.context("asking the API server for its kinds")?;
    let mut count = 0;
    for group in kinds.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            if capabilities.supports_operation(verbs::LIST) {
                count += of_kind(&client, &resource).await?;
            }
        }
    }
    Ok(count)
}

async fn of_kind(client: &Client, resource: &ApiResource) -> Result<usize> {
    let api = Api::<DynamicObject>::all_with(client.clone(), resource);
    let listed = api.list_metadata(&ListParams::default()).await;
    let listed = listed.with_context(|| format!("listing {}", resource.plural))?;
    let is_ours = |manager: &str| OWNERS.iter().any(|owner| owner.field_manager() == manager);
    let ours = listed.items.iter().filter(|object| {
        let managers = object.managed_fields().iter();
        managers.filter_map(|entry| entry.manager.as_deref()).any(is_ours)
    });
    Ok(ours.count())
}
