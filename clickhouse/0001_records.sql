-- The ledger's rows. One INSERT is one block of one shard: one part in one partition, so it is atomic
-- and its deduplication token is a compare-and-set (ARCHITECTURE.md, "exactly once").
--
-- `leaf` and `header` are the truth; every other column is a projection of them, of the clear
-- template columns, or of the block's place. The verifier compares each one.
CREATE TABLE IF NOT EXISTS records
(
    -- place
    shard            UInt32,
    block            UInt64,
    block_row        UInt32,
    block_month      UInt32 COMMENT 'yyyymm of the Kafka time of the block''s first record',
    kafka_offset     UInt64 COMMENT 'last offset this record accounts for',
    tenant           UUID,
    chain_index      UInt64,
    prev_leaf_hash   FixedString(32),
    leaf_hash        FixedString(32),
    leaf             String CODEC(ZSTD(1)),
    header           String CODEC(ZSTD(1)),

    -- facts (from the header)
    kind             LowCardinality(String),
    event_id         UUID,
    target_event_id  UUID COMMENT 'outcome, access, duplicate, conflict: the event it belongs to; else nil',
    occurred_at      DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    edge_at          DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    application      LowCardinality(String),
    environment      LowCardinality(String),
    decision_type    LowCardinality(String),
    subject_key      UUID,
    provider         LowCardinality(String),
    operation        LowCardinality(String),
    model            LowCardinality(String),
    model_requested  LowCardinality(String),
    status           UInt16,
    error_type       LowCardinality(String),
    is_error         Bool,
    streamed         Bool,
    interrupted      Bool,
    finish_reasons   Array(LowCardinality(String)),
    duration_us      Nullable(UInt64),
    first_token_us   Nullable(UInt64),
    usage_state      LowCardinality(String),
    usage            Map(LowCardinality(String), UInt64),
    input_tokens     UInt64,
    output_tokens    UInt64,
    input_cost       Nullable(Decimal(38, 18)),
    output_cost      Nullable(Decimal(38, 18)),
    cost             Nullable(Decimal(38, 18)),
    currency         LowCardinality(String),
    price_version    LowCardinality(String),
    price_rule       LowCardinality(String),
    unpriced_reason  LowCardinality(String),
    pii              Map(LowCardinality(String), UInt32),
    pii_total        UInt32,
    phi              Bool,
    outcome          LowCardinality(String),
    outcome_override Bool,
    outcome_flag     Bool,

    -- clear text with placeholders, erasable; the leaf holds salted commitments only
    user_id          String CODEC(ZSTD(1)),
    session_id       String CODEC(ZSTD(1)),
    request_body     String CODEC(ZSTD(3)),
    response_body    String CODEC(ZSTD(3)),
    search_text      String CODEC(ZSTD(3)),
    attributes       String CODEC(ZSTD(3)),
    template_slots   Array(UInt16),
    template_salts   Array(FixedString(32)),

    -- ciphertexts
    sealed_slots     Array(UInt16),
    sealed_values    Array(String) CODEC(ZSTD(1)),

    INDEX block_range block TYPE minmax GRANULARITY 1,
    INDEX offset_range kafka_offset TYPE minmax GRANULARITY 1,
    INDEX occurred_range occurred_at TYPE minmax GRANULARITY 1,
    INDEX event_id_bloom event_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX target_bloom target_event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX session_bloom session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX search_words lower(search_text) TYPE text(tokenizer = 'splitByNonAlpha')
)
ENGINE = MergeTree
PARTITION BY block_month
ORDER BY (tenant, shard, chain_index)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    lightweight_mutation_projection_mode = 'rebuild';
