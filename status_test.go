package orak_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

func TestAddMarkKeepsTheFirstAndTheLatest(t *testing.T) {
	t.Parallel()
	var marks []orak.Mark
	for n := range 10 {
		before := marks
		marks = orak.AddMark(marks, orak.Mark{Attempt: n}, 4)
		require.Len(t, before, min(n, 4), "the argument is not changed")
		require.Equal(t, n, marks[len(marks)-1].Attempt)
		require.Zero(t, marks[0].Attempt)
	}
	require.Equal(t, []orak.Mark{{Attempt: 0}, {Attempt: 7}, {Attempt: 8}, {Attempt: 9}}, marks)
}

func TestFaultErrorJoinsMessageAndDetail(t *testing.T) {
	t.Parallel()
	f := &orak.Fault{Message: "The conversion was interrupted.", Err: errors.New("signal: killed")}
	require.Equal(t, "The conversion was interrupted: signal: killed", f.Error())
	f.Err = nil
	require.Equal(t, "The conversion was interrupted.", f.Error())
}
