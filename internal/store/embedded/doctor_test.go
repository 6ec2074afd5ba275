package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/store"
)

// patientOf is a store with findings, history, state and spools, closed.
func patientOf(t testing.TB) *checkpointed {
	t.Helper()
	c := newCheckpointed(t, vfs.NewMem())
	ctx := context.Background()
	c.change(rand.New(rand.NewPCG(20, 20)), 60)
	for w := range 2 {
		p := newPair(w)
		require.NoError(t, errors.Join(p.write(c.s, 1), p.write(c.s, 2), p.writeState(c.s, 2)))
	}
	require.NoError(t, c.s.PutChunk(ctx, "job/1/keys", 0, []byte("mine")))
	c.close()
	return c
}

func (c *checkpointed) examine(o ExamineOptions) *Examination {
	c.t.Helper()
	o.Options = c.opts
	if o.OwnsSpool == nil {
		o.OwnsSpool = func(_ store.StateView, spool string) bool { return strings.HasPrefix(spool, "job/1/") }
	}
	e, err := Examine(context.Background(), "store", o)
	require.NoError(c.t, err)
	return e
}

// damage changes the database of a closed store.
func (c *checkpointed) damage(f func(s *Store) error) {
	c.t.Helper()
	s, err := openBare("store", c.opts.withDefaults())
	require.NoError(c.t, err)
	require.NoError(c.t, f(s))
	require.NoError(c.t, s.closeBare())
}

// firstOf is the first record of a kind.
func firstOf(s *Store, prefix byte) (key, value []byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return nil, nil, err
	}
	if !it.First() {
		return nil, nil, errors.Join(errors.New("there is none"), it.Close())
	}
	key, value = append([]byte{}, it.Key()...), append([]byte{}, it.Value()...)
	return key, value, it.Close()
}

func spoilFirst(prefix byte, f func(value []byte) []byte) func(s *Store) error {
	return func(s *Store) error {
		k, v, err := firstOf(s, prefix)
		if err != nil {
			return err
		}
		return s.db.Set(k, f(v), pebble.Sync)
	}
}

// copyDocument stores a document once more, under another number and version.
func copyDocument(s *Store, number uint32, version uint64) error {
	_, v, err := firstOf(s, docPrefix)
	if err != nil {
		return err
	}
	var rec stored
	if err := rec.decode(v); err != nil {
		return err
	}
	rec.version = version
	return s.db.Set(docKey(nil, number), rec.append(nil), pebble.Sync)
}

// Each way in which a record can be wrong is named and mended; what is removed is kept; the store that is left opens and agrees with
// itself.
func TestDoctor(t *testing.T) {
	cut := func(v []byte) []byte { return v[:len(v)/2] }
	for _, c := range []struct {
		name   string
		damage func(s *Store) error
		kind   string
		says   string
		keeps  bool // something in the file of what was removed
	}{
		{"a document cut short", spoilFirst(docPrefix, cut), ProblemDocument, "damaged", true},
		{"a document of another format", spoilFirst(docPrefix, func(v []byte) []byte { v[0] = 77; return v }), ProblemDocument, "damaged", true},
		{"a document's compressed bytes", spoilFirst(docPrefix, func(v []byte) []byte { v[len(v)-3] ^= 0xff; v[len(v)/2] ^= 0xff; return v }), ProblemDocument, "", true},
		{"a document without JSON", func(s *Store) error {
			rec := stored{version: 5, body: compress(nil, appendBody(nil, &store.Key{Account: "1", Region: "r", ProductArn: "p", ID: "x"}, []byte("{]")))}
			return s.db.Set(docKey(nil, 70_000), rec.append(nil), pebble.Sync)
		}, ProblemDocument, "", true},
		{"a document's key", func(s *Store) error { return s.db.Set([]byte{docPrefix, 1}, []byte("x"), pebble.Sync) }, ProblemDocument, "damaged", true},
		{"an older copy", func(s *Store) error { return copyDocument(s, 70_000, 1) }, ProblemDuplicate, "documents 0 and 70000", true},
		{"a newer copy", func(s *Store) error { return copyDocument(s, 70_000, 500_000) }, ProblemDuplicate, "documents 0 and 70000", true},
		{"history that cannot be read", spoilFirst(historyPrefix, cut), ProblemHistory, "damaged", true},
		{"history of nobody", func(s *Store) error {
			return s.db.Set(historyKey(nil, store.Identity{1, 2, 3}, 7), appendHistory(nil, &store.HistoryRecord{Time: time.UnixMilli(0)}), pebble.Sync)
		}, ProblemHistory, "there is no such finding", true},
		{"a key of history", func(s *Store) error { return s.db.Set([]byte{historyPrefix, 1}, nil, pebble.Sync) }, ProblemHistory, "2 bytes", true},
		{"a record of state", func(s *Store) error { return s.db.Set([]byte{statePrefix, 200, 1}, nil, pebble.Sync) }, ProblemState, "damaged", true},
		{"a version of an account", func(s *Store) error { return s.db.Set(stateKey("w0", ""), []byte("x"), pebble.Sync) }, ProblemState, "damaged", true},
		{"no version of an account", func(s *Store) error { return s.db.Delete(stateKey("w0", ""), pebble.Sync) }, ProblemState, "no version", false},
		{"a version of nothing", func(s *Store) error {
			return s.db.Set(stateKey("empty", ""), binary.BigEndian.AppendUint64(nil, 3), pebble.Sync)
		}, ProblemState, "no records", true},
		{"a spool of nobody", func(s *Store) error { return s.db.Set(spoolKey("job/2/keys", 1), []byte("x"), pebble.Sync) }, ProblemSpool, "nothing knows of it", true},
		{"a key of a spool", func(s *Store) error { return s.db.Set([]byte{spoolPrefix, 1}, nil, pebble.Sync) }, ProblemSpool, "damaged", true},
		{"numbers given out twice", func(s *Store) error {
			return s.db.Set(metaKey("sequence"), binary.BigEndian.AppendUint64(nil, 3), pebble.Sync)
		}, ProblemSequence, "only those up to 3", false},
		{"numbers that cannot be read", func(s *Store) error { return s.db.Set(metaKey("sequence"), []byte("x"), pebble.Sync) }, ProblemRecord, "1 bytes", true},
		{"a seed that cannot be read", func(s *Store) error { return s.db.Set(metaKey("seed"), []byte("x"), pebble.Sync) }, ProblemRecord, "1 bytes", true},
		{"a record of no kind", func(s *Store) error { return s.db.Set([]byte("zebra"), nil, pebble.Sync) }, ProblemRecord, "does not know", true},
		{"a record before all", func(s *Store) error { return s.db.Set([]byte{0}, nil, pebble.Sync) }, ProblemRecord, "does not know", true},
		{"a number of nothing", func(s *Store) error { return s.db.Set(metaKey("else"), nil, pebble.Sync) }, ProblemRecord, "does not know", true},
		{"a commit", func(s *Store) error { return s.db.Set(commitKey(nil, 1<<40), []byte{0xff}, pebble.Sync) }, ProblemCheckpoint, "damaged", true},
		{"the root", func(s *Store) error { return s.db.Set(metaKey(rootName), []byte("{"), pebble.Sync) }, ProblemCheckpoint, "root", false},
		{"a file of the checkpoint", func(s *Store) error {
			names, err := s.opts.FS.List("store/index")
			if err != nil {
				return err
			}
			put(t, s.opts.FS, "store/index/"+names[0], "nothing")
			return nil
		}, ProblemCheckpoint, "file", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := patientOf(t)
			require.True(t, p.examine(ExamineOptions{}).Clean())
			p.damage(c.damage)
			before := tree(t, p.opts.FS, "store/index")
			for range 2 { // looking changes nothing
				e := p.examine(ExamineOptions{})
				require.False(t, e.Clean())
				require.False(t, e.Mended)
				require.Positive(t, e.Counts[c.kind], "%v", e.Problems)
				require.Contains(t, fmt.Sprint(e.Problems), c.says)
				require.Equal(t, before, tree(t, p.opts.FS, "store/index"))
			}
			e := p.examine(ExamineOptions{Repair: true, Removed: "removed"})
			require.Positive(t, e.Counts[c.kind])
			require.True(t, e.Mended)
			require.Equal(t, c.keeps, e.Removed != "", "%v", e.Problems)
			if c.keeps {
				requireKept(t, p.opts.FS, c.kind)
			}
			again := p.examine(ExamineOptions{})
			require.Empty(t, again.Problems)
			p.open()
			p.agree()
			require.NoError(t, newPair(1).write(p.s, 3), "it can be worked with")
			p.agree()
			p.close()
			require.Empty(t, p.examine(ExamineOptions{}).Problems)
		})
	}
}

func requireKept(t *testing.T, files vfs.FS, kind string) {
	t.Helper()
	f, err := files.Open("removed")
	require.NoError(t, err)
	lines, kinds := bufio.NewScanner(f), map[string]int{}
	for lines.Scan() {
		var line struct {
			Kind       string
			Key, Value []byte
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		require.NotEmpty(t, line.Key)
		kinds[line.Kind]++
	}
	require.NoError(t, f.Close())
	require.Positive(t, kinds[kind])
}

// An index that says something else than the documents is told what it lacks, value for value.
func TestDoctorComparesTheIndex(t *testing.T) {
	title := func(s *Store, text string) (term, doc uint32) {
		id, ok := s.dict.lookup(asff.FieldTitle, "", []byte(text))
		require.True(t, ok)
		doc, _ = s.index.posting(id).first()
		return id, doc
	}
	for _, c := range []struct {
		name   string
		damage func(s *Store)
		says   string
	}{
		{"a value is missing", func(s *Store) { id, doc := title(s, "w0 n2"); s.index.postings.remove(id, doc) }, "does not have its Title"},
		{"a value too many", func(s *Store) { id, doc := title(s, "w0 n2"); s.index.postings.add(id, doc+1) }, "values of documents"},
		{"a version", func(s *Store) { _, doc := title(s, "w0 n2"); s.index.setVersion(doc, 9) }, "has version 9 of it"},
		{"a time", func(s *Store) {
			_, doc := title(s, "w0 n2")
			seg, i := s.index.segment(doc)
			seg.times[1][i] = 77
		}, "another CreatedAt"},
		{"a name", func(s *Store) {
			_, doc := title(s, "w0 n2")
			s.index.idents.remove(s.index.hashOf(s.index.ident(doc)), doc+1)
		}, "under its name"},
		{"a pair", func(s *Store) {
			_, doc := title(s, "w0 n2")
			k := newPair(0).keys[0]
			s.index.pairs.remove(s.pairHash(k.ProductArn, k.ID), doc+1)
			k = newPair(0).keys[1]
			s.index.pairs.remove(s.pairHash(k.ProductArn, k.ID), doc+1)
		}, "by product and id"},
		{"the order", func(s *Store) {
			run := s.index.order.runs[0].docs
			run[0], run[len(run)-1] = run[len(run)-1], run[0]
		}, "order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := patientOf(t)
			p.open()
			c.damage(p.s)
			p.base()
			p.close()
			e := p.examine(ExamineOptions{})
			require.Positive(t, e.Counts[ProblemCheckpoint])
			require.Contains(t, fmt.Sprint(e.Problems), c.says)
			require.True(t, p.examine(ExamineOptions{Repair: true}).Mended)
			require.Empty(t, p.examine(ExamineOptions{}).Problems)
			p.open()
			p.agree()
			p.close()
		})
	}
}

func TestDoctorRefuses(t *testing.T) {
	c := newCheckpointed(t, vfs.NewMem())
	_, err := Examine(t.Context(), "store", ExamineOptions{Options: c.opts})
	require.ErrorContains(t, err, "directory store is in use by another hubcap process")
	c.close()
	_, err = Examine(t.Context(), "nowhere", ExamineOptions{Options: c.opts})
	require.ErrorContains(t, err, "directory nowhere holds no hubcap store")
	_, err = c.opts.FS.Stat("nowhere")
	require.Error(t, err, "nothing is made")

	put(t, c.opts.FS, "removed", "precious")
	c.damage(func(s *Store) error { return s.db.Set([]byte("zebra"), nil, pebble.Sync) })
	_, err = Examine(t.Context(), "store", ExamineOptions{Options: c.opts, Repair: true, Removed: "removed"})
	require.ErrorContains(t, err, "removed is there already")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Examine(gone, "store", ExamineOptions{Options: c.opts})
	require.ErrorIs(t, err, context.Canceled)
}

// A store that was killed at any moment is healthy, also where values overflow.
func TestDoctorAfterKills(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 3))
	for _, limit := range []int64{0, 4000} {
		files := vfs.NewCrashableMem()
		c := newCheckpointed(t, files)
		c.close()
		c.opts.IndexMemory = limit
		for range rounds(6) {
			c.open()
			c.change(rng, 30)
			if rng.IntN(3) == 0 {
				c.base()
			}
			c.change(rng, rng.IntN(20))
			files = c.kill(files, rng.IntN(101), rng)
			require.Empty(t, c.examine(ExamineOptions{}).Problems)
		}
	}
}
