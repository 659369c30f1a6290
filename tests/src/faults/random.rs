//! Random numbers that a seed repeats: `SplitMix64` (Steele, Lea, Flood 2014).

/// A row of numbers that its seed decides.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The row of `seed`'s `index`-th run; neighbours have nothing in common.
    pub(super) fn of_run(seed: u64, index: u64) -> Self {
        let mut own = Self(seed ^ index.wrapping_mul(0xD134_2543_DE82_EF95));
        Self(own.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 1 to `most`.
    pub(super) fn up_to(&mut self, most: u32) -> u32 {
        let number = self.next() % u64::from(most.max(1));
        u32::try_from(number).unwrap_or_default() + 1
    }

    /// Whether something happens that does so in `percent` of all cases.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.up_to(100) <= percent
    }

    /// One of some things.
    pub(super) fn pick<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        let most = u32::try_from(N).unwrap_or(u32::MAX);
        of[self.up_to(most) as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_no_other_has_them() {
        let row = |seed, index| {
            let mut random = Random::of_run(seed, index);
            [(); 8].map(|()| random.up_to(1000))
        };
        assert_eq!(row(7, 3), row(7, 3));
        assert_ne!(row(7, 3), row(7, 4));
        assert_ne!(row(7, 3), row(8, 3));
        assert!(row(1, 1).iter().all(|number| (1..=1000).contains(number)));
    }
}
