-- by=source&metrics=visitors,visits,bounce_rate&page=1&page_size=10&period=7d
with by_event as (
select source as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement'
group by 1
), by_visit as (
select k0, count(*) as visits, sum(bounce) as bounces
from (
select any_value(source) as k0, visit_id, case when count(*) filter (where name = 'pageview') = 1 and not bool_or(interactive and name <> 'pageview') then 1 else 0 end as bounce
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($4 as timestamp) and visit_start >= cast($2 as timestamp) and visit_start < cast($3 as timestamp) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
group by 1
)
select k0 as t0, cast(coalesce(by_event.visitors, 0) as double) as visitors, cast(coalesce(by_visit.visits, 0) as double) as visits, 100 * cast(by_visit.bounces as double) / nullif(by_visit.visits, 0) as bounce_rate, count(*) over () as rows_in_all
from by_event full join by_visit using (k0)
where cast(coalesce(by_event.visitors, 0) as double) <> 0 or cast(coalesce(by_visit.visits, 0) as double) <> 0 or 100 * cast(by_visit.bounces as double) / nullif(by_visit.visits, 0) is not null
order by cast(coalesce(by_event.visitors, 0) as double) desc nulls last, k0 nulls last
limit $5 offset $6;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "2026-11-24 15:00:00.000"
-- $5 = 10
-- $6 = 0
