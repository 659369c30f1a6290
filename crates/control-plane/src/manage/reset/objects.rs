//! The Job and the Secret of a reset. Pure: the application's Deployment in, objects out.

use std::collections::BTreeMap;

use appliance_common::names::namespace;
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Container, EnvVar, EnvVarSource, PodSpec, PodTemplateSpec, ResourceRequirements, Secret,
    SecretKeySelector,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use serde_json::Value;

use super::{NewPassword, ResetState};
use crate::manage::application;

/// Of both objects, always the same: who makes the Job has the turn.
pub(super) const NAME: &str = "alga-admin-password-reset";
/// What they are found by, those of the shipped product too.
pub(super) const SELECTOR: &str = "app.kubernetes.io/component=initial-admin-password-reset";
const COMPONENT: &str = "initial-admin-password-reset";
const SCRIPT: &str = "/app/server/scripts/appliance-reset-admin-password.mjs";
/// Longest time the Job may take.
const DEADLINE_SECONDS: i64 = 120;
/// How long it stays after its end, if nobody takes it away.
const KEPT_SECONDS: i32 = 300;

const PASSWORD: &str = "RESET_ADMIN_PASSWORD";
const EMAIL: &str = "RESET_ADMIN_EMAIL";
const TENANT: &str = "RESET_ADMIN_TENANT_ID";

/// Whose password it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) email: String,
    pub(super) tenant_id: String,
}

/// The Job, suspended: as the application's container is, with another command. Nothing when the
/// Deployment has no container.
pub(super) fn job(application: &Deployment) -> Option<Job> {
    let pod = application.spec.as_ref()?.template.spec.as_ref()?;
    let app = application::container(&pod.containers)?;
    let container = Container {
        name: "reset".to_owned(),
        image: app.image.clone(),
        image_pull_policy: app.image_pull_policy.clone(),
        command: Some(vec!["node".to_owned(), SCRIPT.to_owned()]),
        env: Some(env(app.env.as_deref().unwrap_or_default())),
        env_from: app.env_from.clone(),
        security_context: app.security_context.clone(),
        resources: Some(resources()),
        ..Container::default()
    };
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container],
            restart_policy: Some("Never".to_owned()),
            service_account_name: pod.service_account_name.clone(),
            image_pull_secrets: pod.image_pull_secrets.clone(),
            security_context: pod.security_context.clone(),
            ..PodSpec::default()
        }),
    };
    Some(Job {
        metadata: metadata(),
        spec: Some(JobSpec {
            suspend: Some(true),
            backoff_limit: Some(0),
            active_deadline_seconds: Some(DEADLINE_SECONDS),
            ttl_seconds_after_finished: Some(KEPT_SECONDS),
            template,
            ..JobSpec::default()
        }),
        ..Job::default()
    })
}

/// The Secret, which goes when the Job with this uid goes.
pub(super) fn secret(job_uid: &str, whose: &Whose, password: &NewPassword) -> Secret {
    let value = |text: &str| ByteString(text.as_bytes().to_vec());
    let mut metadata = metadata();
    metadata.owner_references = Some(vec![OwnerReference {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        name: NAME.to_owned(),
        uid: job_uid.to_owned(),
        ..OwnerReference::default()
    }]);
    Secret {
        metadata,
        data: Some(BTreeMap::from([
            (PASSWORD.to_owned(), value(password.0.expose())),
            (EMAIL.to_owned(), value(&whose.email)),
            (TENANT.to_owned(), value(&whose.tenant_id)),
        ])),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// How a Job with this status ended; nothing while it has not. The script changes one row or none, and says
/// so by its exit code; a Job that was cut off at its deadline may have done either.
pub(super) fn end(status: &Value) -> Option<ResetState> {
    let conditions = status["conditions"].as_array()?;
    let of = |kind: &str| {
        let mut all = conditions.iter();
        all.find(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    match (of("Complete"), of("Failed")) {
        (Some(_), _) => Some(ResetState::Succeeded),
        (None, Some(failed)) if failed["reason"] == "DeadlineExceeded" => Some(ResetState::Unknown),
        (None, Some(_)) => Some(ResetState::Failed),
        (None, None) => None,
    }
}

fn env(of_app: &[EnvVar]) -> Vec<EnvVar> {
    let ours = [PASSWORD, EMAIL, TENANT];
    let kept = of_app
        .iter()
        .filter(|var| !ours.contains(&var.name.as_str()))
        .cloned();
    let from_secret = |name: &str| EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: NAME.to_owned(),
                key: name.to_owned(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
    };
    kept.chain(ours.map(from_secret)).collect()
}

fn resources() -> ResourceRequirements {
    let of = |cpu: &str, memory: &str| {
        let both = [("cpu", cpu), ("memory", memory)];
        Some(
            both.map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
                .into(),
        )
    };
    ResourceRequirements {
        requests: of("25m", "64Mi"),
        limits: of("250m", "256Mi"),
        ..ResourceRequirements::default()
    }
}

fn metadata() -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace::MSP.to_owned()),
        name: Some(NAME.to_owned()),
        labels: Some(labels()),
        ..ObjectMeta::default()
    }
}

fn labels() -> BTreeMap<String, String> {
    let labels = [
        ("name", COMPONENT),
        ("component", COMPONENT),
        ("part-of", "alga-appliance"),
    ];
    let label = |(key, value): (&str, &str)| (format!("app.kubernetes.io/{key}"), value.to_owned());
    labels.map(label).into()
}

#[cfg(test)]
mod tests {
    use appliance_common::secret;
    use serde_json::json;

    use super::*;

    fn application() -> Deployment {
        serde_json::from_value(json!({"spec": {"selector": {}, "template": {"spec": {
            "serviceAccountName": "app", "imagePullSecrets": [{"name": "pull"}],
            "securityContext": {"fsGroup": 7},
            "containers": [
                {"name": "proxy", "image": "proxy:1"},
                {"name": "sebastian", "image": "app@sha256:ab", "imagePullPolicy": "IfNotPresent",
                 "env": [{"name": "DB_HOST", "value": "db"}, {"name": "RESET_ADMIN_EMAIL", "value": "x@y"}],
                 "envFrom": [{"secretRef": {"name": "db"}}], "securityContext": {"runAsUser": 7},
                 "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            ],
        }}}}))
        .unwrap()
    }

    #[test]
    fn the_job_is_the_applications_container_with_another_command() {
        let job = serde_json::to_value(job(&application()).unwrap()).unwrap();
        let spec = &job["spec"];
        assert_eq!(
            (
                &spec["suspend"],
                &spec["backoffLimit"],
                &spec["activeDeadlineSeconds"],
                &spec["ttlSecondsAfterFinished"]
            ),
            (&json!(true), &json!(0), &json!(120), &json!(300))
        );
        let pod = &spec["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["image"], "app@sha256:ab");
        assert_eq!(container["command"], json!(["node", SCRIPT]));
        assert_eq!(container["envFrom"][0]["secretRef"]["name"], "db");
        assert_eq!(container["securityContext"]["runAsUser"], 7);
        assert_eq!(
            (
                &pod["serviceAccountName"],
                &pod["imagePullSecrets"][0]["name"],
                &pod["securityContext"]["fsGroup"]
            ),
            (&json!("app"), &json!("pull"), &json!(7))
        );
        let names: Vec<_> = container["env"]
            .as_array()
            .unwrap()
            .iter()
            .map(|var| &var["name"])
            .collect();
        assert_eq!(names, ["DB_HOST", PASSWORD, EMAIL, TENANT]);
        assert_eq!(
            container["env"][2]["value"],
            Value::Null,
            "the application's own is not taken"
        );
    }

    #[test]
    fn the_password_is_in_the_secret_alone_which_goes_with_the_job() {
        let whose = Whose {
            email: "ada@example.test".to_owned(),
            tenant_id: "t-1".to_owned(),
        };
        let typed = || secret::Secret::new("C4nary!Passw0rd".to_owned());
        let password = NewPassword::check(typed(), &typed()).unwrap();
        let secret = secret("uid-1", &whose, &password);
        let owner = &secret.metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.uid.as_str()), ("Job", "uid-1"));
        assert_eq!(secret.data.as_ref().unwrap()[PASSWORD].0, b"C4nary!Passw0rd");
        let elsewhere = serde_json::to_string(&(&secret.metadata, job(&application()).unwrap())).unwrap();
        assert!(!elsewhere.contains("C4nary") && !format!("{password:?}").contains("C4nary"));
    }

    #[test]
    fn a_job_that_was_cut_off_may_have_changed_the_password() {
        let ended = |kind: &str, reason: &str| {
            end(&json!({"conditions": [{"type": kind, "status": "True", "reason": reason}]}))
        };
        assert_eq!(
            ended("Complete", "CompletionsReached"),
            Some(ResetState::Succeeded)
        );
        assert_eq!(ended("Failed", "BackoffLimitExceeded"), Some(ResetState::Failed));
        assert_eq!(ended("Failed", "DeadlineExceeded"), Some(ResetState::Unknown));
        assert_eq!(ended("Suspended", "JobSuspended"), None);
        assert_eq!(end(&Value::Null), None);
    }

    #[test]
    fn a_deployment_without_a_container_gives_no_job() {
        assert!(job(&Deployment::default()).is_none());
    }
}
