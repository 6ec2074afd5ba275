package asff

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestRestore takes random edits back. At once: everything is as it was, to the byte, and who owns what too. After another edit:
// what that one changed stays, the rest comes back.
func TestRestore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		b.importing(string(drawFinding(rt, "created")))
		for i := range rapid.IntRange(0, 2).Draw(rt, "steps") {
			_, _ = b.editing(drawEdit(rt, fmt.Sprint("earlier", i)))
		}
		copied := func(s *Stored) Stored { return Stored{append([]byte{}, s.Doc...), s.Customer} }
		edit := func(s Stored, e *Edit, at int64) Stored {
			var m Merger
			doc, customer, _, err := m.Edit(&s, e, time.Unix(at, 0).UTC())
			if err != nil {
				rt.Skip("the edit makes no valid finding")
			}
			return Stored{append([]byte{}, doc...), customer}
		}
		restore := func(s Stored, tr *Trace) (Stored, bool) {
			var m Merger
			doc, customer, changed, err := m.Restore(&s, tr)
			require.NoError(rt, err)
			require.Equal(rt, changed, string(doc) != string(s.Doc) || customer != s.Customer)
			if !changed {
				require.Empty(rt, m.Changes())
			}
			return Stored{append([]byte{}, doc...), customer}, changed
		}
		before := copied(b.stored)
		after := edit(before, drawEdit(rt, "edit"), 1.8e9)
		trace, err := Touched(&before, after.Doc, after.Customer)
		require.NoError(rt, err)
		left, err := trace.Left(&after)
		require.NoError(rt, err)
		require.True(rt, left)

		back, changed := restore(after, &trace)
		require.Equal(rt, string(before.Doc), string(back.Doc))
		require.Equal(rt, before.Customer, back.Customer)
		require.Equal(rt, changed, len(trace.Members) > 0)

		later := edit(after, drawEdit(rt, "later"), 1.9e9)
		mixed, _ := restore(later, &trace)
		was, is, since, now := parsed(t, before.Doc), parsed(t, after.Doc), parsed(t, later.Doc), parsed(t, mixed.Doc)
		for top := range numTops {
			name := topNames[top]
			want := since[name]
			if same := fmt.Sprint(since[name]) == fmt.Sprint(is[name]); same {
				want = was[name]
			}
			if top == TopWorkflowState {
				continue // follows Workflow, below
			}
			require.Equal(rt, want, now[name], name)
		}
		state := "NEW"
		if now["Workflow"].(map[string]any)["Status"] == "RESOLVED" {
			state = "RESOLVED"
		}
		require.Equal(rt, state, now["WorkflowState"])
	})
}

// What is no document is refused, and members have names.
func TestRestoreRefuses(t *testing.T) {
	var m Merger
	_, _, _, err := m.Restore(&Stored{Doc: []byte(`{`)}, &Trace{})
	require.Error(t, err)
	_, err = Touched(&Stored{Doc: []byte(`[]`)}, []byte(`{}`), 0)
	require.Error(t, err)
	_, err = (&Trace{}).Left(&Stored{Doc: []byte(`x`)})
	require.Error(t, err)
	top, ok := TopByName("Workflow")
	require.True(t, ok)
	require.Equal(t, TopWorkflow, top)
	_, ok = TopByName("Workflows")
	require.False(t, ok)
}
