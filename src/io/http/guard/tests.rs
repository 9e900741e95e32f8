//! Tries the guard: what is refused, in what words, and that nothing is told that should not be.
