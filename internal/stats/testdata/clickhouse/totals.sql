-- metrics=visitors,visits,pageviews,views_per_visit,bounce_rate,visit_duration&period=7d
with by_event as (
select count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, count(*) filter (where name = 'pageview') as pageviews
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
), by_visit as (
select count(*) as visits, sum(views) as views, sum(bounce) as bounces, sum(ms) as duration
from (
select visit_id, count(*) filter (where name = 'pageview') as views, case when count(*) filter (where name = 'pageview') = 1 and not max(interactive and name <> 'pageview') then 1 else 0 end as bounce, date_diff('millisecond', min(ts), max(ts)) as ms
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($4 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($4 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($3 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
)
select cast(coalesce(by_event.visitors, 0) as double) as visitors, cast(coalesce(by_visit.visits, 0) as double) as visits, cast(coalesce(by_event.pageviews, 0) as double) as pageviews, cast(by_visit.views as double) / nullif(by_visit.visits, 0) as views_per_visit, 100 * cast(by_visit.bounces as double) / nullif(by_visit.visits, 0) as bounce_rate, cast(by_visit.duration as double) / (1000 * nullif(by_visit.visits, 0)) as visit_duration
from by_event cross join by_visit
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "2026-11-24 15:00:00.000"
