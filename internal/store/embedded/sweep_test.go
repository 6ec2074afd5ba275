package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/query"
	"hubcap/internal/store"
)

// tagsToReplace is how many random tags TestSweep imports and replaces; set HUBCAP_TEST_TAGS=1000000 for more.
func tagsToReplace() int {
	if n, err := strconv.Atoi(os.Getenv("HUBCAP_TEST_TAGS")); err == nil && n > 0 {
		return n
	}
	return 80_000
}

// indexTakes is the memory of what a sweep gives back.
func indexTakes(s *Store) (bytes int) {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	s.dict.mu.RLock()
	defer s.dict.mu.RUnlock()
	for _, block := range s.dict.arena {
		bytes += len(block)
	}
	for i := range s.dict.places {
		bytes += 4 * len(s.dict.places[i])
	}
	for i := range s.index.postings.handles {
		bytes += 8 * len(s.index.postings.handles[i])
	}
	for i := range s.dict.attrs {
		for _, c := range s.dict.attrs[i].terms.chunks {
			bytes += 4 * cap(c)
		}
	}
	bytes += len(s.dict.heads.texts)*headsChunk*longHead + tableBytes(&s.dict.heads.table)
	return bytes + tableBytes(&s.dict.table) + tableBytes(&s.dict.keyed)
}

// Tags without end come and go, keys too: their memory comes back, so under a budget that holds a few rounds of them the last round is
// indexed like the first.
func TestSweep(t *testing.T) {
	const rounds, tagsEach = 8, 40
	findings := tagsToReplace() / rounds / tagsEach
	opts := small
	opts.FS, opts.IndexMemory = NewMemory(), int64(findings*tagsEach*3*(128+2*termSize))
	opts.staleTerms = findings * tagsEach
	s, err := Open("store", opts)
	require.NoError(t, err)
	most, share := 0, 1
	var tag string
	for round := range rounds {
		for from := 0; from < findings; from += 100 {
			var members []string
			for i := from; i < min(from+100, findings); i++ {
				var tags []string
				for k := range tagsEach {
					n := (round*findings+i)*tagsEach + k
					key := fmt.Sprint("same", k)
					if k%2 == 0 {
						key = fmt.Sprint("new", n)
					}
					before, behind := "", ""
					switch k % 5 { // long ones, with heads of many and of one
					case 1:
						before = strings.Repeat("many", 35)
					case 2:
						behind = strings.Repeat("one", 50)
					}
					tags = append(tags, fmt.Sprintf(`%q:"%svalue%d%s"`, key, before, n, behind))
					tag = fmt.Sprintf(`ResourceTags[%q] = value%d`, key, n)
				}
				members = append(members, fmt.Sprintf(`{"Id":"f%d","Resources":[{"Type":"Other","Id":"r","Tags":{%s}}]}`, i, strings.Join(tags, ",")))
			}
			load(t, s, members...)
		}
		if takes := indexTakes(s); round < 2 {
			most = max(most, takes)
		}
		s.sweeper.sweep()
		s.dict.mu.RLock()
		require.False(t, s.dict.overBudget())
		require.Less(t, s.dict.terms, findings*tagsEach*11/10+100, "only what the findings have is left")
		require.Less(t, len(s.dict.attrs), findings*tagsEach*5/2)
		s.dict.mu.RUnlock()
		require.LessOrEqual(t, indexTakes(s), share*most+2*arenaBlock+2*12*termChunk, "but for pieces that are not full")
		require.Equal(t, []string{fmt.Sprint("f", findings-1)}, ids(t, s, tag))
		e, err := query.Parse(tag)
		require.NoError(t, err)
		set, err := s.ask(context.Background(), store.Scope{}, &e, nil)
		require.NoError(t, err)
		require.True(t, set.exact(), "it is in the index")
		// What was made of the values for other questions has forgotten them too.
		text := tag[strings.Index(tag, "= value")+2:]
		key := fmt.Sprintf(`ResourceTags["same%d"]`, tagsEach-1)
		require.Equal(t, []string{fmt.Sprint("f", findings-1)}, ids(t, s, key+" startswith "+text))
		require.Equal(t, []string{fmt.Sprint("f", findings-1)}, ids(t, s, key+" contains "+text[1:]))
		require.Len(t, ids(t, s, key+" startswith value"), min(findings, 10_000))
		distinctTerms(t, s)
		if round%2 == 1 {
			require.NoError(t, s.Close())
			s, err = Open("store", opts)
			require.NoError(t, err)
			share = 2 // terms that were dropped come back from the files, which have no more of them than of others
			s.sweeper.sweep()
			distinctTerms(t, s)
			require.Equal(t, []string{fmt.Sprint("f", findings-1)}, ids(t, s, tag))
		}
	}
	n, err := s.Count(context.Background(), store.Scope{}, &query.Expr{Op: query.All})
	require.NoError(t, err)
	require.Equal(t, int64(findings), n)
	require.NoError(t, s.Close())
}

// Values come and go under sweeps without end. What is there is found, by an index that is exact.
func TestSweepWhileOthersWrite(t *testing.T) {
	opts := small
	opts.FS = NewMemory()
	s, err := Open("store", opts)
	require.NoError(t, err)
	var quit atomic.Bool
	var sweeps sync.WaitGroup
	sweeps.Go(func() {
		for !quit.Load() {
			s.sweeper.sweep()
		}
	})
	const writers, rounds = 4, 150
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for round := range rounds {
				// All writers share few values, so that most come back just when they are about to be dropped.
				title := fmt.Sprint("t", rng.IntN(6))
				err := tryLoad(s, fmt.Sprintf(`{"Id":"w%d","Title":%q}`, w, title), fmt.Sprintf(`{"Id":"v%d","Title":"only %d %d"}`, w, w, round))
				got, err2 := tryIDs(s, fmt.Sprintf("Title = %q", title))
				if err := errors.Join(err, err2); err != nil || !containsAll(got, fmt.Sprint("w", w)) {
					t.Errorf("writer %d does not find what it wrote: %v %v", w, got, err)
					return
				}
			}
		})
	}
	all.Wait()
	quit.Store(true)
	sweeps.Wait()
	s.sweeper.sweep()
	distinctTerms(t, s)
	for w := range writers {
		require.Equal(t, []string{fmt.Sprint("v", w)}, ids(t, s, fmt.Sprintf("Title = \"only %d %d\"", w, rounds-1)))
	}
	require.NoError(t, s.Close())
}

// distinctTerms makes sure that a value that was dropped and came back is not there twice, and that every value has a document.
func distinctTerms(t *testing.T, s *Store) {
	t.Helper()
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	s.dict.mu.RLock()
	defer s.dict.mu.RUnlock()
	seen, long := map[string]bool{}, 0
	for id := range s.dict.next {
		if tm := s.dict.at(id); tm.id != 0 {
			name := fmt.Sprint(tm.attr, tm.long, string(tm.appendFolded(nil)))
			require.False(t, seen[name], name)
			seen[name] = true
			if tm.long {
				long++
			}
			p := s.index.posting(id)
			require.Positive(t, p.count(), name)
		}
	}
	require.Len(t, seen, s.dict.terms)
	// Heads of long values are there as often as they are used.
	heads, used := map[string]bool{}, 0
	for n, uses := range s.dict.heads.uses {
		if used += int(uses); uses > 0 {
			text := string(s.dict.heads.at(uint32(n)))
			require.False(t, heads[text], text)
			heads[text] = true
		}
	}
	require.Equal(t, long, used)
	require.Len(t, heads, s.dict.heads.table.used)
}

func containsAll(list []string, want ...string) bool {
	for _, w := range want {
		found := false
		for _, v := range list {
			found = found || v == w
		}
		if !found {
			return false
		}
	}
	return true
}
