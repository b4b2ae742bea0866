"""A second verifier of the ledger, written from docs/ledger-format.md and docs/evidence-bundle.md alone.

It shares no line with the product's own verifier, so that a mistake of one is contradicted by the other.
"""
