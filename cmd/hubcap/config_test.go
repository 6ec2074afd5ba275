package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// What is wrong with a configuration is told with its key and line; what is right is printed as Go sees it, secrets aside.
func TestConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hubcap.toml")
	datadriven.RunTest(t, "testdata/config", func(t *testing.T, d *datadriven.TestData) string {
		require.NoError(t, os.WriteFile(path, []byte(d.Input), 0o600))
		c, err := loadConfig(path)
		if err != nil {
			return strings.ReplaceAll(err.Error(), path, "hubcap.toml") + "\n"
		}
		out := &strings.Builder{}
		for _, k := range c.Keys {
			policy := "none"
			if k.Policy != nil {
				policy = fmt.Sprintf("%d statements", len(*k.Policy))
			}
			fmt.Fprintf(out, "key %s of %s (%s): products %v, policy %s\n", k.ID, k.Account, k.Name, k.Products, policy)
		}
		for _, p := range c.products() {
			fmt.Fprintf(out, "product %s/%s (%s, %s)\n", p.Company, p.Product, p.CompanyName, p.ProductName)
		}
		for _, k := range c.Sinks {
			fmt.Fprintf(out, "sink %s (%s) of %q %q, pattern %s, secrets %v\n", k.Name, k.Type, k.Account, k.Region, k.Pattern, k.Secrets)
		}
		if c.Organization != nil {
			fmt.Fprintf(out, "organization of %s, %d accounts\n", c.Organization.ManagementAccount, len(c.Organization.Accounts))
		}
		return out.String()
	})
	_, err := loadConfig(filepath.Join(t.TempDir(), "none.toml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "--config")
}

func TestSecretsStaySecret(t *testing.T) {
	k := keyConfig{ID: "AKIA", Secret: "do not show"}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", slog.Any("key", k), slog.Any("secret", k.Secret))
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", slog.Any("key", k), slog.Any("secret", k.Secret))
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x", k, k, k, k.Secret, k.Secret, k.Secret)
	b, err := json.Marshal(k)
	require.NoError(t, err)
	out.Write(b)
	require.NotContains(t, out.String(), "do not show")
	require.NotContains(t, out.String(), fmt.Sprintf("%x", "do not show"))
}

func TestSecretsFromElsewhere(t *testing.T) {
	getenv := func(name string) (string, bool) {
		v, ok := map[string]string{"SET": "from the environment", "EMPTY": ""}[name]
		return v, ok
	}
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("from a file\n"), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for _, c := range []struct {
		key  keyConfig
		want string
		err  string
	}{
		{keyConfig{Secret: "plain"}, "plain", ""},
		{keyConfig{SecretEnv: "SET"}, "from the environment", ""},
		{keyConfig{SecretEnv: "EMPTY"}, "", "the environment has no EMPTY"},
		{keyConfig{SecretEnv: "UNSET"}, "", "the environment has no UNSET"},
		{keyConfig{SecretFile: file}, "from a file", ""},
		{keyConfig{SecretFile: empty}, "", "is empty"},
		{keyConfig{SecretFile: file + "x"}, "", "no such file"},
	} {
		got, err := c.key.resolve(getenv)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, string(got))
	}
}

// Every flag of serve may stand in the file under its own name, and nothing else may.
func TestSettingsAreTheFlags(t *testing.T) {
	flags := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[serveCmd]()) {
		flags[f.Name] = f.Type
	}
	delete(flags, "Config")
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		require.Equal(t, flags[f.Name], of, f.Name)
		delete(flags, f.Name)
	}
	require.Empty(t, flags, "flags that the file cannot set")
}

// The page names every flag with its variable and its key, and what it shows as TOML can be read.
func TestConfigurationPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		key := f.Tag.Get("toml")
		for _, name := range []string{key, "--" + strings.ReplaceAll(key, "_", "-"), "HUBCAP_" + strings.ToUpper(key)} {
			require.Contains(t, string(page), "`"+name+"`")
		}
	}
	for _, table := range []reflect.Type{reflect.TypeFor[keyConfig](), reflect.TypeFor[productConfig](), reflect.TypeFor[organizationConfig](), reflect.TypeFor[organizationUnit](), reflect.TypeFor[organizationEntry](), reflect.TypeFor[statementConfig](), reflect.TypeFor[sinkConfig]()} {
		for _, f := range reflect.VisibleFields(table) {
			require.Contains(t, string(page), "`"+f.Tag.Get("toml")+"`")
		}
	}
	shown := 0
	for _, part := range strings.Split(string(page), "```toml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		file := filepath.Join(t.TempDir(), "shown.toml")
		key := "[[keys]]\nid = \"AKIA\"\nsecret = \"s\"\naccount = \"111122223333\"\n"
		require.NoError(t, os.WriteFile(file, []byte(key+text), 0o600))
		_, err := loadConfig(file)
		require.NoError(t, err)
		shown++
	}
	require.Equal(t, 2, shown)
}

func TestExample(t *testing.T) {
	c, err := loadConfig("../../docs/examples/hubcap.toml")
	require.NoError(t, err)
	accounts := map[string]bool{}
	partners := 0
	for i := range c.Keys {
		_, err := c.Keys[i].key()
		require.NoError(t, err)
		if len(c.Keys[i].Products) > 0 {
			partners++
		} else {
			accounts[c.Keys[i].Account] = true
		}
	}
	require.Len(t, accounts, 2)
	require.Equal(t, 1, partners)
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{
		"1": 1, "64KB": 64 << 10, "64 kb": 64 << 10, "256MB": 256 << 20, "256MiB": 256 << 20, "1.5GB": 3 << 29, "2T": 2 << 40, "10b": 10,
	} {
		got, err := parseSize(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "MB", "-1MB", "0", "1XB", "NaN", "Inf", "9999999TB", "1MBMB"} {
		_, err := parseSize(in)
		require.ErrorIs(t, err, errSize, in)
	}
}

func TestTotalMemory(t *testing.T) {
	files := map[string]string{"/proc/meminfo": "MemFree: 1 kB\nMemTotal:       1048576 kB\n"}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	require.EqualValues(t, 1<<30, totalMemory(read), "the machine's")
	files["/sys/fs/cgroup/memory.max"] = "max\n"
	require.EqualValues(t, 1<<30, totalMemory(read), "no limit of the group")
	files["/sys/fs/cgroup/memory.max"] = "536870912\n"
	require.EqualValues(t, 512<<20, totalMemory(read), "the group's")
	delete(files, "/sys/fs/cgroup/memory.max")
	files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n"
	require.EqualValues(t, 1<<30, totalMemory(read), "a group without one, of the old kind")
	clear(files)
	require.Zero(t, totalMemory(read))

	n, err := memoryLimit("128MB")
	require.NoError(t, err)
	require.EqualValues(t, 128<<20, n)
	_, err = memoryLimit("1MB")
	require.ErrorContains(t, err, "must be 64MB or more")
}
