use super::*;

#[test]
fn custom_servers_are_addresses_with_or_without_a_port() {
    for (text, expected) in [
        ("10.0.0.53", "10.0.0.53:53"),
        (" 10.0.0.53 ,", "10.0.0.53:53"),
        ("010.000.0.53", "10.0.0.53:53"),
        ("10.0.0.53:5353", "10.0.0.53:5353"),
        ("fd00::53", "[fd00::53]:53"),
        ("[fd00::53]", "[fd00::53]:53"),
        ("[fd00::53]:5353", "[fd00::53]:5353"),
    ] {
        let policy = DnsPolicy::from_inputs("custom", text).unwrap();
        assert_eq!(
            policy,
            DnsPolicy::Custom(vec![expected.parse().unwrap()]),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_address_is_named() {
    let error = DnsPolicy::from_inputs("custom", "10.0.0.53, dns.example, 1.2.3")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("dns.example, 1.2.3") && !error.contains("10.0.0.53"),
        "{error}"
    );
    for bad in [
        "256.0.0.1",
        "1.2.3.4.5",
        "1.2.3.+4",
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:65536",
        "1.2.3.4:+53",
        "[fd00::1",
        "fd00::1]:53",
        "::g",
        "a b",
        "1..2.3",
        "-1.2.3.4",
    ] {
        assert!(
            matches!(
                DnsPolicy::from_inputs("custom", bad),
                Err(DnsInputError::Servers(_))
            ),
            "{bad}"
        );
    }
    for none in ["", " ", " , ,"] {
        assert_eq!(
            DnsPolicy::from_inputs("custom", none),
            Err(DnsInputError::NoServer)
        );
    }
    assert_eq!(
        DnsPolicy::from_inputs("custom", &"1.1.1.1,".repeat(17)),
        Err(DnsInputError::TooMany)
    );
}

#[test]
fn the_system_needs_no_servers_and_ignores_garbage() {
    assert_eq!(DnsPolicy::from_inputs("", ""), Ok(DnsPolicy::System));
    assert_eq!(
        DnsPolicy::from_inputs(" system ", "garbage"),
        Ok(DnsPolicy::System)
    );
    assert!(matches!(
        DnsPolicy::from_inputs("auto", ""),
        Err(DnsInputError::Mode(_))
    ));
}

#[test]
fn resolv_conf_is_read_with_any_blanks_and_comments() {
    let text = "\
        nameserver 10.0.0.1\n  nameserver\t\t10.0.0.2  \nnameserver fd00::1#c\n#nameserver 9.9.9.9\n\
        ;nameserver 9.9.9.9\nnameserver\nnameserver x\nnameservers 9.9.9.9\noptions ndots:5\n";
    let found = resolvers_in(text)
        .iter()
        .map(|server| server.ip().to_string())
        .collect::<Vec<_>>();
    assert_eq!(found, ["10.0.0.1", "10.0.0.2", "fd00::1"]);
    assert!(resolvers_in("").is_empty());
}

#[tokio::test]
async fn the_hosts_file_comes_first_and_literals_ask_nobody() {
    let lookup = HostLookup::asking(
        Vec::new(),
        "10.1.2.3 Registry.lan registry\n# 9.9.9.9 other.lan\n",
    )
    .unwrap();
    assert_eq!(
        lookup.lookup("registry.lan").await.unwrap(),
        ["10.1.2.3".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(
        lookup.lookup("10.0.0.9").await.unwrap(),
        ["10.0.0.9".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(
        lookup.lookup("[::1]").await.unwrap(),
        [IpAddr::from(Ipv6Addr::LOCALHOST)]
    );
    assert!(
        lookup
            .lookup("localhost")
            .await
            .unwrap()
            .contains(&Ipv4Addr::LOCALHOST.into())
    );
    let error = lookup.lookup("other.lan").await.unwrap_err();
    assert!(matches!(error, LookupError::NoServers { .. }), "{error}");
}
