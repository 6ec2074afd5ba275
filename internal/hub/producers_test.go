package hub

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/iam"
)

// run sends findings in one batch after the other, each laid over the base finding.
func run(t *testing.T, h *Hub, p *iam.Principal, lines ...string) {
	t.Helper()
	for from := 0; from < len(lines); from += asff.MaxFindings {
		_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, strings.Join(lines[from:min(from+asff.MaxFindings, len(lines))], "\n"))))
		require.NoError(t, err)
	}
}

func hintCodes(t *testing.T, h *Hub, p *iam.Principal) []string {
	t.Helper()
	out, err := h.ListProducers(t.Context(), p, &ListProducersInput{})
	require.NoError(t, err)
	require.Len(t, out.Producers, 1)
	codes := []string{}
	for _, hint := range out.Producers[0].Hints {
		require.NotEmpty(t, hint.Message)
		require.NotEmpty(t, hint.Remedy)
		require.NotZero(t, hint.Count)
		codes = append(codes, hint.Code)
	}
	return codes
}

// What a producer does badly is told, and what it does well is not (D150).
func TestProducerHints(t *testing.T) {
	many := func(n int, line func(i int) string) (lines []string) {
		for i := range n {
			lines = append(lines, line(i))
		}
		return lines
	}
	day := func(n int) string { return fmt.Sprintf("2026-01-%02dT00:00:00Z", n) }
	for name, c := range map[string]struct {
		runs [][]string // a run a day
		want []string
	}{
		"new ids each run": {
			runs: [][]string{
				many(300, func(i int) string { return fmt.Sprintf(`{"Id": "run-1-%d", "Title": "t%d"}`, i, i) }),
				many(300, func(i int) string { return fmt.Sprintf(`{"Id": "run-2-%d", "Title": "t%d"}`, i, i) }),
			},
			want: []string{"NEW_IDS"},
		},
		"the same ids, new times": {
			runs: [][]string{
				many(300, func(i int) string {
					return fmt.Sprintf(`{"Id": "%d", "Title": "t%d", "UpdatedAt": "%s"}`, i, i, day(1))
				}),
				many(300, func(i int) string {
					return fmt.Sprintf(`{"Id": "%d", "Title": "t%d", "UpdatedAt": "%s"}`, i, i, day(2))
				}),
			},
			want: []string{},
		},
		"several findings of one thing": {
			runs: [][]string{many(300, func(i int) string { return fmt.Sprintf(`{"Id": "%d"}`, i) })},
			want: []string{},
		},
		"the same once more": {
			runs: [][]string{
				many(30, func(i int) string { return fmt.Sprintf(`{"Id": "%d", "Title": "t%d"}`, i, i) }),
				many(30, func(i int) string { return fmt.Sprintf(`{"Id": "%d", "Title": "t%d"}`, i, i) }),
			},
			want: []string{"STALE_UPDATES"},
		},
		"large findings": {
			runs: [][]string{{`{"Id": "1", "Process": {"Path": "` + strings.Repeat("x", 500) + `"}, "Unknown": "` + strings.Repeat("x", 225_000) + `"}`}},
			want: []string{"NEAR_SIZE"},
		},
		"full lists": {
			runs: [][]string{{`{"Id": "1", "Types": [` + strings.Join(many(45, func(i int) string { return fmt.Sprintf(`"a/%d"`, i) }), ",") + `]}`}},
			want: []string{"NEAR_LIMIT"},
		},
		"many rejected": {
			runs: [][]string{many(40, func(i int) string {
				return fmt.Sprintf(`{"Id": "%d", "Title": "%s"}`, i, strings.Repeat("t", i%2*300+1))
			})},
			want: []string{"REJECTED"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
			h := openHub(t, newMemStore(), func() time.Time { return now })
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/111122223333"}
			for _, lines := range c.runs {
				run(t, h, p, lines...)
				now = now.Add(24 * time.Hour)
			}
			require.Equal(t, c.want, hintCodes(t, h, p))
		})
	}
	t.Run("many requests", func(t *testing.T) {
		h := openHub(t, newMemStore(), fixed("2026-01-10T00:00:00Z"))
		p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
		for i := range nearRate {
			run(t, h, p, fmt.Sprintf(`{"Id": "%d"}`, i))
		}
		require.Equal(t, []string{"NEAR_RATE"}, hintCodes(t, h, p))
	})
}

// However much is rejected, and by however many, what is kept stays within its bounds, and each producer keeps its last ones.
func TestRejectedIsBounded(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	h := openHub(t, newMemStore(), func() time.Time { return now })
	bad := func(account, id string, size int) {
		p := &iam.Principal{Account: account, Region: "us-east-1"}
		run(t, h, p, `{"Id": "`+id+`", "Title": "", "Unknown": "`+strings.Repeat("x", size)+`"}`)
	}
	check := func() {
		t.Helper()
		ps := h.producers
		bytes, of := 0, map[*producer]int{}
		for _, r := range ps.rejected {
			bytes += len(r.text)
			of[r.of]++
		}
		require.Equal(t, bytes, ps.bytes)
		require.LessOrEqual(t, bytes, maxRejectedBytes)
		require.LessOrEqual(t, len(ps.rejected), maxRejected)
		require.LessOrEqual(t, len(ps.known), maxProducers)
		for p, n := range of {
			require.Equal(t, n, p.kept)
			require.LessOrEqual(t, n, maxRejectedOfOne)
			require.LessOrEqual(t, p.bytes, maxRejectedOfText)
		}
	}
	for i := range 30 {
		bad("111122223333", fmt.Sprint("few-", i), 10)
	}
	check()
	out, err := h.ListRejectedFindings(t.Context(), operator, &ListRejectedFindingsInput{Max: new(int32(100))})
	require.NoError(t, err)
	require.Len(t, out.Rejected, maxRejectedOfOne)
	require.Equal(t, "few-29", out.Rejected[0].ID)
	require.Equal(t, int64(10), out.Dropped)

	for i := range 12 {
		bad("222233334444", fmt.Sprint("large-", i), 200_000)
	}
	check()
	for i := range 60 { // all together more than there is room for
		now = now.Add(time.Second)
		for j := range 6 {
			bad(fmt.Sprintf("3333%08d", i), strconv.Itoa(j), 200_000)
		}
	}
	check()
	for i := range maxProducers + 50 {
		now = now.Add(time.Second)
		bad(fmt.Sprintf("4444%08d", i), "one", 10)
	}
	check()
	bad("555500000000", "too-large", 300_000)
	out, err = h.ListRejectedFindings(t.Context(), operator, &ListRejectedFindingsInput{Account: new("555500000000")})
	require.NoError(t, err)
	require.Equal(t, "FindingSizeExceeded", out.Rejected[0].ErrorCode)
	require.Empty(t, out.Rejected[0].Finding, "it is not kept")
	require.Equal(t, RuleSize, out.Rejected[0].Violations[0].Rule)
}

// Counting what comes allocates nothing for accepted findings.
func TestCountingAllocatesNothing(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-01-10T00:00:00Z"))
	p := &iam.Principal{Account: "111122223333", Region: "us-east-1"}
	var findings [][]byte
	for n := range asff.MaxFindings {
		findings = append(findings, asfftest.Append(nil, p.Account, p.Region, n, 0))
	}
	c := &importCall{}
	c.begin(h, p)
	require.NoError(t, c.batch.Read(batch(findings)))
	require.NoError(t, c.resolveProducts())
	require.NoError(t, h.store.View(t.Context(), c.checkAccess))
	c.checkFindings()
	h.producers.note(c)
	require.Zero(t, testing.AllocsPerRun(20, func() { h.producers.note(c) }))
}

// Imports, and questions about them, at once.
func TestProducersConcurrently(t *testing.T) {
	h := openHub(t, newMemStore(), fixed("2026-01-10T00:00:00Z"))
	var wg sync.WaitGroup
	for i := range 4 {
		p := &iam.Principal{Account: fmt.Sprintf("11112222000%d", i), Region: "us-east-1"}
		wg.Go(func() {
			for n := range 30 {
				run(t, h, p, fmt.Sprintf(`{"Id": "%d"}`, n), `{"Id": "x", "Title": ""}`)
			}
		})
		wg.Go(func() {
			for range 30 {
				_, err := h.ListProducers(t.Context(), operator, &ListProducersInput{})
				require.NoError(t, err)
				_, err = h.ListRejectedFindings(t.Context(), p, &ListRejectedFindingsInput{})
				require.NoError(t, err)
				_, err = h.GetImportRates(t.Context(), operator, &GetImportRatesInput{})
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
	out, err := h.GetImportRates(t.Context(), operator, &GetImportRatesInput{Minutes: new(int32(1))})
	require.NoError(t, err)
	require.Equal(t, []ImportRate{{At: "2026-01-10T00:00:00.000Z", Requests: 120, Accepted: 120, Rejected: 120}}, out.Minutes)
}
