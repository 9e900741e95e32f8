//! Owns the rewriting of events: dates moved and ids renewed where they stand, and every other byte as it was written.

use std::ops::ControlFlow;

use hashbrown::HashMap;

use super::renew::{DOCUMENTS, push_renewed};
use super::shift::{DateTexts, OffTheCalendar};
use crate::event::{Body, FieldKind, TypeSpec};
use crate::wire::outline::{self, Outline, Span, text_at};

/// What changes in an event.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// How many days later it happens.
    pub days: i32,
    /// What its ids end with; "" leaves them.
    pub suffix: &'a str,
}

impl Change<'_> {
    /// Whether it changes anything.
    pub fn is_none(&self) -> bool {
        self.days == 0 && self.suffix.is_empty()
    }
}

/// What is done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Shift,
    Renew,
    RenewInList,
}

/// Rewrites events, one after the other, into one buffer.
#[derive(Debug)]
pub struct Rewriter {
    treatments: HashMap<&'static str, Vec<(&'static str, Treatment)>>,
    dates: DateTexts,
    edits: Vec<Edit>,
}

/// Something to be put in the place of a span.
#[derive(Debug, Clone, Copy)]
struct Edit {
    span: Span,
    with: With,
}

#[derive(Debug, Clone, Copy)]
enum With {
    /// These ten characters.
    Date([u8; 10]),
    /// What stands there, renewed.
    Renewed,
}

impl Rewriter {
    /// A rewriter that knows the contract's fields.
    pub fn new() -> Rewriter {
        let of_type = |spec: &'static TypeSpec| {
            let of_field = |field: &'static crate::event::FieldSpec| {
                let treatment = match field.kind {
                    FieldKind::Date | FieldKind::Instant => Treatment::Shift,
                    FieldKind::Id if DOCUMENTS.contains(&field.name) => Treatment::Renew,
                    FieldKind::Allocations | FieldKind::SomeAllocations => Treatment::RenewInList,
                    _ => return None,
                };
                Some((field.name, treatment))
            };
            (spec.name, spec.fields.iter().filter_map(of_field).collect())
        };
        Rewriter {
            treatments: Body::SPECS.iter().map(of_type).collect(),
            dates: DateTexts::default(),
            edits: Vec::new(),
        }
    }

    /// Writes an event of a type, changed, into `out`, which is emptied first.
    ///
    /// # Errors
    /// When a date leaves the calendar.
    pub fn rewrite(
        &mut self,
        value: &[u8],
        outline: &Outline,
        kind: &str,
        change: Change<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), OffTheCalendar> {
        self.edits.clear();
        if !change.suffix.is_empty()
            && let Some(span) = outline.id
        {
            self.edits.push(Edit { span, with: With::Renewed });
        }
        if let Some(span) = outline.time {
            self.shift(value, span, change)?;
        }
        if let Some(data) = outline.data {
            self.of_data(value, data, kind, change)?;
        }
        self.edits.sort_unstable_by_key(|edit| edit.span.start);
        out.clear();
        let mut at = 0;
        for Edit { span, with } in &self.edits {
            out.extend_from_slice(&value[at..span.start]);
            match with {
                With::Date(date) => out.extend_from_slice(date),
                With::Renewed => push_renewed(value, *span, change.suffix, out),
            }
            at = span.end;
        }
        out.extend_from_slice(&value[at..]);
        Ok(())
    }

    fn of_data(&mut self, value: &[u8], data: Span, kind: &str, change: Change<'_>) -> Result<(), OffTheCalendar> {
        let Some(treatments) = self.treatments.get(kind) else { return Ok(()) };
        let (edits, dates) = (&mut self.edits, &mut self.dates);
        let mut answer = Ok(());
        // What is no object is for others to refuse.
        let _ = outline::members(value, data.start, &mut |name, span| {
            let treatment =
                treatments.iter().find(|(field, _)| field.as_bytes() == name).map(|(_, treatment)| *treatment);
            match treatment {
                Some(Treatment::Shift) => match shifted(dates, value, span, change) {
                    Ok(edit) => edits.extend(edit),
                    Err(error) => answer = Err(error),
                },
                Some(Treatment::Renew) if !change.suffix.is_empty() => {
                    edits.push(Edit { span, with: With::Renewed });
                }
                Some(Treatment::RenewInList) if !change.suffix.is_empty() => in_list(value, span, edits),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        answer
    }

    fn shift(&mut self, value: &[u8], span: Span, change: Change<'_>) -> Result<(), OffTheCalendar> {
        self.edits.extend(shifted(&mut self.dates, value, span, change)?);
        Ok(())
    }
}

/// The edit of a date, or of the date that a time begins with. Both are written without escapes, or are nothing to shift.
fn shifted(
    dates: &mut DateTexts,
    value: &[u8],
    span: Span,
    change: Change<'_>,
) -> Result<Option<Edit>, OffTheCalendar> {
    if change.days == 0 {
        return Ok(None);
    }
    let Some(text) = text_at(value, span) else { return Ok(None) };
    let Some(date) = text.get(..10) else { return Ok(None) };
    let Some(date) = dates.shifted(date, change.days)? else { return Ok(None) };
    // Plain, it stands right behind the quote; with escapes the ten characters take more room.
    let start = span.start + 1;
    let end = start + written_length(&value[start..], 10);
    Ok(Some(Edit { span: Span { start, end }, with: With::Date(date) }))
}

/// How many bytes the first `count` ASCII characters of a string take as they are written.
fn written_length(bytes: &[u8], count: usize) -> usize {
    let mut at = 0;
    for _ in 0..count {
        at += match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\\'), Some(b'u')) => 6,
            (Some(b'\\'), _) => 2,
            _ => 1,
        };
    }
    at
}

/// The edits of the invoices that a list of allocations names.
fn in_list(value: &[u8], list: Span, edits: &mut Vec<Edit>) {
    // What is no list of objects is for others to refuse.
    let _ = outline::items(value, list.start, &mut |item| {
        let _ = outline::members(value, item.start, &mut |name, span| {
            if DOCUMENTS.iter().any(|document| document.as_bytes() == name) {
                edits.push(Edit { span, with: With::Renewed });
            }
            ControlFlow::Continue(())
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FieldSpec;

    fn rewritten(value: &str, days: i32, suffix: &str) -> Result<String, OffTheCalendar> {
        let outline = Outline::of(value.as_bytes()).expect("an outline");
        let kind = text_at(value.as_bytes(), outline.kind.expect("a type")).expect("text");
        let mut out = b"what was there before".to_vec();
        Rewriter::new().rewrite(value.as_bytes(), &outline, &kind, Change { days, suffix }, &mut out)?;
        Ok(String::from_utf8(out).expect("text"))
    }

    const PAYMENT: &str = r#"{"type":"payment.received","data":{"seller_id":"S1","payment_id":"P1","amount":100.50,
        "received_on" : "2025-12-31","note":"2025-12-31","allocations":[{"amount":"1e3","invoice_id":"F1"},{"invoice_id":"F2"}]},
        "time":"2025-12-31T23:30:00.123456789+02:00","subject":"B","id":"e1","source":"/e1"}"#;

    #[test]
    fn dates_and_times_move_and_everything_else_stays_byte_for_byte() {
        let expected = PAYMENT
            .replace(r#""received_on" : "2025-12-31""#, r#""received_on" : "2026-01-01""#)
            .replace("2025-12-31T23", "2026-01-01T23");
        assert_eq!(rewritten(PAYMENT, 1, "").expect("shifted"), expected);
        assert_eq!(rewritten(PAYMENT, 0, "").expect("left"), PAYMENT);
    }

    #[test]
    fn documents_and_events_get_fresh_ids_and_buyers_and_sellers_stay() {
        let expected = PAYMENT
            .replace(r#""P1""#, r#""P1-r2""#)
            .replace(r#""F1""#, r#""F1-r2""#)
            .replace(r#""F2""#, r#""F2-r2""#)
            .replace(r#""e1""#, r#""e1-r2""#);
        assert_eq!(rewritten(PAYMENT, 0, "-r2").expect("renewed"), expected);
    }

    #[test]
    fn every_date_of_the_contract_moves() {
        for spec in Body::SPECS {
            let field = |field: &FieldSpec| match field.kind {
                FieldKind::Date => Some(format!(r#""{}":"2026-02-28""#, field.name)),
                FieldKind::Instant => Some(format!(r#""{}":"2026-02-28T23:30:00.5+02:00""#, field.name)),
                _ => None,
            };
            let fields: Vec<String> = spec.fields.iter().filter_map(field).collect();
            let value = format!(r#"{{"type":"{}","data":{{{}}}}}"#, spec.name, fields.join(","));
            assert_eq!(rewritten(&value, 1, "").expect("shifted"), value.replace("02-28", "03-01"), "{}", spec.name);
        }
    }

    #[test]
    fn a_date_that_is_written_with_escapes_moves_too() {
        let value = r#"{"type":"invoice.rescheduled","data":{"due_on":"2026\u002d02-\u00328"},"time":"2026-02-28T10:0\u0030:00Z"}"#;
        let expected =
            r#"{"type":"invoice.rescheduled","data":{"due_on":"2026-03-01"},"time":"2026-03-01T10:0\u0030:00Z"}"#;
        assert_eq!(rewritten(value, 1, "").expect("shifted"), expected);
    }

    #[test]
    fn what_is_wrong_is_left_for_others_to_refuse_and_a_date_off_the_calendar_is_told() {
        for value in [
            r#"{"type":"invoice.rescheduled","data":{"due_on":"2026-02-30","invoice_id":7},"time":"2026"}"#,
            r#"{"type":"payment.allocated","data":{"allocations":[1,{"invoice_id":null}],"allocated_on":null},"time":5}"#,
            r#"{"type":"unheard.of","data":{"due_on":"2026-02-28"}}"#,
            r#"{"type":"invoice.rescheduled","data":[]}"#,
        ] {
            assert_eq!(rewritten(value, 1, "-r2").as_deref(), Ok(value));
        }
        let late = r#"{"type":"invoice.rescheduled","data":{"due_on":"2199-12-31"}}"#;
        assert_eq!(rewritten(late, 1, ""), Err(OffTheCalendar));
    }
}
