-- Replicas that have not fetched all that was written before {before}: entries of the log that are not in their queue, or
-- inserts that are not yet done. One that is further behind than {delay_max_s} is not read by Distributed tables.
SELECT hostName() AS host, table, absolute_delay AS delay_s
FROM clusterAllReplicas({cluster}, system.replicas)
WHERE database = {database:String} AND absolute_delay <= {delay_max_s:UInt64}
    AND (log_pointer <= log_max_index AND last_queue_update < toDateTime({before:UInt32})
        OR inserts_in_queue > 0 AND inserts_oldest_time < toDateTime({before:UInt32}))
ORDER BY delay_s DESC, host, table
