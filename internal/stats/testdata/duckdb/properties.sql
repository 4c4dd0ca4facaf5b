-- by=prop:plan&f=gt,prop:amount,9.5&metrics=events,visits,visit_duration&page=1&page_size=10&period=7d
with by_event as (
select coalesce(props[$6], '') as k0, cast(count(*) filter (where name <> 'engagement') as double) as events
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($3 as timestamp) and name <> 'engagement' and (case when regexp_full_match(coalesce(props[$4], ''), '-?[0-9]{1,15}(\.[0-9]{1,15})?') then try_cast(coalesce(props[$4], '') as double) > $5 else false end)
group by 1
), by_visit_rows as (
select visit_id, visit_start, ts, name, interactive, (case when regexp_full_match(coalesce(props[$4], ''), '-?[0-9]{1,15}(\.[0-9]{1,15})?') then try_cast(coalesce(props[$4], '') as double) > $5 else false end) as hit, coalesce(props[$6], '') as k0
from events
where site_id = $1 and ts >= cast($2 as timestamp) and ts < cast($7 as timestamp) and visit_start >= cast($2 as timestamp) and visit_start < cast($3 as timestamp) and visit_id <> 0 and name <> 'engagement'
), by_visit as (
select k0, cast(count(*) as double) as visits, cast(sum(ms) as double) / (1000 * count(*)) as visit_duration
from (
select distinct visit_id, k0
from by_visit_rows
where hit
) as groups join (
select visit_id, date_diff('millisecond', min(ts), max(ts)) as ms
from by_visit_rows
group by visit_id
) as visits using (visit_id)
group by 1
)
select k0 as t0, coalesce(events, 0) as events, coalesce(visits, 0) as visits, visit_duration, count(*) over () as rows_in_all
from by_event full join by_visit using (k0)
where coalesce(events, 0) <> 0 or coalesce(visits, 0) <> 0 or visit_duration is not null
order by coalesce(events, 0) desc nulls last, k0 nulls last
limit $8 offset $9;
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "amount"
-- $5 = 9.5
-- $6 = "plan"
-- $7 = "2026-11-24 15:00:00.000"
-- $8 = 10
-- $9 = 0
