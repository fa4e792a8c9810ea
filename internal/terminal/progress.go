package terminal

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress shows how far a counted work has come: a bar on a terminal, lines
// elsewhere, nothing with JSON. It is safe for concurrent use.
type Progress struct {
	Terminal *Terminal
	// Title stands before the bar.
	Title string
	// Bytes says that bytes are counted; by default it is things.
	Bytes bool
	// Line is what is written where no bar can be drawn: every 5 s and at the
	// end, or with Once the first time only.
	Line func(done, total int64) string
	Once bool

	mu      sync.Mutex
	bar     *progressbar.ProgressBar
	written time.Time
}

const (
	// lineEvery is how often a line is written where no bar can be drawn.
	lineEvery = 5 * time.Second
	// barRoom is what a bar needs beside its title and itself: share, count,
	// speed and time.
	barRoom = 52
)

// Set shows that done of total are done.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch t := p.Terminal; {
	case t.JSON:
	case t.Live:
		if p.bar == nil {
			p.bar = p.newBar(total)
		}
		// It writes to the terminal only; where that fails nobody can read.
		_ = p.bar.Set64(min(done, total))
	case p.written.IsZero(), !p.Once && (done == total || t.Now().Sub(p.written) >= lineEvery):
		p.written = t.Now()
		t.Tell("%s", p.Line(done, total))
	}
}

func (p *Progress) newBar(total int64) *progressbar.ProgressBar {
	t := p.Terminal
	room := t.Width - 1
	wide := room >= barRoom+20
	titleWidth, barWidth := room/3, max(room/4, 4)
	if wide {
		titleWidth, barWidth = (room-barRoom)/2, (room-barRoom)/2
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(t.Err),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: t.Marks.Full, SaucerPadding: t.Marks.Empty}),
		progressbar.OptionThrottle(65 * time.Millisecond),
		progressbar.OptionEnableColorCodes(false),
		progressbar.OptionSetDescription(Fit(p.Title, titleWidth)),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(wide),
		progressbar.OptionSetElapsedTime(wide),
	}
	switch {
	case !p.Bytes:
		options = append(options, progressbar.OptionShowCount())
	case wide:
		options = append(options, progressbar.OptionShowBytes(true))
	}
	return progressbar.NewOptions64(max(total, 1), options...)
}

// Clear removes the bar, so that other lines can be written; a further Set
// draws a new one.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.Terminal.eraseLine()
		p.bar = nil
	}
}
