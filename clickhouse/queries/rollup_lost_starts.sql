-- Series of which rows of {source} have lost the start that others have, before and after them in the same bucket: they are one
-- stream. Where all rows with a start come first, or all without, the two are rows of their own that follow each other.
SELECT series_id FROM {source:Identifier}
WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/ /*cumulative*/ AND series_id IN (
    SELECT series_id FROM {source:Identifier}
    WHERE time >= {from:DateTime64(9, 'UTC')} AND time < {to:DateTime64(9, 'UTC')} /*series*/ /*cumulative*/ AND {start:Identifier} = toDateTime64(0, 9, 'UTC')
)
GROUP BY series_id, intDiv(toUnixTimestamp(time), {step_s:UInt32})
HAVING maxIf({last:Identifier}, {start:Identifier} > toDateTime64(0, 9, 'UTC')) > minIf({first:Identifier}, {start:Identifier} = toDateTime64(0, 9, 'UTC'))
    AND maxIf({last:Identifier}, {start:Identifier} = toDateTime64(0, 9, 'UTC')) > minIf({first:Identifier}, {start:Identifier} > toDateTime64(0, 9, 'UTC'))
