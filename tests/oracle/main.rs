//! Tests reports and counts against the reference implementation's, kept as golden files, and the generator behind them.

mod broken;
mod case;
mod compare;
mod dice;
mod kept;
mod probe;
mod shrink;
mod spelling;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use case::{Kind, case};
use compare::{differences, file, ours};
use dice::Dice;
use kept::Golden;

fn goldens() -> Vec<Golden> {
    kept::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/oracle")).unwrap()
}

#[test]
fn reports_and_counts_are_those_of_the_reference_on_any_number_of_partitions() {
    for golden in goldens() {
        for (settings, wanted) in &golden.answers {
            for partitions in [1, 12] {
                let told = differences(wanted, &ours(&golden.lines, settings, partitions).unwrap());
                assert!(told.is_empty(), "{} with {settings:?}, {partitions}:\n{}", golden.name, told.join("\n"));
            }
        }
    }
}

#[test]
fn the_order_of_arrival_changes_neither_reports_nor_counts() {
    for mut golden in goldens().into_iter().filter(|golden| golden.kind == Kind::AnyOrder) {
        let (settings, wanted) = golden.answers.pop().unwrap();
        for turn in 0..2 {
            Dice::new(turn, 0).shuffle(&mut golden.lines);
            let told = differences(&wanted, &ours(&golden.lines, &settings, 12).unwrap());
            assert!(told.is_empty(), "{} shuffled:\n{}", golden.name, told.join("\n"));
        }
    }
}

#[test]
fn the_golden_files_hold_every_type_and_every_refusal_that_a_file_can_hold() {
    let mut counts = BTreeSet::new();
    let mut text = String::new();
    for golden in goldens() {
        counts.extend(golden.answers.iter().flat_map(|(_, answer)| answer.counts.keys().cloned()));
        text.push_str(&String::from_utf8_lossy(&file(&golden.lines)));
    }
    let wanted = [
        "applied",
        "duplicate",
        "refused conflict",
        "refused future_time",
        "refused invalid_field",
        "refused malformed",
        "refused missing_field",
        "refused not_open",
        "refused too_large",
        "refused unknown_type",
        "skipped",
    ];
    assert_eq!(counts.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
    // The reference knows no snoozing, which changes no figure, and no holds, which tests/laws has a twin for.
    let is_known = |name: &str| !matches!(name, "alert.snoozed" | "order.held");
    for spec in vigie::event::Body::SPECS.iter().filter(|spec| is_known(spec.name)) {
        assert!(text.contains(&format!("\"{}\"", spec.name)), "no {} in the golden files", spec.name);
    }
}

#[test]
fn the_golden_reports_hold_every_figure() {
    let rows: Vec<_> =
        goldens().into_iter().flat_map(|golden| golden.answers).flat_map(|(_, answer)| answer.rows).collect();
    for column in compare::COLUMNS.iter().filter(|column| !matches!(**column, "buyer_id" | "as_of" | "currency")) {
        let differing: BTreeSet<String> = rows.iter().map(|row| row[*column].to_string()).collect();
        assert!(differing.len() > 1, "{column} is always {differing:?}");
    }
}

#[test]
fn a_seed_gives_the_same_file_every_time() {
    let drawn = |seed, kind| {
        let case = case(seed, kind);
        (file(&case.lines), case.now, case.as_of, case.base, case.kind.word())
    };
    assert_eq!(drawn(3, Kind::AnyOrder), drawn(3, Kind::AnyOrder));
    assert_ne!(drawn(3, Kind::AnyOrder), drawn(4, Kind::AnyOrder));
    assert_ne!(drawn(3, Kind::AnyOrder).0, drawn(3, Kind::Conflicts).0);
}

#[test]
fn a_difference_names_the_buyer_the_column_and_both_values() {
    let (_, wanted) = goldens()[0].answers[0].clone();
    let mut found = wanted.clone();
    found.rows[0]["exposure"] = "1.00".into();
    *found.counts.get_mut("applied").unwrap() += 1;
    let told = differences(&wanted, &found);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("count \"applied\": the oracle has "), "{told:?}");
    assert!(told[1].contains("exposure: the oracle has ") && told[1].ends_with("vigie \"1.00\""), "{told:?}");
}

#[test]
fn a_file_is_shrunk_to_the_lines_that_show_the_fault() {
    let lines: Vec<Vec<u8>> = (0..100_u8).map(|number| vec![number]).collect();
    let mut shows = |lines: &[Vec<u8>]| lines.contains(&vec![17]) && lines.contains(&vec![71]);
    assert_eq!(shrink::shrink(&lines, 1000, &mut shows), [vec![17], vec![71]]);
}
