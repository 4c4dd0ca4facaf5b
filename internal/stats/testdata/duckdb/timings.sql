-- interval=day&metrics=page_load_p75,cls_p95&period=7d
with by_event as (
select cast($4 + date_diff('millisecond', cast($2 as timestamp), ts) // $5 as integer) as k0, cast(quantile_disc(page_load, 0.75) as double) as page_load_p75, cast(quantile_disc(cls, 0.95) as double) / 10000 as cls_p95
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and coalesce(page_load, cls) is not null
group by 1
)
select k0, page_load_p75, cls_p95
from by_event;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 0
-- $5 = 86400000
