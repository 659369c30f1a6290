//! The host's captures, as the agent gives them.

use appliance_common::agent_api::{AgentClient, AgentError};
use appliance_common::clock::{Clock, iso_millis};
use appliance_common::process::chain;
use std::time::Duration;

use super::{Ended, Reports, host};
use crate::options::Options;
use crate::staging::Staging;

const COLLECTOR: &str = "host-agent";
/// What an operator does by hand where there is no agent.
const NOTE: &str = "The host's own diagnostics could not be collected. On the host, run:\n\
    journalctl -u alga-appliance-bootstrap.service -u alga-appliance-console.service -u k3s -n 1000\n\
    sudo /opt/alga-appliance/bin/alga-support-bundle\n";

pub(crate) async fn collect(staging: &Staging, reports: &Reports, options: &Options) -> Ended {
    let client = AgentClient::at(&options.agent_socket).with_limit(options.limits.agent);
    let now = iso_millis(Clock::system().now());
    let captures = match client.support_captures().await {
        Ok(captures) => captures,
        Err(error) => return absent(staging, &error),
    };
    let mut errors = Vec::new();
    for file in &captures.files {
        if !is_member(&file.path) {
            errors.push(format!(
                "the agent named a file {:?}",
                file.path.chars().take(120).collect::<String>()
            ));
            continue;
        }
        let ended = host::keep(staging, file);
        reports.add(file.path.trim_end_matches(".txt"), &now, Duration::ZERO, ended);
    }
    let summary = format!(
        "generatedAt={}\nagent={}\nfiles={}\n",
        captures.generated_at,
        captures.agent,
        captures.files.len()
    );
    if let Err(error) = staging.text("host/host-agent-summary.txt", COLLECTOR, &summary) {
        errors.push(error.to_string());
    }
    if errors.is_empty() {
        Ended::ok()
    } else {
        Ended::as_is(super::Status::Partial, errors.join("; "))
    }
}

fn absent(staging: &Staging, error: &AgentError) -> Ended {
    let why = chain(error);
    let mut written = staging.text("host/host-diagnostics-note.txt", COLLECTOR, NOTE);
    if !matches!(error, AgentError::Absent { .. }) {
        written = written.and_then(|()| staging.text("host/host-agent-error.txt", COLLECTOR, &why));
    }
    match written {
        Ok(()) => Ended::failed(why),
        Err(source) => Ended::failed(format!("{why}; {source}")),
    }
}

/// Only files of the host's own directory are taken from an agent (60 §1.6).
fn is_member(path: &str) -> bool {
    path.strip_prefix("host/").is_some_and(|name| {
        (1..=100).contains(&name.len())
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_names_only_files_of_the_hosts() {
        assert!(is_member("host/disk-usage.txt"));
        for bad in [
            "",
            "host/",
            "meta/summary.txt",
            "/host/x",
            "host/../meta/x",
            "host/a/b",
            "host/..",
            "host/a b",
        ] {
            assert!(!is_member(bad), "{bad}");
        }
    }
}
