-- Which source sent a record, and as which of its events: what gaps and repetitions of a source are found by.
-- A projection of the leaf (ledger-format.md, section 3.1); rows written before this migration are read from it.
ALTER TABLE records
    ADD COLUMN IF NOT EXISTS source_id UUID DEFAULT toUUIDOrZero(replaceRegexpOne(lower(hex(substring(leaf, 90, 16))), '^(.{8})(.{4})(.{4})(.{4})(.{12})$', '\\1-\\2-\\3-\\4-\\5')),
    ADD COLUMN IF NOT EXISTS source_epoch UInt64 DEFAULT reinterpretAsUInt64(reverse(substring(leaf, 106, 8))),
    ADD COLUMN IF NOT EXISTS source_seq UInt64 DEFAULT reinterpretAsUInt64(reverse(substring(leaf, 114, 8)));
