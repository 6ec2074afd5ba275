package hub

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Organization is the accounts of an organisation as the configuration names them (D36). The zero value of a unit or an account's OU is
// the root.
type Organization struct {
	ManagementAccount string
	Root              string // id of the root; "r-root" when empty
	Units             []OrganizationUnit
	Accounts          []OrganizationAccount
}

// OrganizationUnit is an organisational unit.
type OrganizationUnit struct {
	ID     string
	Name   string
	Parent string // id of a unit; "": the root
}

// OrganizationAccount is an account of the organisation.
type OrganizationAccount struct {
	ID        string // 12 digits
	Name      string // AwsAccountName in findings
	Email     string
	OU        string // id of a unit; "": the root
	Suspended bool
}

// Check tells what is wrong with an organisation: accounts that are none or stand twice, units without a place.
func (o *Organization) Check() error {
	_, err := newOrganization(o)
	return err
}

// organization is an Organization to ask. nil is none: of it everything is unknown.
type organization struct {
	management string
	root       string
	units      map[string]OrganizationUnit
	accounts   map[string]OrganizationAccount
}

// defaultRoot is the id of a root that the configuration does not name.
const defaultRoot = "r-root"

// newOrganization checks an organisation. A unit that accounts name and nobody describes lies in the root under its id.
func newOrganization(o *Organization) (*organization, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // none is an organisation too: nobody's
	}
	if !isAccount(o.ManagementAccount) {
		return nil, fmt.Errorf("management account %q is no account of 12 digits", o.ManagementAccount)
	}
	org := &organization{
		management: o.ManagementAccount, root: o.Root,
		units: map[string]OrganizationUnit{}, accounts: map[string]OrganizationAccount{},
	}
	if org.root == "" {
		org.root = defaultRoot
	}
	for _, u := range o.Units {
		if _, twice := org.units[u.ID]; twice || u.ID == "" || u.ID == org.root {
			return nil, fmt.Errorf("unit %q: its id is empty or stands twice", u.ID)
		}
		org.units[u.ID] = u
	}
	for _, a := range o.Accounts {
		if !isAccount(a.ID) {
			return nil, fmt.Errorf("account %q is no account of 12 digits", a.ID)
		}
		if _, twice := org.accounts[a.ID]; twice {
			return nil, fmt.Errorf("account %s stands twice", a.ID)
		}
		if a.OU == org.root {
			a.OU = ""
		}
		if _, known := org.units[a.OU]; !known && a.OU != "" {
			org.units[a.OU] = OrganizationUnit{ID: a.OU, Name: a.OU}
		}
		org.accounts[a.ID] = a
	}
	if _, listed := org.accounts[org.management]; !listed {
		org.accounts[org.management] = OrganizationAccount{ID: org.management}
	}
	if org.accounts[org.management].Suspended {
		return nil, errors.New("the management account cannot be suspended")
	}
	return org, org.checkUnits()
}

// checkUnits refuses units whose parents are unknown or lead in a circle.
func (o *organization) checkUnits() error {
	for _, id := range slices.Sorted(maps.Keys(o.units)) {
		u := o.units[id]
		for steps := 0; u.Parent != "" && u.Parent != o.root; steps++ {
			parent, known := o.units[u.Parent]
			if !known {
				return fmt.Errorf("unit %s: its parent %q is no unit", u.ID, u.Parent)
			}
			if steps > len(o.units) {
				return fmt.Errorf("unit %s: its parents lead back to itself", id)
			}
			u = parent
		}
	}
	return nil
}

// has tells whether an account belongs to the organisation.
func (o *organization) has(account string) bool {
	if o == nil {
		return false
	}
	_, ok := o.accounts[account]
	return ok
}

// name is what an account is called, "" where nobody says.
func (o *organization) name(account string) string {
	if o == nil {
		return ""
	}
	return o.accounts[account].Name
}

// suspended tells whether an account was suspended in the organisation.
func (o *organization) suspended(account string) bool {
	return o != nil && o.accounts[account].Suspended
}
