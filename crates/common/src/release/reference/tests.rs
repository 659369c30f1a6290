use proptest::prelude::*;

use super::*;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn accepted<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

#[test]
fn references_follow_the_grammar_and_nothing_is_mended() {
    let longest = "a".repeat(128);
    for good in [
        "stable",
        "nightly",
        "1.0.3",
        "_x",
        "A",
        &longest,
        &format!("sha256:{HEX}"),
    ] {
        assert_eq!(good.parse::<Reference>().unwrap().to_string(), good);
    }
    let too_long = "a".repeat(129);
    let upper = format!("sha256:{}", HEX.to_uppercase());
    let short = format!("sha256:{}", &HEX[1..]);
    for bad in [
        "",
        " ",
        "-x",
        ".x",
        "..",
        "../../x/manifests/y",
        "a?b",
        "a#b",
        "a b",
        "a\n",
        " a",
        "a/b",
        "a@b",
        "a%2fb",
        "é",
        "a:b",
        "sha512:00",
        &too_long,
        &upper,
        &short,
    ] {
        assert!(!accepted::<Reference>(bad), "{bad:?}");
    }
}

#[test]
fn a_pin_wins_over_the_channel_and_blank_means_stable() {
    let effective = |channel, pin| Reference::from_inputs(channel, pin).map(|it| it.to_string());
    assert_eq!(effective("", "").unwrap(), "stable");
    assert_eq!(effective(" nightly ", "  ").unwrap(), "nightly");
    assert_eq!(effective("nightly", " 1.0.3 ").unwrap(), "1.0.3");
    assert!(effective("stable", "repo:1.0.3").is_err());
}

#[test]
fn a_bad_channel_is_named_even_beside_a_pin() {
    for channel in ["beta", "Stable", "stable,nightly", "../x"] {
        let error = Reference::from_inputs(channel, "1.0.3").unwrap_err().to_string();
        assert!(error.contains("Invalid channel"), "{error}");
    }
}

#[test]
fn an_error_shows_the_value_escaped_and_shortened() {
    let error = "x\u{1b}[31m\n".parse::<Tag>().unwrap_err().to_string();
    assert!(error.contains(r#""x\u{1b}[31m\n""#), "{error}");
    let long = format!("-{}", "x".repeat(5000))
        .parse::<Tag>()
        .unwrap_err()
        .to_string();
    assert!(long.len() < 300, "{long}");
}

#[test]
fn registries_are_hosts_with_a_dot_a_port_or_localhost() {
    for good in [
        "ghcr.io",
        "localhost",
        "localhost:5000",
        "registry:5000",
        "10.0.0.5",
        "10.0.0.5:65535",
        "[::1]:5000",
        "[fe80::1]",
        "a-b.c-d.example",
    ] {
        assert!(accepted::<RegistryHost>(good), "{good}");
    }
    for bad in [
        "",
        "registry",
        "GHCR.io",
        "https://ghcr.io",
        "ghcr.io/",
        "ghcr.io:",
        "ghcr.io:0",
        "ghcr.io:080",
        "ghcr.io:65536",
        "ghcr.io:+80",
        "user@ghcr.io",
        "ghcr..io",
        ".io",
        "ghcr.io.",
        "-a.io",
        "a-.io",
        "::1",
        "[::1",
        "[::g]:1",
        "[::1]x:5",
        "ghcr.io:443:1",
        "127.1",
        "0x7f.1",
        "1.2.3.0x4",
        "256.0.0.1",
        "a b.io",
        "a_b.io",
        "ghcr.io?x",
        "ghcr.io#x",
        "ghcr.io%2f",
        "bücher.example",
    ] {
        assert!(!accepted::<RegistryHost>(bad), "{bad}");
    }
}

#[test]
fn only_the_three_loopback_names_are_loopback() {
    let loopback = |text: &str| text.parse::<RegistryHost>().unwrap().is_loopback();
    for text in [
        "127.0.0.1",
        "127.0.0.1:5000",
        "localhost",
        "localhost:1",
        "[::1]",
        "[::1]:5000",
    ] {
        assert!(loopback(text), "{text}");
    }
    for text in [
        "127.0.0.2",
        "localhost.localdomain",
        "10.0.0.1",
        "[::2]:1",
        "127.0.0.1.example",
    ] {
        assert!(!loopback(text), "{text}");
    }
}

#[test]
fn repositories_have_lower_case_components() {
    let longest = "a".repeat(255);
    for good in [
        "a",
        "nine-minds/alga-appliance-release",
        "a.b/c__d/e---f",
        "0/1",
        &longest,
    ] {
        assert!(accepted::<Repository>(good), "{good}");
    }
    let too_long = "a".repeat(256);
    for bad in [
        "", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a._b", "a-_b", "-a", "a-", "a/../b", "..", "a:b",
        "a@b", "a b", "a?b", "ä", &too_long,
    ] {
        assert!(!accepted::<Repository>(bad), "{bad}");
    }
}

#[test]
fn an_image_reference_splits_into_its_parts() {
    let text = format!("localhost:5000/nine-minds/app:1.0@sha256:{HEX}");
    let image: ImageRef = text.parse().unwrap();
    assert_eq!(image.repository().as_str(), "localhost:5000/nine-minds/app");
    assert_eq!(image.tag().unwrap().as_str(), "1.0");
    assert_eq!(image.digest().unwrap().as_str(), format!("sha256:{HEX}"));
    assert_eq!(image.to_string(), text);

    for bad in [
        "localhost:5000/app",
        "app:1",
        "ghcr.io/a:",
        "ghcr.io/a@sha256:00",
        "https://ghcr.io/a:1",
        "ghcr.io/a:1:2",
        "ghcr.io/A:1",
        "ghcr.io/:1",
        "ghcr.io:1",
    ] {
        assert!(!accepted::<ImageRef>(bad), "{bad}");
    }
    for bad in [
        "ghcr.io",
        "ghcr.io/a:1",
        "oci://ghcr.io/a",
        "a/b",
        "ghcr.io/a@sha256:0",
    ] {
        assert!(!accepted::<ImageRepository>(bad), "{bad}");
    }
}

#[test]
fn an_image_tag_may_carry_a_digest_but_no_repository() {
    assert!(accepted::<ImageTag>("62cdce38"));
    assert!(accepted::<ImageTag>(&format!("62cdce38@sha256:{HEX}")));
    for bad in ["", " a", "a/b:c", "a@", &format!("@sha256:{HEX}"), "a@sha256:0"] {
        assert!(!accepted::<ImageTag>(bad), "{bad}");
    }
}

#[test]
fn documents_cannot_hold_what_the_grammar_refuses() {
    assert_eq!(serde_json::to_string(&Channel::Nightly).unwrap(), r#""nightly""#);
    assert_eq!(
        serde_json::from_str::<Reference>(r#""1.0.3""#)
            .unwrap()
            .to_string(),
        "1.0.3"
    );
    assert!(serde_json::from_str::<Digest>(r#""sha256:00""#).is_err());
    assert!(serde_json::from_str::<Tag>("5").is_err());
}

proptest! {
    #[test]
    fn what_is_accepted_can_stand_in_a_path_and_prints_as_it_was_read(text in "\\PC{0,140}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text.clone());
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b)));
        }
    }

    #[test]
    fn any_tag_of_the_grammar_is_accepted(text in "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}") {
        prop_assert!(text.parse::<Tag>().is_ok());
    }

    #[test]
    fn any_repository_of_the_grammar_is_accepted(text in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}){0,3}") {
        prop_assert!(text.parse::<Repository>().is_ok());
    }

    #[test]
    fn parsers_never_panic(text in any::<String>()) {
        let _ = text.parse::<RegistryHost>();
        let _ = text.parse::<ImageRef>().map(|image| (image.repository(), image.tag(), image.digest()));
        let _ = text.parse::<ImageTag>();
        let _ = text.parse::<Repository>();
    }

    #[test]
    fn the_parts_of_an_image_are_valid_again(
        text in "(ghcr\\.io|localhost:[1-9][0-9]{0,3}|\\[::1\\]:5000)/[a-z]{1,5}(/[a-z]{1,5})?(:[a-z0-9.]{0,3})?(@sha256:[0-9a-f]{64})?"
    ) {
        if let Ok(image) = text.parse::<ImageRef>() {
            prop_assert!(image.repository().as_str().parse::<ImageRepository>().is_ok());
            prop_assert!(image.tag().is_none_or(|tag| tag.as_str().parse::<Tag>().is_ok()));
            prop_assert!(image.digest().is_none_or(|digest| digest.as_str().parse::<Digest>().is_ok()));
        }
    }
}
