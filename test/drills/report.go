package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"orak/test/accounts"
)

// report is what all drills came to.
type report struct {
	OK     bool        `json:"ok"`
	Drills []performed `json:"drills"`
}

// performed is one drill that was done.
type performed struct {
	Drill    string `json:"drill"`
	About    string `json:"about"`
	Promises string `json:"promises"`
	// Lacks says why it was left out.
	Lacks string `json:"left_out,omitempty"`
	figures
	OK bool `json:"ok"`
	// Wrong are the promises that did not hold, in words.
	Wrong   []string          `json:"wrong,omitempty"`
	Notes   []string          `json:"notes,omitempty"`
	Results []accounts.Result `json:"results,omitempty"`
}

// judge compares a drill with what it promises; broken is what its blow found.
func (p *performed) judge(d drill, broken error) {
	wrong := func(is bool, format string, args ...any) {
		if is {
			p.Wrong = append(p.Wrong, fmt.Sprintf(format, args...))
		}
	}
	wrong(broken != nil, "%v", broken)
	wrong(p.Lost > 0, "%d uploads are lost", p.Lost)
	wrong(p.Twice > 0, "%d uploads have two results", p.Twice)
	wrong(p.Refused > 0, "%d uploads were refused", p.Refused)
	wrong(p.Failed > 0 && !d.fails, "apps had to send again %d times", p.Failed)
	wrong(accounts.Broken(p.Results) > 0, "%d things are not right, such as %s", accounts.Broken(p.Results), accounts.Example(p.Results))
	p.OK = len(p.Wrong) == 0
}

// add adds a drill.
func (r *report) add(p performed) {
	r.Drills = append(r.Drills, p)
	r.OK = true
	for _, d := range r.Drills {
		r.OK = r.OK && (d.OK || d.Lacks != "")
	}
}

func (r report) print(w io.Writer) {
	if len(r.Drills) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\ndrill\tuploads\trefused\tsent again\tlost\ttwice\tgone\tsilence\tslowest\tp99 before\tp99 during\tusual\tblow\trecovered after\t")
	for _, d := range r.Drills {
		if d.Lacks != "" {
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f s\t%.2f s\t%.2f s\t%.2f s\t%.1f s\t%.1f s\t%.1f s\t\n", d.Drill, d.Uploads, d.Refused, d.Failed,
			d.Lost, d.Twice, d.Gone, d.Silence, d.Slowest, d.Before, d.During, d.Usual, d.Blow, d.Recovery)
	}
	_ = table.Flush() // it is standard output
	fmt.Fprintln(w)
	for _, d := range r.Drills {
		switch {
		case d.Lacks != "":
			fmt.Fprintf(w, "left out  %s: %s\n", d.Drill, d.Lacks)
		case d.OK:
			fmt.Fprintf(w, "ok        %s: %s\n", d.Drill, d.Promises)
		default:
			fmt.Fprintf(w, "FAIL      %s: %s\n", d.Drill, d.Promises)
		}
		for _, line := range append(d.Notes, d.Wrong...) {
			fmt.Fprintf(w, "            %s\n", line)
		}
		if !d.OK && d.Lacks == "" {
			accounts.Print(w, d.Results)
		}
	}
}

func (r report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
