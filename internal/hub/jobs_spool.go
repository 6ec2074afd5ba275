package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// spooledKey is a finding in the spool of keys; what it shares with the one before is left out.
type spooledKey struct {
	Account string `json:"a,omitempty"`
	Region  string `json:"r,omitempty"`
	Product string `json:"p,omitempty"`
	ID      string `json:"i"`
}

func encodeKeys(keys []store.Key) ([]byte, error) {
	list := make([]spooledKey, len(keys))
	var last store.Key
	for i, k := range keys {
		list[i].ID = k.ID
		if k.Account != last.Account {
			list[i].Account = k.Account
		}
		if k.Region != last.Region {
			list[i].Region = k.Region
		}
		if k.ProductArn != last.ProductArn {
			list[i].Product = k.ProductArn
		}
		last = k
	}
	return json.Marshal(list)
}

func decodeKeys(raw []byte) ([]store.Key, error) {
	var list []spooledKey
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	keys := make([]store.Key, len(list))
	var last store.Key
	for i, s := range list {
		last.ID = s.ID
		if s.Account != "" {
			last.Account = s.Account
		}
		if s.Region != "" {
			last.Region = s.Region
		}
		if s.Product != "" {
			last.ProductArn = s.Product
		}
		keys[i] = last
	}
	return keys, nil
}

// traced is one finding in the spool of traces: written before the finding is changed, so that after a crash nobody need guess whether
// it was, and undo knows what to restore.
type traced struct {
	At      int            `json:"n"` // its place in the piece
	Key     store.Key      `json:"k"`
	Version uint64         `json:"v"` // that the change was made of
	Time    int64          `json:"t"` // of the change's history record, Unix milliseconds: no two rounds of a caller share one
	Source  string         `json:"s,omitempty"`
	Who     string         `json:"w,omitempty"` // identity in the history record; "" when the change leaves none
	Members []tracedMember `json:"m"`
	Was     asff.Attrs     `json:"b,omitempty"`
	Is      asff.Attrs     `json:"c,omitempty"`
}

type tracedMember struct {
	Name string `json:"n"`
	Old  []byte `json:"o,omitempty"` // JSON; absent: the finding had no such member
	New  []byte `json:"h"`           // asff.ValueDigest
}

// setTrace takes a copy of a trace.
func (t *traced) setTrace(from *asff.Trace) {
	t.Was, t.Is = from.Was, from.Is
	t.Members = make([]tracedMember, len(from.Members))
	for i := range from.Members {
		m := &from.Members[i]
		t.Members[i] = tracedMember{Name: m.Top.Name(), Old: bytes.Clone(m.Old), New: bytes.Clone(m.New[:])}
	}
}

func (t *traced) trace() (asff.Trace, error) {
	out := asff.Trace{Was: t.Was, Is: t.Is, Members: make([]asff.TraceMember, len(t.Members))}
	for i := range t.Members {
		m := &t.Members[i]
		top, ok := asff.TopByName(m.Name)
		if !ok || len(m.New) != len(asff.ValueDigest{}) {
			return out, fmt.Errorf("trace of %s: member %q cannot be read", t.Key.ID, m.Name)
		}
		out.Members[i] = asff.TraceMember{Top: top, Old: m.Old, New: asff.ValueDigest(m.New)}
	}
	return out, nil
}

// readTraces reads a piece of a job's traces; none where nothing was changed.
func (h *Hub) readTraces(ctx context.Context, spool string, piece uint64) ([]traced, error) {
	raw, found, err := h.store.Chunk(ctx, spool, piece)
	if err != nil || !found {
		return nil, err
	}
	var list []traced
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("spool %s, piece %d: %w", spool, piece, err)
	}
	return list, nil
}

func (h *Hub) writeTraces(ctx context.Context, spool string, piece uint64, list []traced) error {
	raw, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("spool %s, piece %d: %w", spool, piece, err)
	}
	return h.store.PutChunk(ctx, spool, piece, raw)
}
