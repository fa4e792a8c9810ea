// Package uppy sends recordings with the AWS-S3 plugin of Uppy, from npm, to the whole
// service: what a web page's uploader does with direct uploads. `go tool task
// test:direct` installs Uppy and runs it.
package uppy
