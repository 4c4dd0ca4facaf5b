-- interval=day&metrics=conversions&period=7d
with by_event as (
select cast($9 + intDiv(date_diff('millisecond', cast($2 as DateTime64(3, 'UTC')), ts), $10) as integer) as k0, cast(count(*) filter (where name <> 'engagement' and ((name in ('pageview', 'engagement', $4, $5)) and (((name in ('pageview', 'engagement')) and (startsWith(path, $6))) or ((name = $4) and (coalesce(props[$7], '') = $8)) or (name = $5)))) as double) as conversions
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and ((name in ('pageview', 'engagement', $4, $5)) and (((name in ('pageview', 'engagement')) and (startsWith(path, $6))) or ((name = $4) and (coalesce(props[$7], '') = $8)) or (name = $5)))
group by 1
)
select k0, coalesce(conversions, 0) as conversions
from by_event
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "buy"
-- $5 = "signup"
-- $6 = "/thanks"
-- $7 = "plan"
-- $8 = "pro"
-- $9 = 0
-- $10 = 86400000
