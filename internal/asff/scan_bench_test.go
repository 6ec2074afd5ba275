package asff_test

import (
	"encoding/json"
	"runtime"
	"syscall"
	"testing"
	"time"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
)

// request is the body of a full import request, 100 findings of 3.2 to 3.5 KB.
func request(from int) []byte {
	body := []byte(`{"Findings":[`)
	for n := range asff.MaxFindings {
		if n > 0 {
			body = append(body, ',')
		}
		body = asfftest.Append(body, "", "", from+n, 0)
	}
	return append(body, "]}"...)
}

// spaced is the same request as boto3 sends it: a space behind each colon and comma, all but ASCII escaped.
func spaced(b *testing.B, body []byte) []byte {
	b.Helper()
	out := make([]byte, 0, len(body)+len(body)/8)
	inside := false
	for i, c := range body {
		out = append(out, c)
		if c == '"' && body[i-1] != '\\' {
			inside = !inside
		}
		if !inside && (c == ',' || c == ':') {
			out = append(out, ' ')
		}
	}
	if !json.Valid(out) {
		b.Fatal("no JSON")
	}
	return out
}

// cpu is the processor time this process has used: a rate by it does not depend on what else the machine does.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allocations is how many objects this process has allocated.
func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func BenchmarkBatchRead(b *testing.B) {
	compact := request(0)
	for _, c := range []struct {
		name string
		body []byte
	}{{"compact", compact}, {"spaced", spaced(b, compact)}} {
		b.Run(c.name, func(b *testing.B) {
			var batch asff.Batch
			b.ReportAllocs()
			b.SetBytes(int64(len(c.body)))
			before, mallocs := cpu(b), allocations()
			for b.Loop() {
				if err := batch.Read(c.body); err != nil {
					b.Fatal(err)
				}
			}
			if len(batch.Findings) != asff.MaxFindings || len(batch.Findings[7].Violations) > 0 {
				b.Fatal("not read")
			}
			n := float64(b.N) * asff.MaxFindings
			b.ReportMetric(n/b.Elapsed().Seconds(), "findings/s")
			b.ReportMetric((cpu(b)-before).Seconds()*1e6/n, "cpu-us/finding")
			b.ReportMetric(float64(allocations()-mallocs)/n, "allocs/finding")
		})
	}
}

func BenchmarkReaderValues(b *testing.B) {
	docs := make([][]byte, 100)
	for n := range docs {
		docs[n] = asfftest.Finding(n, 0)
	}
	var r asff.Reader
	b.ReportAllocs()
	values, before := 0, cpu(b)
	for i := 0; b.Loop(); i++ {
		values = len(r.Values(docs[i%len(docs)]))
	}
	if values < 40 {
		b.Fatal("too few values: ", values)
	}
	b.ReportMetric(float64(b.N)/(cpu(b)-before).Seconds(), "findings/cpu-s")
}

func BenchmarkSplit(b *testing.B) {
	doc := asfftest.Finding(1, 0)
	var m asff.Members
	b.ReportAllocs()
	for b.Loop() {
		if err := asff.Split(doc, &m); err != nil {
			b.Fatal(err)
		}
	}
}
