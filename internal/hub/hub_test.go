package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// The language of testdata/*.txt. A file is one store; every command names its caller.
//
//	hub profile=open|aws                      a new hub on the same store
//	fresh profile=open|aws                    a new hub on an empty store
//	clock 2026-01-02T03:04:05Z                sets the clock
//	import as=WHO [raw]                       BatchImportFindings; a line is a finding: members laid over the base finding, null
//	                                          takes one away. raw: the lines are the request's body
//	call OPERATION as=WHO [query=NAME=VALUE&...] [path=VALUE]    the lines are the request's body; $token is the last NextToken
//	find as=WHO [show=Member.Member,...]      GetFindings; prints one finding a line
//	history as=WHO [size=N] [more|all] [start=T] [end=T]    GetFindingHistory of "COMPANY/PRODUCT ID"; more continues, all pages
//	sweep [active=D] [archived=D] [archive=D]  Sweep with this retention in days, in the profile's own where none is given, a finding a
//	                                          step; prints the report
//	work                                      does every job that is due
//	race as=WHO                               the next import finds the hub switched off after its access was checked
//
// A UUID that the hub made is written uuid-1, uuid-2, ... in the order in which a file meets them, in answers and in requests.
//
// WHO: an account (its key under --auth none), operator, or key:ACCOUNT (a checked key) with policy=... products=...; region=...
// is us-east-1 unless said.
func TestOperations(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
				w := newWorld(t, open)
				datadriven.RunTest(t, path, w.run)
			})
		})
	}
}

// engines are the stores the same tests run on; the one that hubcap ships joins them in embedded_test.go.
var engines = map[string]func(t *testing.T) store.Store{
	"plain": func(*testing.T) store.Store { return newMemStore() },
}

type world struct {
	open    func(t *testing.T) store.Store
	store   *racing
	hub     *Hub
	profile Profile
	clock   time.Time
	token   string
	uuids   []string // uuid-1, uuid-2, ...

	organization *Organization
	sinks        []EventSink
	historyDays  int
	starts       byte // of hubs: each draws another key for a new store's page tokens
}

func newWorld(t *testing.T, open func(t *testing.T) store.Store) *world {
	t.Helper()
	w := &world{open: open, clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.fresh(t, Open)
	return w
}

func (w *world) fresh(t *testing.T, p Profile) {
	t.Helper()
	w.store = &racing{Store: w.open(t)}
	w.start(t, p)
}

func (w *world) start(t *testing.T, p Profile) {
	t.Helper()
	w.starts++
	h, err := New(t.Context(), Config{
		Store: w.store, Profile: p, Organization: w.organization, Clock: func() time.Time { return w.clock },
		Rand: bytes.NewReader(bytes.Repeat([]byte{w.starts}, 32)), HistoryDays: w.historyDays, Sinks: w.sinks,
		Products: []Product{
			{Company: "acme", Product: "scanner", CompanyName: "Acme", ProductName: "Scanner", Description: "scans", Categories: []string{"Scanning"}},
		},
	})
	require.NoError(t, err)
	w.hub, w.profile = h, p
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "hub", "fresh":
		p, err := ParseProfile(arg(d, "profile", "open"))
		require.NoError(t, err)
		w.historyDays, err = strconv.Atoi(arg(d, "history-days", "0"))
		require.NoError(t, err)
		if d.Cmd == "fresh" {
			w.fresh(t, p)
		} else {
			w.start(t, p)
		}
		return ""
	case "clock":
		var err error
		w.clock, err = time.Parse(time.RFC3339Nano, d.CmdArgs[0].Key)
		require.NoError(t, err)
		return ""
	case "import":
		p := caller(t, d)
		body := d.Input
		if !d.HasArg("raw") {
			body = importBody(t, p, d.Input)
		}
		return answer(w.hub.BatchImportFindings(t.Context(), p, []byte(body)))
	case "call":
		return w.call(t, d)
	case "find":
		return w.find(t, d)
	case "history":
		return w.hideUUIDs(w.history(t, d))
	case "sweep":
		return w.sweep(t, d)
	case "work":
		require.NoError(t, w.hub.work(t.Context()))
		return ""
	case "race":
		p := caller(t, d)
		w.store.between = func() {
			_, err := w.hub.DisableSecurityHub(t.Context(), p, &api.DisableSecurityHubInput{})
			require.NoError(t, err)
		}
		return ""
	}
	if run := commands[d.Cmd]; run != nil {
		return w.hideUUIDs(run(w, t, d))
	}
	d.Fatalf(t, "unknown command %q", d.Cmd)
	return ""
}

// commands are those that other files add to the language; each tells there what it does.
var commands = map[string]func(w *world, t *testing.T, d *datadriven.TestData) string{}

func arg(d *datadriven.TestData, name, otherwise string) string {
	for _, a := range d.CmdArgs {
		if a.Key == name {
			return strings.Join(a.Vals, ",")
		}
	}
	return otherwise
}

// racing is a store in which something else happens just before the next Update.
type racing struct {
	store.Store
	between func()
}

func (r *racing) Update(ctx context.Context, keys []store.Key, fn store.UpdateFunc) ([]error, error) {
	if run := r.between; run != nil {
		r.between = nil
		run()
	}
	return r.Store.Update(ctx, keys, fn)
}

// caller makes the principal a command names.
func caller(t *testing.T, d *datadriven.TestData) *iam.Principal {
	t.Helper()
	who := arg(d, "as", "111122223333")
	p := &iam.Principal{Region: arg(d, "region", "us-east-1")}
	switch account, checked := strings.CutPrefix(who, "key:"); {
	case who == "operator":
		p.Account, p.Operator, p.KeyID = "123456789012", true, "anything"
		p.ARN = "arn:aws:iam::123456789012:user/operator"
	case checked:
		p.Account, p.Verified, p.KeyID = account, true, "AKIA"+account
		p.ARN = "arn:aws:iam::" + account + ":user/ci"
	default:
		p.Account, p.KeyID = who, who
		p.ARN = "arn:aws:iam::" + who + ":user/" + who
	}
	if s := arg(d, "products", ""); s != "" {
		p.Products = strings.Split(s, ",")
	}
	if s := arg(d, "policy", ""); s != "" {
		policy, err := iam.NewPolicy(policies[s])
		require.NoError(t, err)
		p.Policy = policy
	}
	return p
}

// policies are the policies that test files name.
var policies = map[string][]iam.Statement{
	"import-only": {{Effect: "Allow", Action: []string{"securityhub:BatchImportFindings"}, Resource: []string{"*"}}},
	"read-only":   {{Effect: "Allow", Action: []string{"securityhub:Get*"}, Resource: []string{"*"}}},
	"target-own": {{
		Effect: "Allow", Action: []string{"securityhub:BatchImportFindings"}, Resource: []string{"*"},
		Condition: map[string]map[string][]string{"StringEquals": {"securityhub:TargetAccount": {"111122223333"}}},
	}},
	"deny-default": {
		{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}},
		{Effect: "Deny", Action: []string{"securityhub:BatchImportFindings"}, Resource: []string{"arn:aws:securityhub:*:*:product/*/default"}},
	},
	"no-insight": {
		{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}},
		{Effect: "Deny", Action: []string{"securityhub:GetInsightResults"}, Resource: []string{"arn:aws:securityhub:*:*:insight/*"}},
	},
	"no-suppress": {
		{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}},
		{
			Effect: "Deny", Action: []string{"securityhub:BatchUpdateFindings"}, Resource: []string{"*"},
			Condition: map[string]map[string][]string{"StringEquals": {"securityhub:ASFFSyntaxPath/Workflow.Status": {"SUPPRESSED"}}},
		},
	},
}

const baseFinding = `{
	"SchemaVersion": "2018-10-08", "GeneratorId": "gen", "Types": ["Software and Configuration Checks"],
	"CreatedAt": "2025-12-01T00:00:00Z", "UpdatedAt": "2025-12-01T00:00:00Z", "Severity": {"Label": "HIGH"},
	"Title": "title", "Description": "description", "Resources": [{"Type": "Other", "Id": "r1"}]
}`

// importBody lays each line over the base finding of the caller's default product.
func importBody(t testing.TB, p *iam.Principal, lines string) string {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(lines) {
		var f, over map[string]any
		require.NoError(t, json.Unmarshal([]byte(baseFinding), &f))
		require.NoError(t, json.Unmarshal([]byte(line), &over), line)
		f["AwsAccountId"] = p.Account
		f["ProductArn"] = "arn:aws:securityhub:" + p.Region + ":" + p.Account + ":product/" + p.Account + "/default"
		for k, v := range over {
			if v == nil {
				delete(f, k)
			} else {
				f[k] = v
			}
		}
		list = append(list, f)
	}
	raw, err := json.Marshal(map[string]any{"Findings": list})
	require.NoError(t, err)
	return string(raw)
}

// operation calls one method with a request as it comes from the wire.
func operation[In, Out any](fn func(*Hub, context.Context, *iam.Principal, *In) (*Out, error)) func(*Hub, context.Context, *iam.Principal, *api.Request) (any, error) {
	return func(h *Hub, ctx context.Context, p *iam.Principal, r *api.Request) (any, error) {
		in := new(In)
		if err := api.Decode(in, r); err != nil {
			return nil, err
		}
		return fn(h, ctx, p, in)
	}
}

var operations = map[string]func(*Hub, context.Context, *iam.Principal, *api.Request) (any, error){
	"BatchUpdateFindings": func(h *Hub, ctx context.Context, p *iam.Principal, r *api.Request) (any, error) {
		return h.BatchUpdateFindings(ctx, p, r.Body)
	},
	"CreateInsight":                   operation((*Hub).CreateInsight),
	"DeleteInsight":                   operation((*Hub).DeleteInsight),
	"DescribeHub":                     operation((*Hub).DescribeHub),
	"DescribeProducts":                operation((*Hub).DescribeProducts),
	"DisableImportFindingsForProduct": operation((*Hub).DisableImportFindingsForProduct),
	"DisableSecurityHub":              operation((*Hub).DisableSecurityHub),
	"EnableImportFindingsForProduct":  operation((*Hub).EnableImportFindingsForProduct),
	"EnableSecurityHub":               operation((*Hub).EnableSecurityHub),
	"GetFindingHistory":               operation((*Hub).GetFindingHistory),
	"GetFindings":                     operation((*Hub).GetFindings),
	"GetInsightResults":               operation((*Hub).GetInsightResults),
	"GetInsights":                     operation((*Hub).GetInsights),
	"ListEnabledProductsForImport":    operation((*Hub).ListEnabledProductsForImport),
	"UpdateFindings": func(h *Hub, ctx context.Context, p *iam.Principal, r *api.Request) (any, error) {
		return h.UpdateFindings(ctx, p, r.Body)
	},
	"UpdateInsight":                  operation((*Hub).UpdateInsight),
	"UpdateSecurityHubConfiguration": operation((*Hub).UpdateSecurityHubConfiguration),
}

func (w *world) request(t *testing.T, d *datadriven.TestData) *api.Request {
	t.Helper()
	q, err := url.ParseQuery(w.fillIn(arg(d, "query", "")))
	require.NoError(t, err)
	path := w.fillIn(arg(d, "path", ""))
	return &api.Request{
		Body:  []byte(w.fillIn(d.Input)),
		Query: q,
		Path:  labels(path),
	}
}

// fillIn puts what a hub made up in place of its names.
func (w *world) fillIn(text string) string {
	text = strings.ReplaceAll(text, "$token", w.token)
	return uuidName.ReplaceAllStringFunc(text, func(name string) string {
		n, err := strconv.Atoi(strings.TrimPrefix(name, "uuid-"))
		if err != nil || n < 1 || n > len(w.uuids) {
			return name
		}
		return w.uuids[n-1]
	})
}

var (
	uuidName = regexp.MustCompile(`uuid-[0-9]+`)
	uuidText = regexp.MustCompile(`[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
)

// hideUUIDs names the UUIDs of a text.
func (w *world) hideUUIDs(text string) string {
	return uuidText.ReplaceAllStringFunc(text, func(uuid string) string {
		at := slices.Index(w.uuids, uuid)
		if at < 0 {
			at = len(w.uuids)
			w.uuids = append(w.uuids, uuid)
		}
		return "uuid-" + strconv.Itoa(at+1)
	})
}

func (w *world) call(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	op, ok := operations[d.CmdArgs[0].Key]
	if !ok {
		d.Fatalf(t, "unknown operation %q", d.CmdArgs[0].Key)
	}
	out, err := op(w.hub, t.Context(), caller(t, d), w.request(t, d))
	return w.hideUUIDs(w.hideToken(answer(out, err)))
}

// hideToken keeps a NextToken for $token, and shows that there was one.
func (w *world) hideToken(text string) string {
	const member = `"NextToken":"`
	before, rest, ok := strings.Cut(text, member)
	if !ok {
		return text
	}
	token, after, _ := strings.Cut(rest, `"`)
	w.token = token
	return before + member + `$token"` + after
}

func (w *world) find(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	var in api.GetFindingsInput
	if err := api.Decode(&in, w.request(t, d)); err != nil {
		return answer[any](nil, err)
	}
	out, err := w.hub.GetFindings(t.Context(), caller(t, d), &in)
	if err != nil {
		return answer[any](nil, err)
	}
	var b strings.Builder
	for _, f := range out.Findings {
		if show := arg(d, "show", ""); show != "" {
			for i, path := range strings.Split(show, ",") {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(member(t, f, path))
			}
			b.WriteByte('\n')
			continue
		}
		b.Write(f)
		b.WriteByte('\n')
	}
	if out.NextToken != nil {
		w.token = *out.NextToken
		b.WriteString("more\n")
	}
	if b.Len() == 0 {
		return "none\n"
	}
	return b.String()
}

// history prints one record a line: when, source, by whom, what changed.
func (w *world) history(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	product, id, _ := strings.Cut(strings.TrimSpace(d.Input), " ")
	in := api.GetFindingHistoryInput{FindingIdentifier: api.AwsSecurityFindingIdentifier{
		Id: id, ProductArn: "arn:aws:securityhub:us-east-1::product/" + product,
	}}
	if s := arg(d, "size", ""); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		require.NoError(t, err)
		in.MaxResults = new(int32)
		*in.MaxResults = int32(n)
	}
	in.StartTime, in.EndTime = optional(arg(d, "start", "")), optional(arg(d, "end", ""))
	if d.HasArg("more") {
		in.NextToken = &w.token
	}
	var b strings.Builder
	for {
		out, err := w.hub.GetFindingHistory(t.Context(), caller(t, d), &in)
		if err != nil {
			return answer[any](nil, err)
		}
		for _, r := range out.Records {
			fmt.Fprintf(&b, "%s %s %s", *r.UpdateTime, *r.UpdateSource.Type, *r.UpdateSource.Identity)
			if *r.FindingCreated {
				b.WriteString(" created")
			}
			for _, u := range r.Updates {
				fmt.Fprintf(&b, " %s: %s -> %s", *u.UpdatedField, text(u.OldValue), text(u.NewValue))
			}
			b.WriteByte('\n')
		}
		if out.NextToken == nil {
			break
		}
		w.token = *out.NextToken
		b.WriteString("more\n")
		if !d.HasArg("all") {
			break
		}
		in.NextToken = &w.token
	}
	if b.Len() == 0 {
		return "none\n"
	}
	return b.String()
}

func text(s *string) string {
	if s == nil {
		return "(none)"
	}
	return *s
}

// member shows one member of a document by its dotted path; - where there is none. A / in the path stands for no dot.
func member(t testing.TB, doc []byte, path string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(doc, &v))
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return "-"
		}
		if v, ok = m[name]; !ok {
			return "-"
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

// answer prints an output as JSON, an error as its status, code and message.
func answer[T any](out T, err error) string {
	var known *api.Error
	switch {
	case errors.As(err, &known):
		return fmt.Sprintf("%d %s\n%s\n", known.Status, known.Code, known.Message)
	case err != nil:
		return "INTERNAL " + err.Error() + "\n"
	}
	raw, err := api.AppendOutput(nil, out)
	if err != nil {
		return "UNWRITABLE " + err.Error() + "\n"
	}
	return string(raw) + "\n"
}

func TestEveryOperationIsReachedByTheTestLanguage(t *testing.T) {
	rows := map[string]bool{}
	for _, op := range api.Operations {
		rows[op.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		_, own := reflect.TypeFor[*Hub]().MethodByName(name) // hubcap's own have their rows in the server
		require.True(t, rows[name] || own, "%s is no operation", name)
	}
}
