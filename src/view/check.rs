//! Owns the check of an order: whether it fits under the limit, who would bear it, what stands in the way and what would help.
//!
//! It is reckoned of the last figures told, so it promises nothing: only a hold, which the engine decides, keeps the room.

use serde::Serialize;
use utoipa::ToSchema;

use super::buyer::{Buyer, Cover};
use super::told::{MoneyText, On};
use super::totals::plain;
use crate::base::decimal::{divide_half_even, push_fixed};
use crate::base::{Cents, Currency, Day};
use crate::event::{Grade, Layer};

/// What the answers go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckRules {
    /// Single-risk cover is offered for orders of more than this, in the base currency.
    pub single_risk_over: Cents,
    /// And for orders that are due within so many months.
    pub single_risk_months_max: u8,
    /// From this grade on an arbiter is asked.
    pub refer_from: Grade,
    /// From this grade on the answer is no.
    pub reject_from: Grade,
}

impl Default for CheckRules {
    fn default() -> CheckRules {
        CheckRules {
            single_risk_over: Cents(100_000_000),
            single_risk_months_max: 12,
            refer_from: Grade::E,
            reject_from: Grade::F,
        }
    }
}

/// An order that somebody wants to ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderQuestion {
    /// Its amount, over 0.
    pub amount: Cents,
    /// Its currency.
    pub currency: Currency,
    /// Its id, where it has one: a single-risk cover names the order that it insures.
    pub order_id: Option<String>,
    /// When it would be invoiced; today where nobody says.
    pub expected_on: Option<Day>,
    /// When it would be due.
    pub due_on: Option<Day>,
}

/// Whether an order fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It fits, and nothing stands in the way.
    Accept,
    /// A person should look at it.
    Refer,
    /// It should not be shipped on credit.
    Reject,
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Obstacle {
    /// `over_limit`, `no_limit`, `overdue_beyond_extension`, `insolvency`, `grade`, `stop_shipment`, `other_currency`, `fx_missing`.
    pub code: &'static str,
    /// A sentence for a person.
    pub detail: String,
}

/// What would help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Remedy {
    /// `top_up`, `single_risk`, `limit_increase`.
    pub code: &'static str,
    /// Of how much, in the base currency.
    pub amount: MoneyText,
    /// A sentence for a person.
    pub detail: String,
}

/// Who would bear the order, by layer, in the base currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Shares {
    /// Single-risk covers of this order.
    pub single_risk: MoneyText,
    /// Primary covers.
    pub primary: MoneyText,
    /// Top-up covers.
    pub top_up: MoneyText,
    /// Nobody but the seller.
    pub uninsured: MoneyText,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderCheck {
    /// Whether it fits.
    pub answer: Answer,
    /// What is free under the limit before this order; negative where it is passed; null without a limit.
    pub headroom: Option<MoneyText>,
    /// Exposure with this order; null in another currency.
    pub exposure_after: Option<MoneyText>,
    /// The limit.
    pub limit: Option<MoneyText>,
    /// Who would bear the order; null in another currency.
    pub insured: Option<Shares>,
    /// The share that covers would carry, in per cent with 2 decimals.
    pub insured_pct: Option<String>,
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
    /// What would help.
    pub remedies: Vec<Remedy>,
    /// The day that it is answered for.
    pub as_of: On,
}

/// What is known of a buyer for a check.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its figures; `None` where nothing is known of it.
    pub buyer: Option<&'a Buyer>,
    /// The base currency.
    pub base: Currency,
    /// The day: that of the latest output, since a buyer's own figures are told only when they change.
    pub today: Day,
    /// The insolvency that an open alert tells of: its severity says whether it is but a conciliation.
    pub insolvency: Insolvency,
    /// Whether an open alert tells of something overdue past the insurer's extension.
    pub overdue: Overdue,
}

/// What open alerts say of insolvency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insolvency {
    /// None.
    None,
    /// A conciliation: it may still be averted.
    Conciliation,
    /// A procedure is in force.
    InForce,
}

/// What open alerts say of what is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// Nothing that stops covers.
    Within,
    /// Something is past the extension: what is shipped now is uninsured.
    BeyondExtension,
}

/// The figures that an order is held against.
#[derive(Clone, Copy)]
struct Figures<'a> {
    currency: Currency,
    exposure: Cents,
    orders: Cents,
    limit: Option<Cents>,
    covers: &'a [Cover],
}

impl<'a> Standing<'a> {
    /// Who is not known is answered as who owes nothing and has no limit: nobody learns here who is a buyer.
    fn figures(&self) -> Figures<'a> {
        let unknown = Figures { currency: self.base, exposure: Cents(0), orders: Cents(0), limit: None, covers: &[] };
        self.buyer.map_or(unknown, |buyer| {
            let row = &buyer.line.row;
            let (exposure, orders, limit) = (row.exposure, row.orders, row.limit);
            Figures { currency: row.currency, exposure, orders, limit, covers: &buyer.covers }
        })
    }
}

/// Answers a question.
#[must_use]
pub fn check(question: &OrderQuestion, standing: &Standing<'_>, rules: &CheckRules) -> OrderCheck {
    let figures = standing.figures();
    let mut draft = Draft { answer: Answer::Accept, obstacles: Vec::new() };
    if let Some(buyer) = standing.buyer {
        draft.standing(standing, buyer, rules);
    }
    if question.currency != figures.currency {
        draft.other_currency(question, &figures);
        return draft.without_figures(&figures, standing.today);
    }
    draft.limit(question, &figures);
    let day = question.expected_on.unwrap_or(standing.today);
    let shares = shares(question, &figures, standing, day);
    let insured = question.amount.0 - shares.uninsured.0.0;
    OrderCheck {
        answer: draft.answer,
        headroom: figures.headroom(),
        exposure_after: Some(MoneyText(Cents(figures.exposure.0 + question.amount.0))),
        limit: figures.limit.map(MoneyText),
        insured: Some(shares),
        insured_pct: Some(percent(insured, question.amount.0)),
        remedies: remedies(question, &figures, standing, &shares, day, rules),
        obstacles: draft.obstacles,
        as_of: On(standing.today),
    }
}

impl Figures<'_> {
    fn headroom(&self) -> Option<MoneyText> {
        self.limit.map(|limit| MoneyText(Cents(limit.0 - self.exposure.0)))
    }
}

struct Draft {
    answer: Answer,
    obstacles: Vec<Obstacle>,
}

impl Draft {
    fn add(&mut self, answer: Answer, code: &'static str, detail: String) {
        self.answer = self.answer.max(answer);
        self.obstacles.push(Obstacle { code, detail });
    }

    fn no_limit(&mut self) {
        self.add(Answer::Refer, "no_limit", "No credit limit is set: an arbiter has to grant one.".to_owned());
    }

    fn standing(&mut self, standing: &Standing<'_>, buyer: &Buyer, rules: &CheckRules) {
        match standing.insolvency {
            Insolvency::None => {}
            Insolvency::Conciliation => {
                self.add(Answer::Refer, "insolvency", "A conciliation is under way.".to_owned());
            }
            Insolvency::InForce => {
                let detail = "An insolvency is in force: what is shipped now is uninsured.".to_owned();
                self.add(Answer::Reject, "insolvency", detail);
            }
        }
        if standing.overdue == Overdue::BeyondExtension {
            let detail = match buyer.line.row.oldest_overdue_days {
                // Written off, or not among the seller's own.
                0 => "An overdue invoice has stopped a cover, which is not back in force.".to_owned(),
                days => format!("The oldest invoice is {days} days overdue, past what an insurer grants."),
            };
            self.add(Answer::Refer, "overdue_beyond_extension", detail);
        }
        if let Some(since) = buyer.covers.iter().filter_map(|cover| cover.stopped_since).min() {
            let detail = format!("What is shipped since {since} is uninsured, until the overdue invoice is paid.");
            self.add(Answer::Refer, "stop_shipment", detail);
        }
        let grade = buyer.line.row.scored.grade;
        if grade >= rules.refer_from {
            let answer = if grade >= rules.reject_from { Answer::Reject } else { Answer::Refer };
            self.add(answer, "grade", format!("The buyer's grade is {}.", grade.as_str()));
        }
        if buyer.line.row.fx_missing {
            let detail = "Something is owed in a currency without a rate, and is not in the figures.".to_owned();
            self.add(Answer::Refer, "fx_missing", detail);
        }
    }

    fn other_currency(&mut self, question: &OrderQuestion, figures: &Figures<'_>) {
        let (asked, own) = (question.currency, figures.currency);
        let detail =
            format!("The order is in {asked} and figures are in {own}: ask with a hold, which the engine converts.");
        self.add(Answer::Refer, "other_currency", detail);
        if figures.limit.is_none() {
            self.no_limit();
        }
    }

    fn limit(&mut self, question: &OrderQuestion, figures: &Figures<'_>) {
        let currency = figures.currency.as_str();
        match figures.limit {
            None => self.no_limit(),
            Some(limit) if figures.exposure.0 + question.amount.0 > limit.0 => {
                let over = Cents(figures.exposure.0 + question.amount.0 - limit.0);
                let answer = if limit == Cents(0) { Answer::Reject } else { Answer::Refer };
                let detail = format!(
                    "With this order exposure would be {} over the limit of {}.",
                    plain(over, currency),
                    plain(limit, currency)
                );
                self.add(answer, "over_limit", detail);
            }
            Some(_) => {}
        }
    }

    fn without_figures(self, figures: &Figures<'_>, today: Day) -> OrderCheck {
        OrderCheck {
            answer: self.answer,
            headroom: figures.headroom(),
            exposure_after: None,
            limit: figures.limit.map(MoneyText),
            insured: None,
            insured_pct: None,
            obstacles: self.obstacles,
            remedies: Vec::new(),
            as_of: On(today),
        }
    }
}

/// Whether an invoice of the order would be eligible under a cover.
fn is_eligible(cover: &Cover, question: &OrderQuestion, standing: &Standing<'_>, day: Day) -> bool {
    let term = question.due_on.map(|due_on| due_on.since(day));
    standing.insolvency != Insolvency::InForce
        && cover.stopped_since.is_none()
        && cover.valid_from <= day
        && cover.valid_to.is_none_or(|valid_to| day <= valid_to)
        && cover.max_payment_term_days.is_none_or(|max| term.is_none_or(|term| term <= i32::from(max)))
        && (cover.layer != Layer::SingleRisk || cover.order_id == question.order_id)
}

/// Who would bear the order. Orders that are pending are taken to come first, and to use primary and top-up cover.
fn shares(question: &OrderQuestion, figures: &Figures<'_>, standing: &Standing<'_>, day: Day) -> Shares {
    let eligible = |layer: Layer| {
        let covers = figures.covers.iter().filter(move |cover| cover.layer == layer);
        covers.filter(move |cover| is_eligible(cover, question, standing, day))
    };
    let free = |layer: Layer| -> i128 {
        eligible(layer).map(|cover| (cover.amount.map_or(0, |amount| amount.0) - cover.taken.0).max(0)).sum()
    };
    let has_primary = eligible(Layer::Primary).any(|cover| cover.amount.is_some_and(|amount| amount.0 > 0));
    let mut left = question.amount.0;
    let mut take = |free: i128| {
        let taken = left.min(free);
        left -= taken;
        MoneyText(Cents(taken))
    };
    let single_risk = take(free(Layer::SingleRisk));
    let mut pending = figures.orders.0;
    let mut after_pending = |free: i128| {
        let used = pending.min(free);
        pending -= used;
        free - used
    };
    let primary = take(after_pending(free(Layer::Primary)));
    // A top-up follows the primary cover.
    let top_up = take(after_pending(if has_primary { free(Layer::TopUp) } else { 0 }));
    Shares { single_risk, primary, top_up, uninsured: MoneyText(Cents(left)) }
}

fn remedies(
    question: &OrderQuestion,
    figures: &Figures<'_>,
    standing: &Standing<'_>,
    shares: &Shares,
    day: Day,
    rules: &CheckRules,
) -> Vec<Remedy> {
    let currency = figures.currency.as_str();
    let mut remedies = Vec::new();
    let gap = shares.uninsured.0;
    let is_insurable = standing.insolvency != Insolvency::InForce && gap.0 > 0;
    let has_primary = figures.covers.iter().any(|cover| {
        let is_in_force = cover.amount.is_some_and(|amount| amount.0 > 0);
        cover.layer == Layer::Primary && is_in_force && is_eligible(cover, question, standing, day)
    });
    if is_insurable && has_primary {
        let detail = format!(
            "A top-up cover of {} above the primary one would insure the rest of the order.",
            plain(gap, currency)
        );
        remedies.push(Remedy { code: "top_up", amount: MoneyText(gap), detail });
    }
    let is_in_time = question.due_on.is_none_or(|due_on| due_on <= months_after(day, rules.single_risk_months_max));
    if is_insurable && question.amount > rules.single_risk_over && is_in_time {
        let months = rules.single_risk_months_max;
        let detail = format!(
            "A single-risk cover of {} for this order alone would insure the rest of it, where it is due within {months} months.",
            plain(gap, currency)
        );
        remedies.push(Remedy { code: "single_risk", amount: MoneyText(gap), detail });
    }
    let over = figures.limit.map_or(question.amount.0, |limit| figures.exposure.0 + question.amount.0 - limit.0);
    if over > 0 {
        let over = Cents(over);
        let detail = format!("A limit higher by {} would make room for it.", plain(over, currency));
        remedies.push(Remedy { code: "limit_increase", amount: MoneyText(over), detail });
    }
    remedies
}

/// The same day so many months later, or the last one of that month.
fn months_after(day: Day, months: u8) -> Day {
    let (year, month, of_month) = day.calendar();
    let month = month as i32 - 1 + i32::from(months);
    let (year, month) = (year + month / 12, month % 12 + 1);
    let days = (1..=of_month as i32).rev();
    days.into_iter().find_map(|of_month| Day::from_calendar(year, month, of_month)).unwrap_or(day)
}

/// A share in per cent with 2 decimals.
fn percent(part: i128, whole: i128) -> String {
    let mut out = String::new();
    push_fixed(&mut out, divide_half_even(part * 10_000, whole), 2);
    out
}

#[cfg(test)]
mod tests;
