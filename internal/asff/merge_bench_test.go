package asff

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var benchEnv = Env{
	Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Region: "eu-west-1", ProductName: "Prowler", CompanyName: "Prowler",
	AwsAccountName: "production",
}

// benchFinding is of the size that scanners send: 3.5 KB.
var benchFinding = func() string {
	var tags []string
	for i := range 22 {
		tags = append(tags, fmt.Sprintf(`"team:%d":"some value of a tag in a row, %d"`, i, i))
	}
	return strings.TrimSuffix(bareFinding, `"Resources":[{"Type":"t","Id":"i"}],"FindingProviderFields":{}`) + `"FindingProviderFields":{"Severity":{"Label":"HIGH","Original":"8.1"},` +
		`"Types":["Software and Configuration Checks/AWS Security Best Practices"],"Confidence":80},` +
		`"ProductFields":{"ProviderName":"Prowler","ProviderVersion":"5.1.0","aws/other":"x"},"RecordState":"ACTIVE","Region":"eu-west-1",` +
		`"Remediation":{"Recommendation":{"Text":"` + strings.Repeat("Enable versioning. ", 20) + `","Url":"https://docs.example.com/"}},` +
		`"Compliance":{"Status":"FAILED","RelatedRequirements":["CIS 1.1","CIS 1.2","PCI 3.4"],"AssociatedStandards":[{"StandardsId":"CIS-1.4"}]},` +
		`"FirstObservedAt":"2024-01-01T00:00:00.000Z","LastObservedAt":"2024-01-01T00:00:00.000Z","SourceUrl":"https://example.com",` +
		`"Resources":[{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::bucket","Partition":"aws","Region":"eu-west-1","Tags":{` + strings.Join(tags, ",") +
		`},"Details":{"AwsS3Bucket":{"OwnerId":"x","Name":"` + strings.Repeat("b", 60) + `"},"Other":{"policy":"` + strings.Repeat("p", 1000) + `"}}}]}`
}()

func TestImportDoesNotAllocate(t *testing.T) {
	in := read(t, []byte(benchFinding))
	require.InDelta(t, 3500, len(in.Doc), 300)
	newer := read(t, overlay(t, benchFinding, `{"UpdatedAt":"2025-01-01T00:00:00Z"}`))
	var m Merger
	doc, _, _, err := m.Import(nil, in, &benchEnv)
	require.NoError(t, err)
	old := &Stored{Doc: append([]byte(nil), doc...)}
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _, _ = m.Import(nil, in, &benchEnv) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _, _ = m.Import(old, newer, &benchEnv) }))
	e, err := ParseEdit([]byte(`{"Workflow":{"Status":"NOTIFIED"},"Severity":{"Label":"LOW"},"Note":{"Text":"t","UpdatedBy":"b"}}`))
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _, _ = m.Edit(old, e, benchEnv.Now) }))
}

func BenchmarkImportCreate(b *testing.B) {
	in := read(b, []byte(benchFinding))
	var m Merger
	b.ReportAllocs()
	b.SetBytes(int64(len(in.Doc)))
	for b.Loop() {
		if _, _, _, err := m.Import(nil, in, &benchEnv); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkImportUpdate(b *testing.B) {
	in := read(b, overlay(b, benchFinding, `{"UpdatedAt":"2025-01-01T00:00:00Z"}`))
	var m Merger
	doc, _, _, err := m.Import(nil, read(b, []byte(benchFinding)), &benchEnv)
	require.NoError(b, err)
	old := &Stored{Doc: append([]byte(nil), doc...)}
	b.ReportAllocs()
	b.SetBytes(int64(len(in.Doc)))
	for b.Loop() {
		if _, _, out, err := m.Import(old, in, &benchEnv); err != nil || out != Updated {
			b.Fatal(out, err)
		}
	}
}

func BenchmarkEdit(b *testing.B) {
	var m Merger
	doc, _, _, err := m.Import(nil, read(b, []byte(benchFinding)), &benchEnv)
	require.NoError(b, err)
	old := &Stored{Doc: append([]byte(nil), doc...)}
	e, err := ParseEdit([]byte(`{"Workflow":{"Status":"NOTIFIED"}}`))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, changed, err := m.Edit(old, e, benchEnv.Now); err != nil || !changed {
			b.Fatal(changed, err)
		}
	}
}
