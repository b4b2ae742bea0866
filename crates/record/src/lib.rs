//! Turns one consumed event into the record that is stored.
