package nearest

import (
	"github.com/viterin/vek/vek32"

	"orak"
)

// Matrix holds the vectors of one set in memory. It is not safe for concurrent
// changes.
type Matrix struct {
	dimensions int
	ids        []orak.UploadID
	// units are the vectors, each of length 1, one after the other.
	units []float32
	place map[orak.UploadID]int
}

// NewMatrix makes an empty Matrix of vectors with that many dimensions.
func NewMatrix(dimensions int) *Matrix {
	return &Matrix{dimensions: dimensions, place: make(map[orak.UploadID]int)}
}

// overhead is what a vector takes beside its values, in bytes: its id, twice
// referenced, and its place.
const overhead = 160

// Bytes returns about how much memory a Matrix of n such vectors takes.
func Bytes(n, dimensions int) int64 { return int64(n) * int64(4*dimensions+overhead) }

// Bytes returns about how much memory m takes.
func (m *Matrix) Bytes() int64 { return Bytes(len(m.ids), m.dimensions) }

// Len returns the number of vectors.
func (m *Matrix) Len() int { return len(m.ids) }

// Put adds a vector, or replaces that of the same id. One of other dimensions cannot
// be compared with the others, and removes that of the same id.
func (m *Matrix) Put(id orak.UploadID, values []float32) {
	if len(values) != m.dimensions || !(norm(values) > 0) {
		m.Remove(id)
		return
	}
	unit := Unit(values)
	if i, ok := m.place[id]; ok {
		copy(m.row(i), unit)
		return
	}
	m.place[id] = len(m.ids)
	m.ids = append(m.ids, id)
	m.units = append(m.units, unit...)
}

// Entry is an upload and the set that it is in now.
type Entry struct {
	Set Set
	ID  orak.UploadID
	// Values is nil if the upload has no vector, or none any more.
	Values []float32
}

// Follow puts an entry into m, which holds the set of that name, or removes it from m
// if it is in another set or has no vector. Another tenant may have the same id, and
// changes nothing.
func (m *Matrix) Follow(of Set, e Entry) {
	if e.Set.Tenant != of.Tenant {
		return
	}
	if e.Set != of || e.Values == nil {
		m.Remove(e.ID)
		return
	}
	m.Put(e.ID, e.Values)
}

// Remove removes a vector, if there is one.
func (m *Matrix) Remove(id orak.UploadID) {
	i, ok := m.place[id]
	if !ok {
		return
	}
	last := len(m.ids) - 1
	copy(m.row(i), m.row(last))
	m.ids[i] = m.ids[last]
	m.place[m.ids[i]] = i
	m.ids[last] = ""
	m.ids, m.units = m.ids[:last], m.units[:last*m.dimensions]
	delete(m.place, id)
}

func (m *Matrix) row(i int) []float32 { return m.units[i*m.dimensions : (i+1)*m.dimensions] }

// Search returns the k vectors nearest to query, except skip.
func (m *Matrix) Search(query []float32, k int, skip orak.UploadID) []Hit {
	top := NewTop(query, k, skip)
	if len(query) != m.dimensions {
		return nil
	}
	for i, id := range m.ids {
		top.add(Hit{ID: id, Similarity: float64(vek32.Dot(top.query, m.row(i)))})
	}
	return top.Hits()
}
