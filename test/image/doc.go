// Package image runs the commands of the built image as docker-compose.yml does:
// as the image's user, on a read-only root, without capabilities. runc runs them;
// they share this machine's network, since the servers of test/stack are on its
// loopback interface.
//
// `go tool task image` builds the image and names it in ORAK_IMAGE_ROOT, the
// folder of its files, and ORAK_IMAGE_CONFIG, what buildah says about it.
package image
