-- by=path&metrics=lcp_p75,lcp_count,lcp_good&page=1&page_size=10&period=7d
with by_event as (
select path as k0, cast(quantileExactWeighted(0.75)(lcp, 1) as double) as lcp_p75, cast(count(lcp) as double) as lcp_count, 100 * cast(count(*) filter (where lcp <= 2500) as double) / nullif(count(lcp), 0) as lcp_good
from events
where site_id = $1 and ts >= cast($2 as DateTime64(3, 'UTC')) and ts < cast($3 as DateTime64(3, 'UTC')) and toDate(ts) >= toDate(cast($2 as DateTime64(3, 'UTC'))) and toDate(ts) <= toDate(cast($3 as DateTime64(3, 'UTC'))) and lcp is not null
group by 1
)
select k0 as t0, lcp_p75, coalesce(lcp_count, 0) as lcp_count, lcp_good, count(*) over () as rows_in_all
from by_event
where (lcp_p75 is not null or coalesce(lcp_count, 0) <> 0 or lcp_good is not null) and coalesce(lcp_count, 0) >= $4
order by lcp_p75 desc nulls last, k0 nulls last
limit $5 offset $6
settings prefer_column_name_to_alias = 1, cast_keep_nullable = 1, precise_float_parsing = 1, count_distinct_implementation = 'uniqExact', distributed_product_mode = 'local';
-- $1 = 42
-- $2 = "2026-11-16 15:00:00.000"
-- $3 = "2026-11-23 15:00:00.000"
-- $4 = 10
-- $5 = 10
-- $6 = 0
