//! Versions of k3s, and from which to which one may go. Pure.

use std::fmt;
use std::str::FromStr;

/// `v1.36.3+k3s1`: the version of Kubernetes, and k3s's own count
/// (<https://docs.k3s.io/release-notes/v1.36.X>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    k3s: u32,
}

/// A text that is no version of k3s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version of k3s, as v1.36.3+k3s1 is one")]
pub(crate) struct NoVersion(String);

/// Why one version does not follow another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNext {
    #[error("k3s {0} is what is there already")]
    Same(Version),
    #[error(
        "k3s {to} is older than {from}, and the cluster's database may be one that only {from} can read; an older \
         k3s comes back only with the database of its time"
    )]
    Older { from: Version, to: Version },
    #[error(
        "from k3s {from} to {to} a minor version of Kubernetes would be left out, which Kubernetes does not support \
         (https://kubernetes.io/releases/version-skew-policy/); take {}.{} first", from.major, from.minor + 1
    )]
    Skips { from: Version, to: Version },
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        read(text).ok_or_else(|| NoVersion(text.chars().take(64).collect()))
    }
}

fn read(text: &str) -> Option<Version> {
    let (kubernetes, k3s) = text.strip_prefix('v')?.split_once("+k3s")?;
    let mut numbers = kubernetes.split('.').map(number);
    let version = Version {
        major: numbers.next()??,
        minor: numbers.next()??,
        patch: numbers.next()??,
        k3s: number(k3s)?,
    };
    numbers.next().is_none().then_some(version)
}

fn number(text: &str) -> Option<u32> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}+k3s{}", self.major, self.minor, self.patch, self.k3s)
    }
}

/// Whether `to` may take the place of `from`.
pub(super) fn follows(from: Version, to: Version) -> Result<(), NotNext> {
    if to == from {
        return Err(NotNext::Same(from));
    }
    if to < from {
        return Err(NotNext::Older { from, to });
    }
    if to.major == from.major && to.minor <= from.minor + 1 {
        Ok(())
    } else {
        Err(NotNext::Skips { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(from: &str, to: &str) -> Result<(), NotNext> {
        follows(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn one_minor_version_at_a_time_and_never_back() {
        assert_eq!(judged("v1.36.3+k3s1", "v1.36.3+k3s2"), Ok(()));
        assert_eq!(judged("v1.36.3+k3s1", "v1.36.10+k3s1"), Ok(()));
        assert_eq!(judged("v1.36.3+k3s1", "v1.37.0+k3s1"), Ok(()));
        let same = judged("v1.36.3+k3s1", "v1.36.3+k3s1").unwrap_err();
        assert!(matches!(same, NotNext::Same(_)));
        for older in ["v1.36.3+k3s1", "v1.35.9+k3s4"] {
            let error = judged("v1.36.3+k3s2", older).unwrap_err();
            assert!(matches!(error, NotNext::Older { .. }), "{error}");
        }
        let skips = judged("v1.36.3+k3s1", "v1.38.0+k3s1").unwrap_err();
        assert!(skips.to_string().contains("take 1.37 first"), "{skips}");
        assert!(matches!(
            judged("v1.36.3+k3s1", "v2.0.0+k3s1").unwrap_err(),
            NotNext::Skips { .. }
        ));
    }

    #[test]
    fn what_is_no_version_is_said_to_be_none() {
        for text in [
            "",
            "1.36.3+k3s1",
            "v1.36+k3s1",
            "v1.36.3",
            "v1.36.3.1+k3s1",
            "v1.+2.3+k3s1",
            "v1.36.3+k3s",
        ] {
            assert_eq!(text.parse::<Version>(), Err(NoVersion(text.to_owned())));
        }
        let said = "v1.36.3+k3s12".parse::<Version>().unwrap().to_string();
        assert_eq!(said, "v1.36.3+k3s12");
    }
}
