//! Owns who the buyers are: size, habits, terms, limits and names of each, drawn from the seed and its number alone.

use super::calendar::{AVERAGE_DAY, Calendar, DayIndex};
use super::distress::Distress;
use super::preset::Plan;
use super::random::{Chance, Draws, cube_root};
use crate::base::Currency;
use crate::event::Segment;

/// Pages of a buyer's stream; the days of its life follow.
const PAGE_PROFILE: u32 = 0;
const PAGE_NAME: u32 = 1;
const PAGE_LIFE: u32 = 2;
/// Streams beyond those of the buyers.
const STREAM_DISTRESS: u64 = 1 << 40;
const STREAM_WORLD: u64 = 1 << 41;

/// Of this many buyers in a row, one slides into insolvency.
pub const DISTRESS_ONE_IN: u32 = 100;
/// No buyer is more than this many times as large as the average, in thousandths.
const RELATIVE_SIZE_MAX: u64 = 2_000_000;
/// A prime over the most buyers there can be, so that multiples of it meet every rank once.
const RANK_STEP: u64 = 15_485_863;
/// The largest number that a buyer's first document has.
const FIRST_DOCUMENT_MAX: u32 = 9_000_000;
/// The largest limit, in whole units.
const LIMIT_MAX: u64 = 2_000_000_000;

/// A country that buyers live in.
#[derive(Debug)]
pub struct CountryFacts {
    /// ISO 3166 alpha-2.
    pub code: &'static str,
    /// Its usual tax on sales, in per cent; 0 where the sale is an export.
    pub tax_pct: u32,
    /// What companies call themselves there.
    pub legal_form: &'static str,
    /// The currency of half of its buyers; the others are billed in the base currency.
    pub currency: &'static str,
}

macro_rules! countries {
    ($($code:literal $tax:literal $form:literal $currency:literal $weight:literal;)*) => {
        /// The countries.
        pub static COUNTRIES: &[CountryFacts] =
            &[$(CountryFacts { code: $code, tax_pct: $tax, legal_form: $form, currency: $currency }),*];
        const COUNTRY_WEIGHTS: &[u32] = &[$($weight),*];
    };
}

countries! {
    "FR" 20 "SAS" "EUR" 45;
    "DE" 19 "GmbH" "EUR" 15;
    "IT" 22 "Srl" "EUR" 10;
    "ES" 21 "SL" "EUR" 10;
    "BE" 21 "NV" "EUR" 6;
    "NL" 21 "BV" "EUR" 5;
    "PL" 23 "Sp. z o.o." "PLN" 3;
    "GB" 0 "Ltd" "GBP" 3;
    "CH" 0 "AG" "CHF" 2;
    "US" 0 "Inc." "USD" 1;
}

/// The sectors.
pub static SECTORS: &[&str] =
    &["IT resale", "retail", "construction", "transport", "hospitality", "health", "education", "manufacturing"];

const FAMILIES: &[&str] = &[
    "Martin",
    "Bernard",
    "Müller",
    "Rossi",
    "García",
    "Dubois",
    "Schmidt",
    "Petit",
    "Leroy",
    "Moreau",
    "Fischer",
    "Weber",
    "Ferrari",
    "Bianchi",
    "López",
    "Peeters",
    "Janssen",
    "de Vries",
    "Nowak",
    "Kowalska",
    "Smith",
    "Taylor",
    "Keller",
    "Meier",
    "Lefèvre",
    "Roux",
    "Fontaine",
    "Chevalier",
    "Blanc",
    "Garnier",
    "Faure",
    "Lambert",
];
const TRADES: &[&str] = &[
    "Informatique",
    "Distribution",
    "Systems",
    "Négoce",
    "Handel",
    "Services",
    "Réseaux",
    "Logistics",
    "Solutions",
    "Bureau",
    "Electronics",
    "Équipement",
    "Trading",
    "Technik",
    "Data",
    "Mobile",
];
const PLACES: &[&str] = &["Nord", "Sud", "Ouest", "Est", "Alpes", "Rhein", "Atlantique", "Centre"];

/// On which days a buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayRun {
    /// On any working day.
    Daily,
    /// Once a week, on this day (0 is Monday), all that is payable in one payment to each seller.
    Weekly(u8),
}

/// Who a buyer is.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Whether it is insured by name.
    pub segment: Segment,
    /// Its place in [`COUNTRIES`].
    pub country: u8,
    /// The currency of its first seller's invoices; others bill in the base currency.
    pub currency: Currency,
    /// The seller that it buys most from.
    pub seller_first: u8,
    /// How many sellers it buys from, the next ones in number after the first.
    pub seller_count: u8,
    /// The payment term of most of its invoices.
    pub term_days: u16,
    /// How long after the due date it usually pays; negative: before.
    pub habit_days: i8,
    /// How far a payment strays from that, either way.
    pub spread_days: u8,
    /// On which days it pays.
    pub pay_run: PayRun,
    /// Business of the calendar between two deals, on average.
    pub business_between: u32,
    /// The usual amount of an invoice, in cents.
    pub invoice_cents: i64,
    /// What it may usually owe, in whole units of the base currency.
    pub usual_exposure: u32,
    /// Its credit limit, in whole units of the base currency.
    pub limit: Option<u32>,
    /// How an agency rates it.
    pub grade: Option<u8>,
    /// The number of its first document.
    pub first_document: u32,
}

/// The buyers, each known by number.
#[derive(Debug)]
pub struct Portfolio {
    plan: Plan,
    calendar: Calendar,
    chance: Chance,
    base: Currency,
}

impl Portfolio {
    /// The portfolio of a plan.
    ///
    /// # Panics
    /// Never: "EUR" is a currency.
    #[must_use]
    pub fn new(plan: Plan) -> Portfolio {
        Portfolio {
            calendar: Calendar::new(plan.from(), plan.days()),
            chance: Chance::new(plan.seed()),
            base: Currency::parse("EUR").expect("EUR is a currency"),
            plan,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The calendar.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The currency of limits and covers, and of most invoices.
    #[must_use]
    pub fn base(&self) -> Currency {
        self.base
    }

    /// The draws of one day of a buyer's life.
    #[must_use]
    #[inline]
    pub fn draws(&self, number: u32, day: DayIndex) -> Draws {
        self.chance.draws(u64::from(number), PAGE_LIFE + u32::from(day))
    }

    /// The draws of one day of what has no buyer.
    #[must_use]
    pub fn world_draws(&self, day: DayIndex) -> Draws {
        self.chance.draws(STREAM_WORLD, u32::from(day))
    }

    /// A buyer's place by size, 1 is the largest: a permutation of the numbers that the seed turns.
    #[must_use]
    pub fn rank(&self, number: u32) -> u32 {
        let buyers = u64::from(self.plan.buyers());
        let turn = self.plan.seed() % buyers;
        1 + ((u64::from(number) + turn) * (RANK_STEP % buyers) % buyers) as u32
    }

    /// A buyer.
    #[must_use]
    pub fn profile(&self, number: u32) -> Profile {
        let preset = self.plan.preset();
        let size = Size::of(self.rank(number), self.plan.buyers());
        let mut draws = self.chance.draws(u64::from(number), PAGE_PROFILE);
        let segment = if size.rank <= self.plan.named() { Segment::Named } else { Segment::Unnamed };
        let country = weighted_place(&mut draws, COUNTRY_WEIGHTS);
        let local = Currency::parse(COUNTRIES[usize::from(country)].currency).expect("the table holds currencies");
        let term_days = draws.weighted(preset.terms);
        let (early, late, spread_days) = draws.weighted(HABITS);
        let habit_days = draws.between(early, late) as i8;
        // Thousandths of an invoice a year, and what a year of business leaves between two.
        let yearly = (u64::from(preset.invoices_a_year) * size.deals).max(1);
        let invoice_cents = preset.invoice_cents * size.amount as i64 / 1000 * i64::from(60 + draws.below(81)) / 100;
        let owed_days = u64::from(term_days) + 10 + habit_days.max(0) as u64;
        let usual_exposure =
            (invoice_cents as u64 / 100 * (yearly * owed_days / 365).max(1000) / 1000).clamp(500, LIMIT_MAX / 4);
        let (limited, rated) = match segment {
            Segment::Named => (980, 1000),
            Segment::Unnamed => (preset.limited_per_mille, preset.rated_per_mille),
        };
        let limit = rounded(usual_exposure * u64::from(120 + draws.below(180)) / 100);
        let limit = draws.happens(limited).then_some(limit);
        let grade = 2 + draws.below(4) as u8 + u8::from(habit_days > 8) + u8::from(habit_days > 25);
        Profile {
            segment,
            country,
            currency: if draws.happens(500) { local } else { self.base },
            seller_first: draws.below(u32::from(preset.sellers)) as u8,
            seller_count: draws.weighted(&[(1, 55), (2, 25), (3, 15), (4, 5)]).min(preset.sellers),
            term_days,
            habit_days,
            spread_days,
            pay_run: if draws.happens(450) { PayRun::Weekly(draws.below(5) as u8) } else { PayRun::Daily },
            business_between: (AVERAGE_DAY * 365 * 1000 / yearly).clamp(1, u64::from(u32::MAX / 4)) as u32,
            invoice_cents,
            usual_exposure: usual_exposure as u32,
            limit,
            grade: draws.happens(rated).then_some(grade),
            first_document: 1 + draws.below(FIRST_DOCUMENT_MAX),
        }
    }

    /// How a buyer slides into insolvency, where it is the one of its hundred that does.
    #[must_use]
    pub fn distress(&self, number: u32) -> Option<Distress> {
        let hundred = number / DISTRESS_ONE_IN;
        let mut draws = self.chance.draws(STREAM_DISTRESS + u64::from(hundred), 0);
        let is_the_one = number % DISTRESS_ONE_IN == draws.below(DISTRESS_ONE_IN);
        is_the_one.then(|| Distress::draw(&mut draws, self.plan.days()).on_a_weekday(&self.calendar))
    }

    /// How a buyer is described.
    #[must_use]
    pub fn description(&self, number: u32) -> Description {
        let mut draws = self.chance.draws(u64::from(number), PAGE_NAME);
        let head = number - number % DISTRESS_ONE_IN;
        let (family, trade, place) = (*draws.pick(FAMILIES), *draws.pick(TRADES), *draws.pick(PLACES));
        let sector = *draws.pick(SECTORS);
        Description {
            name: [family, trade, place],
            sector,
            parent: (number != head && draws.happens(60)).then_some(head),
        }
    }
}

/// How a buyer is described, but for what its profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The words of its name; its legal form follows.
    pub name: [&'static str; 3],
    /// Its sector.
    pub sector: &'static str,
    /// The buyer that heads its group.
    pub parent: Option<u32>,
}

/// Payment habits: usual days after the due date from and to, how far a payment strays, weight.
const HABITS: &[((i32, i32, u8), u32)] =
    &[((-6, -1, 2), 18), ((0, 3, 2), 45), ((3, 12, 4), 23), ((10, 30, 6), 11), ((25, 60, 12), 3)];

/// How large a buyer is, against the average in thousandths.
struct Size {
    rank: u32,
    deals: u64,
    amount: u64,
}

impl Size {
    /// Deals fall with the rank to the power 2/3, amounts with its cube root: together, turnover follows Zipf's law.
    ///
    /// The sum of `r^(-2/3)` over n ranks is near `3 n^(1/3)`, that of `r^(-1/3)` near `1.5 n^(2/3)`.
    fn of(rank: u32, buyers: u32) -> Size {
        let root = |value: u32| cube_root(u64::from(value) << 30);
        let (own, all) = (root(rank), root(buyers));
        let deals = (1000 * all * all / (3 * own * own)).min(RELATIVE_SIZE_MAX);
        Size { rank, deals, amount: 1000 * 2 * all / (3 * own) }
    }
}

/// A limit as people set them: two digits, then zeros.
#[must_use]
pub fn rounded(amount: u64) -> u32 {
    let mut step = 100;
    while amount / step >= 100 {
        step *= 10;
    }
    (amount.div_ceil(step) * step).min(LIMIT_MAX) as u32
}

fn weighted_place(draws: &mut Draws, weights: &[u32]) -> u8 {
    let mut left = draws.below(weights.iter().sum());
    let place = weights.iter().position(|weight| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here
    });
    place.unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::preset::PRESETS;

    fn portfolio(preset: usize, seed: u64) -> Portfolio {
        Portfolio::new(Plan::new(&PRESETS[preset], seed))
    }

    #[test]
    fn ranks_are_a_permutation() {
        for (buyers, seed) in [(1, 5), (200, 1), (997, 88), (80_000, 3)] {
            let plan = Plan::new(&PRESETS[0], seed).with_buyers(buyers).expect("a plan");
            let portfolio = Portfolio::new(plan);
            let mut ranks: Vec<u32> = (0..buyers).map(|number| portfolio.rank(number)).collect();
            ranks.sort_unstable();
            assert!(ranks.iter().copied().eq(1..=buyers), "{buyers} buyers");
        }
    }

    #[test]
    fn the_wholesaler_is_as_large_as_it_says() {
        let portfolio = portfolio(1, 1);
        let (mut named, mut limited, mut deals, mut foreign) = (0_u32, 0_u32, 0_u64, 0_u32);
        let mut largest = 0;
        for number in 0..80_000 {
            let profile = portfolio.profile(number);
            named += u32::from(profile.segment == Segment::Named);
            limited += u32::from(profile.limit.is_some());
            foreign += u32::from(profile.currency != portfolio.base());
            let yearly = AVERAGE_DAY * 365 / u64::from(profile.business_between);
            deals += yearly;
            largest = largest.max(yearly);
        }
        assert_eq!(named, 11_000);
        assert!((70_000..76_000).contains(&limited), "{limited}");
        assert!((2_000..6_000).contains(&foreign), "{foreign}");
        assert!((900_000..1_100_000).contains(&deals), "{deals}");
        assert!((6_000..10_000).contains(&largest), "{largest}");
    }

    #[test]
    fn one_in_a_hundred_slides_into_insolvency() {
        let portfolio = portfolio(1, 4);
        for hundred in 0..800 {
            let within = (hundred * 100..hundred * 100 + 100).filter(|number| portfolio.distress(*number).is_some());
            assert_eq!(within.count(), 1);
        }
    }

    #[test]
    fn limits_are_round() {
        assert_eq!(rounded(1), 100);
        assert_eq!(rounded(10_000), 10_000);
        assert_eq!(rounded(12_345), 13_000);
        assert_eq!(rounded(1_234_567), 1_300_000);
        assert_eq!(rounded(u64::MAX / 2), 2_000_000_000);
    }
}
