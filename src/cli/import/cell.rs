//! Owns the reading of dates, amounts and other numbers as extracts write them.

use chrono::{Datelike, NaiveDate};

use super::map::Map;
use crate::base::decimal::parse_share;
use crate::base::{Day, Money};

/// Decimals that a share (0 to 1) keeps.
const SHARE_PLACES: u32 = 9;

/// Why a text is no amount that an invoice or a payment can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmountError {
    /// It cannot be read.
    Unreadable(String),
    /// It is under 0.
    Negative,
}

/// Reads a date in the first of the map's forms that fits.
pub fn read_day(text: &str, map: &Map) -> Option<Day> {
    // "%Y" reads "24" as the year 24, which is out of range: the next form may be "%y".
    let read = |form: &String| {
        let date = NaiveDate::parse_from_str(text, form).ok()?;
        Day::from_calendar(date.year(), date.month() as i32, date.day() as i32)
    };
    map.dates.iter().find_map(read)
}

/// Reads an amount of 0 or more, with the map's decimal sign and thousands.
///
/// # Errors
/// When it is no number, under 0, over 10^14, or has over 4 decimals that are not 0.
pub fn read_amount(text: &str, map: &Map) -> Result<Money, AmountError> {
    let (negative, digits) = signed(text);
    let number = plain(digits, map).ok_or_else(|| AmountError::Unreadable(no_number(map)))?;
    let amount = Money::parse_or_zero(&number).map_err(|error| AmountError::Unreadable(error.to_string()))?;
    if negative && amount != Money::ZERO { Err(AmountError::Negative) } else { Ok(amount) }
}

/// Reads any number, with the map's decimal sign and thousands; also as "1e-05", which programs write for a very small one.
/// Nothing is reckoned with it: it is only compared with thresholds, which the map's file gives in the same form.
pub fn read_number(text: &str, map: &Map) -> Option<f64> {
    let (negative, digits) = signed(text);
    let (digits, exponent) =
        digits.split_once(['e', 'E']).map_or((digits, None), |(digits, rest)| (digits, Some(rest)));
    let mut number = plain(digits, map)?;
    if let Some(exponent) = exponent {
        are_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)).then_some(())?;
        number.push('e');
        number.push_str(exponent);
    }
    let size = number.parse::<f64>().ok().filter(|number| number.is_finite())?;
    Some(if negative { -size } else { size })
}

/// Reads a share of 0 to 1, with the map's decimal sign, in 10^-9.
pub fn read_share(text: &str, map: &Map) -> Option<u32> {
    u32::try_from(parse_share(&plain(text, map)?, SHARE_PLACES).ok()?).ok()
}

/// Says that a text is no number of the map's form.
pub fn no_number(map: &Map) -> String {
    format!("is no number as the map has them, such as {}", example(map))
}

/// Whether it is under 0, and the text without its sign, which SAP writes behind.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
        Some(rest) => (true, rest.trim()),
        None => (false, text),
    }
}

/// A number without sign as programs read it: "1.234,50" is "1234.50".
fn plain(digits: &str, map: &Map) -> Option<String> {
    let (whole, decimals) = digits.split_once(map.decimal).map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let whole = ungrouped(whole, map.thousands).filter(|whole| are_digits(whole) && decimals.is_none_or(are_digits))?;
    let mut number = whole.trim_start_matches('0').to_owned();
    if number.is_empty() {
        number.push('0');
    }
    if let Some(decimals) = decimals {
        number.push('.');
        number.push_str(decimals);
    }
    Some(number)
}

/// Takes the thousands apart, where they stand in groups of three: "1.234" read with the wrong sign must not be 1234.
fn ungrouped(whole: &str, thousands: Option<char>) -> Option<String> {
    let Some(mark) = thousands.filter(|mark| whole.contains(*mark)) else { return Some(whole.to_owned()) };
    let mut groups = whole.split(mark);
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()))?;
    let mut plain = first.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        plain.push_str(group);
    }
    Some(plain)
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn example(map: &Map) -> String {
    let mark = map.thousands.map_or_else(String::new, |mark| mark.to_string());
    format!("\"1{mark}234{}56\"", map.decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(keys: &str) -> Map {
        let columns = "[columns]\nbuyer = \"b\"\ndocument = \"d\"\nissued_on = \"i\"\ndue_on = \"u\"\namount = \"a\"\n";
        Map::parse(&format!("name = \"t\"\ncurrency = \"EUR\"\n{keys}{columns}"), None).expect("a map")
    }

    #[test]
    fn a_date_is_read_in_the_first_form_that_fits() {
        let map = map(
            "dates = [\"%Y-%m-%d\", \"%d/%m/%Y\", \"%d/%m/%y\", \"%Y%m%d\", \"%d.%m.%y\", \"%Y-%m-%d %H:%M:%S\"]\n",
        );
        for text in ["2024-02-03", "03/02/24", "03/02/2024", "3/2/2024", "20240203", "03.02.24", "2024-02-03 23:59:59"]
        {
            assert_eq!(read_day(text, &map).map(|day| day.to_string()).as_deref(), Some("2024-02-03"), "{text}");
        }
        for wrong in ["", "2024-02-30", "02/13/2024", "1969-12-31", "2200-01-01", "2024-02-03x", "20240203.0", "45000"]
        {
            assert_eq!(read_day(wrong, &map), None, "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_read_with_the_marks_of_the_map() {
        let units = |keys: &str, text: &str| read_amount(text, &map(keys)).map(Money::units).ok();
        let plain = "dates = [\"%Y\u{2d}%m-%d\"]\n";
        let german = &format!("{plain}decimal = \",\"\nthousands = \".\"\n");
        let french = &format!("{plain}decimal = \",\"\nthousands = \"\u{202f}\"\n");
        for text in ["1234.56", "01234.5600", "1234.56000000"] {
            assert_eq!(units(plain, text), Some(12_345_600), "{text}");
        }
        for text in ["1.234,56", "1234,56"] {
            assert_eq!(units(german, text), Some(12_345_600), "{text}");
        }
        assert_eq!(units(french, "1\u{202f}234\u{202f}567,8"), Some(12_345_678_000));
        assert_eq!(units(plain, "0"), Some(0));
        assert_eq!(units(plain, "-0.00"), Some(0));
        assert_eq!(units(plain, "100000000000000"), Some(1_000_000_000_000_000_000));
        for wrong in
            ["", "1,234.56", "1234.", ".5", "1e3", "+1", "1 234", "12.34.56", "0.00001", "100000000000001", "--1", "€1"]
        {
            assert_eq!(units(plain, wrong), None, "{wrong}");
        }
        for wrong in ["12.34", "1234.567,8", ".123", "1..234", "1,234.56"] {
            assert_eq!(units(german, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_number_is_read_with_the_marks_of_the_map_and_may_be_under_0_or_very_small() {
        let point = map("dates = [\"%Y-%m-%d\"]\n");
        let comma = map("dates = [\"%Y-%m-%d\"]\ndecimal = \",\"\nthousands = \".\"\n");
        let cases = [
            ("0.4481909969747601", 0.448_190_996_974_760_1),
            ("-3", -3.0),
            ("7.50-", -7.5),
            ("5e-05", 0.000_05),
            ("007", 7.0),
        ];
        for (text, number) in cases {
            assert_eq!(read_number(text, &point), Some(number), "{text}");
        }
        assert_eq!(read_number("1.234,5", &comma), Some(1234.5));
        for wrong in ["", "n/a", "NaN", "inf", "1,5", "--1", "1e", "1e5.5", "1e999", "e5", "0x10", "1_0", "5 %"] {
            assert_eq!(read_number(wrong, &point), None, "{wrong}");
        }
        assert_eq!(read_number("12.34", &comma), None);
    }

    #[test]
    fn a_share_is_0_to_1() {
        let comma = map("dates = [\"%Y-%m-%d\"]\ndecimal = \",\"\n");
        for (text, share) in [("0", 0), ("0,0125", 12_500_000), ("1,00", 1_000_000_000)] {
            assert_eq!(read_share(text, &comma), Some(share), "{text}");
        }
        for wrong in ["", "1,01", "-0,1", "0.1", "12 %"] {
            assert_eq!(read_share(wrong, &comma), None, "{wrong}");
        }
    }

    #[test]
    fn an_amount_under_0_is_told_apart() {
        let map = map("dates = [\"%Y-%m-%d\"]\ndecimal = \",\"\n");
        assert_eq!(read_amount("-5,00", &map), Err(AmountError::Negative));
        assert_eq!(read_amount("5,00-", &map), Err(AmountError::Negative));
        let wrong = AmountError::Unreadable("is no number as the map has them, such as \"1234,56\"".to_owned());
        assert_eq!(read_amount("5.00", &map), Err(wrong));
    }
}
