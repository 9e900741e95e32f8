//! Owns what the world thinks of a buyer: its description, ratings, accounts, limit and covers, incidents and insolvency.

use super::book::{CoverTerms, Document, What};
use super::calendar::DayIndex;
use super::life::{Action, Buyer, Scene, Task};
use super::portfolio::rounded;
use crate::event::{IncidentKind, Layer, Procedure, Segment};

/// The agency that rates every rated buyer.
const AGENCY: &str = "agency-north";
/// The agency that rates some named buyers as well.
const SECOND_AGENCY: &str = "agency-south";
/// The worst grade of a buyer that is not insolvent.
const GRADE_WORST: u8 = 9;
/// Days that a renewed cover is valid for.
const COVER_DAYS: i32 = 365;
/// Days from one publication of accounts to the next.
const ACCOUNTS_DAYS: i32 = 365;

impl Buyer {
    /// Opens the buyer's history: who it is, how it is rated, what it may owe and who insures it; then its first deal.
    pub fn open(&mut self, scene: &mut Scene<'_>, second: u32) {
        self.tell_in_order(scene, second, None, What::BuyerDescribed);
        if let Some(grade) = self.profile.grade {
            self.tell_in_order(scene, second, None, What::RatingChanged { agency: AGENCY, grade });
        }
        if let Some(amount) = self.profile.limit {
            self.tell_in_order(scene, second, None, What::LimitSet { amount, reason: "opening" });
        }
        if self.profile.segment == Segment::Named {
            self.open_named(scene, second);
        }
        self.plan_deal(scene);
        self.plan_distress(scene);
    }

    fn open_named(&mut self, scene: &mut Scene<'_>, second: u32) {
        if let Some(grade) = self.profile.grade.filter(|_| self.has_second_agency()) {
            let grade = (grade + scene.draws.below(2) as u8).min(GRADE_WORST);
            self.tell_in_order(scene, second, None, What::RatingChanged { agency: SECOND_AGENCY, grade });
        }
        let amount = rounded(u64::from(self.profile.usual_exposure) * u64::from(70 + scene.draws.below(70)) / 100);
        let valid_from = -(scene.draws.below(200) as i16);
        let valid_to = scene.draws.happens(300).then(|| scene.soon(30, 330));
        let seller = scene.draws.happens(50).then_some(self.profile.seller_first);
        self.covers.granted = 1;
        self.covers.primary = 1;
        self.covers.primary_amount = amount;
        let terms = CoverTerms { layer: Layer::Primary, amount, valid_from, valid_to, order: None };
        self.tell_in_order(scene, second, seller, What::CoverGranted { cover: 1, terms });
        if let Some(end) = valid_to {
            let day = scene.later(end, -10);
            self.leave(scene, Task { due: end, ..Task::of_buyer(Action::RenewCover, day) });
        }
        if scene.draws.happens(250) {
            let amount = rounded(u64::from(amount) * u64::from(50 + scene.draws.below(50)) / 100);
            self.covers.granted = 2;
            self.covers.top_up = 2;
            let terms = CoverTerms { layer: Layer::TopUp, amount, valid_from, valid_to: None, order: None };
            self.tell_in_order(scene, second, None, What::CoverGranted { cover: 2, terms });
        }
        let day = scene.soon(60, 300);
        self.leave(scene, Task::of_buyer(Action::Publish, day));
    }

    fn plan_distress(&mut self, scene: &mut Scene<'_>) {
        let Some(distress) = self.distress.as_deref().copied() else { return };
        let pattern = distress.pattern;
        for (action, days) in [(Action::Slip, pattern.rating_days), (Action::Incident, pattern.incident_days)] {
            let day = scene.around(distress.onset, days / 2, days);
            self.leave(scene, Task::of_buyer(action, day));
        }
        if self.covers.primary > 0 {
            let day = scene.around(distress.stop, -20, 10);
            self.leave(scene, Task::of_buyer(Action::CutCover, day));
        }
        self.leave(scene, Task::of_buyer(Action::Fail, distress.insolvency));
    }

    /// Whether a second agency rates the buyer too.
    fn has_second_agency(&self) -> bool {
        self.profile.segment == Segment::Named && self.profile.first_document.is_multiple_of(3)
    }

    /// What chance brings on a day of business: reviews, ratings, covers changed, a stray incident.
    pub fn meet_chance(&mut self, scene: &mut Scene<'_>) {
        let second = scene.working_second();
        match scene.draws.below(1000) {
            0..8 => self.review_limit(scene, second),
            8 if self.profile.limit.take().is_some() => self.tell(scene, second, None, What::LimitRemoved),
            10..30 => self.review_rating(scene, second),
            30..34 if self.covers.primary > 0 => {
                let percent = u64::from(50 + scene.draws.below(100));
                self.amend_cover(scene, second, percent);
            }
            34 if self.covers.primary > 0 => self.withdraw_cover(scene, second),
            35 => self.tell_incident(scene, second, IncidentKind::Unpaid),
            _ => {}
        }
    }

    fn review_limit(&mut self, scene: &mut Scene<'_>, second: u32) {
        let Some(limit) = self.profile.limit else { return };
        let amount = rounded(u64::from(limit) * u64::from(80 + scene.draws.below(60)) / 100);
        self.profile.limit = Some(amount);
        self.tell(scene, second, None, What::LimitSet { amount, reason: "review" });
    }

    /// One grade up or down.
    fn review_rating(&mut self, scene: &mut Scene<'_>, second: u32) {
        let Some(grade) = self.profile.grade else { return };
        let grade = if scene.draws.happens(500) { grade + 1 } else { grade - 1 }.clamp(1, 7.max(grade));
        self.rate(scene, second, grade);
    }

    fn rate(&mut self, scene: &mut Scene<'_>, second: u32, grade: u8) {
        self.profile.grade = Some(grade);
        self.tell(scene, second, None, What::RatingChanged { agency: AGENCY, grade });
        if self.has_second_agency() {
            self.tell(scene, second + 3600, None, What::RatingChanged { agency: SECOND_AGENCY, grade });
        }
    }

    /// The agencies see a buyer in distress get worse, until it fails.
    pub fn slip(&mut self, scene: &mut Scene<'_>) {
        let Some(pattern) = self.distress.as_ref().map(|distress| distress.pattern) else { return };
        let second = scene.working_second();
        if let Some(grade) = self.profile.grade.filter(|grade| *grade < GRADE_WORST) {
            self.rate(scene, second, grade + 1);
        }
        self.repeat_until_failure(scene, Action::Slip, pattern.rating_days);
    }

    /// A buyer in distress leaves traces at banks and courts.
    pub fn report_incident(&mut self, scene: &mut Scene<'_>) {
        let Some(pattern) = self.distress.as_ref().map(|distress| distress.pattern) else { return };
        let second = scene.working_second();
        let kind = *scene.draws.pick(IncidentKind::ALL);
        self.tell_incident(scene, second, kind);
        self.repeat_until_failure(scene, Action::Incident, pattern.incident_days);
    }

    fn repeat_until_failure(&mut self, scene: &mut Scene<'_>, action: Action, days: i32) {
        let day = scene.soon(days / 2, days * 3 / 2);
        if self.distress.as_ref().is_some_and(|distress| day < distress.insolvency) {
            self.leave(scene, Task::of_buyer(action, day));
        }
    }

    fn tell_incident(&mut self, scene: &mut Scene<'_>, second: u32, kind: IncidentKind) {
        let incident = self.next_document(scene);
        let amount = (self.profile.invoice_cents / 100).clamp(100, 1_000_000) as u32;
        let days_overdue = 10 + scene.draws.below(80) as u16;
        self.tell(scene, second, None, What::IncidentReported { incident, kind, amount, days_overdue });
    }

    /// Publishes last year's accounts, as sound as the buyer is, and plans the next.
    pub fn publish(&mut self, scene: &mut Scene<'_>) {
        let second = scene.working_second();
        let sales = u64::from(self.profile.usual_exposure) * u64::from(10 + scene.draws.below(40));
        let health = match &self.distress {
            Some(distress) if distress.has_begun(scene.day) => 2 + scene.draws.below(20),
            Some(_) => 15 + scene.draws.below(35),
            None => 30 + scene.draws.below(65),
        };
        let (health, spread) = (health as u8, scene.draws.below(100) as u8);
        self.tell(scene, second, None, What::FinancialsPublished { sales, health, spread });
        let day = scene.later(scene.day, ACCOUNTS_DAYS);
        self.leave(scene, Task::of_buyer(Action::Publish, day));
    }

    /// An insurer covers one large order, by itself.
    pub fn grant_single_risk(&mut self, scene: &mut Scene<'_>, second: u32, order: Document, cents: i64) {
        let amount = (cents / 100).clamp(1, i64::from(u32::MAX)) as u32;
        let valid_to = Some(scene.later(scene.day, 120));
        let layer = Layer::SingleRisk;
        let terms = CoverTerms { layer, amount, valid_from: scene.day as i16, valid_to, order: Some(order) };
        self.grant(scene, second + 600, terms);
    }

    /// Grants a cover and gives its number, where the buyer can have one more.
    fn grant(&mut self, scene: &mut Scene<'_>, second: u32, terms: CoverTerms) -> Option<u8> {
        self.covers.granted = self.covers.granted.checked_add(1)?;
        let cover = self.covers.granted;
        self.tell(scene, second, None, What::CoverGranted { cover, terms });
        Some(cover)
    }

    /// Renews the primary cover for a year from the day after its end, unless it was withdrawn.
    pub fn renew_cover(&mut self, scene: &mut Scene<'_>, end: DayIndex) {
        if self.covers.primary == 0 {
            return;
        }
        let second = scene.working_second();
        let (amount, valid_from) = (self.covers.primary_amount.max(100), end as i16 + 1);
        let valid_to = scene.later(end, COVER_DAYS);
        let terms = CoverTerms { layer: Layer::Primary, amount, valid_from, valid_to: Some(valid_to), order: None };
        if let Some(cover) = self.grant(scene, second, terms) {
            self.covers.primary = cover;
            let day = scene.later(valid_to, -10);
            self.leave(scene, Task { due: valid_to, ..Task::of_buyer(Action::RenewCover, day) });
        }
    }

    fn amend_cover(&mut self, scene: &mut Scene<'_>, second: u32, percent: u64) {
        let amount = rounded(u64::from(self.covers.primary_amount) * percent / 100);
        self.covers.primary_amount = amount;
        let (cover, effective) = (self.covers.primary, scene.soon(1, 30));
        self.tell(scene, second, None, What::CoverAmended { cover, amount, effective });
    }

    fn withdraw_cover(&mut self, scene: &mut Scene<'_>, second: u32) {
        let (cover, effective) = (self.covers.primary, scene.soon(1, 14));
        self.covers.primary = 0;
        self.tell(scene, second, None, What::CoverWithdrawn { cover, effective });
    }

    /// The insurer cuts the cover of a buyer in distress.
    pub fn cut_cover(&mut self, scene: &mut Scene<'_>) {
        if self.covers.primary > 0 {
            let second = scene.working_second();
            self.amend_cover(scene, second, 50);
        }
    }

    /// The insolvency: covers end, the limit falls to nothing, the rating says default.
    pub fn fail(&mut self, scene: &mut Scene<'_>) {
        let Some(distress) = self.distress.as_deref().copied() else { return };
        let second = scene.working_second();
        self.tell(scene, second, None, What::InsolvencyOpened { procedure: distress.procedure });
        if distress.procedure == Procedure::Conciliation {
            let day = scene.soon(40, 90);
            self.leave(scene, Task::of_buyer(Action::Recover, day));
            return;
        }
        if self.covers.primary > 0 {
            self.withdraw_cover(scene, second + 600);
        }
        if self.profile.limit.is_some() {
            self.profile.limit = Some(0);
            self.tell(scene, second + 1200, None, What::LimitSet { amount: 0, reason: "insolvency" });
        }
        if self.profile.grade.is_some() {
            self.rate(scene, second + 1800, GRADE_WORST + 1);
        }
    }

    /// A conciliation ends well.
    pub fn recover(&mut self, scene: &mut Scene<'_>) {
        let second = scene.working_second();
        self.tell(scene, second, None, What::InsolvencyClosed);
    }
}
