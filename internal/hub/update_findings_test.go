package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/asff"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// steps notes how many findings each Update names.
type steps struct {
	store.Store
	keys []int
}

func (s *steps) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	s.keys = append(s.keys, len(keys))
	return s.Store.Update(ctx, keys, fn)
}

// UpdateFindings has no limit of a hundred.
func TestUpdateFindingsReachesEverything(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const findings = 2*recordChunk + 50
			s := &steps{Store: open(t)}
			h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			for from := 0; from < findings; from += 50 {
				var lines strings.Builder
				for n := from; n < from+50; n++ {
					title := "even"
					if n%2 == 1 {
						title = "odd"
					}
					fmt.Fprintf(&lines, `{"Id": "f%d", "Title": %q}`+"\n", n, title)
				}
				out, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, lines.String())))
				require.NoError(t, err)
				require.Zero(t, out.FailedCount)
			}
			s.keys = nil
			_, err := h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{},"Note":{"Text":"all","UpdatedBy":"u"}}`))
			require.NoError(t, err)
			require.Equal(t, []int{recordChunk, recordChunk, 50}, s.keys, "no step is larger, however much matches")
			_, err = h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{"Title":[{"Comparison":"EQUALS","Value":"odd"}]},"RecordState":"ARCHIVED"}`))
			require.NoError(t, err)
			docs := readAll(t, h, p)
			require.Len(t, docs, findings)
			for _, doc := range docs {
				want := map[string]string{"odd": "ARCHIVED", "even": "ACTIVE"}[member(t, doc, "Title")]
				require.Equal(t, want, member(t, doc, "RecordState"))
				require.Equal(t, "all", member(t, doc, "Note.Text"))
			}
		})
	}
}

// What stops matching, or goes, between being found and being changed is left alone.
func TestUpdateFindingsJudgesAgain(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	m := newMemStore()
	s := &racing{Store: m}
	h := openHub(t, s, fixed("2026-01-01T00:00:00Z"))
	_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`+"\n"+`{"Id": "b"}`+"\n"+`{"Id": "c"}`)))
	require.NoError(t, err)
	s.between = func() {
		edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + ownProductARN + `"}],"Workflow":{"Status":"SUPPRESSED"}}`
		_, err := h.BatchUpdateFindings(t.Context(), p, []byte(edit))
		require.NoError(t, err)
		for id, d := range m.docs {
			if d.doc.Key.ID == "b" {
				delete(m.docs, id)
			}
		}
	}
	_, err = h.UpdateFindings(t.Context(), p, []byte(`{"Filters":{"WorkflowStatus":[{"Comparison":"EQUALS","Value":"NEW"}]},"RecordState":"ARCHIVED"}`))
	require.NoError(t, err)
	var told []string
	for _, doc := range readAll(t, h, p) {
		told = append(told, member(t, doc, "Id")+" "+member(t, doc, "RecordState"))
	}
	require.Equal(t, []string{"a ACTIVE", "c ARCHIVED"}, told)
}

// Where the engine fails, UpdateFindings goes on and says so at the end; asking again does the rest (D82).
func TestUpdateFindingsTrouble(t *testing.T) {
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
	m := newMemStore()
	h := openHub(t, m, fixed("2026-01-01T00:00:00Z"))
	_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`+"\n"+`{"Id": "b"}`+"\n"+`{"Id": "c"}`)))
	require.NoError(t, err)
	archive := []byte(`{"Filters":{},"RecordState":"ARCHIVED"}`)
	states := func() (all []string) {
		for _, doc := range readAll(t, h, p) {
			all = append(all, member(t, doc, "RecordState"))
		}
		return all
	}
	for _, whole := range []error{store.ErrNearlyFull, store.ErrClosed} {
		m.refuse = whole
		_, err = h.UpdateFindings(t.Context(), p, archive)
		require.ErrorIs(t, err, whole)
		require.Equal(t, []string{"ACTIVE", "ACTIVE", "ACTIVE"}, states())
	}
	m.refuse = nil
	m.fail = func(k store.Key) error {
		if k.ID == "b" {
			return store.ErrConflict
		}
		return nil
	}
	_, err = h.UpdateFindings(t.Context(), p, archive)
	require.ErrorIs(t, err, store.ErrConflict)
	var known *api.Error
	require.NotErrorAs(t, err, &known, "a 500 outside")
	require.Equal(t, []string{"ARCHIVED", "ACTIVE", "ARCHIVED"}, states())
	m.fail = nil
	_, err = h.UpdateFindings(t.Context(), p, archive)
	require.NoError(t, err)
	require.Equal(t, []string{"ARCHIVED", "ARCHIVED", "ARCHIVED"}, states())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.UpdateFindings(ctx, p, archive)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, errors.New("x"), invalidEdit(errors.New("x")))
	require.EqualError(t, invalidEdit(&asff.EditError{Code: "InvalidInput", Message: "Invalid Input"}), "InvalidInputException: Invalid Input")
}
