//! Provider exchanges parsed into one normalised form.
