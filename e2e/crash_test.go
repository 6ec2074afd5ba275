package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/stretchr/testify/require"
)

// ledger is what a hub acknowledged, finding by finding: numbers that only grow, each written in several places of the finding.
type ledger struct {
	mu       sync.Mutex
	imported map[string]int // Id: the number in UpdatedAt and Title
	noted    map[string]int // Id: the number in Note, from BatchUpdateFindings
}

func (l *ledger) note(of map[string]int, id string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of[id] = max(of[id], n)
}

const crashWriters, crashFindings = 3, 25

func crashID(writer, i int) string { return fmt.Sprintf("crash-%d-%d", writer, i) }

// importForEver imports a writer's findings with growing numbers, until the hub is gone.
func (l *ledger) importForEver(ctx context.Context, c *securityhub.Client, writer, from int) {
	for n := from; ; n++ {
		list := make([]types.AwsSecurityFinding, crashFindings)
		for i := range list {
			list[i] = newFinding(mine, crashID(writer, i), at(crashMoment(n)))
			list[i].Title = aws.String(fmt.Sprintf("number %d", n))
		}
		out, err := batchImport(ctx, c, list...)
		if err != nil {
			return
		}
		if *out.FailedCount == 0 {
			for i := range list {
				l.note(l.imported, *list[i].Id, n)
			}
		}
	}
}

// triageForEver writes notes with growing numbers on findings of all writers.
func (l *ledger) triageForEver(ctx context.Context, c *securityhub.Client, from int) {
	for n := from; ; n++ {
		var idents []types.AwsSecurityFindingIdentifier
		for i := range crashFindings {
			idents = append(idents, identifier(crashID(n%crashWriters, i)))
		}
		out, err := c.BatchUpdateFindings(ctx, &securityhub.BatchUpdateFindingsInput{
			FindingIdentifiers: idents, Note: &types.NoteUpdate{Text: aws.String(strconv.Itoa(n)), UpdatedBy: aws.String("crash")},
		})
		if err != nil {
			return
		}
		for _, f := range out.ProcessedFindings {
			l.note(l.noted, *f.Id, n)
		}
	}
}

func crashMoment(n int) string {
	return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second).Format("2006-01-02T15:04:05Z")
}

// check holds what a hub has against what was acknowledged, and takes over what came through without an answer.
func (l *ledger) check(t *testing.T, hub *server) {
	t.Helper()
	got := map[string]bool{}
	for _, f := range find(t, hub.as(mine), types.AwsSecurityFindingFilters{}) {
		require.False(t, got[*f.Id], "%s twice", *f.Id)
		got[*f.Id] = true
		var n int
		_, err := fmt.Sscanf(*f.Title, "number %d", &n)
		require.NoError(t, err)
		require.Equal(t, crashMoment(n), *f.UpdatedAt, "%s is torn", *f.Id)
		require.GreaterOrEqual(t, n, l.imported[*f.Id], "an import of %s is lost", *f.Id)
		l.imported[*f.Id] = n
		if l.noted[*f.Id] > 0 {
			require.NotNil(t, f.Note, "the note of %s is lost", *f.Id)
		}
		if f.Note != nil {
			noted, err := strconv.Atoi(*f.Note.Text)
			require.NoError(t, err)
			require.GreaterOrEqual(t, noted, l.noted[*f.Id], "a note of %s is lost", *f.Id)
			l.noted[*f.Id] = noted
		}
	}
	for id := range l.imported {
		require.True(t, got[id], "%s is lost", id)
	}
}

// rounds is how often a test of luck tries it; HUBCAP_TEST_ROUNDS multiplies it (HUBCAP_ variables are not passed on to the hub).
var rounds = func() int {
	if n, err := strconv.Atoi(os.Getenv("HUBCAP_TEST_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 1
}()

// TestKilledAtAnyMoment: imports, triage, jobs over everything and sweeps are under way when kill -9 comes, or the start itself is. The
// content of everything that was acknowledged is right afterwards, and the doctor finds nothing.
func TestKilledAtAnyMoment(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir := filepath.Join(t.TempDir(), "store")
	l := &ledger{imported: map[string]int{}, noted: map[string]int{}}
	// Sweeps look at every finding and find nothing due: their work is done among the others'.
	args := []string{"--store", dir, "--retain-active", "90", "--archive-after", "60", "--history-days", "1", "--sweep-every", "1s"}
	next := 1
	for range 4 * rounds {
		hub := serve(t, args...)
		l.check(t, hub)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for w := range crashWriters {
			wg.Go(func() { l.importForEver(ctx, hub.as(mine), w, next) })
		}
		wg.Go(func() { l.triageForEver(ctx, hub.as(mine), next) })
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				job := command("update", "--endpoint", hub.URL, "--where", "all", "--criticality", strconv.Itoa(n%100), "--yes")
				if job.Start() != nil {
					return
				}
				stop := context.AfterFunc(ctx, func() { _ = job.Process.Kill() }) // it would wait for the hub to come back
				_ = job.Wait()
				stop()
			}
		})
		require.Eventually(t, func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.imported) == crashWriters*crashFindings && len(l.noted) > 0
		}, patience, time.Millisecond)
		enough := time.NewTimer(time.Duration(rng.IntN(1200)) * time.Millisecond) // the moment of the kill
		<-enough.C
		hub.kill()
		cancel()
		wg.Wait()
		next += 1_000_000
		healthy(t, dir)

		// Killed while it starts, at a moment between its first step and its last.
		started := serveUntil(t, time.Duration(rng.IntN(60))*time.Millisecond, args...)
		started()
		healthy(t, dir)
	}
	hub := serve(t, args...)
	l.check(t, hub)
	hub.stop(t)
	healthy(t, dir)
	l.check(t, serve(t, args...))
}

// healthy: the doctor finds nothing wrong with a store that nobody serves.
func healthy(t *testing.T, dir string) {
	t.Helper()
	code, out, errs := hubcap(t, nil, "doctor", dir)
	require.Zero(t, code, out+errs)
}

// serveUntil starts a hub and kills it so long afterwards, ready or not.
func serveUntil(t *testing.T, after time.Duration, args ...string) (wait func()) {
	t.Helper()
	cmd := command(append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	return func() {
		_ = cmd.Wait()
		timer.Stop()
	}
}

// TestBackupWhileServing: a backup that is made while imports go on holds everything that was acknowledged before, whole; the hub is
// killed, and what is restored is the same, finding for finding, as the backup's instant had it.
func TestBackupWhileServing(t *testing.T) {
	root := t.TempDir()
	store, backup, restored := filepath.Join(root, "store"), filepath.Join(root, "backup"), filepath.Join(root, "restored")
	hub := serve(t, "--store", store)
	l := &ledger{imported: map[string]int{}, noted: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() { l.importForEver(ctx, hub.as(mine), w, 1) })
	}
	wg.Go(func() { l.triageForEver(ctx, hub.as(mine), 1) })
	// Findings that nobody changes any more: equal to the last byte.
	imports(t, hub.as(other), newFinding(other, "at rest"), newFinding(other, "at rest too"))
	want := find(t, hub.as(other), types.AwsSecurityFindingFilters{})
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.imported) == crashWriters*crashFindings && len(l.noted) > 0
	}, patience, time.Millisecond)
	l.mu.Lock()
	before := &ledger{imported: maps.Clone(l.imported), noted: maps.Clone(l.noted)}
	l.mu.Unlock()
	code, out, errs := hubcap(t, nil, "backup", "--endpoint", hub.URL, backup)
	require.Zero(t, code, out+errs)
	hub.kill()
	cancel()
	wg.Wait()
	code, out, errs = hubcap(t, nil, "restore", backup, restored)
	require.Zero(t, code, out+errs)
	healthy(t, restored)
	back := serve(t, "--store", restored)
	before.check(t, back)
	require.Equal(t, want, find(t, back.as(other), types.AwsSecurityFindingFilters{}))
	for id, n := range before.imported {
		require.LessOrEqual(t, n, l.imported[id]+1, "%s is newer than anything that was sent", id)
	}
	// The store that was killed is none the worse for it.
	healthy(t, store)
	l.check(t, serve(t, "--store", store))
}
