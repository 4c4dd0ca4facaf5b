-- by=prop:plan&f=gt,prop:amount,9.5&metrics=events,visits,visit_duration&page=1&page_size=10&period=7d
with by_event as (
select coalesce(props[$6], '') as k0, count(*) filter (where name <> 'engagement') as events
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and (case when match(coalesce(props[$4], ''), '^-{0,1}[0-9]{1,15}([.][0-9]{1,15}){0,1}$') then toFloat64OrNull(coalesce(props[$4], '')) > $5 else false end)
group by 1
), by_visit_rows as (
select visit_id, visit_start, ts, name, interactive, (case when match(coalesce(props[$4], ''), '^-{0,1}[0-9]{1,15}([.][0-9]{1,15}){0,1}$') then toFloat64OrNull(coalesce(props[$4], '')) > $5 else false end) as hit, coalesce(props[$6], '') as k0
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($7 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($7 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($3 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
), by_visit as (
select k0, count(*) as visits, sum(ms) as duration
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
select k0 as t0, cast(coalesce(by_event_events, 0) as double) as events, cast(coalesce(by_visit_visits, 0) as double) as visits, cast(by_visit_duration as double) / (1000 * nullif(by_visit_visits, 0)) as visit_duration, count(*) over () as rows_in_all
from (
select k0, any_value(by_event_events) as by_event_events, any_value(by_visit_visits) as by_visit_visits, any_value(by_visit_duration) as by_visit_duration
from (
select k0, events as by_event_events, null as by_visit_visits, null as by_visit_duration
from by_event
union all
select k0, null as by_event_events, visits as by_visit_visits, duration as by_visit_duration
from by_visit
)
group by 1
)
where cast(coalesce(by_event_events, 0) as double) <> 0 or cast(coalesce(by_visit_visits, 0) as double) <> 0 or cast(by_visit_duration as double) / (1000 * nullif(by_visit_visits, 0)) is not null
order by cast(coalesce(by_event_events, 0) as double) desc nulls last, k0 nulls last
limit $8 offset $9
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "amount"
-- $5 = 9.5
-- $6 = "plan"
-- $7 = "2026-11-24 15:00:00.000"
-- $8 = 10
-- $9 = 0
