use std::cell::RefCell;

use super::*;

#[test]
fn progress_says_what_is_built_and_for_how_long() {
    let after = |seconds| {
        Progress {
            tool: "kube-apiserver",
            elapsed: Duration::from_secs(seconds),
        }
        .to_string()
    };
    assert_eq!(after(7), "building kube-apiserver, 7 s so far");
    assert_eq!(after(130), "building kube-apiserver, 2 min 10 s so far");
}

#[test]
fn ready_made_assets_are_used_only_for_what_they_have() {
    let assets = tempfile::tempdir().unwrap();
    File::create(assets.path().join("etcd")).unwrap();
    let tools = Tools {
        dir: "/cache".into(),
        assets: Some(assets.path().to_owned()),
    };
    assert_eq!(tools.path("etcd"), assets.path().join("etcd"));
    assert_eq!(tools.path("helm"), Path::new("/cache/helm"));
}

#[test]
fn a_failed_build_leaves_nothing_behind_and_says_what_to_do_next() {
    let cache = tempfile::tempdir().unwrap();
    let module = go::Module::new(cache.path());
    let reports = RefCell::new(0);
    let result = module.build("nothing", "./nothing-here", &|_| *reports.borrow_mut() += 1);
    let message = format!("{:#}", result.unwrap_err());
    assert!(
        message.contains("building nothing") && message.contains("run this again"),
        "{message}"
    );
    assert!(!cache.path().join("nothing").exists());
}

#[test]
fn a_build_is_there_under_its_name_with_nothing_beside_it() {
    let cache = tempfile::tempdir().unwrap();
    go::Module::new(cache.path())
        .build("gofmt", "cmd/gofmt", &|_| ())
        .unwrap();
    assert!(cache.path().join("gofmt").is_file());
    assert!(!cache.path().join("gofmt.partial").exists());
}

#[test]
fn a_second_run_waits_for_the_first_and_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let path = cache.path().join("lock");
    let first = File::create(&path).unwrap();
    first.lock().unwrap();
    let first = RefCell::new(Some(first));
    let reports = RefCell::new(Vec::new());
    let second = File::create(&path).unwrap();
    wait_for(&second, Duration::ZERO, &|progress| {
        reports.borrow_mut().push(progress.tool);
        drop(first.borrow_mut().take());
    })
    .unwrap();
    assert_eq!(*reports.borrow(), ["what another run has begun"]);
}
