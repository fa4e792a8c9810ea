// Package servers runs what orak needs beside itself, in this process and on
// loopback alone: a real Temporal server on SQLite with its Web UI, a Kafka
// broker and an S3 store.
//
//	DataDir/
//	  lock                held while a process uses the folder
//	  s3-credentials.json the store's own access key, mode 0600
//	  temporal/           SQLite database, WAL
//	  kafka/              topics, offsets and groups
//	  s3/objects          one folder per bucket (s3/meta where the file system has no extended attributes)
//	  logs/               what the servers have to say
//
// What is promised: whatever one of the servers has acknowledged survives a
// kill -9 of the process. What is not: surviving the loss of power, since
// neither the store nor the broker calls fsync for each write.
//
// There can be one Servers in a process, since the store's library serves
// from the process's working directory: Start changes it to a folder inside
// DataDir. Make every path absolute first.
package servers
