package querytest

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"hubcap/internal/asff"
	"hubcap/internal/query"
)

// The corpus: text files of commands, each with the answer every engine must give.
//
//	load                  one finding a line, NAME {members}: the members laid over those of a small valid finding with that Id;
//	                      null removes one. A name loaded again replaces the finding.
//	find [sort=(F:asc,G:desc)] [page=N]
//	                      the input is a printed expression, or API filters when it begins with {. Answers the names in order, one
//	                      line a page, - for an empty one.
//	group by=F [key=K] [limit=N]
//	                      the same input. Answers one value and its count a line.
//
//go:embed testdata/corpus/*.txt
var corpus embed.FS

// Clock is the instant at which the corpus resolves relative dates.
var Clock = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

func runCorpus(t *testing.T, open func(t testing.TB) Engine) {
	t.Helper()
	files, err := fs.Glob(corpus, "testdata/corpus/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(path.Base(name), ".txt"), func(t *testing.T) {
			text, err := corpus.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			e := open(t)
			datadriven.RunTestFromString(t, string(text), func(t *testing.T, d *datadriven.TestData) string {
				t.Helper()
				return command(t, e, d)
			})
		})
	}
}

// command runs one command of the corpus.
func command(t *testing.T, e Engine, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "load":
		var docs []Doc
		for line := range strings.Lines(d.Input) {
			name, members, _ := strings.Cut(strings.TrimSpace(line), " ")
			doc, err := NewDoc(name, members)
			if err != nil {
				d.Fatalf(t, "%s: %v", name, err)
			}
			docs = append(docs, doc)
		}
		if err := e.Load(docs...); err != nil {
			d.Fatalf(t, "load: %v", err)
		}
		return ""
	case "find":
		return commandFind(t, e, d)
	case "group":
		return commandGroup(t, e, d)
	default:
		d.Fatalf(t, "no command %s", d.Cmd)
		return ""
	}
}

func commandFind(t *testing.T, e Engine, d *datadriven.TestData) string {
	t.Helper()
	q := query.Find{Where: where(t, d), Limit: 100}
	d.MaybeScanArgs(t, "page", &q.Limit)
	for _, arg := range d.CmdArgs {
		if arg.Key != "sort" {
			continue
		}
		for _, val := range arg.Vals {
			name, order, _ := strings.Cut(val, ":")
			f, ok := asff.FieldByName(name)
			if !ok || !query.Sortable(f) {
				d.Fatalf(t, "no sorting by %s", name)
			}
			q.Sort = append(q.Sort, query.SortKey{Field: f, Desc: order == "desc"})
		}
	}
	var out strings.Builder
	for range 1000 {
		page, next, err := e.Find(&q)
		if err != nil {
			d.Fatalf(t, "find: %v", err)
		}
		if len(page) > q.Limit {
			d.Fatalf(t, "a page of %d where %d were asked for", len(page), q.Limit)
		}
		names := make([]string, len(page))
		for i, doc := range page {
			var named struct {
				ID string `json:"Id"`
			}
			if err := json.Unmarshal(doc, &named); err != nil {
				d.Fatalf(t, "found %s: %v", doc, err)
			}
			names[i] = named.ID
		}
		if len(names) == 0 {
			names = []string{"-"}
		}
		fmt.Fprintln(&out, strings.Join(names, " "))
		if next == nil {
			return out.String()
		}
		q.After = next
	}
	d.Fatalf(t, "the pages never end")
	return ""
}

func commandGroup(t *testing.T, e Engine, d *datadriven.TestData) string {
	t.Helper()
	q := query.Group{Where: where(t, d)}
	var by string
	d.ScanArgs(t, "by", &by)
	d.MaybeScanArgs(t, "key", &q.Key)
	d.MaybeScanArgs(t, "limit", &q.Limit)
	var ok bool
	if q.By, ok = asff.FieldByName(by); !ok {
		d.Fatalf(t, "no attribute %s", by)
	}
	counts, err := e.Group(&q)
	if err != nil {
		d.Fatalf(t, "group: %v", err)
	}
	var out strings.Builder
	for _, c := range counts {
		fmt.Fprintln(&out, c.Value, c.N)
	}
	return out.String()
}

func where(t *testing.T, d *datadriven.TestData) query.Expr {
	t.Helper()
	var (
		e   query.Expr
		err error
	)
	if strings.HasPrefix(strings.TrimSpace(d.Input), "{") {
		e, err = query.Compile([]byte(d.Input), Clock, query.Options{AllowContains: true})
	} else {
		e, err = query.Parse(d.Input)
	}
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return e
}

// The identity of the corpus's findings.
const (
	Account    = "111122223333"
	Region     = "us-east-1"
	ProductArn = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"
)

// NewDoc makes a stored finding: members (a JSON object, or nothing) laid over a small valid finding whose Id is name; a member
// that is null is removed.
func NewDoc(name, members string) (Doc, error) {
	finding := map[string]any{
		"SchemaVersion": "2018-10-08", "Id": name, "ProductArn": ProductArn, "GeneratorId": "g", "AwsAccountId": Account,
		"CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "Title": "t", "Description": "d",
		"Types": []string{"Effects"}, "Severity": map[string]string{"Label": "LOW"}, "Region": Region,
		"Resources": []map[string]string{{"Type": "Other", "Id": "r"}}, "FindingProviderFields": map[string]any{},
	}
	if members != "" {
		var over map[string]any
		if err := json.Unmarshal([]byte(members), &over); err != nil {
			return Doc{}, err
		}
		for k, v := range over {
			if v == nil {
				delete(finding, k)
			} else {
				finding[k] = v
			}
		}
	}
	text, err := json.Marshal(finding)
	if err != nil {
		return Doc{}, err
	}
	return newDoc(text)
}

// newDoc reads a finding as an import would, so that the document is canonical and known to be valid.
func newDoc(text []byte) (Doc, error) {
	var r asff.Reader
	f, err := r.Check(text, asff.CheckOptions{RefuseUnknown: true})
	if err != nil {
		return Doc{}, err
	}
	if len(f.Violations) > 0 {
		return Doc{}, fmt.Errorf("%s %s", f.Violations[0].Path, f.Violations[0].Message)
	}
	return Doc{
		Account: f.AwsAccountID, Region: Region, ProductArn: f.ProductArn, ID: f.ID,
		JSON: append([]byte(nil), f.Doc...),
	}, nil
}
