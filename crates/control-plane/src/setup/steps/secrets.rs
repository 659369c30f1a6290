//! The Secrets the application starts from. Each is read first: a value that lives stays, and what
//! needs no change is not written.

use appliance_common::cluster::{Cluster, ClusterError, Created, Owner};
use appliance_common::names::{namespace, object};
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all, try_join4};
use k8s_openapi::api::core::v1::Secret;

use super::{Outcome, Step, apply_failure};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::inputs::LicenseChoice;
use crate::setup::objects::{self, InitialTenant, WantedSecret};
use crate::setup::plan::StepId;

pub(super) struct Secrets;

impl Step for Secrets {
    fn id(&self) -> StepId {
        StepId::Secrets
    }

    fn blame(&self) -> Blame {
        Blame::ApplyRuntimeValues
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move { Ok(changes(cx, &read(cx).await?).await?.is_empty()) }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let mut live = read(cx).await?;
            if forget_last_applied(cluster, &live).await? {
                // Their versions have moved.
                live = read(cx).await?;
            }
            let changed = changes(cx, &live).await?;
            try_join_all(changed.iter().map(|secret| write(cluster, secret.object())))
                .await
                .map_err(|error| apply_failure(&error))?;
            Ok(Outcome::new(match changed.len() {
                0 => "everything was already stored".to_owned(),
                n => format!("{n} Secrets are stored"),
            }))
        }
        .boxed()
    }
}

/// The live Secrets, as far as they exist.
struct Live {
    initial_tenant: Option<Secret>,
    psa_shared: Option<Secret>,
    status_auth: Option<Secret>,
    license_seed: Option<Secret>,
}

impl Live {
    fn all(&self) -> impl Iterator<Item = &Secret> {
        [
            &self.initial_tenant,
            &self.psa_shared,
            &self.status_auth,
            &self.license_seed,
        ]
        .into_iter()
        .flatten()
    }
}

async fn read(cx: &StepContext) -> Result<Live, Failure> {
    let cluster = cx.cluster().await?;
    let get = |namespace, name| cluster.get::<Secret>(Some(namespace), name);
    let (initial_tenant, psa_shared, status_auth, license_seed) = try_join4(
        get(namespace::MSP, object::INITIAL_TENANT),
        get(namespace::MSP, object::PSA_SHARED),
        get(namespace::APPLIANCE_SYSTEM, object::STATUS_AUTH),
        get(namespace::MSP, object::LICENSE_SEED),
    )
    .await
    .map_err(|error| apply_failure(&error))?;
    Ok(Live {
        initial_tenant,
        psa_shared,
        status_auth,
        license_seed,
    })
}

/// What must be written so that every Secret is as it should be.
async fn changes(cx: &StepContext, live: &Live) -> Result<Vec<WantedSecret>, Failure> {
    let LicenseChoice::Manual { edition, key } = &cx.inputs.license else {
        // The step before this one has already stopped.
        return Ok(Vec::new());
    };
    let initial_tenant = initial_tenant(cx, live.initial_tenant.clone()).await?;
    let psa_shared = objects::psa_shared(live.psa_shared.as_ref());
    let setup_token = cx.setup_token();
    let status_auth = objects::status_auth(live.status_auth.as_ref(), setup_token.as_ref());
    let license_seed = objects::license_seed(live.license_seed.as_ref(), *edition, key.as_ref());
    Ok([initial_tenant, psa_shared, status_auth, license_seed]
        .into_iter()
        .flatten()
        .collect())
}

/// Hashing the password takes long enough to keep it off the server's threads.
async fn initial_tenant(cx: &StepContext, live: Option<Secret>) -> Result<Option<WantedSecret>, Failure> {
    let format = cx.chosen().await?.release.password_format;
    let (tenant, password) = (cx.inputs.tenant.clone(), cx.inputs.admin_password.clone());
    let made = tokio::task::spawn_blocking(move || {
        let wanted = InitialTenant {
            tenant: &tenant,
            password: &password,
            format,
        };
        objects::initial_tenant(live.as_ref(), &wanted)
    });
    made.await.map_err(|_| ending())
}

fn ending() -> Failure {
    Failure::new(
        Blame::RenderInitialTenantSecret,
        "ending",
        "The administrator's password was not hashed",
        "the control plane is ending",
        "Nothing: setup goes on when the control plane is back.",
    )
    .passing()
}

/// A Secret that was absent is created and never overwrites one that somebody made meanwhile; one that
/// was there carries the version it was merged into.
async fn write(cluster: &Cluster, secret: &Secret) -> Result<(), ClusterError> {
    if secret.metadata.resource_version.is_some() {
        return cluster.apply(Owner::Setup, secret).await.map(drop);
    }
    match cluster.create(Owner::Setup, secret).await? {
        Created::Made(_) => Ok(()),
        Created::Existed(live) => {
            let name = live.metadata.name.unwrap_or_default();
            Err(ClusterError::Raced { name })
        }
    }
}

/// Removes the copies of their values that client-side apply left on Secrets; says whether there were any.
async fn forget_last_applied(cluster: &Cluster, live: &Live) -> Result<bool, Failure> {
    let copies = live
        .all()
        .filter_map(|secret| Some((&secret.metadata, objects::without_last_applied(secret)?)));
    let removed = try_join_all(copies.map(|(meta, change)| async move {
        let name = meta.name.as_deref().unwrap_or_default();
        cluster
            .merge::<Secret>(meta.namespace.as_deref(), name, &change)
            .await
    }));
    let removed = removed.await.map_err(|error| apply_failure(&error))?;
    Ok(!removed.is_empty())
}
