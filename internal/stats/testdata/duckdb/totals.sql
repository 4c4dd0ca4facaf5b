-- metrics=visitors,visits,pageviews,views_per_visit,bounce_rate,visit_duration&period=7d
with by_event as (
select cast(count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as double) as visitors, cast(count(*) filter (where name = 'pageview') as double) as pageviews
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement'
), by_visit as (
select cast(count(*) as double) as visits, cast(sum(views) as double) / count(*) as views_per_visit, 100 * cast(sum(bounce) as double) / count(*) as bounce_rate, cast(sum(ms) as double) / (1000 * count(*)) as visit_duration
from (
select visit_id, count(*) filter (where name = 'pageview') as views, case when count(*) filter (where name = 'pageview') = 1 and not bool_or(interactive and name <> 'pageview') then 1 else 0 end as bounce, date_diff('millisecond', min(ts), max(ts)) as ms
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($4 as timestamp) and visit_start >= cast($2 as timestamp) and visit_start < cast($3 as timestamp) and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
)
select coalesce(visitors, 0) as visitors, coalesce(visits, 0) as visits, coalesce(pageviews, 0) as pageviews, views_per_visit, bounce_rate, visit_duration
from by_event cross join by_visit;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "2026-11-24 15:00:00.000"
