-- Versions of tenants' own prices, never changed: a message is priced by the version in force at its own time.
CREATE TABLE price_books (
    tenant        TEXT   NOT NULL,
    number        BIGINT NOT NULL, -- from 1, dense
    effective_us  BIGINT NOT NULL, -- rises with the number
    digest        TEXT   NOT NULL, -- SHA-256 of the book, hexadecimal
    book          TEXT   NOT NULL, -- JSON
    created_us    BIGINT NOT NULL,
    created_by    TEXT   NOT NULL, -- a user's id
    PRIMARY KEY (tenant, number)
);
