package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// translation turns what a service would see in its container into what it sees as a
// process.
type translation struct {
	own   string            // the service's address
	hosts map[string]string // address of each service by its name
	paths map[string]string // folder or file of this machine by its path in the container

	named *regexp.Regexp // a host of the network before a port
}

// hostVariable matches variables whose whole value is a host name. Elsewhere a word
// that is also a service's name is only a word, such as the user "temporal".
var hostVariable = regexp.MustCompile(`(SEEDS|HOST)$`)

// newTranslation prepares the translation for the service with the address own.
func newTranslation(own string, hosts, paths map[string]string) translation {
	names := []string{"localhost"}
	for name := range hosts {
		names = append(names, regexp.QuoteMeta(name))
	}
	// The longest first, since a name may begin with another.
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	return translation{
		own: own, hosts: hosts, paths: paths,
		named: regexp.MustCompile(`(^|[^\w.-])(` + strings.Join(names, "|") + `)(:[0-9])`),
	}
}

// variable translates the value of an environment variable.
func (t translation) variable(name, value string) string {
	if address, ok := t.hosts[value]; ok && hostVariable.MatchString(name) {
		return address
	}
	return t.text(value)
}

// text translates a value, or an argument of a command: host names before a port,
// addresses and empty hosts to listen on, and paths.
func (t translation) text(value string) string {
	if path, ok := t.path(value); ok {
		return path
	}
	value = t.named.ReplaceAllStringFunc(value, func(found string) string {
		parts := t.named.FindStringSubmatch(found)
		return parts[1] + t.address(parts[2]) + parts[3]
	})
	value = strings.ReplaceAll(value, "0.0.0.0", t.own)
	value = strings.ReplaceAll(value, "://:", "://"+t.own+":")
	if strings.HasPrefix(value, ":") {
		value = t.own + value
	}
	return value
}

// check translates an argument of a health check, in which 127.0.0.1 is the container.
// In other places it is the machine: the address of a published port.
func (t translation) check(value string) string {
	return t.text(strings.NewReplacer("127.0.0.1", t.own, "localhost", t.own).Replace(value))
}

func (t translation) address(name string) string {
	if address, ok := t.hosts[name]; ok {
		return address
	}
	return t.own // localhost
}

// path translates a path at or below a mount; the innermost mount wins.
func (t translation) path(value string) (string, bool) {
	mounts := slices.Sorted(maps.Keys(t.paths))
	slices.Reverse(mounts)
	for _, mount := range mounts {
		if value == mount {
			return t.paths[mount], true
		}
		if rest, ok := strings.CutPrefix(value, mount+"/"); ok {
			return t.paths[mount] + "/" + rest, true
		}
	}
	return "", false
}
