-- filter={"and":[{"dimension":"path","operator":"eq","value":["/docs"]},{"dimension":"country","operator":"in","value":["KR","US"]},{"not":{"dimension":"prop:plan","operator":"matches","value":["p*_1"]}}]}&metrics=visitors,visits,bounce_rate,revenue&period=7d
with by_event as (
select count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, coalesce(cast(sum(case when currency = $9 then cast(revenue as Int128) end) filter (where name <> 'engagement') as double), 0) / 1000 as revenue, count(*) filter (where currency <> $9 and currency <> '' and name <> 'engagement') as revenue_elsewhere
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and ((path = $4) and (country in ($5, $6)) and not (coalesce(props[$7], '') like $8))
), by_visit as (
select count(*) as visits, sum(bounce) as bounces
from (
select visit_id, case when count(*) filter (where name = 'pageview') = 1 and not max(interactive and name <> 'pageview') then 1 else 0 end as bounce
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($10 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($10 as DateTime64(3, 'UTC'))) and visit_start >= cast($2 as DateTime64(3, 'UTC')) and visit_start < cast($3 as DateTime64(3, 'UTC')) and ts >= visit_start and ts < visit_start + interval 24 hour and visit_id <> 0 and name <> 'engagement' and (country in ($5, $6))
group by visit_id
having max(((path = $4) and not (coalesce(props[$7], '') like $8)))
)
)
select cast(coalesce(by_event.visitors, 0) as double) as visitors, cast(coalesce(by_visit.visits, 0) as double) as visits, 100 * cast(by_visit.bounces as double) / nullif(by_visit.visits, 0) as bounce_rate, coalesce(revenue, 0) as revenue, coalesce(revenue_elsewhere, 0) > 0 as elsewhere
from by_event cross join by_visit
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "/docs"
-- $5 = "KR"
-- $6 = "US"
-- $7 = "plan"
-- $8 = "p%\\_1"
-- $9 = "KRW"
-- $10 = "2026-11-24 15:00:00.000"
