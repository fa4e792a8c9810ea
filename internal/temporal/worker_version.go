package temporal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"sync"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// WorkerVersion says which version a worker is of. Its flags have their full names: embed
// it without a prefix.
type WorkerVersion struct {
	Deployment string `name:"worker-deployment" help:"Name of the Worker Deployment of the roles worker and webhooks, the same for all of them: tasks then go to the build that an operator has made current (orak worker version). Letters, digits, dashes and underscores. Empty: no versions, and any worker takes any task." default:""`
	BuildID    string `name:"worker-build-id" help:"Build id of this process in its worker-deployment. Builds that differ must not share one. Letters, digits, dots, dashes, underscores and plus signs. Empty: the program's own, which is its commit, or a digest of its file if it was built from changed files." default:""`
}

// The names that Temporal accepts, and some less: those that need no escaping in queries,
// logs and settings. A deployment's must not contain a dot.
var (
	deploymentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)
	buildID        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
)

// Validate returns an error for the first setting that cannot work.
func (v WorkerVersion) Validate() error {
	switch {
	case v.Deployment != "" && !deploymentName.MatchString(v.Deployment):
		return fmt.Errorf("worker-deployment %q: want at most 128 letters, digits, dashes and underscores", v.Deployment)
	case v.BuildID != "":
		return ValidateBuildID(v.BuildID)
	default:
		return nil
	}
}

// ValidateBuildID returns an error unless id can be the build id of a worker.
func ValidateBuildID(id string) error {
	if !buildID.MatchString(id) {
		return fmt.Errorf("worker-build-id %q: want at most 128 letters, digits, dots, dashes, underscores and plus signs", id)
	}
	return nil
}

// Versioned reports whether the worker belongs to a deployment.
func (v WorkerVersion) Versioned() bool { return v.Deployment != "" }

// Build returns the build id: the setting, or the program's own.
func (v WorkerVersion) Build() (string, error) {
	if v.BuildID != "" {
		return v.BuildID, nil
	}
	return programBuild()
}

// Options returns how the SDK is to version a worker. Without a deployment they are zero:
// it is not. Each workflow goes on with the current version at its next task: an upload
// may be parked for days, and must not need the workers that it began with.
func (v WorkerVersion) Options() (worker.DeploymentOptions, error) {
	if !v.Versioned() {
		return worker.DeploymentOptions{}, nil
	}
	build, err := v.Build()
	if err != nil {
		return worker.DeploymentOptions{}, err
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: v.Deployment, BuildID: build},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}, nil
}

// shownDigits is the length of a commit or a digest in a build id.
const shownDigits = 12

// programBuild identifies this program: by its commit, or by a digest of its file if that
// does not tell what was built.
var programBuild = sync.OnceValues(func() (string, error) {
	if commit := cleanCommit(); len(commit) >= shownDigits {
		return commit[:shownDigits], nil
	}
	digest, err := digestOfProgram()
	if err != nil {
		return "", fmt.Errorf("finding the build id of this program (worker-build-id sets one): %w", err)
	}
	return "sha256-" + digest[:shownDigits], nil
})

// cleanCommit returns the commit from which this program was built without changes, or "".
func cleanCommit() (commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value != "false":
			return ""
		}
	}
	return commit
}

func digestOfProgram() (string, error) {
	// The file may have been replaced since the program began; Linux has it still.
	file, err := os.Open("/proc/self/exe")
	if errors.Is(err, os.ErrNotExist) {
		var path string
		if path, err = os.Executable(); err != nil {
			return "", err
		}
		file, err = os.Open(path)
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
