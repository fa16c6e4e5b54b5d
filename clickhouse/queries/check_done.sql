-- What this receiver has counted in some minutes, and up to which mark.
INSERT INTO checked_minutes (shape, time, receiver, version, points, flagged)
SELECT r.1, toDateTime(r.2, 'UTC'), {receiver:String}, r.3, r.4, r.5
FROM
(
    SELECT arrayJoin(arrayZip({shapes:Array(String)}, {times:Array(UInt32)}, {versions:Array(UInt64)},
        {points:Array(UInt64)}, {flagged:Array(UInt64)})) AS r
)
