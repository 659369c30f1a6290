//! What a dry run says, and what must be there before anything is begun.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::scene::{Scene, said};

const STEPS: [&str; 7] = [
    "ensure-k3s",
    "wait-kubernetes-api",
    "import-control-plane-images",
    "apply-local-storage",
    "apply-control-plane",
    "report-setup-url",
    "report-fallback-command",
];

/// 50, cases 6 and 10.
#[tokio::test]
async fn a_dry_run_says_the_steps_in_order_and_changes_nothing() -> Result<()> {
    let scene = Scene::new(Path::new("/nowhere/kubeconfig"))?;
    let before = listing(scene.root.path())?;
    let run = scene.run(&["--dry-run"]).await?;
    ensure!(run.status.success(), "{}", said(&run));
    let text = String::from_utf8(run.stdout)?;
    let planned: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("[plan] ")?.split(':').next())
        .collect();
    ensure!(planned == STEPS, "{text}");
    ensure!(text.contains(":18080/") && !text.contains("?token="), "{text}");
    ensure!(text.contains("/bin/alga-control-plane-reapply"), "{text}");
    let only = scene.run(&["run", "--control-plane-only", "--dry-run"]).await?;
    let only = String::from_utf8(only.stdout)?;
    ensure!(
        only.lines().count() == 2 && only.contains(STEPS[1]) && only.contains(STEPS[4]),
        "{only}"
    );
    let reapply = scene.run(&["reapply", "--dry-run"]).await?;
    let text = said(&reapply);
    ensure!(reapply.status.success(), "{text}");
    for word in ["delete", "reset", "force"] {
        ensure!(!text.to_lowercase().contains(word), "{word}: {text}");
    }
    ensure!(
        listing(scene.root.path())? == before,
        "a dry run changed something"
    );
    Ok(())
}

/// 50, case 7, and 6.1.
#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_begun() -> Result<()> {
    for (missing, named) in [
        (
            "opt/alga-appliance/control-plane/images/alga-appliance-control-plane.tar",
            "control-plane/images",
        ),
        (
            "opt/alga-appliance/manifests/local-path-storage.yaml",
            "local-path-storage.yaml",
        ),
        (
            "opt/alga-appliance/control-plane/manifests/rbac.yaml",
            "rbac.yaml",
        ),
        ("state/setup-token", "setup-token"),
    ] {
        let scene = Scene::new(Path::new("/nowhere/kubeconfig"))?;
        std::fs::remove_file(scene.at(missing))?;
        for arguments in [&["--dry-run"][..], &[]] {
            let run = scene.run(arguments).await?;
            ensure!(
                run.status.code() == Some(1) && said(&run).contains(named),
                "{missing}: {}",
                said(&run)
            );
        }
        ensure!(!scene.at("host").exists(), "something was begun");
    }
    Ok(())
}

fn listing(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let meta = std::fs::symlink_metadata(&path)?;
            found.push(format!(
                "{} {} {:?}",
                path.display(),
                meta.len(),
                meta.modified()?
            ));
            if meta.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
