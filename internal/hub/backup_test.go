package hub

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/store"
)

// Who may take everything away: the operator, and who was allowed to by a policy.
func TestBackupIsForFew(t *testing.T) {
	h, err := New(t.Context(), Config{Store: openEmbedded(t), Clock: time.Now})
	require.NoError(t, err)
	policy, err := iam.NewPolicy([]iam.Statement{{Effect: "Allow", Action: []string{"hubcap:Backup"}, Resource: []string{"*"}}})
	require.NoError(t, err)
	for _, c := range []struct {
		who iam.Principal
		may bool
	}{
		{iam.Principal{Account: "123456789012", Operator: true}, true},
		{iam.Principal{Account: "111122223333"}, false},
		{iam.Principal{Account: "111122223333", Verified: true}, false},
		{iam.Principal{Account: "111122223333", Verified: true, Policy: policy}, true}, // the edge has asked the policy
	} {
		var b bytes.Buffer
		err := h.Backup(t.Context(), &c.who, &BackupInput{}, &b)
		if c.may {
			require.NoError(t, err)
			require.NotZero(t, b.Len())
			continue
		}
		var refused *api.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, api.AccessDenied, refused.Code)
		require.Zero(t, b.Len(), "not a byte before the answer is known")
	}

	for _, s := range []store.Store{newMemStore(), store.Checked(newMemStore(), func(error) {})} {
		h, err = New(t.Context(), Config{Store: s, Clock: time.Now})
		require.NoError(t, err)
		var refused *api.Error
		require.ErrorAs(t, h.Backup(t.Context(), &iam.Principal{Operator: true}, &BackupInput{}, &bytes.Buffer{}), &refused)
		require.Equal(t, api.NotImplemented, refused.Code)
	}
}
