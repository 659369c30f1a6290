//! What a password must be, said the same way wherever one is chosen (30 §3).

/// Fewest UTF-16 units, as the application counts them.
const MIN_UNITS: usize = 8;
/// The characters the application counts as special.
const PSA_SPECIAL: &str = r#"!@#$%^&*(),.?":{}|<>"#;
/// Most bytes of an application password (20 W15).
const PSA_MAX_BYTES: usize = 1024;
/// Most bytes of a management password.
const MANAGEMENT_MAX_BYTES: usize = 256;

/// Why a password is refused, as a sentence for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too few characters.
    #[error("The password must have at least 8 characters.")]
    TooShort,
    /// No `a` to `z`.
    #[error("The password must contain a lower-case letter.")]
    NoLowerCase,
    /// No `A` to `Z`.
    #[error("The password must contain an upper-case letter.")]
    NoUpperCase,
    /// No `0` to `9`.
    #[error("The password must contain a digit.")]
    NoDigit,
    /// None of the characters the application counts as special.
    #[error("The password must contain a special character, one of {PSA_SPECIAL}")]
    NoPsaSpecial,
    /// Nothing but letters, digits and control characters.
    #[error("The password must contain a character that is neither a letter nor a digit.")]
    NoSpecial,
    /// More bytes than it may have.
    #[error("The password must not be longer than {max} bytes.")]
    TooLong {
        /// How many it may have.
        max: usize,
    },
    /// A NUL cannot be handed on in an environment variable.
    #[error("The password must not contain a NUL character.")]
    Nul,
}

/// Checks a password of the PSA application, which enforces exactly this set. Spaces at its ends are
/// part of it.
///
/// # Errors
/// The first rule that is broken.
pub fn check_psa(password: &str) -> Result<(), WeakPassword> {
    check_letters(password)?;
    ensure(
        password.chars().any(|c| PSA_SPECIAL.contains(c)),
        WeakPassword::NoPsaSpecial,
    )?;
    check_bytes(password, PSA_MAX_BYTES)
}

/// Checks a password of the management pages: any character that is not an ASCII letter, digit or
/// control character counts as special, so passphrases pass.
///
/// # Errors
/// The first rule that is broken.
pub fn check_management(password: &str) -> Result<(), WeakPassword> {
    check_letters(password)?;
    let is_special = |c: char| !c.is_ascii_alphanumeric() && !c.is_control();
    ensure(password.chars().any(is_special), WeakPassword::NoSpecial)?;
    check_bytes(password, MANAGEMENT_MAX_BYTES)
}

fn check_letters(password: &str) -> Result<(), WeakPassword> {
    let has = |rule: fn(&u8) -> bool| password.as_bytes().iter().any(rule);
    ensure(
        password.encode_utf16().count() >= MIN_UNITS,
        WeakPassword::TooShort,
    )?;
    ensure(has(u8::is_ascii_lowercase), WeakPassword::NoLowerCase)?;
    ensure(has(u8::is_ascii_uppercase), WeakPassword::NoUpperCase)?;
    ensure(has(u8::is_ascii_digit), WeakPassword::NoDigit)
}

fn check_bytes(password: &str, max: usize) -> Result<(), WeakPassword> {
    ensure(password.len() <= max, WeakPassword::TooLong { max })?;
    ensure(!password.contains('\0'), WeakPassword::Nul)
}

fn ensure(holds: bool, broken: WeakPassword) -> Result<(), WeakPassword> {
    if holds { Ok(()) } else { Err(broken) }
}

#[cfg(test)]
mod tests {
    use super::WeakPassword::{
        NoDigit, NoLowerCase, NoPsaSpecial, NoSpecial, NoUpperCase, Nul, TooLong, TooShort,
    };
    use super::*;

    #[test]
    fn the_first_broken_rule_is_reported() {
        for (password, broken) in [
            ("", TooShort),
            ("Sh0rt!a", TooShort),
            ("aA1!😀", TooShort),
            ("ABCDEF1!", NoLowerCase),
            ("abcdef1!", NoUpperCase),
            ("Abcdefg!", NoDigit),
            ("Abcdef1!\0", Nul),
        ] {
            assert_eq!(check_psa(password), Err(broken), "{password:?}");
            assert_eq!(check_management(password), Err(broken), "{password:?}");
        }
        for good in [
            "Str0ng!Pass",
            "Abcdef1!",
            " Abcdef1! ",
            "Aa1\"\\xxxx",
            "Aa1!-_+'/",
            "aA1!😀😀",
        ] {
            assert_eq!(check_psa(good), Ok(()), "{good:?}");
            assert_eq!(check_management(good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn only_the_management_password_takes_any_special_character() {
        for password in ["Str0ng-Pass_", "Str0ng Pass", "Str0ng+'/Pass", "Str0ngPässe"] {
            assert_eq!(check_psa(password), Err(NoPsaSpecial), "{password}");
            assert_eq!(check_management(password), Ok(()), "{password}");
        }
        assert_eq!(check_management("Str0ngPass\t"), Err(NoSpecial));
        for special in PSA_SPECIAL.chars() {
            assert_eq!(check_psa(&format!("Abcdef1{special}")), Ok(()), "{special}");
        }
    }

    #[test]
    fn each_has_its_own_bound() {
        let of = |bytes: usize| format!("aA1!{}", "x".repeat(bytes - 4));
        assert_eq!(check_management(&of(256)), Ok(()));
        assert_eq!(check_management(&of(257)), Err(TooLong { max: 256 }));
        assert_eq!(check_psa(&of(1024)), Ok(()));
        assert_eq!(check_psa(&of(1025)), Err(TooLong { max: 1024 }));
    }
}
