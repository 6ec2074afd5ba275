// Package asfftest makes synthetic findings for tests and benchmarks: deterministic, valid, as large as real ones and as varied. A
// million of them have more than 200,000 titles, 300,000 descriptions and 200,000 resources, with the skew that real accounts show:
// few generators and owners cause most findings, few values are rare.
package asfftest

import (
	"strconv"
	"time"
)

// Accounts is over how many accounts the findings are spread.
const Accounts = 200

// The sizes of the dictionaries.
const (
	titles       = 250_000
	descriptions = 400_000
	resources    = 250_000
	generators   = 600
	minutes      = 130_000
)

// rng is splitmix64: small, fast, and the same everywhere.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (r *rng) below(n int) int { return int(r.next() % uint64(n)) }

func pick[T any](r *rng, list []T) T { return list[r.below(len(list))] }

// seeded is a generator for one thing among many of a kind.
func seeded(kind, n int) rng {
	r := rng(uint64(kind)<<40 | uint64(n))
	return rng(r.next()) // mixed, so that neighbours share no stretch of their streams
}

// The kinds of things that have a seed of their own.
const (
	kindFinding = iota
	kindTitle
	kindDescription
	kindAccount
	kindResource
)

var (
	regions  = []string{"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"}
	labels   = []string{"INFORMATIONAL", "INFORMATIONAL", "INFORMATIONAL", "LOW", "LOW", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "CRITICAL"}
	scores   = map[string]int{"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}
	statuses = []string{"FAILED", "WARNING", "NOT_AVAILABLE"}
	services = []string{"S3", "EC2", "IAM", "Lambda", "RDS", "KMS", "EKS", "CloudTrail", "SNS", "SQS", "DynamoDB", "ECR", "Redshift", "OpenSearch", "CloudFront", "ACM"}
	verdicts = []string{
		"should have encryption at rest enabled", "should not be publicly accessible", "should have logging enabled",
		"should block public access settings", "should enforce TLS 1.2", "should not use default credentials",
		"has an exploitable package vulnerability", "should have versioning configured",
		"is communicating with a known malicious host", "should have automatic backups turned on",
	}
	standards     = []string{"aws-foundational-security-best-practices/v/1.0.0", "cis-aws-foundations-benchmark/v/1.4.0", "nist-800-53/v/5.0.0", "pci-dss/v/3.2.1"}
	types         = []string{"Software and Configuration Checks/Vulnerabilities/CVE", "Software and Configuration Checks/AWS Security Best Practices", "Software and Configuration Checks/Industry and Regulatory Standards", "TTPs/Initial Access", "TTPs/Command and Control", "Effects/Data Exposure", "Unusual Behaviors/User", "Sensitive Data Identifications/PII"}
	resourceTypes = []string{"AwsEc2Instance", "AwsS3Bucket", "AwsIamRole", "AwsLambdaFunction", "AwsRdsDbCluster", "AwsKmsKey", "AwsEksCluster", "AwsEc2SecurityGroup", "AwsElbv2LoadBalancer", "AwsIamAccessKey"}
	environments  = []string{"prod", "staging", "dev", "test", "sandbox"}
	directions    = []string{"IN", "OUT"}
	ports         = []int{22, 80, 443, 3389, 8080}
	yesNo         = []string{"YES", "NO"}
	words         = []string{
		"the", "resource", "control", "policy", "checks", "whether", "enabled", "access", "public", "encryption", "key", "logging",
		"configuration", "network", "traffic", "subnet", "instance", "role", "permission", "principal", "grants", "wildcard", "action",
		"allow", "deny", "attached", "customer", "managed", "rotation", "factor", "authentication", "root", "user", "console",
		"password", "expiration", "unused", "credential", "detective", "anomaly", "detected", "remote", "address", "port", "scanning",
		"attempt", "malicious", "mining", "backdoor", "exfiltration", "storage", "snapshot", "volume", "cluster", "node", "image",
		"package", "version", "vulnerability", "remediation", "upgrade", "patch",
	}
)

// epoch is when the first finding was seen; a later one comes a minute later.
var epoch = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

// seenAt is when finding n was seen first: a later one comes a minute later, over and over in three months.
func seenAt(n int) time.Time { return epoch.Add(time.Duration(n%minutes) * time.Minute) }

// Last is the greatest UpdatedAt of version 0 of the findings 0 to n-1.
func Last(n int) time.Time { return seenAt(min(n, minutes) - 1) }

// Account is the account that finding n belongs to: 12 digits.
func Account(n int) string {
	r := seeded(kindFinding, n)
	return account(r.below(Accounts))
}

func account(i int) string {
	r := seeded(kindAccount, i)
	return strconv.Itoa(100_000_000_000 + r.below(899_999_999_999))
}

// Finding is finding n as its provider reports it for the time number version, counted from 0: 3.2 to 3.5 KB, to be imported into
// the account's default product. A later version has a later UpdatedAt and differs in three members: Description,
// Compliance.Status and a product field.
func Finding(n, version int) []byte { return Append(make([]byte, 0, 3600), "", "", n, version) }

// Append appends finding n to dst, for the account and Region given instead of its own; "" leaves it its own.
func Append(dst []byte, accountID, region string, n, version int) []byte {
	r := seeded(kindFinding, n)
	w := writer{b: dst}
	own := r.below(Accounts)
	if accountID == "" {
		accountID = account(own)
	}
	resource := r.below(resources/Accounts)*Accounts + own
	if region == "" {
		region = regions[resource/Accounts%len(regions)]
	}
	g := r.below(generators)
	if r.below(3) == 0 {
		g = r.below(generators / 10) // few rules find most
	}
	generator := standards[g%len(standards)] + "/" + services[g%len(services)] + "." + strconv.Itoa(g)
	label := pick(&r, labels)
	score := scores[label]
	seen := seenAt(n)
	updated := seen.Add(time.Duration(version) * time.Hour)
	kind := pick(&r, types)
	start := len(w.b)

	w.raw(`{"SchemaVersion":"2018-10-08"`)
	w.member("Id", "arn:aws:securityhub:"+region+":"+accountID+":subscription/"+generator+"/finding/"+w.uuid(&r))
	w.member("ProductArn", "arn:aws:securityhub:"+region+":"+accountID+":product/"+accountID+"/default")
	w.member("GeneratorId", generator)
	w.member("AwsAccountId", accountID)
	w.raw(`,"Types":["`, kind, `"]`)
	w.time("FirstObservedAt", seen.Add(-time.Hour))
	w.time("LastObservedAt", updated)
	w.time("CreatedAt", seen)
	w.time("UpdatedAt", updated)
	w.raw(`,"Severity":{"Label":"`, label, `","Normalized":`, strconv.Itoa(score), `,"Original":"`, label, `"}`)
	w.number("Confidence", r.below(101))
	w.number("Criticality", r.below(101))
	w.member("Title", title(r.below(titles), g))
	head := len(w.b)

	tail := writer{}
	tail.rest(&r, n, version, g, accountID, region, resource, label, kind)
	size := 3250 + r.below(200) - (head - start) - len(tail.b) - len(`,"Description":""`)
	w.member("Description", description(r.below(descriptions), version, size))
	return append(w.b, tail.b...)
}

// rest writes what follows the description.
func (w *writer) rest(r *rng, n, version, g int, accountID, region string, resource int, label, kind string) {
	url := "https://docs.example.com/controls/" + services[g%len(services)] + "." + strconv.Itoa(g)
	w.raw(`,"Remediation":{"Recommendation":{"Text":"For information on how to correct this issue, consult the documentation of the control. Change the configuration in your infrastructure code first, review who depends on the present behaviour, apply it to one environment after the other, and record an exception with an owner and an end date where it cannot be done now: the exception is read again every quarter, and whoever owns it answers for it at the next review of the estate."`)
	w.member("Url", url)
	w.raw(`}}`)
	w.member("SourceUrl", "https://scanner.example.com/findings/"+strconv.Itoa(n))
	w.raw(`,"ProductFields":{"StandardsGuideArn":"arn:aws:securityhub:::ruleset/`, standards[g%len(standards)], `"`)
	w.member("RuleId", strconv.Itoa(g%60)+"."+strconv.Itoa(g%7))
	w.member("RelatedAWSResources:0/name", "securityhub-rule-"+strconv.Itoa(g)+"-"+strconv.Itoa(resource%Accounts))
	w.member("RelatedAWSResources:0/type", "AWS::Config::ConfigRule")
	w.member("detector", "d-"+strconv.Itoa(r.below(300)))
	if r.below(10_000) == 0 {
		w.member("custom/campaign", "c"+strconv.Itoa(r.below(3)))
	} else {
		w.member("scan/batch", strconv.Itoa(n/500))
	}
	w.member("scan/run", "run-"+strconv.Itoa(n%97)+"-"+strconv.Itoa(version))
	w.raw(`},"UserDefinedFields":{"ticket":"SEC-`, strconv.Itoa(r.below(9000)), `"}`)
	if r.below(50) == 0 {
		w.raw(`,"Malware":[{"Name":"Stringler","Type":"COIN_MINER","Path":"/usr/sbin/stringler-`, strconv.Itoa(r.below(90)), `","State":"OBSERVED"}]`)
	}
	if r.below(10) == 0 {
		w.raw(`,"Network":{"Direction":"`, pick(r, directions), `","Protocol":"TCP","SourceIpV4":"`, w.address(r), `"`)
		w.number("SourcePort", 1024+r.below(60_000))
		w.number("DestinationPort", pick(r, ports))
		w.raw(`}`)
	}
	w.raw(`,"Resources":[`)
	w.resource(r, resource, accountID, region)
	if r.below(4) == 0 {
		w.raw(`,`)
		w.resource(r, (resource+Accounts*(1+r.below(50)))%resources, accountID, region)
	}
	status := statuses[(n+version)%len(statuses)]
	w.raw(`],"Compliance":{"Status":"`, status, `","RelatedRequirements":["NIST.800-53.r5 AC-`, strconv.Itoa(1+g%25), `","NIST.800-53.r5 SC-`,
		strconv.Itoa(1+g%40), `","PCI DSS v3.2.1/2.`, strconv.Itoa(1+g%9), `","PCI DSS v4.0.1/8.`, strconv.Itoa(1+g%6), `"]`)
	w.member("SecurityControlId", services[g%len(services)]+"."+strconv.Itoa(g))
	w.raw(`,"AssociatedStandards":[{"StandardsId":"standards/`, standards[g%len(standards)], `"}]},"RecordState":"`)
	if r.below(5) == 0 {
		w.raw(`ARCHIVED"`)
	} else {
		w.raw(`ACTIVE"`)
	}
	if r.below(5) == 0 {
		w.raw(`,"Vulnerabilities":[{"Id":"CVE-20`, strconv.Itoa(15+r.below(11)), `-`, strconv.Itoa(1000+r.below(4000)),
			`","VulnerablePackages":[{"Name":"openssl","Version":"1.`, strconv.Itoa(r.below(9)), `.2","Release":"4.el9","Architecture":"X86_64"}],"FixAvailable":"`,
			pick(r, yesNo), `","ExploitAvailable":"`, pick(r, yesNo), `"}]`)
	}
	w.raw(`,"FindingProviderFields":{"Severity":{"Label":"`, label, `","Original":"`, label, `"},"Types":["`, kind, `"]}}`)
}

// resource writes resource k, which has its type, name and tags for good.
func (w *writer) resource(_ *rng, k int, accountID, region string) {
	r := seeded(kindResource, k)
	kind := resourceTypes[k/Accounts%len(resourceTypes)]
	w.raw(`{"Type":"`, kind, `"`)
	w.member("Id", "arn:aws:svc:"+region+":"+accountID+":"+kind+"/r-"+strconv.FormatUint(r.next()>>24, 16)+"-"+strconv.Itoa(k))
	w.raw(`,"Partition":"aws"`)
	w.member("Region", region)
	w.raw(`,"Tags":{"env":"`, pick(&r, environments), `"`)
	w.member("team", "team-"+strconv.Itoa(r.below(80)))
	w.member("owner", "owner"+strconv.Itoa(r.below(1500))+"@example.com")
	w.member("cost-center", strconv.Itoa(1000+r.below(400)))
	w.member("app", "app-"+strconv.Itoa(r.below(2500)))
	w.raw(`}`)
	switch kind {
	case "AwsEc2Instance":
		w.raw(`,"Details":{"AwsEc2Instance":{"Type":"m6i.large"`)
		w.member("ImageId", "ami-"+strconv.FormatUint(r.next()>>4, 16))
		w.raw(`,"IpV4Addresses":["10.0.`, strconv.Itoa(r.below(256)), `.`, strconv.Itoa(1+r.below(254)), `"]`)
		w.member("VpcId", "vpc-"+strconv.Itoa(r.below(500)))
		w.member("SubnetId", "subnet-"+strconv.Itoa(r.below(2000)))
		w.time("LaunchedAt", epoch.Add(-time.Duration(r.below(1e6))*time.Minute))
		w.raw(`}}`)
	case "AwsS3Bucket":
		w.raw(`,"Details":{"AwsS3Bucket":{"OwnerId":"`, strconv.FormatUint(r.next(), 16), `"`)
		w.time("CreatedAt", epoch.Add(-time.Duration(r.below(1e6))*time.Minute))
		w.raw(`,"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":false,"RestrictPublicBuckets":true}}}`)
	default:
		w.raw(`,"Details":{"Other":{"zone":"z`, strconv.Itoa(r.below(9)), `","serial":"`, strconv.FormatUint(r.next(), 16), `"}}`)
	}
	w.raw(`}`)
}

func title(k, g int) string {
	r := seeded(kindTitle, k)
	return services[g%len(services)] + "." + strconv.Itoa(g) + " " + pick(&r, words) + " " + pick(&r, words) + "-" + strconv.Itoa(k) + " " +
		pick(&r, verdicts)
}

// description is some size characters long, not fewer than 60 and not more than 1,024.
func description(k, version, size int) string {
	r := seeded(kindDescription, k)
	b := append(make([]byte, 0, 1056), "This control checks whether "...)
	for len(b) < min(max(size, 60), 1000)-24 {
		b = append(append(b, pick(&r, words)...), ' ')
	}
	b = append(b, "case "...)
	b = strconv.AppendInt(b, int64(k), 10)
	b = append(b, " seen "...)
	b = strconv.AppendInt(b, int64(version), 10)
	return string(b)
}

// writer appends JSON whose strings need no escapes.
type writer struct{ b []byte }

func (w *writer) raw(parts ...string) {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
}

func (w *writer) member(name, value string) {
	w.b = append(append(append(append(append(w.b, `,"`...), name...), `":"`...), value...), '"')
}

func (w *writer) number(name string, value int) {
	w.b = strconv.AppendInt(append(append(append(w.b, `,"`...), name...), `":`...), int64(value), 10)
}

func (w *writer) time(name string, t time.Time) {
	w.b = append(append(append(w.b, `,"`...), name...), `":"`...)
	w.b = append(t.AppendFormat(w.b, "2006-01-02T15:04:05.000Z"), '"')
}

func (w *writer) uuid(r *rng) string {
	const hex = "0123456789abcdef"
	var b [36]byte
	for i := range b {
		b[i] = hex[r.below(16)]
	}
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

func (w *writer) address(r *rng) string {
	return strconv.Itoa(1+r.below(222)) + "." + strconv.Itoa(r.below(256)) + "." + strconv.Itoa(r.below(256)) + "." + strconv.Itoa(r.below(256))
}
