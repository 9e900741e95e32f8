//! Owns the exact reading and writing of decimals: text to a scaled integer and back, never through a float.

/// Why a text is no decimal of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text does not follow JSON's grammar for numbers.
    #[error("is not a decimal number")]
    Grammar,
    /// More decimals than the kind carries, or more digits than any kind carries.
    #[error("has too many digits")]
    Digits,
    /// Outside the range of its kind.
    #[error("is out of range")]
    Range,
}

/// The most significant digits a value of any kind can have (an `i128` holds 38).
const SIGNIFICANT_DIGITS_MAX: usize = 38;

/// A decimal taken apart: `digits` without leading or trailing zeros, worth `digits * 10^exponent`.
struct Parts {
    negative: bool,
    digits: i128,
    exponent: i64,
}

/// Reads `text` as an exact multiple of `10^-places` and gives it in those units: `("12.5", 4)` is 125,000.
///
/// # Errors
/// When the text is no JSON number, or is no multiple of `10^-places` within 38 digits.
#[inline]
pub fn parse_scaled(text: &str, places: u32) -> Result<i128, DecimalError> {
    match parse_plain(text.as_bytes(), places) {
        Some(value) => Ok(value),
        None => parse_any(text, places),
    }
}

/// Reads a plain number of few digits ("8400", "8400.00"): what nearly every amount is. `None` says nothing about the
/// text, only that the general reader must look at it.
#[inline]
fn parse_plain(text: &[u8], places: u32) -> Option<i128> {
    const DIGITS_MAX: usize = 17;
    if text.is_empty() || text.len() > DIGITS_MAX || (text[0] == b'0' && text.get(1) != Some(&b'.')) {
        return None;
    }
    let mut value: i64 = 0;
    let mut decimals: Option<u32> = None;
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i64::from(byte - b'0');
                decimals = decimals.map(|count| count + 1);
            }
            b'.' if decimals.is_none() && index > 0 => decimals = Some(0),
            _ => return None,
        }
    }
    let decimals = match decimals {
        Some(0) => return None,
        Some(count) if count > places => return None,
        Some(count) => count,
        None => 0,
    };
    Some(i128::from(value) * 10_i128.pow(places - decimals))
}

#[cold]
fn parse_any(text: &str, places: u32) -> Result<i128, DecimalError> {
    let parts = take_apart(text, SIGNIFICANT_DIGITS_MAX)?;
    if parts.digits == 0 {
        return Ok(0);
    }
    let shift = parts.exponent + i64::from(places);
    if shift < 0 {
        return Err(DecimalError::Digits);
    }
    let scale = u32::try_from(shift).ok().and_then(|shift| 10_i128.checked_pow(shift));
    let value = scale.and_then(|scale| parts.digits.checked_mul(scale)).ok_or(DecimalError::Range)?;
    Ok(if parts.negative { -value } else { value })
}

/// Reads a share between 0 and 1 with any number of decimals, rounded down to `10^-places`.
///
/// # Errors
/// When the text is no JSON number or lies outside 0 to 1.
pub fn parse_share(text: &str, places: u32) -> Result<i128, DecimalError> {
    let (negative, significant, exponent) = split(text)?;
    if significant.is_empty() {
        return Ok(0);
    }
    let magnitude = exponent.saturating_add(significant.len() as i64);
    let is_one = significant == [b'1'] && magnitude == 1;
    if negative || (magnitude > 0 && !is_one) {
        return Err(DecimalError::Range);
    }
    // 0.00ddd: the digits start `-magnitude` places behind the point.
    let kept = usize::try_from(i64::from(places) + magnitude).unwrap_or(0);
    let mut value = 0_i128;
    for index in 0..kept {
        value = value * 10 + i128::from(significant.get(index).map_or(0, |digit| digit - b'0'));
    }
    Ok(value)
}

fn take_apart(text: &str, digits_max: usize) -> Result<Parts, DecimalError> {
    let (negative, significant, exponent) = split(text)?;
    if significant.len() > digits_max {
        return Err(DecimalError::Digits);
    }
    let digits = significant.iter().fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    Ok(Parts { negative, digits, exponent })
}

/// Checks the grammar `-?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?` and gives the sign, the significant digits
/// (without leading and trailing zeros) and the exponent of the last of them.
fn split(text: &str) -> Result<(bool, Vec<u8>, i64), DecimalError> {
    let bytes = text.as_bytes();
    let (negative, bytes) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, bytes),
    };
    let whole_len = count_digits(bytes);
    if whole_len == 0 || (whole_len > 1 && bytes[0] == b'0') {
        return Err(DecimalError::Grammar);
    }
    let (whole, rest) = bytes.split_at(whole_len);
    let (fraction, rest) = match rest.split_first() {
        Some((b'.', rest)) => rest.split_at(count_digits(rest)),
        _ => (&[][..], rest),
    };
    if fraction.is_empty() && bytes.get(whole_len) == Some(&b'.') {
        return Err(DecimalError::Grammar);
    }
    let mut exponent = read_exponent(rest)?.saturating_sub(fraction.len() as i64);
    let mut significant: Vec<u8> = whole.iter().chain(fraction).copied().skip_while(|digit| *digit == b'0').collect();
    while significant.last() == Some(&b'0') {
        significant.pop();
        exponent = exponent.saturating_add(1);
    }
    Ok((negative, significant, exponent))
}

fn read_exponent(rest: &[u8]) -> Result<i64, DecimalError> {
    let Some((b'e' | b'E', rest)) = rest.split_first() else {
        return if rest.is_empty() { Ok(0) } else { Err(DecimalError::Grammar) };
    };
    let (sign, digits) = match rest.split_first() {
        Some((b'-', digits)) => (-1, digits),
        Some((b'+', digits)) => (1, digits),
        _ => (1, rest),
    };
    if digits.is_empty() || count_digits(digits) != digits.len() {
        return Err(DecimalError::Grammar);
    }
    // An exponent of more than nine digits is as good as infinite: no value of 64 KiB of digits can undo it.
    const FAR: i64 = 1_000_000_000;
    let value = digits.iter().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    Ok(sign * value)
}

fn count_digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Writes `value`, an integer of `10^-places` units, with all its decimals: `(84_000_000, 4)` is "8400.0000".
pub fn push_fixed(out: &mut String, value: i128, places: usize) {
    let scale = 10_u128.pow(places as u32);
    let magnitude = value.unsigned_abs();
    if value < 0 {
        out.push('-');
    }
    push_whole(out, magnitude / scale);
    if places > 0 {
        out.push('.');
        let start = out.len();
        push_whole(out, magnitude % scale);
        let missing = places - (out.len() - start);
        out.insert_str(start, &"0000000000000000"[..missing]);
    }
}

fn push_whole(out: &mut String, mut value: u128) {
    let mut digits = [0_u8; 39];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend(digits[start..].iter().map(|digit| *digit as char));
}

/// Divides rounding half to even. `divisor` must be over 0.
#[must_use]
#[inline]
pub fn divide_half_even(value: i128, divisor: i128) -> i128 {
    match (u64::try_from(value), u64::try_from(divisor)) {
        // Nearly every amount: one division of machine words instead of two of twice their size.
        (Ok(value), Ok(divisor)) => {
            let (quotient, rest) = (value / divisor, value % divisor);
            let twice = u128::from(rest) * 2;
            let up = twice > u128::from(divisor) || (twice == u128::from(divisor) && quotient % 2 != 0);
            i128::from(quotient) + i128::from(up)
        }
        _ => divide_wide_half_even(value, divisor),
    }
}

fn divide_wide_half_even(value: i128, divisor: i128) -> i128 {
    let quotient = value.div_euclid(divisor);
    let rest = value.rem_euclid(divisor);
    let up = match rest.cmp(&(divisor - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
    };
    quotient + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exactly_what_json_calls_a_number() {
        let read = |text: &str| parse_scaled(text, 4);
        assert_eq!(read("8400.00"), Ok(84_000_000));
        assert_eq!(read("1e3"), Ok(10_000_000));
        assert_eq!(read("10E-5"), Ok(1));
        assert_eq!(read("0.00010000"), Ok(1));
        assert_eq!(read("-0"), Ok(0));
        assert_eq!(read("0e99999999999"), Ok(0));
        assert_eq!(read("100000000000000"), Ok(1_000_000_000_000_000_000));
        for wrong in ["", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x1", " 1", "1 ", "NaN", "1_0", "٣"] {
            assert_eq!(read(wrong), Err(DecimalError::Grammar), "{wrong:?}");
        }
        assert_eq!(read("0.00001"), Err(DecimalError::Digits));
        assert_eq!(read("1e400"), Err(DecimalError::Range));
        assert_eq!(read(&format!("1{}", "0".repeat(60_000))), Err(DecimalError::Range));
        assert_eq!(read(&format!("1{}e-60000", "0".repeat(60_000))), Ok(10_000));
    }

    #[test]
    fn the_plain_reader_agrees_with_the_general_one() {
        for text in ["0", "0.5", "7", "10", "8400.0001", "99999999999.9999", "12345678901234567", "0.00001", "1."] {
            if let Some(value) = parse_plain(text.as_bytes(), 4) {
                assert_eq!(parse_any(text, 4), Ok(value), "{text}");
            }
        }
    }

    #[test]
    fn a_share_may_have_any_number_of_decimals() {
        assert_eq!(parse_share("0.123456789123", 9), Ok(123_456_789));
        assert_eq!(parse_share("1.000", 9), Ok(1_000_000_000));
        assert_eq!(parse_share("1e-400", 9), Ok(0));
        assert_eq!(parse_share("100e-2", 9), Ok(1_000_000_000));
        assert_eq!(parse_share("1.0000000000000000001", 9), Err(DecimalError::Range));
        assert_eq!(parse_share("-0.1", 9), Err(DecimalError::Range));
    }

    #[test]
    fn rounds_half_to_even() {
        assert_eq!(divide_half_even(25, 10), 2);
        assert_eq!(divide_half_even(35, 10), 4);
        assert_eq!(divide_half_even(-25, 10), -2);
        assert_eq!(divide_half_even(-26, 10), -3);
        for value in -60..60 {
            for divisor in 1..13 {
                assert_eq!(
                    divide_half_even(value, divisor),
                    divide_wide_half_even(value, divisor),
                    "{value}/{divisor}"
                );
            }
        }
    }

    #[test]
    fn writes_all_decimals() {
        let text = |value, places| {
            let mut out = String::new();
            push_fixed(&mut out, value, places);
            out
        };
        assert_eq!(text(84_000_000, 4), "8400.0000");
        assert_eq!(text(-5, 2), "-0.05");
        assert_eq!(text(0, 2), "0.00");
        assert_eq!(text(7, 0), "7");
    }
}
