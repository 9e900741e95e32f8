//! Owns one row of an extract of ratings: from its cells to a company's grades, and from those to events.

use std::hash::Hash;

use compact_str::CompactString;

use super::agency::{Agency, Dated, Pd, Ratings};
use super::cell::{no_number, read_number, read_share};
use super::events::joined;
use super::gather::{Summary, Undated};
use super::map::{Field, Map, Rows};
use super::row::{Mended, Reason, Record, Row, RowError, Told};
use super::table::{Table, shown};
use crate::base::Day;
use crate::event::input::RatingChanged;
use crate::event::{Body, Event, Id};

/// A company of an extract, and how it is rated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    buyer: CompactString,
    rated_on: Day,
    grades: Vec<Grade>,
}

/// What one agency says of a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grade {
    /// The agency's place in the map.
    agency: usize,
    grade: u8,
    pd: Option<u32>,
}

impl Record for Company {
    const NAMED_BY: Field = Field::Buyer;
    const NAMED_WITHIN: &str = "of the same day";

    fn read(table: &Table, map: &Map, _: &mut Vec<Mended>) -> Result<Company, RowError> {
        let ratings = ratings(map);
        let row = Row { table, map };
        row.check_width()?;
        let buyer = row.id(Field::Buyer)?;
        let rated_on = match ratings.dated {
            Dated::ByColumn => row.needed_day(Field::RatedOn)?,
            Dated::AsOf(day) => day,
        };
        let mut grades = Vec::with_capacity(ratings.agencies.len());
        for (at, agency) in ratings.agencies.iter().enumerate() {
            grades.extend(read_grade(table, map, at, agency)?);
        }
        if grades.is_empty() {
            let what = if ratings.agencies.len() == 1 { "is empty" } else { "is empty, as is every other rating" };
            return Err(wrong(table, Reason::Empty, ratings.agencies[0].place, what));
        }
        Ok(Company { buyer, rated_on, grades })
    }

    fn name(&self) -> impl Eq + Hash {
        (&self.buyer, self.rated_on)
    }

    fn count(&self, map: &Map, summary: &mut Summary) {
        if let Dated::AsOf(as_of) = ratings(map).dated {
            summary.undated.get_or_insert(Undated { ratings: 0, as_of }).ratings += self.grades.len() as u64;
        }
    }

    fn tell<E>(companies: &[Company], map: &Map, mut take: impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let agencies = &ratings(map).agencies;
        let source = format!("urn:vigie:import:{}", map.name);
        let mut order: Vec<&Company> = companies.iter().collect();
        // A stable sort: within a day as in the extract.
        order.sort_by_key(|company| company.rated_on);
        for company in order {
            let time = company.rated_on.start().plus_nanos(map.time_of_day_ns);
            for Grade { agency, grade, pd } in &company.grades {
                let agency = agencies[*agency].id.as_str();
                let body = RatingChanged {
                    agency: Id::parse(agency).expect("a map is taken only with ids"),
                    grade: *grade,
                    pd: *pd,
                };
                let body = Body::RatingChanged(body);
                let id = joined(&[body.spec().name, &company.buyer, agency, &company.rated_on.to_string()]);
                take(&Event { time, id: &id, source: &source, subject: &company.buyer, body })?;
            }
        }
        Ok(())
    }
}

fn ratings(map: &Map) -> &Ratings {
    match &map.rows {
        Rows::Ratings(ratings) => ratings,
        Rows::Invoices => unreachable!("companies are read by maps of ratings only"),
    }
}

/// What one agency says; nothing where its cell is empty: unknown is not bad.
fn read_grade(table: &Table, map: &Map, at: usize, agency: &Agency) -> Result<Option<Grade>, RowError> {
    let text = cell(table, agency.place)?;
    if text.is_empty() {
        return Ok(None);
    }
    let number = read_number(text, map).ok_or_else(|| wrong(table, Reason::Number, agency.place, &no_number(map)))?;
    let grade = agency.thresholds.grade(number);
    let pd = match &agency.pd {
        Pd::None => None,
        Pd::ByGrade(pds) => Some(pds[usize::from(grade) - 1]),
        Pd::Column(place, _) => read_pd(table, map, *place)?,
    };
    Ok(Some(Grade { agency: at, grade, pd }))
}

fn read_pd(table: &Table, map: &Map, place: usize) -> Result<Option<u32>, RowError> {
    let text = cell(table, place)?;
    if text.is_empty() {
        return Ok(None);
    }
    let share = read_share(text, map);
    let what = "is no probability from 0 to 1 as the map has numbers";
    share.map(Some).ok_or_else(|| wrong(table, Reason::Number, place, what))
}

fn cell(table: &Table, place: usize) -> Result<&str, RowError> {
    table.further_cell(place).map_err(|bytes| {
        let (column, name) = table.further_column(place);
        let message = format!("{name}: {bytes} is not UTF-8; convert the file");
        RowError { reason: Reason::NotUtf8, column: column + 1, message, told: Told::Said }
    })
}

/// The cell is wrong, and why.
fn wrong(table: &Table, reason: Reason, place: usize, why: &str) -> RowError {
    let (column, name) = table.further_column(place);
    let message = match table.further_cell(place) {
        Ok(text) if !text.is_empty() => format!("{name}: {} {why}", shown(text)),
        _ => format!("{name}: {why}"),
    };
    RowError { reason, column: column + 1, message, told: Told::Said }
}
