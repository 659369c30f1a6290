//! Releases: how they are named, what their manifests say, and how they are pulled and verified.
//!
//! A channel or a version is a tag on one artifact of an OCI registry; the artifact's config blob is the
//! release manifest. Reading is lenient, because published manifests must stay readable; using is strict,
//! because what a manifest says ends up in a cluster and in an image reference.

pub mod manifest;
#[cfg(feature = "registry")]
pub mod policy;
pub mod reference;
#[cfg(feature = "registry")]
pub mod registry;
mod strict_json;
#[cfg(feature = "registry")]
pub mod usable;
