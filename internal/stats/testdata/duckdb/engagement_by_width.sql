-- by=screen_width&metrics=engagement_time,scroll_depth&page=1&page_size=10&period=7d
with by_event as (
select screen_width as k0, cast(sum(engagement_time) filter (where visit_id <> 0) as double) / nullif(1000 * count(distinct visit_id) filter (where visit_id <> 0 and engagement_time is not null), 0) as engagement_time
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and engagement_time is not null
group by 1
), by_scroll as (
select k0, cast(sum(depth) as double) / count(*) as scroll_depth
from (
select screen_width as k0, max(scroll_depth) as depth
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and scroll_depth is not null and visit_id <> 0
group by k0, visit_id, path
)
group by 1
)
select case when k0 = 0 then '' else cast(k0 as varchar) end as t0, engagement_time, scroll_depth, count(*) over () as rows_in_all
from by_event full join by_scroll using (k0)
where engagement_time is not null or scroll_depth is not null
order by engagement_time desc nulls last, k0 nulls last
limit $4 offset $5;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 10
-- $5 = 0
