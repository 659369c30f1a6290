//! All captures at once, within one deadline; who asks meanwhile gets the same answer (50 W21).

use std::sync::Arc;
use std::time::Duration;

use appliance_common::agent_api::SupportCaptures;
use appliance_common::clock::{Clock, iso_millis};
use appliance_common::redact::Redactor;
use appliance_kubectl_queue::capture::{CAPTURES, take};
use futures::future::join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::routes::Agent;

/// All of it, whatever hangs: clients wait thirty seconds.
const LIMIT: Duration = Duration::from_secs(24);
/// An answer as fresh as this is given again.
const FRESH: Duration = Duration::from_secs(2);

/// The last answer, and the lock of who makes the next.
#[derive(Debug, Default)]
pub(crate) struct Bundles(Mutex<Option<(Instant, Arc<SupportCaptures>)>>);

impl Bundles {
    /// Takes them all; a request that comes while they are taken waits for them and takes none itself.
    pub(crate) async fn collect(&self, agent: &Agent) -> Arc<SupportCaptures> {
        let mut last = self.0.lock().await;
        if let Some((at, captures)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return Arc::clone(captures);
        }
        let limit = agent.settings.command_limit().min(LIMIT);
        let redactor = Redactor::new([]);
        let shown = |text: &str| redactor.text(text).into_string();
        let all = CAPTURES
            .iter()
            .map(|capture| take(*capture, &agent.starter, &agent.settings.path, limit, shown));
        let captures = Arc::new(SupportCaptures {
            ok: true,
            generated_at: iso_millis(Clock::system().now()),
            agent: "alga-host-agent".to_owned(),
            files: join_all(all).await,
        });
        *last = Some((Instant::now(), Arc::clone(&captures)));
        captures
    }
}
