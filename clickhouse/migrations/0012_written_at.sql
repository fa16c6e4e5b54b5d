-- When a row was written: one whose time is over already (history that was sent late) stays long enough to be rolled up
-- (src/store/retention-ttl.ts). The same for all rows of an insert, so it costs next to nothing. 0 in rollup rows from before;
-- exemplars from before count as written now.
ALTER TABLE number_1m ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE number_1h ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE number_1d ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE histogram_1m ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE histogram_1h ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE histogram_1d ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE exponential_histogram_1m ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE exponential_histogram_1h ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE exponential_histogram_1d ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE summary_1m ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE summary_1h ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));
ALTER TABLE summary_1d ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exemplars ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1));
ALTER TABLE exemplars MATERIALIZE COLUMN received_at;
