package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
	"hubcap/internal/query"
	"hubcap/internal/store"
)

// plannedFor is how many findings the plans are looked at with: so many that an index is worth its while.
const plannedFor = 20_000

const plannedRegion = "us-east-1"

// fill stores the findings 0 to n-1 of asfftest.
func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	type batch struct {
		keys []store.Key
		docs [][]byte
	}
	full := make(chan *batch)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for b := range full {
				errs, err := s.Update(context.Background(), b.keys, func(i int, _ *store.Doc, _ store.StateView) (store.Change, error) {
					return store.Change{JSON: b.docs[i]}, nil
				})
				if err := errors.Join(append(errs, err)...); err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	var r asff.Reader
	open := map[string]*batch{}
	for i := range n {
		f, err := r.Check(asfftest.Append(nil, "", plannedRegion, i, 0), asff.CheckOptions{})
		require.NoError(t, err)
		require.Empty(t, f.Violations)
		b := open[f.AwsAccountID]
		if b == nil {
			b = &batch{}
			open[f.AwsAccountID] = b
		}
		doc := strings.TrimSuffix(string(f.Doc), "}") + `,"Region":"` + plannedRegion + `","Workflow":{"Status":"NEW"},"WorkflowState":"NEW"}`
		b.keys = append(b.keys, store.Key{Account: f.AwsAccountID, Region: plannedRegion, ProductArn: f.ProductArn, ID: f.ID})
		b.docs = append(b.docs, []byte(doc))
		if len(b.keys) == 100 {
			full <- b
			delete(open, f.AwsAccountID)
		}
	}
	for _, b := range open {
		full <- b
	}
	close(full)
	wg.Wait()
}

// overhear answers what a question asks the server.
func overhear(t testing.TB, ask func(ctx context.Context) error) []*statement {
	t.Helper()
	var mu sync.Mutex
	var heard []*statement
	ctx := context.WithValue(context.Background(), overheard{}, func(st *statement) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, st)
	})
	require.NoError(t, ask(ctx))
	return heard
}

// planOf is the server's plan for a statement with its arguments.
func planOf(t testing.TB, conn *pgx.Conn, st *statement) any {
	t.Helper()
	result := conn.PgConn().ExecParams(context.Background(), "EXPLAIN (FORMAT JSON) "+st.text.String(), st.values, st.types, st.formats(), nil).Read()
	require.NoError(t, result.Err, "%s", st.text.String())
	var plan any
	require.NoError(t, json.Unmarshal(result.Rows[0][0], &plan))
	return plan
}

// used collects from a plan the indexes it uses, and the tables it reads from end to end ("all of NAME").
func used(plan any, into map[string]bool) {
	switch p := plan.(type) {
	case []any:
		for _, x := range p {
			used(x, into)
		}
	case map[string]any:
		if name, ok := p["Index Name"].(string); ok {
			into[name] = true
		}
		if kind, ok := p["Node Type"].(string); ok && strings.HasSuffix(kind, "Seq Scan") {
			into[fmt.Sprint("all of ", p["Relation Name"])] = true
		}
		for _, x := range p {
			used(x, into)
		}
	}
}

// TestPlans: each kind of question that is asked often is answered from the indexes that are there for it, and no table is read from end
// to end.
func TestPlans(t *testing.T) {
	s, address := begin(t)
	fill(t, s, plannedFor)
	execute(t, address, `VACUUM ANALYZE`)
	conn, err := pgx.Connect(context.Background(), address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	accounts := map[string]bool{}
	for i := range plannedFor {
		accounts[asfftest.Account(i)] = true
	}
	everybody := store.ScopeOf(slices.Sorted(maps.Keys(accounts)), []string{plannedRegion})
	one := store.Scope{Accounts: []string{asfftest.Account(7)}, Regions: []string{plannedRegion}}
	of := func(f asff.Field, n int) string {
		var r asff.Reader
		for _, v := range r.Values(asfftest.Append(nil, "", plannedRegion, n, 0)) {
			if v.Field == f {
				return string(v.Text)
			}
		}
		t.Fatalf("finding %d has no %s", n, f)
		return ""
	}
	lastDay := asfftest.Last(plannedFor).Add(-24 * time.Hour).Format(time.RFC3339)
	by := func(f asff.Field, desc bool) []query.SortKey { return []query.SortKey{{Field: f, Desc: desc}} }
	var campaign string
	for i := 0; campaign == ""; i++ {
		var r asff.Reader
		for _, v := range r.Values(asfftest.Append(nil, "", plannedRegion, i, 0)) {
			if string(v.Key) == "custom/campaign" {
				campaign = string(v.Text)
			}
		}
	}
	for _, c := range []struct {
		name  string
		limit int
		scope store.Scope
		where string
		sort  []query.SortKey
		pages int
		want  []string
		never []string
		// with so few findings, reading all of the narrow table is no slower than to look for some
		small bool
	}{
		{
			name: "severity, record and workflow, newest first", where: `SeverityLabel = HIGH and RecordState = ACTIVE and WorkflowStatus = NEW`,
			want: []string{"finding_severity", "document_pkey"}, never: []string{"finding_newest"},
		},
		{name: "one account by severity", where: fmt.Sprintf(`AwsAccountId = %q`, asfftest.Account(7)), sort: by(asff.FieldSeverityLabel, true), want: []string{"finding_severity_of_account"}},
		{name: "a resource", where: fmt.Sprintf(`ResourceId = %q`, of(asff.FieldResourceId, 60)), want: []string{"document_terms"}, never: []string{"finding_newest"}},
		{
			name: "tag and type prefix", where: `ResourceTags["env"] = prod and Type startswith "Software and Configuration Checks/Vulnerabilities"`,
			want: []string{"dict_value", "document_terms"}, small: true,
		},
		{name: "title contains, failed", where: `Title contains encryption and ComplianceStatus = FAILED`, want: []string{"finding_newest"}, never: []string{"dict_trigrams"}},
		{name: "last day and generator prefix", where: fmt.Sprintf(`UpdatedAt >= %q and GeneratorId startswith "cis-"`, lastDay), want: []string{"finding_newest"}},
		{name: "newest first", where: `all`, pages: 3, want: []string{"finding_newest"}},
		{name: "newest first of one account", scope: one, limit: 5, where: `all`, want: []string{"finding_newest_of_account"}},
		{name: "an id", where: fmt.Sprintf(`Id = %q`, of(asff.FieldId, 7919)), want: []string{"document_terms"}, never: []string{"finding_newest"}},
		{name: "rare product field", where: fmt.Sprintf(`ProductFields["custom/campaign"] = %q`, campaign), want: []string{"document_terms"}, never: []string{"finding_newest"}},
		{
			name: "seven conditions and a not", where: `(SeverityLabel = HIGH or SeverityLabel = CRITICAL) and RecordState = ACTIVE and WorkflowStatus = NEW and
				ComplianceStatus = FAILED and ResourceType = AwsS3Bucket and not Type startswith TTPs and
				ProductFields["StandardsGuideArn"] = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.4.0"`,
			want: []string{"document_terms"},
		},
		{name: "by title", where: `all`, sort: by(asff.FieldTitle, false), pages: 3, want: []string{"finding_title"}},
		{name: "by title, backwards", where: `all`, sort: by(asff.FieldTitle, true), pages: 3, want: []string{"finding_title"}},
		{name: "by date of creation", where: `all`, sort: by(asff.FieldCreatedAt, false), pages: 3, want: []string{"finding_created"}},
		{name: "by id", where: `all`, sort: by(asff.FieldId, false), pages: 3, want: []string{"document_id"}},
		{name: "by resource", where: `all`, sort: by(asff.FieldResourceId, false), pages: 3, want: []string{"dict_value", "document_terms"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.scope.Accounts == nil {
				c.scope = everybody
			}
			where, err := query.Parse(c.where)
			require.NoError(t, err)
			q := &query.Find{Where: where, Sort: c.sort, Limit: 100}
			if c.limit > 0 {
				q.Limit = c.limit
			}
			for range max(1, c.pages) {
				found := 0
				heard := overhear(t, func(ctx context.Context) error {
					var err error
					q.After, err = s.Find(ctx, c.scope, q, func(*store.Doc) error { found++; return nil })
					return err
				})
				require.NotZero(t, found)
				checkPlans(t, conn, heard, c.want, c.never, c.small)
			}
		})
	}
	for _, c := range []struct {
		where string
		by    asff.Field
		want  []string
	}{
		{`SeverityLabel = HIGH or SeverityLabel = CRITICAL`, asff.FieldResourceId, []string{"finding_severity_resources", "dict_hash"}},
		{`all`, asff.FieldSeverityLabel, nil},
	} {
		t.Run("group by "+c.by.Name(), func(t *testing.T) {
			where, err := query.Parse(c.where)
			require.NoError(t, err)
			heard := overhear(t, func(ctx context.Context) error {
				counts, err := s.Group(ctx, everybody, &query.Group{Where: where, By: c.by, Limit: 5})
				require.NotEmpty(t, counts)
				return err
			})
			checkPlans(t, conn, heard, c.want, nil, c.want == nil)
		})
	}
}

func checkPlans(t *testing.T, conn *pgx.Conn, heard []*statement, want, never []string, small bool) {
	t.Helper()
	have := map[string]bool{}
	for _, st := range heard {
		used(planOf(t, conn, st), have)
	}
	for _, name := range want {
		require.True(t, have[name], "%s is not used, but %v, by %s", name, slices.Sorted(maps.Keys(have)), said(heard))
	}
	never = append(slices.Clone(never), "all of document", "all of dict")
	if !small {
		never = append(never, "all of finding")
	}
	for _, name := range never {
		require.False(t, have[name], "%s by %s", name, said(heard))
	}
}

func said(heard []*statement) string {
	var out strings.Builder
	for _, st := range heard {
		out.WriteString("\n  " + st.text.String())
	}
	return out.String()
}
