-- interval=day&metrics=conversions&period=7d
with by_event as (
select cast($9 + date_diff('millisecond', cast($2 as timestamp), ts) // $10 as integer) as k0, cast(count(*) filter (where name <> 'engagement' and ((name in ('pageview', 'engagement', $4, $5)) and (((name in ('pageview', 'engagement')) and (starts_with(path, $6))) or ((name = $4) and (coalesce(props[$7], '') = $8)) or (name = $5)))) as double) as conversions
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement' and ((name in ('pageview', 'engagement', $4, $5)) and (((name in ('pageview', 'engagement')) and (starts_with(path, $6))) or ((name = $4) and (coalesce(props[$7], '') = $8)) or (name = $5)))
group by 1
)
select k0, coalesce(conversions, 0) as conversions
from by_event;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "buy"
-- $5 = "signup"
-- $6 = "/thanks"
-- $7 = "plan"
-- $8 = "pro"
-- $9 = 0
-- $10 = 86400000
