//! Writes that name the version they were made from, made again when somebody else wrote in between.

/// How often one is made, at most.
const MOST: u32 = 5;

/// The tries of one write that are left.
#[derive(Debug)]
pub(super) struct Tries(u32);

impl Tries {
    /// All of them.
    pub(super) fn new() -> Self {
        Self(MOST)
    }

    /// Takes one; whether a further one may be made.
    pub(super) fn another(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_made_five_times_at_most() {
        let mut tries = Tries::new();
        let again = std::iter::from_fn(|| tries.another().then_some(())).count();
        assert_eq!(again, 4, "after the first");
        assert!(!tries.another());
    }
}
