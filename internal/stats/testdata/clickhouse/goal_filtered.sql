-- f=eq,goal,Pro&f=eq,country,KR&metrics=visitors,conversions,conversion_rate,revenue&period=7d
with by_event as (
select count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, cast(count(*) filter (where name <> 'engagement') as double) as conversions, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as converting, coalesce(cast(sum(case when currency = '' then cast($8 as Int128) when currency = $9 then cast(revenue as Int128) end) filter (where name <> 'engagement') as double), 0) / 1000 as revenue, count(*) filter (where currency <> $9 and currency <> '' and name <> 'engagement') as revenue_elsewhere
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and (((name = $4) and (coalesce(props[$5], '') = $6)) and (country = $7))
), by_base as (
select visitors as base
from (
select count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and (country = $7)
) as others
)
select cast(coalesce(by_event.visitors, 0) as double) as visitors, coalesce(conversions, 0) as conversions, 100 * cast(coalesce(converting, 0) as double) / nullif(base, 0) as conversion_rate, coalesce(revenue, 0) as revenue, coalesce(revenue_elsewhere, 0) > 0 as elsewhere
from by_event cross join by_base
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "buy"
-- $5 = "plan"
-- $6 = "pro"
-- $7 = "KR"
-- $8 = 10000
-- $9 = "KRW"
