//! What a password must be, said the same way wherever one is chosen (30 §3).

/// Fewest UTF-16 units.
const MIN_UNITS: usize = 8;
/// Most bytes of a management password.
const MAX_BYTES: usize = 256;
/// The characters the application counts as special.
const PSA_SPECIAL: &str = "!@#$%^&*(),.?\":{}|<>";

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
    #[error("The password must contain one of these characters: {PSA_SPECIAL}")]
    NoPsaSpecial,
    /// Nothing but letters, digits and control characters.
    #[error("The password must contain a character that is neither a letter nor a digit.")]
    NoSpecial,
    /// More than the management password may have.
    #[error("The password must not be longer than 256 bytes.")]
    TooLong,
    /// A NUL character.
    #[error("The password must not contain a NUL character.")]
    Nul,
}

/// Checks a password of the PSA application, which enforces exactly this set.
///
/// # Errors
/// The first rule that is broken.
pub fn psa_password(password: &str) -> Result<(), WeakPassword> {
    common_rules(password)?;
    ensure(
        password.chars().any(|c| PSA_SPECIAL.contains(c)),
        WeakPassword::NoPsaSpecial,
    )
}

/// Checks a password of the management pages: any character that is not an ASCII letter, digit or
/// control character counts as special, so passphrases pass.
///
/// # Errors
/// The first rule that is broken.
pub fn management_password(password: &str) -> Result<(), WeakPassword> {
    common_rules(password)?;
    let is_special = |c: char| !c.is_ascii_alphanumeric() && !c.is_control();
    ensure(password.chars().any(is_special), WeakPassword::NoSpecial)?;
    ensure(password.len() <= MAX_BYTES, WeakPassword::TooLong)?;
    ensure(!password.contains('\0'), WeakPassword::Nul)
}

fn common_rules(password: &str) -> Result<(), WeakPassword> {
    let has = |rule: fn(&u8) -> bool| password.as_bytes().iter().any(rule);
    ensure(
        password.encode_utf16().count() >= MIN_UNITS,
        WeakPassword::TooShort,
    )?;
    ensure(has(u8::is_ascii_lowercase), WeakPassword::NoLowerCase)?;
    ensure(has(u8::is_ascii_uppercase), WeakPassword::NoUpperCase)?;
    ensure(has(u8::is_ascii_digit), WeakPassword::NoDigit)
}

fn ensure(holds: bool, broken: WeakPassword) -> Result<(), WeakPassword> {
    if holds { Ok(()) } else { Err(broken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_broken_rule_is_reported() {
        for (password, broken) in [
            ("", WeakPassword::TooShort),
            ("short", WeakPassword::TooShort),
            ("ALLUPPER", WeakPassword::NoLowerCase),
            ("alllower", WeakPassword::NoUpperCase),
            ("NoDigits", WeakPassword::NoDigit),
        ] {
            assert_eq!(psa_password(password), Err(broken), "{password}");
            assert_eq!(management_password(password), Err(broken), "{password}");
        }
    }

    #[test]
    fn only_the_management_password_takes_any_special_character() {
        for password in ["Str0ng-Pass", "Str0ng Pass", "Str0ng_Pass", "Str0ngPässe"] {
            assert_eq!(
                psa_password(password),
                Err(WeakPassword::NoPsaSpecial),
                "{password}"
            );
            assert_eq!(management_password(password), Ok(()), "{password}");
        }
        assert_eq!(psa_password("Str0ng!Pass"), Ok(()));
        assert_eq!(management_password("Str0ngPass\t"), Err(WeakPassword::NoSpecial));
    }

    #[test]
    fn a_length_is_counted_in_utf16_units_and_bounded_in_bytes() {
        assert_eq!(management_password("aA1!😀😀"), Ok(()));
        assert_eq!(management_password("aA1!😀"), Err(WeakPassword::TooShort));
        let long = format!("aA1!{}", "x".repeat(MAX_BYTES - 4));
        assert_eq!(management_password(&long), Ok(()));
        assert_eq!(
            management_password(&format!("{long}x")),
            Err(WeakPassword::TooLong)
        );
        assert_eq!(management_password("aA1!xxxx\0"), Err(WeakPassword::Nul));
    }
}
