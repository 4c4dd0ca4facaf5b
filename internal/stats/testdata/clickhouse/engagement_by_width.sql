-- by=screen_width&metrics=engagement_time,scroll_depth&page=1&page_size=10&period=7d
with by_event as (
select screen_width as k0, cast(sum(engagement_time) filter (where visit_id <> 0) as double) / nullif(1000 * count(distinct visit_id) filter (where visit_id <> 0 and engagement_time is not null), 0) as engagement_time
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and engagement_time is not null
group by 1
), by_scroll as (
select k0, cast(sum(depth) as double) / count(*) as scroll_depth
from (
select screen_width as k0, max(scroll_depth) as depth
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and scroll_depth is not null and visit_id <> 0
group by k0, visit_id, path
)
group by 1
)
select case when k0 = 0 then '' else cast(k0 as varchar) end as t0, engagement_time, scroll_depth, count(*) over () as rows_in_all
from (
select k0, any_value(engagement_time) as engagement_time, any_value(scroll_depth) as scroll_depth
from (
select k0, engagement_time, null as scroll_depth
from by_event
union all
select k0, null as engagement_time, scroll_depth
from by_scroll
)
group by 1
)
where engagement_time is not null or scroll_depth is not null
order by engagement_time desc nulls last, k0 nulls last
limit $4 offset $5
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 10
-- $5 = 0
