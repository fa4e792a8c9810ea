// Package config reads settings into structs: from flags, from ORAK_…
// environment variables and from a YAML file, strictly.
//
//	--kafka-brokers=a,b            a flag
//	ORAK_KAFKA_BROKERS=a,b         the environment
//	kafka: {brokers: [a, b]}       the file named by --config or ORAK_CONFIG
//	.orak/orak.yaml                what a standalone stack left, where no file is named
//	`default:"127.0.0.1:9092"`     the struct tag
//
// The first of these that names a setting wins. All names follow from one, the
// flag's, so that a setting is described once: in the tag of its field. Any
// struct with kong's tags will do; a package's Config is embedded with
// `embed:"" prefix:"kafka-"`.
//
// Nothing is ignored in silence. A file with a key that no setting has, or
// with a value of the wrong type, is an error that names the line and the
// nearest setting; an ORAK_ variable that nobody reads gives a warning; every
// Validate method of the embedded structs is called.
//
// Two tags add to kong's:
//
//   - `secret:""` refuses the value as an argument, where every user of the
//     machine can read it. The variable with _FILE behind its name holds the
//     path of a file to read it from, as containers are given their secrets.
//   - `env:"-"` makes a flag belong to one call: no variable and no key of the
//     file has it.
package config
