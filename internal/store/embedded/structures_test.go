package embedded

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hubcap/internal/store"
)

func sorted(set map[uint32]bool) []uint32 { return slices.Sorted(maps.Keys(set)) }

// A posting is a set, whatever form it has, and slabs that are used again are nobody else's.
func TestPostings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p postings
		const terms = 3
		var want [terms]map[uint32]bool
		for i := range want {
			want[i] = map[uint32]bool{}
		}
		// Few documents stay slabs, many become bitmaps; distances need one byte to five.
		most := rapid.SampledFrom([]uint32{40, 5000, 1 << 20, 1<<32 - 2}).Draw(t, "most")
		next := uint32(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			term := rapid.IntRange(0, terms-1).Draw(t, "term")
			set := want[term]
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0: // new documents
				step := rapid.Uint32Range(1, most/20).Draw(t, "step")
				for range rapid.IntRange(1, 400).Draw(t, "run") {
					if next > most-step {
						break
					}
					next += step
					p.add(uint32(term), next)
					set[next] = true
				}
			case 1, 2: // an old one
				doc := rapid.Uint32Range(0, most).Draw(t, "doc")
				p.add(uint32(term), doc)
				set[doc] = true
			case 3:
				if len(set) > 0 {
					doc := rapid.SampledFrom(sorted(set)).Draw(t, "gone")
					p.add(uint32(term), doc) // it is there
					p.remove(uint32(term), doc)
					delete(set, doc)
				}
			case 4:
				doc := rapid.Uint32Range(0, most).Draw(t, "perhaps gone")
				p.remove(uint32(term), doc)
				delete(set, doc)
			}
			for i := range want {
				holds(t, &p, uint32(i), want[i], most)
			}
		}
		forgotten := roaring.New()
		for doc := range want[0] {
			if doc%3 == 0 {
				forgotten.Add(doc)
			}
		}
		p.forget(forgotten)
		for i := range want {
			maps.DeleteFunc(want[i], func(doc uint32, _ bool) bool { return forgotten.Contains(doc) })
			holds(t, &p, uint32(i), want[i], most)
		}
	})
}

// holds compares a posting with what it must hold.
func holds(t *rapid.T, p *postings, term uint32, want map[uint32]bool, most uint32) {
	set := p.get(term)
	docs := sorted(want)
	require.Equal(t, len(want), set.count())
	require.True(t, slices.Equal(docs, set.appendTo(nil)))
	first, ok := set.first()
	require.Equal(t, len(want) > 0, ok)
	require.True(t, !ok || want[first])
	for _, doc := range []uint32{0, 1, most / 2, most} {
		require.Equal(t, want[doc], set.contains(doc))
	}
	if len(docs) > 0 {
		require.True(t, set.contains(docs[len(docs)/2]))
	}
	some := roaring.BitmapOf(docs...)
	require.Equal(t, len(docs), set.within(some))
	all := roaring.New()
	set.addTo(all)
	require.True(t, some.Equals(all))
	x := &index{postings: *p}
	require.True(t, some.Equals(x.gather([]uint32{term})))
}

// A table finds what was put into it under a hash, and what is gone hides nothing.
func TestHashTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table hashTable
		want := map[uint64]map[uint32]bool{}
		// Few parts and few upper halves: searches run into each other, and around the end.
		hashes := rapid.Custom(func(t *rapid.T) uint64 {
			tag := rapid.SampledFrom([]uint64{0, 1, 1 << 31, 1<<32 - 1, 1<<32 - 2, 3 << 30}).Draw(t, "tag")
			return tag<<32 | rapid.Uint64Range(0, 1).Draw(t, "part")
		})
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			h, n := hashes.Draw(t, "hash"), rapid.Uint32Range(1, 9).Draw(t, "n")
			if want[h] == nil {
				want[h] = map[uint32]bool{}
			}
			if want[h][n] {
				require.True(t, table.remove(h, n))
				delete(want[h], n)
			} else {
				require.False(t, table.remove(h, n))
				table.add(h, n)
				want[h][n] = true
			}
			used := 0
			for h, numbers := range want {
				used += len(numbers)
				var got []uint32
				for p := table.probe(h); ; {
					n, ok := p.next()
					if !ok {
						break
					}
					got = append(got, n)
				}
				slices.Sort(got)
				require.True(t, slices.Equal(sorted(numbers), got))
			}
			require.Equal(t, used, table.used)
		}
	})
}

// Texts that differ in a byte or in length have other hashes, and so have they in another store.
func TestHashes(t *testing.T) {
	a, b := newHashKey([]byte("a")), newHashKey([]byte("b"))
	seen := map[uint64]bool{}
	text := make([]byte, 70)
	for n := range text {
		for i := range n + 1 {
			text[i] ^= 1
			for _, h := range []uint64{a.sum(text[:n], 0), a.sum(text[:n], 1), b.sum(text[:n], 0)} {
				if i < n { // else the text is not changed
					require.False(t, seen[h])
					seen[h] = true
				}
			}
			text[i] ^= 1
		}
	}
}

// The order is that of places, also where runs are parted and joined, and a walk may begin behind any place.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex(new(hashKey), 0)
		want := map[uint32]place{}
		put := func(doc uint32, at int64) {
			d := difference{doc: doc}
			d.times[updatedColumn] = at
			binary.BigEndian.PutUint32(d.ident[:], doc*2654435761)
			if was, there := want[doc]; there {
				x.order.remove(was)
			}
			x.set(&d)
			want[doc] = x.placeOf(doc)
			x.order.insert(want[doc])
			x.order.insert(want[doc]) // it is there
		}
		next := uint32(0)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1: // many new ones; most are newer
				start, step := rapid.Int64Range(0, 3000).Draw(t, "start"), rapid.Int64Range(-1, 2).Draw(t, "step")
				for i := range rapid.Int64Range(1, 2500).Draw(t, "n") {
					put(next, start+i*step)
					next++
				}
			case 2: // others
				for doc := range next {
					if doc%uint32(rapid.IntRange(1, 90).Draw(t, "each")) == 0 {
						at := rapid.SampledFrom([]int64{noTime, 0, 100, 1 << 40}).Draw(t, "at")
						put(doc, at+int64(doc%3)*min(1, max(at, 0)))
					}
				}
			case 3: // gone
				from, to := rapid.Uint32Range(0, next).Draw(t, "from"), rapid.Uint32Range(0, next).Draw(t, "to")
				for doc := from; doc < to; doc++ {
					if p, there := want[doc]; there {
						x.order.remove(p)
						x.order.remove(p) // it is gone
						delete(want, doc)
					}
				}
			}
		}
		places := slices.SortedFunc(maps.Values(want), comparePlaces)
		check := func() {
			require.Equal(t, len(places), x.order.count)
			var got []place
			x.order.scan(func(doc uint32) bool { got = append(got, x.placeOf(doc)); return true })
			require.True(t, slices.Equal(places, got))
			for _, r := range x.order.runs {
				require.LessOrEqual(t, len(r.docs), mostInRun)
				require.Equal(t, x.placeOf(r.docs[0]), r.first)
			}
			if len(places) == 0 {
				return
			}
			i := rapid.IntRange(0, len(places)-1).Draw(t, "after")
			got = got[:0]
			x.order.after(places[i], func(doc uint32) bool { got = append(got, x.placeOf(doc)); return len(got) < 5 })
			require.True(t, slices.Equal(places[i+1:min(i+6, len(places))], got))
			i = len(places) - 1
			x.order.after(places[i], func(uint32) bool { require.Fail(t, "there is nothing behind the last"); return true })
			x.order.after(place{ident: store.Identity{}, at: places[0].at - 1}, func(doc uint32) bool {
				require.Equal(t, places[0], x.placeOf(doc))
				return false
			})
		}
		check()
		x.order.fill(slices.Collect(maps.Keys(want)))
		check()
	})
}
