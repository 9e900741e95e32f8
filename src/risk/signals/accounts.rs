//! Owns published accounts: what is kept of them, and the ratios that say how likely a firm fails.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::base::{Day, SignedMoney};
use crate::event::input::FinancialsPublished;
use crate::risk::fact::Fact;

/// One in the unit of ratios.
pub const RATIO_ONE: i32 = 10_000;
/// The largest ratio either way: beyond it nothing is said any more.
pub const RATIO_MAX: i32 = 1_000_000_000;
/// Two periods are compared when their ends lie this many days apart: about a year.
const YEAR_DAYS: std::ops::RangeInclusive<i32> = 270..=460;
/// Filings kept: the latest, and those that it is compared with.
const FILINGS_MAX: usize = 3;

/// A ratio of published figures, in the order of the scorecard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Ratio {
    /// Sales over the sales of the year before.
    SalesTrend,
    /// Retained earnings over total assets.
    RetainedEarnings,
    /// Earnings before interest and tax over total assets.
    OperatingReturn,
    /// Current assets over current liabilities.
    CurrentRatio,
    /// Net income plus depreciation over total liabilities.
    CashFlowToDebt,
    /// Depreciation over total liabilities.
    DepreciationToDebt,
    /// Net income over current liabilities.
    IncomeToShortDebt,
    /// Cash over current liabilities.
    CashRatio,
    /// Equity over total liabilities.
    EquityToDebt,
    /// Total liabilities over total assets.
    Leverage,
    /// Earnings before interest and tax, or nothing where they are negative, over financial expenses.
    DebtService,
}

/// Ratios that there are.
pub const RATIOS: usize = 11;

/// Each known ratio, in 10^-4.
pub type Ratios = [Option<i32>; RATIOS];

/// The accounts of a period, as published.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Filing {
    period_end: Day,
    total_assets: Option<SignedMoney>,
    current_assets: Option<SignedMoney>,
    current_liabilities: Option<SignedMoney>,
    total_liabilities: Option<SignedMoney>,
    retained_earnings: Option<SignedMoney>,
    ebit: Option<SignedMoney>,
    equity: Option<SignedMoney>,
    sales: Option<SignedMoney>,
    net_income: Option<SignedMoney>,
    cash: Option<SignedMoney>,
    depreciation: Option<SignedMoney>,
    financial_expenses: Option<SignedMoney>,
}

impl Filing {
    fn new(said: &FinancialsPublished) -> Filing {
        Filing {
            period_end: said.period_end,
            total_assets: said.total_assets,
            current_assets: said.current_assets,
            current_liabilities: said.current_liabilities,
            total_liabilities: said.total_liabilities,
            retained_earnings: said.retained_earnings,
            ebit: said.ebit,
            equity: said.equity,
            sales: said.sales,
            net_income: said.net_income,
            cash: said.cash,
            depreciation: said.depreciation,
            financial_expenses: said.financial_expenses,
        }
    }
}

/// A buyer's published accounts: the latest and those before, and what they say.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
#[borsh(init = reckon)]
pub struct Accounts {
    /// The latest period first.
    filings: Vec<Fact<Filing>>,
    /// What the latest says.
    #[borsh(skip)]
    ratios: Ratios,
    /// Altman's Z'' of the latest, in 10^-4.
    #[borsh(skip)]
    altman: Option<i32>,
}

impl Accounts {
    /// Takes accounts in. Of one period what was said last holds; only the latest periods are kept.
    pub fn publish(&mut self, event: &crate::event::Event<'_>, said: &FinancialsPublished) {
        let filing = Filing::new(said);
        let place = self.filings.partition_point(|kept| kept.value().period_end > said.period_end);
        match self.filings.get_mut(place) {
            Some(kept) if kept.value().period_end == said.period_end => kept.update(event, filing),
            _ => {
                self.filings.insert(place, Fact::new(event, filing));
                self.filings.truncate(FILINGS_MAX);
            }
        }
        self.reckon();
    }

    /// The ratios of the latest period.
    #[must_use]
    pub fn ratios(&self) -> &Ratios {
        &self.ratios
    }

    /// Altman's Z'' for private firms that do not manufacture, in 10^-4: 6.56 X1 + 3.26 X2 + 6.72 X3 + 1.05 X4 with working
    /// capital, retained earnings and EBIT over total assets, and book equity over total liabilities. Under 1.1 is distress,
    /// over 2.6 is safe (Altman, 1995).
    #[must_use]
    pub fn altman(&self) -> Option<i32> {
        self.altman
    }

    /// The end of the latest period.
    #[must_use]
    pub fn period_end(&self) -> Option<Day> {
        self.filings.first().map(|filing| filing.value().period_end)
    }

    /// The source and id of the events that the ratios rest on.
    pub fn events(&self) -> impl Iterator<Item = (&str, &str)> {
        let uses_earlier = self.ratios[Ratio::SalesTrend as usize].is_some();
        let earlier = self.filings.iter().skip(1).find(|earlier| self.is_year_before(earlier)).filter(|_| uses_earlier);
        self.filings.first().into_iter().chain(earlier).map(Fact::name)
    }

    fn is_year_before(&self, earlier: &Fact<Filing>) -> bool {
        let latest = self.filings.first();
        latest.is_some_and(|latest| YEAR_DAYS.contains(&latest.value().period_end.since(earlier.value().period_end)))
    }

    fn reckon(&mut self) {
        let Some(latest) = self.filings.first().map(Fact::value) else { return };
        let units = |figure: Option<SignedMoney>| figure.map(SignedMoney::units);
        let sum = |a: Option<i128>, b: Option<i128>| Some(a? + b?);
        let (assets, debt) = (units(latest.total_assets), units(latest.total_liabilities));
        let (short_debt, income) = (units(latest.current_liabilities), units(latest.net_income));
        let (ebit, equity) = (units(latest.ebit), units(latest.equity));
        let (sales, depreciation) = (units(latest.sales), units(latest.depreciation));
        let earlier = self.filings.iter().skip(1).find(|earlier| self.is_year_before(earlier));
        let sales_before = earlier.and_then(|earlier| units(earlier.value().sales));
        let earned = ebit.map(|ebit| ebit.max(0));
        let working_capital = units(latest.current_assets).zip(short_debt).map(|(assets, debt)| assets - debt);
        let retained = units(latest.retained_earnings);
        let ratios: Ratios = [
            share(sales, sales_before),
            share(retained, assets),
            share(ebit, assets),
            quotient(units(latest.current_assets), short_debt),
            quotient(sum(income, depreciation), debt),
            quotient(depreciation, debt),
            quotient(income, short_debt),
            quotient(units(latest.cash), short_debt),
            quotient(equity, debt),
            share(debt, assets),
            quotient(earned, units(latest.financial_expenses)),
        ];
        let terms = [
            (656, share(working_capital, assets)),
            (326, share(retained, assets)),
            (672, share(ebit, assets)),
            (105, quotient(equity, debt)),
        ];
        let altman = terms.iter().try_fold(0_i64, |sum, (weight, term)| Some(sum + weight * i64::from((*term)?)));
        self.altman = altman.map(|sum| (sum / 100).clamp(-i64::from(RATIO_MAX), i64::from(RATIO_MAX)) as i32);
        self.ratios = ratios;
    }
}

/// `above` over `below` in 10^-4, rounded down. Where nothing stands below, the sign of what stands above decides.
fn quotient(above: Option<i128>, below: Option<i128>) -> Option<i32> {
    let (above, below) = (above?, below?);
    let most = i128::from(RATIO_MAX);
    let ratio = match below {
        ..=0 if above < 0 => -most,
        ..=0 => most,
        _ => (above * i128::from(RATIO_ONE)).div_euclid(below).clamp(-most, most),
    };
    Some(ratio as i32)
}

/// Likewise, but unknown where nothing stands below: a share of nothing says nothing.
fn share(above: Option<i128>, below: Option<i128>) -> Option<i32> {
    quotient(above, below.filter(|below| *below > 0))
}
