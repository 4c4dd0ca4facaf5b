-- by=exit_page&metrics=visitors,visits&page=1&page_size=10&period=7d
with exits as (
select visit_id, substring(max(concat(toString(ts, 'UTC'), path)), 24) as exit_path
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and visit_id <> 0 and name = 'pageview' and ts >= visit_start and ts < visit_start + interval 24 hour
group by visit_id
), by_event as (
select coalesce(exit_path, '') as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events left join exits using (visit_id)
where site_id = $1 and ts >= cast($4 as DateTime64(3, 'UTC')) and ts < cast($5 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($4 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($5 as DateTime64(3, 'UTC'))) and name <> 'engagement'
group by 1
), by_visit as (
select k0, count(*) as visits
from (
select coalesce(substring(max(concat(toString(ts, 'UTC'), path)) filter (where name = 'pageview'), 24), '') as k0, visit_id
from events
where site_id = $1 and ts >= cast($4 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($4 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and visit_start >= cast($4 as DateTime64(3, 'UTC')) and visit_start < cast($5 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
group by 1
)
select k0 as t0, cast(coalesce(by_event_visitors, 0) as double) as visitors, cast(coalesce(by_visit_visits, 0) as double) as visits, count(*) over () as rows_in_all
from (
select k0, any_value(by_event_visitors) as by_event_visitors, any_value(by_visit_visits) as by_visit_visits
from (
select k0, visitors as by_event_visitors, null as by_visit_visits
from by_event
union all
select k0, null as by_event_visitors, visits as by_visit_visits
from by_visit
)
group by 1
)
where cast(coalesce(by_event_visitors, 0) as double) <> 0 or cast(coalesce(by_visit_visits, 0) as double) <> 0
order by cast(coalesce(by_event_visitors, 0) as double) desc nulls last, k0 nulls last
limit $6 offset $7
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-15 15:00:00.000"
-- $3 = "2026-11-24 15:00:00.000"
-- $4 = "2026-11-16 15:00:00.000"
-- $5 = "2026-11-23 15:00:00.000"
-- $6 = 10
-- $7 = 0
