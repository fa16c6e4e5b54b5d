DROP TABLE IF EXISTS series_activity ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS series_activity_local ON CLUSTER `production` SYNC;

DROP TABLE IF EXISTS resource_activity ON CLUSTER `production` SYNC;
