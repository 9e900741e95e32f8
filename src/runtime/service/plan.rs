//! Owns how a partition is to be brought to where it was: a pure function of what was found.

/// What was found of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether some input has a committed position.
    pub(super) has_positions: bool,
    /// The last turn in the journal, and its entry's hash.
    pub(super) last: Option<(u64, u128)>,
    /// The turn and entry that a shard kept from before stands at.
    pub(super) parked: Option<(u64, u128)>,
    /// The turns of which there are snapshots, newest first.
    pub(super) snapshots: Vec<u64>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// The kept shard stands where the journal ends: go on with it.
    Resume,
    /// Nothing was there before: begin.
    Begin,
    /// Take the first of these snapshots that is whole, or none, and the journal from there on.
    Replay(Vec<u64>),
    /// Nobody can go on from what is there: a sentence that says why, and what to do.
    Stop(String),
}

/// Decides.
pub(super) fn plan(found: &Found) -> Plan {
    let newest = found.snapshots.first().copied();
    let Some((last, entry)) = found.last else {
        return match (newest, found.has_positions) {
            (None, false) => Plan::Begin,
            (Some(epoch), _) => Plan::Stop(format!(
                "there is a snapshot of turn {epoch}, but its journal is empty: the topics were made anew, or the snapshots \
                 are of another cluster. Give the right --snapshots, or a new --group to start afresh"
            )),
            (None, true) => Plan::Stop(
                "the group has committed positions, but its journal is empty: the journal was deleted, or another program \
                 uses this group. Give a new --group to start afresh"
                    .to_owned(),
            ),
        };
    };
    if found.parked == Some((last, entry)) {
        return Plan::Resume;
    }
    if !found.has_positions {
        return Plan::Stop(format!(
            "its journal ends at turn {last}, but the group has no committed positions: they were deleted or have expired. \
             Restore them, or give a new --group to start afresh"
        ));
    }
    match newest {
        Some(epoch) if epoch > last => Plan::Stop(format!(
            "there is a snapshot of turn {epoch}, but its journal ends at turn {last}: the journal was cut, or the snapshots \
             are of another cluster. Give the right --snapshots, or a new --group to start afresh"
        )),
        _ => Plan::Replay(found.snapshots.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_has_one_answer() {
        let none = Found { has_positions: false, last: None, parked: None, snapshots: Vec::new() };
        let going = Found { has_positions: true, last: Some((9, 7)), ..none.clone() };
        let stop = |found: &Found| match plan(found) {
            Plan::Stop(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(plan(&none), Plan::Begin);
        assert_eq!(plan(&going), Plan::Replay(Vec::new()));
        assert_eq!(plan(&Found { snapshots: vec![9, 4], ..going.clone() }), Plan::Replay(vec![9, 4]));
        assert_eq!(plan(&Found { parked: Some((9, 7)), ..going.clone() }), Plan::Resume);
        assert_eq!(
            plan(&Found { parked: Some((9, 8)), ..going.clone() }),
            Plan::Replay(Vec::new()),
            "another's turn 9"
        );
        assert_eq!(plan(&Found { parked: Some((8, 7)), ..going.clone() }), Plan::Replay(Vec::new()));
        assert!(stop(&Found { snapshots: vec![10], ..going.clone() }).contains("ends at turn 9"));
        assert!(stop(&Found { has_positions: false, ..going }).contains("no committed positions"));
        assert!(stop(&Found { has_positions: true, ..none.clone() }).contains("another program"));
        assert!(stop(&Found { snapshots: vec![3], ..none }).contains("made anew"));
    }
}
