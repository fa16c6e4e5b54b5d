-- Series beyond a budget (docs/decisions/0011-cardinality.md): their points keep the source's series_id, and here is the
-- overflow series of table `series` that describes them. Where an id has a row in `series` too, that one counts.
CREATE TABLE folded_series
(
    series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    overflow_series_id UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY series_id
SETTINGS non_replicated_deduplication_window = 1000;
