package main

import (
	"fmt"
	"math"
	"strings"

	"moonbear/bench/figures"
)

// What is assumed of prices: euros a month, as public price lists have them for
// virtual machines between the cheapest and the dearest hosters.
const (
	priceCPU     = 12.0 // a virtual processor with 4 GiB of memory
	priceDisk    = 0.10 // a gigabyte of replicated SSD
	priceObject  = 0.02 // a gigabyte of object storage
	priceBalance = 15.0 // a load balancer
	priceControl = 70.0 // a Kubernetes control plane
)

const (
	// busy is how much of a processor is planned for: the rest is for the loss of
	// a machine, and for what comes in bursts.
	busy = 0.5
	// full is how much of a disk is planned for: merging needs room.
	full = 0.7
	// peak is how much busier the busiest moment is than the average.
	peak = 3.0

	daySeconds = 86_400.0
	yearDays   = 365.0
)

// step is a way to run Moonbear, from the smallest to the largest.
type step struct {
	name, machines string
	price          float64 // euros a month, of one virtual machine; 0: of parts
	cpus, disk     float64 // of that machine; GB

	replicas float64 // several: of so many virtual processors each
	each     float64
	shards   float64 // of ClickHouse, each of two machines
	shard    float64 // virtual processors of one of them
	store    float64 // GB of one of them
	beside   float64 // virtual processors of everything else
}

// steps are those that are priced. What is beside the replicas and ClickHouse:
// PostgreSQL twice, Redis, three keepers of ClickHouse, proxies, monitoring.
var steps = []step{
	{name: "the smallest VPS, one binary", machines: "2 vCPU, 2 GiB, 40 GB", price: 5, cpus: 2, disk: 40},
	{name: "a bigger VPS, one binary", machines: "8 vCPU, 16 GiB, 320 GB", price: 40, cpus: 8, disk: 320},
	{name: "Kubernetes, 2 replicas", machines: "2 × 1 vCPU; ClickHouse 1 shard, 2 × 4 vCPU and 500 GB", replicas: 2, each: 1, shards: 1, shard: 4, store: 500, beside: 6},
	{name: "Kubernetes, 8 replicas", machines: "8 × 2 vCPU; ClickHouse 2 shards, 4 × 8 vCPU and 2 TB", replicas: 8, each: 2, shards: 2, shard: 8, store: 2000, beside: 10},
}

// month is what a step costs.
func (s step) month() float64 {
	if s.price != 0 {
		return s.price
	}
	cpus := s.replicas*s.each + 2*s.shards*s.shard + s.beside
	kept := s.shards * s.store * full // what is backed up
	return cpus*priceCPU + 2*s.shards*s.store*priceDisk + kept*priceObject + priceBalance + priceControl
}

// bound is something a step has only so much of, as the events a day that it is
// enough for.
type bound struct {
	name   string
	events float64 // NaN: not measured
}

// bounds are a step's.
func (s step) bounds(in inputs) []bound {
	aDay := func(cpus, us float64) float64 { return cpus * busy / us * 1e6 / peak * daySeconds }
	if s.price != 0 {
		return []bound{
			{"collecting", aDay(s.cpus, in.hit)},
			{"loading", in.embedded.load * busy / peak * daySeconds},
			{"disk, a year kept", s.disk * 1e9 * full / in.embedded.bytes / yearDays},
		}
	}
	return []bound{
		{"collecting", aDay(s.replicas*s.each, in.server)},
		{"loading", aDay(s.shards*s.shard, in.engine)},
		{"disk, a year kept", s.shards * s.store * 1e9 * full / in.bytes / yearDays},
		{"Redis", aDay(1, in.redis)},
	}
}

// stepsTable is what each step costs, and what it is enough for.
func stepsTable(in inputs) string {
	var b strings.Builder
	b.WriteString("| step | machines | € a month | bound by, in events a day | the least is |\n|---|---|---|---|---|\n")
	for _, s := range steps {
		var each []string
		least, whole := bound{events: math.Inf(1)}, true
		for _, x := range s.bounds(in) {
			each = append(each, x.name+" "+amount(x.events))
			whole = whole && !math.IsNaN(x.events)
			if x.events < least.events {
				least = x
			}
		}
		name := least.name
		if !whole {
			name = unknown
		}
		fmt.Fprintf(&b, "| %s | %s | %.0f | %s | %s |\n", s.name, s.machines, s.month(), strings.Join(each, "; "), name)
	}
	fmt.Fprintf(&b, "\nAssumed, in euros a month: %.0f for a virtual processor with 4 GiB, %.2f for a GB of SSD, %.2f for a GB of object storage (one copy of the events), %.0f for a load balancer, %.0f for Kubernetes' control plane; the two VPS at list price. Traffic out isn't in it.\n",
		priceCPU, priceDisk, priceObject, priceBalance, priceControl)
	fmt.Fprintf(&b, "Planned for are %.0f %% of the processors and %.0f %% of the disks, and a busiest moment of %.0f times the average.\n", 100*busy, 100*full, peak)
	fmt.Fprintf(&b, "Questions: with %s events of 30 days on two cores the biggest site's slowest panel takes %s at the 95th percentile in the embedded store; more was not measured.\n",
		amount(in.embedded.events), known(in.embedded.panel, "%.0f ms"))
	return b.String()
}

// amount writes a large number in words.
func amount(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return unknown
	case v >= 1e9:
		return fmt.Sprintf("%.1f billion", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.1f million", v/1e6)
	}
	return figures.Grouped(v)
}

// A billion events a day.
const (
	billion     = 1e9
	replicaCPUs = 4.0  // virtual processors of a replica
	shardCPUs   = 16.0 // and of a machine of ClickHouse
	customer    = 0.01 // the biggest customer's share of all events
	shownDays   = 30.0
	// tokens are how many inserts ClickHouse's Keeper remembers for a table
	// (replicatedWindow in internal/event/clickhouse); a statement ends after a
	// minute, and until then its token must be known.
	tokens = 10_000.0
)

// need is one line of the plan.
type need struct{ what, from, is string }

// billionTable is what a billion events a day need, by the figures measured.
func billionTable(in inputs) string {
	average := billion / daySeconds
	most := average * peak
	cores := func(us float64) float64 { return most * us / 1e6 }
	replicas := math.Ceil(cores(in.server) / busy / replicaCPUs)
	shards := math.Ceil(cores(in.engine) / busy / shardCPUs)
	redis := math.Ceil(cores(in.redis) / busy)
	day := billion * in.bytes / 1e9 // GB
	inserts := in.inserts * replicas
	spool := most * in.written / 1e6
	scan := in.scan * billion * customer * shownDays / 1e6 / 1000 // seconds of processor time
	year := day * yearDays
	price := (replicas*replicaCPUs+2*shards*shardCPUs+redis)*priceCPU + 2*year/full*priceDisk + year*priceObject
	needs := []need{
		{"hits", "a billion a day; the busiest moment " + fmt.Sprintf("%.0f", peak) + " times the average", figures.PerSecond(average) + " on average, " + figures.PerSecond(most) + " at most"},
		{"replicas", known(in.server, "%.0f µs a hit"), known(cores(in.server), "%.1f processors busy") + ", so " + known(replicas, fmt.Sprintf("%%.0f × %.0f processors", replicaCPUs))},
		{"spools", known(in.written, "%.0f bytes a hit") + "; " + known(in.syncs, "%.0f fsyncs a second and replica, more hits in each the more come"), known(spool, "%.0f MB/s") + ", " + known(spool/replicas, "%.1f MB/s a replica")},
		{"Redis", known(in.redis, "%.0f µs a hit, one thread") + "; " + known(in.commands, "%.1f commands a hit"), known(most*in.commands, "%.0f commands/s") + ", so " + known(redis, "%.0f of them, by visitor")},
		{"PostgreSQL", known(in.transactions, "%.1f transactions a second and replica"), known(in.transactions*replicas, "%.0f/s") + ", one with a standby; hits need none"},
		{"ClickHouse, loading", known(in.engine, "%.0f µs a hit"), known(cores(in.engine), "%.1f processors busy") + ", so " + known(shards, fmt.Sprintf("%%.0f × %.0f processors as shards, each twice", shardCPUs))},
		{"ClickHouse, inserts", known(in.inserts, "%.1f a second and replica"), known(inserts, "%.0f/s") + "; of one table's tokens Keeper remembers " + known(tokens/inserts, "%.0f s") + " and must remember 60"},
		{"disk", known(in.bytes, "%.1f bytes an event"), known(day, "%.0f GB a day") + ", " + known(2*day*shownDays/1000/full, "%.0f TB") + " for 30 days and " + known(2*year/1000/full, "%.0f TB") + fmt.Sprintf(" for a year, twice, %.0f %% full", 100*full)},
		{"questions", known(in.scan, "%.1f ms of processor time for a million events in the slowest panel"), known(scan, "%.0f s") + " for 30 days of a customer with " + fmt.Sprintf("%.0f %%", 100*customer) + " of all events, " + known(scan/shards/shardCPUs, "%.1f s") + " on all shards at once"},
		{"a month", "the prices above", known(price, "€ %.0f") + ", a year kept, without traffic out"},
	}
	var b strings.Builder
	b.WriteString("| what | measured | needs |\n|---|---|---|\n")
	for _, n := range needs {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", n.what, n.from, n.is)
	}
	return b.String()
}
