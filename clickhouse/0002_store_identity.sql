-- A random id given once to each store. Every epoch names it, so that a store that was replaced or
-- rebuilt shows in the manifests.
CREATE TABLE IF NOT EXISTS store_identity
(
    id UUID
)
ENGINE = MergeTree
ORDER BY id
SETTINGS fsync_after_insert = 1;

INSERT INTO store_identity SELECT generateUUIDv4() WHERE (SELECT count() FROM store_identity) = 0;
