//! Rules over what charts are told: images, secrets, host names, parameters that must agree.

use appliance_common::names::namespace;
use appliance_common::release::reference::Digest;
use serde_json::Value;

use super::{Findings, Object};
use crate::bundle::Files;
use crate::bundle::render::Bundle;

/// Services in `msp` that the charts render (70 §13).
const SERVICE_NAMES: [&str; 5] = [
    "alga-core-sebastian",
    "db",
    "redis",
    "pgbouncer",
    "temporal-frontend",
];

/// The text that the charts ship in the place of a secret.
const PLACEHOLDER: &str = "change-me";

/// alga-core's name of a hash parameter, and temporal-worker's.
const CRYPTO: [(&str, &str); 4] = [
    ("/crypto/salt_bytes", "/encryption/saltBytes"),
    ("/crypto/iteration", "/encryption/iterations"),
    ("/crypto/key_length", "/encryption/keyLength"),
    ("/crypto/algorithm", "/encryption/algorithm"),
];

/// The profile's documents by file name.
pub(super) fn parse<'a>(bundle: &'a Bundle, findings: &mut Findings) -> Vec<(&'a str, Value)> {
    let mut documents = Vec::new();
    for (file, text) in bundle.profile_values() {
        match serde_saphyr::from_str::<Value>(text) {
            Ok(document) if document.is_object() => documents.push((file, document)),
            Ok(_) => findings.add(file, "", "not a YAML mapping"),
            Err(error) => findings.add(file, "", format!("not YAML: {error}")),
        }
    }
    documents
}

/// Every image has a tag or digest that names one build; none is `latest`.
pub(super) fn images(objects: &[Object], profile: &[(&str, Value)], findings: &mut Findings) {
    for object in objects {
        walk(&object.id(), &object.document, &mut |path, value| {
            check_image(&object.file, path, value, findings);
        });
    }
    for (file, document) in profile {
        walk("", document, &mut |path, value| {
            check_image(file, path, value, findings);
        });
    }
}

fn check_image(file: &str, path: &str, value: &Value, findings: &mut Findings) {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let last = path.rsplit('.').next().unwrap_or_default();
    let reference = match value {
        Value::String(reference) if last == "image" => reference.clone(),
        Value::Object(_) if last == "image" || path.contains(".images[") => {
            let name = text("repository")
                .or(text("newName"))
                .or(text("name"))
                .unwrap_or_default();
            match (text("tag").or(text("newTag")), text("digest")) {
                (_, Some(digest)) => format!("{name}@{digest}"),
                (tag, None) => format!("{name}:{}", tag.unwrap_or_default()),
            }
        }
        _ => return,
    };
    if !names_one_build(&reference) {
        findings.add(
            file,
            path,
            format!("image {reference:?} floats: pin a tag other than latest, or a digest"),
        );
    }
}

fn names_one_build(reference: &str) -> bool {
    let (before, digest) = match reference.split_once('@') {
        Some((before, digest)) => (before, Some(digest)),
        None => (reference, None),
    };
    let last = before.rsplit('/').next().unwrap_or_default();
    let tag = last.split_once(':').map(|(_, tag)| tag);
    digest.is_none_or(|digest| digest.parse::<Digest>().is_ok())
        && tag.is_none_or(|tag| tag != "latest" && !tag.is_empty())
        && (tag.is_some() || digest.is_some())
}

/// No published default stands where a secret belongs.
pub(super) fn secrets(files: &Files, findings: &mut Findings) {
    for (file, text) in files {
        for (index, _) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains(PLACEHOLDER))
        {
            findings.add(
                file,
                format!("line {}", index + 1),
                format!("{PLACEHOLDER:?} is known to everybody: take the value from a Secret"),
            );
        }
    }
}

/// Host names inside the cluster are those of Services that exist (W-24).
pub(super) fn hosts(profile: &[(&str, Value)], findings: &mut Findings) {
    let suffix = format!(".{}.svc.cluster.local", namespace::MSP);
    for (file, document) in profile {
        walk("", document, &mut |path, value| {
            let Some((before, _)) = value
                .as_str()
                .and_then(|text| text.split_once(".svc.cluster.local"))
            else {
                return;
            };
            let host = format!(
                "{}.svc.cluster.local",
                before.rsplit('/').next().unwrap_or_default()
            );
            let known = host
                .strip_suffix(&suffix)
                .is_some_and(|name| SERVICE_NAMES.contains(&name));
            if !known {
                findings.add(file, path, format!("no Service answers at {host:?}"));
            }
        });
    }
}

/// The worker that makes the first password's hash and the application that checks it agree.
pub(super) fn crypto(profile: &[(&str, Value)], findings: &mut Findings) {
    let document = |prefix: &str| profile.iter().find(|(file, _)| file.starts_with(prefix));
    let (Some((_, app)), Some((file, worker))) = (document("alga-core."), document("temporal-worker."))
    else {
        return;
    };
    let shown = |document: &Value, pointer: &str| match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "absent".to_owned(),
    };
    for (in_app, in_worker) in CRYPTO {
        let (wanted, found) = (shown(app, in_app), shown(worker, in_worker));
        if wanted != found {
            let path = in_worker.trim_start_matches('/').replace('/', ".");
            findings.add(file, path, format!("{found}, and alga-core hashes with {wanted}"));
        }
    }
}

/// Calls `see` with the dotted path of every value in `value`.
fn walk(at: &str, value: &Value, see: &mut impl FnMut(&str, &Value)) {
    see(at, value);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                walk(
                    &if at.is_empty() {
                        key.clone()
                    } else {
                        format!("{at}.{key}")
                    },
                    value,
                    see,
                );
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(&format!("{at}[{index}]"), value, see);
            }
        }
        _ => {}
    }
}
