//! Password, licence key and setup token are nowhere but where they belong.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use appliance_common::names::file;
use appliance_common::state_file::replace;
use appliance_control_plane::setup::run::Run;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::{Value, json};
use tracing_subscriber::util::SubscriberInitExt;

use crate::log::Log;
use crate::objects::{KINDS, resource, secret_value};
use crate::scene::{PASSWORD, RUN_LIMIT, answers, ended, reading};
use crate::site::Site;

const TOKEN: &str = "canary-token-5Vq0cJ2mX8rT";
/// A header, the claims `{"sub":"canary","exp":4102444800}`, and a signature nobody checks here.
const LICENSE: &str =
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkiLCJleHAiOjQxMDI0NDQ4MDB9.Y2FuYXJ5LXNpZ25hdHVyZQ";

/// One secret in every form it could be written in.
pub(crate) struct Canary {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    pub(crate) fn new(name: &'static str, secret: &str) -> Self {
        let quoted = Value::from(secret).to_string();
        let mut forms = vec![
            secret.as_bytes().to_vec(),
            quoted.trim_matches('"').as_bytes().to_vec(),
            format!("{secret:?}").trim_matches('"').as_bytes().to_vec(),
            hex::encode(secret).into_bytes(),
            format!("{:?}", secret.as_bytes())
                .trim_matches(['[', ']'])
                .as_bytes()
                .to_vec(),
        ];
        // Base64 of anything that contains it: what precedes shifts the alphabet, the ends depend on
        // the neighbours.
        for before in 0..3 {
            let text = [&vec![b' '; before][..], secret.as_bytes()].concat();
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&text);
                let inner = &encoded.as_bytes()[4..encoded.len() - 4];
                // Of a short secret so little is left that chance would find it.
                if inner.len() >= 8 {
                    forms.push(inner.to_vec());
                }
            }
        }
        Self { name, forms }
    }

    fn is_in(&self, haystack: &[u8]) -> bool {
        let found = |form: &Vec<u8>| haystack.windows(form.len()).any(|window| window == form);
        self.forms.iter().any(found)
    }
}

pub(crate) struct Canaries(pub(crate) Vec<Canary>);

impl Canaries {
    pub(crate) fn check(&self, place: &str, text: impl AsRef<[u8]>) -> Result<()> {
        match self.0.iter().find(|canary| canary.is_in(text.as_ref())) {
            Some(canary) => bail!("the {} is in {place}", canary.name),
            None => Ok(()),
        }
    }

    /// Every byte of every file, but for the token in its own.
    pub(crate) fn check_volume(&self, dir: &Path) -> Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name != file::SETUP_TOKEN) {
                match fs::read(&path) {
                    Ok(text) => self.check(&path.display().to_string(), text)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Command lines of everything that runs on this machine.
    pub(crate) fn check_processes(&self) -> Result<()> {
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path().join("cmdline");
            // Not a process, or one that has just ended.
            if let Ok(arguments) = fs::read(&path) {
                self.check(&path.display().to_string(), arguments)?;
            }
        }
        Ok(())
    }

    /// Every object of the kinds setup writes; only the Secrets that are made for them may have them.
    pub(crate) async fn check_cluster(&self, site: &Site) -> Result<()> {
        for (.., kind) in KINDS {
            let api = Api::<DynamicObject>::all_with(site.client.clone(), &resource(kind)?);
            for object in api.list(&ListParams::default()).await?.items {
                let name = object.metadata.name.clone().unwrap_or_default();
                let mut object = serde_json::to_value(&object)?;
                match name.as_str() {
                    "appliance-initial-tenant" => drop(object["data"]["INITIAL_ADMIN_PASSWORD"].take()),
                    "appliance-license-seed" => {
                        for key in ["LICENSE_TOKEN", "APPLIANCE_CREDENTIAL"] {
                            drop(object["data"].get_mut(key).map(Value::take));
                        }
                    }
                    _ => {}
                }
                if let Some(data) = object["data"].as_object().filter(|_| kind == "Secret") {
                    for key in data.keys().filter(|key| !data[*key].is_null()) {
                        self.check(&format!("{key} of {name}"), secret_bytes(&object, key)?)?;
                    }
                }
                self.check(&format!("{kind} {name}"), object.to_string())?;
            }
        }
        let audit = fs::read(site.cluster.dir().join("audit.log"))?;
        self.check("the API server's audit log", audit)
    }
}

fn secret_bytes(object: &Value, key: &str) -> Result<Vec<u8>> {
    let encoded = object["data"][key].as_str().context("no text")?;
    Ok(base64::engine::general_purpose::STANDARD.decode(encoded)?)
}

#[tokio::test]
async fn no_secret_is_in_a_file_a_log_an_argument_or_an_annotation() -> Result<()> {
    let log = Log::default();
    log.subscriber("debug,appliance_common=trace,appliance_control_plane=trace".parse()?)
        .init();
    let canaries = Canaries(vec![
        Canary::new("password", PASSWORD),
        Canary::new("licence key", LICENSE),
        Canary::new("setup token", TOKEN),
    ]);
    let mut site = Site::start().await?;
    replace(&site.volume.settings.token_file, TOKEN.as_bytes(), 0o640)?;
    let setup = site.open();
    let mut answers = answers();
    answers["licenseKey"] = json!(LICENSE);

    // Failures have texts of their own.
    site.registry.kill();
    let accepted = setup.submit(&reading(&answers)?).await?;
    canaries.check(
        "the reply",
        format!("{accepted:?} {}", serde_json::to_string(&accepted)?),
    )?;
    assert!(matches!(ended(&setup).await?.history.run, Run::Blocked { .. }));
    canaries.check_volume(site.volume.dir.path())?;
    site.registry.start_again().await?;

    let mut views = setup.board().context("the journal cannot be read")?.follow();
    setup.submit(&reading(&answers)?).await?;
    loop {
        let view = views.borrow_and_update().clone();
        canaries.check("what readers see", format!("{view:?}"))?;
        canaries.check_volume(site.volume.dir.path())?;
        match view.history.run {
            Run::Complete => break,
            Run::Blocked { .. } => bail!("{view:?}"),
            _ => {}
        }
        tokio::time::timeout(RUN_LIMIT, views.changed()).await??;
    }
    canaries.check(
        "Debug of the handle",
        format!("{setup:?} {:?}", setup.stored_inputs()),
    )?;
    canaries.check_processes()?;
    canaries.check_cluster(&site).await?;
    let tenant = Api::<DynamicObject>::namespaced_with(site.client.clone(), "msp", &resource("Secret")?);
    let tenant = serde_json::to_value(tenant.get("appliance-initial-tenant").await?)?;
    assert_eq!(
        secret_value(&tenant, "INITIAL_ADMIN_PASSWORD")?,
        PASSWORD,
        "byte for byte"
    );
    let log = log.text();
    canaries.check("the log", &log)?;
    assert!(
        log.contains("setup run ended") && log.len() > 10_000,
        "the log was kept"
    );
    Ok(())
}

#[test]
fn a_canary_is_found_in_every_form() {
    let canary = Canary::new("password", PASSWORD);
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}{PASSWORD}x");
        let forms = [
            text.clone(),
            json!({"k": text}).to_string(),
            format!("{text:?}"),
            STANDARD_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(&text),
        ];
        for form in forms {
            assert!(canary.is_in(form.as_bytes()), "{form}");
        }
    }
    assert!(!canary.is_in(b"Can ary\\7"));
}
