package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orak/test/stack"
)

// servers are those of a rehearsal.
type servers struct {
	stack.Servers
	// PIDs are the processes of the servers, by the service's name.
	PIDs    map[string]int
	Brokers []string
	// Roles are the commands of orak's roles, which the rehearsal does not run.
	Roles map[string]stack.Service
}

// roleNames are the services of docker-compose.yml that run orak.
var roleNames = []string{"api", "bridge", "worker", "worker-gpu"}

func isRole(name string) bool { return slices.Contains(roleNames, name) }

func readServers() (servers, error) {
	rehearsal, err := stack.OpenRehearsal()
	if err != nil {
		return servers{}, err
	}
	services, err := rehearsal.Services()
	if err != nil {
		return servers{}, err
	}
	s := servers{Servers: rehearsal.Servers(), PIDs: map[string]int{}, Roles: map[string]stack.Service{}}
	s.Brokers = strings.Split(s.Kafka, ",")
	for _, name := range slices.Sorted(maps.Keys(services)) {
		service := services[name]
		switch {
		case !isRole(name):
			if service.PID > 0 {
				s.PIDs[name] = service.PID
			}
		case service.PID > 0:
			return servers{}, fmt.Errorf("the rehearsal runs %s, which would take the uploads: leave orak's roles out (--except)", name)
		case len(service.Command) == 0:
			return servers{}, fmt.Errorf("the rehearsal does not say how %s is run", name)
		default:
			s.Roles[name] = service
		}
	}
	if len(s.Roles) != len(roleNames) {
		return servers{}, errors.New("the rehearsal does not have all roles of orak")
	}
	return s, nil
}
