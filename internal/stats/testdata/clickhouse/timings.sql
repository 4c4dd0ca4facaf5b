-- interval=day&metrics=page_load_p75,cls_p95&period=7d
with by_event as (
select cast($4 + intDiv(date_diff('millisecond', cast($2 as DateTime64(3, 'UTC')), ts), $5) as integer) as k0, cast(quantileExactWeighted(0.75)(page_load, 1) as double) as page_load_p75, cast(quantileExactWeighted(0.95)(cls, 1) as double) / 10000 as cls_p95
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and coalesce(page_load, cls) is not null
group by 1
)
select k0, page_load_p75, cls_p95
from by_event
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 0
-- $5 = 86400000
