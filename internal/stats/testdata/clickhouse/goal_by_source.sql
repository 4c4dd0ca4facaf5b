-- by=source&f=eq,goal,Signup&metrics=visitors,conversion_rate&page=1&page_size=10&period=7d
with by_event as (
select source as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as converting
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and (name = $4)
group by 1
), by_base as (
select k0, visitors as base
from (
select source as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
group by 1
) as others
)
select k0 as t0, cast(coalesce(by_event_visitors, 0) as double) as visitors, 100 * cast(coalesce(converting, 0) as double) / nullif(base, 0) as conversion_rate, count(*) over () as rows_in_all
from (
select k0, any_value(by_event_visitors) as by_event_visitors, any_value(converting) as converting, any_value(base) as base
from (
select k0, visitors as by_event_visitors, converting, null as base
from by_event
union all
select k0, null as by_event_visitors, null as converting, base
from by_base
)
group by 1
)
where cast(coalesce(by_event_visitors, 0) as double) <> 0 or converting > 0
order by cast(coalesce(by_event_visitors, 0) as double) desc nulls last, k0 nulls last
limit $5 offset $6
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "signup"
-- $5 = 10
-- $6 = 0
