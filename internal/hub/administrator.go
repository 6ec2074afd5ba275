package hub

import "hubcap/internal/store"

// administratorOf is the account whose automation rules act on an account's findings in a Region: its administrator, or itself where
// it has none (D37).
func (h *Hub) administratorOf(_ store.StateView, account, _ string) string { return account }
