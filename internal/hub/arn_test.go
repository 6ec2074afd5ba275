package hub

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseProductARN(t *testing.T) {
	good := map[string]productARN{
		"arn:aws:securityhub:us-east-1::product/prowler/prowler": {
			"aws", "us-east-1", "", "prowler", "prowler",
		},
		"arn:aws-us-gov:securityhub:us-gov-west-1:111122223333:product/111122223333/default": {
			"aws-us-gov", "us-gov-west-1", "111122223333", "111122223333", "default",
		},
		"arn:aws-cn:securityhub:cn-north-1:733251395267:product/alertlogic/althreatmanagement": {
			"aws-cn", "cn-north-1", "733251395267", "alertlogic", "althreatmanagement",
		},
		"arn:aws-iso-b:securityhub:us-isob-east-1::product/3CORESec/a_b.c+d=e@f-9": {
			"aws-iso-b", "us-isob-east-1", "", "3CORESec", "a_b.c+d=e@f-9",
		},
	}
	for text, want := range good {
		got, ok := parseProductARN(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{
		"",
		"arn",
		"arn:aws:securityhub:::product/aquasecurity/aquasecurity", // no Region: seen refused (trivy 6010)
		"arn:aws::securityhub:us-east-1::product/aws/guardduty",   // a colon too many: published in a guide
		"arn:azure:securityhub:us-east-1::product/a/b",
		"arn:aws-:securityhub:us-east-1::product/a/b",
		"arn:awsx:securityhub:us-east-1::product/a/b",
		"arn:aws:guardduty:us-east-1::product/a/b",
		"arn:aws:securityhub:us-east:1::product/a/b",
		"arn:aws:securityhub:us-1::product/a/b",
		"arn:aws:securityhub:us-east-1-2::product/a/b",
		"arn:aws:securityhub:US-EAST-1::product/a/b",
		"arn:aws:securityhub:us-east-1:12345:product/a/b",
		"arn:aws:securityhub:us-east-1:11112222333a:product/a/b",
		"arn:aws:securityhub:us-east-1::products/a/b",
		"arn:aws:securityhub:us-east-1::product/a",
		"arn:aws:securityhub:us-east-1::product//b",
		"arn:aws:securityhub:us-east-1::product/a/",
		"arn:aws:securityhub:us-east-1::product/a/b/c",
		"arn:aws:securityhub:us-east-1::product/a/b c",
		"arn:aws:securityhub:us-east-1::product/a/\x00",
		"arn:aws:securityhub:us-east-1::product/a/" + strings.Repeat("b", 2048),
	} {
		_, ok := parseProductARN(text)
		require.False(t, ok, text)
	}
}

func FuzzParseProductARN(f *testing.F) {
	f.Add("arn:aws:securityhub:us-east-1::product/prowler/prowler")
	f.Add("arn:aws-cn:securityhub:cn-north-1:733251395267:product/alertlogic/althreatmanagement")
	f.Add("arn:aws:securityhub:::product/aquasecurity/aquasecurity")
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parseProductARN(text)
		if !ok {
			return
		}
		if a.String() != text {
			t.Fatalf("%q printed as %q", text, a.String())
		}
		if a.region == "" || a.company == "" || a.product == "" || strings.ContainsAny(a.company+a.product, "/:") {
			t.Fatalf("%q read as %+v", text, a)
		}
	})
}

func TestPartitionOfARegion(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "aws", "eu-central-2": "aws", "cn-northwest-1": "aws-cn", "us-gov-east-1": "aws-us-gov",
		"us-iso-west-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f",
		"eusc-de-east-1": "aws-eusc",
	} {
		require.Equal(t, want, partitionOf(region), region)
		require.True(t, isRegion(region), region)
		require.True(t, isPartition(want), want)
	}
}
