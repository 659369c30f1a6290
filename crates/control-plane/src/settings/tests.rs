use super::*;

fn read(args: &[&str]) -> Result<Settings, clap::Error> {
    Settings::read(std::iter::once("appliance-control-plane").chain(args.iter().copied()))
}

#[test]
fn every_number_that_does_not_parse_names_its_variable() {
    let command = Settings::command();
    let mut numbers = 0;
    for arg in command.get_arguments() {
        let (Some(env), Some(default)) = (arg.get_env(), arg.get_default_values().first()) else {
            continue;
        };
        let is_number = default.to_str().unwrap().parse::<u64>().is_ok();
        let variable = env.to_str().unwrap();
        if !is_number || variable == "ALGA_APPLIANCE_UPDATE_OWNER_MAX_AGE_MS" {
            continue;
        }
        numbers += 1;
        let error = read(&[&format!("--{}", arg.get_long().unwrap()), "12x"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(variable), "{error}");
    }
    assert!(numbers > 15, "{numbers}");
}

#[test]
fn a_malformed_owner_age_is_taken_as_the_default() {
    for bad in ["abc", "0", "-1", "Infinity"] {
        let age = read(&[&format!("--update-owner-max-age-ms={bad}")])
            .unwrap()
            .engine
            .update_owner_max_age;
        assert!(age.malformed, "{bad}");
        assert_eq!(age.limit, Duration::from_hours(6));
    }
}

#[test]
fn lists_are_trimmed_and_may_be_empty() {
    let given = read(&["--allowed-hosts", " box.lan , ,b.lan"]).unwrap();
    assert_eq!(given.http.allowed_hosts, ["box.lan", "b.lan"]);
    assert!(read(&[]).unwrap().http.allowed_hosts.is_empty());
}

#[test]
fn the_defaults_are_the_published_paths() {
    let settings = read(&[]).unwrap();
    assert_eq!(
        settings.auth.token_file.to_str().unwrap(),
        "/var/lib/alga-appliance/setup-token"
    );
    assert_eq!(settings.http.port, 8080);
    assert_eq!(settings.auth.session_ttl, Duration::from_hours(168));
}
