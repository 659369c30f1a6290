//! What is reported when the control plane is handed over to (50 §6.7). The token is not in it: these lines are
//! kept by the journal; the console shows it.

use crate::banner;
use crate::settings::Places;

pub(super) fn lines(places: &Places) -> Vec<String> {
    let root = places.appliance_root.display().to_string();
    let root = root.trim_end_matches('/');
    vec![
        "k3s is ready".to_owned(),
        format!("manifests: {root}/control-plane/manifests"),
        format!("setup address: {}", banner::setup_url(places)),
        "One-time setup token: shown on the local console".to_owned(),
        format!("Fallback recovery: sudo {root}/bin/alga-control-plane-reapply"),
        "logs: journalctl -u alga-appliance-bootstrap.service -u k3s".to_owned(),
    ]
}
