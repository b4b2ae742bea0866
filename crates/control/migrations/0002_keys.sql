-- The keys above data keys. Whatever is here is wrapped by the key provider, which alone can open it.

-- Key-encryption keys of a tenant. The one with retired_us = 0 wraps new data keys.
CREATE TABLE keks (
    tenant        TEXT   NOT NULL,
    epoch         BIGINT NOT NULL, -- from 1
    provider_key  TEXT   NOT NULL, -- which key of the provider wrapped it
    wrapped       BYTEA  NOT NULL, -- empty once destroyed
    created_us    BIGINT NOT NULL,
    retired_us    BIGINT NOT NULL,
    destroyed_us  BIGINT NOT NULL,
    PRIMARY KEY (tenant, epoch)
);

-- Epoch 0: wrapped under a key that is derived from the key file itself.
ALTER TABLE data_keys ADD COLUMN kek_epoch BIGINT NOT NULL DEFAULT 0;
CREATE INDEX data_keys_by_kek ON data_keys (tenant, kek_epoch, subject_key_id);

-- Keys that payloads on Kafka are sealed under. Deleted when the messages they sealed are gone.
CREATE TABLE payload_keys (
    id            TEXT   NOT NULL PRIMARY KEY,
    provider_key  TEXT   NOT NULL,
    wrapped       BYTEA  NOT NULL,
    created_us    BIGINT NOT NULL,
    retired_us    BIGINT NOT NULL
);

-- Secrets of the installation, such as the root that placeholders are derived from.
CREATE TABLE provider_secrets (
    name          TEXT   NOT NULL PRIMARY KEY,
    provider_key  TEXT   NOT NULL,
    wrapped       BYTEA  NOT NULL,
    created_us    BIGINT NOT NULL
);

-- From a keyed hash of an e-mail address to the records it belongs to: erased with the subject.
CREATE TABLE search_tokens (
    tenant          TEXT   NOT NULL,
    token           BYTEA  NOT NULL,
    subject_key_id  TEXT   NOT NULL, -- whose erasure takes it away
    scope           TEXT   NOT NULL, -- subject, user or event
    value           TEXT   NOT NULL, -- subject key id, user id as stored, or event id
    created_us      BIGINT NOT NULL,
    PRIMARY KEY (tenant, token, scope, value)
);
CREATE INDEX search_tokens_by_subject ON search_tokens (tenant, subject_key_id);
