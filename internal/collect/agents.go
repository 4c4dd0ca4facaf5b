package collect

import (
	"fmt"
	"math/rand/v2"

	"github.com/dchest/siphash"
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
// hundred times as long. The keys are hashes under a key of this process: the
// user agents themselves are not kept, and nobody can aim two at one place.
type agents struct {
	bots   *bot.Matcher
	k0, k1 uint64
	shards [agentShards]*lru.Cache[uint64, *agent]
}

func newAgents(bots *bot.Matcher) (*agents, error) {
	a := &agents{bots: bots, k0: rand.Uint64(), k1: rand.Uint64()}
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
	h := siphash.Hash(a.k0, a.k1, []byte(ua))
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
