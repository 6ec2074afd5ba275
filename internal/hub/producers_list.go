package hub

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
)

// ListProducersInput asks for those who send findings, of an account and a product where they are given.
type ListProducersInput struct {
	Account *string `query:"account"`
	Product *string `query:"product"` // its ARN
}

// ListProducersOutput has them by product, account and Region.
type ListProducersOutput struct {
	Since     string         `json:"Since"` // when the hub began to count
	Producers []ProducerSeen `json:"Producers"`
}

// ProducerSeen is what was counted of one producer, and what it could do better.
type ProducerSeen struct {
	ProductArn  string         `json:"ProductArn"`
	ProductName string         `json:"ProductName,omitempty"`
	AccountID   string         `json:"AccountId"`
	Region      string         `json:"Region"`
	SenderID    string         `json:"SenderAccountId"` // of the key that signs
	FirstSeenAt string         `json:"FirstSeenAt"`
	LastSeenAt  string         `json:"LastSeenAt"`
	Requests    uint64         `json:"Requests"`
	Created     uint64         `json:"Created"`
	Updated     uint64         `json:"Updated"`
	Stale       uint64         `json:"Stale"`
	Rejected    uint64         `json:"Rejected"`
	Largest     int            `json:"LargestBytes"`
	Hints       []ProducerHint `json:"Hints"`
}

// ProducerHint is something that a producer's owner should know.
type ProducerHint struct {
	Code    string `json:"Code"` // NEW_IDS, STALE_UPDATES, NEAR_SIZE, NEAR_LIMIT, NEAR_RATE, REJECTED
	Count   uint64 `json:"Count"`
	Path    string `json:"Path,omitempty"` // of NEAR_LIMIT: data.Types
	Limit   int    `json:"Limit,omitempty"`
	Message string `json:"Message"`
	Remedy  string `json:"Remedy"`
}

// ListProducers tells what was counted of the producers whose findings the caller would see, or that send with the caller's keys (D150).
func (h *Hub) ListProducers(ctx context.Context, p *iam.Principal, in *ListProducersInput) (*ListProducersOutput, error) {
	scope, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	ps := h.producers
	out := &ListProducersOutput{Since: ps.since.UTC().Format(timestamp), Producers: []ProducerSeen{}}
	ps.mu.Lock()
	for _, pr := range ps.known {
		k := &pr.key
		if (in.Account == nil || *in.Account == k.account) && (in.Product == nil || *in.Product == k.product) && k.mayKnow(&scope, p.Account) {
			out.Producers = append(out.Producers, h.showProducer(pr))
		}
	}
	ps.mu.Unlock()
	slices.SortFunc(out.Producers, func(a, b ProducerSeen) int {
		return cmp.Or(strings.Compare(a.ProductArn, b.ProductArn), strings.Compare(a.AccountID, b.AccountID), strings.Compare(a.Region, b.Region),
			strings.Compare(a.SenderID, b.SenderID))
	})
	return out, nil
}

func (h *Hub) showProducer(p *producer) ProducerSeen {
	k := &p.key
	s := ProducerSeen{
		ProductArn: k.product, AccountID: k.account, Region: k.region, SenderID: k.sender, FirstSeenAt: p.first.UTC().Format(timestamp),
		LastSeenAt: p.last.UTC().Format(timestamp), Requests: p.requests, Created: p.created, Updated: p.updated, Stale: p.stale,
		Rejected: p.rejected, Largest: p.largest, Hints: p.hints(),
	}
	if a, ok := parseProductARN(k.product); ok {
		if known := h.catalog.lookup(a); known != nil {
			s.ProductName = known.ProductName
		}
	}
	return s
}

// When a hint is given.
const (
	fewFindings   = 20                                // of fewer nothing is said
	newIDsToTell  = 5                                 // subjects of the sketch that came again under another id
	awsRequests   = 10                                // BatchImportFindings a second, of an account and Region
	nearRate      = awsRequests * 60 * nearFull / 100 // requests in a minute
	mostlyStale   = 50                                // percent
	manyRejected  = 5                                 // percent
	wholePercents = 100
)

// hints tells what stands out. Each sentence is about what was counted since the hub began.
func (p *producer) hints() []ProducerHint {
	hints := []ProducerHint{}
	taken := p.created + p.updated + p.stale
	all := taken + p.rejected
	if p.newIDs >= newIDsToTell && p.created > p.updated+p.stale {
		hints = append(hints, ProducerHint{
			Code: "NEW_IDS", Count: p.newIDs,
			Message: fmt.Sprintf("Of the %d rules, titles and resources that were watched, %d came again under another Id: each run makes new findings of the same thing.",
				len(p.sketch), p.newIDs),
			Remedy: "Make Id from what is found: the rule, the resource and the account, not the run or the time. Then triage stays, and history is of one finding.",
		})
	}
	if taken >= fewFindings && p.stale*wholePercents >= taken*mostlyStale {
		hints = append(hints, ProducerHint{
			Code: "STALE_UPDATES", Count: p.stale,
			Message: fmt.Sprintf("%d of %d findings came with an UpdatedAt that is not newer than the stored one: they changed nothing.", p.stale, taken),
			Remedy:  "Set UpdatedAt to the time of the report whenever something changed, or do not send what did not change.",
		})
	}
	if p.nearSize > 0 {
		hints = append(hints, ProducerHint{
			Code: "NEAR_SIZE", Count: p.nearSize, Limit: asff.MaxFindingBytes,
			Message: fmt.Sprintf("%d findings are near the limit of 240 KB; the largest has %d bytes of %d.", p.nearSize, p.largest, asff.MaxFindingBytes),
			Remedy:  "Send fewer resources and details in one finding: one that is larger is rejected.",
		})
	}
	if f := p.fullest; p.nearCount > 0 {
		path := "data." + f.member.Name()
		hints = append(hints, ProducerHint{
			Code: "NEAR_LIMIT", Count: p.nearCount, Path: path, Limit: f.limit,
			Message: fmt.Sprintf("%s of a finding had %d entries of at most %d; one finding a request was looked at.", path, f.n, f.limit),
			Remedy:  "Spread them over several findings, or keep those that people search for: one more and the finding is rejected.",
		})
	}
	if busiest := p.busiest(); busiest >= nearRate {
		hints = append(hints, ProducerHint{
			Code: "NEAR_RATE", Count: uint64(busiest), Limit: awsRequests * 60,
			Message: fmt.Sprintf("%d requests came in one minute; AWS takes %d a second of an account and Region, and answers 429 beyond that.", busiest, awsRequests),
			Remedy:  "Put up to 100 findings into one request, and wait and try again after a 429.",
		})
	}
	if all >= fewFindings && p.rejected*wholePercents >= all*manyRejected {
		hints = append(hints, ProducerHint{
			Code: "REJECTED", Count: p.rejected,
			Message: fmt.Sprintf("%d of %d findings were rejected.", p.rejected, all),
			Remedy:  "Look at the last ones: each is told with what is wrong and, where it can be, mended.",
		})
	}
	return hints
}

// busiest is the most requests of a minute in the last hour that was counted.
func (p *producer) busiest() uint32 {
	most := uint32(0)
	for i := range p.minutes {
		most = max(most, p.minutes[i].requests)
	}
	return most
}

// GetImportRatesInput asks for the last minutes, 60 unless said, of an account and a product where they are given.
type GetImportRatesInput struct {
	Minutes *int32  `query:"minutes"`
	Account *string `query:"account"`
	Product *string `query:"product"` // its ARN
}

// GetImportRatesOutput has a row for each minute, the present one last.
type GetImportRatesOutput struct {
	Minutes []ImportRate `json:"Minutes"`
}

// ImportRate is what came in one minute.
type ImportRate struct {
	At       string `json:"At"` // when the minute began
	Requests int64  `json:"Requests"`
	Accepted int64  `json:"Accepted"` // findings
	Rejected int64  `json:"Rejected"`
}

// GetImportRates tells how many findings came a minute, of the producers that ListProducers would tell (D150).
func (h *Hub) GetImportRates(ctx context.Context, p *iam.Principal, in *GetImportRatesInput) (*GetImportRatesOutput, error) {
	n := rateMinutes
	if in.Minutes != nil {
		if n = int(*in.Minutes); n < 1 || n > rateMinutes {
			return nil, api.InvalidParameter("minutes", "should be 1 to "+strconv.Itoa(rateMinutes))
		}
	}
	scope, err := h.reach(ctx, p)
	if err != nil {
		return nil, err
	}
	last := h.now().Unix() / 60
	out := &GetImportRatesOutput{Minutes: make([]ImportRate, n)}
	for i := range out.Minutes {
		out.Minutes[i].At = time.Unix((last-int64(n-1-i))*60, 0).UTC().Format(timestamp)
	}
	ps := h.producers
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, pr := range ps.known {
		k := &pr.key
		if in.Account != nil && *in.Account != k.account || in.Product != nil && *in.Product != k.product || !k.mayKnow(&scope, p.Account) {
			continue
		}
		for i := range pr.minutes {
			m := &pr.minutes[i]
			at := m.at - (last - int64(n-1))
			if at < 0 || at >= int64(n) {
				continue
			}
			row := &out.Minutes[at]
			row.Requests += int64(m.requests)
			row.Accepted += int64(m.accepted)
			row.Rejected += int64(m.rejected)
		}
	}
	return out, nil
}
