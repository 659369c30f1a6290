//! The Kubernetes API as the appliance uses it: one client, reads that say why they failed, and one
//! `apply` through which every write goes.
