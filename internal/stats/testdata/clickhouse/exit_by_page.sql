-- by=exit_page&f=eq,path,/pricing&metrics=visits&page=1&page_size=10&period=7d
with by_visit as (
select k0, count(*) as visits
from (
select coalesce(substring(max(concat(toString(ts, 'UTC'), path)) filter (where name = 'pageview'), 24), '') as k0, visit_id
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($4 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement' and visit_id in (
select visit_id
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($4 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement' and (path = $5)
)
group by visit_id
)
group by 1
)
select k0 as t0, cast(coalesce(by_visit.visits, 0) as double) as visits, count(*) over () as rows_in_all
from by_visit
where cast(coalesce(by_visit.visits, 0) as double) <> 0
order by cast(coalesce(by_visit.visits, 0) as double) desc nulls last, k0 nulls last
limit $6 offset $7
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-24 15:00:00.000"
-- $4 = "2026-11-23 15:00:00.000"
-- $5 = "/pricing"
-- $6 = 10
-- $7 = 0
