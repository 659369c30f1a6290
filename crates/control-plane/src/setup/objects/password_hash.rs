//! The administrator's password as a PHC string, for charts that take a hash instead of the password.

use std::num::NonZeroU32;

use appliance_common::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::pbkdf2;

use appliance_common::random;

/// Algorithm and parameters; a hash with others is made again.
const PREFIX: &str = "$pbkdf2-sha512$i=210000,l=64$";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(210_000).unwrap();
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 64;

/// The hash of `password`: `live` when it is one, else a new one. Takes a good part of a second of CPU.
pub(super) fn password_hash(live: Option<&[u8]>, password: &Secret<String>) -> String {
    if let Some(live) = live.and_then(|live| std::str::from_utf8(live).ok())
        && verifies(live, password)
    {
        return live.to_owned();
    }
    let salt = random::bytes::<SALT_LEN>();
    let mut hash = [0; HASH_LEN];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA512,
        ITERATIONS,
        &salt,
        password.expose().as_bytes(),
        &mut hash,
    );
    format!(
        "{PREFIX}{}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    )
}

fn verifies(phc: &str, password: &Secret<String>) -> bool {
    let Some((salt, hash)) = phc.strip_prefix(PREFIX).and_then(|rest| rest.split_once('$')) else {
        return false;
    };
    match (STANDARD_NO_PAD.decode(salt), STANDARD_NO_PAD.decode(hash)) {
        (Ok(salt), Ok(hash)) if salt.len() == SALT_LEN && hash.len() == HASH_LEN => pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA512,
            ITERATIONS,
            &salt,
            password.expose().as_bytes(),
            &hash,
        )
        .is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Python's `hashlib.pbkdf2_hmac('sha512', b'Str0ng!Pass', bytes(range(16)), 210000)`.
    const KNOWN: &str = "$pbkdf2-sha512$i=210000,l=64$AAECAwQFBgcICQoLDA0ODw$Wh4G0f5bENc0smv5O5Z5U8U+efZCy8FotXrsUeQQFmgLG1dT9R+7djobrqwfXiU2PUsWKugycM24aJWRkl30Og";

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_hash_that_verifies_is_kept() {
        let kept = password_hash(Some(KNOWN.as_bytes()), &secret("Str0ng!Pass"));
        assert_eq!(kept, KNOWN);
    }

    #[test]
    fn any_other_is_made_again_with_a_new_salt() {
        for (live, password) in [
            (None, "Str0ng!Pass"),
            (Some(KNOWN), "Str0ng!Pass "),
            (
                Some("$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$AAAA"),
                "Str0ng!Pass",
            ),
        ] {
            let made = password_hash(live.map(str::as_bytes), &secret(password));
            let (salt, hash) = made.strip_prefix(PREFIX).unwrap().split_once('$').unwrap();
            assert_eq!((salt.len(), hash.len()), (22, 86), "{made}");
            assert!(!KNOWN.contains(salt));
            assert!(verifies(&made, &secret(password)));
        }
    }
}
