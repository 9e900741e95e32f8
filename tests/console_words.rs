//! The console's words against the engine's codes: each has words in both languages, and each measure a sentence in French.

use std::path::Path;

use vigie::event::{AlertKind, Layer, LimitChangeCause, ProposalMode, ProposalOutcome, Segment, Severity};
use vigie::risk::score::Code;

/// Codes that rules give beside the kinds of alerts and the score's own.
const OF_RULES: &[&str] = &[
    "insolvency",
    "grade",
    "cover_lost",
    "cover_below_limit",
    "shipped",
    "pending_orders",
    "payments_unknown",
    "rating_unknown",
    "accounts_unknown",
    "altman_z",
];
/// Measures that the engine says by names and days, which the console turns by the sentence and not by the measure.
const BY_SENTENCE: &[Code] = &[Code::Incidents, Code::Rating, Code::Insolvency];

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/io/http/console").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_code_of_the_engine_has_words_in_both_languages() {
    let mut keys: Vec<String> = Vec::new();
    let mut add = |family: &str, codes: Vec<&str>| keys.extend(codes.iter().map(|code| format!("'{family}.{code}': ")));
    add("kind", AlertKind::ALL.iter().map(|kind| kind.as_str()).collect());
    add("severity", Severity::ALL.iter().map(|severity| severity.as_str()).collect());
    add("layer", Layer::ALL.iter().map(|layer| layer.as_str()).collect());
    add("segment", Segment::ALL.iter().map(|segment| segment.as_str()).collect());
    add("mode", ProposalMode::ALL.iter().map(|mode| mode.as_str()).collect());
    add("outcome", ProposalOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect());
    add("cause", LimitChangeCause::ALL.iter().map(|cause| cause.as_str()).collect());
    add("reason", Code::ALL.iter().map(|code| code.as_str()).collect());
    // A reason without words of its own takes those of the kind of alert.
    add("reason", OF_RULES.iter().copied().filter(|code| AlertKind::parse(code).is_none()).collect());
    for language in ["words-en.js", "words-fr.js"] {
        let words = read(language);
        let missing: Vec<&String> = keys.iter().filter(|key| !words.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "{language} lacks {missing:?}");
    }
}

#[test]
fn every_measure_of_the_score_has_a_sentence_in_french() {
    let sentences = read("reasons-fr.js");
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !BY_SENTENCE.contains(code))
        .map(|code| code.as_str())
        .filter(|code| !sentences.contains(&format!("\n  {code}: ")))
        .collect();
    assert!(missing.is_empty(), "reasons-fr.js lacks {missing:?}");
}
