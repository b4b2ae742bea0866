-- What must change or vanish. Absent values are '' or 0: NULLs have no type in a portable query.
-- Times are microseconds since the Unix epoch; ids are lower-case UUIDs with hyphens.

CREATE TABLE tenants (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    created_us  BIGINT NOT NULL
);

CREATE TABLE users (
    id             TEXT   NOT NULL PRIMARY KEY,
    email          TEXT   NOT NULL UNIQUE, -- lower case
    password_hash  TEXT   NOT NULL,        -- argon2id, PHC string
    role           TEXT   NOT NULL,
    tenant         TEXT   NOT NULL,        -- '*' for all
    disabled       BIGINT NOT NULL,
    session_epoch  BIGINT NOT NULL,        -- grows when older sign-ins must end
    created_us     BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    secret_hash  BYTEA  NOT NULL, -- SHA-256
    application  TEXT   NOT NULL,
    tenant       TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    created_us   BIGINT NOT NULL,
    revoked_us   BIGINT NOT NULL  -- 0 while valid
);

CREATE TABLE applications (
    tenant        TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    phi           BIGINT NOT NULL,
    content_mode  TEXT   NOT NULL,
    policy        TEXT   NOT NULL, -- JSON object
    created_us    BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The erasable directory: who a subject key belongs to is known only through a keyed hash.
CREATE TABLE subjects (
    tenant          TEXT   NOT NULL,
    lookup          BYTEA  NOT NULL,
    subject_key_id  TEXT   NOT NULL,
    created_us      BIGINT NOT NULL,
    PRIMARY KEY (tenant, lookup)
);

CREATE TABLE data_keys (
    tenant          TEXT   NOT NULL,
    subject_key_id  TEXT   NOT NULL,
    version         BIGINT NOT NULL,
    wrapped         BYTEA  NOT NULL,
    created_us      BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject_key_id, version)
);

CREATE TABLE report_jobs (
    id              TEXT   NOT NULL PRIMARY KEY,
    tenant          TEXT   NOT NULL, -- '*' for all
    kind            TEXT   NOT NULL,
    title           TEXT   NOT NULL,
    request         TEXT   NOT NULL, -- JSON
    status          TEXT   NOT NULL, -- queued, running, done, failed
    created_us      BIGINT NOT NULL,
    created_by      TEXT   NOT NULL,
    started_us      BIGINT NOT NULL,
    finished_us     BIGINT NOT NULL,
    holder          TEXT   NOT NULL,
    lease_until_us  BIGINT NOT NULL,
    attempts        BIGINT NOT NULL,
    error           TEXT   NOT NULL,
    files           TEXT   NOT NULL  -- JSON array
);
CREATE INDEX report_jobs_by_time ON report_jobs (created_us, id);

CREATE TABLE leases (
    name        TEXT   NOT NULL PRIMARY KEY,
    holder      TEXT   NOT NULL,
    fence       BIGINT NOT NULL,
    expires_us  BIGINT NOT NULL
);

CREATE TABLE login_attempts (
    source       TEXT   NOT NULL PRIMARY KEY, -- account:EMAIL or address:IP
    failures     BIGINT NOT NULL,
    window_us    BIGINT NOT NULL              -- when the first counted failure was
);

CREATE TABLE settings (
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
);
