//! The page itself: plain, without scripts, readable on a phone. Pure.

use appliance_common::host::{BootPhase, BootState, BootStepState};

use super::seen::Seen;

/// Colours of the control plane's own pages.
const STYLE: &str = "body{font:16px/1.5 sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#151515}\
    h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.5rem}pre{background:#f2f2f2;padding:.75rem;white-space:pre-wrap;font-size:.8rem}\
    table{border-collapse:collapse}td{padding:.2rem .75rem .2rem 0;vertical-align:top}.bad{color:#b1380b;font-weight:bold}\
    input,button{font:inherit;padding:.4rem .75rem}form{display:inline-block;margin:.25rem .5rem .25rem 0}label{display:block}";

/// What everybody sees who is not signed in: nothing of the box.
pub(super) fn sign_in(asks_for: &str, refused: Option<&str>) -> String {
    let refused = refused.map_or(String::new(), |why| {
        format!("<p class=\"bad\" role=\"alert\">{}</p>", escaped(why))
    });
    document(&format!(
        "<h1>The appliance's control plane is not running</h1>\
         <p>This is the rescue page of the box itself. Right after the box was switched on that is normal: the \
         control plane starts within some minutes, and this page goes away.</p>{refused}\
         <form method=\"post\" action=\"/rescue/sign-in\"><label>{} \
         <input type=\"password\" name=\"secret\" autocomplete=\"current-password\" required autofocus></label> \
         <button>Sign in</button></form>\
         <p>Forgotten? On the console of the box: <code>sudo alga-appliance-reset-admin</code></p>",
        escaped(asks_for)
    ))
}

/// What is wrong, and what can be done about it.
pub(super) fn shown(seen: &Seen, done: Option<&str>) -> String {
    let done = done.map_or(String::new(), |done| {
        format!("<p role=\"status\"><b>{}</b></p>", escaped(done))
    });
    let units = seen
        .units
        .iter()
        .map(|(unit, state)| row(unit, state, state == "failed"));
    let units: String = units.collect();
    document(&format!(
        "<h1>The appliance's control plane is not running</h1>{done}{}\
         <h2>Try to mend it</h2>\
         <form method=\"post\" action=\"/rescue/retry\"><button>Start the box's own boot again</button></form>\
         <form method=\"post\" action=\"/rescue/reapply\"><button>Put the control plane back</button></form>\
         <p>Neither takes data away. As root on the box: <code>alga-control-plane-reapply</code>.</p>\
         <h2>Services</h2><table>{units}</table>\
         <h2>Pods</h2><pre>{}</pre><h2>Last lines of the journal</h2><pre>{}</pre>\
         <form method=\"post\" action=\"/rescue/sign-out\"><button>Sign out</button></form>",
        boot(seen.boot.as_ref()),
        escaped(&seen.pods),
        escaped(&seen.journal),
    ))
}

fn boot(state: Option<&BootState>) -> String {
    let Some(state) = state else {
        return "<p>Boot has left no record: it has not begun yet, or its disk is full.</p>".to_owned();
    };
    let head = match state.phase {
        BootPhase::Running => "Boot is under way.",
        BootPhase::Waiting => "A step of boot failed and is tried again by itself.",
        BootPhase::Failed => "A step of boot failed, and nothing goes on by itself.",
        BootPhase::Complete => "Boot was complete; the control plane has stopped since.",
    };
    let rows: String = state
        .steps
        .iter()
        .map(|step| {
            let is_bad = step.state == BootStepState::Failed;
            let said = step
                .error
                .as_deref()
                .filter(|_| is_bad)
                .or(step.message.as_deref());
            let word = match step.state {
                BootStepState::Pending => "not yet",
                BootStepState::Running => "at work",
                BootStepState::Done => "done",
                BootStepState::Tolerated => "left out",
                BootStepState::Failed => "failed",
            };
            row(
                step.id.name(),
                &format!("{word}. {}", said.unwrap_or_default()),
                is_bad,
            )
        })
        .collect();
    format!("<h2>{head}</h2><table>{rows}</table>")
}

fn row(name: &str, said: &str, is_bad: bool) -> String {
    let class = if is_bad { " class=\"bad\"" } else { "" };
    format!(
        "<tr><td>{}</td><td{class}>{}</td></tr>",
        escaped(name),
        escaped(said)
    )
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Alga appliance: rescue</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>{body}</html>"
    )
}

/// Text of the box is text on the page, whatever is in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use appliance_common::host::{BootStep, BootStepId};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn the_step_that_failed_is_named_with_its_reason_and_nothing_of_it_is_markup() {
        let step = |id, state, error: Option<&str>| BootStep {
            id,
            state,
            attempt: 1,
            since: None,
            message: Some("m".to_owned()),
            error: error.map(str::to_owned),
            next_retry_at: None,
        };
        let seen = Seen {
            boot: Some(BootState {
                boundary_version: 1,
                boot_id: "b".to_owned(),
                phase: BootPhase::Failed,
                started_at: Timestamp::UNIX_EPOCH,
                updated_at: Timestamp::UNIX_EPOCH,
                steps: vec![
                    step(BootStepId::EnsureK3s, BootStepState::Done, None),
                    step(
                        BootStepId::WaitKubernetesApi,
                        BootStepState::Failed,
                        Some("<script>no node</script>"),
                    ),
                ],
            }),
            units: vec![("k3s.service", "failed".to_owned())],
            ..Seen::default()
        };
        let page = shown(&seen, None);
        assert!(
            page.contains("wait-kubernetes-api") && page.contains("no node"),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("class=\"bad\">failed</td>"), "{page}");
        assert!(!sign_in("x", Some("<b>")).contains("<b>"));
    }
}
