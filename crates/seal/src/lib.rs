//! Seals removed values under per-subject keys.
