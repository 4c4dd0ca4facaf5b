-- by=goal&metrics=visits,bounce_rate&page=1&page_size=10&period=7d
with by_visit_rows as (
select visit_id, visit_start, ts, name, interactive, true as hit, arrayFilter((item, is) -> is, [$10, $11, $12], [((name in ('pageview', 'engagement')) and (startsWith(path, $5))), ((name = $6) and (coalesce(props[$7], '') = $8)), (name = $9)]) as k0
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($4 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement'
), by_visit as (
select k0, count(*) as visits, sum(bounce) as bounces
from (
select distinct visit_id, arrayJoin(k0) as k0
from by_visit_rows
where hit
) as groups join (
select visit_id, case when count(*) filter (where name = 'pageview') = 1 and not max(interactive and name <> 'pageview') then 1 else 0 end as bounce
from by_visit_rows
group by visit_id
) as visits using (visit_id)
group by 1
)
select k0 as t0, cast(coalesce(by_visit.visits, 0) as double) as visits, 100 * cast(by_visit.bounces as double) / nullif(by_visit.visits, 0) as bounce_rate, count(*) over () as rows_in_all
from by_visit
where cast(coalesce(by_visit.visits, 0) as double) <> 0 or 100 * cast(by_visit.bounces as double) / nullif(by_visit.visits, 0) is not null
order by cast(coalesce(by_visit.visits, 0) as double) desc nulls last, k0 nulls last
limit $13 offset $14
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-24 15:00:00.000"
-- $4 = "2026-11-23 15:00:00.000"
-- $5 = "/thanks"
-- $6 = "buy"
-- $7 = "plan"
-- $8 = "pro"
-- $9 = "signup"
-- $10 = "Thanks"
-- $11 = "Pro"
-- $12 = "Signup"
-- $13 = 10
-- $14 = 0
