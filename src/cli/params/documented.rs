//! Owns `params.toml` at the top of the repository: every key with its default and what it means, written from the code.
//!
//! `make params` rewrites it; a key without a line here does not compile, and a default that changed fails the test.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{Currency, Params, from_text};
use crate::event::{Grade, Points, Segment};
use crate::risk::params::{BelowShipped, Reckoned, Reckoning, Weighing};
use crate::risk::score::{Code, Table};
use crate::risk::{AlertLevels, CourseLevels, LossLevels, ProposalLevels, ScoreLevels};

const HEAD: &str = "\
# Everything that changes results, with its documented default: what a file leaves out stays as it is here. A file of your own
# needs only what it changes, and a `version` of its own, which every output names. `vigie replay --params FILE` takes it.
#
# Amounts are whole units of the base currency, points go in steps of 0.25, and a list of six is by grade, A to F. A table of
# [measure, points] is linear between its knots and flat outside.
#
# Written by `make params` from the code.
";

/// How a value stands in the file.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($kind:ty: |$value:ident| $shown:expr;)*) => {
        $(impl Shown for $kind {
            fn shown(&self) -> String {
                let $value = self;
                $shown
            }
        })*
    };
}

shown! {
    u8: |number| number.to_string();
    u16: |number| number.to_string();
    u32: |number| number.to_string();
    u64: |number| number.to_string();
    Points: |points| points.to_string();
    Currency: |currency| format!("{:?}", currency.as_str());
    Grade: |grade| format!("{:?}", grade.as_str());
    Segment: |segment| format!("{:?}", segment.as_str());
    Table: |table| list(table.knots(), |(measure, points)| format!("[{measure}, {points}]"));
    BelowShipped: |is| match is {
        BelowShipped::Never => "\"never\"".to_owned(),
        BelowShipped::Allowed => "\"allowed\"".to_owned(),
    };
    Reckoned: |is| match is {
        Reckoned::Yes => "\"yes\"".to_owned(),
        Reckoned::No => "\"no\"".to_owned(),
    };
    Weighing: |is| match is {
        Weighing::Told => "\"no\"".to_owned(),
        Weighing::Weighed => "\"yes\"".to_owned(),
    };
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> String {
        list(self, Shown::shown)
    }
}

impl<T: Shown, const N: usize> Shown for [T; N] {
    fn shown(&self) -> String {
        list(self, Shown::shown)
    }
}

fn list<T>(all: &[T], shown: impl Fn(&T) -> String) -> String {
    format!("[{}]", all.iter().map(shown).collect::<Vec<_>>().join(", "))
}

/// A line of comment and a line `key = value` for each field of a struct; none may be left out, `_` are tables of their own.
macro_rules! keys {
    ($text:expr, $of:expr, $kind:ident { $($key:ident: $comment:literal,)* } besides { $($table:ident),* }) => {{
        let $kind { $($key,)* $($table: _,)* } = $of;
        $(let _ = writeln!($text, "\n# {}\n{} = {}", $comment, stringify!($key), $key.shown());)*
    }};
}

fn documented(params: &Params) -> String {
    let mut text = HEAD.to_owned();
    let Params { version, base, instant_ms, retention_days, alerts, score, loss, proposals, reckon } = params;
    assert_eq!(*retention_days, None, "the file shows it as left out");
    let mut key = |comment: &str, line: String| text += &format!("\n# {comment}\n{line}\n");
    key("The version of these params, 1 or more.", format!("version = {version}"));
    key("The currency that figures are reported in; `--base` goes before it.", format!("base = {}", base.shown()));
    key("Buyers changed within so many milliseconds are judged together.", format!("instant_ms = {instant_ms}"));
    key(
        "Closed documents older than so many days are forgotten, and refused; left out: they are kept for ever.",
        "# retention_days = 730".to_owned(),
    );
    reckon_of(&mut text, reckon);
    alerts_of(&mut text, alerts);
    loss_of(&mut text, loss);
    proposals_of(&mut text, proposals);
    score_of(&mut text, score);
    course_of(&mut text, &score.course);
    text += "\n# What each measure is worth. Shares are in thousandths, days in tenths, ratios of accounts in 10^-4.\n[score.tables]\n";
    for code in Code::ALL {
        let _ = writeln!(text, "# {}\n{} = {}", measured(*code), code.as_str(), score.table(*code).shown());
    }
    text
}

fn reckon_of(text: &mut String, reckon: &Reckoning) {
    *text += "\n# What is reckoned of a buyer beside what it owes: \"yes\" or \"no\". What is told of it is kept either way.\n[reckon]\n";
    keys!(text, reckon, Reckoning {
        score: "Its score. Where it is not, every buyer has score 0 and grade A.",
        cover: "What its covers carry. Where it is not, none carries anything, and all exposure is retained.",
    } besides {});
}

fn alerts_of(text: &mut String, levels: &AlertLevels) {
    *text += "\n# When rules raise and clear alerts.\n[alerts]\n";
    keys!(text, levels, AlertLevels {
        limit_warning_pct: "limit_exceeded is a warning over this share of the limit, in per cent.",
        limit_critical_pct: "limit_exceeded is critical over this share of the limit, in per cent.",
        limit_clear_pct: "limit_exceeded clears at or under this share of the limit, in per cent.",
        stop_ahead_days: "cover_stop_ahead looks so many days ahead.",
        declaration_ahead_days: "declaration_due looks so many days ahead.",
        declaration_critical_days: "declaration_due is critical within so many days.",
        expiring_ahead_days: "cover_expiring looks so many days ahead.",
        expiring_warning_days: "cover_expiring is a warning within so many days.",
        lost_critical_pct: "cover_lost is critical over this share of what the cover carried, in per cent.",
        uncovered_amount: "uncovered_exposure is raised over this amount retained,",
        uncovered_pct: "and over this share of exposure retained, in per cent.",
        uncovered_critical_amount: "uncovered_exposure is critical over this amount retained.",
        uncovered_clear_pct: "uncovered_exposure clears under this share of its levels, in per cent.",
    } besides {});
}

fn loss_of(text: &mut String, levels: &LossLevels) {
    *text += "\n# What a default is expected to cost.\n[loss]\n";
    keys!(text, levels, LossLevels {
        default_probability_bp: "How likely a buyer fails within a year, in hundredths of a per cent.",
        insolvent_probability_bp: "The same under safeguard, receivership or liquidation.",
        loss_given_default_pct: "What is lost of what is retained when a buyer fails, in per cent.",
    } besides {});
}

fn proposals_of(text: &mut String, levels: &ProposalLevels) {
    *text += "\n# When lower limits are proposed, and what needs no asking.\n[proposals]\n";
    keys!(text, levels, ProposalLevels {
        keep_named_pct: "What a named buyer keeps at most of the limit last set from outside, in per cent.",
        keep_unnamed_pct: "The same of an unnamed buyer, or one whose segment is not known.",
        retained_from: "From this grade on, what a limit used in full would leave retained is held against the next two.",
        retained_named: "What may be retained of a named buyer.",
        retained_unnamed: "What may be retained of an unnamed buyer.",
        below_shipped: "Whether a limit may be proposed below what is shipped and unpaid: \"never\" or \"allowed\".",
        step_min: "Proposed limits are multiples of at least this, in whole units of the limit's own currency.",
        min_cut_pct: "The least cut worth a proposal, in per cent of the limit.",
        min_cut_amount: "The least cut worth a proposal.",
        cooldown_days: "Nothing new is proposed for so many days after a decision, unless the grade is worse.",
        superseded_after_days: "A proposal that is no longer called for stays open for so many days after it was made.",
        expires_days: "A proposal on which nobody decides expires after so many days.",
        notice_named_days: "Days from a decision to the day on which the lower limit of a named buyer holds.",
        notice_unnamed_days: "The same of an unnamed buyer.",
        four_eyes_above: "A cut of more than this must be approved by two people.",
        auto_segments: "Segments for which proposals are applied without asking, \"named\" or \"unnamed\",",
        auto_grades: "at these grades,",
        auto_up_to: "up to this cut.",
        weigh_margin: "Whether a cut that is expected to cost more margin than it saves is left undone: \"yes\" or \"no\".",
        margin_pct: "The margin on sales, in per cent.",
        turnover_per_year: "How often a year a limit in use is turned over.",
    } besides {});
}

fn score_of(text: &mut String, levels: &ScoreLevels) {
    *text += "\n# The weights of the score.\n[score]\n";
    keys!(text, levels, ScoreLevels {
        slow_free: "Points of the slow payer up to these count nothing in the score.",
        slow_weight_pct: "What its further points count, in per cent.",
        slow_half_life_days: "Half of what a buyer usually did counts after so many days.",
        fast_half_life_days: "Half of what it did lately counts after so many days.",
        grades: "The lowest score of grades B to F.",
        grade_margin: "A grade is left for a better one only so many points below its lowest score.",
        accounts: "[what known accounts say, in 10^-4 of the worst that they could; points].",
        fresh_days: "Ratings of so many days say all they say; accounts half a year longer.",
        fading_days: "From there on they fade over so many days,",
        stale_pct: "to this share, in per cent.",
        incident_fresh_days: "Incidents of so many days say all they say.",
        incident_fading_days: "From there on they fade over so many days, to the same share.",
        incident_weights: "What an incident counts: unpaid, rejected payment, protest, litigation.",
        growth_amount: "Exposure is compared with the buyer's own level from this much on.",
        season_months: "Months (1 to 12) in which more is usual, for a buyer without a year behind it,",
        season_pct: "and how much more, in per cent of the usual.",
    } besides { tables, course });
}

fn course_of(text: &mut String, levels: &CourseLevels) {
    *text += "\n# When the course of a score is worth an alert.\n[score.course]\n";
    keys!(text, levels, CourseLevels {
        worsened_grade: "grade_worsened is raised from this grade on,",
        worsened_rise: "where the score has risen by so many points since the buyer settled,",
        worsened_days: "for so many days;",
        at_once_fail: "a failing score of so many points needs no waiting.",
        sudden_points: "sudden_deterioration is raised from so many points of sudden reasons on,",
        sudden_score: "where the score is at least this,",
        sudden_days: "for so many days.",
        calm_days: "An alert is over after so many calm days.",
        cooldown_days: "Another is raised so many days after the last at the earliest, unless it is worse.",
        known_payments: "A buyer is known after so many payments",
        known_days: "and so many days; until then its score only settles.",
        settle_days: "A better grade is settled at after so many days.",
        small_retained: "Under this much retained an alert is one step less severe.",
        large_retained: "Over this much retained an alert is one step more severe.",
    } besides {});
}

/// What a measure is, and in which unit.
fn measured(code: Code) -> &'static str {
    match code {
        Code::LateShare => "Share of invoices paid late, in thousandths.",
        Code::UsualDelay => "Days late on average by amount, no invoice for more than a few days, in tenths.",
        Code::DaysBeyondTerms => "Days late on average by amount, in tenths.",
        Code::LateOver30 => "Share of invoices paid over 30 days late, in thousandths.",
        Code::RecentDelay => "Days late on average lately, in tenths.",
        Code::BrokenHabit => {
            "Open invoices later than the buyer ever used to be, over what it pays in a month, in thousandths."
        }
        Code::OverdueOld => "Share of invoices open over 60 days late, in thousandths.",
        Code::DelayRising => "Payments later and later than its own habit: the sum of change, in tenths of a spread.",
        Code::PartialPayments => "Share of recent payments that pay a part, in thousandths.",
        Code::ReversedPayments => "Payments reversed lately, in thousandths of an invoice.",
        Code::Disputes => "Share of invoices disputed, in thousandths.",
        Code::WrittenOff => "Share of invoices written off, in thousandths.",
        Code::Incidents => "Incidents reported, as `incident_weights` count them.",
        Code::Rating => "An agency's rating, or what its probability of default stands for, in tenths of a grade.",
        Code::RatingFallen => "Grades that a rating fell within a year.",
        Code::Insolvency => "The procedure in force: 1 conciliation, 2 safeguard, 3 receivership, 4 liquidation.",
        Code::ExposureGrowth => "Exposure over its usual level, in thousandths.",
        Code::Utilisation => "Exposure over the limit, in thousandths.",
        Code::SalesTrend => "Accounts: sales over those of the year before, in 10^-4.",
        Code::RetainedEarnings => "Accounts: retained earnings over total assets, in 10^-4.",
        Code::OperatingReturn => "Accounts: earnings before interest and tax over total assets, in 10^-4.",
        Code::CurrentRatio => "Accounts: current assets over current liabilities, in 10^-4.",
        Code::CashFlowToDebt => "Accounts: net income plus depreciation over total liabilities, in 10^-4.",
        Code::DepreciationToDebt => "Accounts: depreciation over total liabilities, in 10^-4.",
        Code::IncomeToShortDebt => "Accounts: net income over current liabilities, in 10^-4.",
        Code::CashRatio => "Accounts: cash over current liabilities, in 10^-4.",
        Code::EquityToDebt => "Accounts: equity over total liabilities, in 10^-4.",
        Code::Leverage => "Accounts: total liabilities over total assets, in 10^-4.",
        Code::DebtService => "Accounts: earnings over financial expenses, in 10^-4.",
    }
}

#[test]
fn the_file_at_the_top_says_every_default() {
    let params = Params::new(Currency::parse("EUR").expect("a currency"));
    let text = documented(&params);
    assert_eq!(from_text(&text, None).as_ref(), Ok(&params), "what is written is not what is read");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("params.toml");
    #[expect(clippy::disallowed_methods, reason = "`make params` is the way to rewrite the file")]
    let update = std::env::var_os("UPDATE").is_some();
    if update {
        fs::write(&path, &text).expect("a file that can be written");
    }
    let written = fs::read_to_string(&path).expect("params.toml at the top of the repository");
    assert!(written == text, "params.toml is not what the code says; to take it as it is now: make params");
}
