//! The verifying pull against the real registry.

use std::time::Duration;

use anyhow::Result;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::reference::{Channel, Digest, Reference, RegistryHost};
use appliance_common::release::registry::{Category, Registry, RegistrySettings, Resolved};
use appliance_tests::registry::TestRegistry;
use appliance_tests::tools::Tools;
use xtask::publish::{Options, publish};

const REPOSITORY: &str = "nine-minds/alga-appliance-release";

/// Short, so that a stalled registry does not hold the tests up.
const TIMEOUT: Duration = Duration::from_millis(500);

fn client(host: &RegistryHost) -> Result<Registry> {
    let settings = RegistrySettings {
        timeout: TIMEOUT,
        ..RegistrySettings::new(host.clone(), REPOSITORY.parse()?)
    };
    Ok(Registry::open(settings)?)
}

async fn registry() -> Result<(TestRegistry, RegistryHost)> {
    let registry = TestRegistry::start(&Tools::ensure(&|progress| eprintln!("{progress}"))?).await?;
    let host = registry.host().parse()?;
    Ok((registry, host))
}

#[tokio::test]
async fn a_published_release_is_the_same_by_channel_version_and_digest() -> Result<()> {
    let (_registry, host) = registry().await?;
    let published = publish(&Options::sample(host.clone(), "1.0.0")).await?;
    let client = client(&host)?;
    client.probe().await?;
    assert_eq!(client.lookup().await?.len(), 1);
    let by_channel = client.resolve(&Reference::Channel(Channel::Stable)).await?;
    assert_eq!(by_channel.manifest_digest.as_str(), published.release.digest);
    assert_eq!(Digest::of(&by_channel.raw), by_channel.config_digest);
    for reference in ["1.0.0", &published.release.digest] {
        let resolved = client
            .resolve(&Reference::from_inputs("stable", reference)?)
            .await?;
        assert_eq!(
            resolved.manifest_digest, by_channel.manifest_digest,
            "{reference}"
        );
        assert_eq!(resolved.raw, by_channel.raw, "{reference}");
    }
    let usable = by_channel.release.usable(&UsePolicy::for_registry(&host))?;
    assert_eq!(usable.version.as_str(), "1.0.0");
    let again = Resolved::from_stored(by_channel.to_stored())?;
    assert_eq!(again, by_channel);
    Ok(())
}

#[tokio::test]
async fn a_channel_follows_the_newest_release_and_a_version_stays() -> Result<()> {
    let (_registry, host) = registry().await?;
    let first = publish(&Options::sample(host.clone(), "1.0.0")).await?;
    let second = publish(&Options::sample(host.clone(), "1.1.0")).await?;
    let client = client(&host)?;
    let head = client.resolve(&Reference::Channel(Channel::Stable)).await?;
    assert_eq!(head.manifest_digest.as_str(), second.release.digest);
    let pinned = client
        .resolve(&Reference::from_inputs("stable", "1.0.0")?)
        .await?;
    assert_eq!(pinned.manifest_digest.as_str(), first.release.digest);
    Ok(())
}

#[tokio::test]
async fn what_a_registry_does_not_have_is_not_found_and_not_transient() -> Result<()> {
    let (_registry, host) = registry().await?;
    publish(&Options::sample(host.clone(), "1.0.0")).await?;
    let client = client(&host)?;
    for reference in ["nightly", "9.9.9", &format!("sha256:{}", "0".repeat(64))] {
        let error = client
            .resolve(&Reference::from_inputs("nightly", reference)?)
            .await
            .unwrap_err();
        assert_eq!(error.category(), Category::NotFound, "{reference}: {error}");
        assert!(
            !error.transient() && error.to_string().contains(host.as_str()),
            "{error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_registry_that_is_away_or_stalls_is_told_apart_and_comes_back() -> Result<()> {
    let (mut registry, host) = registry().await?;
    publish(&Options::sample(host.clone(), "1.0.0")).await?;
    let client = client(&host)?;
    let stable = Reference::Channel(Channel::Stable);
    registry.pause()?;
    let stalled = client.resolve(&stable).await.unwrap_err();
    assert_eq!(stalled.category(), Category::Timeout, "{stalled}");
    registry.resume()?;
    registry.kill();
    let away = client.resolve(&stable).await.unwrap_err();
    assert_eq!(away.category(), Category::Connect, "{away}");
    assert!(stalled.transient() && away.transient());
    registry.start_again().await?;
    client.resolve(&stable).await?;
    Ok(())
}
