//! Volumes, images, pods, workloads, Flux, the application's address.

use super::{Entry, Layer};
use crate::findings::FindingId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        FindingId::VolumeSubpath,
        Layer::Storage,
        "A container cannot start because its directory on a volume cannot be made.",
    )
    .means(
        "The volume is there, but its directory is not, or belongs to somebody else.",
        "Look at the directory below /var/mnt/alga-data that is named, then press “Repair” for the release.",
    ),
    Entry::new(
        FindingId::PendingPvc,
        Layer::Storage,
        "A claim has no volume three minutes after it was made, its provisioning fails, or it lost its volume.",
    )
    .means(
        "What needs this volume does not start.",
        "Check the disk under /var/mnt/alga-data and the pod of local-path-provisioner.",
    ),
    Entry::new(
        FindingId::RegistryImageMissing,
        Layer::Images,
        "A container waits for an image that the registry does not have.",
    )
    .means(
        "The release names an image that was not published; trying again does not help.",
        "Choose another release, or tell support which image is missing.",
    ),
    Entry::new(
        FindingId::ImagePullSlow,
        Layer::Images,
        "Pulls of an image are cut off, or one has taken more than half an hour.",
    )
    .means(
        "Kubernetes tries again by itself and keeps what it has.",
        "Wait; if it does not end, check the line to the registry and what limits it.",
    ),
    Entry::new(
        FindingId::ImagePullBackoff,
        Layer::Images,
        "A container waits for an image that cannot be pulled, for another reason.",
    )
    .means(
        "What needs this image does not start.",
        "Check that this box reaches the registry and may read the image.",
    ),
    Entry::new(
        FindingId::PodUnschedulable,
        Layer::Kubernetes,
        "A pod has found no node for a minute.",
    )
    .means(
        "What it would run does not start.",
        "Give the machine what the message says is too little.",
    ),
    Entry::new(
        FindingId::OomKills,
        Layer::Application,
        "A container that is not ready was ended for lack of memory.",
    )
    .means(
        "It is started again, and ends again when it needs as much.",
        "Give the machine more memory, or make a support bundle if it has 8 GB or more.",
    ),
    Entry::new(
        FindingId::DbCredentialsMismatch,
        Layer::Application,
        "A container that crashes says that the database refuses its password.",
    )
    .means(
        "Database and application were set up with different passwords.",
        "Make a support bundle before anything is removed.",
    ),
    Entry::new(
        FindingId::Crashloop,
        Layer::Application,
        "A container ends again and again, and is not ready.",
    )
    .means(
        "It is started again by itself, each time a little later.",
        "Open its log; press “Repair” for the release, or make a support bundle if it goes on.",
    ),
    Entry::new(
        FindingId::ContainerConfig,
        Layer::Application,
        "A container cannot start from its settings: a Secret, a ConfigMap, a command.",
    )
    .means(
        "It does not start before what the message names is there.",
        "Try setup again if a Secret of the appliance is missing; otherwise make a support bundle.",
    ),
    Entry::new(
        FindingId::PodStartFailed,
        Layer::Kubernetes,
        "A pod has not started two minutes after it was made, and Kubernetes says why.",
    )
    .means(
        "Kubernetes tries again by itself.",
        "Mend what the message names.",
    ),
    Entry::new(
        FindingId::BootstrapJobFailed,
        Layer::Bootstrap,
        "The bootstrap Job gave up; told until another one starts, also after the Job is gone.",
    )
    .means(
        "Database, company or administrator were not made in full.",
        "Read the lines of its log below, then press “Repair” for alga-core to run it again.",
    ),
    Entry::new(
        FindingId::WorkloadScaledDown,
        Layer::Application,
        "A workload is told to have no pods.",
    )
    .means(
        "Somebody has stopped it on purpose.",
        "When that is over: kubectl -n msp scale it to 1.",
    ),
    Entry::new(
        FindingId::WorkloadNotReady,
        Layer::Application,
        "A workload is not ready for longer than a start takes (20 minutes at the install, 5 afterwards), what \
         it needs is ready, and no pod of it says why.",
    )
    .means(
        "Its pods run, but do not say that they are ready.",
        "Open the log of its pod; restart it if the log says nothing helpful.",
    ),
    Entry::new(
        FindingId::WorkloadMissing,
        Layer::Application,
        "A workload is not there although the Helm release that brings it is ready, for a minute at least.",
    )
    .means(
        "Helm has installed the release and does not look after it by itself: the workload was deleted since then, \
         or the chart does not bring it.",
        "Press “Repair” for the release that brings it: Helm then makes again what is not there.",
    ),
    Entry::new(
        FindingId::ClusterReading,
        Layer::Kubernetes,
        "A kind of object cannot be read although the API answers.",
    )
    .means(
        "What it would show is not known, and is never counted as ready.",
        "Restart the control plane; make a support bundle if it stays so.",
    ),
    Entry::new(
        FindingId::FluxSourceNotReady,
        Layer::Flux,
        "A source of Flux has failed for a minute, or is under way for too long.",
    )
    .means(
        "New releases are not fetched; what is installed goes on.",
        "Check the way to the registry; Flux tries again by itself.",
    ),
    Entry::new(
        FindingId::FluxObjectMissing,
        Layer::Flux,
        "An object of Flux is not there although what makes it is ready.",
    )
    .means(
        "A part of the release is not installed.",
        "Try setup again.",
    ),
    Entry::new(
        FindingId::HelmStorageStuck,
        Layer::Flux,
        "A Helm release failed because Helm's own record does not let it go on.",
    )
    .means(
        "Flux cannot mend it by trying again.",
        "Press “Repair” for the release.",
    ),
    Entry::new(
        FindingId::HelmreleaseFailed,
        Layer::Flux,
        "A Helm release has failed, or is under way for longer than its time-out.",
    )
    .means(
        "The release is not, or not in full, what it should be.",
        "Press “Repair” for the release.",
    ),
    Entry::new(
        FindingId::KustomizationNotReady,
        Layer::Flux,
        "A Kustomization has failed, or is under way for longer than its time-out.",
    )
    .means(
        "Those that wait for it are not installed or updated.",
        "Look at what its message names.",
    ),
    Entry::new(
        FindingId::FluxSuspended,
        Layer::Flux,
        "An object of Flux is suspended.",
    )
    .means(
        "What it brings is neither updated nor mended.",
        "When that is over: resume it (spec.suspend: false).",
    ),
    Entry::new(
        FindingId::LoginAddress,
        Layer::Application,
        "The application's pods have been ready for a minute, and its address does not let users in.",
    )
    .means(
        "The application works; the way to it does not.",
        "Check the address's DNS entry, certificate and firewall, or change the address under “Manage”.",
    ),
    Entry::new(
        FindingId::BackgroundWorkload,
        Layer::Background,
        "The same as workload-not-ready, of a background service.",
    )
    .means(
        "E-mail, workflows or scheduled work wait.",
        "Open the log of its pod; restart it if the log says nothing helpful.",
    ),
];
