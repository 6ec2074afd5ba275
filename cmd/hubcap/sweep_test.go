package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/query"
	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
)

// A hub in which a day is over with each import: findings f1-0 to f1-4 come on the first day, and so on. They become archived after
// sweptArchive days and are deleted after sweptDelete.
const (
	sweptEach    = 5
	sweptArchive = 10
	sweptDelete  = 30
)

func sweptDay(n int) time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func sweptStore(dir string) (*embedded.Store, error) {
	return embedded.Open(dir, embedded.Options{CacheSize: 8 << 20, MemTableSize: 1 << 20, MinFree: 1 << 20, Ballast: -1, Logger: slog.New(slog.DiscardHandler)})
}

// sweeping is a process that imports and sweeps for ever: os.Args are the store, and the day that was the last one. It prints what it is
// about to do, and what was acknowledged.
func sweeping() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	st, err := sweptStore(os.Args[1])
	fail(err)
	last, err := strconv.Atoi(os.Args[2])
	fail(err)
	var today atomic.Int64
	today.Store(int64(last))
	const days = 24 * time.Hour
	h, err := hub.New(context.Background(), hub.Config{
		Store: st, Clock: func() time.Time { return sweptDay(int(today.Load())) },
		Retention: hub.Retention{Active: 365 * days, Archive: sweptArchive * days, Archived: sweptDelete * days},
	})
	fail(err)
	var mu sync.Mutex
	sweptAt, ended := last, sync.NewCond(&mu) // the day at which the last sweep began that came to its end
	say := func(what string, n int) {
		mu.Lock()
		defer mu.Unlock()
		_, err := fmt.Println(what, n)
		fail(err)
	}
	go func() {
		for {
			day := int(today.Load())
			_, err := h.Sweep(context.Background(), hub.Pace{Batch: 7})
			fail(err)
			say("swept", day)
			mu.Lock()
			sweptAt = day
			ended.Signal()
			mu.Unlock()
		}
	}()
	const account = "111122223333"
	p := &iam.Principal{Account: account, Region: "us-east-1", ARN: "arn:aws:iam::" + account + ":user/ci"}
	for n := last + 1; ; n++ {
		mu.Lock()
		for n > sweptAt+15 { // sweeps keep up, however slow the machine is
			ended.Wait()
		}
		mu.Unlock()
		say("day", n)
		today.Store(int64(n))
		var list []string
		for i := range sweptEach {
			list = append(list, fmt.Sprintf(`{"SchemaVersion":"2018-10-08","Id":"f%d-%d","ProductArn":"arn:aws:securityhub:us-east-1:%s:product/%[3]s/default",
				"GeneratorId":"g","AwsAccountId":%[3]q,"CreatedAt":%[4]q,"UpdatedAt":%[4]q,"Title":"day %[1]d","Description":"d","Types":["A"],
				"Severity":{"Label":"LOW"},"Resources":[{"Type":"Other","Id":"r"}]}`, n, i, account, sweptDay(n).Format(time.RFC3339)))
		}
		out, err := h.BatchImportFindings(context.Background(), p, []byte(`{"Findings":[`+strings.Join(list, ",")+`]}`))
		fail(err)
		if out.FailedCount > 0 {
			fail(fmt.Errorf("%+v", out.FailedFindings))
		}
		say("imported", n)
	}
}

// kill -9 while findings are archived and deleted because their time has come: none goes before it, none comes back, what a sweep did is
// done, what is archived has the record that says so, and the doctor finds nothing wrong.
func TestSweepsKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	imported := map[int]bool{} // days whose import was acknowledged
	last, most := 0, 0         // day that was begun; day at which a sweep began whose next one ended
	for range 4 {
		cmd := exec.Command("sweeping", dir, strconv.Itoa(last))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var swept []int // days at which sweeps began that came to their end
		enough := last + 50 + rng.IntN(60)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var what string
			var n int
			_, err := fmt.Sscan(lines.Text(), &what, &n)
			require.NoError(t, err)
			switch what { // also what it said before it died
			case "day":
				if last = n; n == enough {
					require.NoError(t, cmd.Process.Kill())
				}
			case "imported":
				imported[n] = true
			case "swept":
				swept = append(swept, n)
			}
		}
		require.Error(t, cmd.Wait(), "killed")
		found, err := embedded.Examine(t.Context(), dir, embedded.ExamineOptions{Options: embedded.Options{Ballast: -1}, OwnsSpool: hub.OwnsSpool})
		require.NoError(t, err)
		require.Empty(t, found.Problems)
		checkSwept(t, dir, imported, last, swept)
		if len(swept) > 1 {
			most = max(most, swept[len(swept)-2])
		}
	}
	require.Greater(t, most, sweptDelete, "sweeps had something to delete")
}

// checkSwept holds what is stored against what the processes said.
func checkSwept(t *testing.T, dir string, imported map[int]bool, last int, swept []int) {
	t.Helper()
	st, err := sweptStore(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	there := map[int]int{}
	archivedUpTo, goneUpTo := 0, 0
	if n := len(swept); n > 1 { // what one has archived the next deletes
		archivedUpTo, goneUpTo = swept[n-1]-sweptArchive, swept[n-2]-sweptDelete
	}
	require.NoError(t, st.Walk(t.Context(), store.Scope{}, &query.Expr{}, func(d *store.Doc) error {
		var f struct{ Title, UpdatedAt, RecordState string }
		require.NoError(t, json.Unmarshal(d.JSON, &f))
		var n, i int
		_, err := fmt.Sscanf(d.Key.ID, "f%d-%d", &n, &i)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("day ", n), f.Title)
		require.Equal(t, sweptDay(n).Format(time.RFC3339), f.UpdatedAt)
		there[n]++
		require.Greater(t, n, goneUpTo, "%s came back", d.Key.ID)
		want := f.RecordState
		switch {
		case n > last-sweptArchive:
			want = "ACTIVE"
		case n <= archivedUpTo:
			want = "ARCHIVED"
		}
		require.Equal(t, want, f.RecordState, "%s on day %d, swept up to %d", d.Key.ID, last, archivedUpTo)
		history, err := st.History(t.Context(), store.HistoryQuery{Key: d.Key, Limit: 10})
		require.NoError(t, err)
		if f.RecordState == "ACTIVE" {
			require.Empty(t, history)
			return nil
		}
		require.Len(t, history, 1)
		require.Equal(t, hub.ARN("us-east-1", "111122223333"), history[0].Identity)
		require.Equal(t, "RecordState", history[0].Updates[0].Field)
		return nil
	}))
	require.NotEmpty(t, there)
	for n := range imported {
		if n > last-sweptDelete {
			require.Equal(t, sweptEach, there[n], "of day %d on day %d", n, last)
		}
	}
	for n, count := range there {
		if n > last-sweptDelete {
			require.Equal(t, sweptEach, count, "an import is torn")
		}
	}
}
