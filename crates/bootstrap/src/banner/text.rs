//! The lines, from what is known. Pure. People and tests rely on how they begin.

use appliance_common::host::{BootPhase, BootState, BootStep, BootStepId, BootStepState};

use super::facts::{Facts, KnownToken};
use super::{address, code};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Whoever stands before the machine, or is root.
    Local,
    /// Everybody who logs in, or reads a world-readable file or the journal.
    Anybody,
}

/// What each layer of boot consists of.
const LAYERS: [(&str, &[BootStepId]); 3] = [
    (
        "Kubernetes (k3s)",
        &[BootStepId::EnsureK3s, BootStepId::WaitKubernetesApi],
    ),
    (
        "Images and storage",
        &[
            BootStepId::ImportControlPlaneImages,
            BootStepId::ApplyLocalStorage,
        ],
    ),
    ("Control plane", &[BootStepId::ApplyControlPlane]),
];

/// All of it, for one reader.
pub(super) fn render(facts: &Facts, reader: Reader) -> String {
    let mut lines = vec!["Alga Appliance setup handoff".to_owned(), String::new()];
    let first = facts.addresses.first();
    let shown = first.map_or_else(|| "no address yet".to_owned(), ToString::to_string);
    lines.push(format!("Node IP: {shown}"));
    let built = facts.built.as_deref().unwrap_or("unavailable");
    lines.push(format!("Build timestamp: {built}"));
    lines.push("Bootstrap layers:".to_owned());
    for (name, steps) in LAYERS {
        lines.push(format!("  {name}: {}", layer(facts.boot.as_ref(), steps)));
    }
    lines.push(String::new());
    match first {
        Some(address) => lines.push(format!("Setup URL: {}", address::url(*address, facts.port))),
        None => {
            lines.push("Setup URL: shown here as soon as the network gives this box an address".to_owned());
        }
    }
    for other in facts.addresses.iter().skip(1) {
        lines.push(format!("  also at {}", address::url(*other, facts.port)));
    }
    lines.extend(token_lines(facts, reader));
    lines.push(String::new());
    lines.extend(HELP.map(str::to_owned));
    lines.join("\n") + "\n"
}

const HELP: [&str; 5] = [
    "Host login uses the account that was created during installation.",
    "Forgotten management password: sudo alga-appliance-reset-admin",
    "Show this again: sudo alga-appliance-bootstrap banner",
    "The wizard does not come: sudo /opt/alga-appliance/bin/alga-control-plane-reapply",
    "Logs: journalctl -u alga-appliance-bootstrap.service -u alga-appliance-console.service -u alga-host-agent.service -u k3s",
];

fn token_lines(facts: &Facts, reader: Reader) -> Vec<String> {
    let said = |text: &str| vec![format!("One-time setup token: {text}")];
    match (&facts.token, reader) {
        (KnownToken::Used, _) => vec!["Sign in there with the management password.".to_owned()],
        (KnownToken::Pending, _) => said("<pending>"),
        (KnownToken::Valid(_), Reader::Anybody) => said("shown on the local console"),
        (KnownToken::Valid(token), Reader::Local) => {
            let mut lines = said(token.shown());
            lines.push("Enter it once at the setup URL and choose a management password.".to_owned());
            let link = facts.addresses.first().map(|address| {
                format!(
                    "{}setup?token={}",
                    address::url(*address, facts.port),
                    token.shown()
                )
            });
            if let Some(drawn) = link.and_then(|link| code::of(&link)) {
                lines.push("Or scan this with a phone in the same network:".to_owned());
                lines.push(drawn);
            }
            lines
        }
    }
}

/// How a layer stands: by the first of its steps that is not done.
fn layer(boot: Option<&BootState>, of: &[BootStepId]) -> String {
    let Some(boot) = boot else {
        return "not begun".to_owned();
    };
    let steps = || boot.steps.iter().filter(|step| of.contains(&step.id));
    let is_over = |step: &&BootStep| matches!(step.state, BootStepState::Done | BootStepState::Tolerated);
    let Some(step) = steps().find(|step| !is_over(step)) else {
        return match steps().find(|step| step.state == BootStepState::Tolerated) {
            Some(step) => format!(
                "ready, but {}",
                step.message.as_deref().unwrap_or("not everything is")
            ),
            None => "ready".to_owned(),
        };
    };
    match step.state {
        BootStepState::Pending => "waits for its turn".to_owned(),
        BootStepState::Running => {
            let doing = step.message.as_deref().unwrap_or("starting");
            match step.attempt {
                0 | 1 => doing.to_owned(),
                attempt => format!("{doing} (attempt {attempt})"),
            }
        }
        BootStepState::Failed => {
            let why = step.error.as_deref().unwrap_or("no reason is recorded");
            let then = match (boot.phase, step.next_retry_at) {
                (BootPhase::Waiting, Some(at)) => format!("; tried again at {at:.0}"),
                _ => String::new(),
            };
            format!("FAILED in {}: {why}{then}", step.id.name())
        }
        BootStepState::Done | BootStepState::Tolerated => "ready".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    const TOKEN: &str = "1234-5678-9012-3456-7890";

    fn facts(token: KnownToken) -> Facts {
        Facts {
            addresses: vec!["192.168.1.50".parse().unwrap(), "fd00::50".parse().unwrap()],
            port: 8080,
            built: Some("2026-01-02T03:04:05Z".to_owned()),
            boot: None,
            token,
            warnings: Vec::new(),
        }
    }

    fn valid() -> KnownToken {
        KnownToken::Valid(Token::parse(TOKEN).unwrap())
    }

    fn boot(phase: BootPhase, failed: Option<&str>) -> BootState {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let step = |id: BootStepId| BootStep {
            id,
            state: match (id, failed) {
                (BootStepId::WaitKubernetesApi, Some(_)) => BootStepState::Failed,
                (BootStepId::EnsureK3s, _) | (_, None) => BootStepState::Done,
                _ => BootStepState::Pending,
            },
            attempt: 1,
            since: Some(now),
            message: None,
            error: failed
                .filter(|_| id == BootStepId::WaitKubernetesApi)
                .map(str::to_owned),
            next_retry_at: None,
        };
        BootState {
            boundary_version: 1,
            boot_id: "b".to_owned(),
            phase,
            started_at: now,
            updated_at: now,
            steps: BootStepId::ALL.map(step).to_vec(),
        }
    }

    #[test]
    fn the_lines_begin_as_people_and_tests_expect() {
        let shown = render(&facts(valid()), Reader::Local);
        for line in [
            "Alga Appliance setup handoff",
            "Node IP: 192.168.1.50",
            "Build timestamp: 2026-01-02T03:04:05Z",
            "Setup URL: http://192.168.1.50:8080/",
            "  also at http://[fd00::50]:8080/",
            "One-time setup token: 1234-5678-9012-3456-7890",
        ] {
            assert!(
                shown.lines().any(|shown| shown == line),
                "{line} is not in\n{shown}"
            );
        }
        for word in [
            "sudo alga-appliance-reset-admin",
            "sudo /opt/alga-appliance/bin/alga-control-plane-reapply",
            "alga-appliance-bootstrap.service",
            "alga-appliance-console.service",
            "alga-host-agent.service",
            "k3s",
        ] {
            assert!(shown.contains(word), "{word}");
        }
        assert!(!shown.contains("?token="), "the address has no query");
    }

    /// Case 35, and 50 W28: before that too, not everybody reads it.
    #[test]
    fn the_token_is_for_local_readers_and_only_while_it_is_of_use() {
        assert!(!render(&facts(valid()), Reader::Anybody).contains(TOKEN));
        for reader in [Reader::Local, Reader::Anybody] {
            let used = render(&facts(KnownToken::Used), reader);
            assert!(!used.contains("token"), "{used}");
            let pending = render(&facts(KnownToken::Pending), reader);
            assert!(pending.contains("One-time setup token: <pending>"));
        }
    }

    #[test]
    fn layers_say_what_is_so_and_a_failed_one_says_why() {
        let with = |boot| Facts {
            boot,
            ..facts(KnownToken::Pending)
        };
        let shown = |boot| render(&with(boot), Reader::Anybody);
        assert!(shown(None).contains("Kubernetes (k3s): not begun"));
        let failed = shown(Some(boot(
            BootPhase::Failed,
            Some("no answer from the API server"),
        )));
        assert!(
            failed.contains("Kubernetes (k3s): FAILED in wait-kubernetes-api: no answer from the API server")
        );
        assert!(failed.contains("Control plane: waits for its turn"));
        let done = shown(Some(boot(BootPhase::Complete, None)));
        assert_eq!(done.matches(": ready\n").count(), 3, "{done}");
    }

    #[test]
    fn without_an_address_none_is_made_up() {
        let shown = render(
            &Facts {
                addresses: Vec::new(),
                ..facts(valid())
            },
            Reader::Local,
        );
        assert!(shown.contains("Node IP: no address yet"));
        assert!(
            !shown.contains("http://") && !shown.contains("127.0.0.1"),
            "{shown}"
        );
    }
}
