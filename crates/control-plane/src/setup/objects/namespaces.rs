//! The namespaces the application lives in.

use std::collections::BTreeMap;

use appliance_common::names::{PRUNE_ANNOTATION, namespace};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// `msp`, `alga-system` and `appliance-system`, marked so that Flux never prunes them with the customer's
/// data in them. Their pod security labels are the storage step's and the bundle's.
#[must_use]
pub fn application_namespaces() -> [Namespace; 3] {
    [
        namespace::MSP,
        namespace::ALGA_SYSTEM,
        namespace::APPLIANCE_SYSTEM,
    ]
    .map(|name| Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: Some(BTreeMap::from([(
                PRUNE_ANNOTATION.to_owned(),
                "disabled".to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    })
}
