-- Versions of policies, never changed: a record names the digest of the one it was made under, and a message is
-- treated by the one in force at its own time.
CREATE TABLE policy_versions (
    tenant        TEXT   NOT NULL,
    application   TEXT   NOT NULL, -- '*' for the tenant's own
    number        BIGINT NOT NULL, -- from 1, dense
    effective_us  BIGINT NOT NULL, -- rises with the number
    digest        TEXT   NOT NULL, -- SHA-256 of the policy, hexadecimal
    policy        TEXT   NOT NULL, -- RFC 8785 JSON
    created_us    BIGINT NOT NULL,
    PRIMARY KEY (tenant, application, number)
);
CREATE INDEX policy_versions_by_time ON policy_versions (created_us);

-- Emergency reveals and their review. What was said stands in the ledger, redacted; here is only who and when.
CREATE TABLE break_glass (
    id           TEXT   NOT NULL PRIMARY KEY, -- of the leaf that records it
    tenant       TEXT   NOT NULL,
    event_id     TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    purpose      TEXT   NOT NULL,
    created_us   BIGINT NOT NULL,
    reviewed_by  TEXT   NOT NULL, -- '' while open
    reviewed_us  BIGINT NOT NULL, -- 0 while open
    verdict      TEXT   NOT NULL  -- '' while open
);
CREATE INDEX break_glass_by_time ON break_glass (created_us, id);
