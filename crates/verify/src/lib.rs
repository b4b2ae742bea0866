//! Checks stored records against the ledger; no I/O.
