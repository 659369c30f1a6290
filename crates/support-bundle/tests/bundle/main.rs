//! Bundles of a real cluster, of a dead one, of a full disk, and of runs that were killed.

mod limits;
mod made;
mod scene;
