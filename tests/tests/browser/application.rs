//! The application's scripts, which the control plane runs in its pod, and what they answer.

use anyhow::Result;
use appliance_common::state_file::replace;
use appliance_tests::cluster::TestCluster;

/// Plays `node` in the application's container.
const NODE: &[u8] = include_bytes!("../../fixtures/application/node");

/// Puts the player where containers find their programs.
pub(crate) fn install_scripts(cluster: &TestCluster) -> Result<()> {
    std::fs::create_dir_all(cluster.dir().join("application"))?;
    Ok(replace(&cluster.programs().join("node"), NODE, 0o700)?)
}

/// From now on a script says this and ends so.
pub(crate) fn script(cluster: &TestCluster, name: &str, says: &str, ends: &str) -> Result<()> {
    let place = |extension: &str| cluster.dir().join(format!("application/{name}.{extension}"));
    replace(&place("stdout"), says.as_bytes(), 0o600)?;
    Ok(replace(&place("exit"), ends.as_bytes(), 0o600)?)
}
