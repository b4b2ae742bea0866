-- Requests to erase a person's (or an event's) data, with all that is known of their progress.
CREATE TABLE erasures (
    id            TEXT   NOT NULL PRIMARY KEY,
    tenant        TEXT   NOT NULL,
    stage         TEXT   NOT NULL,
    is_open       BIGINT NOT NULL, -- 1 until it is done, refused or withdrawn
    requested_us  BIGINT NOT NULL,
    version       BIGINT NOT NULL, -- grows with every change: two executors cannot overwrite each other
    document      TEXT   NOT NULL  -- JSON, crates/erasure
);
CREATE INDEX erasures_open ON erasures (is_open, requested_us);

-- Data keys that were destroyed: a restored copy of this store is compared with it, and with the ledger.
CREATE TABLE erased_keys (
    tenant          TEXT   NOT NULL,
    subject_key_id  TEXT   NOT NULL,
    destroyed_us    BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject_key_id)
);

-- What must not be erased or pruned. Absent values are '' or 0.
CREATE TABLE legal_holds (
    id              TEXT   NOT NULL PRIMARY KEY,
    tenant          TEXT   NOT NULL,
    application     TEXT   NOT NULL, -- '' for all
    lookups         TEXT   NOT NULL, -- JSON array of keyed hashes in hex; [] for everybody
    reason          TEXT   NOT NULL,
    placed_us       BIGINT NOT NULL,
    placed_by       TEXT   NOT NULL,
    released_us     BIGINT NOT NULL,
    released_by     TEXT   NOT NULL,
    release_reason  TEXT   NOT NULL
);
CREATE INDEX legal_holds_by_tenant ON legal_holds (tenant, released_us);

-- How long records are kept at least.
CREATE TABLE retention_rules (
    tenant       TEXT   NOT NULL,
    application  TEXT   NOT NULL, -- '' for all that have no rule of their own
    class        TEXT   NOT NULL, -- standard, phi
    days         BIGINT NOT NULL,
    set_us       BIGINT NOT NULL,
    set_by       TEXT   NOT NULL,
    PRIMARY KEY (tenant, application, class)
);
