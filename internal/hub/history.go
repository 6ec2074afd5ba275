package hub

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// The sources of a change, as the API names them.
const (
	sourceImport = "BATCH_IMPORT_FINDINGS"
	sourceUpdate = "BATCH_UPDATE_FINDINGS"
)

const historyWindow = 90 * 24 * time.Hour

// GetFindingHistory answers what changed in a finding, newest first (spec 5.1, D33). The record of its creation is not stored:
// it is the finding's CreatedAt, by its product, and always the oldest, whatever CreatedAt says. An identifier that means
// several findings joins their records (D41); an unknown one has none.
func (h *Hub) GetFindingHistory(ctx context.Context, p *iam.Principal, in *api.GetFindingHistoryInput) (*api.GetFindingHistoryOutput, error) {
	ident := store.Ident{ProductArn: in.FindingIdentifier.ProductArn, ID: in.FindingIdentifier.Id}
	if err := checkIdent("FindingIdentifier", ident); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	window, err := readWindow(in.StartTime, in.EndTime)
	if err != nil {
		return nil, err
	}
	asked, err := json.Marshal([]any{ident, in.StartTime, in.EndTime})
	if err != nil {
		return nil, err
	}
	now := h.now()
	q := ask("GetFindingHistory", p, asked, nil)
	after, _, err := h.openToken(in.NextToken, q, now)
	if err != nil {
		return nil, err
	}
	if _, err := h.requireHub(ctx, p); err != nil {
		return nil, err
	}
	keys, err := h.resolve(ctx, p, []store.Ident{ident})
	if err != nil {
		return nil, err
	}
	if h.told > 0 {
		window.oldest = now.Add(-h.told)
	}
	streams, err := h.openStreams(ctx, keys[0], after, window, limit)
	if err != nil {
		return nil, err
	}
	out := &api.GetFindingHistoryOutput{Records: []api.FindingHistoryRecord{}}
	for len(out.Records) < limit {
		s := newest(streams)
		if s == nil {
			return out, nil
		}
		out.Records = append(out.Records, s.take(&in.FindingIdentifier))
	}
	if newest(streams) == nil {
		return out, nil
	}
	token, err := h.sealer.Seal(q, place(streams), now)
	if err != nil {
		return nil, err
	}
	out.NextToken = &token
	return out, nil
}

// window is a span of time, both ends included; a zero end is open. Changes before oldest are no longer told; the creation is,
// as long as the finding lives: it is no record but the finding's own word.
type window struct{ from, to, oldest time.Time }

func (w window) holds(t time.Time) bool {
	return (w.from.IsZero() || !t.Before(w.from)) && (w.to.IsZero() || !t.After(w.to))
}

// readWindow reads StartTime and EndTime. Their distance is limited only when both are given (D33); an end before the start
// holds nothing.
func readWindow(start, end *string) (window, error) {
	var w window
	var err error
	if w.from, err = readInstant("StartTime", start); err != nil {
		return w, err
	}
	if w.to, err = readInstant("EndTime", end); err != nil {
		return w, err
	}
	if start != nil && end != nil && w.to.Sub(w.from) > historyWindow {
		return w, api.InvalidParameter("EndTime", "should be at most 90 days after StartTime")
	}
	return w, nil
}

func readInstant(name string, s *string) (time.Time, error) {
	if s == nil {
		return time.Time{}, nil
	}
	ms, ok := asff.ParseTime([]byte(*s))
	if !ok {
		return time.Time{}, api.InvalidParameter(name, `should match format "date-time"`)
	}
	return time.UnixMilli(ms).UTC(), nil
}

// stream is one finding's records, newest first, from where the last page ended.
type stream struct {
	key     store.Key
	entries []store.HistoryEntry
	created *time.Time // the record of the creation, when it is still to come
	seq     uint64     // of the last entry taken, on this page or an earlier one; 0 for none
	done    bool       // all of it was taken, the creation too
}

// openStreams reads a page's worth of each finding's records. A position's values are the streams that earlier pages began: Text
// is the identity and the last record taken (8 bytes, big-endian), Missing that nothing is left.
func (h *Hub) openStreams(ctx context.Context, keys []store.Key, after *query.Position, w window, limit int) ([]*stream, error) {
	streams := make([]*stream, 0, len(keys))
	for _, key := range keys {
		s := &stream{key: key}
		if after != nil {
			id := key.Identity()
			for _, v := range after.Values {
				if seq, ok := strings.CutPrefix(v.Text, string(id[:])); ok && len(seq) == 8 {
					s.seq, s.done = binary.BigEndian.Uint64([]byte(seq)), v.Missing
				}
			}
		}
		streams = append(streams, s)
		if s.done {
			continue
		}
		if err := h.fillStream(ctx, s, w, limit); err != nil {
			return nil, err
		}
	}
	return streams, nil
}

func (h *Hub) fillStream(ctx context.Context, s *stream, w window, limit int) error {
	var err error
	from := w.from
	if !w.oldest.IsZero() && from.Before(w.oldest) {
		from = w.oldest
	}
	// One more than a page, so that the page knows whether there is another.
	s.entries, err = h.store.History(ctx, store.HistoryQuery{Key: s.key, From: from, To: w.to, After: s.seq, Limit: limit + 1})
	if err != nil {
		return err
	}
	if len(s.entries) > limit {
		return nil
	}
	found, err := h.store.Get(ctx, s.key, func(doc *store.Doc) error {
		created, err := createdAt(doc.JSON)
		if err == nil && w.holds(created) {
			s.created = &created
		}
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		// Deleted since it was resolved: its history went with it.
		s.entries = nil
	}
	return nil
}

// createdAt is when a stored finding was created, by its own account.
func createdAt(doc []byte) (time.Time, error) {
	var m asff.Members
	if err := asff.Split(doc, &m); err != nil {
		return time.Time{}, err
	}
	text := bytes.Trim(m.Get(doc, asff.TopCreatedAt), `"`)
	ms, ok := asff.ParseTime(text)
	if !ok {
		return time.Time{}, fmt.Errorf("stored finding: CreatedAt %q is no instant", text)
	}
	return time.UnixMilli(ms).UTC(), nil
}

// head is the time of the stream's next record.
func (s *stream) head() (time.Time, bool) {
	switch {
	case len(s.entries) > 0:
		return s.entries[0].Time, true
	case s.created != nil:
		return *s.created, true
	}
	return time.Time{}, false
}

// newest is the stream whose next record is the newest, the first of equals; nil when all are empty.
func newest(streams []*stream) *stream {
	var best *stream
	var bestAt time.Time
	for _, s := range streams {
		if at, ok := s.head(); ok && (best == nil || at.After(bestAt)) {
			best, bestAt = s, at
		}
	}
	return best
}

// take moves past the stream's next record and tells it.
func (s *stream) take(id *api.AwsSecurityFindingIdentifier) api.FindingHistoryRecord {
	if len(s.entries) == 0 {
		at := *s.created
		s.created, s.done = nil, true
		return historyRecord(id, at, true, sourceImport, s.key.ProductArn, nil)
	}
	e := &s.entries[0]
	s.entries, s.seq = s.entries[1:], e.Seq
	return historyRecord(id, e.Time, false, e.Source, e.Identity, e.Updates)
}

func historyRecord(id *api.AwsSecurityFindingIdentifier, at time.Time, created bool, source, identity string, updates []asff.FieldChange) api.FindingHistoryRecord {
	rec := api.FindingHistoryRecord{
		FindingIdentifier: id,
		FindingCreated:    &created,
		UpdateTime:        instant(at),
		UpdateSource:      &api.FindingHistoryUpdateSource{Identity: &identity, Type: &source},
		Updates:           make([]api.FindingHistoryUpdate, 0, len(updates)),
	}
	for _, u := range updates {
		rec.Updates = append(rec.Updates, api.FindingHistoryUpdate{UpdatedField: &u.Field, OldValue: u.Old, NewValue: u.New})
	}
	return rec
}

// place is where the streams stand, for openStreams of the next page.
func place(streams []*stream) *query.Position {
	at := &query.Position{}
	for _, s := range streams {
		if s.seq == 0 && !s.done {
			continue
		}
		id := s.key.Identity()
		at.Values = append(at.Values, query.SortValue{Text: string(binary.BigEndian.AppendUint64(id[:], s.seq)), Missing: s.done})
	}
	return at
}
