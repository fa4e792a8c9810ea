// Package config reads settings into structs: from flags, from ORAK_…
// environment variables and from a YAML file, strictly.
//
//	--kafka-brokers=a,b            a flag
//	ORAK_KAFKA_BROKERS=a,b         the environment
//	kafka: {brokers: [a, b]}       the file named by --config or ORAK_CONFIG
//	.orak/orak.yaml                written by a standalone stack; read if no file is named
//	`default:"127.0.0.1:9092"`     the struct tag
//
// The first of these that names a setting wins. All names derive from the
// flag's, so a setting is described once: in the tag of its field. Any struct
// with kong's tags can be loaded; a package's Config is embedded with
// `embed:"" prefix:"kafka-"`.
//
// Nothing is ignored silently. An unknown key in the file and a value of the
// wrong type are errors that name the line and the nearest setting; an unknown
// ORAK_ variable causes a warning; the Validate methods of all embedded structs
// are called.
//
// Two tags add to kong's:
//
//   - `secret:""` refuses the value as an argument, where every user of the
//     machine can read it. The variable NAME_FILE names a file to read it from,
//     for secrets that are mounted into containers. `secret:"private"` refuses a file
//     that others may read.
//   - `env:"-"` makes a flag that is set on the command line only: there is no
//     variable and no key in the file for it.
package config
