use serde_json::json;

use super::*;

const TENANT: &str = "5c3f3a52-90ab-4cde-8f01-23456789abcd";
const CREDENTIAL: &str = "canary-credential-0123456789";
const TOKEN: &str = "canary.token.sig";

fn pro() -> Value {
    json!({
        "tenant_id": TENANT, "edition": "pro", "company_name": " Acme  GmbH ",
        "contact_email": "it@acme.example", "first_jwt": TOKEN, "appliance_credential": CREDENTIAL,
        "check_in_url": "https://license.example/check-in",
    })
}

fn with(field: &str, value: Value) -> Result<Redemption, Unusable> {
    let mut answer = pro();
    answer[field] = value;
    Redemption::read(answer.to_string().as_bytes())
}

#[test]
fn a_paid_answer_is_read_whole() {
    let read = Redemption::read(pro().to_string().as_bytes()).unwrap();
    assert_eq!(
        (read.tenant_id.as_str(), read.edition),
        (TENANT, InstallEdition::Pro)
    );
    assert_eq!(read.license_token.as_ref().unwrap().expose(), TOKEN);
    assert_eq!(read.credential.as_ref().unwrap().expose(), CREDENTIAL);
    assert_eq!(
        read.check_in_url.as_deref(),
        Some("https://license.example/check-in")
    );
    assert_eq!(read.contact_email.as_deref(), Some("it@acme.example"));
    assert!(!format!("{read:?}").contains("canary"), "{read:?}");
}

#[test]
fn a_free_answer_needs_only_a_tenant() {
    for answer in [
        json!({"tenant_id": TENANT}),
        json!({"tenant_id": TENANT, "edition": null, "first_jwt": null, "appliance_credential": ""}),
        json!({"tenant_id": TENANT.to_uppercase(), "edition": "essentials", "more": [1]}),
    ] {
        let read = Redemption::read(answer.to_string().as_bytes()).unwrap();
        assert_eq!(
            (read.tenant_id.as_str(), read.edition),
            (TENANT, InstallEdition::Essentials)
        );
        assert!(read.license_token.is_none() && read.credential.is_none());
    }
}

#[test]
fn an_old_name_of_an_edition_is_understood_and_an_unknown_one_is_not() {
    assert_eq!(
        with("edition", json!("premium")).unwrap().edition,
        InstallEdition::Pro
    );
    for unknown in [json!("enterprise"), json!("PRO"), json!(1), json!(["pro"])] {
        assert!(
            matches!(
                with("edition", unknown.clone()),
                Err(Unusable::Malformed { field: "edition", .. })
            ),
            "{unknown}"
        );
    }
}

#[test]
fn what_is_no_answer_is_named() {
    for (body, expected) in [
        ("<!doctype html><p>Sign in", Unusable::WebPage),
        ("  <html>", Unusable::WebPage),
        ("", Unusable::NotAnObject),
        ("null", Unusable::NotAnObject),
        ("[]", Unusable::NotAnObject),
        ("{\"tenant_id\":", Unusable::NotAnObject),
        ("{}", Unusable::Missing { field: "tenant_id" }),
        (r#"{"tenant_id":" "}"#, Unusable::Missing { field: "tenant_id" }),
        (r#"{"tenant_id":null}"#, Unusable::Missing { field: "tenant_id" }),
    ] {
        assert_eq!(Redemption::read(body.as_bytes()).unwrap_err(), expected, "{body}");
    }
}

#[test]
fn a_tenant_id_is_a_uuid() {
    for bad in [
        json!("5c3f3a5290ab4cde8f0123456789abcd"),
        json!("{5c3f3a52-90ab-4cde-8f01-23456789abcd}"),
        json!("urn:uuid:5c3f3a52-90ab-4cde-8f01-23456789abcd"),
        json!("5c3f3a52-90ab-4cde-8f01-23456789abcg"),
        json!("5c3f3a52-90ab-4cde-8f01-23456789abcd-"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("tenant"),
        json!(7),
        json!({"id": TENANT}),
    ] {
        let error = with("tenant_id", bad.clone()).unwrap_err();
        assert!(
            matches!(
                error,
                Unusable::Malformed {
                    field: "tenant_id",
                    ..
                }
            ),
            "{bad} {error}"
        );
    }
}

#[test]
fn a_paid_answer_without_token_or_credential_is_refused() {
    for (field, bad) in [
        ("first_jwt", Value::Null),
        ("first_jwt", json!("")),
        ("first_jwt", json!("a b")),
        ("first_jwt", json!("a\nb")),
        ("first_jwt", json!("x".repeat(MAX_TOKEN_BYTES + 1))),
        ("first_jwt", json!(5)),
        ("appliance_credential", Value::Null),
        ("appliance_credential", json!("fifteen-letters")),
        ("check_in_url", json!("http://license.example/check-in")),
        ("check_in_url", json!("https://u:p@license.example/")),
        ("check_in_url", json!("nowhere")),
    ] {
        let error = with(field, bad.clone()).unwrap_err().to_string();
        assert!(error.contains(field), "{field} {bad}: {error}");
    }
    assert!(with("check_in_url", Value::Null).is_ok());
    assert!(with("check_in_url", json!("http://127.0.0.1:4000/check-in")).is_ok());
}

#[test]
fn a_name_that_cannot_be_shown_is_left_out() {
    for bad in [
        json!("A\u{1b}[2Jcme"),
        json!("A\u{202e}cme"),
        json!("x".repeat(201)),
        json!(3),
    ] {
        let read = with("company_name", bad.clone()).unwrap();
        assert_eq!(read.company_name, None, "{bad}");
        assert!(!read.differs_from("Acme"));
    }
}

#[test]
fn companies_are_compared_as_people_read_them() {
    let read = with("edition", json!("pro")).unwrap();
    assert!(!read.differs_from("acme gmbh") && !read.differs_from(" ACME\u{a0}GmbH"));
    assert!(read.differs_from("Acme Ltd") && read.differs_from(""));
}
