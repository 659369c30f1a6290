use appliance_common::names::SERVICES;
use serde_json::{Value, json};

use super::*;

fn profile() -> Vec<ProfileValues> {
    let core = "# core\nappUrl: https://alga.local\nhost: alga.local\ndomainSuffix: x\nbootstrap:\n  mode: fresh\n\
                setup:\n  image: {name: psa, tag: latest}\nserver:\n  image:\n    tag: latest # pinned at install\n";
    let worker = "image:\n  tag: latest\napplicationUrl: http://alga-core.msp.svc.cluster.local:3000\n";
    SERVICES
        .into_iter()
        .map(|service| {
            let text = match service {
                "alga-core" => core,
                "pgbouncer" | "temporal" => "# untouched\nimage: {tag: '1.0'}",
                _ => worker,
            };
            ProfileValues {
                service,
                file: format!("{service}.single-node.yaml"),
                yaml: text.to_owned(),
            }
        })
        .collect()
}

fn images() -> Images {
    Images {
        alga_core: "core-1".parse().unwrap(),
        workflow_worker: Some("workflow-1".parse().unwrap()),
        email_service: None,
        temporal_worker: Some("temporal-1".parse().unwrap()),
    }
}

fn url(typed: &str) -> AppUrl {
    AppUrl::parse(typed).unwrap()
}

fn value(rendered: &[RenderedValues], service: &str) -> Value {
    let values = rendered.iter().find(|values| values.service == service).unwrap();
    Value::Object(edit::read(&values.text).unwrap())
}

#[test]
fn address_and_images_go_to_their_places_and_nothing_else_changes() {
    let rendered = render(&profile(), &images(), Some(&url("http://[FD00::1]:3000"))).unwrap();
    assert_eq!(
        rendered.iter().map(|values| values.service).collect::<Vec<_>>(),
        SERVICES
    );
    assert!(
        rendered
            .iter()
            .all(|values| values.key == format!("{}.single-node.yaml", values.service))
    );
    assert_eq!(
        rendered[0].text,
        "# core\nappUrl: \"http://[fd00::1]:3000\"\nhost: \"[fd00::1]\"\ndomainSuffix: \"\"\nbootstrap:\n  mode: \"recover\"\n\
         setup:\n  image: {name: psa, tag: \"core-1\"}\nserver:\n  image:\n    tag: \"core-1\" # pinned at install\n"
    );
    assert_eq!(rendered[1].text, "# untouched\nimage: {tag: '1.0'}\n");
    assert_eq!(rendered[1].text, rendered[2].text);
    assert_eq!(value(&rendered, "workflow-worker")["image"]["tag"], "workflow-1");
    assert_eq!(
        rendered[4].text,
        profile()[4].yaml,
        "no image: the profile's own tag"
    );
    assert_eq!(
        value(&rendered, "temporal-worker"),
        json!({
            "image": {"tag": "temporal-1"},
            "applicationUrl": "http://alga-core.msp.svc.cluster.local:3000",
            "publicBaseUrl": "http://[fd00::1]:3000",
        })
    );
}

#[test]
fn a_bare_host_is_served_over_https() {
    let rendered = render(&profile(), &images(), Some(&url("psa.example.com"))).unwrap();
    let core = value(&rendered, "alga-core");
    assert_eq!(core["appUrl"], "https://psa.example.com");
    assert_eq!(core["host"], "psa.example.com");
    assert_eq!(core["domainSuffix"], "");
    assert_eq!(
        value(&rendered, "temporal-worker")["publicBaseUrl"],
        "https://psa.example.com"
    );
}

#[test]
fn without_an_address_the_profiles_own_stays() {
    let rendered = render(&profile(), &images(), None).unwrap();
    let core = value(&rendered, "alga-core");
    assert_eq!(core["appUrl"], "https://alga.local");
    assert_eq!(
        (&core["domainSuffix"], &core["bootstrap"]["mode"]),
        (&json!("x"), &json!("recover"))
    );
    assert!(value(&rendered, "temporal-worker").get("publicBaseUrl").is_none());
}

#[test]
fn rendering_what_was_rendered_changes_nothing() {
    let rendered = render(&profile(), &images(), Some(&url("psa.example.com"))).unwrap();
    let again: Vec<ProfileValues> = rendered
        .iter()
        .map(|values| ProfileValues {
            service: values.service,
            file: values.key.clone(),
            yaml: values.text.clone(),
        })
        .collect();
    assert_eq!(
        render(&again, &images(), Some(&url("psa.example.com"))).unwrap(),
        rendered
    );
}

#[test]
fn a_release_that_cannot_be_rendered_names_text_and_path() {
    let error = |yaml: &str| {
        let mut profile = profile();
        profile[5].yaml = yaml.to_owned();
        render(&profile, &images(), Some(&url("h")))
            .unwrap_err()
            .to_string()
    };
    let named = "profileValues[\"temporal-worker.single-node.yaml\"]";
    assert_eq!(
        error("- x\n"),
        format!("{named} at publicBaseUrl: it is not a YAML mapping")
    );
    assert_eq!(
        error("image:\n  tag: {a: 1}\n"),
        format!("{named} at image.tag: image.tag holds a mapping, where a single value belongs")
    );
}

#[test]
fn images_that_share_one_anchor_both_get_the_tag() {
    let mut profile = profile();
    "setup:\n  image: &image {name: psa, tag: latest}\nserver:\n  image: *image\n"
        .clone_into(&mut profile[0].yaml);
    let core = value(&render(&profile, &images(), None).unwrap(), "alga-core");
    for part in ["setup", "server"] {
        assert_eq!(core[part]["image"], json!({"name": "psa", "tag": "core-1"}));
    }
}
