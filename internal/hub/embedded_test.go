package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hubcap/internal/store"
	"hubcap/internal/store/embedded"
)

func init() { engines["embedded"] = openEmbedded }

// openEmbedded opens the engine that hubcap ships, on files in memory, under the eye of the contract.
func openEmbedded(t *testing.T) store.Store {
	t.Helper()
	s, err := embedded.Open("data", embedded.Options{FS: embedded.NewMemory(), CacheSize: 8 << 20, MemTableSize: 4 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return store.Checked(s, func(err error) { t.Errorf("the engine broke its contract: %v", err) })
}
