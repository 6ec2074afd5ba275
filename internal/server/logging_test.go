package server

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What an operation logs by itself names the request, and so does what it logs with attributes or a group of its own.
func TestOperationsLogTheirRequest(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(LogHandler(slog.NewTextHandler(&out, nil)))
	h := start(t, Config{}, map[string]operation{"DescribeHub": func(ctx context.Context, _ *call) (any, error) {
		log.ErrorContext(ctx, "plain")
		log.With(slog.String("a", "b")).ErrorContext(ctx, "with")
		log.WithGroup("g").ErrorContext(ctx, "group")
		return struct{}{}, nil
	}})
	a := do(t, anyKey(h.request("GET", "/accounts", ""), "111122223333"))
	require.Equal(t, 200, a.StatusCode)
	id := a.Header.Get("X-Amzn-Requestid")
	require.NotEmpty(t, id)
	require.Equal(t, 3, strings.Count(out.String(), "request="+id), out.String())

	out.Reset()
	log.Error("of no request")
	require.NotContains(t, out.String(), "request=")
}

func TestSeldom(t *testing.T) {
	var s seldom
	require.True(t, s.due(noon))
	require.False(t, s.due(noon.Add(59*time.Second)))
	require.True(t, s.due(noon.Add(time.Minute)))
}
