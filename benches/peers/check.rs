//! Whether a side told what it should have: a fast wrong answer is no answer.

use serde_json::Value;
use vigie::io::kafka::{CommittedReader, Settings};
use vigie::runtime::TopicId;

use crate::side::Run;
use crate::stream::{Alerts, Stream};
use crate::support::Outcome;

/// Reads what a run told and committed, and compares it with what the stream leads to.
pub fn check(run: &Run<'_>, stream: Stream, expected: &Alerts) -> Outcome<()> {
    let told = told(run, stream)?;
    let differ = told.open.iter().zip(&expected.open).filter(|(told, expected)| told != expected).count();
    if differ > 0 || told.raised != expected.raised || told.cleared != expected.cleared {
        return Err(format!(
            "{}: {differ} buyers' alerts are open that should not be, or the other way round; it raised {} and cleared {} where \
             {} and {} were due",
            run.name, told.raised, told.cleared, expected.raised, expected.cleared
        )
        .into());
    }
    Ok(())
}

fn told(run: &Run<'_>, stream: Stream) -> Outcome<Alerts> {
    let mut told = Alerts { open: vec![false; stream.buyers as usize], raised: 0, cleared: 0 };
    let settings = Settings::new(&run.broker.address(), "check");
    let mut reader = CommittedReader::open(&settings, &[run.output()])?;
    reader.read_all(TopicId(0), |record| -> Outcome<()> {
        let alert: Value = serde_json::from_slice(record.value.ok_or("an alert without a value")?)?;
        // vigie as a whole tells of more than limits.
        if alert["data"]["kind"] != "limit_exceeded" {
            return Ok(());
        }
        let subject = alert["subject"].as_str().and_then(|id| id.strip_prefix("B-")?.parse::<usize>().ok());
        let open = subject.and_then(|buyer| told.open.get_mut(buyer)).ok_or("an alert of an unknown buyer")?;
        match alert["type"].as_str() {
            Some("alert.raised") => {
                *open = true;
                told.raised += 1;
            }
            Some("alert.cleared") => {
                *open = false;
                told.cleared += 1;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(told)
}
