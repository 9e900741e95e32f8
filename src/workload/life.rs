//! Owns a buyer's life: deals and orders, the invoices they lead to, and the tasks that are left for later days.

use super::book::{DayBook, Document, Note, Part, What};
use super::calendar::DayIndex;
use super::distress::{DEALS_APART_MAX, Distress};
use super::portfolio::{COUNTRIES, Portfolio, Profile};
use super::random::Draws;
use crate::base::Currency;

/// No day.
pub const NEVER: DayIndex = DayIndex::MAX;
/// The largest amount of an invoice or order, in cents; far under what money can hold.
const CENTS_MAX: i64 = 1_000_000_000_000;

/// What is to be done about a document or a buyer on a later day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Bill an order.
    BillOrder,
    /// Cancel an invoice.
    Cancel,
    /// Credit part of an invoice.
    Credit,
    /// Dispute an invoice.
    Dispute,
    /// Settle a dispute.
    Settle,
    /// Give an invoice another due date.
    Reschedule,
    /// Declare an overdue invoice to the insurer; it is paid on day `other`.
    Declare,
    /// Write an invoice off.
    WriteOff,
    /// Allocate payment `other`.
    Allocate,
    /// Take payment `other` back.
    Reverse,
    /// Publish accounts.
    Publish,
    /// Worsen the ratings.
    Slip,
    /// Report an incident.
    Incident,
    /// Cut the cover.
    CutCover,
    /// Renew the primary cover, which ends on day `due`.
    RenewCover,
    /// Open the insolvency.
    Fail,
    /// Close the insolvency.
    Recover,
    /// Pay an invoice. The last, so that the day's payments stand together at the end.
    Pay,
}

/// One thing to do on a later day.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// What is left of the document, in cents.
    pub cents: i64,
    /// The document.
    pub document: Document,
    /// A second document, or a day.
    pub other: u32,
    /// When.
    pub day: DayIndex,
    /// The invoice's due date.
    pub due: DayIndex,
    /// The document's seller.
    pub seller: u8,
    /// What.
    pub action: Action,
}

impl Task {
    /// A task that is about the buyer, not about a document.
    #[must_use]
    pub fn of_buyer(action: Action, day: DayIndex) -> Task {
        Task { cents: 0, document: Document::new(0, 0), other: 0, day, due: 0, seller: 0, action }
    }
}

/// A day in a buyer's life: where it is lived.
pub struct Scene<'a> {
    /// The portfolio.
    pub portfolio: &'a Portfolio,
    /// The buyer's number.
    pub number: u32,
    /// The day.
    pub day: DayIndex,
    /// The day's draws.
    pub draws: Draws,
    /// The day's book.
    pub book: &'a mut DayBook,
}

impl Scene<'_> {
    /// A second of the working day, 7 to 19 o'clock.
    #[inline]
    pub fn working_second(&mut self) -> u32 {
        7 * 3600 + self.draws.below(12 * 3600)
    }

    /// A second of the hours in which banks report, 5 to 10 o'clock.
    #[inline]
    pub fn banking_second(&mut self) -> u32 {
        5 * 3600 + self.draws.below(5 * 3600)
    }

    /// The day `days` after another, but not before tomorrow.
    #[inline]
    pub fn later(&self, from: DayIndex, days: i32) -> DayIndex {
        (i32::from(from) + days).clamp(i32::from(self.day) + 1, i32::from(NEVER)) as DayIndex
    }

    /// A day `low` to `high` days after another, but not before tomorrow.
    #[inline]
    pub fn around(&mut self, from: DayIndex, low: i32, high: i32) -> DayIndex {
        let days = self.draws.between(low, high);
        self.later(from, days)
    }

    /// A day `low` to `high` days after today.
    #[inline]
    pub fn soon(&mut self, low: i32, high: i32) -> DayIndex {
        self.around(self.day, low, high)
    }
}

/// What covers a buyer has, by number; 0 is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Covers {
    /// How many were granted.
    pub granted: u8,
    /// The primary cover.
    pub primary: u8,
    /// What the primary cover insures at most.
    pub primary_amount: u32,
    /// The top-up cover.
    pub top_up: u8,
}

/// A buyer and where it stands.
#[derive(Debug)]
pub struct Buyer {
    /// Who it is; its limit and grade are those of today.
    pub profile: Profile,
    /// How it slides into insolvency.
    pub distress: Option<Box<Distress>>,
    /// Its covers.
    pub covers: Covers,
    /// What is left for later days.
    pub tasks: Vec<Task>,
    events: u32,
    documents: u32,
    /// Where in the calendar's business the next deal lies, and its day.
    deal_at: u32,
    deal_day: DayIndex,
}

impl Buyer {
    /// A buyer before its first day.
    #[must_use]
    pub fn new(portfolio: &Portfolio, number: u32) -> Buyer {
        Buyer {
            profile: portfolio.profile(number),
            distress: portfolio.distress(number).map(Box::new),
            covers: Covers::default(),
            tasks: Vec::new(),
            events: 0,
            documents: 0,
            deal_at: 0,
            deal_day: NEVER,
        }
    }

    /// The next day on which something happens.
    #[must_use]
    pub fn next_day(&self) -> DayIndex {
        self.tasks.iter().map(|task| task.day).min().unwrap_or(NEVER).min(self.deal_day)
    }

    /// Lives a day: what was left for it, then new deals, then what chance brings. `due` is room to work in.
    pub fn live(&mut self, scene: &mut Scene<'_>, due: &mut Vec<Task>) {
        due.clear();
        due.extend(self.tasks.extract_if(.., |task| task.day <= scene.day));
        due.sort_unstable_by_key(|task| (task.action, task.seller, task.document, task.other));
        let payments = due.partition_point(|task| task.action != Action::Pay);
        for task in &due[..payments] {
            self.carry_out(scene, *task);
        }
        for of_seller in due[payments..].chunk_by(|one, next| one.seller == next.seller) {
            self.pay(scene, of_seller);
        }
        if self.deal_day == scene.day {
            while self.deal_day == scene.day {
                self.deal(scene);
                self.plan_deal(scene);
            }
            self.meet_chance(scene);
        }
    }

    fn carry_out(&mut self, scene: &mut Scene<'_>, task: Task) {
        match task.action {
            Action::BillOrder => self.bill_order(scene, task),
            Action::Cancel | Action::Credit | Action::Dispute | Action::Settle | Action::Reschedule => {
                self.change_invoice(scene, task);
            }
            Action::Declare | Action::WriteOff => self.give_up(scene, task),
            Action::Allocate => self.allocate(scene, task),
            Action::Reverse => self.reverse(scene, task),
            Action::Pay => self.pay(scene, &[task]),
            Action::Publish => self.publish(scene),
            Action::Slip => self.slip(scene),
            Action::Incident => self.report_incident(scene),
            Action::CutCover => self.cut_cover(scene),
            Action::RenewCover => self.renew_cover(scene, task.due),
            Action::Fail => self.fail(scene),
            Action::Recover => self.recover(scene),
        }
    }

    /// Notes an event of today.
    #[inline]
    pub fn tell(&mut self, scene: &mut Scene<'_>, second: u32, seller: Option<u8>, what: What) {
        let note = self.note(scene, second, seller, what);
        scene.book.add_with_disorder(note, &mut scene.draws);
    }

    /// Notes an event of the opening day, which arrives in order.
    pub fn tell_in_order(&mut self, scene: &mut Scene<'_>, second: u32, seller: Option<u8>, what: What) {
        let note = self.note(scene, second, seller, what);
        scene.book.add(note);
    }

    #[inline]
    fn note(&mut self, scene: &Scene<'_>, second: u32, seller: Option<u8>, what: What) -> Note {
        self.events += 1;
        let currency = seller.map_or(scene.portfolio.base(), |seller| self.currency(scene.portfolio, seller));
        let Scene { number, day, .. } = *scene;
        Note { arrival: second, day, second, buyer: number, event: self.events, seller, currency, what }
    }

    #[inline]
    fn currency(&self, portfolio: &Portfolio, seller: u8) -> Currency {
        if seller == self.profile.seller_first { self.profile.currency } else { portfolio.base() }
    }

    /// The buyer's next document.
    #[inline]
    pub fn next_document(&mut self, scene: &Scene<'_>) -> Document {
        self.documents += 1;
        let years = scene.portfolio.calendar().years_since_first(scene.day);
        Document::new(years, self.profile.first_document + self.documents)
    }

    /// Leaves a task for a later day, on a weekday; what lies beyond the history is forgotten.
    #[inline]
    pub fn leave(&mut self, scene: &Scene<'_>, task: Task) {
        let calendar = scene.portfolio.calendar();
        let day = calendar.working_day(task.day);
        if day < calendar.days() {
            self.tasks.push(Task { day, ..task });
        }
    }

    /// Plans the next deal. A buyer in distress waits no longer than [`DEALS_APART_MAX`], and a failed one deals no more.
    pub fn plan_deal(&mut self, scene: &mut Scene<'_>) {
        let calendar = scene.portfolio.calendar();
        let step = 1 + scene.draws.below(2 * self.profile.business_between);
        self.deal_at = self.deal_at.saturating_add(step);
        let mut day = calendar.day_of_business(self.deal_at).unwrap_or(NEVER);
        if let Some(distress) = &self.distress {
            let since = scene.day.max(distress.onset);
            if day > since + DEALS_APART_MAX {
                // A weekend may add two days.
                let apart = 1 + scene.draws.below(u32::from(DEALS_APART_MAX) - 2) as DayIndex;
                day = calendar.working_day(since + apart);
            }
            if distress.buys_nothing(day) || day >= calendar.days() {
                day = NEVER;
            }
        }
        self.deal_day = day;
    }

    /// A deal: an order to be billed later, or an invoice at once.
    fn deal(&mut self, scene: &mut Scene<'_>) {
        let sellers = scene.portfolio.plan().preset().sellers;
        let place =
            if scene.draws.happens(600) { 0 } else { scene.draws.below(self.profile.seller_count.into()) as u8 };
        let seller = (self.profile.seller_first + place) % sellers;
        let size = i64::from(scene.draws.around_hundred());
        let cents = self.profile.invoice_cents * size / 100 + i64::from(scene.draws.below(100));
        let cents = cents.clamp(1000, CENTS_MAX);
        if scene.draws.happens(scene.portfolio.plan().preset().orders_per_mille) {
            self.order(scene, seller, cents);
        } else {
            let second = scene.working_second();
            self.issue(scene, second, seller, cents, None);
        }
    }

    fn order(&mut self, scene: &mut Scene<'_>, seller: u8, usual_cents: i64) {
        let order = self.next_document(scene);
        // A large order over the limit gets a cover of its own.
        let is_single_risk = self.covers.primary > 0 && scene.draws.happens(20);
        let cents = if is_single_risk {
            i64::from(self.profile.usual_exposure) * i64::from(110 + scene.draws.below(60))
        } else {
            usual_cents * i64::from(100 + scene.draws.below(200)) / 100
        };
        let cents = cents.clamp(1000, CENTS_MAX);
        let in_days = scene.soon(3, 30);
        let expected = scene.portfolio.calendar().working_day(in_days);
        let second = scene.working_second();
        self.tell(scene, second, Some(seller), What::OrderPlaced { order, cents, expected });
        if is_single_risk {
            self.grant_single_risk(scene, second, order, cents);
        }
        let task = Task { cents, document: order, other: 0, day: expected, due: 0, seller, action: Action::BillOrder };
        self.leave(scene, task);
    }

    /// Bills an order, whole or in two halves, unless it is cancelled.
    fn bill_order(&mut self, scene: &mut Scene<'_>, task: Task) {
        let second = scene.working_second();
        let has_failed = self.distress.as_ref().is_some_and(|distress| distress.buys_nothing(scene.day));
        if has_failed || scene.draws.happens(60) {
            self.tell(scene, second, Some(task.seller), What::OrderCancelled { order: task.document });
            return;
        }
        let is_first = task.other == 0;
        let mut cents = task.cents;
        if is_first && cents > 10_000 && scene.draws.happens(300) {
            cents = cents * i64::from(40 + scene.draws.below(21)) / 100;
            let day = scene.soon(5, 20);
            let day = scene.portfolio.calendar().working_day(day);
            self.leave(scene, Task { cents: task.cents - cents, other: 1, day, ..task });
        }
        self.issue(scene, second, task.seller, cents, Some(task.document));
    }

    fn issue(&mut self, scene: &mut Scene<'_>, second: u32, seller: u8, cents: i64, order: Option<Document>) {
        let invoice = self.next_document(scene);
        let terms = scene.portfolio.plan().preset().terms;
        let usual = scene.draws.happens(850);
        let term = if usual { self.profile.term_days } else { scene.draws.weighted(terms) };
        let due = scene.day + term;
        let tax_pct = i64::from(COUNTRIES[usize::from(self.profile.country)].tax_pct);
        let net_cents = scene.draws.happens(900).then_some(cents * 100 / (100 + tax_pct));
        self.tell(scene, second, Some(seller), What::InvoiceIssued { invoice, cents, net_cents, due, order });
        let task = Task { cents, document: invoice, other: 0, day: NEVER, due, seller, action: Action::Pay };
        self.plan_fate(scene, task);
    }

    /// Decides what becomes of an invoice: nearly always it is simply paid.
    fn plan_fate(&mut self, scene: &mut Scene<'_>, task: Task) {
        let disputed = match &self.distress {
            Some(distress) if distress.has_begun(task.due) => distress.pattern.dispute_per_mille,
            _ => 12,
        };
        let (action, day) = match scene.draws.below(1000) {
            0..5 => (Action::Cancel, scene.soon(1, 3)),
            5..30 => (Action::Credit, scene.soon(2, 20)),
            30..40 => (Action::Reschedule, scene.around(task.due, -3, 4)),
            40..42 => (Action::WriteOff, scene.around(task.due, 90, 150)),
            roll if roll >= 1000 - disputed => (Action::Dispute, scene.around(task.due, -8, 8)),
            _ => return self.plan_payment(scene, task),
        };
        self.leave(scene, Task { action, day, ..task });
    }

    /// Carries out what changes an invoice, and plans its payment.
    fn change_invoice(&mut self, scene: &mut Scene<'_>, task: Task) {
        let (invoice, seller, second) = (task.document, Some(task.seller), scene.working_second());
        match task.action {
            Action::Cancel => self.tell(scene, second, seller, What::InvoiceCancelled { invoice }),
            Action::Credit => {
                let left = self.credit(scene, second, task);
                self.plan_payment(scene, Task { cents: left, ..task });
            }
            Action::Dispute => {
                let reason = *scene.draws.pick(&["quality", "price", "quantity", "delivery"]);
                self.tell(scene, second, seller, What::InvoiceDisputed { invoice, reason });
                let day = scene.soon(8, 45);
                self.leave(scene, Task { action: Action::Settle, day, ..task });
            }
            Action::Settle => {
                self.tell(scene, second, seller, What::InvoiceDisputeSettled { invoice });
                let left = if scene.draws.happens(400) { self.credit(scene, second + 60, task) } else { task.cents };
                if left > 0 {
                    let day = scene.soon(3, 15);
                    self.leave(scene, Task { cents: left, action: Action::Pay, day, ..task });
                }
            }
            Action::Reschedule => {
                let due = scene.around(task.due, 15, 60);
                self.tell(scene, second, seller, What::InvoiceRescheduled { invoice, due });
                self.plan_payment(scene, Task { due, ..task });
            }
            _ => unreachable!("only the actions above change an invoice"),
        }
    }

    /// Credits an invoice, now and then whole, and gives what is left of it.
    fn credit(&mut self, scene: &mut Scene<'_>, second: u32, task: Task) -> i64 {
        let share = if scene.draws.happens(120) { 100 } else { 3 + i64::from(scene.draws.below(50)) };
        let cents = (task.cents * share / 100).max(1);
        let note = self.next_document(scene);
        let what = What::InvoiceCredited { invoice: task.document, note, cents };
        self.tell(scene, second, Some(task.seller), what);
        task.cents - cents
    }

    /// A part of an invoice, as a payment names it.
    #[must_use]
    pub fn part(task: &Task, cents: i64) -> Part {
        Part { invoice: task.document, cents }
    }
}
