//! The Secrets the application starts from. Each is read first: a value that lives stays, and what
//! needs no change is not written.

use appliance_common::cluster::{Cluster, ClusterError, Created, Owner};
use appliance_common::names::{namespace, object};
use futures::FutureExt;
use futures::future::{BoxFuture, try_join, try_join_all, try_join3};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ApiResource;

use super::{Outcome, Step, apply_failure};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::inputs::LicenseChoice;
use crate::setup::objects::{self, InitialTenant, WantedSecret};
use crate::setup::plan::StepId;
use crate::setup::redemption::{Desk, Held, Redeemed};

pub(super) struct Secrets;

impl Step for Secrets {
    fn id(&self) -> StepId {
        StepId::Secrets
    }

    fn blame(&self) -> Blame {
        Blame::ApplyRuntimeValues
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move { Ok(changes(cx, &Live::read(cx).await?).await?.is_empty()) }.boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let mut live = Live::read(cx).await?;
            if forget_last_applied(cluster, &live).await? {
                // Their versions have moved.
                live = Live::read(cx).await?;
            }
            let changed = changes(cx, &live).await?;
            let written = try_join_all(changed.iter().map(|secret| write(cluster, secret.object())));
            live.take_over(written.await.map_err(|error| apply_failure(&error))?);
            settle(cx, &live).await?;
            Ok(Outcome::new(match changed.len() {
                0 => "everything was already stored".to_owned(),
                n => format!("{n} Secrets are stored"),
            }))
        }
        .boxed()
    }
}

/// The live Secrets, as far as they exist.
pub(super) struct Live {
    initial_tenant: Option<Secret>,
    psa_shared: Option<Secret>,
    status_auth: Option<Secret>,
    license_seed: Option<Secret>,
}

impl Live {
    pub(super) async fn read(cx: &StepContext) -> Result<Self, Failure> {
        let cluster = cx.cluster().await?;
        let status_auth = cluster.get::<Secret>(Some(namespace::APPLIANCE_SYSTEM), object::STATUS_AUTH);
        let (names, status_auth) = try_join(names(cluster), status_auth)
            .await
            .map_err(|error| apply_failure(&error))?;
        let get = |name| known(cluster, &names, name);
        let (initial_tenant, psa_shared, license_seed) = try_join3(
            get(object::INITIAL_TENANT),
            get(object::PSA_SHARED),
            get(object::LICENSE_SEED),
        )
        .await
        .map_err(|error| apply_failure(&error))?;
        Ok(Self {
            initial_tenant,
            psa_shared,
            status_auth,
            license_seed,
        })
    }

    /// Only those that a redemption goes into.
    pub(super) async fn of_a_redemption(cx: &StepContext) -> Result<Self, Failure> {
        let cluster = cx.cluster().await?;
        let names = names(cluster).await.map_err(|error| apply_failure(&error))?;
        let get = |name| known(cluster, &names, name);
        let (initial_tenant, license_seed) = try_join(get(object::INITIAL_TENANT), get(object::LICENSE_SEED))
            .await
            .map_err(|error| apply_failure(&error))?;
        Ok(Self {
            initial_tenant,
            psa_shared: None,
            status_auth: None,
            license_seed,
        })
    }

    /// What the API server says that it has stored.
    fn take_over(&mut self, written: Vec<Secret>) {
        for secret in written {
            match secret.metadata.name.as_deref() {
                Some(object::INITIAL_TENANT) => self.initial_tenant = Some(secret),
                Some(object::LICENSE_SEED) => self.license_seed = Some(secret),
                _ => {}
            }
        }
    }

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

    /// What they hold of a redemption.
    pub(super) fn held(&self) -> Held {
        objects::held(self.initial_tenant.as_ref(), self.license_seed.as_ref())
    }

    /// Asks the API server whether it would take the Secrets; nothing is stored.
    pub(super) async fn try_out(&self, cx: &StepContext) -> Result<(), Failure> {
        cx.say("asking the cluster whether it would take what the code gives");
        let cluster = cx.cluster().await?;
        let mut trials = objects::trials(self.initial_tenant.as_ref(), self.license_seed.as_ref());
        if self.initial_tenant.is_none() && self.license_seed.is_none() {
            // Two new ones in one namespace: what is true of one is true of the other.
            trials.truncate(1);
        }
        let tried = trials
            .iter()
            .map(|secret| cluster.try_out(Owner::Setup, secret.object()));
        try_join_all(tried)
            .await
            .map(drop)
            .map_err(|error| apply_failure(&error))
    }
}

/// Which Secrets the application's namespace has: on a fresh box none, and none is then asked for.
async fn names(cluster: &Cluster) -> Result<Vec<String>, ClusterError> {
    let secrets = ApiResource::erase::<Secret>(&());
    cluster.names_of(&secrets, Some(namespace::MSP)).await
}

async fn known(cluster: &Cluster, names: &[String], name: &str) -> Result<Option<Secret>, ClusterError> {
    if names.iter().any(|known| known == name) {
        cluster.get(Some(namespace::MSP), name).await
    } else {
        Ok(None)
    }
}

/// What must be written so that every Secret is as it should be.
async fn changes(cx: &StepContext, live: &Live) -> Result<Vec<WantedSecret>, Failure> {
    let (tenant_id, license_seed) = match &cx.inputs.license {
        LicenseChoice::Manual { edition, key } => {
            let seed = objects::license_seed(live.license_seed.as_ref(), *edition, key.as_ref());
            (None, seed)
        }
        LicenseChoice::Code(code) => {
            let redeemed = redeemed(&Desk::open(cx, code).await?, live)?;
            let seed = objects::redeemed_seed(live.license_seed.as_ref(), &redeemed);
            (Some(redeemed.redemption.tenant_id), seed)
        }
    };
    let initial_tenant = initial_tenant(cx, live.initial_tenant.clone(), tenant_id).await?;
    let psa_shared = objects::psa_shared(live.psa_shared.as_ref());
    let setup_token = cx.setup_token();
    let status_auth = objects::status_auth(live.status_auth.as_ref(), setup_token.as_ref());
    Ok([initial_tenant, psa_shared, status_auth, license_seed]
        .into_iter()
        .flatten()
        .collect())
}

/// What the code was for; the step before this one has seen to it that this is on record.
fn redeemed(desk: &Desk<'_>, live: &Live) -> Result<Redeemed, Failure> {
    desk.recorded(&live.held())?.ok_or_else(|| {
        Failure::new(
            Blame::RedeemInstallCode,
            "state",
            "What the install code was for is not on record",
            "the record was changed while setup ran",
            "Try again: the code is then looked up or redeemed anew.",
        )
    })
}

/// Once the cluster is seen to hold what the code gave, the ledger lets go of licence and credential.
async fn settle(cx: &StepContext, live: &Live) -> Result<(), Failure> {
    let LicenseChoice::Code(code) = &cx.inputs.license else {
        return Ok(());
    };
    let mut desk = Desk::open(cx, code).await?;
    let redeemed = redeemed(&desk, live)?;
    let is_stored = live.held().tenant_id.as_ref() == Some(&redeemed.redemption.tenant_id)
        && objects::redeemed_seed(live.license_seed.as_ref(), &redeemed).is_none();
    if !is_stored {
        return Err(Failure::new(
            Blame::ApplyRuntimeValues,
            "cluster-refused",
            "The cluster did not keep what the install code gave",
            "Secrets msp/appliance-initial-tenant and msp/appliance-license-seed are not as they were written",
            "Nothing: setup writes them again from its own record.",
        )
        .passing());
    }
    desk.settle().await
}

/// Hashing the password takes long enough to keep it off the server's threads.
async fn initial_tenant(
    cx: &StepContext,
    live: Option<Secret>,
    tenant_id: Option<String>,
) -> Result<Option<WantedSecret>, Failure> {
    let format = cx.chosen().await?.release.password_format;
    let (tenant, password) = (cx.inputs.tenant.clone(), cx.inputs.admin_password.clone());
    let made = tokio::task::spawn_blocking(move || {
        let wanted = InitialTenant {
            tenant: &tenant,
            password: &password,
            format,
            tenant_id: tenant_id.as_deref(),
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
async fn write(cluster: &Cluster, secret: &Secret) -> Result<Secret, ClusterError> {
    if secret.metadata.resource_version.is_some() {
        return cluster.apply(Owner::Setup, secret).await;
    }
    match cluster.create(Owner::Setup, secret).await? {
        Created::Made(live) => Ok(live),
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
