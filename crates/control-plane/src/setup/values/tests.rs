use serde_json::{Value, json};

use super::*;

fn texts() -> BTreeMap<String, String> {
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
            (format!("{service}.single-node.yaml"), text.to_owned())
        })
        .collect()
}

fn images() -> Images {
    Images {
        alga_core: "core-1".to_owned(),
        workflow_worker: Some("workflow-1".to_owned()),
        email_service: None,
        temporal_worker: Some("temporal-1".to_owned()),
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
    let rendered = render(PROFILE, &texts(), &images(), Some(&url("http://[FD00::1]:3000"))).unwrap();
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
        texts()["email-service.single-node.yaml"],
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
    let rendered = render(PROFILE, &texts(), &images(), Some(&url("psa.example.com"))).unwrap();
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
    let rendered = render(PROFILE, &texts(), &images(), None).unwrap();
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
    let rendered = render(PROFILE, &texts(), &images(), Some(&url("psa.example.com"))).unwrap();
    let again = rendered
        .iter()
        .map(|values| (values.key.clone(), values.text.clone()))
        .collect();
    assert_eq!(
        render(PROFILE, &again, &images(), Some(&url("psa.example.com"))).unwrap(),
        rendered
    );
}

#[test]
fn a_release_that_cannot_be_rendered_names_text_and_path() {
    let key = "temporal-worker.single-node.yaml";
    let error = |text: Option<&str>| {
        let mut texts = texts();
        texts.remove(key);
        texts.extend(text.map(|text| (key.to_owned(), text.to_owned())));
        render(PROFILE, &texts, &images(), Some(&url("h")))
            .unwrap_err()
            .to_string()
    };
    let named = format!("profileValues[\"{key}\"]");
    assert_eq!(
        error(None),
        format!("{named}: the release does not have it, or not as text")
    );
    assert_eq!(error(Some("- x\n")), format!("{named}: it is not a YAML mapping"));
    assert_eq!(
        error(Some("image:\n  tag: {a: 1}\n")),
        format!("{named} at image.tag: image.tag holds a mapping, where a single value belongs")
    );
    let large = format!("a: {}\n", "x".repeat(MAX_TEXT_BYTES));
    assert_eq!(
        error(Some(&large)),
        format!("{named}: 262148 bytes, more than 262144")
    );
}

#[test]
fn a_foreign_profile_or_too_much_text_is_refused() {
    let error = render("test-profile", &texts(), &images(), None)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "valuesProfile \"test-profile\" is not supported: the application reads \"single-node\" only"
    );
    let large = format!("a: {}\n", "x".repeat(200 * 1024));
    let texts = texts().into_keys().map(|key| (key, large.clone())).collect();
    assert!(matches!(
        render(PROFILE, &texts, &images(), None),
        Err(ValuesError::TooLarge { .. })
    ));
}
