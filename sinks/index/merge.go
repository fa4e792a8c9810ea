package index

import (
	"cmp"
	"slices"

	"orak"
)

// Last merges the rows of each upload, which are in the order of their events, into
// one, and returns them in the order of ids.
func Last(rows []Upload) []Upload {
	type key struct {
		tenant orak.Tenant
		id     orak.UploadID
	}
	merged := make(map[key]Upload, len(rows))
	for _, u := range rows {
		k := key{u.Tenant, u.ID}
		if before, ok := merged[k]; ok {
			u = before.Merge(u)
		}
		merged[k] = u
	}
	last := make([]Upload, 0, len(merged))
	for _, u := range merged {
		last = append(last, u)
	}
	slices.SortFunc(last, func(a, b Upload) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Tenant, b.Tenant))
	})
	return last
}
