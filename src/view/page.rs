//! Owns pages: a sorted part of a list, and the place to go on from, which stays good while the list changes.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::wire::table::Value;

/// Items on a page where nobody says how many.
pub const ITEMS: usize = 50;
/// Items on a page at most.
pub const ITEMS_MAX: usize = 500;
/// The longest cursor, in characters.
const CURSOR_MAX: usize = 2_048;

/// What an item is sorted by. Items without a value come last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// A number, a day, an instant, an amount: in the smallest unit.
    #[serde(rename = "n")]
    Number(i64, u64),
    /// Text, by bytes.
    #[serde(rename = "t")]
    Text(String),
    /// None.
    #[serde(rename = "0")]
    Null,
}

impl Key {
    /// The key of a whole number.
    #[must_use]
    pub fn number(number: i128) -> Key {
        // In two halves, the upper one signed: JSON has no wider numbers.
        Key::Number((number >> 64) as i64, number as u64)
    }

    /// The key of a cell.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Key {
        match value {
            Value::Text(None) | Value::Money(None) | Value::Ratio(None) | Value::TenthDays(None) => Key::Null,
            Value::Text(Some(text)) => Key::Text((*text).to_owned()),
            Value::Date(day) => Key::number(day.number().into()),
            Value::Instant(at) => Key::number(at.nanos().into()),
            Value::Money(Some(cents)) => Key::number(cents.0),
            Value::Ratio(Some(ratio)) => Key::number(*ratio),
            Value::Days(days) => Key::number((*days).into()),
            Value::TenthDays(Some(days)) => Key::number(days.0.into()),
            Value::Points(points) => Key::number(points.quarters().into()),
            Value::Count(count) => Key::number(*count as i128),
            Value::Flag(flag) => Key::number((*flag).into()),
        }
    }
}

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Up,
    /// The greatest first.
    Down,
}

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Which way.
    pub direction: Direction,
    /// How many items at most, 1 to [`ITEMS_MAX`].
    pub items_max: usize,
    /// After which item; `None`: from the start.
    pub after: Option<Cursor>,
}

/// The last item of the page before: its key as it was then, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(Key, String);

/// A page cannot be given: why, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PageError(pub String);

impl Cursor {
    /// Reads what [`Cursor::text`] wrote.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Cursor, PageError> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text.get(..text.len().min(CURSOR_MAX))?).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        read().ok_or_else(|| {
            PageError("cursor is not one that a page gave as its \"next\": begin without one".to_owned())
        })
    }

    /// The cursor as text for a URL.
    ///
    /// # Panics
    /// Never: a key and an id can be written.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a key and an id can be written"))
    }
}

impl PageRequest {
    /// A page of so many items from the start, the greatest first.
    #[must_use]
    pub fn first(items_max: usize) -> PageRequest {
        PageRequest { direction: Direction::Down, items_max, after: None }
    }

    /// Reads what a query says: `items` 1 to [`ITEMS_MAX`], and a cursor.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn parse(direction: Direction, items: Option<usize>, cursor: Option<&str>) -> Result<PageRequest, PageError> {
        let items_max = items.unwrap_or(ITEMS);
        if !(1..=ITEMS_MAX).contains(&items_max) {
            return Err(PageError(format!("limit is {items_max}, and should be 1 to {ITEMS_MAX}")));
        }
        Ok(PageRequest { direction, items_max, after: cursor.map(Cursor::parse).transpose()? })
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask the next page with; `None` at the end.
    pub next: Option<Cursor>,
    /// How many items there are on all pages.
    pub total: usize,
}

/// An item of a list, before it is sorted.
pub struct Listed<T> {
    /// What it is sorted by.
    pub key: Key,
    /// Its id, which no other item has.
    pub id: String,
    /// The item.
    pub item: T,
}

impl<T> Page<T> {
    /// The page of a list that is asked for. Of equal keys the lesser id comes first.
    pub fn of(list: impl Iterator<Item = Listed<T>>, request: &PageRequest) -> Page<T> {
        let mut total = 0;
        let mut left: Vec<Listed<T>> = list
            .inspect(|_| total += 1)
            .filter(|item| {
                let is_after = |Cursor(key, id): &Cursor| order(request, (&item.key, &item.id), (key, id)).is_gt();
                request.after.as_ref().is_none_or(is_after)
            })
            .collect();
        let by_key = |a: &Listed<T>, b: &Listed<T>| order(request, (&a.key, &a.id), (&b.key, &b.id));
        let has_more = left.len() > request.items_max;
        if has_more {
            left.select_nth_unstable_by(request.items_max, by_key);
            left.truncate(request.items_max);
        }
        left.sort_unstable_by(by_key);
        let next = left.last().filter(|_| has_more).map(|last| Cursor(last.key.clone(), last.id.clone()));
        Page { items: left.into_iter().map(|listed| listed.item).collect(), next, total }
    }
}

fn order(request: &PageRequest, a: (&Key, &String), b: (&Key, &String)) -> Ordering {
    let keys = match (a.0, b.0) {
        (Key::Null, _) | (_, Key::Null) => a.0.cmp(b.0),
        (a, b) if request.direction == Direction::Up => a.cmp(b),
        (a, b) => b.cmp(a),
    };
    keys.then_with(|| a.1.cmp(b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(keys: &[(&str, Option<i128>)]) -> Vec<Listed<String>> {
        let listed = keys.iter().map(|(id, key)| Listed {
            key: key.map_or(Key::Null, Key::number),
            id: (*id).to_owned(),
            item: (*id).to_owned(),
        });
        listed.collect()
    }

    #[test]
    fn pages_go_on_where_the_last_one_ended_though_items_move() {
        let keys = [("a", Some(1)), ("b", Some(5)), ("c", Some(5)), ("d", None), ("e", Some(-(1_i128 << 70)))];
        let first = Page::of(list(&keys).into_iter(), &PageRequest::first(2));
        assert_eq!((first.items, first.total), (vec!["b".to_owned(), "c".to_owned()], 5));
        let cursor = Cursor::parse(&first.next.expect("there is more").text()).expect("a cursor");
        // The last item of the first page has moved, and a new one has come before it.
        let moved =
            [("a", Some(1)), ("b", Some(5)), ("c", Some(0)), ("d", None), ("e", Some(-(1_i128 << 70))), ("f", Some(9))];
        let request = PageRequest { after: Some(cursor), ..PageRequest::first(4) };
        let second = Page::of(list(&moved).into_iter(), &request);
        assert_eq!(second.items, ["a", "c", "e", "d"]);
        assert_eq!((second.next, second.total), (None, 6));
    }

    #[test]
    fn items_without_a_value_come_last_both_ways() {
        for direction in [Direction::Up, Direction::Down] {
            let request = PageRequest { direction, ..PageRequest::first(9) };
            let page = Page::of(list(&[("x", None), ("y", Some(1))]).into_iter(), &request);
            assert_eq!(page.items, ["y", "x"]);
        }
    }

    #[test]
    fn a_page_is_of_1_to_500_items_and_begins_at_a_cursor_that_is_one() {
        let asked = |items, cursor| PageRequest::parse(Direction::Up, items, cursor);
        assert_eq!(asked(None, None).expect("a page").items_max, ITEMS);
        assert!(asked(Some(1), None).is_ok() && asked(Some(ITEMS_MAX), None).is_ok());
        assert!(asked(Some(0), None).is_err() && asked(Some(ITEMS_MAX + 1), None).is_err());
        for wrong in ["x", "é", "AAAA", &"A".repeat(5_000)] {
            assert!(asked(None, Some(wrong)).is_err(), "{wrong}");
        }
    }
}
