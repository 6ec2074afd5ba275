package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"

	"hubcap/internal/hub"
	"hubcap/internal/iam"
	"hubcap/internal/server"
)

// config is the configuration file (docs/configuration.md, D50): TOML, every key known, every mistake named with its line.
type config struct {
	settings

	Keys     []keyConfig     `toml:"keys"`     // who may sign, with --auth sigv4
	Products []productConfig `toml:"products"` // beside the built-in catalogue
	// Organization names the management account, the accounts and their units (D36).
	Organization *organizationConfig `toml:"organization"`
	Sinks        []sinkConfig        `toml:"sinks"` // where events go
}

// settings are serve's flags as the file spells them, - written as _. A flag beats its environment variable, which beats the file.
type settings struct {
	Addr         *string  `toml:"addr"`
	Store        *string  `toml:"store"`
	Profile      *string  `toml:"profile"`
	Auth         *string  `toml:"auth"`
	Insecure     *bool    `toml:"insecure"`
	AllowHost    []string `toml:"allow_host"`
	CORSOrigin   []string `toml:"cors_origin"`
	TLSCert      *string  `toml:"tls_cert"`
	TLSKey       *string  `toml:"tls_key"`
	Memory       *string  `toml:"memory"`
	IndexMemory  *string  `toml:"index_memory"`
	MinFree      *string  `toml:"min_free"`
	QueryTimeout *string  `toml:"query_timeout"`
	MaxInflight  *string  `toml:"max_inflight"`
	MetricsAddr  *string  `toml:"metrics_addr"`
	LogFormat    *string  `toml:"log_format"`
	HistoryDays  *int     `toml:"history_days"`

	RetainActive   *int    `toml:"retain_active"`
	RetainArchived *int    `toml:"retain_archived"`
	ArchiveAfter   *int    `toml:"archive_after"`
	SweepEvery     *string `toml:"sweep_every"`
}

// keyConfig is one access key: whose it is and what it may do.
type keyConfig struct {
	ID         string   `toml:"id"`          // access key id
	Secret     secret   `toml:"secret"`      // one of these three
	SecretEnv  string   `toml:"secret_env"`  // name of an environment variable
	SecretFile string   `toml:"secret_file"` // a file that holds nothing else; white space around it is cut
	Account    string   `toml:"account"`     // 12 digits, a string
	Name       string   `toml:"name"`        // of the user in the principal's ARN; the key id when absent (D49)
	Products   []string `toml:"products"`    // product ARNs the key is allow-listed for; * is a wildcard
	// Policy is IAM JSON in TOML's dress. Absent: everything in its own account. Present: what no statement allows is denied.
	Policy *[]statementConfig `toml:"policy"`
}

type statementConfig struct {
	Effect    string                         `toml:"effect"`
	Action    []string                       `toml:"action"`
	Resource  []string                       `toml:"resource"`
	Condition map[string]map[string][]string `toml:"condition"`
}

// productConfig is a product that the catalogue lacks, or says differently.
type productConfig struct {
	Company     string   `toml:"company"` // the id in the ARN: product/<company>/<product>
	Product     string   `toml:"product"`
	CompanyName string   `toml:"company_name"` // as shown; the id when absent
	ProductName string   `toml:"product_name"`
	Description string   `toml:"description"`
	Categories  []string `toml:"categories"`
}

type organizationConfig struct {
	ManagementAccount string              `toml:"management_account"`
	Root              string              `toml:"root"`
	Units             []organizationUnit  `toml:"units"`
	Accounts          []organizationEntry `toml:"accounts"`
}

type organizationUnit struct {
	ID     string `toml:"id"`
	Name   string `toml:"name"`   // the id when absent
	Parent string `toml:"parent"` // id of a unit; the root when absent
}

type organizationEntry struct {
	ID        string `toml:"id"`
	Name      string `toml:"name"`
	Email     string `toml:"email"`
	OU        string `toml:"ou"` // id of a unit; the root when absent
	Suspended bool   `toml:"suspended"`
}

// secret is a secret access key. It never shows itself, however it is printed.
type secret string

const redacted = "(secret)"

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil } //nolint:unparam // encoding.TextMarshaler

// loadConfig reads and checks a configuration file. path "" is an empty one.
func loadConfig(path string) (*config, error) {
	var c config
	if path == "" {
		return &c, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the file its operator names
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, explainTOML(path, err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &c, nil
}

// explainTOML names key and line. It does not show the file's text: a line may hold a secret.
func explainTOML(path string, err error) error {
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		var all []error
		for _, e := range missing.Errors {
			row, _ := e.Position()
			all = append(all, fmt.Errorf("%s:%d: unknown key %q (docs/configuration.md lists them all)", path, row,
				strings.Join(e.Key(), ".")))
		}
		return errors.Join(all...)
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := e.Position()
		at := fmt.Sprintf("%s:%d:%d", path, row, column)
		if key := strings.Join(e.Key(), "."); key != "" {
			at += ": " + key
		}
		if m := wrongType.FindStringSubmatch(e.Error()); m != nil {
			return fmt.Errorf("%s must be %s, not %s", at, article(inTOML(m[2])), article(m[1]))
		}
		return fmt.Errorf("%s: %s", at, strings.TrimPrefix(e.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", path, err)
}

// wrongType reads what the decoder says of a value of the wrong type, in Go's terms.
var wrongType = regexp.MustCompile(`cannot decode TOML (\w+) into .* of type (\S+)$`)

func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// inTOML is the TOML name of a Go type.
func inTOML(goType string) string {
	switch {
	case goType == "bool":
		return "boolean"
	case goType == "int":
		return "integer"
	case strings.HasPrefix(goType, "[]"):
		return "list"
	case strings.HasPrefix(goType, "map["), strings.HasSuffix(goType, "Config"):
		return "table"
	default:
		return "string"
	}
}

var (
	twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)
	keyID        = regexp.MustCompile(`^[A-Za-z0-9_-]{3,128}$`)
	userName     = regexp.MustCompile(`^[A-Za-z0-9+=,.@_/-]{1,128}$`)
	productID    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

func (c *config) check() error {
	seen := map[string]int{}
	for i, k := range c.Keys {
		fail := func(format string, a ...any) error {
			return fmt.Errorf("[[keys]] number %d (%q): %w", i+1, k.ID, fmt.Errorf(format, a...))
		}
		sources := 0
		for _, set := range []bool{k.Secret != "", k.SecretEnv != "", k.SecretFile != ""} {
			if set {
				sources++
			}
		}
		switch first, twice := seen[k.ID]; {
		case !keyID.MatchString(k.ID):
			return fail("id must be 3 to 128 letters, digits, _ or -")
		case twice:
			return fail("the id stands already at number %d", first)
		case !twelveDigits.MatchString(k.Account):
			return fail("account must be a string of 12 digits, not %q", k.Account)
		case k.Name != "" && !userName.MatchString(k.Name):
			return fail("name must be 1 to 128 letters, digits or +=,.@_/-, not %q", k.Name)
		case sources != 1:
			return fail("give exactly one of secret, secret_env and secret_file")
		}
		seen[k.ID] = i + 1
		for _, p := range k.Products {
			if !strings.HasPrefix(p, "arn:") || !strings.Contains(p, ":product/") {
				return fail("products: %q is no product ARN, such as arn:aws:securityhub:*::product/prowler/prowler", p)
			}
		}
		if _, err := k.policy(); err != nil {
			return fail("policy: %w", err)
		}
	}
	for i, p := range c.Products {
		if !productID.MatchString(p.Company) || !productID.MatchString(p.Product) {
			return fmt.Errorf("[[products]] number %d: company and product must be 1 to 64 letters, digits, dots, _ or -", i+1)
		}
	}
	if len(c.Sinks) > hub.MaxEventSinks {
		return fmt.Errorf("[[sinks]]: there may be at most %d", hub.MaxEventSinks)
	}
	names := map[string]int{}
	for i := range c.Sinks {
		k := &c.Sinks[i]
		if err := k.check(); err != nil {
			return fmt.Errorf("[[sinks]] number %d (%q): %w", i+1, k.Name, err)
		}
		if first, twice := names[k.Name]; twice {
			return fmt.Errorf("[[sinks]] number %d (%q): the name stands already at number %d", i+1, k.Name, first)
		}
		names[k.Name] = i + 1
	}
	if o := c.Organization; o != nil {
		if !twelveDigits.MatchString(o.ManagementAccount) {
			return fmt.Errorf("[organization]: management_account must be a string of 12 digits, not %q", o.ManagementAccount)
		}
		for _, a := range o.Accounts {
			if !twelveDigits.MatchString(a.ID) {
				return fmt.Errorf("[organization]: the id of an account must be a string of 12 digits, not %q", a.ID)
			}
		}
		if err := c.organization().Check(); err != nil {
			return fmt.Errorf("[organization]: %w", err)
		}
	}
	return nil
}

func (k *keyConfig) policy() (*iam.Policy, error) {
	if k.Policy == nil {
		return nil, nil //nolint:nilnil // no policy is a policy of its own: everything in one's account
	}
	statements := make([]iam.Statement, 0, len(*k.Policy))
	for _, s := range *k.Policy {
		statements = append(statements, iam.Statement(s))
	}
	return iam.NewPolicy(statements, server.Actions()...)
}

// resolve finds the secret. An error names where it should be, never what it is.
func (k *keyConfig) resolve(getenv func(string) (string, bool)) (secret, error) {
	switch {
	case k.SecretEnv != "":
		v, ok := getenv(k.SecretEnv)
		if !ok || v == "" {
			return "", fmt.Errorf("key %s: the environment has no %s (its secret_env)", k.ID, k.SecretEnv)
		}
		return secret(v), nil
	case k.SecretFile != "":
		v, err := os.ReadFile(k.SecretFile)
		if err != nil {
			return "", fmt.Errorf("key %s: secret_file: %w", k.ID, err)
		}
		if s := strings.TrimSpace(string(v)); s != "" {
			return secret(s), nil
		}
		return "", fmt.Errorf("key %s: secret_file %s is empty", k.ID, k.SecretFile)
	default:
		return k.Secret, nil
	}
}

// fileResolver gives kong the file's settings for the flags that neither the command line nor the environment sets.
type fileResolver struct {
	loaded bool
	file   *config
}

// Validate is part of kong.Resolver.
func (*fileResolver) Validate(*kong.Application) error { return nil }

// Resolve is part of kong.Resolver.
func (f *fileResolver) Resolve(kctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if parent.Node() == nil || parent.Node().Name != "serve" {
		return nil, nil
	}
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	if !f.loaded {
		path := ""
		for _, other := range parent.Node().Flags {
			if other.Name == "config" {
				path, _ = kctx.FlagValue(other).(string)
			}
		}
		file, err := loadConfig(path)
		if err != nil {
			file = &config{} // serve reads the file too and tells the error better than a flag's summary could
		}
		f.loaded, f.file = true, file
	}
	return f.file.setting(flag.Name), nil
}

// setting is the file's value of a flag, nil where it has none.
func (s *settings) setting(flag string) any {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("toml") != strings.ReplaceAll(flag, "-", "_") || v.Field(i).IsNil() {
			continue
		}
		switch x := v.Field(i).Interface().(type) {
		case *string:
			return *x
		case *bool:
			return strconv.FormatBool(*x)
		case *int:
			return strconv.Itoa(*x)
		case []string:
			return strings.Join(x, ",")
		}
	}
	return nil
}
