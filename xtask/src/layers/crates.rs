//! Arrows between the workspace's crates.

use serde_json::Value;

/// The crates each crate may build on. `appliance-tests` may use all, and so may any crate's tests.
const ARROWS: [(&str, &[&str]); 9] = [
    ("appliance-common", &[]),
    ("appliance-kubectl-queue", &["appliance-common"]),
    (
        "appliance-support-bundle",
        &["appliance-common", "appliance-kubectl-queue"],
    ),
    (
        "appliance-bootstrap",
        &["appliance-common", "appliance-kubectl-queue"],
    ),
    (
        "appliance-host-agent",
        &["appliance-common", "appliance-kubectl-queue"],
    ),
    (
        "appliance-control-plane",
        &[
            "appliance-common",
            "appliance-kubectl-queue",
            "appliance-support-bundle",
        ],
    ),
    (
        "appliance-operator",
        &["appliance-common", "appliance-support-bundle"],
    ),
    (
        "xtask",
        &[
            "appliance-common",
            "appliance-control-plane",
            "appliance-kubectl-queue",
            "appliance-tests",
        ],
    ),
    ("appliance-tests", &["*"]),
];

/// What `cargo metadata` shows and the table forbids.
pub(super) fn forbidden(metadata: &Value) -> Vec<String> {
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut messages = Vec::new();
    for package in list(metadata, "packages") {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            messages.push(format!(
                "{name}: a new crate: say in xtask/src/layers/crates.rs what it may use"
            ));
            continue;
        };
        for dependency in list(&package, "dependencies") {
            let ours = dependency.get("path").is_some_and(Value::is_string);
            let for_tests = dependency["kind"] == "dev";
            let to = dependency["name"].as_str().unwrap_or_default();
            if ours && !for_tests && !allowed.contains(&to) && !allowed.contains(&"*") {
                messages.push(format!(
                    "{name} depends on {to}: move what both need to appliance-common, or talk over the API"
                ));
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, to: &str, kind: &Value) -> Value {
        let dependency = json!({"name": to, "kind": kind, "path": format!("/src/{to}")});
        json!({"packages": [{"name": name, "dependencies": [dependency, {"name": "serde", "kind": null, "path": null}]}]})
    }

    #[test]
    fn an_arrow_that_turns_round_is_named() {
        let found = forbidden(&package(
            "appliance-common",
            "appliance-control-plane",
            &Value::Null,
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("appliance-common depends on appliance-control-plane"),
            "{found:?}"
        );
    }

    #[test]
    fn leaves_build_on_common_and_tests_on_anything() {
        let arrows = [
            ("appliance-control-plane", "appliance-common", Value::Null),
            ("appliance-tests", "appliance-control-plane", Value::Null),
            ("appliance-tests", "xtask", json!("dev")),
        ];
        for (from, to, kind) in arrows {
            assert_eq!(
                forbidden(&package(from, to, &kind)),
                Vec::<String>::new(),
                "{from} -> {to}"
            );
        }
    }

    #[test]
    fn a_crate_without_a_place_is_named() {
        let found = forbidden(&package("appliance-extra", "appliance-common", &Value::Null));
        assert!(found[0].contains("appliance-extra: a new crate"), "{found:?}");
    }
}
