// Package servers runs the servers that orak needs, in this process and only on
// loopback: a real Temporal server on SQLite with its Web UI, a Kafka
// broker and an S3 store.
//
//	DataDir/
//	  lock                held while a process uses the folder
//	  s3-credentials.json the store's own access key, mode 0600
//	  temporal/           SQLite database, WAL
//	  kafka/              topics, offsets and groups
//	  s3/objects          one folder per bucket (s3/meta if the file system has no extended attributes)
//	  logs/               the servers' log
//
// Everything that a server has acknowledged survives a kill -9 of the process. It
// may not survive a loss of power, since neither the store nor the broker calls
// fsync for each write.
//
// A process can have only one Servers, since the store's library serves from the
// process's working directory: Start changes it to a folder inside DataDir. Make
// every path absolute first.
package servers
