//! Codes that are not redeemed: which kind of no it is, that nothing is stored, and that there is a way on.

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::testing::{Reply, WebServer};
use appliance_tests::standins::license_service::{Fault, LicenseService, Plan};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::objects::{ours, secret_value};
use crate::redemption::{COMPANY, SEED, Shop, TENANT, with_code};
use crate::scene::{RUN_LIMIT, ended, released, submit};

/// No Secret of the application was written.
async fn nothing_is_stored(shop: &Shop) -> Result<()> {
    let objects = ours(&shop.site.client).await?;
    let secrets: Vec<_> = objects.keys().filter(|name| name.starts_with("Secret")).collect();
    assert_eq!(secrets, ["Secret alga-appliance-control-plane/setup-seal"]);
    Ok(())
}

fn is_correctable(failure: &Value) {
    assert_eq!(
        (
            &failure["correctable"],
            &failure["retrySafe"],
            &failure["transient"]
        ),
        (&json!(true), &json!(false), &json!(false)),
        "{failure:#}"
    );
    let next_step = failure["suggestedNextStep"].as_str().unwrap_or_default();
    assert!(
        next_step.contains("nineminds.com/order/appliance/reissue"),
        "{failure:#}"
    );
}

fn passes(failure: &Value) {
    assert_eq!(
        (
            &failure["retrySafe"],
            &failure["transient"],
            failure.get("correctable")
        ),
        (&json!(true), &json!(true), None),
        "{failure:#}"
    );
}

#[tokio::test]
async fn a_code_that_is_no_good_reopens_the_form_for_another() -> Result<()> {
    let shop = Shop::start().await?;
    let open = |company| shop.service.issue(company, Plan::Essentials);
    let (expired, old) = (open("Expired"), open("Superseded"));
    shop.service.expire(&expired);
    shop.service.reissue(&old)?;
    let used = open("Used elsewhere");
    let used_by = reqwest::Client::new().post(format!("{}/register", shop.service.url()));
    let body = json!({"claim_code": used, "appliance_id": "appliance-of-somebody"});
    used_by.body(body.to_string()).send().await?.error_for_status()?;
    for (code, word) in [
        ("ZZZZ2222", "invalid_claim_code"),
        (expired.as_str(), "expired_claim_code"),
        (old.as_str(), "superseded_claim_code"),
        (used.as_str(), "consumed_claim_code"),
    ] {
        let failure = shop.is_blocked(code).await?;
        assert_eq!(failure["code"], word);
        is_correctable(&failure);
        assert!(
            !failure["message"].to_string().contains("this very box"),
            "{failure:#}"
        );
        nothing_is_stored(&shop).await?;
    }
    let good = open(COMPANY);
    let objects = shop.installs(&good).await?;
    let tenant = shop.service.tenant_of(&good).context("no company")?;
    assert_eq!(secret_value(&objects[TENANT], "INITIAL_TENANT_ID")?, tenant);
    assert_eq!(shop.service.redemptions(), 2, "one here and one elsewhere");
    Ok(())
}

#[tokio::test]
async fn a_service_that_is_down_or_busy_is_asked_again_with_the_same_code() -> Result<()> {
    let mut shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let up = shop.site.volume.settings.license_service.clone();
    let gone = LicenseService::start().await?.url();
    shop.site.volume.settings.license_service = Ok(Some(gone.parse()?));
    let failure = shop.is_blocked(&code).await?;
    assert_eq!(failure["code"], "license_service_unreachable");
    passes(&failure);
    shop.site.volume.settings.license_service = up;
    for (fault, word, wait) in [
        (
            Fault::Status(429, "rate_limited", Some(7)),
            "rate_limited",
            json!(7),
        ),
        (Fault::Status(500, "internal", None), "internal", Value::Null),
        (
            Fault::Status(503, "maintenance", Some(120)),
            "maintenance",
            json!(120),
        ),
        (Fault::CutBefore, "license_answer_lost", Value::Null),
    ] {
        shop.service.script([fault]);
        let failure = shop.is_blocked(&code).await?;
        assert_eq!(failure["code"], word);
        assert_eq!(failure["retryAfterSeconds"], wait);
        passes(&failure);
        nothing_is_stored(&shop).await?;
    }
    shop.installs(&code).await?;
    assert_eq!(shop.service.redemptions(), 1);
    Ok(())
}

#[tokio::test]
async fn any_other_no_waits_for_a_person() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Essentials);
    shop.service.script([
        Fault::Status(403, "not_today", None),
        Fault::Redirect(302, format!("{}/sign-in", shop.service.url())),
        Fault::Redirect(307, "http://192.0.2.1/register".to_owned()),
    ]);
    for (word, retry_safe) in [
        ("not_today", false),
        ("license_service_redirects", true),
        ("license_service_redirects", true),
    ] {
        let failure = shop.is_blocked(&code).await?;
        assert_eq!(failure["code"], word);
        assert_eq!(
            (
                &failure["retrySafe"],
                &failure["transient"],
                failure.get("correctable")
            ),
            (&json!(retry_safe), &json!(false), None)
        );
    }
    let elsewhere = LicenseService::start().await?;
    let moved = elsewhere.issue(COMPANY, Plan::Essentials);
    shop.service
        .script([Fault::Redirect(308, format!("{}/register", elsewhere.url()))]);
    shop.installs(&moved).await?;
    assert_eq!((shop.service.redemptions(), elsewhere.redemptions()), (0, 1));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_stores_nothing_and_the_next_code_is_for_the_same_company() -> Result<()>
{
    let mut shop = Shop::start().await?;
    for fault in [
        Fault::Without("tenant_id"),
        Fault::Html,
        Fault::Oversized,
        Fault::With("tenant_id", json!("not-a-uuid")),
        Fault::Without("appliance_credential"),
        Fault::With("edition", json!("platinum")),
    ] {
        let code = shop.service.issue(COMPANY, Plan::Pro);
        shop.service.script([fault.clone()]);
        let asked = shop.service.requests().len();
        let failure = shop.is_blocked(&code).await?;
        assert_eq!(failure["code"], "license_answer_unusable", "{fault:?}");
        is_correctable(&failure);
        nothing_is_stored(&shop).await?;
        let ledger = shop.ledger()?;
        assert_eq!(ledger["state"], "answered-unusable");
        ensure!(ledger["cause"].is_string(), "{ledger:#}");
        assert_eq!(shop.service.requests().len(), asked + 1);

        let again = shop.is_blocked(&code).await?;
        assert_eq!(again["code"], "consumed_claim_code");
        assert!(
            again["message"].to_string().contains("this very box"),
            "{again:#}"
        );

        let second = shop.service.reissue(&code)?;
        let objects = shop.installs(&second).await?;
        let tenant = shop.service.tenant_of(&code).context("no company")?;
        assert_eq!(
            secret_value(&objects[TENANT], "INITIAL_TENANT_ID")?,
            tenant,
            "{fault:?}"
        );
        assert_eq!(shop.ledger()?["state"], "settled");
        shop.site.clear().await?;
        shop.new_volume().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_was_lost_is_said_to_be_ours_and_the_next_code_merges() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    shop.service.script([Fault::CutAfter]);
    let failure = shop.is_blocked(&code).await?;
    assert_eq!(failure["code"], "license_answer_lost");
    passes(&failure);
    let failure = shop.is_blocked(&code).await?;
    assert_eq!(failure["code"], "consumed_claim_code");
    is_correctable(&failure);
    assert!(
        failure["message"].to_string().contains("this very box"),
        "{failure:#}"
    );
    nothing_is_stored(&shop).await?;

    let objects = shop.installs(&shop.service.reissue(&code)?).await?;
    let tenant = shop.service.tenant_of(&code).context("no company")?;
    assert_eq!(secret_value(&objects[TENANT], "INITIAL_TENANT_ID")?, tenant);
    assert_eq!(
        secret_value(&objects[SEED], "APPLIANCE_ID")?,
        shop.appliance_id()?
    );
    assert_eq!(
        shop.service.appliances(),
        [shop.appliance_id()?],
        "one box, one row"
    );
    Ok(())
}

#[tokio::test]
async fn a_release_that_cannot_be_rendered_or_a_cluster_that_declines_spends_no_code() -> Result<()> {
    let shop = Shop::start().await?;
    let code = shop.service.issue(COMPANY, Plan::Pro);
    let mut release = shop.site.release();
    let values = release["profileValues"].as_object_mut().context("no values")?;
    values
        .remove("temporal.single-node.yaml")
        .context("no values for temporal")?;
    shop.site.publish("stable", &release).await?;
    let setup = shop.site.open();
    submit(&setup, &with_code(&code)).await?;
    ended(&setup).await?;
    let state = shop.state()?;
    assert_eq!(state["status"], "runtime-values-blocked");
    assert_eq!(state["failure"]["step"], "render-runtime-values");
    released(&shop.site.volume).await?;
    drop(setup);

    // A Secret that cannot be changed is found by the dry run.
    shop.site.publish("stable", &shop.site.release()).await?;
    let frozen = "apiVersion: v1\nkind: Namespace\nmetadata: {name: msp}\n---\napiVersion: v1\nkind: Secret\n\
                  metadata: {name: appliance-license-seed, namespace: msp}\nimmutable: true\n";
    appliance_tests::apply::yaml(&shop.site.client, "test", "msp", frozen).await?;
    let setup = shop.site.open();
    submit(&setup, &with_code(&code)).await?;
    ended(&setup).await?;
    let state = shop.state()?;
    assert_eq!(state["failure"]["step"], "apply-runtime-values", "{state:#}");
    assert!(
        state["failure"].to_string().contains("appliance-license-seed"),
        "{state:#}"
    );
    assert!(!shop.site.volume.path(file::REDEMPTION).exists());
    assert!(shop.service.requests().is_empty(), "the code was not sent");
    Ok(())
}

#[tokio::test]
async fn the_operators_proxy_and_dns_servers_are_the_way_to_the_service() -> Result<()> {
    let mut shop = Shop::start().await?;
    let far = "https://license.example.test/".parse()?;
    shop.site.volume.settings.license_service = Ok(Some(far));
    let proxy = WebServer::start(|_| Reply::status(502)).await?;
    shop.site.volume.settings.registry.proxy.https_proxy = Some(format!("http://{}", proxy.address()));
    let failure = shop.is_blocked("K7QPM2RX").await?;
    assert_eq!(failure["code"], "license_service_unreachable");
    let asked = proxy.requests();
    let asked = asked.first().context("the proxy was not asked")?;
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("CONNECT", "license.example.test:443")
    );
    assert!(asked.body.is_empty(), "the code goes through the tunnel only");

    shop.site.volume.settings.registry.proxy.https_proxy = None;
    let resolver = UdpSocket::bind("127.0.0.1:0").await?;
    let mut answers = with_code("K7QPM2RX");
    answers["dnsMode"] = json!("custom");
    answers["dnsServers"] = json!(resolver.local_addr()?.to_string());
    let setup = shop.site.open();
    submit(&setup, &answers).await?;
    let mut question = [0; 512];
    let (length, _) = tokio::time::timeout(RUN_LIMIT, resolver.recv_from(&mut question)).await??;
    let name = b"\x07license\x07example\x04test\x00";
    ensure!(
        question[..length]
            .windows(name.len())
            .any(|part| part.eq_ignore_ascii_case(name)),
        "another name was asked for"
    );
    setup.stop();
    Ok(())
}
