//! Owns the map of an extract: which column is what, how dates and amounts are written, what codes mean, and what to do
//! with odd rows. What it says of ratings is in `agency`. Documented in `schemas/maps/README.md`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;
use serde::Deserialize;

use super::agency::{self, Ratings};
use crate::base::{Currency, Day, Rate};
use crate::cli::CliError;
use crate::event::Id;
use crate::event::field::named;
use crate::io::files;

/// The largest map in bytes.
const MAP_BYTES_MAX: u64 = 1 << 20;

/// The maps that come with the program, by name.
const SHIPPED: &[(&str, &str)] = &[
    ("highradius", include_str!("../../../schemas/maps/highradius.toml")),
    ("nuclea", include_str!("../../../schemas/maps/nuclea.toml")),
    ("nuclea_companies", include_str!("../../../schemas/maps/nuclea_companies.toml")),
    ("odoo", include_str!("../../../schemas/maps/odoo.toml")),
    ("sage", include_str!("../../../schemas/maps/sage.toml")),
    ("sap", include_str!("../../../schemas/maps/sap.toml")),
];

named! {
    /// What a column of the extract holds.
    Field {
        /// The buyer's id.
        Buyer = "buyer",
        /// The seller's id.
        Seller = "seller",
        /// The invoice's number.
        Document = "document",
        /// The day of issue.
        IssuedOn = "issued_on",
        /// The day by which it is to be paid.
        DueOn = "due_on",
        /// What is to be paid, tax included.
        Amount = "amount",
        /// The amount without tax.
        NetAmount = "net_amount",
        /// The currency.
        Currency = "currency",
        /// The buyer's name.
        Name = "name",
        /// The day on which the invoice was paid, cancelled, protested...
        ClearedOn = "cleared_on",
        /// What was paid.
        PaidAmount = "paid_amount",
        /// The code that tells how the invoice ended.
        Kind = "kind",
        /// The day of a company's ratings.
        RatedOn = "rated_on",
    }
}

impl Field {
    /// Fields without which no invoice can be told.
    pub const NEEDED: [Field; 5] = [Field::Buyer, Field::Document, Field::IssuedOn, Field::DueOn, Field::Amount];
}

named! {
    /// What became of an invoice.
    Kind {
        /// Nothing yet.
        Open = "open",
        /// It was paid.
        Paid = "paid",
        /// The seller cancelled it.
        Cancelled = "cancelled",
        /// The seller gave it up as lost.
        WrittenOff = "written_off",
        /// It was sent to protest unpaid; the debt stands.
        Protested = "protested",
        /// The instrument ended unpaid; the debt stands.
        Lapsed = "lapsed",
    }
}

/// What to do with a row that is due before it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueBeforeIssue {
    /// Refuse it.
    #[default]
    Refuse,
    /// Take the due date for the day of issue.
    MendIssue,
}

/// What to do with what was paid over the invoice's amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaidOver {
    /// Keep it as cash of the buyer that is allocated to nothing.
    #[default]
    Unallocated,
    /// Leave it out: it is interest, which was never invoiced.
    Drop,
    /// Refuse the row.
    Refuse,
}

/// What to do with what a paid row paid too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaidUnder {
    /// The rest stays open.
    #[default]
    LeaveOpen,
    /// The rest was let off: a credit note takes it.
    Credit,
}

/// What to do with a row whose amount is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroAmount {
    /// Refuse it with a line that says so.
    #[default]
    Refuse,
    /// Refuse it without a line; it is only counted.
    Skip,
}

/// What to do with odd rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Due before issue.
    pub due_before_issue: DueBeforeIssue,
    /// Paid more than the amount.
    pub paid_over_nominal: PaidOver,
    /// Paid less than the amount.
    pub paid_under_nominal: PaidUnder,
    /// An amount of 0.
    pub zero_amount: ZeroAmount,
}

/// What a row of the extract is, as the map names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RowsName {
    #[default]
    Invoices,
    Ratings,
}

/// What a row of the extract is.
#[derive(Debug, Clone)]
pub enum Rows {
    /// An invoice and what became of it.
    Invoices,
    /// A company's ratings.
    Ratings(Ratings),
}

/// A map as it stands in its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    #[serde(default)]
    rows: RowsName,
    as_of: Option<String>,
    #[serde(default)]
    dates: Vec<String>,
    #[serde(default = "midday")]
    time_of_day: String,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default = "point")]
    decimal: String,
    #[serde(default)]
    thousands: String,
    currency: Option<String>,
    #[serde(default)]
    seller: String,
    #[serde(default)]
    may_be_absent: Vec<String>,
    columns: BTreeMap<String, String>,
    #[serde(default)]
    kinds: BTreeMap<String, String>,
    #[serde(default)]
    kind_until: String,
    #[serde(default)]
    rules: Rules,
    #[serde(default)]
    rates: BTreeMap<String, String>,
    #[serde(default)]
    ratings: Vec<agency::Text>,
}

fn midday() -> String {
    "12:00:00".to_owned()
}

fn comma() -> String {
    ",".to_owned()
}

fn point() -> String {
    ".".to_owned()
}

/// A map that was checked: everything in it can be followed.
#[derive(Debug, Clone)]
pub struct Map {
    /// Its name, part of every event's source.
    pub name: String,
    /// What a row is.
    pub rows: Rows,
    /// How dates are written; the first form that fits counts.
    pub dates: Vec<String>,
    /// Nanoseconds after midnight UTC at which a day's events happen.
    pub time_of_day_ns: i64,
    /// What stands between two columns.
    pub delimiter: u8,
    /// What stands before the decimals.
    pub decimal: char,
    /// What groups the thousands.
    pub thousands: Option<char>,
    /// The currency where no column tells.
    pub currency: Option<Currency>,
    /// The seller where no column tells; "" for none.
    pub seller: String,
    /// The name of each field's column.
    pub columns: BTreeMap<Field, String>,
    /// Fields whose column an extract need not have.
    pub may_be_absent: Vec<Field>,
    /// What each code means; empty: a row with a clearing date is paid, any other is open.
    pub kinds: BTreeMap<String, Kind>,
    /// The code ends before this text; "" for the whole cell.
    pub kind_until: String,
    /// What to do with odd rows.
    pub rules: Rules,
    /// Fixed rates of currencies that the extract has none for.
    pub rates: BTreeMap<Currency, Rate>,
}

impl Map {
    /// The map of this name that comes with the program, or the one in the file of this path. A day in `as_of` counts
    /// before the map's own.
    ///
    /// # Errors
    /// When there is no such map, or it cannot be followed: says which, where and why.
    pub fn find(path: &Path, as_of: Option<Day>) -> Result<Map, CliError> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| path == Path::new(name)) {
            return Map::parse(text, as_of).map_err(|why| CliError::Wrong(format!("map {name}{why}")));
        }
        let shown = path.display();
        let cannot = |why: String| {
            let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            CliError::Wrong(format!("{why}; the maps that come with the program are {}", names.join(", ")))
        };
        let mut text = String::new();
        let file = files::open(path).map_err(|error| cannot(error.to_string()))?;
        let length = file.take(MAP_BYTES_MAX + 1).read_to_string(&mut text);
        let length = length.map_err(|error| cannot(format!("cannot read {shown}: {error}")))?;
        if length as u64 > MAP_BYTES_MAX {
            return Err(CliError::Wrong(format!("map {shown}: over {MAP_BYTES_MAX} bytes; is it a map?")));
        }
        Map::parse(&text, as_of).map_err(|why| CliError::Wrong(format!("map {shown}{why}")))
    }

    /// Reads a map. The error begins with the line, where there is one.
    ///
    /// # Errors
    /// When it is no TOML, or cannot be followed.
    pub fn parse(text: &str, as_of: Option<Day>) -> Result<Map, String> {
        let raw: Text = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let line = line.map_or_else(String::new, |line| format!(":{line}"));
            format!("{line}: {}", error.message())
        })?;
        check(raw, as_of).map_err(|why| format!(": {why}"))
    }

    /// Columns that are no fields, and what stands in each.
    pub fn further_columns(&self) -> Vec<(&str, String)> {
        match &self.rows {
            Rows::Invoices => Vec::new(),
            Rows::Ratings(ratings) => ratings.columns(),
        }
    }
}

fn check(raw: Text, as_of: Option<Day>) -> Result<Map, String> {
    if raw.name.is_empty() || !raw.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(format!("name {:?} should be letters, digits, '-', '_' and '.'", raw.name));
    }
    check_keys(&raw, as_of)?;
    let rows = match raw.rows {
        RowsName::Invoices => Rows::Invoices,
        RowsName::Ratings => {
            let column = raw.columns.get(Field::RatedOn.as_str()).map(String::as_str);
            Rows::Ratings(Ratings::check(&raw.ratings, column, raw.as_of.as_deref(), as_of)?)
        }
    };
    let delimiter = single("delimiter", &raw.delimiter)?;
    let map = Map {
        time_of_day_ns: time_of_day(&raw.time_of_day)?,
        delimiter: u8::try_from(delimiter).ok().filter(u8::is_ascii).ok_or("delimiter should be an ASCII character")?,
        decimal: single("decimal", &raw.decimal)?,
        thousands: (!raw.thousands.is_empty()).then(|| single("thousands", &raw.thousands)).transpose()?,
        currency: raw.currency.as_deref().map(|text| currency("currency", text)).transpose()?,
        seller: raw.seller,
        may_be_absent: raw.may_be_absent.iter().map(|name| field("may_be_absent", name)).collect::<Result<_, _>>()?,
        columns: raw
            .columns
            .iter()
            .map(|(name, column)| Ok((field("columns", name)?, column.clone())))
            .collect::<Result<_, String>>()?,
        kinds: raw
            .kinds
            .iter()
            .map(|(code, name)| Ok((code.clone(), kind(code, name)?)))
            .collect::<Result<_, String>>()?,
        kind_until: raw.kind_until,
        rules: raw.rules,
        rates: raw.rates.iter().map(|(name, text)| rate(name, text)).collect::<Result<_, String>>()?,
        rows,
        dates: raw.dates,
        name: raw.name,
    };
    check_whole(&map)?;
    Ok(map)
}

/// A key that the rows of the map have no use for is a mistake.
fn check_keys(raw: &Text, as_of: Option<Day>) -> Result<(), String> {
    if raw.rows == RowsName::Invoices {
        if as_of.is_some() {
            return Err("--as-of is for ratings without a date, and the rows of this map are invoices".to_owned());
        }
        let useless = [
            ("as_of", raw.as_of.is_some()),
            ("[[ratings]]", !raw.ratings.is_empty()),
            ("columns.rated_on", raw.columns.contains_key(Field::RatedOn.as_str())),
        ];
        return match useless.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(format!("{key} is for rows = \"ratings\"")),
            None => Ok(()),
        };
    }
    let useless = [
        ("currency", raw.currency.is_some()),
        ("seller", !raw.seller.is_empty()),
        ("may_be_absent", !raw.may_be_absent.is_empty()),
        ("kinds", !raw.kinds.is_empty()),
        ("kind_until", !raw.kind_until.is_empty()),
        ("rules", raw.rules != Rules::default()),
        ("rates", !raw.rates.is_empty()),
    ];
    if let Some((key, _)) = useless.iter().find(|(_, given)| *given) {
        return Err(format!("{key} is for rows = \"invoices\""));
    }
    let used = [Field::Buyer, Field::RatedOn].map(Field::as_str);
    match raw.columns.keys().find(|name| Field::parse(name).is_some() && !used.contains(&name.as_str())) {
        Some(name) => Err(format!("columns.{name} is for rows = \"invoices\"")),
        None => Ok(()),
    }
}

/// What no single key shows to be wrong.
fn check_whole(map: &Map) -> Result<(), String> {
    match map.rows {
        Rows::Invoices => check_invoices(map)?,
        Rows::Ratings(_) if map.columns.contains_key(&Field::Buyer) => {}
        Rows::Ratings(_) => return Err("columns.buyer is missing: a rating is of a buyer".to_owned()),
    }
    if map.thousands == Some(map.decimal) {
        return Err("thousands and decimal are the same".to_owned());
    }
    let reads_dates = matches!(map.rows, Rows::Invoices) || map.columns.contains_key(&Field::RatedOn);
    if reads_dates && map.dates.is_empty() {
        return Err("dates is empty: name at least one form, such as \"%Y-%m-%d\"".to_owned());
    }
    map.dates.iter().try_for_each(|form| check_date_form(form))
}

/// What no single key of a map of invoices shows to be wrong.
fn check_invoices(map: &Map) -> Result<(), String> {
    if let Some(needed) = Field::NEEDED.iter().find(|needed| !map.columns.contains_key(needed)) {
        return Err(format!("columns.{} is missing: an invoice cannot be told without it", needed.as_str()));
    }
    if let Some(needed) = map.may_be_absent.iter().find(|field| Field::NEEDED.contains(field)) {
        return Err(format!("may_be_absent: {} is needed in every extract", needed.as_str()));
    }
    let currency_sure = map.columns.contains_key(&Field::Currency) && !map.may_be_absent.contains(&Field::Currency);
    if map.currency.is_none() && !currency_sure {
        return Err("name a currency, or the column of it in columns.currency".to_owned());
    }
    if map.kinds.is_empty() == map.columns.contains_key(&Field::Kind) {
        return Err("columns.kind and [kinds] go together: the column of the codes, and what each means".to_owned());
    }
    let dated = map.kinds.values().find(|kind| **kind != Kind::Open);
    if let (Some(kind), false) = (dated, map.columns.contains_key(&Field::ClearedOn)) {
        return Err(format!("columns.cleared_on is missing: the day of what is {} stands there", kind.as_str()));
    }
    if map.columns.contains_key(&Field::PaidAmount) && !map.columns.contains_key(&Field::ClearedOn) {
        return Err("columns.paid_amount needs columns.cleared_on: the day of the payment".to_owned());
    }
    if !map.seller.is_empty() && Id::parse(&map.seller).is_none() {
        return Err(format!("seller {:?} is no id: 1 to 128 bytes, no control character", map.seller));
    }
    Ok(())
}

/// A form must bring a day back whole: one that lacks the year, or that no one knows, does not.
fn check_date_form(form: &str) -> Result<(), String> {
    use std::fmt::Write;
    let day = NaiveDate::from_ymd_opt(2024, 11, 23).expect("a day");
    let noon = day.and_hms_opt(12, 0, 0).expect("a time of day");
    let mut written = String::new();
    let whole = write!(written, "{}", noon.format(form)).is_ok()
        && NaiveDate::parse_from_str(&written, form).is_ok_and(|read| read == day);
    if whole { Ok(()) } else { Err(format!("dates: {form:?} is no form of a whole date, such as \"%d/%m/%Y\"")) }
}

fn time_of_day(text: &str) -> Result<i64, String> {
    let instant = crate::base::Instant::parse(&format!("1970-01-01T{text}Z"));
    instant
        .map(crate::base::Instant::nanos)
        .ok_or_else(|| format!("time_of_day {text:?} is no time such as \"12:00:00\""))
}

fn single(key: &str, text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) if !only.is_ascii_digit() && only != '-' => Ok(only),
        _ => Err(format!("{key} should be one character, no digit and no '-', and is {text:?}")),
    }
}

fn field(key: &str, name: &str) -> Result<Field, String> {
    Field::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
        format!("{key}: {name:?} is none of {}", known.join(", "))
    })
}

fn kind(code: &str, name: &str) -> Result<Kind, String> {
    Kind::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("kinds.{code:?}: {name:?} is none of {}", known.join(", "))
    })
}

fn currency(key: &str, text: &str) -> Result<Currency, String> {
    Currency::parse(text).ok_or_else(|| format!("{key}: {text:?} is no currency of three letters A to Z"))
}

fn rate(name: &str, text: &str) -> Result<(Currency, Rate), String> {
    let rate = Rate::parse(text).map_err(|error| format!("rates.{name}: {text:?} {error}"))?;
    Ok((currency("rates", name)?, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = \"t\"\ndates = [\"%Y-%m-%d\"]\ncurrency = \"EUR\"\n[columns]\nbuyer = \"b\"\ndocument = \"d\"\n\
                         issued_on = \"i\"\ndue_on = \"u\"\namount = \"a\"\n";

    #[test]
    fn every_shipped_map_can_be_followed_and_bears_its_name() {
        for (name, _) in SHIPPED {
            let map = Map::find(Path::new(name), None).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(map.name, *name);
        }
    }

    #[test]
    fn a_map_of_the_least_keys_has_the_defaults() {
        let map = Map::parse(LEAST, None).expect("a map");
        assert_eq!((map.delimiter, map.decimal, map.thousands), (b',', '.', None));
        assert_eq!(map.time_of_day_ns, 12 * 3600 * 1_000_000_000);
        assert_eq!(map.rules.due_before_issue, DueBeforeIssue::Refuse);
        assert_eq!(map.rules.paid_over_nominal, PaidOver::Unallocated);
        assert_eq!(map.rules.paid_under_nominal, PaidUnder::LeaveOpen);
        assert_eq!(map.rules.zero_amount, ZeroAmount::Refuse);
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        let cases = [
            ("amount = \"a\"\n", "", ": columns.amount is missing: an invoice cannot be told without it"),
            ("currency = \"EUR\"\n", "", ": name a currency, or the column of it in columns.currency"),
            ("\"EUR\"", "\"Euro\"", ": currency: \"Euro\" is no currency of three letters A to Z"),
            (
                "[columns]\n",
                "[columns]\nkind = \"k\"\n",
                ": columns.kind and [kinds] go together: the column of the codes, and what each means",
            ),
            (
                "[columns]\n",
                "[columns]\npaid_amount = \"p\"\n",
                ": columns.paid_amount needs columns.cleared_on: the day of the payment",
            ),
            (
                "[columns]\n",
                "[columns]\nbayer = \"p\"\n",
                ": columns: \"bayer\" is none of buyer, seller, document, issued_on, due_on, amount, net_amount, currency, name, cleared_on, paid_amount, kind, rated_on",
            ),
            (
                "[columns]\n",
                "[kinds]\n1 = \"payed\"\n[columns]\nkind = \"k\"\n",
                ": kinds.\"1\": \"payed\" is none of open, paid, cancelled, written_off, protested, lapsed",
            ),
            (
                "[columns]\n",
                "[kinds]\n1 = \"paid\"\n[columns]\nkind = \"k\"\n",
                ": columns.cleared_on is missing: the day of what is paid stands there",
            ),
            (
                "[columns]\n",
                "may_be_absent = [\"buyer\"]\n[columns]\n",
                ": may_be_absent: buyer is needed in every extract",
            ),
            (
                "[columns]\n",
                "delimiter = \"||\"\n[columns]\n",
                ": delimiter should be one character, no digit and no '-', and is \"||\"",
            ),
            ("[columns]\n", "delimiter = \"é\"\n[columns]\n", ": delimiter should be an ASCII character"),
            ("[columns]\n", "thousands = \".\"\n[columns]\n", ": thousands and decimal are the same"),
            (
                "[columns]\n",
                "time_of_day = \"25:00\"\n[columns]\n",
                ": time_of_day \"25:00\" is no time such as \"12:00:00\"",
            ),
            ("[columns]\n", "[rates]\nUSD = \"0\"\n[columns]\n", ": rates.USD: \"0\" is out of range"),
            ("name = \"t\"\n", "name = \"t\"\nas_of = \"2024-01-01\"\n", ": as_of is for rows = \"ratings\""),
            ("[columns]\n", "[columns]\nrated_on = \"r\"\n", ": columns.rated_on is for rows = \"ratings\""),
            (
                "[columns]\n",
                "[[ratings]]\nagency = \"a\"\ncolumn = \"c\"\ngrades = [1, 2]\n[columns]\n",
                ": [[ratings]] is for rows = \"ratings\"",
            ),
            ("[\"%Y-%m-%d\"]", "[]", ": dates is empty: name at least one form, such as \"%Y-%m-%d\""),
            ("%Y-%m-%d", "%d/%m", ": dates: \"%d/%m\" is no form of a whole date, such as \"%d/%m/%Y\""),
            ("%Y-%m-%d", "%Y-%m-%d %z", ": dates: \"%Y-%m-%d %z\" is no form of a whole date, such as \"%d/%m/%Y\""),
            ("%Y-%m-%d", "%Q", ": dates: \"%Q\" is no form of a whole date, such as \"%d/%m/%Y\""),
            ("name = \"t\"", "name = \"a b\"", ": name \"a b\" should be letters, digits, '-', '_' and '.'"),
            (
                "[columns]\n",
                "[rules]\nzero_amount = \"x\"\n[columns]\n",
                ":5: unknown variant `x`, expected `refuse` or `skip`",
            ),
            (
                "currency = ",
                "curency = ",
                ":3: unknown field `curency`, expected one of `name`, `rows`, `as_of`, `dates`, `time_of_day`, `delimiter`, `decimal`, `thousands`, `currency`, `seller`, `may_be_absent`, `columns`, `kinds`, `kind_until`, `rules`, `rates`, `ratings`",
            ),
        ];
        for (old, new, wanted) in cases {
            let text = LEAST.replacen(old, new, 1);
            assert_eq!(Map::parse(&text, None).expect_err(new), wanted, "{text}");
        }
    }

    #[test]
    fn a_map_that_is_not_there_names_those_that_are() {
        let error = Map::find(Path::new("no-such-map"), None).expect_err("an error").to_string();
        assert!(error.starts_with("cannot read no-such-map: "), "{error}");
        assert!(
            error.ends_with(
                "the maps that come with the program are highradius, nuclea, nuclea_companies, odoo, sage, sap"
            ),
            "{error}"
        );
    }
}
