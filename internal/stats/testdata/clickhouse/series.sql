-- interval=day&metrics=visitors,visits,pageviews&period=7d
with by_event as (
select cast($4 + intDiv(date_diff('millisecond', cast($2 as DateTime64(3, 'UTC')), ts), $5) as integer) as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, count(*) filter (where name = 'pageview') as pageviews
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
group by 1
), by_visit as (
select k0, count(*) as visits
from (
select cast($4 + intDiv(date_diff('millisecond', cast($2 as DateTime64(3, 'UTC')), min(visit_start)), $5) as integer) as k0, visit_id
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($6 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($6 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($3 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
group by 1
)
select k0, cast(coalesce(by_event_visitors, 0) as double) as visitors, cast(coalesce(by_visit_visits, 0) as double) as visits, cast(coalesce(by_event_pageviews, 0) as double) as pageviews
from (
select k0, any_value(by_event_visitors) as by_event_visitors, any_value(by_event_pageviews) as by_event_pageviews, any_value(by_visit_visits) as by_visit_visits
from (
select k0, visitors as by_event_visitors, pageviews as by_event_pageviews, null as by_visit_visits
from by_event
union all
select k0, null as by_event_visitors, null as by_event_pageviews, visits as by_visit_visits
from by_visit
)
group by 1
)
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 0
-- $5 = 86400000
-- $6 = "2026-11-24 15:00:00.000"
