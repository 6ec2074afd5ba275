package hub

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// The bounds of one GetFindingSeries (D158).
const (
	usualDays     = 30
	maxDays       = 366
	resolvedADay  = 50 // findings of a day's last reports that are looked at
	resolvedOlder = 500
	lookedBack    = 100 // records of one finding's history
)

// GetFindingSeriesInput asks what came and went by day.
type GetFindingSeriesInput struct {
	Where   *string     `json:"Where,omitzero"`
	Filters api.RawJSON `json:"Filters,omitzero"`
	Days    *int32      `json:"Days,omitzero"` // the last ones, today among them; 30 unless said
}

// GetFindingSeriesQuery is the same in a query string.
type GetFindingSeriesQuery struct {
	Where *string `query:"where"`
	Days  *int32  `query:"days"`
}

// GetFindingSeriesOutput is a row a day, the oldest first, of days in UTC. All of it is of the findings that are kept now: what was
// deleted counts no more.
type GetFindingSeriesOutput struct {
	From          string        `json:"From"`     // the first day's begin
	To            string        `json:"To"`       // when it was asked
	Count         int64         `json:"Count"`    // findings that match
	Unresolved    int64         `json:"Open"`     // of these: neither resolved nor suppressed nor archived
	Resolved      int64         `json:"Resolved"` // of these: Workflow.Status RESOLVED, or archived
	Exact         bool          `json:"Exact"`    // every resolved finding was looked at; else the days' Resolved is estimated
	Days          []SeriesDay   `json:"Days"`
	TimeToResolve TimeToResolve `json:"TimeToResolve"`
}

// SeriesDay is one day.
type SeriesDay struct {
	Day        string           `json:"Day"`        // 2026-11-22
	New        int64            `json:"New"`        // CreatedAt, the provider's word
	Severities map[string]int64 `json:"Severities"` // of the new ones, as their label is now
	Resolved   int64            `json:"Resolved"`   // by the history; where it tells nothing by UpdatedAt
}

// TimeToResolve is of the findings resolved in these days that were looked at, from CreatedAt.
type TimeToResolve struct {
	Findings      int64 `json:"Findings"`
	MeanSeconds   int64 `json:"MeanSeconds"`
	MedianSeconds int64 `json:"MedianSeconds"`
}

// GetFindingSeriesQuery is GetFindingSeries for a query string.
func (h *Hub) GetFindingSeriesQuery(ctx context.Context, p *iam.Principal, in *GetFindingSeriesQuery) (*GetFindingSeriesOutput, error) {
	return h.GetFindingSeries(ctx, p, &GetFindingSeriesInput{Where: in.Where, Days: in.Days})
}

// GetFindingSeries tells by day how many of the findings in the caller's scope that match came, and how many were resolved (D158).
//
// A finding does not say when it was resolved: its history does, else the provider's last report is as near as one can tell. Of each
// day's last reports the newest 50 resolved ones are looked at, and of those before the first day 500; they stand for the others.
func (h *Hub) GetFindingSeries(ctx context.Context, p *iam.Principal, in *GetFindingSeriesInput) (*GetFindingSeriesOutput, error) {
	days := usualDays
	if in.Days != nil {
		if days = int(*in.Days); days < 1 || days > maxDays {
			return nil, api.InvalidParameter("Days", "should be 1 to "+strconv.Itoa(maxDays))
		}
	}
	now := h.now()
	where, err := h.condition(in.Where, in.Filters, now)
	if err != nil {
		return nil, err
	}
	reach, err := h.mayAsk(ctx, p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := h.limited(ctx)
	defer cancel()
	s := &series{h: h, reach: reach, where: where, from: now.Truncate(day).AddDate(0, 0, 1-days), now: now}
	out := &GetFindingSeriesOutput{From: *instant(s.from), To: *instant(now), Days: make([]SeriesDay, days)}
	for _, c := range []struct {
		n     *int64
		where query.Expr
	}{{&out.Count, where}, {&out.Unresolved, query.Every(where, isOpen)}, {&out.Resolved, query.Every(where, isResolved)}} {
		if *c.n, err = h.store.Count(ctx, reach, &c.where); err != nil {
			return nil, err
		}
	}
	for i := range out.Days {
		if out.Days[i], err = s.came(ctx, s.from.AddDate(0, 0, i)); err != nil {
			return nil, err
		}
	}
	return out, s.went(ctx, out)
}

var (
	isResolved = query.Any(is(asff.FieldWorkflowStatus, "RESOLVED"), is(asff.FieldRecordState, "ARCHIVED"))
	isOpen     = query.Every(query.Negate(isResolved), query.Negate(is(asff.FieldWorkflowStatus, "SUPPRESSED")))
)

func is(f asff.Field, value string) query.Expr {
	return query.Where(query.Cond{Field: f, Cmp: query.Equals, Text: value})
}

// during is the condition that a date lies in [from, to).
func during(f asff.Field, from, to time.Time) query.Expr {
	c := query.Cond{Field: f, Cmp: query.Range, Lo: math.Inf(-1), Hi: float64(to.UnixMilli()), HiOpen: true}
	if !from.IsZero() {
		c.Lo = float64(from.UnixMilli())
	}
	return query.Where(c)
}

// series is one GetFindingSeries under way.
type series struct {
	h     *Hub
	reach store.Scope
	where query.Expr
	from  time.Time // midnight
	now   time.Time
	took  []time.Duration
}

// came counts what was created in a day.
func (s *series) came(ctx context.Context, begin time.Time) (SeriesDay, error) {
	out := SeriesDay{Day: begin.Format(time.DateOnly), Severities: map[string]int64{}}
	where := query.Every(s.where, during(asff.FieldCreatedAt, begin, begin.Add(day)))
	var err error
	if out.New, err = s.h.store.Count(ctx, s.reach, &where); err != nil || out.New == 0 {
		return out, err
	}
	counts, err := s.h.store.Group(ctx, s.reach, &query.Group{Where: where, By: asff.FieldSeverityLabel})
	for _, c := range counts {
		out.Severities[c.Value] = c.N
	}
	return out, err
}

// went counts what was resolved, in pieces by the day of the last report: nothing else about resolving is indexed.
func (s *series) went(ctx context.Context, out *GetFindingSeriesOutput) error {
	out.Exact = true
	resolved := make([]float64, len(out.Days))
	for i := -1; i < len(out.Days); i++ {
		begin, end, most := time.Time{}, s.from, resolvedOlder
		if i >= 0 {
			begin, end, most = s.from.AddDate(0, 0, i), s.from.AddDate(0, 0, i+1), resolvedADay
		}
		if i == len(out.Days)-1 {
			end = time.UnixMilli(math.MaxInt64 / 2) // a report that is dated ahead is today's
		}
		where := query.Every(s.where, isResolved, during(asff.FieldUpdatedAt, begin, end))
		n, err := s.h.store.Count(ctx, s.reach, &where)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		seen, err := s.look(ctx, &where, most)
		if err != nil {
			return err
		}
		out.Exact = out.Exact && n <= int64(len(seen))
		for _, at := range seen {
			if d := at.Sub(s.from); d >= 0 && int(d/day) < len(resolved) {
				resolved[d/day] += max(1, float64(n)/float64(len(seen)))
			}
		}
	}
	for i, n := range resolved {
		out.Days[i].Resolved = int64(math.Round(n))
	}
	if len(s.took) == 0 {
		return nil
	}
	slices.Sort(s.took)
	var sum float64
	for _, d := range s.took {
		sum += d.Seconds()
	}
	out.TimeToResolve = TimeToResolve{
		Findings: int64(len(s.took)), MeanSeconds: int64(math.Round(sum / float64(len(s.took)))),
		MedianSeconds: int64(s.took[len(s.took)/2].Seconds()),
	}
	return nil
}

// look answers when each of the resolved findings was resolved, the newest reports first, at most so many.
func (s *series) look(ctx context.Context, where *query.Expr, most int) ([]time.Time, error) {
	type lead struct {
		key               store.Key
		created, reported time.Time
	}
	var leads []lead
	// Pages, for a page is what an engine is made to answer at once.
	for find := (query.Find{Where: *where, Limit: min(most, maxPage)}); len(leads) < most; {
		next, err := s.h.store.Find(ctx, s.reach, &find, func(doc *store.Doc) error {
			created, reported, err := lifetime(doc.JSON)
			leads = append(leads, lead{doc.Key, created, reported})
			return err
		})
		if err != nil {
			return nil, err
		}
		if find.After = next; next == nil {
			break
		}
	}
	seen := make([]time.Time, 0, len(leads))
	for _, l := range leads {
		at, err := s.resolvedAt(ctx, l.key, l.reported)
		if err != nil {
			return nil, err
		}
		if seen = append(seen, at); !at.Before(s.from) && at.After(l.created) {
			s.took = append(s.took, at.Sub(l.created))
		}
	}
	return seen, nil
}

// resolvedAt is when a finding became what it is: the newest change of the history that resolved or archived it, else otherwise.
func (s *series) resolvedAt(ctx context.Context, key store.Key, otherwise time.Time) (time.Time, error) {
	entries, err := s.h.store.History(ctx, store.HistoryQuery{Key: key, Limit: lookedBack})
	if err != nil {
		return otherwise, err
	}
	for _, e := range entries {
		for _, u := range e.Updates {
			if u.New != nil && (u.Field == "Workflow.Status" && *u.New == "RESOLVED" || u.Field == "RecordState" && *u.New == "ARCHIVED") {
				return e.Time, nil
			}
		}
	}
	return otherwise, nil
}

// lifetime is a stored finding's CreatedAt and UpdatedAt.
func lifetime(doc []byte) (created, updated time.Time, err error) {
	if created, err = createdAt(doc); err != nil {
		return created, updated, err
	}
	var m asff.Members
	if err := asff.Split(doc, &m); err != nil {
		return created, updated, err
	}
	updated = created
	if ms, ok := asff.ParseTime(bytes.Trim(m.Get(doc, asff.TopUpdatedAt), `"`)); ok {
		updated = time.UnixMilli(ms).UTC()
	}
	return created, updated, nil
}
