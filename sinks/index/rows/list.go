package rows

import (
	"strconv"
	"strings"

	"orak/sinks/index"
)

// conditions collects those of a statement and their parameters.
type conditions struct {
	dialect Dialect
	terms   []string
	args    []any
}

// add adds a condition in which each ? stands for the next of args.
func (c *conditions) add(term string, args ...any) {
	for _, a := range args {
		c.args = append(c.args, a)
		term = strings.Replace(term, "?", "\x00"+strconv.Itoa(len(c.args)), 1)
	}
	c.terms = append(c.terms, strings.ReplaceAll(term, "\x00", c.dialect.Parameter))
}

// List returns the statement of q, with one row more than a page has, and its
// parameters. Its columns are Selected. q is valid.
func (d Dialect) List(q index.Query) (statement string, args []any, err error) {
	after, err := index.ParseCursor(q.Cursor)
	if err != nil {
		return "", nil, err
	}
	c := &conditions{dialect: d}
	// The indexes are of those that are not erased.
	c.add("tenant = ? AND status <> 'erased'", string(q.Tenant))
	if q.Cursor != "" {
		c.add("(received_at, id) < (?, ?)", micros(after.ReceivedAt), string(after.ID))
	}
	c.addRecording(q)
	c.addVoice(q)
	return "SELECT " + Selected + " FROM uploads WHERE " + strings.Join(c.terms, " AND ") +
		" ORDER BY received_at DESC, id DESC LIMIT " + strconv.Itoa(q.PageLimit()+1), c.args, nil
}

func (c *conditions) addRecording(q index.Query) {
	if q.Owner != "" {
		c.add("owner = ? AND owner <> ''", q.Owner)
	}
	if q.Kind != nil {
		c.add("kind = ?", string(*q.Kind))
	}
	switch len(q.Statuses) {
	case 0:
	case 1:
		c.add("status = ?", string(q.Statuses[0]))
	default:
		args := make([]any, len(q.Statuses))
		for i, s := range q.Statuses {
			args[i] = string(s)
		}
		c.add("status IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	if !q.From.IsZero() {
		c.add("received_at >= ?", micros(q.From))
	}
	if !q.To.IsZero() {
		c.add("received_at < ?", micros(q.To))
	}
	if q.Text != "" {
		c.add(c.dialect.Contains+"(filename_folded, ?) > 0", Fold(q.Text))
	}
}

func (c *conditions) addVoice(q index.Query) {
	before := len(c.terms)
	if q.Tonic != "" {
		c.add("key_tonic = ?", q.Tonic)
	}
	if q.Mode != "" {
		c.add("key_mode = ?", q.Mode)
	}
	c.between("tempo_bpm", q.Tempo)
	c.between("duration_s", q.Duration)
	if q.Sings.Min > 0 {
		c.add("low_hz > 0 AND low_hz <= ?", q.Sings.Min)
	}
	if q.Sings.Max > 0 {
		c.add("high_hz >= ?", q.Sings.Max)
	}
	if len(c.terms) > before {
		c.add("analyzed = 1")
	}
}

func (c *conditions) between(column string, r index.Range) {
	if r.Min > 0 {
		c.add(column+" >= ?", r.Min)
	}
	if r.Max > 0 {
		c.add(column+" <= ?", r.Max)
	}
}
