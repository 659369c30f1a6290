//! What is done with an archive, on the archive alone.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use appliance_common::redact::Redactor;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::analyze::{self, Analysis};
use crate::archive;
use crate::options::Limits;
use crate::outcome::BundleError;
use crate::redactors::Redactors;
use crate::staging::{Staging, is_document};

/// Judges an archive anew.
pub(crate) fn analysis(path: &Path) -> Result<Analysis, BundleError> {
    let members = archive::read(path)?;
    Ok(analyze::analyze(
        &|member: &str| members.get(member).cloned(),
        &[],
    ))
}

/// Takes secrets out of an archive again, or out of any other of text files, into another file.
pub(crate) fn redact(
    path: &Path,
    output: &Path,
    at: Timestamp,
    redactors: Redactors,
) -> Result<(), BundleError> {
    let write = |source| BundleError::Write {
        path: output.to_owned(),
        source,
    };
    if output.exists() {
        return Err(BundleError::Exists {
            path: output.to_owned(),
        });
    }
    let members = archive::read(path)?;
    let dir = output.parent().filter(|dir| !dir.as_os_str().is_empty());
    let limits = Limits {
        member: u64::MAX,
        bundle: u64::MAX,
        ..Limits::default()
    };
    let dir = dir.unwrap_or(Path::new("."));
    let staging =
        Staging::new(dir, Redactor::new([]).then(redactors.into_further()), limits).map_err(write)?;
    for (member, text) in members.iter().filter(|(member, _)| *member != "manifest.json") {
        if !is_inside(member) {
            continue;
        }
        let document = serde_json::from_str(text).ok().filter(|_| is_document(member));
        let kept = match document {
            Some(document) => staging.json(member, "redact", document),
            None => staging.text(member, "redact", text),
        };
        kept.map_err(write)?;
    }
    let mut manifest: Value = members
        .get("manifest.json")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| serde_json::json!({"schema": "alga.appliance.support-bundle/v2"}));
    let all: Vec<_> = staging.members().into_iter().map(|(member, _)| member).collect();
    manifest["members"] = serde_json::to_value(all).unwrap_or_default();
    manifest["redactedAgain"] = true.into();
    staging.json("manifest.json", "redact", manifest).map_err(write)?;
    archive::write(&staging, None, at).map_err(write)?;
    std::fs::hard_link(staging.archive(), output).map_err(write)
}

/// A member that stays below where it is unpacked.
fn is_inside(member: &str) -> bool {
    !member.starts_with('/') && !member.split('/').any(|part| part == ".." || part.is_empty())
}

/// What of an archive is not as its manifest says; nothing when all is.
pub(crate) fn verify(path: &Path) -> Result<Vec<String>, BundleError> {
    let members = archive::read(path)?;
    let manifest: Value = members
        .get("manifest.json")
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| BundleError::Unreadable {
            path: path.to_owned(),
            why: "it has no manifest.json".to_owned(),
        })?;
    let (mut wrong, mut named) = (Vec::new(), BTreeSet::from(["manifest.json"]));
    for member in manifest["members"].as_array().into_iter().flatten() {
        let name = member["path"].as_str().unwrap_or_default();
        named.insert(name);
        match members.get(name) {
            None => wrong.push(format!("{name} is missing")),
            Some(text) if hex::encode(digest(&SHA256, text.as_bytes())) != member["sha256"] => {
                wrong.push(format!("{name} was changed"));
            }
            Some(_) => {}
        }
    }
    wrong.extend(
        members
            .keys()
            .filter(|name| !named.contains(name.as_str()))
            .map(|name| format!("{name} is in no manifest")),
    );
    let redactor = Redactor::new([]);
    for (name, text) in &members {
        let found = redactor.text(text);

        if !is_document(name) && found.counts().total() > 0 && found.as_str() != text {
            wrong.push(format!(
                "{name} has {} places that look like a secret",
                found.counts().total()
            ));
        }
    }
    Ok(wrong)
}

/// What is different between two archives: findings, and files.
pub(crate) fn diff(before: &Path, after: &Path) -> Result<String, BundleError> {
    let (old, new) = (archive::read(before)?, archive::read(after)?);
    let lines = |path: &Path| Ok::<_, BundleError>(analysis(path)?.headlines());
    let (was, is) = (lines(before)?, lines(after)?);
    let mut out = String::new();
    let mut say = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    for line in was.iter().filter(|line| !is.contains(line)) {
        say(format!("no longer: {line}"));
    }
    for line in is.iter().filter(|line| !was.contains(line)) {
        say(format!("new:       {line}"));
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        say(format!("- {name}"));
    }
    for (name, text) in &new {
        match old.get(name) {
            None => say(format!("+ {name}")),
            Some(before) if before != text => {
                say(format!("~ {name} ({} -> {} bytes)", before.len(), text.len()));
            }
            Some(_) => {}
        }
    }
    Ok(out)
}

/// Findings first, then the files.
pub(crate) fn show(path: &Path) -> Result<String, BundleError> {
    let members = archive::read(path)?;
    let mut out = members
        .get("analysis.txt")
        .cloned()
        .unwrap_or_else(|| analyze::analyze(&|member: &str| members.get(member).cloned(), &[]).text());
    out.push('\n');
    for (name, text) in &members {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{:>10}  {name}", text.len());
    }
    Ok(out)
}
