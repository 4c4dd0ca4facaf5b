-- from=2026-03-28&interval=hour&metrics=visitors&timezone=Europe/Berlin&to=2026-03-30
with by_event as (
select cast($4 + intDiv(date_diff('millisecond', cast($2 as DateTime64(3, 'UTC')), ts), $5) as integer) as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
group by 1
)
select k0, cast(coalesce(by_event.visitors, 0) as double) as visitors
from by_event
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-03-27 23:00:00.000"
-- $3 = "2026-03-30 22:00:00.000"
-- $4 = 0
-- $5 = 3600000
