//! Owns the shrinking of a file that shows a fault: lines are dropped as long as the fault still shows.

/// The fewest lines that can be reached by dropping runs of lines, ever shorter ones, within `attempts_max` attempts.
pub fn shrink(lines: &[Vec<u8>], attempts_max: usize, shows: &mut dyn FnMut(&[Vec<u8>]) -> bool) -> Vec<Vec<u8>> {
    let mut kept = lines.to_vec();
    let mut attempts = 0;
    let mut run = kept.len().div_ceil(2);
    loop {
        let before = kept.len();
        let mut at = 0;
        while at < kept.len() && attempts < attempts_max {
            let end = (at + run).min(kept.len());
            let rest = [&kept[..at], &kept[end..]].concat();
            attempts += 1;
            if shows(&rest) {
                kept = rest;
            } else {
                at = end;
            }
        }
        if attempts >= attempts_max || (run == 1 && kept.len() == before) {
            return kept;
        }
        if run > 1 {
            run = run.div_ceil(2);
        }
    }
}
