-- by=source&f=eq,goal,Signup&metrics=visitors,conversion_rate&page=1&page_size=10&period=7d
with by_event as (
select source as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as converting
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement' and (name = $4)
group by 1
), by_base as (
select k0, visitors as base
from (
select source as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement'
group by 1
) as others
)
select k0 as t0, cast(coalesce(by_event.visitors, 0) as double) as visitors, 100 * cast(coalesce(converting, 0) as double) / nullif(base, 0) as conversion_rate, count(*) over () as rows_in_all
from by_event full join by_base using (k0)
where cast(coalesce(by_event.visitors, 0) as double) <> 0 or converting > 0
order by cast(coalesce(by_event.visitors, 0) as double) desc nulls last, k0 nulls last
limit $5 offset $6;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "signup"
-- $5 = 10
-- $6 = 0
