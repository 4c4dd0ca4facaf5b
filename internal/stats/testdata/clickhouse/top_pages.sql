-- by=path&metrics=visitors,pageviews,bounce_rate&page=1&page_size=10&period=7d
with by_event as (
select path as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, count(*) filter (where name = 'pageview') as pageviews
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
group by 1
), by_entry as (
select k0, count(*) as visits, sum(bounce) as bounces
from (
select coalesce(nullif(any_value(entry_path), ''), substring(min(concat(toString(ts, 'UTC'), path)) filter (where entry_path = '' and name = 'pageview'), 24), '') as k0, visit_id, case when count(*) filter (where name = 'pageview') = 1 and not max(interactive and name <> 'pageview') then 1 else 0 end as bounce
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($4 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($4 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($3 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
group by visit_id
)
group by 1
)
select k0 as t0, cast(coalesce(by_event_visitors, 0) as double) as visitors, cast(coalesce(by_event_pageviews, 0) as double) as pageviews, 100 * cast(by_entry_bounces as double) / nullif(by_entry_visits, 0) as bounce_rate, count(*) over () as rows_in_all
from (
select k0, any_value(by_event_visitors) as by_event_visitors, any_value(by_event_pageviews) as by_event_pageviews, any_value(by_entry_visits) as by_entry_visits, any_value(by_entry_bounces) as by_entry_bounces
from (
select k0, visitors as by_event_visitors, pageviews as by_event_pageviews, null as by_entry_visits, null as by_entry_bounces, true as makes
from by_event
union all
select k0, null as by_event_visitors, null as by_event_pageviews, visits as by_entry_visits, bounces as by_entry_bounces, false as makes
from by_entry
)
group by 1
having max(makes)
)
where cast(coalesce(by_event_visitors, 0) as double) <> 0 or cast(coalesce(by_event_pageviews, 0) as double) <> 0
order by cast(coalesce(by_event_visitors, 0) as double) desc nulls last, k0 nulls last
limit $5 offset $6
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "2026-11-24 15:00:00.000"
-- $5 = 10
-- $6 = 0
