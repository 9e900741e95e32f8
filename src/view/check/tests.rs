//! Orders that fit and orders that do not, and what would help.
