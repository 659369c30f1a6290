//! Which keys have secret values, by their names. Pure.

/// In a word of a key, wherever they are: `DBPASSWORD`, `clientSecret`.
const ANYWHERE: [&str; 7] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "apikey",
    "passwort",
];
/// Whole words of a key, or the ends of words that have no separators.
const WORDS: [&str; 12] = [
    "pass",
    "pwd",
    "token",
    "tokens",
    "auth",
    "authorization",
    "cookie",
    "cookies",
    "session",
    "salt",
    "pepper",
    "dsn",
];
/// Two words of a key, one after the other.
const PAIRS: [(&str, &str); 16] = [
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("client", "key"),
    ("license", "key"),
    ("licence", "key"),
    ("encryption", "key"),
    ("signing", "key"),
    ("shared", "key"),
    ("master", "key"),
    ("ssh", "key"),
    ("key", "data"),
    ("install", "code"),
    ("claim", "code"),
    ("share", "code"),
    ("connection", "string"),
];
/// A key with one of these words speaks about a secret and does not hold one: `secretName`, `maxTokens`.
const HARMLESS: [&str; 47] = [
    "name",
    "names",
    "count",
    "counts",
    "max",
    "min",
    "size",
    "length",
    "limit",
    "limits",
    "expiration",
    "expires",
    "expiry",
    "expired",
    "seconds",
    "minutes",
    "hours",
    "ttl",
    "age",
    "ref",
    "refs",
    "path",
    "paths",
    "file",
    "files",
    "dir",
    "type",
    "types",
    "kind",
    "mode",
    "enabled",
    "disabled",
    "policy",
    "version",
    "url",
    "uri",
    "host",
    "port",
    "created",
    "updated",
    "status",
    "state",
    "provider",
    "method",
    "required",
    "rotation",
    "algorithm",
];

/// Whether the value under this key is secret.
pub(super) fn is_sensitive(key: &str) -> bool {
    let words = words(key);
    if words.iter().any(|word| HARMLESS.contains(&word.as_str())) {
        return false;
    }
    let lower: String = words.concat();
    ANYWHERE.iter().any(|part| lower.contains(part))
        || words.iter().any(|word| is_word(word))
        || words
            .windows(2)
            .any(|two| PAIRS.contains(&(two[0].as_str(), two[1].as_str())))
        || ends_in_pair(&lower)
}

fn is_word(word: &str) -> bool {
    // `DBPASS`, `mytoken`: words that nothing separates. `bypass` and `compass` are other words.
    let is_end = |end: &str| word.len() <= 12 && word.ends_with(end);
    WORDS.contains(&word)
        || is_end("token")
        || is_end("pwd")
        || (is_end("pass") && !["bypass", "compass", "trespass", "surpass", "overpass"].contains(&word))
}

/// `apikey`, `accesskey`: two words that nothing separates.
fn ends_in_pair(lower: &str) -> bool {
    PAIRS.iter().any(|(first, second)| {
        lower
            .strip_suffix(second)
            .is_some_and(|rest| rest.ends_with(first))
    })
}

/// The words of a key, in lower case: split at what is no letter or digit, and where capitals begin one.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let chars: Vec<char> = key.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1);
        let begins = c.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || before.is_some_and(|c| c.is_ascii_digit())
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(|c| c.is_lowercase())));
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENSITIVE: &str = "password DB_PASSWORD dbPassword PGPASS api_key apiKey x-api-key \
        APIKEY clientKeyData client-key-data authToken Authorization Set-Cookie sessionId \
        NEXTAUTH_SECRET connectionString install_code licenseKey LICENSE_TOKEN hash_salt SENTRY_DSN \
        mytoken userPwd tls.private-key auth token AWS_SECRET_ACCESS_KEY secret_access_key \
        passphrase";

    const PLAIN: &str = "secretName maxTokens token_count tokenExpirationSeconds passwordPolicy author authority \
        authenticated compass bypass passed passenger imagePullSecretsRef secretRef \
        sessions_max key keyboard tokenPath passwordFile auth_mode authUrl \
        monkey publicKey primaryKey uid digest dsnmp saltation";

    #[test]
    fn a_key_is_read_by_its_words() {
        for key in SENSITIVE.split_whitespace() {
            assert!(is_sensitive(key), "{key}");
        }
        for key in PLAIN.split_whitespace() {
            assert!(!is_sensitive(key), "{key}");
        }
    }
}
