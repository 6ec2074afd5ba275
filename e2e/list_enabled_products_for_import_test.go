package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListEnabledProductsForImport(t *testing.T) {
	c := serve(t).as(mine)
	require.NotContains(t, listEnabled(t, c), prowlerSubscription)
	enableProwler(t, c)
	require.Contains(t, listEnabled(t, c), prowlerSubscription)
	require.NotContains(t, listEnabled(t, serve(t).as(other)), prowlerSubscription)
}
