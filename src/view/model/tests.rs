//! The read model as it is fed: in any order of topics, to its limits, and with what does not belong there.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::view::samples::{alert, approved, closed, exposure, feed, hold, limit, proposed, shown, snoozed};

/// The instant of a second of some day.
fn at(second: usize) -> String {
    format!("2026-03-{:02}T{:02}:{:02}:{:02}Z", 1 + second / 86_400, second / 3_600 % 24, second / 60 % 60, second % 60)
}

fn fed(events: &[Value]) -> ReadModel {
    let model = ReadModel::default();
    feed(&model, events);
    model
}

#[test]
fn an_alert_is_raised_escalated_and_cleared() {
    let model = fed(&[
        exposure("b", &at(0), json!({"name": "Bee"})),
        alert("raised", "b", "a1", &at(1), json!({"severity": "info"})),
        alert("raised", "b", "a2", &at(2), json!({"severity": "warning"})),
        alert("escalated", "b", "a1", &at(3), json!({"severity": "critical"})),
    ]);
    let buyer = model.buyer("b").expect("known");
    let row = model.row(&buyer);
    assert_eq!((row.open_alerts, row.worst_severity), (2, Some(Severity::Critical)));
    let alert_1 = model.alert_of("a1").expect("known");
    assert_eq!((alert_1.raised_at.0, alert_1.changed_at.0), (instant(&at(1)), instant(&at(3))));
    assert_eq!((alert_1.buyer_name.as_deref(), alert_1.is_open()), (Some("Bee"), true));
    feed(&model, &[alert("cleared", "b", "a1", &at(4), json!({"severity": "critical"}))]);
    let row = model.row(&buyer);
    assert_eq!((row.open_alerts, row.worst_severity), (1, Some(Severity::Warning)));
    let ids: Vec<String> = model.alerts_of("b").into_iter().map(|alert| alert.alert_id).collect();
    assert_eq!(ids, ["a2", "a1"], "those that are open come first");
    let cleared = model.alert_of("a1").expect("known still");
    assert_eq!((cleared.is_open(), cleared.raised_at.0), (false, instant(&at(1))));
    assert_eq!(model.clock(), Some(instant(&at(4))));
}

fn instant(text: &str) -> Instant {
    Instant::parse(text).expect("an instant")
}

#[test]
fn a_snooze_holds_whether_it_is_read_before_its_alert_or_after() {
    let raised = alert("raised", "b", "a", &at(1), json!({}));
    let snooze = snoozed("b", "a", &at(5), "2026-12-15", "m.keller");
    let earlier = snoozed("b", "a", &at(4), "2026-12-01", "somebody");
    let models = [
        fed(&[raised.clone(), earlier.clone(), snooze.clone()]),
        fed(&[earlier.clone(), snooze.clone(), raised.clone()]),
        // Another partition brings the older one last: decisions are told by their time.
        fed(&[snooze, raised, earlier]),
    ];
    for model in models {
        let alert = model.alert_of("a").expect("known");
        let until = alert.snoozed_until.map(|until| until.0.to_string());
        assert_eq!((until.as_deref(), alert.snoozed_by.as_deref()), (Some("2026-12-15"), Some("m.keller")));
    }
}

#[test]
fn a_proposal_goes_through_its_versions_and_only_approvals_of_the_latest_count() {
    let model = fed(&[
        proposed("b", "p", 1, &at(1), json!({"approvals_needed": 2, "proposed_limit": "9.00"})),
        approved("b", "p", 1, &at(2), "one"),
        proposed("b", "p", 2, &at(3), json!({"approvals_needed": 2, "proposed_limit": "8.00"})),
    ]);
    let second = model.proposal_of("p").expect("known");
    assert_eq!((second.version, second.approvals.len()), (2, 0));
    assert_eq!((second.proposed_at.0, second.changed_at.0), (instant(&at(1)), instant(&at(3))));
    assert_eq!(&*second.proposed_limit, "8.00");
    feed(&model, &[approved("b", "p", 2, &at(4), "one"), approved("b", "p", 2, &at(5), "one")]);
    let names = |proposal: &Proposal| -> Vec<String> {
        proposal.approvals.iter().map(|approval| approval.decided_by.clone()).collect()
    };
    let once = model.proposal_of("p").expect("known");
    assert_eq!((names(&once), once.is_open()), (vec!["one".to_owned()], true), "twice the same is one");
    feed(&model, &[approved("b", "p", 2, &at(6), "two"), closed("b", "p", 2, &at(7), "approved")]);
    let done = model.proposal_of("p").expect("known");
    assert_eq!((done.state, done.outcome.as_deref()), (ProposalState::Closed, Some("approved")));
    assert_eq!(names(&done), ["one", "two"]);
    assert_eq!(model.proposals(Proposal::is_open).len(), 0);
}

#[test]
fn what_is_kept_of_a_buyer_ends_at_its_limits() {
    for (told, kept) in [(HISTORY_MAX, HISTORY_MAX), (HISTORY_MAX + 1, HISTORY_MAX)] {
        let mut events = Vec::new();
        for number in 0..told {
            let (id, time) = (format!("{number:03}"), at(number));
            events.push(alert("raised", "b", &id, &time, json!({})));
            events.push(alert("cleared", "b", &id, &time, json!({})));
            events.push(proposed("b", &id, 1, &time, json!({})));
            events.push(approved("b", &id, 1, &time, "one"));
            events.push(closed("b", &id, 1, &time, "rejected"));
            events.push(limit("b", &time, json!({"new_limit": format!("{number}.00")})));
            events.push(hold("b", &time, &id, json!({"order_id": id})));
        }
        let model = fed(&events);
        assert_eq!((model.alerts_of("b").len(), model.alerts(|_| true).len()), (kept, kept));
        assert_eq!((model.proposals_of("b").len(), model.proposals(|_| true).len()), (kept, kept));
        assert_eq!((model.limits_of("b").len(), model.limits().len()), (kept, kept));
        let oldest_is_kept = told == kept;
        assert_eq!(model.alert_of("000").is_some(), oldest_is_kept);
        assert_eq!(model.proposal_of("000").is_some(), oldest_is_kept);
        let order_id = |number: usize| format!("{number:03}");
        let seller = |event: &Value| event["data"]["seller_id"].as_str().expect("a seller").to_owned();
        let seller = seller(&hold("b", &at(0), "x", json!({})));
        assert_eq!(model.hold_of("b", &seller, &order_id(0)).is_some(), oldest_is_kept);
        assert!(model.hold_of("b", &seller, &order_id(told - 1)).is_some());
        assert_eq!(model.approvals.len(), kept, "approvals go with their proposals");
        let latest = model.limits_of("b")[0].new_limit.clone();
        assert_eq!(latest, Some(format!("{}.00", told - 1)));
    }
}

#[test]
fn decisions_are_kept_to_a_number_and_with_them_what_they_say_of_what_never_came() {
    let model = ReadModel::default();
    let approval = approved("b", "NUMBER", 1, &at(1), "one").to_string();
    let snooze = snoozed("b", "NUMBER", &at(1), "2026-12-15", "one").to_string();
    for number in 0..=DECISIONS_MAX {
        let text = if number % 2 == 0 { &approval } else { &snooze };
        let text = text.replace("NUMBER", &number.to_string()).replace("\"id\":\"", &format!("\"id\":\"{number} "));
        model.feed(Fed::Decisions, None, Some(text.as_bytes())).expect("fed");
        if number + 1 == DECISIONS_MAX {
            assert_eq!(model.decisions.len(), DECISIONS_MAX, "at the limit");
        }
    }
    assert_eq!((model.decisions.len(), model.decided.lock().expect("whole").len()), (DECISIONS_MAX, DECISIONS_MAX));
    assert_eq!(model.snoozes.len() + model.approvals.len(), DECISIONS_MAX);
    assert!(!model.approvals.contains_key(&("0".to_owned(), 1)) && model.approvals.contains_key(&("2".to_owned(), 1)));
}

#[test]
fn a_tombstone_takes_a_buyer_away_and_nothing_else() {
    let model = fed(&[
        exposure("b", &at(0), json!({})),
        exposure("c", &at(0), json!({})),
        alert("raised", "b", "a", &at(1), json!({})),
    ]);
    for other in [Fed::Alerts, Fed::LimitProposals, Fed::LimitChanges, Fed::Decisions, Fed::OrderDecisions] {
        assert!(model.feed(other, Some(b"b"), None).expect("nothing").is_none());
    }
    model.feed(Fed::Exposures, None, None).expect("nothing");
    model.feed(Fed::Exposures, Some(b"\xff"), None).expect("nothing");
    assert_eq!(model.buyers(), 2);
    model.feed(Fed::Exposures, Some(b"b"), None).expect("taken away");
    assert!(model.buyer("b").is_none() && model.buyer("c").is_some() && model.alert_of("a").is_some());
}

#[test]
fn what_is_no_output_of_vigie_is_refused_and_changes_nothing() {
    let whole = [
        exposure("b", &at(0), json!({})),
        alert("raised", "b", "a", &at(1), json!({})),
        proposed("b", "p", 1, &at(2), json!({})),
        limit("b", &at(3), json!({})),
        hold("b", &at(4), "e", json!({})),
        snoozed("b", "a", &at(5), "2026-12-15", "m"),
    ];
    let model = fed(&whole);
    let before = shown(&model, &["b"]);
    let clock = model.clock();
    let mut refused = 0;
    for event in &whole {
        let home = crate::view::samples::home(event);
        let text = event.to_string().replace("2026-03", "2029-03");
        for from in Fed::ALL {
            // On a topic where it is not at home; that of decisions has other types, which are the engine's business.
            if from != home && from != Fed::Decisions {
                assert!(model.feed(from, None, Some(text.as_bytes())).is_err(), "{from:?}: {event}");
                refused += 1;
            }
        }
        let fields: Vec<String> = event["data"].as_object().expect("data").keys().cloned().collect();
        for field in &fields {
            for strange in [json!([[]]), json!({"a": 1})] {
                let mut wrong = event.clone();
                wrong["time"] = json!("2029-01-01T00:00:00Z");
                if wrong["data"][field].is_array() || wrong["data"][field].is_object() {
                    continue;
                }
                wrong["data"][field] = strange;
                // A field that is not looked at may be anything.
                let other = fed(&whole);
                if other.feed(home, None, Some(wrong.to_string().as_bytes())).is_err() {
                    refused += 1;
                    assert_eq!((shown(&other, &["b"]), other.clock()), (before.clone(), clock), "{field}: {event}");
                }
            }
        }
        for cut in [0, 1, 30, text.len() / 2, text.len() - 1] {
            assert!(model.feed(home, None, Some(&text.as_bytes()[..cut])).is_err(), "{cut} bytes of {text}");
        }
        for name in ["type", "subject", "time", "data"] {
            let mut wrong = event.clone();
            wrong.as_object_mut().expect("an object").remove(name);
            assert!(model.feed(home, None, Some(wrong.to_string().as_bytes())).is_err(), "without {name}: {event}");
        }
    }
    assert!(refused > 100, "{refused}");
    let other = exposure("b", &at(9), json!({"buyer_id": "c"}));
    assert!(model.feed(Fed::Exposures, None, Some(other.to_string().as_bytes())).is_err());
    assert_eq!((shown(&model, &["b"]), model.clock()), (before, clock));
}

/// A life of two buyers on each topic.
fn topics() -> Vec<Vec<Value>> {
    let mut topics: Vec<Vec<Value>> = vec![Vec::new(); 6];
    for buyer in ["b", "c"] {
        let id = |name: &str| format!("{buyer}-{name}");
        let next = |topic: usize, list: Vec<Value>, topics: &mut Vec<Vec<Value>>| topics[topic].extend(list);
        let rows = (0..3)
            .map(|n| exposure(buyer, &at(n), json!({"name": format!("{buyer}{n}"), "exposure": format!("{n}.00")})));
        next(0, rows.collect(), &mut topics);
        let alerts = vec![
            alert("raised", buyer, &id("1"), &at(10), json!({"severity": "info"})),
            alert("raised", buyer, &id("2"), &at(11), json!({"severity": "warning"})),
            alert("escalated", buyer, &id("1"), &at(12), json!({"severity": "critical"})),
            alert("cleared", buyer, &id("2"), &at(13), json!({"severity": "warning"})),
            alert("raised", buyer, &id("3"), &at(14), json!({"severity": "warning"})),
        ];
        next(1, alerts, &mut topics);
        let proposals = vec![
            proposed(buyer, &id("p"), 1, &at(10), json!({"approvals_needed": 2})),
            proposed(buyer, &id("p"), 2, &at(11), json!({"approvals_needed": 2})),
            closed(buyer, &id("p"), 2, &at(15), "approved"),
            proposed(buyer, &id("q"), 1, &at(16), json!({})),
        ];
        next(2, proposals, &mut topics);
        let limits = (0..3).map(|n| limit(buyer, &at(15 + n / 2), json!({"new_limit": format!("{n}.00")})));
        next(3, limits.collect(), &mut topics);
        let decisions = vec![
            approved(buyer, &id("p"), 2, &at(12), "one"),
            approved(buyer, &id("p"), 2, &at(13), "two"),
            snoozed(buyer, &id("3"), &at(14), "2026-12-01", "one"),
            snoozed(buyer, &id("3"), &at(15), "2026-12-09", "two"),
        ];
        next(4, decisions, &mut topics);
        let holds = vec![hold(buyer, &at(3), "e1", json!({})), hold(buyer, &at(4), "e2", json!({"granted": true}))];
        next(5, holds, &mut topics);
    }
    topics
}

proptest! {
    #[test]
    fn the_order_of_topics_changes_nothing(choices in prop::collection::vec(0_usize..6, 0..90)) {
        static TOPICS: LazyLock<Vec<Vec<Value>>> = LazyLock::new(topics);
        static EXPECTED: LazyLock<Value> = LazyLock::new(|| shown(&fed(&TOPICS.concat()), &["b", "c"]));
        let mut left: Vec<_> = TOPICS.iter().map(|topic| topic.iter().cloned()).collect();
        let mut mixed: Vec<Value> = choices.iter().filter_map(|topic| left[*topic].next()).collect();
        mixed.extend(left.into_iter().flatten());
        prop_assert_eq!(&shown(&fed(&mixed), &["b", "c"]), &*EXPECTED);
    }
}

#[test]
fn records_that_come_twice_change_nothing() {
    let events = topics().concat();
    let once = shown(&fed(&events), &["b", "c"]);
    // A whole topic again is not its order; the last record of each is.
    let mut twice = events.clone();
    for topic in topics() {
        twice.extend(topic.last().cloned());
    }
    assert_eq!(shown(&fed(&twice), &["b", "c"]), once);
}
