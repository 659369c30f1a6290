use std::os::unix::fs::PermissionsExt;

use appliance_common::state_file::replace;
use serde_json::{Value, json};

use super::*;

/// What a shipped image wrote for the password `Str0ng!Pass`: scrypt with p = 1.
fn shipped() -> Value {
    let salt = "00112233445566778899aabbccddeeff";
    let mut hash = [0_u8; 64];
    let params = ::scrypt::Params::new(14, 8, 1).unwrap();
    ::scrypt::scrypt(b"Str0ng!Pass", &hex::decode(salt).unwrap(), &params, &mut hash).unwrap();
    json!({
        "status": "configured", "algorithm": "scrypt",
        "params": {"N": 16384, "r": 8, "p": 1, "keylen": 64},
        "salt": salt, "hash": hex::encode(hash), "updatedAt": "2026-01-02T03:04:05.678Z",
    })
}

fn file_with(content: &[u8]) -> (tempfile::TempDir, CredentialFile) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-ui-credential.json");
    replace(&path, content, 0o600).unwrap();
    (dir, CredentialFile::at(path))
}

#[tokio::test]
async fn a_shipped_file_is_verified_and_known_to_be_outdated() {
    for absent in ["", "params", "algorithm", "updatedAt"] {
        let mut document = shipped();
        document.as_object_mut().unwrap().remove(absent);
        let (_dir, file) = file_with(document.to_string().as_bytes());
        let current = file.current();
        let Credential::Configured(stored) = &*current else {
            panic!("without {absent}: {current:?}");
        };
        assert!(stored.is_outdated());
        let verify = |password: &str| {
            let password = Secret::new(password.to_owned());
            async move { verify(stored, &Hasher::new(), password).await.unwrap() }
        };
        assert!(verify("Str0ng!Pass").await);
        assert!(!verify("Str0ng!Pasz").await);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_never_taken_for_none() {
    let with = |key: &str, value: Value| {
        let mut document = shipped();
        document[key] = value;
        document.to_string()
    };
    for content in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        with("status", json!("unset")),
        with("algorithm", json!("md5")),
        with("salt", json!("")),
        with("salt", json!("zz")),
        with("hash", json!("")),
        with("hash", json!("00")),
        with("params", json!({"N": 1 << 30})),
        with("params", json!({"N": -1})),
        with("params", json!(null)),
    ] {
        let (_dir, file) = file_with(content.as_bytes());
        assert!(matches!(*file.current(), Credential::Unreadable), "{content}");
    }
}

#[tokio::test]
async fn what_is_stored_is_what_shipped_images_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-ui-credential.json");
    let file = CredentialFile::at(path.clone());
    assert!(matches!(*file.current(), Credential::Unset));
    let password = Secret::new("Str0ng!Pass".to_owned());
    let now = "2026-01-02T03:04:05.678Z".parse().unwrap();
    let stored = file.store(&Hasher::new(), password.clone(), now).await.unwrap();
    assert!(!stored.is_outdated());
    assert!(verify(&stored, &Hasher::new(), password).await.unwrap());
    let Credential::Configured(read) = &*file.current() else {
        panic!("not configured");
    };
    assert_eq!(read.generation(), stored.generation());

    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let keys: Vec<_> = document.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        ["status", "algorithm", "params", "salt", "hash", "updatedAt"]
    );
    assert_eq!(
        document["params"],
        json!({"N": 16384, "r": 8, "p": 5, "keylen": 64})
    );
    assert_eq!(document["salt"].as_str().unwrap().len(), 32);
    assert_eq!(document["hash"].as_str().unwrap().len(), 128);
    assert_eq!(document["updatedAt"], "2026-01-02T03:04:05.678Z");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
