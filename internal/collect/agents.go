package collect

import (
	"fmt"
	"hash/maphash"

	lru "github.com/hashicorp/golang-lru/v2"

	"moonbear/internal/bot"
	"moonbear/internal/device"
)

// agent is what a user agent tells.
type agent struct {
	bot   string // its name; "" is a person's browser
	facts device.Facts
}

// agentShards and agentsPerShard hold what the last 64 × 512 different user
// agents told, about 6 MB. A busy site sees a few thousand a day.
const (
	agentShards    = 64
	agentsPerShard = 512
)

// agents remembers what user agents told, because asking again takes a
// hundred times as long. The keys are hashes under a seed of this process: the
// user agents themselves are not kept, and nobody can aim two at one place.
type agents struct {
	bots   *bot.Matcher
	seed   maphash.Seed
	shards [agentShards]*lru.Cache[uint64, *agent]
}

func newAgents(bots *bot.Matcher) (*agents, error) {
	a := &agents{bots: bots, seed: maphash.MakeSeed()}
	for i := range a.shards {
		var err error
		if a.shards[i], err = lru.New[uint64, *agent](agentsPerShard); err != nil {
			return nil, fmt.Errorf("remember user agents: %w", err)
		}
	}
	return a, nil
}

// maxAgent bounds what is looked at of a user agent, bytes.
const maxAgent = 1000

func (a *agents) find(ua string) *agent {
	ua = cut(ua, maxAgent)
	h := maphash.String(a.seed, ua)
	shard := a.shards[h%agentShards]
	if known, ok := shard.Get(h); ok {
		return known
	}
	name, isBot := a.bots.Match(ua)
	found := &agent{bot: name}
	if !isBot {
		found.bot, found.facts = "", device.Parse(ua)
	}
	shard.Add(h, found)
	return found
}
