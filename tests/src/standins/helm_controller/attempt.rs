//! One attempt at a release, from its values to the health of its workloads.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::outcome::{self, Failure};
use super::release::Release;
use super::{Plan, Player, health, origin, values};
use crate::apply::{self, Applied};
use crate::files;
use crate::standins::{resource, status};

/// The field manager of Flux's helm-controller.
const MANAGER: &str = "helm-controller";

/// How often workloads, and a script that stalls us, are looked at.
const POLL: Duration = Duration::from_millis(250);

impl Player {
    /// Makes one attempt and writes its outcome into the status; gives whether it succeeded.
    pub(super) async fn reconcile(&self, object: &DynamicObject) -> Result<bool> {
        let (api, name) = (self.api(object), object.name_any());
        let release = Release::of(object)?;
        let values = match values::of(&self.client, &release).await {
            Ok(values) => values,
            Err(error) => {
                let failure = Failure::NotPossible {
                    reason: "ValuesError",
                    message: format!("{error:#}"),
                };
                status::merge(&api, &name, outcome::failed(&release, &failure, None)).await?;
                return Ok(false);
            }
        };
        let digest = values::digest(&values);
        if gave_up(&release, &digest) {
            status::merge(&api, &name, outcome::handled(&release)).await?;
            return Ok(false);
        }
        status::merge(&api, &name, outcome::running(&release)).await?;
        let result = self.act(&release, &values).await;
        let status = match &result {
            Ok(()) => outcome::succeeded(&release, &digest),
            Err(failure) => outcome::failed(&release, failure, Some(&digest)),
        };
        status::merge(&api, &name, status).await?;
        Ok(result.is_ok())
    }

    async fn act(&self, release: &Release<'_>, values: &Value) -> Result<(), Failure> {
        self.follow_script(release).await?;
        let chart = self
            .chart_location(release)
            .await
            .map_err(|error| Failure::NotPossible {
                reason: "SourceNotReady",
                message: format!("{error:#}"),
            })?;
        self.install(release, chart, values)
            .await
            .map_err(|error| Failure::Failed(format!("{error:#}")))
    }

    /// Does what the script has in mind for this release.
    async fn follow_script(&self, release: &Release<'_>) -> Result<(), Failure> {
        loop {
            match self.plan(release) {
                None => return Ok(()),
                Some(Plan::Fail(message)) => return Err(Failure::Failed(message)),
                Some(Plan::Stall) => sleep(POLL).await,
            }
        }
    }

    /// The arguments by which helm finds the chart.
    async fn chart_location(&self, release: &Release<'_>) -> Result<Vec<String>> {
        let chart = &release.spec.chart.spec;
        let kind = resource(
            "source.toolkit.fluxcd.io",
            "v1",
            "HelmRepository",
            "helmrepositories",
        );
        let namespace = chart
            .source_ref
            .namespace
            .clone()
            .unwrap_or_else(|| release.namespace());
        let what = format!("HelmRepository {namespace}/{}", chart.source_ref.name);
        let api = apply::api(&self.client, &kind, Some(&namespace));
        let repository = api
            .get_opt(&chart.source_ref.name)
            .await
            .with_context(|| format!("reading {what}"))?;
        let repository = repository.with_context(|| format!("{what} does not exist"))?;
        let spec = &repository.data["spec"];
        let url = spec["url"].as_str().unwrap_or_default().trim_end_matches('/');
        let mut location = vec![
            format!("{url}/{}", chart.chart),
            "--version".to_owned(),
            chart.version.clone(),
        ];
        if spec["insecure"] == true {
            location.push("--plain-http".to_owned());
        }
        Ok(location)
    }

    async fn install(&self, release: &Release<'_>, chart: Vec<String>, values: &Value) -> Result<()> {
        let (_, settings) = release.action();
        let target = release.target();
        if settings.create_namespace {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": target}});
            apply::yaml(&self.client, MANAGER, "", &namespace.to_string()).await?;
        }
        let rendered = self.render(release, chart, values).await?;
        let bootstrap = *super::lock(&self.bootstrap);
        let rendered = origin::prepared(release, &rendered, bootstrap)?;
        let applied = apply::yaml(&self.client, MANAGER, &target, &rendered).await?;
        if settings.disable_wait {
            return Ok(());
        }
        self.wait(&applied, Instant::now() + release.timeout()).await
    }

    /// `helm template` with a look at the cluster, so that charts keep the secrets they made.
    async fn render(&self, release: &Release<'_>, chart: Vec<String>, values: &Value) -> Result<String> {
        let name = format!("{}-{}", release.namespace(), release.object.name_any());
        let file = self.helm.file(&format!("{name}.values.json"));
        files::write(&file, values.to_string().as_bytes())?;
        let mut args = vec!["template".to_owned(), release.helm_name()];
        args.extend(chart);
        args.extend(["--namespace".to_owned(), release.target()]);
        args.extend(["--values".to_owned(), file.display().to_string()]);
        args.extend(["--dry-run=server".to_owned(), "--no-hooks".to_owned()]);
        args.extend(["--kubeconfig".to_owned(), self.kubeconfig.display().to_string()]);
        if release.next_version() > 1 {
            args.push("--is-upgrade".to_owned());
        }
        self.helm.run(&name, args).await
    }

    async fn wait(&self, applied: &[Applied], deadline: Instant) -> Result<()> {
        for object in applied {
            loop {
                let live = object.api(&self.client).get_opt(&object.name).await?;
                let live = live.map(serde_json::to_value).transpose()?.unwrap_or_default();
                if health::is_healthy(&object.resource.kind, &live) {
                    break;
                }
                anyhow::ensure!(
                    Instant::now() < deadline,
                    "context deadline exceeded: {} {} is not ready",
                    object.resource.kind,
                    object.name
                );
                sleep(POLL).await;
            }
        }
        Ok(())
    }
}

/// Whether no retry is left and nothing has changed since: then only a forced request helps.
fn gave_up(release: &Release<'_>, config_digest: &str) -> bool {
    status::is(release.object, "Stalled", "True")
        && release.object.data["status"]["lastAttemptedConfigDigest"] == config_digest
        && !release.is_forced()
}
