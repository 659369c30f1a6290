//! The policy for passwords of the application's administrator, which the application enforces too.

/// What counts as special; other punctuation is allowed and does not count.
const SPECIAL: &str = r#"!@#$%^&*(),.?":{}|<>"#;

/// Most bytes a password may have.
const MAX_BYTES: usize = 1024;

/// What a password lacks, in the order it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordWeakness {
    /// Fewer than eight UTF-16 units, as the application counts them.
    #[error("must be at least 8 characters long")]
    TooShort,
    /// No `a–z`.
    #[error("must contain at least one lowercase letter")]
    NoLowercase,
    /// No `A–Z`.
    #[error("must contain at least one uppercase letter")]
    NoUppercase,
    /// No `0–9`.
    #[error("must contain at least one number")]
    NoDigit,
    /// None of the characters that count.
    #[error("must contain at least one special character ({SPECIAL})")]
    NoSpecial,
    /// More than the application takes.
    #[error("must be at most {MAX_BYTES} bytes long")]
    TooLong,
    /// A NUL cannot be handed on in an environment variable.
    #[error("must not contain a NUL character")]
    Nul,
}

/// Whether `password` may be the administrator's; spaces at its ends are part of it.
///
/// # Errors
/// The first [`PasswordWeakness`].
pub fn password_policy(password: &str) -> Result<(), PasswordWeakness> {
    let lacks = |found: fn(char) -> bool| !password.chars().any(found);
    if password.encode_utf16().take(8).count() < 8 {
        Err(PasswordWeakness::TooShort)
    } else if lacks(|c| c.is_ascii_lowercase()) {
        Err(PasswordWeakness::NoLowercase)
    } else if lacks(|c| c.is_ascii_uppercase()) {
        Err(PasswordWeakness::NoUppercase)
    } else if lacks(|c| c.is_ascii_digit()) {
        Err(PasswordWeakness::NoDigit)
    } else if lacks(|c| SPECIAL.contains(c)) {
        Err(PasswordWeakness::NoSpecial)
    } else if password.len() > MAX_BYTES {
        Err(PasswordWeakness::TooLong)
    } else if password.contains('\0') {
        Err(PasswordWeakness::Nul)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_a_password_lacks_is_named() {
        use PasswordWeakness::{NoDigit, NoLowercase, NoSpecial, NoUppercase, Nul, TooLong, TooShort};
        let fits = format!("Aa1!{}", "x".repeat(MAX_BYTES - 4));
        let long = format!("{fits}x");
        for (password, verdict) in [
            ("Str0ng!Pass", Ok(())),
            ("Abcdef1!", Ok(())),
            (" Abcdef1! ", Ok(())),
            ("Aa1\"\\xxxx", Ok(())),
            ("Aa1!-_+'/", Ok(())),
            (&fits, Ok(())),
            ("", Err(TooShort)),
            ("Sh0rt!a", Err(TooShort)),
            ("Ää1!aB€", Err(TooShort)),
            ("ABCDEF1!", Err(NoLowercase)),
            ("abcdef1!", Err(NoUppercase)),
            ("Abcdefg!", Err(NoDigit)),
            ("Str0ng-Pass_", Err(NoSpecial)),
            ("Str0ng+'/Pass", Err(NoSpecial)),
            (&long, Err(TooLong)),
            ("Abcdef1!\0", Err(Nul)),
        ] {
            assert_eq!(password_policy(password), verdict, "{password:?}");
        }
        for special in SPECIAL.chars() {
            assert_eq!(password_policy(&format!("Abcdef1{special}")), Ok(()), "{special}");
        }
    }
}
