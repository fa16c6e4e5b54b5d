-- What 0020 copied. Its own migration, so that either can be run again after a crash; views take the names then.
DROP TABLE IF EXISTS series_activity;
DROP TABLE IF EXISTS resource_activity;
