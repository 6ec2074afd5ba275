package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
	"hubcap/internal/store/postgres/postgrestest"
)

// Two stores on one database stand for two processes: they share nothing else.

const account = "111122223333"

func put(t testing.TB, s *Store, name, value string) {
	t.Helper()
	require.NoError(t, s.State(context.Background(), []string{account}, func(tx store.StateTx) error {
		if value == "" {
			tx.Delete(account, name)
		} else {
			tx.Put(account, name, []byte(value))
		}
		return nil
	}))
}

// TestRecordsActAtOnce: what one process acknowledged about an account decides the very next change that another makes.
func TestRecordsActAtOnce(t *testing.T) {
	one, address := begin(t)
	two := open(t, address, Options{})
	k, doc := finding(t, "one", "x")
	// decides answers what the record is where a finding is changed, or is not (an account that is refused).
	decides := func(s *Store, change bool) (value string) {
		errs, err := s.Update(context.Background(), []store.Key{k}, func(_ int, _ *store.Doc, st store.StateView) (store.Change, error) {
			v, _ := st.Get(account, "hub")
			value = string(v)
			if !change {
				return store.Change{}, errors.New("refused")
			}
			return store.Change{JSON: doc}, nil
		})
		require.NoError(t, err)
		require.Equal(t, change, errs[0] == nil)
		return value
	}
	for n := range 4 {
		for _, change := range []bool{true, false} {
			require.Empty(t, decides(two, change), "and is remembered")
			put(t, one, "hub", fmt.Sprint("on ", n))
			require.Equal(t, fmt.Sprint("on ", n), decides(two, change))
			put(t, one, "hub", "")
			require.Empty(t, decides(two, change))
		}
	}
}

// TestRecordsWaitForChanges: when a change of an account's records is acknowledged, nothing that was decided by the old ones is committed
// any more, by whichever process.
func TestRecordsWaitForChanges(t *testing.T) {
	one, address := begin(t)
	two := open(t, address, Options{})
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 3 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				k, doc := finding(t, fmt.Sprint("f", w, "-", n%3), "x")
				errs, err := two.Update(context.Background(), []store.Key{k}, func(_ int, old *store.Doc, st store.StateView) (store.Change, error) {
					if _, off := st.Get(account, "off"); off {
						return store.Change{}, nil
					}
					return store.Change{JSON: doc}, nil
				})
				if err = errors.Join(append(errs, err)...); err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	versions := func() (sum int64) {
		require.NoError(t, one.pool.QueryRow(context.Background(), `SELECT coalesce(sum(version), 0)::bigint FROM document`).Scan(&sum))
		return sum
	}
	for range 20 {
		put(t, one, "off", "yes")
		sum := versions()
		for range 3 {
			require.Equal(t, sum, versions(), "acknowledged, and yet findings change")
		}
		put(t, one, "off", "")
		require.Eventually(t, func() bool { return versions() > sum }, timeLimit, tickTime)
	}
	stop.Store(true)
	wg.Wait()
}

// TestTwoProcessesLoseNothing: both add to the same findings, whose keys overlap in different orders; both make the same new ones.
func TestTwoProcessesLoseNothing(t *testing.T) {
	one, address := begin(t)
	both := []*Store{one, open(t, address, Options{})}
	const writers, rounds, names = 3, 25, 6
	keys := make([]store.Key, names)
	for i := range keys {
		keys[i], _ = finding(t, fmt.Sprint("f", i), "x")
	}
	var added [names]atomic.Int64
	var wg sync.WaitGroup
	for p, s := range both {
		for w := range writers {
			wg.Go(func() {
				for n := range rounds {
					mine := make([]store.Key, 4)
					at := make([]int, 4)
					for i := range mine {
						at[i] = (i*(p*writers+w+1) + n) % names
						mine[i] = keys[at[i]]
					}
					errs, err := s.Update(context.Background(), mine, func(i int, old *store.Doc, _ store.StateView) (store.Change, error) {
						last := 0
						if old != nil {
							last, _ = strconv.Atoi(string(old.JSON[len(`{"Title":"`) : len(old.JSON)-2]))
						}
						return store.Change{JSON: fmt.Appendf(nil, `{"Title":"%d"}`, last+1)}, nil
					})
					if err = errors.Join(append(errs, err)...); err != nil {
						t.Errorf("process %d, writer %d: %v", p, w, err)
					}
					for _, i := range at {
						added[i].Add(1)
					}
				}
			})
		}
	}
	wg.Wait()
	for i, k := range keys {
		for _, s := range both {
			_, err := s.Get(context.Background(), k, func(d *store.Doc) error {
				require.Equal(t, fmt.Sprintf(`{"Title":"%d"}`, added[i].Load()), string(d.JSON))
				return nil
			})
			require.NoError(t, err)
		}
	}
}

// TestWordsOutliveTheirFirstTransaction: a value is in the dictionary when a finding has it, whichever process wrote it first, and whether
// or not that succeeded.
func TestWordsOutliveTheirFirstTransaction(t *testing.T) {
	one, address := begin(t)
	two := open(t, address, Options{})
	words := func() (n int) {
		require.NoError(t, one.pool.QueryRow(context.Background(), `SELECT count(*) FROM dict WHERE value = 'a title of its own'`).Scan(&n))
		return n
	}
	k, doc := finding(t, "one", "a title of its own")
	execute(t, address, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	execute(t, address, `CREATE TRIGGER refuse AFTER INSERT ON dict EXECUTE FUNCTION refuse()`)
	require.ErrorContains(t, add(one, k, doc), "no")
	require.Zero(t, words(), "it went with its transaction")
	execute(t, address, `DROP TRIGGER refuse ON dict`)
	require.NoError(t, add(one, k, doc))
	require.Equal(t, 1, words())
	other, doc := finding(t, "two", "a title of its own")
	require.NoError(t, add(two, other, doc))
	require.Equal(t, 1, words())
}

// TestVersionsOfWhatCameBack: a finding that was deleted and comes back has later versions, also where the clock of who brings it back is
// behind.
func TestVersionsOfWhatCameBack(t *testing.T) {
	one, address := begin(t)
	slow := open(t, address, Options{Clock: past})
	k, doc := finding(t, "one", "x")
	last := uint64(0)
	for range 3 {
		for _, s := range []*Store{one, slow} {
			require.NoError(t, add(s, k, doc))
			_, err := s.Get(context.Background(), k, func(d *store.Doc) error {
				require.Greater(t, d.Version, last)
				last = d.Version
				return nil
			})
			require.NoError(t, err)
			_, err = s.Update(context.Background(), []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) {
				return store.Change{Delete: true}, nil
			})
			require.NoError(t, err)
		}
	}
}

// TestTidy: what is needed for a while only goes, and nothing else.
func TestTidy(t *testing.T) {
	s, address := begin(t)
	k, doc := finding(t, "one", "x")
	require.NoError(t, add(s, k, doc))
	count := func(table string) (n int) {
		require.NoError(t, s.pool.QueryRow(context.Background(), `SELECT count(*) FROM `+table).Scan(&n))
		return n
	}
	_, err := s.Update(context.Background(), []store.Key{k}, func(int, *store.Doc, store.StateView) (store.Change, error) {
		return store.Change{Delete: true}, nil
	})
	require.NoError(t, err)
	require.NoError(t, s.tidyUp(context.Background()))
	require.Equal(t, 2, count("writing"))
	require.Equal(t, 1, count("gone"))
	execute(t, address, `UPDATE writing SET at = now() - interval '1 hour'`)
	execute(t, address, `UPDATE gone SET version = version - 25::bigint * 3600 * 1000000`)
	require.NoError(t, s.tidyUp(context.Background()))
	require.Zero(t, count("writing"))
	require.Zero(t, count("gone"))
}

// TestDistribute: the tables are declared as they are meant to be, once each. Whether a cluster then takes them is tried on a cluster.
func TestDistribute(t *testing.T) {
	ctx := context.Background()
	s, address := begin(t)
	_, err := s.Distribute(ctx)
	require.ErrorIs(t, err, ErrNotDistributed)
	for _, statement := range []string{
		`CREATE TABLE pg_dist_partition (logicalrelid regclass, call text)`,
		`CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql AS $$ INSERT INTO pg_dist_partition VALUES ($1, 'everywhere') $$`,
		`CREATE FUNCTION create_distributed_table(t regclass, c text, colocate_with text) RETURNS void LANGUAGE sql AS
			$$ INSERT INTO pg_dist_partition VALUES ($1, $2 || ' with ' || $3) $$`,
	} {
		execute(t, address, statement)
	}
	tables, err := s.distributeAs(ctx, "plpgsql") // an extension that every server has stands for the real one
	require.NoError(t, err)
	again, err := s.distributeAs(ctx, "plpgsql")
	require.NoError(t, err)
	require.Empty(t, again)
	var all []string
	calls := map[string]string{}
	rows, err := s.pool.Query(ctx, `SELECT logicalrelid::text, call FROM pg_dist_partition`)
	require.NoError(t, err)
	for rows.Next() {
		var table, call string
		require.NoError(t, rows.Scan(&table, &call))
		calls[table] = call
	}
	require.NoError(t, rows.Err())
	require.Len(t, calls, len(tables))
	rows, err = s.pool.Query(ctx, `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'pg_dist_partition'`)
	require.NoError(t, err)
	for rows.Next() {
		var table string
		require.NoError(t, rows.Scan(&table))
		all = append(all, table)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, all, tables, "no table is forgotten")
	for table, call := range calls {
		want := "account with finding"
		switch table {
		case "finding":
			want = "account with none"
		case "spool":
			want = "name with none"
		case "schema_version", "setting":
			want = "everywhere"
		}
		require.Equal(t, want, call, table)
	}
	// The first column of every primary key is the one that it is distributed by.
	var odd []string
	rows, err = s.pool.Query(ctx, `SELECT c.relname || '.' || a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
		WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace AND a.attname <> 'account'`)
	require.NoError(t, err)
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		odd = append(odd, name)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, []string{"spool.name", "setting.name"}, odd)
}

// TestAnotherServerKnowsLess: what is remembered of a server is forgotten when it was started anew, or another has taken its place: it may
// have lost its last transactions.
func TestAnotherServerKnowsLess(t *testing.T) {
	ctx := context.Background()
	server := postgrestest.Start(t)
	address := server.Database(t)
	s := open(t, address, Options{})
	k, doc := finding(t, "one", "a title of its own")
	require.NoError(t, add(s, k, doc))
	put(t, s, "hub", "on")
	require.NoError(t, s.View(ctx, func(v store.StateView) error { v.Version(account); return nil }))
	require.NoError(t, server.Kill())
	require.NoError(t, server.Run())
	// The transactions that were lost, and another that has the lost one's version.
	execute(t, address, `DELETE FROM dict`)
	execute(t, address, `UPDATE state SET value = 'off'`)
	other, doc := finding(t, "two", "a title of its own")
	require.NoError(t, add(s, other, doc))
	words := 0
	require.NoError(t, s.pool.QueryRow(ctx, `SELECT count(*) FROM dict WHERE value = 'a title of its own'`).Scan(&words))
	require.Equal(t, 1, words)
	require.NoError(t, s.View(ctx, func(v store.StateView) error {
		value, _ := v.Get(account, "hub")
		require.Equal(t, "off", string(value))
		return nil
	}))
}
