-- Requests to prune records whose retention is over, with all that is known of their progress.
CREATE TABLE prunes (
    id            TEXT   NOT NULL PRIMARY KEY,
    tenant        TEXT   NOT NULL,
    stage         TEXT   NOT NULL,
    is_open       BIGINT NOT NULL, -- 1 until it is done or taken back
    requested_us  BIGINT NOT NULL,
    version       BIGINT NOT NULL, -- grows with every change: two executors cannot overwrite each other
    document      TEXT   NOT NULL  -- JSON, crates/prune
);
CREATE INDEX prunes_open ON prunes (is_open, requested_us);
