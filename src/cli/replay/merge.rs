//! Owns what all shards say together: one report in order of buyer, one list of refused lines in order of line,
//! one history of scores in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::base::{Day, Instant};
use crate::event::ReportLine;
use crate::risk::Shard;
use crate::wire::history::HistoryRow;

use super::drain::{Refused, RefusedLine, Spool, take_history};

/// Rows that a shard may be ahead of the others.
const ROWS_AHEAD_MAX: usize = 256;

/// Hands over the rows of all shards in order of buyer id by bytes. At most a few rows of each shard are in memory.
///
/// # Errors
/// What `row` says: then no more is handed over.
pub fn report<E>(
    shards: Vec<&mut Shard>,
    as_of: Day,
    mut line: impl FnMut(&ReportLine) -> Result<(), E>,
) -> Result<(), E> {
    thread::scope(|scope| {
        let sources = shards.into_iter().map(|shard| {
            let (sender, receiver) = sync_channel(ROWS_AHEAD_MAX);
            scope.spawn(move || {
                let mut is_wanted = true;
                shard.report_in_full(as_of, &mut |line| is_wanted = is_wanted && sender.send(line).is_ok());
            });
            receiver.into_iter()
        });
        in_order(sources.collect(), |line: &ReportLine| line.row.buyer_id.clone(), |next| line(&next))
    })
}

/// Hands over the refused lines of all shards in order of line.
///
/// # Errors
/// When a spool cannot be read, or what `line` says.
pub fn refused<E: From<io::Error>>(
    shards: Vec<Refused>,
    mut line: impl FnMut(RefusedLine) -> Result<(), E>,
) -> Result<(), E> {
    let mut sources: Vec<Box<dyn Iterator<Item = io::Result<RefusedLine>>>> = Vec::new();
    for refused in shards {
        sources.push(match refused {
            Refused::First(lines) => Box::new(lines.into_iter().map(Ok)),
            Refused::All(spool) => {
                let mut reader = spool.into_reader()?;
                Box::new(std::iter::from_fn(move || RefusedLine::read(&mut reader).transpose()))
            }
        });
    }
    in_order(sources, |next| next.as_ref().map_or(0, |next| next.line), |next| line(next?))
}

/// Hands over the changes of scores of all shards in order of instant and buyer, those of one buyer at one instant as
/// they came. What changed at one instant is in memory at once: at a day's start each buyer at most.
///
/// # Errors
/// When a spool cannot be read, or what `row` says.
pub fn history<E: From<io::Error>>(
    shards: Vec<Spool>,
    mut row: impl FnMut(&HistoryRow) -> Result<(), E>,
) -> Result<(), E> {
    let mut sources = Vec::new();
    for spool in shards {
        let mut reader = spool.into_reader()?;
        sources.push(std::iter::from_fn(move || take_history(&mut reader).transpose()));
    }
    let mut of_instant: Vec<HistoryRow> = Vec::new();
    let mut hand_over = |of_instant: &mut Vec<HistoryRow>| -> Result<(), E> {
        of_instant.sort_by(|a, b| a.buyer_id.cmp(&b.buyer_id));
        of_instant.drain(..).try_for_each(|next| row(&next))
    };
    let at = |next: &io::Result<HistoryRow>| next.as_ref().map_or(Instant::MIN, |next| next.at);
    in_order(sources, at, |next| -> Result<(), E> {
        let next = next?;
        if of_instant.first().is_some_and(|first| first.at != next.at) {
            hand_over(&mut of_instant)?;
        }
        of_instant.push(next);
        Ok(())
    })?;
    hand_over(&mut of_instant)
}

/// Merges sources that are each in order of `key`; of equals the earlier source's comes first.
fn in_order<I: Iterator, K: Ord, E>(
    mut sources: Vec<I>,
    key: impl Fn(&I::Item) -> K,
    mut take: impl FnMut(I::Item) -> Result<(), E>,
) -> Result<(), E> {
    let mut heads: Vec<Option<I::Item>> = sources.iter_mut().map(Iterator::next).collect();
    let ranked = |place: usize, head: &Option<I::Item>| head.as_ref().map(|head| Reverse((key(head), place)));
    let mut order: BinaryHeap<Reverse<(K, usize)>> =
        heads.iter().enumerate().filter_map(|(place, head)| ranked(place, head)).collect();
    while let Some(Reverse((_, place))) = order.pop() {
        let head = std::mem::replace(&mut heads[place], sources[place].next());
        order.extend(ranked(place, &heads[place]));
        take(head.expect("a source in the order has a head"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_in_order_merge_into_one_in_order() {
        let sources = vec![vec![1, 4, 4, 9], vec![], vec![2, 4], vec![0]];
        let mut merged = Vec::new();
        let done: Result<(), ()> = in_order(
            sources.into_iter().map(Vec::into_iter).collect(),
            |value| *value,
            |value| {
                merged.push(value);
                Ok(())
            },
        );
        assert_eq!((done, merged), (Ok(()), vec![0, 1, 2, 4, 4, 4, 9]));
    }

    #[test]
    fn merging_stops_at_the_first_error() {
        let done = in_order(
            vec![vec![1, 2, 3].into_iter()],
            |value| *value,
            |value| if value < 2 { Ok(()) } else { Err(value) },
        );
        assert_eq!(done, Err(2));
    }
}
