-- by=goal&metrics=conversions,visitors,conversion_rate,revenue&page=1&page_size=10&period=7d
with by_event as (
select goal as k0, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors, cast(count(*) filter (where name <> 'engagement') as double) as conversions, count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as converting, coalesce(cast(sum(case when currency = '' then case goal when $5 then cast($12 as Int128) when $10 then cast($13 as Int128) end when currency = $14 then cast(revenue as Int128) end) filter (where name <> 'engagement') as double), 0) / 1000 as revenue, count(*) filter (where currency <> $14 and currency <> '' and name <> 'engagement') as revenue_elsewhere
from (
select *, $5 as goal
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and ((name in ('pageview', 'engagement')) and (startsWith(path, $4))) and name = 'pageview'
union all
select *, arrayJoin(arrayFilter((item, is) -> is, [$10, $11], [((name = $6) and (coalesce(props[$8], '') = $9)), (name = $7)])) as goal
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement' and ((name in ($6, $7) and name <> 'pageview' and name <> 'engagement') and (((name = $6) and (coalesce(props[$8], '') = $9)) or (name = $7)))
)
group by 1
), by_base as (
select goal as k0, visitors as base
from (
select count(distinct visitor_id) filter (where visitor_id <> 0 and name <> 'engagement') as visitors
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and name <> 'engagement'
) as others cross join (select arrayJoin([$5, $10, $11]) as goal) as goals
)
select k0 as t0, coalesce(conversions, 0) as conversions, cast(coalesce(by_event_visitors, 0) as double) as visitors, 100 * cast(coalesce(converting, 0) as double) / nullif(base, 0) as conversion_rate, coalesce(revenue, 0) as revenue, coalesce(revenue_elsewhere, 0) > 0 as elsewhere, count(*) over () as rows_in_all
from (
select k0, any_value(by_event_visitors) as by_event_visitors, any_value(conversions) as conversions, any_value(converting) as converting, any_value(revenue) as revenue, any_value(revenue_elsewhere) as revenue_elsewhere, any_value(base) as base
from (
select k0, visitors as by_event_visitors, conversions, converting, revenue, revenue_elsewhere, null as base
from by_event
union all
select k0, null as by_event_visitors, null as conversions, null as converting, null as revenue, null as revenue_elsewhere, base
from by_base
)
group by 1
)
where coalesce(conversions, 0) <> 0 or cast(coalesce(by_event_visitors, 0) as double) <> 0 or converting > 0 or coalesce(revenue, 0) <> 0 or revenue_elsewhere > 0
order by coalesce(conversions, 0) desc nulls last, k0 nulls last
limit $15 offset $16
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = "/thanks"
-- $5 = "Thanks"
-- $6 = "buy"
-- $7 = "signup"
-- $8 = "plan"
-- $9 = "pro"
-- $10 = "Pro"
-- $11 = "Signup"
-- $12 = 2000
-- $13 = 10000
-- $14 = "KRW"
-- $15 = 10
-- $16 = 0
