package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/event"
)

// A file that was moved away is made anew, and a place where none can be is an error and no end.
func TestFileTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	target := &fileTarget{path: path}
	put := func(body string) { require.NoError(t, target.Deliver(t.Context(), &event.Message{Body: []byte(body)})) }
	put(`{"a":1}`)
	put(`{"a":2}`)
	require.NoError(t, os.Rename(path, path+".1"))
	put(`{"a":3}`)
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	put(`{"a":4}`)
	require.NoError(t, target.Close())
	for name, want := range map[string]string{path + ".1": "{\"a\":1}\n{\"a\":2}\n", path: "{\"a\":3}\n{\"a\":4}\n"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	nowhere := &fileTarget{path: filepath.Join(path, "below a file")}
	require.Error(t, nowhere.Deliver(t.Context(), &event.Message{Body: []byte("{}")}))
	require.NoError(t, nowhere.Close())
}

// Secrets from elsewhere may be several; where they are missing that is said, and serve does not start.
func TestSinkSecrets(t *testing.T) {
	getenv := func(name string) (string, bool) {
		v, ok := map[string]string{"TWO": " a\nb ", "EMPTY": " "}[name]
		return v, ok
	}
	file := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(file, []byte("a b\tc\n"), 0o600))
	for _, c := range []struct {
		sink sinkConfig
		want []secret
		err  string
	}{
		{sinkConfig{Secrets: []secret{"x"}}, []secret{"x"}, ""},
		{sinkConfig{SecretEnv: "TWO"}, []secret{"a", "b"}, ""},
		{sinkConfig{SecretEnv: "EMPTY"}, nil, "the environment has no EMPTY"},
		{sinkConfig{SecretEnv: "UNSET"}, nil, "the environment has no UNSET"},
		{sinkConfig{SecretFile: file}, []secret{"a", "b", "c"}, ""},
		{sinkConfig{SecretFile: file + "x"}, nil, "no such file"},
	} {
		got, err := c.sink.secretsOf(getenv)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	config := filepath.Join(t.TempDir(), "hubcap.toml")
	require.NoError(t, os.WriteFile(config, []byte("[[sinks]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://r.example/\"\nsecret_env = \"HUBCAP_NO_SUCH\"\n"), 0o600))
	require.Contains(t, fails(t, 1, "--store", "memory", "--addr", "127.0.0.1:0", "--config", config), "[[sinks]] a: the environment has no HUBCAP_NO_SUCH")
}
