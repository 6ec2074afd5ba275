package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// requestKey is where an operation's context holds the request's id. It serves the log alone.
type requestKey struct{}

// LogHandler makes every line that is logged with an operation's context name its request, as the client sees it in
// x-amzn-RequestId.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		r = r.Clone()
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }

// seldom keeps a line that any stranger can cause from filling the log: it is due once a minute.
type seldom struct{ last atomic.Int64 }

func (s *seldom) due(now time.Time) bool {
	minute := now.Unix() / 60
	return s.last.Swap(minute) != minute
}
