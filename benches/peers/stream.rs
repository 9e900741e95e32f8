//! The stream that every side gets: limits, invoices and payments of one currency, the same in every run, and what they come to.
//!
//! First every buyer's limit, then ten invoices a buyer, then an invoice and a payment in turn: so each buyer keeps about ten
//! open. A payment settles, whole, the invoice issued ten rounds before it. About one event in a hundred raises or clears an
//! alert. No two events of a buyer share a second, so that judging each event and judging each second come to the same.

use std::fmt::Write;

/// Open invoices of each buyer once the stream is in its steady state.
pub const OPEN_INVOICES: u64 = 10;
/// Before this share of the events has passed, invoices are issued and none is paid.
pub const WARM_UP: f64 = 0.3;
/// What of a buyer comes before the steady state: a limit and its invoices.
const FILL: u64 = 1 + OPEN_INVOICES;
/// 2025-01-01.
const START_MS: i64 = 1_735_689_600_000;
/// From an invoice to its payment.
const PAID_AFTER_MS: i64 = 45 * DAY_MS;
/// From an invoice to the day it is due: so each buyer has some that are overdue.
const TERM_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// So that no two events of a buyer share a second.
const STEP_MIN_MS: i64 = 1_001;
/// A prime over any number of buyers: stepping by it comes to every buyer once a round.
const STRIDE: u64 = 2_147_483_647;
/// Where the next round begins.
const SHIFT: u64 = 7_919;
/// The limit of every buyer, in cents: a little over what ten invoices come to.
const LIMIT_CENTS: i64 = 7_200_000;
/// An alert clears at or under so much of the limit, in per cent.
const CLEAR_PCT: i64 = 95;

/// A stream of so many buyers.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    /// Buyers.
    pub buyers: u64,
    /// When the first event happens, by its own word.
    start_ms: i64,
}

/// What an event does to its buyer.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Limit,
    /// An invoice, by its number.
    Issue(u64),
    /// The payment of one.
    Pay(u64),
}

impl Stream {
    /// So many buyers that the stream is in its steady state once the warm-up is over, and at most `buyers`.
    pub fn within(buyers: u64, events: u64) -> Stream {
        let most = (events as f64 * WARM_UP) as u64 / FILL;
        Stream::of(buyers.min(most).max(1))
    }

    /// So many buyers.
    pub fn of(buyers: u64) -> Stream {
        Stream { buyers, start_ms: START_MS }
    }

    /// The same, so that every buyer has its invoices by now.
    pub fn until_now(self) -> Stream {
        let now_ms = (crate::support::micros() / 1000) as i64;
        Stream { start_ms: now_ms - self.filled() as i64 * self.step_ms(), ..self }
    }

    /// Events until every buyer has its limit and its open invoices.
    pub fn filled(self) -> u64 {
        self.buyers * FILL
    }

    /// Writes an event into `out`, whose buyer into `buyer`.
    pub fn write(self, number: u64, time_ms: i64, buyer: &mut String, out: &mut String) {
        buyer.clear();
        out.clear();
        let (whose, deed) = self.deed(number);
        // A String takes whatever is written to it.
        let _ = write!(buyer, "B-{whose:07}");
        let time = crate::support::rfc3339(time_ms);
        let day = &time[..10];
        let _ = write!(out, r#"{{"specversion":"1.0","id":"e-{number}","source":"bench","type":"#);
        let _ = match deed {
            Deed::Limit => write!(
                out,
                r#""limit.set","time":"{time}","subject":"{buyer}","data":{{"amount":"{}","currency":"EUR"}}}}"#,
                Cents(LIMIT_CENTS)
            ),
            Deed::Issue(invoice) => {
                let due = crate::support::rfc3339(time_ms + TERM_MS);
                let due = &due[..10];
                write!(
                    out,
                    r#""invoice.issued","time":"{time}","subject":"{buyer}","data":{{"invoice_id":"F-{invoice}","amount":"{}","currency":"EUR","issued_on":"{day}","due_on":"{due}"}}}}"#,
                    Cents(amount(invoice))
                )
            }
            Deed::Pay(invoice) => {
                let amount = Cents(amount(invoice));
                write!(
                    out,
                    r#""payment.received","time":"{time}","subject":"{buyer}","data":{{"payment_id":"P-{invoice}","amount":"{amount}","currency":"EUR","received_on":"{day}","allocations":[{{"invoice_id":"F-{invoice}","amount":"{amount}"}}]}}}}"#
                )
            }
        };
    }

    /// When an event happens, by its own word.
    pub fn time_ms(self, number: u64) -> i64 {
        self.start_ms + number as i64 * self.step_ms()
    }

    fn step_ms(self) -> i64 {
        (PAID_AFTER_MS / (2 * OPEN_INVOICES * self.buyers) as i64).max(STEP_MIN_MS)
    }

    /// What so many events come to, by the plainest way to work it out.
    pub fn expected(self, events: u64) -> Alerts {
        let mut open_cents = vec![0; self.buyers as usize];
        let mut alerts = Alerts { open: vec![false; self.buyers as usize], raised: 0, cleared: 0 };
        for number in 0..events {
            let (buyer, deed) = self.deed(number);
            let buyer = buyer as usize;
            match deed {
                Deed::Limit => {}
                Deed::Issue(invoice) => open_cents[buyer] += amount(invoice),
                Deed::Pay(invoice) => open_cents[buyer] -= amount(invoice),
            }
            if !alerts.open[buyer] && open_cents[buyer] > LIMIT_CENTS {
                alerts.open[buyer] = true;
                alerts.raised += 1;
            } else if alerts.open[buyer] && open_cents[buyer] * 100 <= LIMIT_CENTS * CLEAR_PCT {
                alerts.open[buyer] = false;
                alerts.cleared += 1;
            }
        }
        alerts
    }

    fn deed(self, number: u64) -> (u64, Deed) {
        if number < self.buyers {
            return (number, Deed::Limit);
        }
        let issued = self.buyers * OPEN_INVOICES;
        let number = number - self.buyers;
        if number < issued {
            return (self.buyer(number), Deed::Issue(number));
        }
        let pair = (number - issued) / 2;
        if (number - issued).is_multiple_of(2) {
            (self.buyer(issued + pair), Deed::Issue(issued + pair))
        } else {
            (self.buyer(pair), Deed::Pay(pair))
        }
    }

    /// Whose an invoice is: each buyer's turn comes once a round.
    fn buyer(self, invoice: u64) -> u64 {
        (invoice % self.buyers * STRIDE + invoice / self.buyers * SHIFT) % self.buyers
    }
}

/// Alerts for a limit exceeded, as a stream should lead to or a side told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// Whether a buyer's is open at the end, by its number.
    pub open: Vec<bool>,
    /// How many were raised.
    pub raised: u64,
    /// How many were cleared.
    pub cleared: u64,
}

/// What an invoice is over, in cents: 100 to 10,100 euros.
fn amount(invoice: u64) -> i64 {
    10_000 + (mixed(invoice) % 1_000_000) as i64
}

/// SplitMix64: numbers in a row become numbers all over.
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Money as events write it.
struct Cents(i64);

impl std::fmt::Display for Cents {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
