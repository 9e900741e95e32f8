//! Owns one row of an extract: what any row can be, and the way from its cells to an invoice and what became of it, by the
//! map's rules.

use std::cmp::Ordering;
use std::hash::Hash;

use compact_str::CompactString;

use super::cell::{AmountError, read_amount, read_day};
use super::events;
use super::gather::Summary;
use super::map::{DueBeforeIssue, Field, Kind, Map, PaidOver, PaidUnder, ZeroAmount};
use super::table::{Table, shown};
use crate::base::{Currency, Day, Money};
use crate::event::{Event, Id};

/// What a row of an extract tells.
pub trait Record: PartialEq + Sized {
    /// The column at which a row is told that is not new.
    const NAMED_BY: Field;
    /// What two rows of one name have in common besides that column.
    const NAMED_WITHIN: &str;

    /// Reads the record that the table stands on. The rules that it took go to `mended`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    fn read(table: &Table, map: &Map, mended: &mut Vec<Mended>) -> Result<Self, RowError>;

    /// What it is known by: no two rows have the same.
    fn name(&self) -> impl Eq + Hash;

    /// Counts what is counted of rows of its kind only.
    fn count(&self, map: &Map, summary: &mut Summary);

    /// Hands over the events of all the rows, earliest first.
    ///
    /// # Errors
    /// The first of `take`.
    fn tell<E>(records: &[Self], map: &Map, take: impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E>;
}

/// Why a row is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It has more or fewer cells than the header.
    Width,
    /// A cell is not UTF-8.
    NotUtf8,
    /// A needed cell is empty.
    Empty,
    /// A cell is no id of 1 to 128 bytes without control characters.
    Id,
    /// A cell is no date in the map's forms.
    Date,
    /// A cell is no amount as the map has them.
    Amount,
    /// A cell is no number as the map has them, or out of its range.
    Number,
    /// An amount is 0.
    ZeroAmount,
    /// An amount is under 0.
    NegativeAmount,
    /// A cell is no currency.
    Currency,
    /// A code that the map does not know.
    UnknownKind,
    /// Due before it was issued.
    DueBeforeIssue,
    /// The amount without tax is over the amount.
    NetOverAmount,
    /// Paid more than the amount.
    PaidOverNominal,
    /// The same as a row before.
    Duplicate,
    /// Another row before has the same document with other content.
    Conflict,
}

impl Reason {
    /// Its name, as it is counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Width => "width",
            Reason::NotUtf8 => "not_utf8",
            Reason::Empty => "empty",
            Reason::Id => "id",
            Reason::Date => "date",
            Reason::Amount => "amount",
            Reason::Number => "number",
            Reason::ZeroAmount => "zero_amount",
            Reason::NegativeAmount => "negative_amount",
            Reason::Currency => "currency",
            Reason::UnknownKind => "unknown_kind",
            Reason::DueBeforeIssue => "due_before_issue",
            Reason::NetOverAmount => "net_over_amount",
            Reason::PaidOverNominal => "paid_over_nominal",
            Reason::Duplicate => "duplicate",
            Reason::Conflict => "conflict",
        }
    }
}

/// Which rule of the map was used on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// The due date was taken for the day of issue.
    DueBeforeIssue,
    /// What was paid over the amount was left unallocated, or dropped.
    PaidOverNominal,
    /// What was paid too little was let off by a credit note.
    PaidUnderNominal,
}

impl Mend {
    /// Its name, as it is counted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mend::DueBeforeIssue => "due_before_issue",
            Mend::PaidOverNominal => "paid_over_nominal",
            Mend::PaidUnderNominal => "paid_under_nominal",
        }
    }
}

/// Why a row cannot be used, and where that shows.
#[derive(Debug)]
pub struct RowError {
    /// The reason, as it is counted.
    pub reason: Reason,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong, in words.
    pub message: String,
    /// Whether a line says so, or it is only counted.
    pub told: Told,
}

/// Whether a line says that a row was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It does.
    Said,
    /// The map wants it only counted.
    Counted,
}

/// A rule that was used on a row, and where that shows.
#[derive(Debug)]
pub struct Mended {
    /// The rule, as it is counted.
    pub rule: Mend,
    /// The column, counted from 1.
    pub column: usize,
    /// What was done, in words.
    pub message: String,
}

/// An invoice of an extract, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// The buyer.
    pub buyer: CompactString,
    /// The seller; "" for none.
    pub seller: CompactString,
    /// Its number.
    pub document: CompactString,
    /// The buyer's name; "" for none.
    pub name: CompactString,
    /// Its currency.
    pub currency: Currency,
    /// The day of issue.
    pub issued_on: Day,
    /// The day by which it is to be paid.
    pub due_on: Day,
    /// What is to be paid.
    pub amount: Money,
    /// The amount without tax.
    pub net_amount: Option<Money>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an invoice, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Open,
    /// It was paid: what came in, what of it pays the invoice, and what a credit note let off (0 for none).
    Paid { on: Day, paid: Money, allocated: Money, credited: Money },
    /// The seller cancelled it.
    Cancelled { on: Day },
    /// The seller gave it up as lost.
    WrittenOff { on: Day },
    /// It was sent to protest; the debt stands.
    Protested { on: Day },
    /// The instrument ended unpaid; the debt stands.
    Lapsed { on: Day },
}

impl Record for Invoice {
    const NAMED_BY: Field = Field::Document;
    const NAMED_WITHIN: &str = "of the same buyer and seller";

    fn read(table: &Table, map: &Map, mended: &mut Vec<Mended>) -> Result<Invoice, RowError> {
        read(&Row { table, map }, mended)
    }

    fn name(&self) -> impl Eq + Hash {
        (&self.buyer, &self.seller, &self.document)
    }

    fn count(&self, _: &Map, summary: &mut Summary) {
        *summary.currencies.entry(self.currency.to_string()).or_default() += 1;
    }

    fn tell<E>(invoices: &[Invoice], map: &Map, take: impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        events::tell(invoices, map, take)
    }
}

fn read(row: &Row<'_>, mended: &mut Vec<Mended>) -> Result<Invoice, RowError> {
    row.check_width()?;
    let amount = row.needed_amount(Field::Amount)?;
    let issued_on = row.needed_day(Field::IssuedOn)?;
    let due_on = row.needed_day(Field::DueOn)?;
    let net_amount = row.amount(Field::NetAmount)?;
    if net_amount.is_some_and(|net| net > amount) {
        return Err(row.wrong(Reason::NetOverAmount, Field::NetAmount, "is over the amount"));
    }
    let seller = row.text(Field::Seller)?;
    Ok(Invoice {
        buyer: row.id(Field::Buyer)?,
        seller: if seller.is_empty() { row.map.seller.as_str().into() } else { row.id(Field::Seller)? },
        document: row.id(Field::Document)?,
        name: row.text(Field::Name)?.into(),
        currency: row.currency()?,
        issued_on: row.mended_issue(issued_on, due_on, mended)?,
        due_on,
        amount,
        net_amount: net_amount.filter(|net| *net != Money::ZERO),
        outcome: row.outcome(amount, mended)?,
    })
}

/// The record that a table stands on, read by a map.
pub struct Row<'a> {
    /// The table.
    pub table: &'a Table,
    /// The map.
    pub map: &'a Map,
}

impl Row<'_> {
    /// Whether it has as many cells as the header.
    ///
    /// # Errors
    /// When it has more or fewer.
    pub fn check_width(&self) -> Result<(), RowError> {
        let (width, header) = self.table.widths();
        if width == header {
            return Ok(());
        }
        let message = format!("{width} cells where the header has {header}: is a quote or a delimiter astray?");
        Err(RowError { reason: Reason::Width, column: width.min(header) + 1, message, told: Told::Said })
    }

    /// The cell of a field; "" where it is empty or the file has no such column.
    fn text(&self, field: Field) -> Result<&str, RowError> {
        match self.table.cell(field) {
            Ok(text) => Ok(text.unwrap_or_default()),
            Err(bytes) => Err(self.error(Reason::NotUtf8, field, format!("{bytes} is not UTF-8; convert the file"))),
        }
    }

    fn needed(&self, field: Field) -> Result<&str, RowError> {
        match self.text(field)? {
            "" => Err(self.error(Reason::Empty, field, "is empty".to_owned())),
            text => Ok(text),
        }
    }

    /// The id in the cell of a field.
    ///
    /// # Errors
    /// When it is empty, or no id.
    pub fn id(&self, field: Field) -> Result<CompactString, RowError> {
        match Id::parse(self.needed(field)?) {
            Some(id) => Ok(id.as_str().into()),
            None => Err(self.wrong(Reason::Id, field, "is no id: 1 to 128 bytes, no control character")),
        }
    }

    /// The day in the cell of a field.
    ///
    /// # Errors
    /// When it is empty, or no date in the map's forms.
    pub fn needed_day(&self, field: Field) -> Result<Day, RowError> {
        let day = read_day(self.needed(field)?, self.map);
        day.ok_or_else(|| {
            let forms = self.map.dates.join(" or ");
            self.wrong(Reason::Date, field, &format!("is no date of 1970 to 2199 in the form {forms}"))
        })
    }

    fn amount(&self, field: Field) -> Result<Option<Money>, RowError> {
        let text = self.text(field)?;
        if text.is_empty() {
            return Ok(None);
        }
        read_amount(text, self.map).map(Some).map_err(|error| match error {
            AmountError::Unreadable(why) => self.wrong(Reason::Amount, field, &why),
            AmountError::Negative => self.wrong(
                Reason::NegativeAmount,
                field,
                "is under 0: a credit note is no invoice, leave it out of the extract",
            ),
        })
    }

    fn needed_amount(&self, field: Field) -> Result<Money, RowError> {
        self.needed(field)?;
        let amount = self.amount(field)?.unwrap_or_default();
        if amount != Money::ZERO {
            return Ok(amount);
        }
        let told = match self.map.rules.zero_amount {
            ZeroAmount::Refuse => Told::Said,
            ZeroAmount::Skip => Told::Counted,
        };
        Err(RowError { told, ..self.wrong(Reason::ZeroAmount, field, "is nothing: an invoice is over 0") })
    }

    fn currency(&self) -> Result<Currency, RowError> {
        let text = self.text(Field::Currency)?;
        match (text, self.map.currency) {
            ("", Some(currency)) => Ok(currency),
            ("", None) => Err(self.error(Reason::Empty, Field::Currency, "is empty, and the map has none".to_owned())),
            _ => Currency::parse(text)
                .ok_or_else(|| self.wrong(Reason::Currency, Field::Currency, "is no currency of three letters A to Z")),
        }
    }

    fn mended_issue(&self, issued_on: Day, due_on: Day, mended: &mut Vec<Mended>) -> Result<Day, RowError> {
        if issued_on <= due_on {
            return Ok(issued_on);
        }
        let message = format!("issued on {issued_on}, after it is due on {due_on}");
        if self.map.rules.due_before_issue == DueBeforeIssue::Refuse {
            return Err(self.error(Reason::DueBeforeIssue, Field::IssuedOn, message));
        }
        let message = format!("{message}: taken as issued on {due_on}");
        mended.push(self.mend(Mend::DueBeforeIssue, Field::IssuedOn, &message));
        Ok(due_on)
    }

    fn outcome(&self, amount: Money, mended: &mut Vec<Mended>) -> Result<Outcome, RowError> {
        let kind = self.kind()?;
        if kind == Kind::Open {
            return Ok(Outcome::Open);
        }
        let on = self.needed_day(Field::ClearedOn)?;
        Ok(match kind {
            Kind::Open => Outcome::Open,
            Kind::Paid => self.paid(on, amount, mended)?,
            Kind::Cancelled => Outcome::Cancelled { on },
            Kind::WrittenOff => Outcome::WrittenOff { on },
            Kind::Protested => Outcome::Protested { on },
            Kind::Lapsed => Outcome::Lapsed { on },
        })
    }

    fn kind(&self) -> Result<Kind, RowError> {
        if self.table.column(Field::Kind).is_none() {
            let cleared = !self.text(Field::ClearedOn)?.is_empty();
            return Ok(if cleared { Kind::Paid } else { Kind::Open });
        }
        let text = self.text(Field::Kind)?;
        let until = &self.map.kind_until;
        let code = if until.is_empty() { text } else { text.split(until.as_str()).next().unwrap_or_default().trim() };
        self.map.kinds.get(code).copied().ok_or_else(|| {
            let known: Vec<String> = self.map.kinds.keys().map(|code| format!("{code:?}")).collect();
            self.wrong(Reason::UnknownKind, Field::Kind, &format!("is none of the map's kinds: {}", known.join(", ")))
        })
    }

    fn paid(&self, on: Day, amount: Money, mended: &mut Vec<Mended>) -> Result<Outcome, RowError> {
        let paid = self.amount(Field::PaidAmount)?.unwrap_or(amount);
        if paid == Money::ZERO {
            let why = "is nothing, of an invoice that is paid: give its code another kind";
            return Err(self.wrong(Reason::ZeroAmount, Field::PaidAmount, why));
        }
        let whole = |paid| Outcome::Paid { on, paid, allocated: amount, credited: Money::ZERO };
        let part = |credited| Outcome::Paid { on, paid, allocated: paid, credited };
        let mut mend = |rule, done| {
            let paid = self.table.cell(Field::PaidAmount).ok().flatten().unwrap_or_default();
            mended.push(self.mend(rule, Field::PaidAmount, &format!("{} is {done}", shown(paid))));
        };
        let rules = &self.map.rules;
        Ok(match (paid.cmp(&amount), rules.paid_over_nominal, rules.paid_under_nominal) {
            (Ordering::Equal, _, _) => whole(paid),
            (Ordering::Greater, PaidOver::Refuse, _) => {
                return Err(self.wrong(Reason::PaidOverNominal, Field::PaidAmount, "is over the amount"));
            }
            (Ordering::Greater, PaidOver::Unallocated, _) => {
                mend(Mend::PaidOverNominal, "over the amount: the rest is left unallocated");
                whole(paid)
            }
            (Ordering::Greater, PaidOver::Drop, _) => {
                mend(Mend::PaidOverNominal, "over the amount: the rest is left out as interest");
                whole(amount)
            }
            (Ordering::Less, _, PaidUnder::LeaveOpen) => part(Money::ZERO),
            (Ordering::Less, _, PaidUnder::Credit) => {
                mend(Mend::PaidUnderNominal, "under the amount: the rest is let off by a credit note");
                part(Money::from_units(amount.units() - paid.units()).expect("less of an amount is an amount"))
            }
        })
    }

    /// The cell is wrong, and why.
    fn wrong(&self, reason: Reason, field: Field, why: &str) -> RowError {
        let cell = self.table.cell(field).ok().flatten().unwrap_or_default();
        self.error(reason, field, format!("{} {why}", shown(cell)))
    }

    fn error(&self, reason: Reason, field: Field, what: String) -> RowError {
        let (column, name) = self.place(field);
        RowError { reason, column, message: format!("{name}: {what}"), told: Told::Said }
    }

    fn mend(&self, rule: Mend, field: Field, what: &str) -> Mended {
        let (column, name) = self.place(field);
        Mended { rule, column, message: format!("{name}: {what}") }
    }

    /// The number and name of a field's column; where the file has none, those that the map would have.
    fn place(&self, field: Field) -> (usize, &str) {
        match self.table.column(field) {
            Some((place, name)) => (place + 1, name),
            None => (self.table.widths().1 + 1, self.map.columns.get(&field).map_or(field.as_str(), String::as_str)),
        }
    }
}
