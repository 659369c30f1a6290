//! The host's captures, taken by ourselves.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::agent_api::CapturedFile;
use appliance_kubectl_queue::Starter;
use appliance_kubectl_queue::capture::{CAPTURES, take};
use futures::future::join_all;
use serde_json::json;

use super::{Ended, Reports, Status};
use crate::options::Options;
use crate::staging::Staging;

/// Exit code of a command whose time was up.
const TIMED_OUT: i32 = 124;

pub(crate) async fn collect(staging: &Arc<Staging>, reports: &Reports, options: &Options, starter: &Starter) {
    let limit = options
        .limits
        .call
        .min(options.limits.agent)
        .min(Duration::from_secs(10));
    let all = CAPTURES.iter().map(|capture| async {
        reports
            .during(capture.path.trim_end_matches(".txt"), async {
                // Its secrets are taken out, and counted, where it is staged.
                let file = take(*capture, starter, &options.path, limit, str::to_owned).await;
                keep(staging, &file)
            })
            .await;
    });
    join_all(all).await;
}

/// Writes a capture, and beside it how it ended.
pub(crate) fn keep(staging: &Staging, file: &CapturedFile) -> Ended {
    let collector = file.path.trim_end_matches(".txt");
    let written = staging.text(&file.path, collector, &file.content).and_then(|()| {
        let command = file
            .content
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("$ ");
        let meta = json!({"command": command, "exitStatus": file.status, "ok": file.ok});
        staging.json(&format!("{}.meta.json", file.path), collector, meta)
    });
    if let Err(error) = written {
        return Ended::failed(error.to_string());
    }
    let status = match (file.ok, file.status) {
        (true, _) => Status::Ok,
        (false, TIMED_OUT) => Status::Timeout,
        (false, _) => Status::Partial,
    };
    Ended {
        status,
        exit_status: Some(file.status),
        error: (!file.ok).then(|| format!("the command ended with {}", file.status)),
    }
}
