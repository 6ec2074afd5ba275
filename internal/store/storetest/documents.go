package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/query"
	"hubcap/internal/query/querytest"
	"hubcap/internal/store"
)

func testDocuments(t *testing.T, b *bench) {
	one, two := titled(t, "one", "first"), titled(t, "two", "second")
	require.Nil(t, b.get(keyOf(&one)))
	b.put(one, two)
	got := b.get(keyOf(&one))
	require.Equal(t, string(one.JSON), string(got.JSON))
	require.Equal(t, keyOf(&one), got.Key)
	require.Zero(t, got.Customer)

	newer := titled(t, "one", "changed")
	require.NoError(t, b.change(keyOf(&one), func(old *store.Doc) (store.Change, error) {
		require.Equal(t, string(one.JSON), string(old.JSON))
		require.Equal(t, got.Version, old.Version)
		return store.Change{JSON: newer.JSON, Customer: asff.AttrSeverity | asff.AttrTypes}, nil
	}))
	for range 2 {
		again := b.get(keyOf(&one))
		require.Equal(t, string(newer.JSON), string(again.JSON))
		require.Equal(t, asff.AttrSeverity|asff.AttrTypes, again.Customer)
		require.Greater(t, again.Version, got.Version)
		require.Equal(t, []string{"one"}, b.find(store.Scope{}, query.Find{Where: is(asff.FieldTitle, query.Equals, "changed"), Limit: 10}))
		require.Empty(t, b.find(store.Scope{}, query.Find{Where: is(asff.FieldTitle, query.Equals, "first"), Limit: 10}))
		b.reopen()
	}
	// Versions go on growing after the store was closed.
	before := b.get(keyOf(&two)).Version
	b.put(two)
	require.Greater(t, b.get(keyOf(&two)).Version, before)

	b.remove(keyOf(&one))
	for range 2 {
		require.Nil(t, b.get(keyOf(&one)))
		require.Equal(t, []string{"two"}, b.find(store.Scope{}, query.Find{Limit: 10}))
		b.reopen()
	}
	// The four parts of a key are told apart.
	a, c := keyOf(&one), keyOf(&one)
	a.ProductArn, a.ID, c.ProductArn, c.ID = "ab", "c", "a", "bc"
	require.NoError(t, b.change(a, func(*store.Doc) (store.Change, error) { return store.Change{JSON: one.JSON}, nil }))
	require.Nil(t, b.get(c))
}

func testRepeatedKeys(t *testing.T, b *bench) {
	d := titled(t, "one", "0")
	other := titled(t, "two", "0")
	k, o := keyOf(&d), keyOf(&other)
	keys := []store.Key{k, o, k, k, o, k}
	var order []int
	errs, err := b.s.Update(context.Background(), keys, func(i int, old *store.Doc, _ store.StateView) (store.Change, error) {
		order = append(order, i)
		switch i {
		case 0, 1:
			require.Nil(t, old)
		case 3:
			require.Contains(t, string(old.JSON), `"title 2"`)
			return store.Change{Delete: true}, nil
		case 4:
			require.Contains(t, string(old.JSON), `"title 1"`)
			return store.Change{}, errors.New("not this one")
		case 5:
			require.Nil(t, old)
		}
		return store.Change{
			JSON:    titled(t, keys[i].ID, fmt.Sprintf("title %d", i)).JSON,
			History: []store.HistoryRecord{{Time: time.UnixMilli(int64(i)), Source: "s", Identity: "i"}},
		}, nil
	})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
	for i, err := range errs {
		require.Equal(t, i == 4, err != nil, "%d: %v", i, err)
	}
	for range 2 {
		require.Contains(t, string(b.get(k).JSON), `"title 5"`)
		require.Contains(t, string(b.get(o).JSON), `"title 1"`)
		require.Equal(t, []string{"one"}, b.find(store.Scope{}, query.Find{Where: where(t, `Title = "title 5"`), Limit: 9}))
		require.Empty(t, b.find(store.Scope{}, query.Find{Where: where(t, `Title = "title 2"`), Limit: 9}))
		list, err := b.s.History(context.Background(), store.HistoryQuery{Key: k, Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1, "what went before the deletion is gone")
		require.Equal(t, int64(5), list[0].Time.UnixMilli())
		b.reopen()
	}
}

func testErrorsOfKeys(t *testing.T, b *bench) {
	docs := []querytest.Doc{titled(t, "a", "x"), titled(t, "b", "x"), titled(t, "c", "x")}
	b.put(docs[1])
	refused := errors.New("refused")
	keys := []store.Key{keyOf(&docs[0]), keyOf(&docs[1]), keyOf(&docs[2])}
	errs, err := b.s.Update(context.Background(), keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
		if i < 2 {
			return store.Change{JSON: titled(t, keys[i].ID, "y").JSON}, refused
		}
		return store.Change{JSON: docs[i].JSON}, nil
	})
	require.NoError(t, err)
	require.ErrorIs(t, errs[0], refused)
	require.ErrorIs(t, errs[1], refused)
	require.NoError(t, errs[2])
	require.Nil(t, b.get(keys[0]))
	require.Equal(t, string(docs[1].JSON), string(b.get(keys[1]).JSON))
	require.Equal(t, string(docs[2].JSON), string(b.get(keys[2]).JSON))
	require.Len(t, b.find(store.Scope{}, query.Find{Where: where(t, `Title = "x"`), Limit: 1}), 2)
	// History of nothing is an error of that key.
	require.Error(t, b.change(keys[0], func(*store.Doc) (store.Change, error) {
		return store.Change{History: []store.HistoryRecord{{Source: "s"}}}, nil
	}))
	// No keys at all are no error.
	errs, err = b.s.Update(context.Background(), nil, func(int, *store.Doc, store.StateView) (store.Change, error) { panic("no key") })
	require.NoError(t, err)
	require.Empty(t, errs)
}

func testNothingChanged(t *testing.T, b *bench) {
	d := titled(t, "one", "x")
	k := keyOf(&d)
	require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) { return store.Change{}, nil }))
	require.Nil(t, b.get(k))
	require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) { return store.Change{Delete: true}, nil }))
	require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) {
		return store.Change{JSON: d.JSON, Customer: asff.AttrTypes}, nil
	}))
	version := b.get(k).Version
	require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) { return store.Change{}, nil }))
	require.Equal(t, version, b.get(k).Version)
	require.Equal(t, asff.AttrTypes, b.get(k).Customer)
	// History alone keeps the document and what the customer changed.
	require.NoError(t, b.change(k, func(*store.Doc) (store.Change, error) {
		return store.Change{History: []store.HistoryRecord{{Time: time.UnixMilli(1), Source: "s"}}}, nil
	}))
	got := b.get(k)
	require.Greater(t, got.Version, version)
	require.Equal(t, string(d.JSON), string(got.JSON))
	require.Equal(t, asff.AttrTypes, got.Customer)
	require.Equal(t, []string{"one"}, b.find(store.Scope{}, query.Find{Where: where(t, `Title = "x"`), Limit: 2}))
}

func testDeleteAndCreate(t *testing.T, b *bench) {
	ctx := context.Background()
	d := titled(t, "one", "x")
	k := keyOf(&d)
	record := store.HistoryRecord{Time: time.UnixMilli(5).UTC(), Source: "s", Identity: "i"}
	var last uint64
	for round := range 3 {
		require.NoError(t, b.change(k, func(old *store.Doc) (store.Change, error) {
			require.Nil(t, old)
			return store.Change{JSON: d.JSON, History: []store.HistoryRecord{record}}, nil
		}))
		version := b.get(k).Version
		require.Greater(t, version, last, "also over a deletion")
		last = version
		list, err := b.s.History(ctx, store.HistoryQuery{Key: k, Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1, "round %d", round)
		b.remove(k)
		list, err = b.s.History(ctx, store.HistoryQuery{Key: k, Limit: 10})
		require.NoError(t, err)
		require.Empty(t, list)
		keys, err := b.s.Resolve(ctx, store.Scope{}, []store.Ident{{ProductArn: k.ProductArn, ID: k.ID}})
		require.NoError(t, err)
		require.Empty(t, keys[0])
		if round == 1 {
			b.reopen()
		}
	}
}

// The values a caller gives stand for those that the engine would extract.
func testGivenValues(t *testing.T, b *bench) {
	var r asff.Reader
	for i := range 20 {
		d := titled(t, strconv.Itoa(i), fmt.Sprint("title ", i%3))
		require.NoError(t, b.change(keyOf(&d), func(*store.Doc) (store.Change, error) {
			return store.Change{JSON: d.JSON, Values: r.Values(d.JSON)}, nil
		}))
	}
	for range 2 {
		require.Len(t, b.find(store.Scope{}, query.Find{Where: where(t, `Title = "title 1"`), Limit: 4}), 7)
		b.reopen()
	}
}

func testLargeDocuments(t *testing.T, b *bench) {
	var keys []store.Key
	var docs []querytest.Doc
	for i := range 40 {
		d := doc(t, strconv.Itoa(i), fmt.Sprintf(`{"ProductFields":{%s}}`, manyFields(i)))
		docs, keys = append(docs, d), append(keys, keyOf(&d))
	}
	require.Greater(t, len(docs[0].JSON), 60_000)
	b.put(docs...)
	for range 2 {
		for i := range keys {
			require.True(t, bytes.Equal(docs[i].JSON, b.get(keys[i]).JSON), "document %d", i)
		}
		require.Len(t, b.find(store.Scope{}, query.Find{Limit: 7}), len(keys))
		b.reopen()
	}
}

// manyFields is fifty product fields of a text that hardly compresses.
func manyFields(seed int) string {
	var out strings.Builder
	x := uint64(seed)*2654435761 + 1
	for i := range 50 {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `"k%d":"`, i)
		for range 1200 {
			x = x*6364136223846793005 + 1442695040888963407
			out.WriteByte("abcdefghijklmnopqrstuvwxyz0123456789"[x>>59])
		}
		out.WriteByte('"')
	}
	return out.String()
}

// Values too long for an index, and more of them than it keeps, are found all the same.
func testLongAndManyValues(t *testing.T, b *bench) {
	long := strings.Repeat("0123456789", 20)
	var tags []string
	for i := range 50 {
		tags = append(tags, fmt.Sprintf(`"key%d":"value%d"`, i, i))
	}
	var resources []string
	for i := range 30 { // 30 resources with 50 tags each
		resources = append(resources, fmt.Sprintf(`{"Type":"Other","Id":"r%d","Tags":{%s}}`, i, strings.ReplaceAll(strings.Join(tags, ","), `"value`, fmt.Sprintf(`"r%d value`, i))))
	}
	b.put(
		titled(t, "long", long), titled(t, "longer", long+"x"), titled(t, "other", long[:100]+"y"+long[101:]), titled(t, "short", "0123"),
		doc(t, "many", `{"Resources":[`+strings.Join(resources, ",")+`]}`),
	)
	for range 2 {
		for _, c := range []struct{ where, want string }{
			{fmt.Sprintf(`Title = %q`, long), "long"},
			{fmt.Sprintf(`Title = %q`, long[:64]), ""},
			{fmt.Sprintf(`not Title = %q`, long), "longer many other short"},
			{`Title startswith "0123"`, "long longer other short"},
			{fmt.Sprintf(`Title startswith %q`, long[:101]), "long longer"},
			{fmt.Sprintf(`not Title startswith %q`, long[:101]), "many other short"},
			{`Title contains "9y1"`, "other"},
			{`not Title contains "9y1"`, "long longer many short"},
			{`Keyword contains "9Y1"`, "other"},
			{`ResourceTags["key49"] = "r29 value49"`, "many"},
			{`not ResourceTags["key49"] = "r29 value49"`, "long longer other short"},
			{`ResourceId = "r29"`, "many"},
			{`ResourceId = "r30"`, ""},
		} {
			got := b.find(store.Scope{}, query.Find{Where: where(t, c.where), Limit: 2, Sort: []query.SortKey{{Field: asff.FieldId}}})
			require.Equal(t, c.want, strings.Join(got, " "), c.where)
		}
		counts, err := b.s.Group(context.Background(), store.Scope{}, &query.Group{By: asff.FieldTitle, Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []query.Count{{Value: "0123", N: 1}, {Value: long, N: 1}, {Value: long + "x", N: 1}, {Value: long[:100] + "y" + long[101:], N: 1}, {Value: "t", N: 1}}, counts)
		counts, err = b.s.Group(context.Background(), store.Scope{}, &query.Group{By: asff.FieldResourceTags, Key: "key49", Limit: 50})
		require.NoError(t, err)
		require.Len(t, counts, 30)
		b.reopen()
	}
}
