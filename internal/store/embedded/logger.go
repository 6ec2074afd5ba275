package embedded

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleLogger hears what Pebble says. Its daily talk is dropped.
type pebbleLogger struct {
	log   *slog.Logger
	fatal func(error)
}

var _ pebble.Logger = (*pebbleLogger)(nil)

func (*pebbleLogger) Infof(string, ...any) {}

func (l *pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("store: database", slog.String("message", fmt.Sprintf(format, args...)))
}

// Fatalf must not return: Pebble is in no state to go on.
func (l *pebbleLogger) Fatalf(format string, args ...any) {
	l.fatal(fmt.Errorf(format, args...))
}
