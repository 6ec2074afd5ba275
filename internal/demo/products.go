package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// product is a scanner of the invented company.
type product struct {
	id, name string
	weight   int
	rules    []rule
	original func(label string) string // what it calls a severity itself
	more     func(r *rng, rule *rule, d map[string]any, over bool)
}

// rule is one thing that a product looks for.
type rule struct {
	id       string
	severity int // in severities
	weight   int
	burst    int // days ago that it was switched on, or found much at once; 0: it was always there
	resource string
	kind     string // of Types
	title    string // with {name} and {env}
	text     string
	remedy   string
}

const (
	informational = iota
	low
	medium
	high
	critical
)

const (
	practices     = "Software and Configuration Checks/AWS Security Best Practices"
	vulnerability = "Software and Configuration Checks/Vulnerabilities/CVE"
)

var products = []product{
	{id: "posture", name: "Palisade Posture (demo)", weight: 52, rules: postureRules, original: strings.ToLower, more: compliance},
	{id: "image-scan", name: "Lantern Image Scan (demo)", weight: 28, rules: imageRules, original: cvssOf, more: vulnerabilities},
	{id: "detect", name: "Watchtower Detect (demo)", weight: 8, rules: detectRules, original: scoreOf, more: network},
	{id: "access-review", name: "Keyring Access Review (demo)", weight: 8, rules: accessRules, original: strings.ToLower, more: compliance},
	{id: "code-scan", name: "Quill Code Scan (demo)", weight: 4, rules: codeRules, original: strings.ToLower, more: func(*rng, *rule, map[string]any, bool) {}},
}

var postureRules = []rule{
	{
		"bucket-public-read", critical, 3, 0, "AwsS3Bucket", "Effects/Data Exposure", "Bucket {name} can be read by everyone",
		"The bucket policy of {name} grants s3:GetObject to every principal. Whoever knows the name can read what is in it.", "Switch on Block Public Access for the bucket, and serve what must be public through a distribution of its own.",
	},
	{"bucket-no-encryption", medium, 9, 0, "AwsS3Bucket", practices, "Bucket {name} does not encrypt with a key of the company", "Objects in {name} are encrypted with the service's key, not with one that can be revoked.", "Set default encryption of the bucket to a customer managed key."},
	{"bucket-no-logging", low, 10, 0, "AwsS3Bucket", practices, "Bucket {name} logs no access", "Server access logging is off for {name}, so nobody can tell later who read what.", "Switch on server access logging to the log bucket of the account."},
	{"bucket-no-versions", low, 8, 0, "AwsS3Bucket", practices, "Bucket {name} keeps no versions", "Versioning is off for {name}: what is overwritten or deleted is gone.", "Switch on versioning, with a rule that expires old versions."},
	{"sg-ssh-open", high, 6, 0, "AwsEc2SecurityGroup", practices, "Security group {name} opens port 22 to the world", "An inbound rule of {name} allows 0.0.0.0/0 on port 22.", "Restrict the rule to the bastion's group, or use a session manager and remove it."},
	{"sg-all-ports", high, 4, 31, "AwsEc2SecurityGroup", practices, "Security group {name} opens all ports to the world", "An inbound rule of {name} allows 0.0.0.0/0 on every port.", "Name the ports and the sources that are needed, and remove the rule."},
	{"instance-metadata-v1", medium, 12, 31, "AwsEc2Instance", practices, "Instance {name} answers version 1 of the metadata service", "HttpTokens is optional for {name}: a request forged through the application could read its credentials.", "Require tokens in the instance's metadata options, and in the launch template."},
	{"instance-public-address", medium, 7, 0, "AwsEc2Instance", practices, "Instance {name} has a public address", "{name} is in {env} and has a public IPv4 address that no load balancer needs.", "Move the instance to a private subnet behind the load balancer."},
	{"database-public", critical, 2, 0, "AwsRdsDbInstance", "Effects/Data Exposure", "Database {name} is reachable from the internet", "PubliclyAccessible is set for {name} and its security group allows 0.0.0.0/0.", "Unset PubliclyAccessible and restrict the group to the application's."},
	{"database-no-backup", medium, 5, 0, "AwsRdsDbInstance", practices, "Database {name} keeps backups for less than seven days", "BackupRetentionPeriod of {name} is below seven days.", "Set the period to seven days or more."},
	{"database-unencrypted", high, 4, 0, "AwsRdsDbInstance", practices, "Storage of database {name} is not encrypted", "StorageEncrypted is false for {name}.", "Restore a snapshot into an encrypted instance and switch over."},
	{"function-old-runtime", low, 8, 14, "AwsLambdaFunction", practices, "Function {name} runs on a runtime that is no longer maintained", "The runtime of {name} gets no security fixes any more.", "Move to the current runtime; the team's template has it."},
	{"key-no-rotation", informational, 7, 0, "AwsKmsKey", practices, "Key of {name} is not rotated", "Automatic rotation is off for the key that {name} uses.", "Switch on automatic rotation."},
	{"instance-no-inventory", informational, 8, 0, "AwsEc2Instance", practices, "Instance {name} is not in the inventory", "No agent on {name} reports to the inventory.", "Add the instance profile that the inventory agent needs."},
}

var imageRules = []rule{
	{"EXAMPLE-2026-0017", critical, 4, 12, "AwsEcrContainerImage", vulnerability, "EXAMPLE-2026-0017 in example-tls of {name}", "A crafted handshake overflows a buffer in example-tls before 3.1.4; code runs with the rights of the process.", "Build the image again on the base image of this week, which has example-tls 3.1.4."},
	{"EXAMPLE-2026-0009", high, 9, 0, "AwsEcrContainerImage", vulnerability, "EXAMPLE-2026-0009 in example-json of {name}", "example-json before 2.8.1 follows references without a limit: a small document uses all memory.", "Update example-json to 2.8.1."},
	{"EXAMPLE-2025-0310", high, 7, 45, "AwsEcrContainerImage", vulnerability, "EXAMPLE-2025-0310 in sample-imaging of {name}", "sample-imaging before 9.2 writes outside of a buffer when it reads a crafted picture.", "Update sample-imaging to 9.2."},
	{"EXAMPLE-2025-0288", medium, 16, 0, "AwsEcrContainerImage", vulnerability, "EXAMPLE-2025-0288 in example-http of {name}", "example-http before 1.22 takes two lengths in one request, which lets a request be smuggled past a proxy.", "Update example-http to 1.22."},
	{"EXAMPLE-2025-0151", medium, 13, 0, "AwsEcrContainerImage", vulnerability, "EXAMPLE-2025-0151 in sample-archive of {name}", "sample-archive before 4.0 unpacks files outside of the target folder.", "Update sample-archive to 4.0, or refuse names with two dots."},
	{"EXAMPLE-2024-0444", low, 14, 0, "AwsEcrContainerImage", vulnerability, "EXAMPLE-2024-0444 in example-locale of {name}", "example-locale before 0.9 reads past the end of a name that is too long.", "Update example-locale to 0.9."},
	{"EXAMPLE-2026-0021", high, 6, 6, "AwsEc2Instance", vulnerability, "EXAMPLE-2026-0021 in the kernel of {name}", "A local user becomes root through a race in the example filesystem.", "Install the kernel update and restart the instance."},
}

var detectRules = []rule{
	{"mining-pool", critical, 3, 3, "AwsEc2Instance", "TTPs/Command and Control/CryptoCurrency", "Instance {name} talks to a mining pool", "{name} opened connections to an address that is known as a mining pool.", "Isolate the instance with the quarantine group, keep its disk, and look for how it came there."},
	{"port-sweep", medium, 8, 0, "AwsEc2Instance", "TTPs/Discovery/Recon:EC2-Portscan", "Instance {name} is swept for open ports", "One address tried many ports of {name} within a minute.", "See whether an open port is there that needs none, and block the address where it goes on."},
	{"unusual-login", high, 4, 0, "AwsIamUser", "Unusual Behaviors/User", "{name} signed in from an unusual network", "A console sign-in of {name} came from a network that it was never seen in, without a second factor.", "Ask the user; else deactivate the key and end its sessions."},
	{"brute-force", medium, 6, 0, "AwsEc2Instance", "TTPs/Initial Access/UnauthorizedAccess", "Somebody guesses passwords on {name}", "{name} refused several hundred SSH sign-ins from one address within ten minutes.", "Close port 22 to the world."},
	{"exfiltration", high, 2, 0, "AwsS3Bucket", "Effects/Data Exfiltration", "Much more than usual was read from {name}", "In one hour more was read from {name} than in the month before.", "See who read it in the access log, and rotate that key."},
}

var accessRules = []rule{
	{"key-older-than-90-days", low, 12, 0, "AwsIamUser", practices, "An access key of {name} is older than 90 days", "The key of {name} was made more than 90 days ago and is still in use.", "Make a new key, move what uses the old one, then delete it."},
	{"no-second-factor", high, 6, 0, "AwsIamUser", practices, "{name} has a password and no second factor", "{name} can sign in to the console with a password alone.", "Enrol a second factor, or take the password away."},
	{"role-admin", medium, 7, 0, "AwsIamRole", practices, "Role {name} may do everything", "A policy of {name} allows every action on every resource.", "Replace the policy by what the role did in the last 90 days."},
	{"unused-role", informational, 9, 0, "AwsIamRole", practices, "Role {name} was not used for 180 days", "Nobody has assumed {name} for 180 days.", "Delete the role, or note why it stays."},
}

var codeRules = []rule{
	{"secret-in-code", critical, 2, 0, "CodeRepository", "Sensitive Data Identifications/Passwords", "A credential stands in the code of {name}", "A file of the repository holds what looks like a database password.", "Rotate the password, take it from the secret store, and remove it from the history."},
	{"unpinned-dependency", low, 7, 0, "CodeRepository", practices, "{name} takes dependencies that are not pinned", "A build of the same commit may take other code tomorrow.", "Commit the lock file, and let the build fail without one."},
	{"injection", high, 3, 0, "CodeRepository", practices, "A query of {name} is put together from what users send", "Text from a request becomes part of a query without a placeholder.", "Use placeholders."},
}

var scores = map[string]float64{"INFORMATIONAL": 0.1, "LOW": 3.1, "MEDIUM": 5.9, "HIGH": 8.1, "CRITICAL": 9.8}

func cvssOf(label string) string { return fmt.Sprintf("CVSS %.1f", scores[label]) }

func scoreOf(label string) string { return strconv.Itoa(int(scores[label] * 10)) }

// compliance is what a product says that holds configurations against a standard.
func compliance(r *rng, rule *rule, d map[string]any, over bool) {
	status := "FAILED"
	if over {
		status = "PASSED"
	} else if r.chance(6) {
		status = "WARNING"
	}
	own := rng(hashOf(rule.id))
	d["Compliance"] = map[string]any{
		"Status": status, "RelatedRequirements": []string{fmt.Sprintf("Example Baseline v2/%d.%d", 1+own.below(6), 1+own.below(12)), fmt.Sprintf("Example Privacy Rules/%d", 1+own.below(30))},
	}
}

// vulnerabilities is what a product says that knows which versions are affected.
func vulnerabilities(r *rng, rule *rule, d map[string]any, _ bool) {
	own := rng(hashOf(rule.id))
	score := scores[severities[rule.severity].label]
	name := "example-kernel"
	if _, rest, ok := strings.Cut(rule.title, " in "); ok && !strings.HasPrefix(rest, "the") {
		name, _, _ = strings.Cut(rest, " ")
	}
	fixable := !r.chance(20)
	pkg := map[string]any{
		"Name": name, "Version": fmt.Sprintf("%d.%d.%d", own.below(3), own.below(9), r.below(9)), "Architecture": "X86_64", "PackageManager": "OS",
	}
	if fixable {
		pkg["FixedInVersion"] = fmt.Sprintf("%d.%d.0", 3+own.below(3), own.below(9))
		pkg["Remediation"] = "update " + name
	}
	d["Vulnerabilities"] = []any{map[string]any{
		"Id": rule.id, "VulnerablePackages": []any{pkg}, "Cvss": []any{map[string]any{"Version": "3.1", "BaseScore": score, "BaseVector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "Source": "EXAMPLE"}},
		"FixAvailable": map[bool]string{true: "YES", false: "NO"}[fixable], "ExploitAvailable": map[bool]string{true: "YES", false: "NO"}[own.chance(25)],
		"EpssScore": float64(own.below(9000)) / 10000, "ReferenceUrls": []string{"https://advisories.example.com/" + rule.id},
		"Vendor": map[string]any{"Name": "Example Corp", "Url": "https://advisories.example.com/" + rule.id, "VendorSeverity": severities[rule.severity].label},
	}}
}

// network is what a product says that looks at traffic. The addresses are those for documentation (RFC 5737).
func network(r *rng, rule *rule, d map[string]any, _ bool) {
	if rule.resource == "AwsS3Bucket" {
		return
	}
	from := fmt.Sprintf("%s.%d", pick(r, []string{"192.0.2", "198.51.100", "203.0.113"}), 1+r.below(254))
	direction := "IN"
	if rule.id == "mining-pool" {
		direction = "OUT"
		d["ThreatIntelIndicators"] = []any{map[string]any{
			"Type": "IPV4_ADDRESS", "Value": from, "Category": "COMMAND_AND_CONTROL", "Source": "Example Feed", "SourceUrl": "https://feed.example.com/",
		}}
	}
	d["Network"] = map[string]any{
		"Direction": direction, "Protocol": "TCP", "SourceIpV4": from, "SourcePort": 1024 + r.below(60000), "DestinationIpV4": fmt.Sprintf("10.20.%d.%d", r.below(32), 1+r.below(254)),
		"DestinationPort": pick(r, []int{22, 443, 3333, 5432}),
	}
}
