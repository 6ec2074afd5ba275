// Command mkdict writes a compression dictionary for documents: what findings have in common, so that even a lone one becomes
// small. The text is of our own making, from the synthetic findings of package asfftest and the vocabulary of the format; nobody's
// findings are in it. A dictionary that stores were written with must never change, so this runs once for each document format.
package main

import (
	"flag"
	"log"
	"os"
	"strings"

	"github.com/klauspost/compress/s2"

	"hubcap/internal/asff"
	"hubcap/internal/asff/asfftest"
)

// vocabulary is what many findings say in the same words, beyond what the synthetic ones have.
const vocabulary = `,"SchemaVersion":"2018-10-08","ProductArn":"arn:aws:securityhub:eu-central-1::product/aws/securityhub"` +
	`"arn:aws:securityhub:us-east-1::product/aws/guardduty""arn:aws:securityhub:us-east-1::product/aws/inspector"` +
	`"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"` +
	`"ProductName":"Security Hub","CompanyName":"AWS","ProductName":"GuardDuty","CompanyName":"Amazon","ProductName":"Inspector"` +
	`"GeneratorId":"security-control/"aws-foundational-security-best-practices/v/1.0.0/""cis-aws-foundations-benchmark/v/3.0.0/"` +
	`"Types":["Software and Configuration Checks/Industry and Regulatory Standards/AWS-Foundational-Security-Best-Practices"]` +
	`"Types":["Software and Configuration Checks/Industry and Regulatory Standards"]"Types":["TTPs/Discovery/"` +
	`"Severity":{"Label":"INFORMATIONAL","Normalized":0,"Original":"INFORMATIONAL","Product":0}` +
	`"Severity":{"Label":"CRITICAL","Normalized":90,"Original":"CRITICAL"}"Severity":{"Label":"HIGH","Normalized":70,"Original":"HIGH"}` +
	`"Severity":{"Label":"MEDIUM","Normalized":40,"Original":"MEDIUM"}"Severity":{"Label":"LOW","Normalized":1,"Original":"LOW"}` +
	`"Remediation":{"Recommendation":{"Text":"For information on how to correct this issue, consult the documentation.","Url":"https://docs.aws.amazon.com/console/securityhub/` +
	`"ProductFields":{"StandardsArn":"arn:aws:securityhub:::standards/","StandardsSubscriptionArn":"arn:aws:securityhub:"` +
	`"ControlId":"","RecommendationUrl":"https://docs.aws.amazon.com/","RelatedAWSResources:0/name":"securityhub-","RelatedAWSResources:0/type":"AWS::Config::ConfigRule"` +
	`"StandardsControlArn":"arn:aws:securityhub:","aws/securityhub/ProductName":"Security Hub","aws/securityhub/CompanyName":"AWS"` +
	`"aws/securityhub/annotation":"","Resources:0/Id":"arn:aws:","aws/securityhub/FindingId":"arn:aws:securityhub:us-east-1::product/` +
	`"Resources":[{"Type":"AwsAccount","Id":"AWS::::Account:111122223333","Partition":"aws","Region":"us-east-1","Tags":{"Name":"` +
	`"ResourceRole":"Target","Details":{"AwsEc2Instance":{"Type":"t3.micro","ImageId":"ami-0","IpV4Addresses":["10.0.0.1"],"SubnetId":"subnet-0","VpcId":"vpc-0","LaunchedAt":"2026-01-01T00:00:00.000Z"` +
	`"Details":{"AwsS3Bucket":{"OwnerId":"","CreatedAt":"","ServerSideEncryptionConfiguration":{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"` +
	`"Details":{"Other":{"Details":{"Container":{"ImageName":"","ImageId":"sha256:` +
	`"Compliance":{"Status":"PASSED","RelatedRequirements":["NIST.800-53.r5 AC-3","PCI DSS v3.2.1/"],"SecurityControlId":"","AssociatedStandards":[{"StandardsId":"standards/` +
	`"Compliance":{"Status":"FAILED","StatusReasons":[{"ReasonCode":"CONFIG_EVALUATIONS_EMPTY"` +
	`"Vulnerabilities":[{"Id":"CVE-2026-","VulnerablePackages":[{"Name":"","Version":"","Epoch":"0","Release":"","Architecture":"X86_64","PackageManager":"OS","FixedInVersion":""}]` +
	`,"Cvss":[{"Version":"3.1","BaseScore":7.5,"BaseVector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","Source":"NVD"` +
	`"ReferenceUrls":["https://nvd.nist.gov/vuln/detail/CVE-"],"FixAvailable":"YES","EpssScore":0.0,"ExploitAvailable":"NO","Vendor":{"Name":"","Url":"","VendorSeverity":"` +
	`"Workflow":{"Status":"NEW"},"WorkflowState":"NEW","Workflow":{"Status":"RESOLVED"},"Workflow":{"Status":"NOTIFIED"},"Workflow":{"Status":"SUPPRESSED"},"RecordState":"ARCHIVED","RecordState":"ACTIVE"` +
	`"Note":{"Text":"","UpdatedBy":"","UpdatedAt":"2026-01-01T00:00:00.000Z"},"VerificationState":"UNKNOWN","Confidence":99,"Criticality":99,"Sample":false` +
	`"FindingProviderFields":{"Severity":{"Label":"INFORMATIONAL","Original":"INFORMATIONAL"},"Types":["Software and Configuration Checks/"` +
	`"FirstObservedAt":"2026-01-01T00:00:00.000Z","LastObservedAt":"2026-01-01T00:00:00.000Z","CreatedAt":"2026-01-01T00:00:00.000Z","UpdatedAt":"2026-01-01T00:00:00.000Z","ProcessedAt":"2026-01-01T00:00:00.000Z"`

func main() {
	out := flag.String("o", "dict.bin", "the file to write")
	flag.Parse()
	var text []byte
	for _, f := range asff.Fields() {
		text = append(text, strings.TrimPrefix(f.Path(), "Resources[].")...)
	}
	text = append(text, vocabulary...)
	// The end of a dictionary is cheapest to refer to.
	for n := 0; len(text) < s2.MaxDictSize-4096; n++ {
		text = append(text, asfftest.Finding(n*7919, 1)...)
	}
	d := s2.MakeDict(text, []byte(`{"SchemaVersion":"2018-10-08","Id":"`))
	if d == nil {
		log.Fatal("mkdict: too little text")
	}
	if err := os.WriteFile(*out, d.Bytes(), 0o600); err != nil {
		log.Fatal(err)
	}
}
