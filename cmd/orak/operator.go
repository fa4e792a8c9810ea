package main

import (
	"errors"

	"orak/api/resource"
	"orak/client"
)

// operator are the flags of the commands that an operator may give for every
// tenant at once.
type operator struct {
	remote

	AllTenants bool `env:"-" group:"Server" help:"The dead letters of every tenant, in place of one's; the server takes it where it was started with --api-all-tenants."`
}

// open is remote's, for every tenant where that is asked for.
func (o *operator) open(con *console) (*client.Client, error) {
	cl, err := o.remote.open(con)
	if err != nil || !o.AllTenants {
		return cl, err
	}
	if con.repeats("tenant") {
		return nil, usageError{errors.New("--tenant and --all-tenants exclude one another")}
	}
	o.everyTenant = true
	return cl.As(resource.EveryTenant), nil
}
