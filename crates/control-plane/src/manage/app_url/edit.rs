//! The address in the values of the two releases that have one. Pure; comments and layout stay.

use std::collections::BTreeMap;

use crate::app_url::AppUrl;
use crate::values_edit::{self, EditError};

/// A release whose values hold the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// The application.
    Core,
    /// Its worker, which writes links into mail.
    TemporalWorker,
}

impl Service {
    pub(super) const ALL: [Self; 2] = [Self::Core, Self::TemporalWorker];

    /// The name of its release.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Core => "alga-core",
            Self::TemporalWorker => "temporal-worker",
        }
    }

    /// The name of its values.
    pub(super) fn config_map(self) -> String {
        format!("appliance-values-{}", self.name())
    }

    /// What its values say of an address. `applicationUrl` of the worker is for traffic inside the cluster
    /// and stays.
    fn scalars(self, url: &AppUrl) -> Vec<(&'static str, &str)> {
        match self {
            Self::Core => vec![
                ("appUrl", url.as_str()),
                ("host", url.host()),
                ("domainSuffix", ""),
            ],
            Self::TemporalWorker => vec![("publicBaseUrl", url.as_str())],
        }
    }
}

/// One key of a `ConfigMap` and its new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) is_changed: bool,
}

/// The values with the address in them.
pub(super) fn edited(
    service: Service,
    data: &BTreeMap<String, String>,
    url: &AppUrl,
) -> Result<Edited, String> {
    let prefix = format!("{}.", service.name());
    let ours = data.iter().find(|(key, _)| key.starts_with(&prefix));
    let (key, before) = ours
        .or_else(|| data.iter().next())
        .ok_or_else(|| "it holds no values".to_owned())?;
    let said = |error: EditError| format!("{key}: {error}");
    let present = values_edit::read(before).map_err(said)?;
    let mut text = before.clone();
    for (path, value) in service.scalars(url) {
        if !present.contains_key(path) {
            return Err(format!("{key} has no {path}"));
        }
        text =
            values_edit::upsert(&text, path, value).map_err(|error| format!("{key} at {path}: {error}"))?;
    }
    Ok(Edited {
        key: key.clone(),
        is_changed: text != *before,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str =
        "# the address\nappUrl: https://old.example # c\nhost: old.example\ndomainSuffix: lan\nz: 1\n";

    fn of(service: Service, data: &[(&str, &str)]) -> Result<Edited, String> {
        let data = data
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        let url = AppUrl::parse("http://192.168.1.50:3000").unwrap();
        edited(service, &data.collect(), &url)
    }

    #[test]
    fn the_address_is_set_and_everything_else_stays() {
        let core = of(
            Service::Core,
            &[("alga-core.single-node.yaml", CORE), ("a", "b: 1\n")],
        )
        .unwrap();
        assert_eq!(core.key, "alga-core.single-node.yaml");
        assert_eq!(
            core.text,
            "# the address\nappUrl: \"http://192.168.1.50:3000\" # c\nhost: \"192.168.1.50\"\ndomainSuffix: \"\"\nz: 1\n"
        );
        let again = of(Service::Core, &[(&core.key, &core.text)]).unwrap();
        assert_eq!(
            (again.text.as_str(), again.is_changed),
            (core.text.as_str(), false)
        );
        let worker = "applicationUrl: http://core:3000\npublicBaseUrl: ''\n";
        let worker = of(Service::TemporalWorker, &[("values.yaml", worker)]).unwrap();
        assert_eq!(
            worker.text,
            "applicationUrl: http://core:3000\npublicBaseUrl: \"http://192.168.1.50:3000\"\n"
        );
    }

    #[test]
    fn values_without_a_place_for_it_are_refused() {
        for (data, reason) in [
            (&[][..], "it holds no values"),
            (
                &[("alga-core.x.yaml", "appUrl: a\nhost: b\n")][..],
                "alga-core.x.yaml has no domainSuffix",
            ),
            (
                &[("alga-core.x.yaml", "appUrl: [\n")][..],
                "alga-core.x.yaml: it is not valid YAML",
            ),
            (
                &[("alga-core.x.yaml", "appUrl: {}\nhost: b\ndomainSuffix: ''\n")][..],
                "alga-core.x.yaml at appUrl: appUrl holds a mapping",
            ),
        ] {
            let error = of(Service::Core, data).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
