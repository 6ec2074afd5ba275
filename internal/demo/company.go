package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// account is one of the invented company's.
type account struct {
	id, env string
	weight  int
}

var accounts = []account{
	{"111122223333", "prod", 45}, {"444455556666", "staging", 25}, {"777788889999", "shared", 18}, {"123412341234", "sandbox", 12},
}

var (
	teams = []string{"payments", "storefront", "search", "identity", "data-platform", "mobile-api", "fulfilment", "observability"}
	apps  = []string{"checkout", "invoices", "catalog", "recommendations", "session", "ledger", "exports", "notifications", "images", "reports", "gateway", "inventory"}
)

// thing is a resource: its name for the texts, and its JSON.
type thing struct {
	name string
	json map[string]any
}

// resource is one of some hundreds that an account has, with the tags and details that it has for good.
func (c *Config) resource(r *rng, rule *rule, a *account, f *Finding) thing {
	// Few things cause most findings.
	k := r.below(40)
	if r.chance(40) {
		k = r.below(8)
	}
	own := rng(hashOf(rule.resource + f.Account + f.Region + strconv.Itoa(k)))
	app, team := pick(&own, apps), pick(&own, teams)
	name := fmt.Sprintf("%s-%s-%02d", app, a.env, k)
	t := thing{name: name, json: map[string]any{
		"Type": rule.resource, "Partition": "aws", "Region": f.Region,
		"Tags": map[string]string{"env": a.env, "team": team, "app": app, "owner": team + "@example.com"},
	}}
	arn := func(service, rest string) string {
		return "arn:aws:" + service + ":" + f.Region + ":" + f.Account + ":" + rest
	}
	digits := fmt.Sprintf("%017x", own.next()>>4)[:17]
	switch rule.resource {
	case "AwsS3Bucket":
		t.json["Id"] = "arn:aws:s3:::example-" + name
		t.json["Details"] = map[string]any{"AwsS3Bucket": map[string]any{
			"OwnerId": "example" + digits, "CreatedAt": "2024-03-01T09:00:00.000Z",
			"PublicAccessBlockConfiguration": map[string]bool{"BlockPublicAcls": own.chance(50), "BlockPublicPolicy": false, "IgnorePublicAcls": own.chance(50), "RestrictPublicBuckets": false},
		}}
	case "AwsEc2Instance":
		t.json["Id"] = arn("ec2", "instance/i-"+digits)
		t.json["Details"] = map[string]any{"AwsEc2Instance": map[string]any{
			"Type": pick(&own, []string{"t3.medium", "m6i.large", "c7g.xlarge"}), "ImageId": "ami-" + digits,
			"IpV4Addresses": []string{fmt.Sprintf("10.20.%d.%d", own.below(32), 1+own.below(254))}, "VpcId": "vpc-example" + strconv.Itoa(own.below(4)),
			"LaunchedAt": "2025-02-11T07:30:00.000Z",
		}}
	case "AwsEc2SecurityGroup":
		t.json["Id"] = arn("ec2", "security-group/sg-"+digits)
		t.json["Details"] = map[string]any{"AwsEc2SecurityGroup": map[string]any{"GroupName": name, "GroupId": "sg-" + digits}}
	case "AwsIamRole", "AwsIamUser":
		kind := strings.ToLower(strings.TrimPrefix(rule.resource, "AwsIam"))
		t.json["Id"] = "arn:aws:iam::" + f.Account + ":" + kind + "/" + name
	case "AwsRdsDbInstance":
		t.json["Id"] = arn("rds", "db:"+name)
		t.json["Details"] = map[string]any{"AwsRdsDbInstance": map[string]any{
			"Engine": "postgres", "DBInstanceIdentifier": name, "PubliclyAccessible": own.chance(30), "StorageEncrypted": own.chance(50),
		}}
	case "AwsLambdaFunction":
		t.json["Id"] = arn("lambda", "function:"+name)
		t.json["Details"] = map[string]any{"AwsLambdaFunction": map[string]any{"FunctionName": name, "Runtime": pick(&own, []string{"nodejs16.x", "python3.8", "nodejs20.x"})}}
	case "AwsEcrContainerImage":
		t.json["Id"] = arn("ecr", "repository/example/"+app+"/sha256:"+digits+digits+digits)
		t.json["Details"] = map[string]any{"AwsEcrContainerImage": map[string]any{
			"RepositoryName": "example/" + app, "ImageTags": []string{fmt.Sprintf("v1.%d.%d", own.below(30), own.below(9))}, "Architecture": "amd64",
		}}
	case "CodeRepository":
		t.json["Id"] = "https://git.example.com/example-corp/" + app
		t.json["Details"] = map[string]any{"Other": map[string]string{"branch": "main", "path": "deploy/" + a.env + ".yaml", "commit": digits}}
	default:
		t.json["Id"] = arn("kms", "key/example-"+digits)
	}
	return t
}

// hashOf is FNV-1a.
func hashOf(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// triages are what people do: there are few kinds of it.
var triages = []Triage{
	{Workflow: &Workflow{"NOTIFIED"}, Note: &Note{"Asked the owning team; they answer within two days.", "triage@example.com"}, UserDefinedFields: map[string]string{"ticket": "EXAMPLE-1042"}},
	{Workflow: &Workflow{"NOTIFIED"}, Note: &Note{"Fix is in review, goes out with the next release.", "dana@example.com"}, UserDefinedFields: map[string]string{"ticket": "EXAMPLE-1077"}},
	{Workflow: &Workflow{"NOTIFIED"}, Note: &Note{"Waiting for a maintenance window.", "lee@example.com"}},
	{Workflow: &Workflow{"SUPPRESSED"}, Note: &Note{"Accepted until the migration in spring: the bucket serves public images on purpose.", "dana@example.com"}},
	{Workflow: &Workflow{"SUPPRESSED"}, Note: &Note{"False positive: the port is reachable from the bastion only.", "triage@example.com"}, UserDefinedFields: map[string]string{"review": "quarterly"}},
	{Workflow: &Workflow{"RESOLVED"}, Note: &Note{"Fixed by hand, the next scan will confirm.", "lee@example.com"}},
	{Severity: &SeverityLabel{"LOW"}, Note: &Note{"Only test data in there: lowered.", "triage@example.com"}},
	{Severity: &SeverityLabel{"CRITICAL"}, Workflow: &Workflow{"NOTIFIED"}, Note: &Note{"Reachable from the internet: raised, and the owner was called.", "dana@example.com"}},
}
