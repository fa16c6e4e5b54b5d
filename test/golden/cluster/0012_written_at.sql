ALTER TABLE number_1m_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE number_1m ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE number_1h_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE number_1h ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE number_1d_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE number_1d ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE histogram_1m_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE histogram_1m ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE histogram_1h_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE histogram_1h ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE histogram_1d_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE histogram_1d ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exponential_histogram_1m_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exponential_histogram_1m ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exponential_histogram_1h_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exponential_histogram_1h ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exponential_histogram_1d_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exponential_histogram_1d ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE summary_1m_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE summary_1m ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE summary_1h_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE summary_1h ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE summary_1d_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE summary_1d ON CLUSTER `production` ADD COLUMN IF NOT EXISTS rolled_at DateTime('UTC') CODEC(Delta(4), ZSTD(1));

ALTER TABLE exemplars_local ON CLUSTER `production` ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1));

ALTER TABLE exemplars ON CLUSTER `production` ADD COLUMN IF NOT EXISTS received_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1));

ALTER TABLE exemplars_local ON CLUSTER `production` MATERIALIZE COLUMN received_at;
