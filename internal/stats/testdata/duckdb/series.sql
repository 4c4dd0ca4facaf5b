-- interval=day&metrics=visitors,visits,pageviews&period=7d
with by_event as (
select cast($4 + date_diff('millisecond', cast($2 as timestamp), ts) // $5 as integer) as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, count(*) filter (where name = 'pageview') as pageviews
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement'
group by 1
), by_visit as (
select k0, count(*) as visits
from (
select cast($4 + date_diff('millisecond', cast($2 as timestamp), min(visit_start)) // $5 as integer) as k0, visit_id
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($6 as timestamp) and visit_start >= cast($2 as timestamp) and visit_start < cast($3 as timestamp) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
group by 1
)
select k0, cast(coalesce(by_event.visitors, 0) as double) as visitors, cast(coalesce(by_visit.visits, 0) as double) as visits, cast(coalesce(by_event.pageviews, 0) as double) as pageviews
from by_event full join by_visit using (k0);
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 0
-- $5 = 86400000
-- $6 = "2026-11-24 15:00:00.000"
