//! What setup or an update recorded, and the network around the box.

use super::{Entry, Layer};
use crate::findings::FindingId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        FindingId::DnsGhcr,
        Layer::Network,
        "Setup, a look or a pull of an image found that a name is not resolved.",
    )
    .means(
        "Releases and images cannot be fetched.",
        "Check the DNS servers that were entered, and that they answer for the registry.",
    ),
    Entry::new(
        FindingId::TlsGhcr,
        Layer::Network,
        "A pull of an image found a certificate that is not trusted.",
    )
    .means(
        "Something between this box and the registry opens encrypted connections, or the clock is wrong.",
        "Exempt the registry from inspection at the firewall, and check the clock of the box.",
    ),
    Entry::new(
        FindingId::EgressRegistry,
        Layer::Network,
        "Setup or a look found that the registry cannot be reached.",
    )
    .means(
        "Releases and images cannot be fetched; nothing is wrong with this box.",
        "Allow outbound HTTPS to the registry at firewall and proxy.",
    ),
    Entry::new(
        FindingId::ReleaseSource,
        Layer::Network,
        "Setup found that the release is not at the registry, or cannot be used.",
    )
    .means(
        "There is nothing to install.",
        "Check channel and release pin, and that the registry is reached.",
    ),
    Entry::new(
        FindingId::InstallCode,
        Layer::Setup,
        "The licence service did not take the install code.",
    )
    .means(
        "The box has no licence yet; what was entered otherwise is kept.",
        "Enter another install code; nineminds.com/order/appliance/reissue issues one.",
    ),
    Entry::new(
        FindingId::SetupStorage,
        Layer::Storage,
        "Setup could not prepare or test storage.",
    )
    .means(
        "There is no place for the application's data yet.",
        "Check the disk under /var/mnt/alga-data, then try setup again.",
    ),
    Entry::new(
        FindingId::SetupFlux,
        Layer::Flux,
        "Setup could not install Flux or hand the release to it.",
    )
    .means(
        "Nothing installs the application yet.",
        "Look at the pods of flux-system below, then try setup again.",
    ),
    Entry::new(
        FindingId::SetupCluster,
        Layer::Kubernetes,
        "Setup could not store the application's settings in the cluster.",
    )
    .means(
        "The application has nothing to start from yet.",
        "See what k3s says on the box (journalctl -u k3s -n 100), then try setup again.",
    ),
    Entry::new(
        FindingId::SetupInterrupted,
        Layer::Setup,
        "Setup's process was gone before it was done.",
    )
    .means("What was done is kept.", "Nothing: setup goes on by itself."),
    Entry::new(
        FindingId::SetupCancelled,
        Layer::Setup,
        "An operator stopped setup.",
    )
    .means("What was done is kept.", "Try again when you are ready."),
    Entry::new(
        FindingId::UpdateInterrupted,
        Layer::Setup,
        "The process of an update was gone before it was done.",
    )
    .means(
        "The release may be partly the old and partly the new.",
        "Start the update again; what it has done already is not done twice.",
    ),
    Entry::new(
        FindingId::SetupFailed,
        Layer::Setup,
        "Setup or an update stopped for a reason that has no id of its own.",
    )
    .means("What was done is kept.", "Try again, or make a support bundle."),
];
