//! Owns fresh ids: each loop of a stream names its events and documents anew, and its buyers and sellers as they are.

use crate::base::hash::stable_hash_of;
use crate::event::Id;
use crate::wire::encode::push_text;
use crate::wire::outline::{Span, text_at};

/// The fields that name a document of the stream.
pub const DOCUMENTS: &[&str] =
    &["invoice_id", "credit_note_id", "order_id", "payment_id", "allocation_id", "cover_id", "incident_id"];

/// What the ids of a loop end with (0 is the first loop, whose ids stay).
pub fn suffix(round: u32) -> String {
    if round == 0 { String::new() } else { format!("-r{}", u64::from(round) + 1) }
}

/// Appends a string of JSON with the suffix at its end. An id that would be too long with it keeps its beginning and gets a hash
/// of the whole, so that it still has one name in all places.
pub fn push_renewed(value: &[u8], span: Span, suffix: &str, out: &mut Vec<u8>) {
    let written = &value[span.start..span.end];
    let Some(text) = text_at(value, span) else {
        // No string: for others to refuse.
        out.extend_from_slice(written);
        return;
    };
    if text.len() + suffix.len() <= Id::BYTES_MAX {
        out.extend_from_slice(&written[..written.len() - 1]);
        out.extend_from_slice(suffix.as_bytes());
        out.push(b'"');
        return;
    }
    let end = format!("~{:016x}{suffix}", stable_hash_of(text.as_bytes()) as u64);
    let room = Id::BYTES_MAX.saturating_sub(end.len());
    let kept = text.floor_char_boundary(room.min(text.len()));
    push_text(out, &format!("{}{end}", &text[..kept]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, FieldKind};

    /// Ids that are no documents of the stream: who somebody is, and what the monitor itself gave a name.
    const KEPT: &[&str] = &["parent_id", "agency", "proposal_id", "alert_id", "decided_by"];

    fn renewed(written: &str, suffix: &str) -> String {
        let mut out = Vec::new();
        push_renewed(written.as_bytes(), Span { start: 0, end: written.len() }, suffix, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn every_id_of_the_contract_is_renewed_or_kept_on_purpose() {
        let ids = Body::SPECS.iter().flat_map(|spec| spec.fields).filter(|field| field.kind == FieldKind::Id);
        for field in ids {
            let is_document = DOCUMENTS.contains(&field.name);
            assert!(is_document != KEPT.contains(&field.name), "{} is neither or both", field.name);
        }
    }

    #[test]
    fn an_id_gets_the_suffix_of_its_loop() {
        assert_eq!((suffix(0), suffix(1), suffix(9)), (String::new(), "-r2".to_owned(), "-r10".to_owned()));
        assert_eq!(renewed(r#""F-1""#, "-r2"), r#""F-1-r2""#);
        assert_eq!(renewed(r#""a\"\u00e9""#, "-r2"), r#""a\"\u00e9-r2""#);
        assert_eq!(renewed("17", "-r2"), "17");
    }

    #[test]
    fn an_id_that_would_be_too_long_stays_an_id_of_its_own() {
        let text = |end: char| format!("\"{}{end}\"", "é".repeat(63));
        let fits = format!("\"{}\"", "a".repeat(125));
        assert_eq!(renewed(&fits, "-r2").len(), 128 + 2);
        let (one, other) = (renewed(&text('1'), "-r2"), renewed(&text('2'), "-r2"));
        assert_ne!(one, other);
        assert_eq!(one, renewed(&text('1'), "-r2"));
        assert!(one.len() <= 128 + 2 && one.ends_with("-r2\""), "{one}");
        assert!(Id::parse(one.trim_matches('"')).is_some());
    }
}
