-- by=exit_page&f=eq,path,/pricing&metrics=visits&page=1&page_size=10&period=7d
with by_visit as (
select k0, count(*) as visits
from (
select coalesce(arg_max(path, row(ts, path)) filter (where name = 'pageview'), '') as k0, visit_id
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and visit_start >= cast($2 as timestamp) and visit_start < cast($4 as timestamp) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement' and visit_id in (
select visit_id
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and visit_start >= cast($2 as timestamp) and visit_start < cast($4 as timestamp) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement' and (path = $5)
)
group by visit_id
)
group by 1
)
select k0 as t0, cast(coalesce(by_visit.visits, 0) as double) as visits, count(*) over () as rows_in_all
from by_visit
where cast(coalesce(by_visit.visits, 0) as double) <> 0
order by cast(coalesce(by_visit.visits, 0) as double) desc nulls last, k0 nulls last
limit $6 offset $7;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-24 15:00:00.000"
-- $4 = "2026-11-23 15:00:00.000"
-- $5 = "/pricing"
-- $6 = 10
-- $7 = 0
