use appliance_common::outbound::DnsPolicy;
use serde_json::{Value, json};

use super::*;

/// With everything that breaks naive quoting in it.
const PASSWORD: &str = r#" Can4ry"\Pass! "#;
const CODE: &str = "K7QPM2RX";
const KEY: &str = "e30.Y2FuYXJ5.c2ln";

fn now() -> Timestamp {
    "2026-06-01T10:20:30.456789Z".parse().unwrap()
}

fn body() -> Value {
    json!({
        "appHostname": "psa.example.com",
        "tenantName": " Acme ", "adminFirstName": "Ada", "adminLastName": "Byron",
        "adminEmail": " Ada@Example.COM ",
        "adminPassword": PASSWORD, "adminPasswordConfirm": PASSWORD,
        "installCode": " k7qp-m2rx ",
    })
}

/// The minimal body with some fields changed; `null` leaves a field out.
fn body_with(changes: &Value) -> Value {
    let mut body = body();
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

fn submit(body: &Value) -> Result<SetupInputs, InputErrors> {
    SetupInputs::from_submission(&RawInputs::from_json(body.to_string().as_bytes()).unwrap(), now())
}

fn fields(body: &Value) -> Vec<&'static str> {
    match submit(body) {
        Ok(_) => vec![],
        Err(errors) => errors.fields.into_keys().collect(),
    }
}

fn stored(inputs: &SetupInputs) -> StoredInputs {
    StoredInputs::new(inputs, "submission-1", "sealed text".to_owned())
}

#[test]
fn a_minimal_submission_gets_the_defaults() {
    let inputs = submit(&body()).unwrap();
    assert_eq!(
        serde_json::to_value(stored(&inputs)).unwrap(),
        json!({
            "channel": "stable", "appHostname": "https://psa.example.com",
            "dnsMode": "system", "dnsServers": "", "releaseRef": "",
            "initialTenant": {
                "tenantName": "Acme", "adminFirstName": "Ada", "adminLastName": "Byron",
                "adminEmail": "ada@example.com",
            },
            "editionChoice": "ee", "licenseMode": "code",
            "submittedAt": "2026-06-01T10:20:30.456Z",
            "submissionId": "submission-1", "sealed": "sealed text",
        })
    );
    assert_eq!(inputs.admin_password.expose(), PASSWORD, "spaces are kept");
    assert_eq!(inputs.secrets().install_code.unwrap().expose(), CODE);
}

#[test]
fn every_rule_names_its_field() {
    let long = |n: usize| "a".repeat(n);
    let digest = format!("sha256:{}", "0a".repeat(32));
    for (changes, expected) in [
        (json!({}), &[][..]),
        (json!({"channel": " stable "}), &[]),
        (json!({"channel": "nightly"}), &[]),
        (json!({"channel": "Stable"}), &["channel"]),
        (json!({"channel": "beta"}), &["channel"]),
        (json!({"channel": ["stable"]}), &["channel"]),
        (json!({"appHostname": ""}), &["appHostname"]),
        (json!({"appHostname": null}), &["appHostname"]),
        (json!({"appHostname": "javascript:alert(1)"}), &["appHostname"]),
        (json!({"appHostname": "http://u:p@h/"}), &["appHostname"]),
        (json!({"dnsMode": "auto"}), &["dnsMode"]),
        (json!({"dnsMode": "custom"}), &["dnsServers"]),
        (
            json!({"dnsMode": " custom ", "dnsServers": " 10.0.0.53 , fd00::53 "}),
            &[],
        ),
        (
            json!({"dnsMode": "custom", "dnsServers": "dns.example"}),
            &["dnsServers"],
        ),
        (json!({"dnsMode": "system", "dnsServers": "garbage"}), &[]),
        (json!({"dnsServers": 7}), &["dnsServers"]),
        (json!({"releaseRef": " 1.0.3 "}), &[]),
        (json!({"releaseRef": digest}), &[]),
        (json!({"releaseRef": digest.to_uppercase()}), &["releaseRef"]),
        (json!({"releaseRef": "../../x/manifests/y"}), &["releaseRef"]),
        (json!({"releaseRef": "a?b"}), &["releaseRef"]),
        (json!({"releaseRef": "-x"}), &["releaseRef"]),
        (json!({"releaseRef": "a\nb"}), &["releaseRef"]),
        (json!({"releaseRef": long(128)}), &[]),
        (json!({"releaseRef": long(129)}), &["releaseRef"]),
    ] {
        assert_eq!(fields(&body_with(&changes)), expected, "{changes}");
    }
}

#[test]
fn dns_servers_are_kept_as_typed_and_used_only_when_custom() {
    let dns = |mode: &str, servers: &str| {
        submit(&body_with(&json!({"dnsMode": mode, "dnsServers": servers})))
            .unwrap()
            .dns
    };
    let custom = dns("custom", " 10.0.0.53 , fd00::53 ");
    assert_eq!(
        (custom.mode(), custom.typed()),
        ("custom", "10.0.0.53 , fd00::53")
    );
    assert_eq!(custom.policy().servers().len(), 2);
    let system = dns("system", "garbage,,");
    assert_eq!(
        (system.mode(), system.typed(), system.policy()),
        ("system", "garbage,,", &DnsPolicy::System)
    );
    assert_eq!(
        fields(&body_with(&json!({"dnsServers": "x".repeat(1025)}))),
        ["dnsServers"]
    );
    assert_eq!(
        fields(&body_with(&json!({"dnsMode": 1, "dnsServers": 2}))),
        ["dnsMode", "dnsServers"]
    );
}

#[test]
fn company_and_administrator_are_required_and_bounded() {
    let long = |n: usize| "a".repeat(n);
    for (changes, expected) in [
        (json!({"tenantName": " "}), &["tenantName"][..]),
        (json!({"tenantName": long(200)}), &[]),
        (json!({"tenantName": long(201)}), &["tenantName"]),
        (json!({"tenantName": "é".repeat(200)}), &[]),
        (json!({"adminFirstName": "a\u{0}b"}), &["adminFirstName"]),
        (json!({"adminLastName": "a\nb"}), &["adminLastName"]),
        (json!({"adminEmail": "a@b"}), &["adminEmail"]),
        (json!({"adminEmail": "a b@c.d"}), &["adminEmail"]),
        (json!({"adminEmail": "@c.d"}), &["adminEmail"]),
        (json!({"adminEmail": "a@b@c.d"}), &["adminEmail"]),
        (json!({"adminEmail": "a@.d"}), &["adminEmail"]),
        (json!({"adminEmail": "a@d."}), &["adminEmail"]),
        (json!({"adminEmail": "a\u{1}@c.d"}), &["adminEmail"]),
        (json!({"adminEmail": format!("{}@c.d", long(250))}), &[]),
        (
            json!({"adminEmail": format!("{}@c.d", long(251))}),
            &["adminEmail"],
        ),
        (
            json!({"adminPassword": "Sh0rt!a"}),
            &["adminPassword", "adminPasswordConfirm"],
        ),
        (json!({"adminPassword": 12_345_678}), &["adminPassword"]),
        (json!({"adminPasswordConfirm": null}), &["adminPasswordConfirm"]),
        (
            json!({"adminPasswordConfirm": PASSWORD.trim()}),
            &["adminPasswordConfirm"],
        ),
        (json!({"editionChoice": "pro"}), &["editionChoice"]),
        (json!({"initialTenant": {"tenantName": "Other"}}), &[]),
    ] {
        assert_eq!(fields(&body_with(&changes)), expected, "{changes}");
    }
}

#[test]
fn a_licence_is_a_code_or_explicitly_manual() {
    let expired = "e30.eyJleHAiOjF9.c2ln";
    for (changes, expected) in [
        (json!({"licenseMode": "code"}), &[][..]),
        (json!({"licenseMode": "manual"}), &["licenseMode"]),
        (json!({"licenseMode": "trial"}), &["licenseMode"]),
        (json!({"installCode": "abc"}), &["installCode"]),
        (json!({"installCode": 12_345_678}), &["installCode"]),
        (json!({"licenseKey": KEY}), &["licenseKey"]),
        (json!({"licenseKey": 5}), &["licenseKey"]),
        (json!({"installCode": null}), &["installCode"]),
        (json!({"installCode": " ", "licenseKey": KEY}), &["installCode"]),
        (
            json!({"installCode": null, "licenseMode": "code"}),
            &["installCode"],
        ),
        (json!({"installCode": null, "licenseMode": "manual"}), &[]),
        (
            json!({"installCode": null, "licenseMode": "manual", "editionChoice": "ce"}),
            &[],
        ),
        (
            json!({"installCode": null, "licenseMode": "manual", "licenseKey": KEY}),
            &[],
        ),
        (
            json!({"installCode": null, "licenseMode": "manual", "licenseKey": "a.b"}),
            &["licenseKey"],
        ),
        (
            json!({"installCode": null, "licenseMode": "manual", "licenseKey": expired}),
            &["licenseKey"],
        ),
    ] {
        assert_eq!(fields(&body_with(&changes)), expected, "{changes}");
    }
    let conflict = submit(&body_with(&json!({"licenseKey": KEY}))).unwrap_err().error;
    assert!(
        conflict.contains("installCode") && conflict.contains("licenseKey"),
        "{conflict}"
    );
}

#[test]
fn all_problems_come_together_and_the_first_is_the_contracts_first() {
    let errors = submit(&json!({"licenseKey": 5, "dnsMode": "x", "installCode": CODE})).unwrap_err();
    assert_eq!(errors.error, "Licence key must be text.");
    assert_eq!(
        errors.fields.keys().copied().collect::<Vec<_>>(),
        [
            "adminEmail",
            "adminFirstName",
            "adminLastName",
            "adminPassword",
            "appHostname",
            "dnsMode",
            "licenseKey",
            "tenantName",
        ]
    );
    let errors = submit(&body_with(
        &json!({"adminPassword": "short", "channel": "x", "dnsMode": "x"}),
    ))
    .unwrap_err();
    assert_eq!(errors.error, errors.fields["adminPasswordConfirm"]);
    let errors = submit(&body_with(&json!({"channel": "x", "dnsMode": "x"}))).unwrap_err();
    assert!(errors.error.contains("Invalid channel"), "{}", errors.error);
}

#[test]
fn a_body_that_is_no_object_is_refused_in_plain_words() {
    for body in ["null", "[]", "\"x\"", "5", "", "{\"a\":", "{} x", "\u{feff}{}"] {
        let errors = RawInputs::from_json(body.as_bytes()).unwrap_err();
        assert!(
            errors.error.starts_with("The request body "),
            "{body:?}: {}",
            errors.error
        );
        assert!(errors.fields.is_empty());
    }
    assert!(RawInputs::from_json(b"\xff\xfe").is_err());
}

#[test]
fn aliases_are_asked_only_when_the_earlier_name_is_absent() {
    let by_alias = |changes| submit(&body_with(&changes)).map(|inputs| inputs.tenant.name);
    let absent = json!({"tenantName": null, "initialTenantName": "B", "companyName": "C"});
    assert_eq!(by_alias(absent).unwrap(), "B");
    assert_eq!(
        by_alias(json!({"tenantName": null, "companyName": "C"})).unwrap(),
        "C"
    );
    assert!(by_alias(json!({"tenantName": "", "companyName": "C"})).is_err());
    let nested = json!({
        "tenantName": null, "adminPassword": null,
        "initialTenant": {"tenantName": "N", "adminPassword": PASSWORD},
    });
    assert_eq!(by_alias(nested).unwrap(), "N");
}

#[test]
fn a_stored_submission_replays_to_the_same_inputs() {
    let manual =
        json!({"installCode": null, "licenseMode": "manual", "licenseKey": KEY, "editionChoice": "ce"});
    for changes in [
        json!({}),
        manual,
        json!({"dnsMode": "custom", "dnsServers": "10.0.0.53", "releaseRef": "1.0"}),
    ] {
        let inputs = submit(&body_with(&changes)).unwrap();
        let text = serde_json::to_string(&stored(&inputs)).unwrap();
        let loaded: StoredInputs = serde_json::from_str(&text).unwrap();
        let replayed = SetupInputs::from_stored(&loaded, &inputs.secrets()).unwrap();
        assert_eq!(serde_json::to_string(&stored(&replayed)).unwrap(), text);
        assert_eq!(replayed.admin_password.expose(), PASSWORD);
    }
}

#[test]
fn a_file_of_the_shipped_product_is_read_and_its_secrets_are_not_written_back() {
    let shipped = json!({
        "channel": "nightly", "appHostname": "", "dnsMode": "system", "dnsServers": "", "releaseRef": "",
        "initialTenant": {
            "tenantName": "Acme", "adminFirstName": "Ada", "adminLastName": "Byron",
            "adminEmail": "ada@example.com", "adminPassword": PASSWORD, "note": 1,
        },
        "editionChoice": "ce", "licenseKey": KEY, "installCode": null,
        "submittedAt": "2025-01-02T03:04:05.678Z", "futureKey": {"kept": true},
    });
    let loaded: StoredInputs = serde_json::from_value(shipped).unwrap();
    let secrets = loaded.plain_secrets().unwrap();
    assert_eq!(secrets.license_key.as_ref().unwrap().expose(), KEY);
    let inputs = SetupInputs::from_stored(&loaded, &secrets).unwrap();
    assert!(
        inputs.app_url.is_none(),
        "an empty address that was stored once may replay"
    );
    assert!(matches!(
        &inputs.license,
        LicenseChoice::Manual {
            edition: Edition::Community,
            key: Some(_)
        }
    ));
    let again = serde_json::to_value(&loaded).unwrap();
    assert_eq!(again["futureKey"], json!({"kept": true}));
    assert_eq!(again["initialTenant"]["note"], json!(1));
    for gone in ["licenseKey", "installCode"] {
        assert!(again.get(gone).is_none(), "{gone}");
    }
    assert!(again["initialTenant"].get("adminPassword").is_none());
}

#[test]
fn a_secret_in_an_unexpected_place_is_not_kept() {
    let odd = json!({"adminPassword": PASSWORD, "initialTenant": {"installCode": CODE}, "other": 1});
    let loaded: StoredInputs = serde_json::from_value(odd).unwrap();
    let shown = format!("{loaded:?} {}", serde_json::to_string(&loaded).unwrap());
    assert!(!shown.contains("Can4ry") && !shown.contains(CODE), "{shown}");
    assert!(shown.contains("\"other\":1"), "{shown}");
    let none: StoredInputs = serde_json::from_value(json!({"initialTenant": null})).unwrap();
    assert!(none.plain_secrets().is_none());
}

#[test]
fn a_replay_without_its_secrets_says_what_to_do() {
    let inputs = submit(&body()).unwrap();
    let gone = SetupSecrets {
        admin_password: Secret::new(String::new()),
        install_code: None,
        license_key: None,
    };
    let errors = SetupInputs::from_stored(&stored(&inputs), &gone).unwrap_err();
    assert_eq!(
        errors.fields.keys().copied().collect::<Vec<_>>(),
        ["adminPassword", "installCode"]
    );
    assert!(
        errors.error.contains("submit the setup form again"),
        "{}",
        errors.error
    );
}

#[test]
fn the_form_is_prefilled_by_a_list_of_fields() {
    let fresh = SetupDefaults::new(None, "http://192.0.2.10:3000");
    assert_eq!(
        serde_json::to_value(fresh).unwrap(),
        json!({
            "channel": "stable", "appHostname": "http://192.0.2.10:3000",
            "dnsMode": "system", "dnsServers": "", "releaseRef": "",
        })
    );
    let again = SetupDefaults::new(Some(&stored(&submit(&body()).unwrap())), "http://192.0.2.10:3000");
    assert_eq!(
        serde_json::to_value(again).unwrap(),
        json!({
            "channel": "stable", "appHostname": "https://psa.example.com",
            "dnsMode": "system", "dnsServers": "", "releaseRef": "",
            "tenantName": "Acme", "adminFirstName": "Ada", "adminLastName": "Byron",
            "adminEmail": "ada@example.com",
        })
    );
}

#[test]
fn the_answer_says_which_secrets_are_set_and_not_what_they_are() {
    let accepted =
        |changes| serde_json::to_value(AcceptedInputs::from(&submit(&body_with(&changes)).unwrap())).unwrap();
    let by_code = accepted(json!({}));
    assert_eq!(
        (&by_code["installCode"], &by_code["licenseKey"]),
        (&json!("set"), &Value::Null)
    );
    let by_key = accepted(json!({"installCode": null, "licenseMode": "manual", "licenseKey": KEY}));
    assert_eq!(
        (&by_key["installCode"], &by_key["licenseKey"]),
        (&Value::Null, &json!("set"))
    );
}

#[test]
fn no_form_of_a_submission_shows_a_secret() {
    let mut shown = vec![];
    for changes in [
        json!({}),
        json!({"installCode": null, "licenseMode": "manual", "licenseKey": KEY}),
    ] {
        let body = body_with(&changes);
        let raw = RawInputs::from_json(body.to_string().as_bytes()).unwrap();
        let inputs = SetupInputs::from_submission(&raw, now()).unwrap();
        let stored = stored(&inputs);
        shown.push(format!("{raw:?} {inputs:?} {stored:?} {:?}", inputs.secrets()));
        shown.push(serde_json::to_string(&stored).unwrap());
        shown.push(serde_json::to_string(&AcceptedInputs::from(&inputs)).unwrap());
        shown.push(serde_json::to_string(&SetupDefaults::new(Some(&stored), "")).unwrap());
        let mut wrong = body.clone();
        wrong["adminPasswordConfirm"] = json!("x");
        wrong["adminPassword"] = json!(PASSWORD.to_lowercase());
        shown.push(format!("{:?}", submit(&wrong).unwrap_err()));
    }
    let shown = shown.concat().to_lowercase();
    for canary in ["can4ry", "k7qp", "m2rx", "y2fuyxj5"] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

#[test]
fn the_brief_names_a_pin_only_when_there_is_one() {
    let mut stored: StoredInputs = serde_json::from_value(json!({"channel": "stable"})).unwrap();
    assert!(stored.brief().get("releaseRef").is_none());
    "1.4.2".clone_into(&mut stored.release_ref);
    assert_eq!(stored.brief()["releaseRef"], "1.4.2");
}
