package hub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/iam"
)

// Of a day with very many resolved findings some stand for the others, and the answer says so.
func TestSeriesOfMany(t *testing.T) {
	const n = 3*resolvedADay + 1
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open)
			w.clock = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
			var lines []string
			for i := range n {
				lines = append(lines, fmt.Sprintf(
					`{"Id": "f%d", "RecordState": "ARCHIVED", "CreatedAt": "2026-01-09T%02d:00:00Z", "UpdatedAt": "2026-01-10T%02d:00:00Z"}`, i, i%10, i%10))
			}
			for len(lines) > 0 {
				some := lines[:min(100, len(lines))]
				_, err := w.hub.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, strings.Join(some, "\n"))))
				require.NoError(t, err)
				lines = lines[len(some):]
			}
			days := int32(2)
			out, err := w.hub.GetFindingSeries(t.Context(), p, &GetFindingSeriesInput{Days: &days})
			require.NoError(t, err)
			require.False(t, out.Exact)
			require.EqualValues(t, n, out.Resolved)
			require.EqualValues(t, n, out.Days[0].New)
			require.EqualValues(t, n, out.Days[1].Resolved, "some stand for all")
			require.Equal(t, TimeToResolve{Findings: resolvedADay, MeanSeconds: 86400, MedianSeconds: 86400}, out.TimeToResolve)
		})
	}
}
