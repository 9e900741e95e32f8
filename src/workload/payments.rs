//! Owns how a buyer pays: when, how much at once, what bounces, and what is given up.

use super::book::{Document, Part, What};
use super::calendar::DayIndex;
use super::life::{Action, Buyer, NEVER, Scene, Task};
use super::portfolio::PayRun;

/// The most invoices that one payment names.
pub const ALLOCATIONS_MAX: usize = 40;
/// Overdue for more days than this, an insured invoice is declared.
const DECLARE_AFTER_DAYS: i32 = 61;
/// Shares of payments of a sound buyer, in thousandths.
const PARTIAL_PER_MILLE: u32 = 20;
const REVERSED_PER_MILLE: u32 = 3;
const UNALLOCATED_PER_MILLE: u32 = 25;
const OVERPAID_PER_MILLE: u32 = 4;

impl Buyer {
    /// Plans when an invoice is paid, by the buyer's habit and what its distress adds.
    pub fn plan_payment(&mut self, scene: &mut Scene<'_>, task: Task) {
        if task.cents == 0 {
            return;
        }
        let spread = i32::from(self.profile.spread_days);
        let habit = i32::from(self.profile.habit_days) + scene.draws.between(-spread, spread);
        let delay = habit + self.distress.as_ref().map_or(0, |distress| distress.delay_days(task.due));
        let day = self.pay_day(scene, scene.later(task.due, delay));
        let is_declared = delay > DECLARE_AFTER_DAYS && self.covers.primary > 0;
        if is_declared {
            self.plan_declaration(scene, task, day);
        } else {
            self.leave(scene, Task { action: Action::Pay, day, ..task });
        }
    }

    /// The day from `day` on on which the buyer pays.
    fn pay_day(&self, scene: &Scene<'_>, day: DayIndex) -> DayIndex {
        let calendar = scene.portfolio.calendar();
        match self.profile.pay_run {
            PayRun::Daily => calendar.working_day(day),
            PayRun::Weekly(weekday) => day.saturating_add(calendar.days_to_weekday(day, weekday)),
        }
    }

    fn plan_declaration(&mut self, scene: &mut Scene<'_>, task: Task, paid: DayIndex) {
        let day = scene.around(task.due, DECLARE_AFTER_DAYS, DECLARE_AFTER_DAYS + 27);
        self.leave(scene, Task { action: Action::Declare, day, other: paid.into(), ..task });
    }

    /// Pays invoices of one seller: in one payment, or one by one in distress.
    pub fn pay(&mut self, scene: &mut Scene<'_>, tasks: &[Task]) {
        let (has_begun, pays_nothing) = match &self.distress {
            Some(distress) => (distress.has_begun(scene.day), distress.pays_nothing(scene.day)),
            None => (false, false),
        };
        if pays_nothing {
            for task in tasks {
                self.leave_unpaid(scene, *task);
            }
            return;
        }
        let at_once = if has_begun { 1 } else { ALLOCATIONS_MAX };
        for bundle in tasks.chunks(at_once) {
            self.pay_bundle(scene, bundle, has_begun);
        }
    }

    fn pay_bundle(&mut self, scene: &mut Scene<'_>, bundle: &[Task], has_begun: bool) {
        let (partial, reversed) = match &self.distress {
            Some(distress) if has_begun => (distress.pattern.partial_per_mille, distress.pattern.reversal_per_mille),
            _ => (PARTIAL_PER_MILLE, REVERSED_PER_MILLE),
        };
        let payment = self.next_document(scene);
        let (first, second) = (bundle[0], scene.banking_second());
        let is_alone = bundle.len() == 1;
        if is_alone && scene.draws.happens(UNALLOCATED_PER_MILLE) {
            let parts = scene.book.keep_parts(&[]);
            let what = What::PaymentReceived { payment, cents: first.cents, parts };
            self.tell(scene, second, Some(first.seller), what);
            let day = scene.soon(1, 6);
            self.leave(scene, Task { action: Action::Allocate, day, other: payment.bits(), ..first });
            return;
        }
        let mut parts = [Part { invoice: first.document, cents: 0 }; ALLOCATIONS_MAX];
        let parts = &mut parts[..bundle.len()];
        for (part, task) in parts.iter_mut().zip(bundle) {
            *part = Buyer::part(task, task.cents);
            if task.cents > 1000 && scene.draws.happens(partial) {
                part.cents = task.cents * i64::from(30 + scene.draws.below(51)) / 100;
                let day = scene.soon(8, 40);
                let day = self.pay_day(scene, day);
                self.leave(scene, Task { cents: task.cents - part.cents, day, ..*task });
            }
        }
        let sum: i64 = parts.iter().map(|part| part.cents).sum();
        let over = if scene.draws.happens(OVERPAID_PER_MILLE) { i64::from(1 + scene.draws.below(5000)) } else { 0 };
        let what = What::PaymentReceived { payment, cents: sum + over, parts: scene.book.keep_parts(parts) };
        self.tell(scene, second, Some(first.seller), what);
        if is_alone && scene.draws.happens(reversed) {
            let day = scene.soon(2, 8);
            self.leave(scene, Task { action: Action::Reverse, cents: sum, day, other: payment.bits(), ..first });
        }
    }

    /// Allocates a payment that came in without saying what for.
    pub fn allocate(&mut self, scene: &mut Scene<'_>, task: Task) {
        let allocation = self.next_document(scene);
        let parts = scene.book.keep_parts(&[Buyer::part(&task, task.cents)]);
        let second = scene.working_second();
        let what = What::PaymentAllocated { payment: Document::from_bits(task.other), allocation, parts };
        self.tell(scene, second, Some(task.seller), what);
    }

    /// Takes a payment back: the invoice is to be paid again.
    pub fn reverse(&mut self, scene: &mut Scene<'_>, task: Task) {
        let second = scene.banking_second();
        let reason = *scene.draws.pick(&["insufficient funds", "recalled", "account closed"]);
        let what = What::PaymentReversed { payment: Document::from_bits(task.other), reason };
        self.tell(scene, second, Some(task.seller), what);
        let day = scene.soon(5, 20);
        let day = self.pay_day(scene, day);
        self.leave(scene, Task { action: Action::Pay, day, ..task });
    }

    /// An invoice that will never be paid: declared where it is insured, written off in the end or left open.
    fn leave_unpaid(&mut self, scene: &mut Scene<'_>, task: Task) {
        if self.covers.primary > 0 {
            self.plan_declaration(scene, task, NEVER);
        } else {
            self.plan_write_off(scene, task);
        }
    }

    fn plan_write_off(&mut self, scene: &mut Scene<'_>, task: Task) {
        if scene.draws.happens(400) {
            let day = scene.soon(60, 150);
            self.leave(scene, Task { action: Action::WriteOff, day, ..task });
        }
    }

    /// Declares an overdue invoice to the insurers, or writes it off.
    pub fn give_up(&mut self, scene: &mut Scene<'_>, task: Task) {
        let (invoice, seller, second) = (task.document, Some(task.seller), scene.working_second());
        if task.action == Action::WriteOff {
            let reason = if self.distress.is_some() { "insolvency" } else { "not worth pursuing" };
            self.tell(scene, second, seller, What::InvoiceWrittenOff { invoice, reason });
            return;
        }
        for cover in [self.covers.primary, self.covers.top_up] {
            if cover > 0 {
                self.tell(scene, second, seller, What::CoverDeclared { cover, invoice });
            }
        }
        if task.other == u32::from(NEVER) {
            self.plan_write_off(scene, task);
        } else {
            let day = scene.later(task.other as DayIndex, 0);
            self.leave(scene, Task { action: Action::Pay, day, ..task });
        }
    }
}
