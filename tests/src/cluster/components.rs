//! How each server of the cluster is started.

use std::path::Path;

use crate::process::Launch;
use crate::tools::Tools;

use super::{Parts, pki};

/// Unix socket of etcd in the cluster's directory: no port to find, none to collide with.
const ETCD_SOCKET: &str = "etcd.sock";

/// The one node; kwok plays its kubelet.
pub(super) const NODE: &str = "alga-appliance";

/// The file of the kubeconfig of a cluster administrator.
pub(super) const KUBECONFIG: &str = "kubeconfig";

/// Further files in the cluster's directory.
pub(super) const AUDIT_LOG: &str = "audit.log";
pub(super) const AUDIT_POLICY: &str = "audit-policy.yaml";
pub(super) const TOKENS: &str = "tokens.csv";
pub(super) const KWOK_CONFIG: &str = "kwok.yaml";

/// Directory of the programs that containers have.
pub(super) const PROGRAMS: &str = "bin";

pub(super) fn etcd(tools: &Tools, dir: &Path) -> Launch {
    let client = format!("unix://{}", dir.join(ETCD_SOCKET).display());
    let peer = format!("unix://{}", dir.join("etcd-peer.sock").display());
    launch(
        tools,
        dir,
        "etcd",
        vec![
            format!("--data-dir={}", dir.join("etcd").display()),
            format!("--listen-client-urls={client}"),
            // A name that is never dialled: the one member has no peers, and the flag takes no socket.
            "--advertise-client-urls=http://localhost:2379".to_owned(),
            format!("--listen-peer-urls={peer}"),
            "--unsafe-no-fsync".to_owned(),
        ],
    )
}

pub(super) fn api_server(tools: &Tools, dir: &Path, port: u16, parts: Parts) -> Launch {
    let file = |name| dir.join(name).display().to_string();
    let streams_lists = parts != Parts::OlderApi;
    launch(
        tools,
        dir,
        "kube-apiserver",
        vec![
            format!("--feature-gates=WatchList={streams_lists}"),
            format!("--etcd-servers=unix://{}", file(ETCD_SOCKET)),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", file(pki::CERTIFICATE)),
            format!("--tls-private-key-file={}", file(pki::KEY)),
            format!("--cert-dir={}", dir.display()),
            format!("--token-auth-file={}", file(TOKENS)),
            "--authorization-mode=RBAC,Node".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!(
                "--service-account-key-file={}",
                file(pki::SERVICE_ACCOUNT_PUBLIC_KEY)
            ),
            format!(
                "--service-account-signing-key-file={}",
                file(pki::SERVICE_ACCOUNT_KEY)
            ),
            "--service-cluster-ip-range=10.43.0.0/16".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--allow-privileged".to_owned(),
            // The node's name is not in any DNS here.
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--audit-policy-file={}", file(AUDIT_POLICY)),
            format!("--audit-log-path={}", file(AUDIT_LOG)),
            "--audit-log-maxsize=0".to_owned(),
            "--profiling=false".to_owned(),
        ],
    )
}

pub(super) fn controller_manager(tools: &Tools, dir: &Path) -> Launch {
    let file = |name| dir.join(name).display().to_string();
    launch(
        tools,
        dir,
        "kube-controller-manager",
        vec![
            format!("--kubeconfig={}", file(KUBECONFIG)),
            "--secure-port=0".to_owned(),
            "--leader-elect=false".to_owned(),
            "--use-service-account-credentials=false".to_owned(),
            format!(
                "--service-account-private-key-file={}",
                file(pki::SERVICE_ACCOUNT_KEY)
            ),
            format!("--root-ca-file={}", file(pki::CA)),
            // Volumes are bound within seconds; the default looks every 15 s.
            "--pvclaimbinder-sync-period=1s".to_owned(),
            // A paused API server must not cost the node its health: no heartbeat is expected.
            "--node-monitor-grace-period=24h".to_owned(),
        ],
    )
}

pub(super) fn scheduler(tools: &Tools, dir: &Path) -> Launch {
    launch(
        tools,
        dir,
        "kube-scheduler",
        vec![
            format!("--kubeconfig={}", dir.join(KUBECONFIG).display()),
            "--secure-port=0".to_owned(),
            "--leader-elect=false".to_owned(),
        ],
    )
}

pub(super) fn kwok(tools: &Tools, dir: &Path, port: u16) -> Launch {
    let file = |name| dir.join(name).display().to_string();
    let mut launch = launch(
        tools,
        dir,
        "kwok",
        vec![
            format!("--kubeconfig={}", file(KUBECONFIG)),
            format!("--config={}", file(KWOK_CONFIG)),
            "--manage-all-nodes".to_owned(),
            format!("--node-name={NODE}"),
            "--node-ip=127.0.0.1".to_owned(),
            format!("--node-port={port}"),
            format!("--server-address=127.0.0.1:{port}"),
            format!("--tls-cert-file={}", file(pki::CERTIFICATE)),
            format!("--tls-private-key-file={}", file(pki::KEY)),
        ],
    );
    // What is run in a container is looked for here first.
    let programs = format!("{}:/usr/local/bin:/usr/bin:/bin", file(PROGRAMS));
    launch.env = vec![("PATH", programs)];
    launch
}

pub(crate) fn kustomize_controller(tools: &Tools, kubeconfig: &Path, dir: &Path) -> Launch {
    let mut launch = launch(
        tools,
        dir,
        "kustomize-controller",
        vec![
            "--enable-leader-election=false".to_owned(),
            "--events-addr=".to_owned(),
            "--metrics-addr=0".to_owned(),
            "--health-addr=0".to_owned(),
            "--requeue-dependency=1s".to_owned(),
            "--min-retry-delay=500ms".to_owned(),
            "--interval-jitter-percentage=0".to_owned(),
            "--log-encoding=console".to_owned(),
        ],
    );
    launch.env = vec![
        ("RUNTIME_NAMESPACE", "flux-system".to_owned()),
        ("KUBECONFIG", kubeconfig.display().to_string()),
        ("TMPDIR", dir.display().to_string()),
    ];
    launch
}

fn launch(tools: &Tools, dir: &Path, name: &str, args: Vec<String>) -> Launch {
    Launch {
        name: name.to_owned(),
        program: tools.path(name),
        args,
        env: Vec::new(),
        dir: dir.to_owned(),
    }
}
