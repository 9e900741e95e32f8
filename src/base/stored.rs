//! Owns what is asked of stored bytes beyond their form: a value that no text could name is not taken for one.

/// Why stored bytes are refused.
#[must_use]
pub fn flawed(what: &'static str) -> borsh::io::Error {
    borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, what)
}

/// Reads a value from its stored form through a check that gives `None` for what no value has.
macro_rules! restored {
    ($name:ty, $stored:ty, $what:literal, $check:expr) => {
        impl borsh::BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<$name> {
                let check: fn($stored) -> Option<$name> = $check;
                let stored = <$stored as borsh::BorshDeserialize>::deserialize_reader(reader)?;
                check(stored).ok_or_else(|| $crate::base::stored::flawed(concat!("it holds no ", $what)))
            }
        }
    };
}
pub(crate) use restored;

#[cfg(test)]
mod tests {
    use crate::base::{Currency, Day, Money, Percent, Rate, SignedMoney, Sum};
    use borsh::BorshDeserialize;

    fn reads<T: BorshDeserialize>(stored: &impl borsh::BorshSerialize) -> bool {
        T::try_from_slice(&borsh::to_vec(stored).expect("bytes")).is_ok()
    }

    #[test]
    fn what_no_value_has_is_refused_and_what_is_at_the_end_of_its_range_is_not() {
        assert!(reads::<Currency>(b"EUR") && !reads::<Currency>(b"EU\xff") && !reads::<Currency>(b"eur"));
        assert!(reads::<Money>(&0_i64) && reads::<Money>(&1_000_000_000_000_000_000_i64));
        assert!(!reads::<Money>(&-1_i64) && !reads::<Money>(&1_000_000_000_000_000_001_i64));
        assert!(reads::<Rate>(&1_i128) && !reads::<Rate>(&0_i128) && !reads::<Rate>(&10_i128.pow(21)));
        assert!(reads::<Percent>(&1_000_000_u32) && !reads::<Percent>(&1_000_001_u32));
        assert!(reads::<Day>(&i32::MIN) && reads::<Day>(&i32::MAX) && reads::<Day>(&84_005));
        assert!(!reads::<Day>(&(i32::MIN + 1)) && !reads::<Day>(&1_000_000_000));
        assert!(reads::<Sum>(&-(10_i128.pow(34))) && !reads::<Sum>(&i128::MIN) && !reads::<Sum>(&i128::MAX));
        let least = SignedMoney::from_units(-(10_i128.pow(22))).expect("a figure");
        assert!(reads::<SignedMoney>(&least) && !reads::<SignedMoney>(&[0x7f_u8; 10]));
    }
}
