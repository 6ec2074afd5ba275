package hub

import (
	"strings"

	"hubcap/internal/store"
)

// OwnsSpool tells whether a spool belongs to a job that the store knows: for those who look a store over.
func OwnsSpool(st store.StateView, spool string) bool {
	rest, ok := strings.CutPrefix(spool, recordJob)
	if !ok {
		return false
	}
	id, _, _ := strings.Cut(rest, "/")
	_, ok = st.Get(jobAccount, recordJob+id)
	return ok
}
