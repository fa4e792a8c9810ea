package rows

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orak/events"
	"orak/sinks/index"
)

const actColumns = "id, at, act, actor, tenant, subject, detail"

// PutAct returns the statement that adds an act. One that is there stays as it is.
func (d Dialect) PutAct() string {
	return "INSERT INTO acts (" + actColumns + ") VALUES (" + d.parameters(strings.Count(actColumns, ",")+1) + ") ON CONFLICT (id) DO NOTHING"
}

// ActValues returns the parameters of PutAct.
func ActValues(a events.Act) []any {
	return []any{a.ID, micros(a.At), a.Act, a.By, string(a.Tenant), a.Subject, a.Detail}
}

// Acts returns the statement of q, with one act more than a page has, and its parameters.
// Its columns are those of ScanAct. q is valid.
func (d Dialect) Acts(q index.ActQuery) (statement string, args []any, err error) {
	after, err := index.ParseActCursor(q.Cursor)
	if err != nil {
		return "", nil, err
	}
	c := &conditions{dialect: d}
	if q.Tenant != events.EveryTenant {
		c.add("tenant = ?", string(q.Tenant))
	}
	if q.Cursor != "" {
		c.add("(at, id) < (?, ?)", micros(after.At), after.ID)
	}
	c.beginsWith("actor", q.By, " (", "/")
	c.beginsWith("act", q.Act, ".")
	if q.Subject != "" {
		c.add("subject = ?", q.Subject)
	}
	if !q.From.IsZero() {
		c.add("at >= ?", micros(q.From))
	}
	if !q.To.IsZero() {
		c.add("at < ?", micros(q.To))
	}
	where := ""
	if len(c.terms) > 0 {
		where = " WHERE " + strings.Join(c.terms, " AND ")
	}
	return "SELECT " + actColumns + " FROM acts" + where + " ORDER BY at DESC, id DESC LIMIT " + strconv.Itoa(q.PageLimit()+1), c.args, nil
}

// beginsWith selects rows whose column is text, or text and more behind a separator.
func (c *conditions) beginsWith(column, text string, separators ...string) {
	if text == "" {
		return
	}
	term, args := column+" = ?", []any{text}
	for _, separator := range separators {
		head := text + separator
		term += " OR substr(" + column + ", 1, " + strconv.Itoa(utf8.RuneCountInString(head)) + ") = ?"
		args = append(args, head)
	}
	c.add("("+term+")", args...)
}

// PruneActs returns the statement that removes the oldest acts; its parameters are those of
// PruneActsValues.
func (d Dialect) PruneActs() string {
	return "DELETE FROM acts WHERE id IN (SELECT id FROM acts WHERE at < " + d.Parameter + "1 ORDER BY at, id LIMIT " + d.Parameter + "2" + d.SkipLocked + ")"
}

// PruneActsValues returns the parameters of PruneActs: acts before then, most at most.
func PruneActsValues(then time.Time, most int) []any { return []any{micros(then), most} }

// ScanAct reads an act.
func ScanAct(r Scanner) (a events.Act, err error) {
	var at int64
	err = r.Scan(&a.ID, &at, &a.Act, &a.By, &a.Tenant, &a.Subject, &a.Detail)
	a.At = timeOf(at)
	return a, err
}
