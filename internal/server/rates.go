package server

import (
	"sync"
	"time"

	"hubcap/internal/iam"
)

// rates are AWS's request rates per account, Region and operation (spec 11), kept by the profile aws: a bucket each, filled steadily
// and as deep as its burst.
type rates struct {
	mu      sync.Mutex
	buckets map[rateKey]*bucket
}

type rateKey struct{ account, region, operation string }

type bucket struct {
	tokens float64
	at     time.Time
}

// rate is in requests: a second, and at once.
type rate struct{ steady, burst float64 }

// rateOf are the operations with a rate of their own; every other one has otherRate, and a bucket of its own too (D105).
var rateOf = map[string]rate{
	"BatchEnableStandards":   {1, 1},
	"GetFindings":            {3, 6},
	"BatchImportFindings":    {10, 30},
	"BatchUpdateFindings":    {10, 30},
	"UpdateStandardsControl": {1, 5},
}

var otherRate = rate{10, 30}

// mostBuckets bounds what is kept; with --auth none strangers choose account and Region.
const mostBuckets = 20_000

func newRates() *rates { return &rates{buckets: map[rateKey]*bucket{}} }

// allow takes a token, or answers false where there is none.
func (r *rates) allow(p *iam.Principal, operation string, now time.Time) bool {
	key := rateKey{p.Account, p.Region, operation}
	rate := rateFor(operation)
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[key]
	if b == nil {
		if len(r.buckets) >= mostBuckets {
			r.makeRoom(now)
		}
		b = &bucket{tokens: rate.burst, at: now}
		r.buckets[key] = b
	}
	b.fill(rate, now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// makeRoom forgets the buckets that are full again, which loses nothing: in a minute all are that nobody asks of. Where none is, it
// forgets all, so that what is kept stays bounded whoever calls.
func (r *rates) makeRoom(now time.Time) {
	for key, b := range r.buckets {
		rate := rateFor(key.operation)
		if b.fill(rate, now); b.tokens >= rate.burst {
			delete(r.buckets, key)
		}
	}
	if len(r.buckets) > mostBuckets/2 {
		clear(r.buckets)
	}
}

func (b *bucket) fill(r rate, now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(r.burst, b.tokens+passed*r.steady)
		b.at = now
	}
}

// giveBack puts back the token of a request that was refused access: it was held to the rate, but costs nothing of it (D30).
func (r *rates) giveBack(p *iam.Principal, operation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.buckets[rateKey{p.Account, p.Region, operation}]; b != nil {
		b.tokens = min(rateFor(operation).burst, b.tokens+1)
	}
}

func rateFor(operation string) rate {
	if r, ok := rateOf[operation]; ok {
		return r
	}
	return otherRate
}
