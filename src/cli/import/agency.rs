//! Owns what a map says of ratings: who rates, in which column, which number is which grade, and of which day ratings are
//! that have no date.

use serde::Deserialize;

use crate::base::Day;
use crate::base::decimal::parse_share;
use crate::event::Id;

/// The most agencies of one map.
const AGENCIES_MAX: usize = 16;
/// Thresholds of an agency: as many as lie between 1 (best) and 10 (in default), and two at least, which show whether a
/// higher number is better or a lower one.
const THRESHOLDS_MIN: usize = 2;
const THRESHOLDS_MAX: usize = 9;
/// Decimals that a probability keeps.
const PD_PLACES: u32 = 9;

/// One `[[ratings]]` as it stands in a map.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    agency: String,
    column: String,
    grades: Vec<f64>,
    pd: Option<String>,
    pds: Option<Vec<f64>>,
}

/// What a map says of ratings.
#[derive(Debug, Clone)]
pub struct Ratings {
    /// Of which day they are.
    pub dated: Dated,
    /// Who rates, in the order of the map.
    pub agencies: Vec<Agency>,
}

/// Of which day ratings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// That of the column `rated_on`.
    ByColumn,
    /// The extract has no date: they are taken as of this day.
    AsOf(Day),
}

/// An agency: one column of the extract.
#[derive(Debug, Clone)]
pub struct Agency {
    /// Its id.
    pub id: String,
    /// Its column's place among the map's further columns.
    pub place: usize,
    /// Which number is which grade.
    pub thresholds: Thresholds,
    /// Where the probability of default is from.
    pub pd: Pd,
    column: String,
}

/// Where the probability of default is from.
#[derive(Debug, Clone)]
pub enum Pd {
    /// There is none.
    None,
    /// A column: its place among the map's further columns, and its name.
    Column(usize, String),
    /// One for each grade, best first, in 10^-9.
    ByGrade(Vec<u32>),
}

impl Ratings {
    /// Checks what a map says of ratings. `given` is a day that goes before the map's own.
    ///
    /// # Errors
    /// When it cannot be followed: says which key and why.
    pub fn check(
        texts: &[Text],
        rated_on: Option<&str>,
        as_of: Option<&str>,
        given: Option<Day>,
    ) -> Result<Ratings, String> {
        if texts.is_empty() {
            return Err("[[ratings]] is missing: name an agency, its column and its grades".to_owned());
        }
        if texts.len() > AGENCIES_MAX {
            return Err(format!("[[ratings]]: {} agencies are over {AGENCIES_MAX}", texts.len()));
        }
        let mut agencies: Vec<Agency> = Vec::with_capacity(texts.len());
        let mut place = 0;
        for text in texts {
            if agencies.iter().any(|agency| agency.id == text.agency) {
                return Err(format!("ratings: two are of the agency {:?}", text.agency));
            }
            let agency = check_agency(text, place).map_err(|why| format!("ratings of {:?}: {why}", text.agency))?;
            place += 1 + usize::from(matches!(agency.pd, Pd::Column(..)));
            agencies.push(agency);
        }
        Ok(Ratings { dated: check_day(rated_on, as_of, given)?, agencies })
    }

    /// The columns that hold ratings, and what stands in each.
    pub fn columns(&self) -> Vec<(&str, String)> {
        let mut columns = Vec::new();
        for agency in &self.agencies {
            columns.push((agency.column.as_str(), format!("rating of {}", agency.id)));
            if let Pd::Column(_, column) = &agency.pd {
                columns.push((column, format!("probability of default by {}", agency.id)));
            }
        }
        columns
    }
}

fn check_day(rated_on: Option<&str>, as_of: Option<&str>, given: Option<Day>) -> Result<Dated, String> {
    if let Some(column) = rated_on {
        return match (as_of, given) {
            (None, None) => Ok(Dated::ByColumn),
            (Some(_), _) => Err(format!("as_of is for ratings without a date, and columns.rated_on is {column:?}")),
            (_, Some(_)) => Err(format!("--as-of is for ratings without a date, and columns.rated_on is {column:?}")),
        };
    }
    let own = as_of.map(|text| Day::parse(text).ok_or_else(|| format!("as_of {text:?} is no date such as 2024-01-31")));
    match given.or(own.transpose()?) {
        Some(day) => Ok(Dated::AsOf(day)),
        None => {
            Err("the ratings have no date: name its column in columns.rated_on, or, where there is none, the day of \
                     which they are to be taken in as_of or with --as-of"
                .to_owned())
        }
    }
}

fn check_agency(text: &Text, place: usize) -> Result<Agency, String> {
    if Id::parse(&text.agency).is_none() {
        return Err("the agency is no id: 1 to 128 bytes, no control character".to_owned());
    }
    let thresholds = Thresholds::check(&text.grades)?;
    let pd = match (&text.pd, &text.pds) {
        (None, None) => Pd::None,
        (Some(column), None) => Pd::Column(place + 1, column.clone()),
        (None, Some(pds)) => Pd::ByGrade(check_pds(pds, thresholds.bounds.len() + 1)?),
        (Some(_), Some(_)) => return Err("pd and pds: keep one of the two".to_owned()),
    };
    Ok(Agency { id: text.agency.clone(), column: text.column.clone(), place, thresholds, pd })
}

fn check_pds(pds: &[f64], grades: usize) -> Result<Vec<u32>, String> {
    if pds.len() != grades {
        return Err(format!("pds should be {grades}, one for each grade, and are {}", pds.len()));
    }
    let share = |pd: &f64| {
        let read = parse_share(&pd.to_string(), PD_PLACES).ok().and_then(|share| u32::try_from(share).ok());
        read.ok_or_else(|| format!("pds: {pd} is not from 0 to 1"))
    };
    pds.iter().map(share).collect()
}

/// Which number is which grade: each threshold is the last number of its grade, and what is past the last one is the
/// grade after it.
#[derive(Debug, Clone)]
pub struct Thresholds {
    better: Better,
    bounds: Vec<f64>,
}

/// Which numbers are the better ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    Higher,
    Lower,
}

impl Thresholds {
    fn check(bounds: &[f64]) -> Result<Thresholds, String> {
        if !(THRESHOLDS_MIN..=THRESHOLDS_MAX).contains(&bounds.len()) {
            let count = bounds.len();
            return Err(format!("grades should be {THRESHOLDS_MIN} to {THRESHOLDS_MAX} thresholds, and are {count}"));
        }
        let better = if bounds.is_sorted_by(|one, next| one > next) {
            Better::Higher
        } else if bounds.is_sorted_by(|one, next| one < next) {
            Better::Lower
        } else {
            return Err("grades should fall from the best down or rise from the best up".to_owned());
        };
        Ok(Thresholds { better, bounds: bounds.to_vec() })
    }

    /// The grade of a number, 1 (best) to 10 (in default).
    pub fn grade(&self, number: f64) -> u8 {
        let is_passed = |bound: &&f64| match self.better {
            Better::Higher => number < **bound,
            Better::Lower => number > **bound,
        };
        let passed = self.bounds.iter().filter(is_passed).count();
        1 + u8::try_from(passed).expect("there are at most 9 thresholds")
    }
}

#[cfg(test)]
mod tests {
    use super::super::map::{Map, Rows};
    use super::*;

    const LEAST: &str = "name = \"t\"\nrows = \"ratings\"\nas_of = \"2024-01-31\"\n[columns]\nbuyer = \"b\"\n\
                         [[ratings]]\nagency = \"a\"\ncolumn = \"c\"\ngrades = [0.9, 0.5]\n";

    fn ratings(text: &str, as_of: Option<Day>) -> Ratings {
        match Map::parse(text, as_of).expect("a map").rows {
            Rows::Ratings(ratings) => ratings,
            Rows::Invoices => panic!("a map of invoices"),
        }
    }

    #[test]
    fn a_number_at_a_threshold_has_its_grade_and_one_past_it_the_next() {
        let higher = Thresholds::check(&[0.9, 0.5]).expect("thresholds");
        let grades = [1.0, 0.9, 0.899_999, 0.5, 0.499_999, -3.0].map(|number| higher.grade(number));
        assert_eq!(grades, [1, 1, 2, 2, 3, 3]);
        let lower = Thresholds::check(&[-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).expect("thresholds");
        assert_eq!([-2.0, -1.0, -0.5, 0.5, 7.0, 7.1].map(|number| lower.grade(number)), [1, 1, 2, 3, 9, 10]);
    }

    #[test]
    fn a_day_that_is_given_goes_before_the_day_of_the_map() {
        let day = |text| Day::parse(text).expect("a day");
        assert_eq!(ratings(LEAST, None).dated, Dated::AsOf(day("2024-01-31")));
        assert_eq!(ratings(LEAST, Some(day("2023-06-30"))).dated, Dated::AsOf(day("2023-06-30")));
        let unsaid = LEAST.replace("as_of = \"2024-01-31\"\n", "");
        assert_eq!(ratings(&unsaid, Some(day("2023-06-30"))).dated, Dated::AsOf(day("2023-06-30")));
    }

    #[test]
    fn probabilities_of_a_map_are_kept_to_the_last_decimal() {
        let text = format!("{LEAST}pds = [0, 0.000000001, 1.0]\n");
        assert!(matches!(&ratings(&text, None).agencies[0].pd, Pd::ByGrade(pds) if *pds == [0, 1, 1_000_000_000]));
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        let unsaid = "the ratings have no date: name its column in columns.rated_on, or, where there is none, the day of \
                      which they are to be taken in as_of or with --as-of";
        let cases = [
            ("as_of = \"2024-01-31\"\n", "", unsaid),
            ("2024-01-31", "31/01/2024", "as_of \"31/01/2024\" is no date such as 2024-01-31"),
            (
                "buyer = \"b\"\n",
                "buyer = \"b\"\nrated_on = \"d\"\n",
                "as_of is for ratings without a date, and columns.rated_on is \"d\"",
            ),
            (
                "as_of = \"2024-01-31\"\n[columns]\n",
                "[columns]\nrated_on = \"d\"\n",
                "dates is empty: name at least one form, such as \"%Y-%m-%d\"",
            ),
            ("buyer = \"b\"\n", "", "columns.buyer is missing: a rating is of a buyer"),
            ("buyer = \"b\"\n", "buyer = \"b\"\namount = \"x\"\n", "columns.amount is for rows = \"invoices\""),
            (
                "buyer = \"b\"\n",
                "buyer = \"b\"\nbayer = \"x\"\n",
                "columns: \"bayer\" is none of buyer, seller, document, issued_on, due_on, amount, net_amount, currency, name, cleared_on, paid_amount, kind, rated_on",
            ),
            ("[columns]", "currency = \"EUR\"\n[columns]", "currency is for rows = \"invoices\""),
            ("[columns]", "rules = { zero_amount = \"skip\" }\n[columns]", "rules is for rows = \"invoices\""),
            (
                "[[ratings]]\nagency = \"a\"\ncolumn = \"c\"\ngrades = [0.9, 0.5]\n",
                "",
                "[[ratings]] is missing: name an agency, its column and its grades",
            ),
            ("\"a\"", "\"\"", "ratings of \"\": the agency is no id: 1 to 128 bytes, no control character"),
            (
                "[[ratings]]",
                "[[ratings]]\nagency = \"a\"\ncolumn = \"e\"\ngrades = [1, 2]\n[[ratings]]",
                "ratings: two are of the agency \"a\"",
            ),
            ("[0.9, 0.5]", "[0.9]", "ratings of \"a\": grades should be 2 to 9 thresholds, and are 1"),
            (
                "[0.9, 0.5]",
                "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]",
                "ratings of \"a\": grades should be 2 to 9 thresholds, and are 10",
            ),
            (
                "[0.9, 0.5]",
                "[0.9, 0.5, 0.5]",
                "ratings of \"a\": grades should fall from the best down or rise from the best up",
            ),
            (
                "[0.9, 0.5]",
                "[nan, 0.5]",
                "ratings of \"a\": grades should fall from the best down or rise from the best up",
            ),
            (
                "[0.9, 0.5]",
                "[0.9, 0.5]\npds = [0.1, 0.2]",
                "ratings of \"a\": pds should be 3, one for each grade, and are 2",
            ),
            ("[0.9, 0.5]", "[0.9, 0.5]\npds = [0.1, 0.2, 1.5]", "ratings of \"a\": pds: 1.5 is not from 0 to 1"),
            (
                "[0.9, 0.5]",
                "[0.9, 0.5]\npd = \"p\"\npds = [0.1, 0.2, 0.3]",
                "ratings of \"a\": pd and pds: keep one of the two",
            ),
        ];
        for (old, new, wanted) in cases {
            let text = LEAST.replacen(old, new, 1);
            assert_eq!(Map::parse(&text, None).expect_err(new), format!(": {wanted}"), "{text}");
        }
        let further = |agencies| -> String {
            let agency = |at| format!("[[ratings]]\nagency = \"a{at}\"\ncolumn = \"c\"\ngrades = [1, 2]\n");
            (0..agencies).map(agency).collect()
        };
        let error = Map::parse(&format!("{LEAST}{}", further(AGENCIES_MAX)), None).expect_err("too many");
        assert_eq!(error, ": [[ratings]]: 17 agencies are over 16");
        assert!(Map::parse(&format!("{LEAST}{}", further(AGENCIES_MAX - 1)), None).is_ok());
    }

    #[test]
    fn a_day_on_the_command_line_is_for_ratings_without_a_date() {
        let day = Day::parse("2024-01-31");
        let dated = LEAST.replace("as_of = \"2024-01-31\"\n", "dates = [\"%Y-%m-%d\"]\n");
        let dated = dated.replace("buyer = \"b\"\n", "buyer = \"b\"\nrated_on = \"d\"\n");
        assert_eq!(ratings(&dated, None).dated, Dated::ByColumn);
        let error = Map::parse(&dated, day).expect_err("an error");
        assert_eq!(error, ": --as-of is for ratings without a date, and columns.rated_on is \"d\"");
        let invoices = "name = \"t\"\n[columns]\n";
        let error = Map::parse(invoices, day).expect_err("an error");
        assert_eq!(error, ": --as-of is for ratings without a date, and the rows of this map are invoices");
    }
}
