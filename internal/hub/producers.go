package hub

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// A producer is who sends findings: a product, for an account and Region, by the account of the key that signed. What is known of
// producers is counted in memory as findings come, in bounded room, and begins anew with the process (D150).
type producerKey struct {
	sender, account, region, product string // account: "" where findings name none, or one that the sender may not send for
}

// The bounds of what is known of producers.
const (
	maxProducers      = 1000
	maxNamed          = 2048 // bytes of a text that names something
	rateMinutes       = 60
	sketchSize        = 64
	nearFull          = 90 // percent of a limit, from which on a finding is near it
	lastingRun        = time.Minute
	maxRejected       = 1000
	maxRejectedOfOne  = 20
	maxRejectedBytes  = 8 << 20
	maxRejectedOfText = 1 << 20 // bytes of one producer's
)

// producers is what a hub knows of those who send to it.
type producers struct {
	mu    sync.Mutex
	since time.Time
	known map[producerKey]*producer
	calls uint64
	seed  maphash.Seed

	rejected []*rejection // oldest first
	bytes    int
}

// producer is what is counted of one.
type producer struct {
	key         producerKey
	first, last time.Time
	call        uint64 // the last one it was in
	requests    uint64

	created, updated, stale, rejected uint64

	largest   int    // bytes of a finding
	nearSize  uint64 // findings near the limit of 240 KB
	fullest   fullness
	nearCount uint64 // of the findings looked at, one a request
	newIDs    uint64 // of the subjects in the sketch: found again in a later run under another id
	sketch    []subject
	minutes   [rateMinutes]minute
	looked    uint64 // the last request of which a finding was looked at

	dropped uint64 // of its rejected findings, kept no more
	kept    int
	bytes   int
}

// fullness is the list or map that came nearest to what it may hold.
type fullness struct {
	member   asff.Top
	n, limit int
}

// minute is what came in one minute of the clock.
type minute struct {
	at                           int64 // minutes since 1970
	requests, accepted, rejected uint32
}

// subject is one thing that findings are about, one of the few with the smallest hashes: the same ones in every run of a producer.
type subject struct {
	hash, id uint64
	at       int64 // Unix milliseconds of the last report under this id
}

func newProducers(now time.Time) *producers {
	return &producers{since: now, known: map[producerKey]*producer{}, seed: maphash.MakeSeed()}
}

// of is the producer with a key. Where there are too many, the one that was silent longest is forgotten.
func (ps *producers) of(key producerKey, now time.Time) *producer {
	if p := ps.known[key]; p != nil {
		return p
	}
	if len(ps.known) >= maxProducers {
		var oldest *producer
		for _, p := range ps.known {
			if oldest == nil || p.last.Before(oldest.last) {
				oldest = p
			}
		}
		delete(ps.known, oldest.key)
	}
	p := &producer{first: now, key: producerKey{
		sender: strings.Clone(key.sender), account: strings.Clone(key.account), region: strings.Clone(key.region), product: strings.Clone(key.product),
	}}
	ps.known[p.key] = p
	return p
}

// producerKey tells whose a finding of a call is.
func (c *importCall) producerKey(i int) producerKey {
	f := &c.batch.Findings[i]
	key := producerKey{sender: c.p.Account, region: c.p.Region}
	if f.HasAwsAccountID && isAccount(f.AwsAccountID) {
		key.account = f.AwsAccountID
	}
	if key.product = f.ProductArn; len(key.product) > maxNamed {
		key.product = strings.ToValidUTF8(key.product[:maxNamed], "")
	}
	return key
}

// note counts what became of a call's findings. Of accepted ones it allocates nothing; of rejected ones the last are kept.
func (ps *producers) note(c *importCall) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.calls++
	var key producerKey
	var p *producer
	next := 0 // in c.ready
	for i := range c.batch.Findings {
		f := &c.batch.Findings[i]
		if k := c.producerKey(i); p == nil || k != key {
			key, p = k, ps.of(k, c.now)
		}
		m := p.at(c.now)
		if p.call != ps.calls {
			p.call, p.last = ps.calls, c.now
			p.requests++
			m.requests++
		}
		ready := next < len(c.ready) && c.ready[next] == i
		if ready {
			next++
		}
		if why := c.failed[i]; why.code != "" {
			p.rejected++
			m.rejected++
			ps.keep(p, c, i, why)
			continue
		}
		m.accepted++
		p.count(ps, c, next-1, f, p.requests)
	}
}

// count is note for a finding that was taken.
func (p *producer) count(ps *producers, c *importCall, k int, f *asff.Finding, request uint64) {
	switch c.outcomes[k] {
	case asff.Created:
		p.created++
		p.see(ps, c.now, f)
	case asff.Updated:
		p.updated++
	case asff.Stale:
		p.stale++
	}
	p.largest = max(p.largest, f.CountedSize)
	if f.CountedSize*100 > asff.MaxFindingBytes*nearFull {
		p.nearSize++
	}
	if p.looked == request {
		return
	}
	p.looked = request
	member, n, limit := asff.Fullest(f.Doc, &f.Members)
	if limit == 0 {
		return
	}
	if n*100 >= limit*nearFull {
		p.nearCount++
	}
	if p.fullest.limit == 0 || n*p.fullest.limit > p.fullest.n*limit {
		p.fullest = fullness{member, n, limit}
	}
}

// see notes under which id a new finding's subject came. The sketch holds the subjects with the smallest hashes, so that a later run
// meets the same ones; of those that a run reports twice nothing can be told.
func (p *producer) see(ps *producers, now time.Time, f *asff.Finding) {
	var h maphash.Hash
	h.SetSeed(ps.seed)
	generator, title, resource := asff.Subject(f.Doc, &f.Members)
	for _, part := range [...][]byte{generator, title, resource} {
		_, _ = h.Write(part) // never fails
		_ = h.WriteByte(0)
	}
	s := subject{hash: h.Sum64(), id: maphash.String(ps.seed, f.ID), at: now.UnixMilli()}
	most := -1
	for i := range p.sketch {
		have := &p.sketch[i]
		if have.hash == s.hash {
			if have.id != s.id && s.at-have.at >= lastingRun.Milliseconds() {
				p.newIDs++
			}
			*have = s
			return
		}
		if most < 0 || have.hash > p.sketch[most].hash {
			most = i
		}
	}
	switch {
	case len(p.sketch) < sketchSize:
		if p.sketch == nil {
			p.sketch = make([]subject, 0, sketchSize)
		}
		p.sketch = append(p.sketch, s)
	case s.hash < p.sketch[most].hash:
		p.sketch[most] = s
	}
}

// at is the producer's counter of the present minute.
func (p *producer) at(now time.Time) *minute {
	at := now.Unix() / 60
	m := &p.minutes[uint64(at)%rateMinutes] //nolint:gosec // a place in the ring
	if m.at != at {
		*m = minute{at: at}
	}
	return m
}

// mayKnow tells whether a caller may know of a producer: where it would see its findings, or sent them itself.
func (k *producerKey) mayKnow(scope *store.Scope, account string) bool {
	return k.account != "" && scope.Allows(store.Key{Account: k.account, Region: k.region}) ||
		k.sender == account && inRegions(scope, k.region) || len(scope.Accounts) == 0 && inRegions(scope, k.region)
}

// inRegions tells whether a scope has a Region, whoever's findings lie there.
func inRegions(scope *store.Scope, region string) bool {
	regions := store.Scope{Regions: scope.Regions, Without: scope.Without}
	return regions.Allows(store.Key{Region: region})
}
