//! What is refused, what is swept, and what the command line means.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::scene::{Scene, said, unpacked};

const NOWHERE: &str = "/nowhere/kubeconfig";

/// 60, case 19.
#[test]
fn a_directory_is_taken_as_it_is_written_and_what_is_not_understood_ends_with_two() -> Result<()> {
    let scene = Scene::new()?;
    let out = scene.at("a b;touch id");
    let name = out.display().to_string();
    let run = scene
        .command(Path::new(NOWHERE), &["--output-dir", &name, "--quiet"])
        .output()?;
    ensure!(run.status.success() && run.stderr.is_empty(), "{}", said(&run));
    let made: Vec<_> = fs::read_dir(&out)?.filter_map(Result::ok).collect();
    ensure!(made.len() == 1 && !scene.at("id").exists() && !Path::new("id").exists());
    ensure!(made[0].metadata()?.permissions().mode() & 0o777 == 0o600);
    for arguments in [
        &["--bogus"][..],
        &["--kubeconfig"],
        &["--since", "soon"],
        &["--max-size", "0"],
        &["redact", "--bundle", "x"],
    ] {
        let run = scene.command(Path::new(NOWHERE), arguments).output()?;
        ensure!(
            run.status.code() == Some(2) && said(&run).contains("sage"),
            "{arguments:?}: {}",
            said(&run)
        );
    }
    Ok(())
}

/// 60, case 17, and weakness 7: what a killed run left is gone after the next start, a live one's is left alone.
#[test]
fn what_a_killed_run_left_is_swept_and_no_archive_has_a_name_that_is_not_whole() -> Result<()> {
    let scene = Scene::new()?;
    let out = scene.at("out").display().to_string();
    let mut killed = scene
        .command(Path::new(NOWHERE), &["--output-dir", &out, "--quiet"])
        .spawn()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let is_begun = || fs::read_dir(scene.at("out")).is_ok_and(|mut dir| dir.next().is_some());
    while !is_begun() {
        ensure!(Instant::now() < deadline, "nothing was begun");
        std::thread::yield_now();
    }
    killed.kill()?;
    killed.wait()?;
    let names = || -> Result<Vec<String>> {
        let all =
            fs::read_dir(scene.at("out"))?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        all.collect()
    };
    ensure!(
        names()?.iter().all(|name| name.starts_with(".staging-")),
        "{:?}",
        names()?
    );
    scene.bundle(Path::new(NOWHERE), &[])?;
    let left = names()?;
    ensure!(left.len() == 1 && left[0].ends_with("Z.tar.gz"), "{left:?}");
    Ok(())
}

/// Asked to end, it takes everything with it.
#[test]
fn asked_to_end_it_leaves_nothing() -> Result<()> {
    let scene = Scene::new()?;
    let out = scene.at("out").display().to_string();
    let mut run = scene
        .command(Path::new(NOWHERE), &["--output-dir", &out, "--quiet"])
        .spawn()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while !fs::read_dir(scene.at("out")).is_ok_and(|mut dir| dir.next().is_some()) {
        ensure!(Instant::now() < deadline, "nothing was begun");
        std::thread::yield_now();
    }
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(run.id())?),
        nix::sys::signal::Signal::SIGTERM,
    )?;
    ensure!(run.wait()?.code() == Some(1));
    ensure!(
        fs::read_dir(scene.at("out"))?.next().is_none(),
        "something was left"
    );
    Ok(())
}

/// 60 section 1.10: rules of the caller's own, and tokens for what says whose box it is.
#[test]
fn what_the_caller_names_goes_too_and_a_rule_that_cannot_be_used_ends_it() -> Result<()> {
    let scene = Scene::new()?;
    let script = "#!/bin/sh\necho project Bluebird of ann@site.example, 10.1.2.3 on box-7 kept-words\n";
    appliance_common::state_file::replace(&scene.at("bin/uname"), script.as_bytes(), 0o755)?;
    scene.write("rules.yaml", "rules:\n- name: project\n  literal: Bluebird\n")?;
    let rules = scene.at("rules.yaml").display().to_string();
    let (result, files) = scene.bundle(Path::new(NOWHERE), &["--redactors", &rules, "--anonymize"])?;
    let all = files.values().cloned().collect::<String>();
    for gone in ["Bluebird", "ann@", "10.1.2.3", "box-7"] {
        ensure!(!all.contains(gone), "{gone} is there");
    }
    ensure!(all.contains("[REDACTED:project]") && all.contains("kept-words"));
    ensure!(result["redaction"]["project"].as_u64() > Some(0), "{result}");
    let path = result["bundlePath"].as_str().unwrap_or_default();
    let verified = scene
        .command(Path::new(NOWHERE), &["verify", "--bundle", path])
        .output()?;
    ensure!(verified.status.success(), "{}", said(&verified));
    scene.write("rules.yaml", "rules:\n- name: project\n  regex: '('\n")?;
    let run = scene
        .command(Path::new(NOWHERE), &["--redactors", &rules, "--quiet"])
        .output()?;
    ensure!(
        run.status.code() == Some(1) && said(&run).contains("rule \\\"project\\\" of"),
        "{}",
        said(&run)
    );
    Ok(())
}

/// The same name twice in a second, and the tools that work on archives alone.
#[test]
fn archives_are_judged_checked_compared_and_redacted_again() -> Result<()> {
    let scene = Scene::new()?;
    let file = |name: &str| scene.at("out").join(name).display().to_string();
    let (one, two, again) = (file("one.tar.gz"), file("two.tar.gz"), file("again.tar.gz"));
    for path in [&one, &two] {
        let run = scene
            .command(Path::new(NOWHERE), &["--output", path, "--quiet", "--top-dir"])
            .output()?;
        ensure!(run.status.success(), "{}", said(&run));
    }
    let taken = scene.command(Path::new(NOWHERE), &["--output", &one]).output()?;
    ensure!(
        taken.status.code() == Some(1) && said(&taken).contains("is there already"),
        "{}",
        said(&taken)
    );
    let tool = |arguments: &[&str]| -> Result<String> {
        let run = scene.command(Path::new(NOWHERE), arguments).output()?;
        ensure!(run.status.success(), "{arguments:?}: {}", said(&run));
        Ok(String::from_utf8(run.stdout)?)
    };
    let judged = tool(&["analyze", "--bundle", &one])?;
    ensure!(
        judged.contains("disk-space") && judged.contains("setup-failed"),
        "{judged}"
    );
    tool(&["verify", "--bundle", &one])?;
    ensure!(tool(&["show", "--bundle", &one])?.contains("meta/summary.txt"));
    tool(&["diff", &one, &two])?;
    tool(&["redact", "--bundle", &one, "--output", &again])?;
    tool(&["verify", "--bundle", &again])?;
    let members = unpacked(Path::new(&again))?;
    ensure!(members.contains_key("meta/summary.txt"), "{:?}", members.keys());
    let broken = scene
        .command(Path::new(NOWHERE), &["verify", "--bundle", "/etc/hostname"])
        .output()?;
    ensure!(
        broken.status.code() == Some(1) && said(&broken).contains("/etc/hostname"),
        "{}",
        said(&broken)
    );
    Ok(())
}
