-- by=source,goal&metrics=conversions,conversion_rate&page=1&page_size=10&period=7d
with by_event as (
select source as k0, goal as k1, cast(count(*) filter (where name <> 'engagement') as double) as conversions, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as converting
from (
select *, unnest(list_where([$9, $10, $11], [((name in ('pageview', 'engagement')) and (path like $4 escape '\')), ((name = $5) and (coalesce(props[$6], '') = $7)), (name = $8)])) as goal
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement' and ((name in ('pageview', 'engagement', $5, $8)) and (((name in ('pageview', 'engagement')) and (path like $4 escape '\')) or ((name = $5) and (coalesce(props[$6], '') = $7)) or (name = $8)))
)
group by 1, 2
), by_base as (
select k0, k1, base
from (
select source as k0, count(distinct visitor_id) as base
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and visitor_id <> 0 and name <> 'engagement'
group by 1
) cross join (select unnest([$9, $10, $11]) as k1)
)
select k0 as t0, k1 as t1, coalesce(conversions, 0) as conversions, 100 * cast(coalesce(converting, 0) as double) / nullif(base, 0) as conversion_rate, count(*) over () as rows_in_all
from by_event full join by_base using (k0, k1)
where coalesce(conversions, 0) <> 0 or converting > 0
order by coalesce(conversions, 0) desc nulls last, k0 nulls last, k1 nulls last
limit $12 offset $13;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "/thanks%"
-- $5 = "buy"
-- $6 = "plan"
-- $7 = "pro"
-- $8 = "signup"
-- $9 = "Thanks"
-- $10 = "Pro"
-- $11 = "Signup"
-- $12 = 10
-- $13 = 0
