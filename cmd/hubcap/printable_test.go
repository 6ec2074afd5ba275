package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, 100 %":      "plain text, 100 %",
		"Grüße, 東京 🙂":            "Grüße, 東京 🙂",
		"\x1b[31mred":            `\u001b[31mred`,
		"a\r\nb\tc":              `a\u000d\u000ab\u0009c`,
		"user\u202egnp.exe":      `user\u202egnp.exe`,
		"zero\u200bwidth\ufeff":  `zero\u200bwidth\ufeff`,
		"next\u2028line\u0085":   `next\u2028line\u0085`,
		"bad \xff utf8":          `bad \xff utf8`,
		"tag\U000e0041character": `tag\udb40\udc41character`,
	} {
		require.Equal(t, want, printable(in))
	}
}

func TestLogsPrintEscapes(t *testing.T) {
	var out bytes.Buffer
	for _, h := range []slog.Handler{
		slog.NewTextHandler(printableLines{&out}, nil),
		slog.NewJSONHandler(printableLines{&out}, nil),
	} {
		out.Reset()
		slog.New(h).Info("finding", slog.String("title", "a\u202eb\x1b[2J\n"))
		require.Equal(t, 1, strings.Count(out.String(), "\n"), "one line, one record")
		require.Contains(t, out.String(), `\u202e`)
		require.NotContains(t, out.String(), "\x1b")
		require.NotContains(t, out.String(), "\u202e")
	}
}
