package analysis

import "fmt"

// Config has the settings of the built-in engine. The zero value means the
// defaults.
type Config struct {
	// MinF0Hz and MaxF0Hz bound the search for the fundamental frequency, in Hz; 0 is
	// the default.
	MinF0Hz float64 `name:"min-f0-hz" help:"Lowest fundamental frequency of the search, in Hz, 50 to 500. 0 means 55 (A1, below a bass singer)." default:"55"`
	MaxF0Hz float64 `name:"max-f0-hz" help:"Highest fundamental frequency of the search, in Hz, up to 2000 and at least twice the lowest. 0 means 1760 (A6, above a soprano)." default:"1760"`
	Plain   bool    `help:"Use no vector instructions in a program that was built with them (GOEXPERIMENT=simd). The results are the same." default:"false"`
}

// The default range: A1 to A6, from below a bass to above a coloratura.
const (
	defaultMinF0 = 55.0
	defaultMaxF0 = 1760.0
)

// Validate reports the first setting that is out of its range.
func (c Config) Validate() error {
	c = c.withDefaults()
	if !(c.MinF0Hz >= 50 && c.MinF0Hz <= 500) {
		return fmt.Errorf("min-f0-hz: want 50 to 500, have %g", c.MinF0Hz)
	}
	if !(c.MaxF0Hz >= 2*c.MinF0Hz && c.MaxF0Hz <= 2000) {
		return fmt.Errorf("max-f0-hz: want %g (twice the lowest) to 2000, have %g", 2*c.MinF0Hz, c.MaxF0Hz)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.MinF0Hz == 0 {
		c.MinF0Hz = defaultMinF0
	}
	if c.MaxF0Hz == 0 {
		c.MaxF0Hz = defaultMaxF0
	}
	return c
}
