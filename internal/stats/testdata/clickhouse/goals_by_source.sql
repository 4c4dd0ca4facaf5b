-- by=source,goal&metrics=conversions,conversion_rate&page=1&page_size=10&period=7d
with by_event as (
select source as k0, goal as k1, cast(count(*) filter (where name <> 'engagement') as double) as conversions, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as converting
from (
select *, $5 as goal
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and ((name in ('pageview', 'engagement')) and (startsWith(path, $4))) and name = 'pageview'
union all
select *, arrayJoin(arrayFilter((item, is) -> is, [$10, $11], [((name = $6) and (coalesce(props[$8], '') = $9)), (name = $7)])) as goal
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and ((name in ($6, $7) and name <> 'pageview' and name <> 'engagement') and (((name = $6) and (coalesce(props[$8], '') = $9)) or (name = $7)))
)
group by 1, 2
), by_base as (
select k0, goal as k1, visitors as base
from (
select source as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
group by 1
) as others cross join (select arrayJoin([$5, $10, $11]) as goal) as goals
)
select k0 as t0, k1 as t1, coalesce(conversions, 0) as conversions, 100 * cast(coalesce(converting, 0) as double) / nullif(base, 0) as conversion_rate, count(*) over () as rows_in_all
from (
select k0, k1, any_value(conversions) as conversions, any_value(converting) as converting, any_value(base) as base
from (
select k0, k1, conversions, converting, null as base
from by_event
union all
select k0, k1, null as conversions, null as converting, base
from by_base
)
group by 1, 2
)
where coalesce(conversions, 0) <> 0 or converting > 0
order by coalesce(conversions, 0) desc nulls last, k0 nulls last, k1 nulls last
limit $12 offset $13
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "/thanks"
-- $5 = "Thanks"
-- $6 = "buy"
-- $7 = "signup"
-- $8 = "plan"
-- $9 = "pro"
-- $10 = "Pro"
-- $11 = "Signup"
-- $12 = 10
-- $13 = 0
