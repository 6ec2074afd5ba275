package server

import (
	"sync"
	"time"

	"hubcap/internal/iam"
)

// rates are AWS's request rates per account and Region (spec 11), kept by the profile aws: a bucket an operation, filled steadily
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

// others is the bucket that the operations without a rate of their own share.
const others = "others"

// steady and burst, in requests a second.
var rateOf = map[string]struct{ steady, burst float64 }{
	"BatchEnableStandards":   {1, 1},
	"GetFindings":            {3, 6},
	"BatchImportFindings":    {10, 30},
	"BatchUpdateFindings":    {10, 30},
	"UpdateStandardsControl": {1, 5},
	others:                   {10, 30},
}

// mostBuckets bounds what is kept; with --auth none strangers choose account and Region.
const mostBuckets = 10_000

func newRates() *rates { return &rates{buckets: map[rateKey]*bucket{}} }

// allow takes a token, or answers false where there is none.
func (r *rates) allow(p *iam.Principal, operation string, now time.Time) bool {
	key, rate := keyOf(p, operation), rateOf[own(operation)]
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[key]
	if b == nil {
		if len(r.buckets) >= mostBuckets {
			clear(r.buckets)
		}
		b = &bucket{tokens: rate.burst, at: now}
		r.buckets[key] = b
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(rate.burst, b.tokens+passed*rate.steady)
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// giveBack puts back the token of a request that was refused access: it was held to the rate, but costs nothing of it (D30).
func (r *rates) giveBack(p *iam.Principal, operation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.buckets[keyOf(p, operation)]; b != nil {
		b.tokens = min(rateOf[own(operation)].burst, b.tokens+1)
	}
}

// own names the bucket of an operation.
func own(operation string) string {
	if _, ok := rateOf[operation]; ok {
		return operation
	}
	return others
}

func keyOf(p *iam.Principal, operation string) rateKey {
	return rateKey{p.Account, p.Region, own(operation)}
}
