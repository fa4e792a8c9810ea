package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

func TestCancelPrintsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusConverting))
	w.refuse["POST /v1/uploads/"+otherID+"/cancel"] = problemOf(http.StatusConflict, "The upload cannot be canceled")
	got := orakRun(t.Context(), w.URL, "cancel", otherID, testID)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "cannot be canceled (409)")
	require.Equal(t, testID+" is being canceled; it is converting\n", got.out, "it continues after a failure")

	w = newWire(t, upload(orak.StatusCanceled))
	got = orakRun(t.Context(), w.URL, "cancel", testID, "--watch", "--reason", "by mistake")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, testID+" is canceled\n", got.out)
	require.Equal(t, []string{"POST /v1/uploads/" + testID + "/cancel"}, w.asked)
}

func TestCancelThatComesTooLateHasAnExitCode(t *testing.T) {
	t.Parallel()
	w := newWire(t, upload(orak.StatusCompleted))
	got := orakRun(t.Context(), w.URL, "cancel", testID, "--watch")
	require.Equal(t, exitNoResult, got.code, got.err)
	require.Equal(t, testID+" was not canceled; it is completed\n", got.out)
	require.Equal(t, exitUsage, orakRun(t.Context(), w.URL, "cancel", "x").code)
}
