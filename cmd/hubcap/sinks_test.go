package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
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

// A webhook's secrets from elsewhere may be several; where they are missing that is said.
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
		{sinkConfig{Secret: "x"}, []secret{"x"}, ""},
		{sinkConfig{Type: "nats", SecretEnv: "TWO"}, []secret{"a\nb"}, ""},
		{sinkConfig{Type: "webhook", SecretEnv: "TWO"}, []secret{"a", "b"}, ""},
		{sinkConfig{SecretEnv: "EMPTY"}, nil, "the environment has no EMPTY"},
		{sinkConfig{SecretEnv: "UNSET"}, nil, "the environment has no UNSET"},
		{sinkConfig{Type: "webhook", SecretFile: file}, []secret{"a", "b", "c"}, ""},
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
}

// A sink whose secret or certificate is missing is told of, and takes events once it is there; the hub starts, and other sinks work.
func TestSinkThatCannotBeOpenedYet(t *testing.T) {
	dir := t.TempDir()
	missing, file := filepath.Join(dir, "secret"), filepath.Join(dir, "events.ndjson")
	c := config{Sinks: []sinkConfig{
		{Name: "late", Type: "webhook", URL: "http://127.0.0.1:1/", SecretFile: missing, AllowPrivate: true},
		{Name: "untrusting", Type: "nats", Servers: []string{"tls://127.0.0.1:1"}, Subject: "s", TLSCA: filepath.Join(dir, "ca.pem")},
		{Name: "steady", Type: "file", Path: file},
	}}
	require.NoError(t, c.check())
	var said bytes.Buffer
	sinks, err := c.sinks(t.Context(), slog.New(slog.NewTextHandler(&said, nil)))
	require.NoError(t, err)
	require.Len(t, sinks, 3)
	require.Contains(t, said.String(), "sink=late")
	require.Contains(t, said.String(), "secret_file: open "+missing)
	require.Contains(t, said.String(), "tls_ca: open")
	m := &event.Message{ID: "1", Body: []byte("{}")}
	require.ErrorContains(t, sinks[0].Target.Deliver(t.Context(), m), "secret_file")
	require.NoError(t, sinks[0].Target.Close())
	require.NoError(t, os.WriteFile(missing, []byte("not a secret"), 0o600))
	err = sinks[0].Target.Deliver(t.Context(), m)
	require.ErrorContains(t, err, "secret number 1: must begin with whsec_")
	require.NotContains(t, err.Error(), "not a secret")
	require.NoError(t, os.WriteFile(missing, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600))
	require.ErrorContains(t, sinks[0].Target.Deliver(t.Context(), m), "127.0.0.1:1", "it tries to reach the receiver now")
	require.ErrorContains(t, sinks[1].Target.Deliver(t.Context(), m), "tls_ca")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("nonsense"), 0o600))
	require.ErrorContains(t, sinks[1].Target.Deliver(t.Context(), m), "holds no certificate in PEM")
	require.NoError(t, sinks[2].Target.Deliver(t.Context(), m))
	for _, s := range sinks {
		require.NoError(t, s.Target.Close())
	}
}

// Every key that the page tells of is of the types it says, and the other way round.
func TestSinkKeysAreOfTheTypes(t *testing.T) {
	for field := range reflect.TypeFor[sinkConfig]().Fields() {
		tag := field.Tag
		for typ := range strings.FieldsSeq(tag.Get("for") + " " + tag.Get("need")) {
			require.Contains(t, sinkTypes, typ, tag.Get("toml"))
		}
		for typ := range strings.FieldsSeq(tag.Get("need")) {
			require.Contains(t, strings.Fields(tag.Get("for")), typ, tag.Get("toml"))
		}
	}
}
