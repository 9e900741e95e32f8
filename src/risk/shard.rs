//! Owns a shard: the buyers of one partition, their clock, and the order in which they are judged.

pub mod ahead;
mod chain;
mod changed;
mod holds;
pub mod live;
mod order;
pub mod stored;

use std::collections::BTreeSet;

use hashbrown::HashTable;

use self::chain::Chain;
use self::changed::Changed;
use self::live::Moved;
use self::order::Order;
use self::stored::StoringBuyers;
use super::behaviour::Pace;
use super::buyer::{Applying, Buyer, History, Judging, Occasion, Voice};
use super::cover::Carrying;
use super::ledger::{Known, Seen};
use super::params::Params;
use super::proposal::{Decision, Verdict};
use super::rates::Rates;
use crate::base::hash::hash_key;
use crate::base::{Day, Instant};
use crate::event::{
    AlertKind, Body, Cause, Effect, EffectBody, Event, Refusal, RefusalCode, ReportLine, ReportRow, Severity,
};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counted.
    Applied,
    /// It was known already, with the same content: nothing changed.
    Duplicate,
    /// It changed nothing, and goes to the dead letters.
    Refused(Refusal),
}

/// The buyers of one partition.
pub struct Shard {
    params: Params,
    rates: Rates,
    clock: Option<Instant>,
    /// Boxed, so that a growing list moves pointers and not half a kilobyte a buyer.
    #[allow(clippy::vec_box)]
    buyers: Vec<Box<Buyer>>,
    /// Where each buyer is, by its id.
    index: HashTable<u32>,
    /// The next day on which each buyer must be judged though nothing happens.
    wake: Vec<Day>,
    /// None of `wake` is earlier.
    wake_earliest: Day,
    /// In which order buyers are judged.
    order: Order,
    /// Whether a rate can change each buyer's figures, as of its last judgement: kept apart, so that a day's start need
    /// not look at every buyer.
    foreign: Vec<bool>,
    /// When holds end, and the place of their buyer. One that ended before its time may still stand here, and does
    /// nothing, not even to the clock: it is not stored.
    hold_ends: BTreeSet<(Instant, u32)>,
    /// Whether a rate changed since the last start of a day.
    rates_changed: bool,
    changed: Changed,
    /// Every judgement so far.
    judgements: Chain,
    /// While the buyers are being stored.
    storing: Option<Box<StoringBuyers>>,
    /// The number of the last `exposure.updated`. No part of the state: how often exposures are told changes nothing else.
    exposures_told: u64,
    /// Whether changes of scores are told. No part of the state.
    history: History,
    /// Whether what it judges is told. No part of the state: the journal says it of every turn.
    voice: Voice,
    /// The wall clock of the turn, where the clock goes by it. No part of the state either.
    wall: Option<Instant>,
    /// Whose figures moved. No part of the state.
    moved: Moved,
    /// Made of the params.
    pace: Pace,
    /// Reused from judgement to judgement.
    carrying: Carrying,
    /// Reused from event to event.
    seen: Seen,
}

impl Shard {
    /// A shard without buyers.
    #[must_use]
    pub fn new(params: Params) -> Shard {
        Shard {
            rates: Rates::new(params.base),
            pace: Pace::new(&params.score),
            params,
            clock: None,
            buyers: Vec::new(),
            index: HashTable::new(),
            wake: Vec::new(),
            wake_earliest: Day::MAX,
            order: Order::default(),
            foreign: Vec::new(),
            hold_ends: BTreeSet::new(),
            rates_changed: false,
            changed: Changed::default(),
            judgements: Chain::default(),
            storing: None,
            exposures_told: 0,
            history: History::Untold,
            voice: Voice::Told,
            wall: None,
            moved: Moved::default(),
            carrying: Carrying::default(),
            seen: Seen::default(),
        }
    }

    /// Applies one event: moves the clock to its time, with all that falls due on the way, and then the ledger.
    pub fn apply(&mut self, event: &Event<'_>, effects: &mut Vec<Effect>) -> Outcome {
        match &event.body {
            Body::FxRate(said) => {
                self.rates.set(event, said.currency, said.rate);
                self.rates_changed = true;
                Outcome::Applied
            }
            Body::ClockTick(_) => {
                self.step(event.time, effects);
                Outcome::Applied
            }
            Body::ProposalApproved(said) => {
                let (proposal_id, version) = (said.proposal_id.as_str(), said.version);
                let (decided_by, verdict) = (said.decided_by.as_str(), Verdict::Approved(said.amount));
                self.decide(
                    event,
                    &Decision { proposal_id, version, decided_by, reason: said.reason, verdict },
                    effects,
                )
            }
            Body::ProposalRejected(said) => {
                let (proposal_id, version) = (said.proposal_id.as_str(), said.version);
                let (decided_by, verdict) = (said.decided_by.as_str(), Verdict::Rejected);
                self.decide(
                    event,
                    &Decision { proposal_id, version, decided_by, reason: said.reason, verdict },
                    effects,
                )
            }
            Body::AlertSnoozed(said) => self.snooze(event, said.alert_id.as_str(), said.until, effects),
            _ => self.apply_to_buyer(event, effects),
        }
    }

    /// Closes the instant and moves the clock to `to`, with all that falls due on the way; never backwards.
    pub fn advance(&mut self, to: Instant, effects: &mut Vec<Effect>) {
        self.close_instant(effects);
        self.step(to, effects);
        // A hold may have ended in the instant that the clock stands in now.
        self.close_instant(effects);
    }

    /// Tells every change of a score from now on (`score.changed`, which has no number of its own).
    pub fn keep_history(&mut self) {
        self.history = History::Told;
    }

    /// The clock; `None` before the first accepted event.
    #[must_use]
    pub fn clock(&self) -> Option<Instant> {
        self.clock
    }

    /// Buyers known.
    #[must_use]
    pub fn buyers(&self) -> usize {
        self.buyers.len()
    }

    /// The kinds and severities of all open alerts, in no order that means anything.
    pub fn open_alerts(&self) -> impl Iterator<Item = (AlertKind, Severity)> {
        self.buyers.iter().flat_map(|buyer| buyer.open_alerts())
    }

    /// Hands over the report, a row a buyer in order of buyer id by bytes, aged to `as_of`.
    pub fn report(&mut self, as_of: Day, row: &mut dyn FnMut(ReportRow)) {
        for place in self.in_order() {
            row(self.buyers[place].row(&self.params, &self.rates, as_of, &mut self.carrying));
        }
    }

    /// As [`Shard::report`], with the further columns.
    pub fn report_in_full(&mut self, as_of: Day, line: &mut dyn FnMut(ReportLine)) {
        for place in self.in_order() {
            line(self.buyers[place].line(&self.params, &self.rates, as_of, &mut self.carrying));
        }
    }

    /// Tells every buyer's figures in full (`exposure.updated`), in order of buyer id by bytes, as of the clock.
    pub fn tell_exposures(&mut self, effects: &mut Vec<Effect>) {
        let places = self.in_order();
        self.tell_exposures_of(&places, effects);
    }

    /// Tells the figures of the buyers at these of the places that [`Shard::in_order`] gives.
    pub fn tell_exposures_of(&mut self, places: &[usize], effects: &mut Vec<Effect>) {
        let Some(clock) = self.clock else { return };
        // Never twice the same number: the clock, or one more than the last.
        self.exposures_told = clock.nanos().unsigned_abs().max(self.exposures_told + 1);
        self.tell_exposures_as(self.exposures_told, places, effects);
    }

    /// As [`Shard::tell_exposures_of`], under a number of the caller's, which makes their ids: no two tellings have the same.
    pub fn tell_exposures_as(&mut self, number: u64, places: &[usize], effects: &mut Vec<Effect>) {
        let Some(clock) = self.clock else { return };
        for &place in places {
            let buyer = &mut self.buyers[place];
            let update =
                buyer.exposure_update((&self.params, &self.pace), &self.rates, clock.day(), &mut self.carrying);
            effects.push(Effect {
                buyer_id: buyer.id.to_string(),
                at: clock,
                sequence: number,
                caused_by: Cause::Clock,
                params_version: self.params.version,
                body: EffectBody::ExposureUpdated(Box::new(update)),
            });
        }
    }

    /// A hash chained over every judgement so far: of whom, when, in which order, what figures it was made on, and what it
    /// came to and told. It says whether two shards made the same of what they were told, at no more than the cost of a look.
    #[must_use]
    pub fn judgements(&self) -> u64 {
        self.judgements.hash()
    }

    fn apply_to_buyer(&mut self, event: &Event<'_>, effects: &mut Vec<Effect>) -> Outcome {
        let found = self.find(event.subject);
        match found.map_or(Known::New, |place| self.buyers[place].known(&event.body)) {
            Known::Same => return Outcome::Duplicate,
            Known::Other => return refuse(RefusalCode::Conflict, conflict(&event.body)),
            Known::New => {}
        }
        if let Some(refusal) = self.too_late(event) {
            return Outcome::Refused(refusal);
        }
        self.step(event.time, effects);
        let place = found.unwrap_or_else(|| self.add(Box::new(Buyer::new(event.subject))));
        self.before_change(place);
        if let Body::OrderHeld(said) = &event.body {
            self.decide_hold(place, event, said, effects);
            return self.note(place, event);
        }
        let today = self.clock.unwrap_or(event.time).day();
        let with = &mut Applying { today, rates: &self.rates, pace: &self.pace, seen: &mut self.seen };
        self.buyers[place].apply(event, with);
        self.note(place, event)
    }

    /// A decision moves the clock first, so that what it is about has expired where it has. It counts once, at once: another
    /// one in the same instant finds it decided.
    fn decide(&mut self, event: &Event<'_>, said: &Decision<'_>, effects: &mut Vec<Effect>) -> Outcome {
        self.step(event.time, effects);
        let clock = self.clock.unwrap_or(event.time);
        let Some(place) = self.find(event.subject) else {
            let id = said.proposal_id;
            return refuse(RefusalCode::NotOpen, format!("proposal {id} is not open: its buyer is not known"));
        };
        self.before_change(place);
        match self.buyers[place].decide(event, said, clock, &self.params, &self.rates) {
            Ok(()) => self.note(place, event),
            Err(why) => refuse(RefusalCode::NotOpen, why),
        }
    }

    /// A snooze moves the clock first, so that what it is about is over where it is.
    fn snooze(&mut self, event: &Event<'_>, alert_id: &str, until: Day, effects: &mut Vec<Effect>) -> Outcome {
        self.step(event.time, effects);
        let Some(place) = self.find(event.subject) else {
            return refuse(RefusalCode::NotOpen, format!("alert {alert_id} is not open: its buyer is not known"));
        };
        self.before_change(place);
        match self.buyers[place].snooze(alert_id, until) {
            Ok(()) => self.note(place, event),
            Err(why) => refuse(RefusalCode::NotOpen, why),
        }
    }

    fn note(&mut self, place: usize, event: &Event<'_>) -> Outcome {
        self.changed.note(place, event.source, event.id);
        Outcome::Applied
    }

    /// What is older than the retention may have been forgotten, so that nobody can tell whether it is new.
    fn too_late(&self, event: &Event<'_>) -> Option<Refusal> {
        let days = i32::from(self.params.retention_days?);
        let (today, dated) = (self.clock?.day(), business_date(event)?);
        (today.since(dated) > days).then(|| {
            let message =
                format!("it is dated {dated}, over {days} days before {today}: it may be known and forgotten");
            Refusal::new(RefusalCode::TooLate, message)
        })
    }

    /// Moves the clock to `to`, and lets happen what falls due on the way: each at its own time.
    fn step(&mut self, to: Instant, effects: &mut Vec<Effect>) {
        let to = self.wall.map_or(to, |wall| to.min(wall));
        self.end_holds_until(to, effects);
        self.move_clock(to, effects);
    }

    /// Moves the clock to `to`: closes the instant if `to` is in a later one, and starts the days on the way.
    fn move_clock(&mut self, to: Instant, effects: &mut Vec<Effect>) {
        let Some(clock) = self.clock else {
            self.clock = Some(to);
            return;
        };
        if self.instant(to) > self.instant(clock) || to.day() > clock.day() {
            self.close_instant(effects);
            self.moved.everybody |= self.moved.is_watched && to.day() > clock.day();
            self.start_days(clock.day(), to.day(), effects);
        }
        self.clock = Some(clock.max(to));
    }

    fn instant(&self, of: Instant) -> i64 {
        of.nanos().div_euclid(i64::from(self.params.instant_ms) * 1_000_000)
    }

    /// Judges the buyers changed in the present instant, in order of their id, as of the clock.
    fn close_instant(&mut self, effects: &mut Vec<Effect>) {
        let Some(clock) = self.clock else { return };
        if self.changed.buyers.is_empty() {
            return;
        }
        self.before_closing();
        let mut changed = std::mem::take(&mut self.changed);
        let buyers = &self.buyers;
        changed.buyers.sort_unstable_by(|a, b| buyers[a.buyer as usize].id.cmp(&buyers[b.buyer as usize].id));
        for changed_buyer in &changed.buyers {
            let occasion = match changed.cause(changed_buyer) {
                ("", "") => Occasion::HoldEnd,
                (source, id) => Occasion::Instant { source, id },
            };
            self.judge(changed_buyer.buyer as usize, clock, occasion, effects);
            changed.places[changed_buyer.buyer as usize] = None;
        }
        changed.buyers.clear();
        changed.texts.clear();
        self.changed = changed;
    }

    /// Starts each day after `from` up to `to`. Days on which nobody has to be judged pass at once.
    fn start_days(&mut self, from: Day, to: Day, effects: &mut Vec<Effect>) {
        let mut next = if self.rates_changed { from.plus(1) } else { self.wake_earliest.max(from.plus(1)) };
        while next <= to {
            self.start_day(next, effects);
            next = self.wake_earliest.max(next.plus(1));
        }
    }

    fn start_day(&mut self, day: Day, effects: &mut Vec<Effect>) {
        let rates_changed = std::mem::take(&mut self.rates_changed);
        let (wake, foreign) = (&self.wake, &self.foreign);
        let is_due = |place: &usize| wake[*place] <= day || (rates_changed && foreign[*place]);
        let order = self.order.of(&self.buyers).iter();
        let due: Vec<usize> = order.map(|place| *place as usize).filter(is_due).collect();
        for place in due {
            self.before_change(place);
            self.judge(place, day.start(), Occasion::DayStart, effects);
        }
        self.wake_earliest = self.wake.iter().copied().min().unwrap_or(Day::MAX);
    }

    fn judge(&mut self, place: usize, clock: Instant, occasion: Occasion<'_>, effects: &mut Vec<Effect>) {
        let with = Judging {
            clock,
            params: &self.params,
            rates: &self.rates,
            pace: &self.pace,
            occasion,
            history: self.history,
            voice: self.voice,
        };
        if self.moved.is_watched {
            self.moved.places.push(place as u32);
        }
        let buyer = &mut self.buyers[place];
        let told = effects.len();
        let judgement = buyer.judge(&with, &mut self.carrying, effects);
        let wake = judgement.wake;
        self.judgements.link(&buyer.id, clock, &judgement, &effects[told..]);
        self.wake[place] = wake;
        self.foreign[place] = self.buyers[place].is_foreign(&self.rates);
        self.wake_earliest = self.wake_earliest.min(wake);
    }

    #[inline]
    fn find(&self, buyer_id: &str) -> Option<usize> {
        let hash = hash_key(0, buyer_id);
        self.index.find(hash, |place| self.buyers[*place as usize].id == buyer_id).map(|place| *place as usize)
    }

    fn add(&mut self, buyer: Box<Buyer>) -> usize {
        let place = self.buyers.len();
        let entry = u32::try_from(place).expect("a shard has under 4 billion buyers");
        let hash = hash_key(0, &buyer.id);
        self.buyers.push(buyer);
        self.wake.push(Day::MAX);
        self.foreign.push(false);
        self.changed.places.push(None);
        let buyers = &self.buyers;
        self.index.insert_unique(hash, entry, |place| hash_key(0, &buyers[*place as usize].id));
        place
    }

    /// The places of all buyers in order of buyer id by bytes.
    #[must_use]
    pub fn in_order(&mut self) -> Vec<usize> {
        self.order.of(&self.buyers).iter().map(|place| *place as usize).collect()
    }
}

fn refuse(code: RefusalCode, message: String) -> Outcome {
    Outcome::Refused(Refusal::new(code, message))
}

/// The date of a document, by which it may be too late; `None` where it never is.
///
/// An order and an incident have no date of their own but the event's; a cover may be in force for years, so that only its
/// end counts.
fn business_date(event: &Event<'_>) -> Option<Day> {
    match &event.body {
        Body::InvoiceIssued(said) => Some(said.issued_on),
        Body::InvoiceCredited(said) => Some(said.credited_on),
        Body::PaymentReceived(said) => Some(said.received_on),
        Body::PaymentAllocated(said) => Some(said.allocated_on),
        Body::OrderPlaced(_) | Body::OrderHeld(_) | Body::IncidentReported(_) => Some(event.time.day()),
        Body::CoverGranted(said) => said.valid_to,
        _ => None,
    }
}

fn conflict(body: &Body<'_>) -> String {
    let (what, id) = match body {
        Body::InvoiceIssued(said) => ("invoice", said.invoice_id.as_str()),
        Body::InvoiceCredited(said) => ("credit note", said.credit_note_id.as_str()),
        Body::PaymentReceived(said) => ("payment", said.payment_id.as_str()),
        Body::PaymentAllocated(said) => ("allocation", said.allocation_id.as_str()),
        Body::OrderPlaced(said) => ("order", said.order_id.as_str()),
        Body::OrderHeld(said) => ("the hold of order", said.order_id.as_str()),
        Body::IncidentReported(said) => ("incident", said.incident_id.as_str()),
        Body::CoverGranted(said) => ("cover", said.cover_id.as_str()),
        _ => ("document", ""),
    };
    format!("{what} {id} is known already with other content; the first to arrive stays")
}
