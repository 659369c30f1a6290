//! Whose the account's password is, and what follows. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What our installer leaves in place of a password.
const UNSET: &str = "!alga-unset";

/// `admin-password-state.json`: never the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) state: RecordState,
    /// When the temporary password was made.
    pub(super) created_at: Timestamp,
    /// The boot in which it was shown: within it none is made anew, whatever is begun again.
    #[serde(default)]
    pub(super) boot_id: String,
    /// When it was seen that a person had chosen another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) changed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RecordState {
    /// One is being set: nobody has seen it yet.
    Setting,
    /// One was shown, and waits for the first login.
    Temporary,
    /// A person chose one: the account is theirs.
    Changed,
}

/// What the shadow file says of the account (shadow(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Exactly our installer's mark.
    Unset,
    /// Locked without a password.
    Locked,
    /// It has a password, or something else that is not ours to judge.
    Password {
        /// Its age is zero: it must be changed at the next login.
        must_change: bool,
    },
}

impl Account {
    /// Of a user's line; `None` when there is no such user.
    pub(super) fn of(shadow: &str, user: &str) -> Option<Self> {
        let mut lines = shadow.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let fields = lines.find(|fields| fields.first() == Some(&user))?;
        Some(match fields.get(1).copied().unwrap_or_default() {
            UNSET => Self::Unset,
            "!" | "*" => Self::Locked,
            _ => Self::Password {
                must_change: fields.get(2) == Some(&"0"),
            },
        })
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A temporary password.
    Make,
    /// A note that a person chose one.
    Changed,
    /// Nothing: the account is not ours, or there is none.
    Leave,
}

pub(super) fn judge(account: Option<&Account>, record: Option<&Record>, boot_id: &str) -> Act {
    use RecordState::{Changed, Setting, Temporary};

    let Some(account) = account else {
        return Act::Leave;
    };
    let is_of_this_boot = record.is_some_and(|record| record.boot_id == boot_id);
    match (account, record.map(|record| record.state)) {
        (Account::Password { must_change: true }, Some(Temporary)) if is_of_this_boot => Act::Leave,
        // Setting: it was stopped before anybody could see it, whatever is there now.
        (Account::Unset, _)
        | (Account::Locked | Account::Password { must_change: true }, Some(Setting | Temporary))
        | (Account::Password { must_change: false }, Some(Setting)) => Act::Make,
        (Account::Password { must_change: false }, Some(Temporary)) => Act::Changed,
        (Account::Locked | Account::Password { .. }, None | Some(Changed)) => Act::Leave,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: RecordState) -> Record {
        Record {
            state,
            created_at: Timestamp::UNIX_EPOCH,
            boot_id: "b-1".to_owned(),
            changed_at: None,
        }
    }

    #[test]
    fn only_an_account_without_a_person_behind_it_is_given_a_password() {
        use RecordState::{Changed, Setting, Temporary};
        let shadow = |field: &str, age: &str| {
            format!("root:*:1:0:99999:7:::\nalga-admin:{field}:{age}:0:99999:7:::\n")
        };
        for (field, age, state, act) in [
            ("!alga-unset", "19000", None, Act::Make),
            ("!alga-unset", "19000", Some(Changed), Act::Make),
            ("!", "19000", None, Act::Leave),
            ("*", "19000", Some(Temporary), Act::Make),
            ("!", "19000", Some(Changed), Act::Leave),
            ("$y$hash", "19000", None, Act::Leave),
            ("$y$hash", "0", None, Act::Leave),
            ("$y$hash", "0", Some(Temporary), Act::Make),
            ("$y$hash", "19000", Some(Temporary), Act::Changed),
            ("$y$hash", "19000", Some(Setting), Act::Make),
            ("$y$hash", "0", Some(Changed), Act::Leave),
            ("!$y$hash", "19000", None, Act::Leave),
            ("", "19000", None, Act::Leave),
        ] {
            let account = Account::of(&shadow(field, age), "alga-admin");
            let record = state.map(record);
            assert_eq!(
                judge(account.as_ref(), record.as_ref(), "b-2"),
                act,
                "{field} {age} {state:?}"
            );
        }
        let shown = Account::Password { must_change: true };
        assert_eq!(judge(Some(&shown), Some(&record(Temporary)), "b-1"), Act::Leave);
        assert_eq!(judge(Some(&shown), Some(&record(Setting)), "b-1"), Act::Make);
        assert_eq!(Account::of("alga-admin2:!alga-unset:1", "alga-admin"), None);
        assert_eq!(judge(None, Some(&record(Temporary)), "b-1"), Act::Leave);
    }
}
